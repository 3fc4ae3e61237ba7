//! The ordered list of checks. One line a check; what each means stands in its own file.

mod agent_platform;
mod answerer;
mod api;
mod exchange;
pub mod front_end;
mod handshake;
mod inbound;
mod instance;
mod interception;
mod knowledge;
mod network;
pub mod requirement;
mod serves;
mod synchronization;
mod vendors;

use crate::check::Check;
use crate::check::Feature;
use crate::subject::place::Place;
pub use inbound::hop::{Fares, Hop, between};

/// The check that samples Cloudflare's ranges: the only one that runs on request alone.
pub const CLOUDFLARE_RANGES: &str = network::ranges::ID;

/// The check that runs GitLab's own health check, which sends one completion.
pub const GITLAB_CHECK: &str = "gitlab-check";

/// Every check, in the order of the contract, section 5.
pub static CHECKS: &[&Check] = &[
    &instance::gitlab::GITLAB,
    &instance::gitlab::EDITION,
    &instance::gitlab::VERSION,
    &instance::token::TOKEN,
    &instance::rails::RAILS,
    &instance::logs::LOGS,
    &instance::modes::SILENT_MODE,
    &instance::modes::MAINTENANCE_MODE,
    &instance::duo::DUO_SETTINGS,
    &instance::proxy_config::PROXY_CONFIG,
    &instance::filter::OUTBOUND_FILTER,
    &instance::clock::CLOCK,
    &instance::duo::COMPOSITE_IDENTITY,
    &network::dns::DNS,
    &network::addresses::ADDRESSES,
    &network::addresses::ADDRESS_RANGE,
    &network::tcp::TCP,
    &network::proxy::PROXY,
    &network::tls::TLS,
    &network::http::HTTP,
    &network::latency::LATENCY,
    &agent_platform::outbound_idle::OUTBOUND_IDLE,
    &network::ranges::CLOUDFLARE_RANGES,
    &inbound::reach::REACH,
    &inbound::certificate::CERTIFICATE,
    &inbound::certificate::HTTP2,
    &inbound::health::HEALTH,
    &inbound::cable::CABLE_CHECK,
    &inbound::pings::PINGS,
    &inbound::workflow_socket::WORKFLOW_SOCKET,
    &inbound::body_limit::BODY_LIMIT,
    &inbound::streaming::STREAMING,
    &synchronization::licence::LICENCE,
    &synchronization::access::SYNC,
    &synchronization::access::ACCESS_DATA,
    &synchronization::access::ACCESS_TOKEN,
    &synchronization::add_ons::ADD_ONS,
    &synchronization::add_ons::SEATS,
    &synchronization::sidekiq::SIDEKIQ,
    &exchange::gateway::GATEWAY,
    &exchange::headers::HEADERS,
    &exchange::direct_access::DIRECT_ACCESS,
    &exchange::gitlab_check::CHECK,
    &exchange::completion::COMPLETION,
    &agent_platform::workflow::WORKFLOW,
    &agent_platform::http2_kept::HTTP2_KEPT,
];

/// The features that a check serves at a place; none for a check that this version does not have.
pub fn serves(check: &str, place: Place) -> &'static [Feature] {
    CHECKS.iter().find(|c| c.id == check).map_or(&[], |c| (c.serves)(place))
}

#[cfg(test)]
mod tests {
    use super::requirement::UNNEEDED;
    use super::*;
    use crate::check::By;
    use crate::check::Group;
    use crate::finding::Code;
    use crate::subject::place::Endpoint;

    #[test]
    fn ids_are_unique_and_no_groups_name() {
        let mut ids: Vec<_> = CHECKS.iter().map(|c| c.id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), CHECKS.len());
        assert!(ids.iter().all(|id| Group::ALL.iter().all(|g| g.as_str() != *id)));
    }

    #[test]
    fn every_need_is_a_check() {
        for check in CHECKS {
            assert!(check.needs.iter().all(|n| CHECKS.iter().any(|c| c.id == *n)), "{}", check.id);
        }
    }

    #[test]
    fn every_proof_of_a_feature_is_a_check_that_serves_it_there() {
        for feature in Feature::ALL {
            for proof in feature.proofs() {
                let places: Vec<Place> = match proof.by {
                    By::Stack(stack) => Endpoint::ALL.iter().map(|e| Place::Way(*e, stack)).collect(),
                    By::Door(door) => vec![Place::Door(door)],
                };
                let is_served = places.iter().any(|p| super::serves(proof.check, *p).contains(&feature));
                assert!(is_served, "{} proves nothing of {}", proof.check, feature.title());
            }
        }
    }

    #[test]
    fn every_code_can_be_found_by_a_check() {
        for code in Code::ALL {
            let is_found = CHECKS.iter().any(|c| c.codes.contains(code)) || *code == UNNEEDED;
            assert!(is_found, "nobody finds {code}");
        }
    }
}
