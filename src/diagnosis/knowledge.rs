//! Which findings about what GitLab knows explain which others: modes and settings stop the synchronisation, the
//! synchronisation brings the token, the token opens the gateway.

use super::At;
use crate::check::Group;
use crate::finding::{Code, Severity};
use crate::subject::place::{Endpoint, Place};

/// What is missing or old once nothing is fetched from the portal any more.
const NOT_FETCHED: &[Code] = &[
    Code::SyncNever,
    Code::SyncStale,
    Code::SyncLate,
    Code::SeatLinkStale,
    Code::AccessTokenMissing,
    Code::AccessTokenExpired,
    Code::AddOnMissing,
];

/// What the gateway, and who asks it, says where something before it is wrong.
const NOT_SERVED: &[Code] = &[
    Code::GatewayRejectsInstance,
    Code::GatewayFailed,
    Code::WorkhorseEgressBroken,
    Code::WorkflowUnauthenticated,
    Code::ExchangeSlow,
    Code::GitlabCheckFailed,
    Code::GitlabCheckDoubtful,
    Code::CompletionEmpty,
];

/// Faults with what follows from them, wherever both show.
const TABLE: &[(&[Code], &[&[Code]])] = &[
    // Nothing that changes something elsewhere leaves Rails.
    (&[Code::SilentModeOn], &[NOT_FETCHED, NOT_SERVED]),
    (&[Code::OutboundFilterBlocks], &[NOT_FETCHED, NOT_SERVED, &[Code::DnsRebindingBehindProxy]]),
    (&[Code::MaintenanceModeOn], &[NOT_SERVED]),
    // Who may not use Duo is refused.
    (&[Code::DuoOff], &[&[Code::TokenUserWithoutDuo, Code::DuoCoreOff, Code::GitlabCheckFailed]]),
    (&[Code::DuoCoreOff, Code::AddOnMissing], &[&[Code::TokenUserWithoutDuo]]),
    (&[Code::AddOnMissing], &[&[Code::NotEntitled, Code::GitlabCheckFailed]]),
    // Without a licence that synchronises the portal gives nothing.
    (
        &[
            Code::LicenseMissing,
            Code::LicenseLegacy,
            Code::LicenseOffline,
            Code::LicenseExpired,
            Code::LicenseWithoutEnd,
            Code::LicensePlanTooLow,
        ],
        &[NOT_FETCHED, NOT_SERVED, &[Code::TokenUserWithoutDuo, Code::NotEntitled, Code::SeatsUnassigned]],
    ),
    // Its jobs fetch it all.
    (&[Code::SidekiqDown], &[NOT_FETCHED, NOT_SERVED, &[Code::SidekiqQueueUnserved, Code::SidekiqBacklog]]),
    // What was never fetched, or is too old, brings no token and no add-on.
    (
        &[Code::SyncNever, Code::SyncStale],
        &[
            &[
                Code::SyncLate,
                Code::SeatLinkStale,
                Code::AccessTokenMissing,
                Code::AccessTokenExpired,
                Code::AddOnMissing,
                Code::TokenUserWithoutDuo,
            ],
            NOT_SERVED,
        ],
    ),
    // A token that is none opens nothing.
    (
        &[
            Code::AccessTokenMissing,
            Code::AccessTokenExpired,
            Code::AccessTokenInvalid,
            Code::AccessTokenUndecryptable,
        ],
        &[NOT_SERVED],
    ),
    (&[Code::AccessTokenUndecryptable], &[&[Code::AccessTokenInvalid]]),
    (&[Code::InstanceMismatch, Code::SelfSignedTokensSet, Code::GatewayClockSkew], &[NOT_SERVED]),
    (&[Code::GatewayWithoutKeys], &[NOT_SERVED]),
    // Headers that get lost look like a wrong token, or one of another instance.
    (&[Code::AuthHeaderStripped, Code::GitlabHeaderStripped], &[NOT_SERVED, &[Code::InstanceMismatch]]),
    // By a clock that is wrong everything is too old.
    (
        &[Code::ClockSkew],
        &[
            &[Code::LicenseExpired, Code::LicenseInGrace, Code::LicenseExpiresSoon],
            &[Code::SyncStale, Code::SyncLate, Code::SeatLinkStale, Code::AccessTokenExpired],
        ],
    ),
    // GitLab's own check does not tell the two apart where it says little of the licence.
    (&[Code::LicenseOffline], &[&[Code::LicenseLegacy]]),
    // It is given up for the same reason.
    (&[Code::GatewayFailed, Code::RateLimited], &[&[Code::ExchangeSlow]]),
    // A token that the API refuses is refused by the WebSocket too.
    (&[Code::TokenRejected], &[&[Code::WebsocketUnauthorized]]),
    (&[Code::TokenScopeMissing], &[&[Code::WebsocketUnauthorized]]),
    // The same question to the service, put by GitLab itself.
    (
        &[Code::WorkflowUnreachable, Code::GrpcUnavailable, Code::Http2Downgraded],
        &[&[Code::GitlabCheckFailed]],
    ),
    // Where flows may not run, nobody misses a runner.
    (&[Code::FlowsDisabled], &[&[Code::RunnerMissing]]),
];

/// Whether one finding is the consequence of another, by what GitLab knows.
pub(super) fn explains(cause: &At, effect: &At) -> bool {
    let (code, follows) = (cause.finding.code, effect.finding.code);
    let listed = TABLE
        .iter()
        .any(|(causes, effects)| causes.contains(&code) && effects.iter().any(|all| all.contains(&follows)));
    listed
        || is_the_same_seen_twice(cause, effect)
        || is_told_again(cause, effect)
        || is_cut_off(cause, effect)
        || is_late(cause, effect)
}

/// Codes that say what was said and not what is wrong: two of them need not be one fault.
const SAYINGS: [Code; 2] = [Code::GitlabCheckFailed, Code::GitlabCheckDoubtful];

/// Whether a test of the whole exchange met what is found on the way to the gateway or the service, too.
fn is_told_again(cause: &At, effect: &At) -> bool {
    let on_the_way = cause.place.endpoint().is_some_and(|endpoint| endpoint != Endpoint::Customers);
    effect.place == Place::Instance
        && on_the_way
        && !SAYINGS.contains(&effect.finding.code)
        && cause.finding.is_same_fault(effect.finding)
}

/// Whether a slow way to the gateway explains that GitLab's own test gives up after 3 s.
fn is_late(cause: &At, effect: &At) -> bool {
    matches!(cause.place.endpoint(), Some(Endpoint::Cloud | Endpoint::Gateway))
        && matches!(cause.finding.code, Code::LatencyHigh | Code::PacketLossSuspected)
        && effect.finding.code == Code::ExchangeSlow
}

/// Whether the same fault shows in two checks of the instance.
fn is_the_same_seen_twice(cause: &At, effect: &At) -> bool {
    cause.place == Place::Instance
        && effect.place == Place::Instance
        && cause.finding.code == effect.finding.code
        && cause.step < effect.step
}

/// Whether a way out that is broken explains what GitLab lacks: from the portal it fetches, the gateway it asks.
fn is_cut_off(cause: &At, effect: &At) -> bool {
    if cause.finding.code.severity() != Severity::Fail {
        return false;
    }
    let follows = effect.finding.code;
    let from_portal = NOT_FETCHED.contains(&follows);
    let from_gateway = NOT_SERVED.contains(&follows);
    match cause.place {
        Place::Way(endpoint, _) | Place::Endpoint(endpoint) if cause.group == Group::Network => {
            match endpoint {
                Endpoint::Customers => from_portal || follows == Code::GitlabCheckFailed,
                Endpoint::Cloud | Endpoint::Gateway => from_gateway,
                Endpoint::Workflow | Endpoint::Instance => false,
            }
        }
        // A component without its proxy, a store without the root, a filter: they stand before both.
        Place::Node | Place::Stack(_) if is_before_every_way(cause.finding.code) => {
            from_portal || from_gateway
        }
        Place::Node
        | Place::Instance
        | Place::Stack(_)
        | Place::Door(_)
        | Place::Way(..)
        | Place::Endpoint(_) => false,
    }
}

fn is_before_every_way(code: Code) -> bool {
    [
        Code::ProxyMissingInRails,
        Code::ProxyMissingInWorkhorse,
        Code::ProxyVariableIgnored,
        Code::NoProxyBypassesDuo,
        Code::ProxyUrlInvalid,
        Code::AddressBlockedByFilter,
        Code::CaMissingInRails,
    ]
    .contains(&code)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::{Args, Finding};

    const PORTAL: Place = Place::Endpoint(Endpoint::Customers);
    const CLOUD: Place = Place::Endpoint(Endpoint::Cloud);
    const INSTANCE: Place = Place::Instance;

    #[test]
    fn each_is_got_by_the_one_before_it() {
        let finding = |code| Finding { code, args: Args::new() };
        for (at, cause, effect, wanted) in [
            (INSTANCE, Code::LicenseMissing, Code::SyncNever, true),
            (INSTANCE, Code::LicenseMissing, Code::AccessTokenMissing, true),
            (INSTANCE, Code::LicenseExpired, Code::GatewayRejectsInstance, true),
            (INSTANCE, Code::SyncStale, Code::AccessTokenExpired, true),
            (INSTANCE, Code::SyncStale, Code::GatewayRejectsInstance, true),
            (INSTANCE, Code::AccessTokenExpired, Code::WorkflowUnauthenticated, true),
            (INSTANCE, Code::AccessTokenMissing, Code::GitlabCheckDoubtful, true),
            (INSTANCE, Code::SilentModeOn, Code::SyncStale, true),
            (INSTANCE, Code::OutboundFilterBlocks, Code::GatewayRejectsInstance, true),
            (INSTANCE, Code::FlowsDisabled, Code::RunnerMissing, true),
            (INSTANCE, Code::GatewayRejectsInstance, Code::AccessTokenExpired, false),
            (INSTANCE, Code::AccessTokenExpired, Code::SyncStale, false),
            (INSTANCE, Code::SyncStale, Code::LicenseMissing, false),
            (INSTANCE, Code::LicenseExpiresSoon, Code::SyncStale, false),
            (PORTAL, Code::TcpTimeout, Code::SyncStale, true),
            (PORTAL, Code::TcpTimeout, Code::AccessTokenExpired, true),
            (PORTAL, Code::TcpTimeout, Code::ExchangeSlow, false),
            (PORTAL, Code::TcpTimeout, Code::TcpTimeout, false),
            (PORTAL, Code::LatencyHigh, Code::ExchangeSlow, false),
            (CLOUD, Code::TcpTimeout, Code::ExchangeSlow, true),
            (CLOUD, Code::TcpTimeout, Code::TcpTimeout, true),
            (CLOUD, Code::TcpTimeout, Code::TcpRefused, false),
            (CLOUD, Code::TcpTimeout, Code::SyncStale, false),
            (CLOUD, Code::LatencyHigh, Code::ExchangeSlow, true),
        ] {
            let (first, second) = (finding(cause), finding(effect));
            let cause = At { step: 0, place: at, group: Group::Network, finding: &first };
            let effect = At { step: 1, place: INSTANCE, group: Group::Exchange, finding: &second };
            assert_eq!(explains(&cause, &effect), wanted, "{at}: {} and {}", first.code, second.code);
        }
    }

    #[test]
    fn a_fault_of_the_table_is_never_milder_than_what_follows_where_it_is_followed() {
        // Milder ones explain only what is no worse: `root_of` sees to that; a row without any such pair is dead.
        for (causes, effects) in TABLE {
            for cause in *causes {
                let mut all = effects.iter().flat_map(|all| all.iter());
                assert!(all.any(|effect| effect.severity() <= cause.severity()), "{cause}");
            }
        }
    }
}
