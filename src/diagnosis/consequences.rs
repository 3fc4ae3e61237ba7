//! Which finding explains which other: a table, and how far each of its rows reaches.

use super::At;
use super::knowledge;
use super::workflow::is_same_fault;
use crate::check::Group;
use crate::checks::requirement::UNNEEDED;
use crate::finding::{Code, Finding};
use crate::subject::place::{Place, Stack};

/// Findings that explain other findings.
struct Consequence {
    causes: &'static [Code],
    effects: &'static [Code],
    reach: Reach,
}

/// How far an explanation reaches.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reach {
    /// Wherever the effect shows.
    Everywhere,
    /// At the cause's own endpoint.
    SameEndpoint,
    /// At a door or a proxy whose name does not resolve.
    Names,
    /// For the same host.
    SameHost,
    /// From one door of the instance to another.
    Doors,
    /// Where the same device signed.
    SameSigner,
    /// Where what got lost is the proxy that the cause misses.
    Lost,
    /// On the ways of the components that the cause names, to the hosts that it names.
    Detour,
}

/// What ends the way to an endpoint, or leads it somewhere else.
const LED_ASTRAY: &[Code] = &[
    Code::TcpRefused,
    Code::TcpTimeout,
    Code::TcpUnreachable,
    Code::TcpReset,
    Code::TlsIntercepted,
    Code::TlsUnknownIssuer,
    Code::TlsSelfSigned,
    Code::TlsWrongName,
    Code::TlsExpired,
    Code::TlsNotSpoken,
    Code::TlsReset,
    Code::TlsTimeout,
    Code::HttpBlockPage,
    Code::HttpRedirected,
    Code::HttpUnexpected,
];

/// What says that a component goes out directly and should not.
const WITHOUT_ITS_PROXY: &[Code] = &[
    Code::ProxyMissingInRails,
    Code::ProxyMissingInWorkhorse,
    Code::ProxyVariableIgnored,
    Code::NoProxyBypassesDuo,
    Code::ProxyUrlInvalid,
];

/// What a component meets that goes out directly and should not.
const ON_THE_DIRECT_WAY: &[Code] = &[
    Code::DnsNoSuchHost,
    Code::DnsNoAddress,
    Code::DnsServerFailed,
    Code::DnsPrivateAddress,
    Code::AddressOutsideCloudflare,
    Code::FirstAddressUnreachable,
    Code::Ipv6Broken,
    Code::TcpRefused,
    Code::TcpTimeout,
    Code::TcpUnreachable,
    Code::TcpReset,
    Code::TlsIntercepted,
    Code::TlsInterceptedTrusted,
    Code::TlsUnknownIssuer,
    Code::TlsSelfSigned,
    Code::TlsWrongName,
    Code::TlsNotSpoken,
    Code::TlsReset,
    Code::TlsTimeout,
    Code::HttpBlockPage,
    Code::HttpRedirected,
    Code::HttpUnexpected,
    Code::HttpTimeout,
    Code::HttpMalformed,
    Code::WorkflowUnreachable,
    Code::WorkflowNotReachableUnused,
    Code::UnneededWayFails,
    Code::ProxyUrlInvalid,
];

/// The table of explanations. A cause is never milder than what it explains.
const TABLE: &[Consequence] = &[
    // A clock that is off makes every certificate look too old or too young.
    Consequence {
        causes: &[Code::ClockSkew],
        effects: &[Code::TlsExpired, Code::TlsNotYetValid, Code::TlsExpiresSoon],
        reach: Reach::Everywhere,
    },
    // The clock that is ahead of everybody's is ahead of the gateway's too.
    Consequence { causes: &[Code::GatewayClockSkew], effects: &[Code::ClockDrift], reach: Reach::Everywhere },
    // A component without its proxy meets what the direct way has.
    Consequence { causes: WITHOUT_ITS_PROXY, effects: ON_THE_DIRECT_WAY, reach: Reach::Detour },
    // Why it has none.
    Consequence {
        causes: &[Code::ProxyMissingInRails, Code::ProxyMissingInWorkhorse, Code::ProxyVariableIgnored],
        effects: &[Code::EnvAssignedTwice, Code::SidekiqEnvUnsupported],
        reach: Reach::Lost,
    },
    // GitLab's own store lacks the root: whatever that device signed is refused, and elsewhere accepted.
    Consequence {
        causes: &[Code::CaMissingInRails],
        effects: &[
            Code::TlsIntercepted,
            Code::TlsUnknownIssuer,
            Code::TlsSelfSigned,
            Code::TlsInterceptedTrusted,
        ],
        reach: Reach::SameSigner,
    },
    // The same device, trusted by one component and not by another.
    Consequence {
        causes: &[Code::TlsIntercepted],
        effects: &[Code::TlsInterceptedTrusted],
        reach: Reach::SameSigner,
    },
    // The filter refuses what the hosts file or the resolver gave.
    Consequence {
        causes: &[Code::AddressBlockedByFilter],
        effects: &[Code::DnsPrivateAddress, Code::DnsOverridden],
        reach: Reach::SameHost,
    },
    // A resolver that is dead for the cloud is dead for the instance's name too.
    Consequence {
        causes: &[Code::DnsTimeout, Code::DnsServerFailed],
        effects: &[Code::InstanceUnreachable, Code::PublicDoorNotSeenFromHere],
        reach: Reach::Names,
    },
    // And so it is for the proxy's name.
    Consequence {
        causes: &[Code::DnsTimeout, Code::DnsServerFailed],
        effects: &[Code::ProxyUnreachable],
        reach: Reach::Names,
    },
    // It is slow for one name because it is dying.
    Consequence {
        causes: &[Code::DnsTimeout, Code::DnsServerFailed],
        effects: &[Code::DnsSlow],
        reach: Reach::Everywhere,
    },
    // Traffic that ends somewhere else explains why the address looked odd.
    Consequence {
        causes: LED_ASTRAY,
        effects: &[Code::DnsPrivateAddress, Code::AddressOutsideCloudflare],
        reach: Reach::SameEndpoint,
    },
    // Who shows a page of his own has opened the traffic for it.
    Consequence {
        causes: &[Code::HttpBlockPage, Code::HttpRedirected, Code::HttpUnexpected],
        effects: &[Code::TlsInterceptedTrusted],
        reach: Reach::SameEndpoint,
    },
    // Headers are changed by whoever opens the traffic.
    Consequence {
        causes: &[Code::AuthHeaderStripped, Code::GitlabHeaderStripped],
        effects: &[Code::TlsInterceptedTrusted],
        reach: Reach::SameEndpoint,
    },
    // Lost packets are what makes the way slow.
    Consequence {
        causes: &[Code::PacketLossSuspected],
        effects: &[Code::LatencyHigh],
        reach: Reach::SameEndpoint,
    },
    // What stands behind every door is down: each of them shows it in its own way.
    Consequence { causes: &[Code::WorkhorseDown], effects: &[Code::RailsDown], reach: Reach::Doors },
    Consequence {
        causes: &[Code::WorkhorseDown, Code::RailsDown],
        effects: &[
            Code::InstanceUnreachable,
            Code::PublicDoorNotSeenFromHere,
            Code::WebsocketUpstreamFailed,
            Code::WebsocketNoWelcome,
            Code::WebsocketUpgradeStripped,
            Code::WebsocketNotFound,
            Code::WebsocketDenied,
        ],
        reach: Reach::Doors,
    },
    // An inner door that does not answer explains that nobody sees the outer one.
    Consequence {
        causes: &[Code::InstanceUnreachable],
        effects: &[Code::PublicDoorNotSeenFromHere],
        reach: Reach::Doors,
    },
    // Whoever collects messages collects streams too.
    Consequence { causes: &[Code::WebsocketBuffered], effects: &[Code::StreamBuffered], reach: Reach::Doors },
    // All addresses fail: the IPv6 ones are not broken by themselves.
    Consequence {
        causes: &[Code::TcpRefused, Code::TcpTimeout, Code::TcpUnreachable, Code::TcpReset],
        effects: &[Code::Ipv6Broken, Code::FirstAddressUnreachable],
        reach: Reach::SameEndpoint,
    },
];

/// Whether one finding is the consequence of another.
pub(super) fn explains(found: &[At], cause: &At, effect: &At) -> bool {
    let listed = TABLE.iter().any(|c| {
        c.causes.contains(&cause.finding.code)
            && c.effects.contains(&effect.finding.code)
            && match c.reach {
                Reach::Everywhere => true,
                Reach::SameEndpoint => {
                    cause.place.endpoint().is_some() && cause.place.endpoint() == effect.place.endpoint()
                }
                Reach::Names => effect.finding.arg("layer") == "dns",
                Reach::Doors => is_behind(cause, effect),
                Reach::SameHost => cause.finding.arg("host") == effect.finding.arg("host"),
                Reach::SameSigner if cause.place == effect.place => true,
                Reach::SameSigner => {
                    let same = |name| cause.finding.arg(name) == effect.finding.arg(name);
                    same("product") && (same("issuer") || cause.finding.arg("product") != "unknown")
                }
                Reach::Lost => is_the_lost_proxy(cause.finding, effect.finding),
                Reach::Detour => is_on_the_way(cause.finding, effect),
            }
    });
    listed
        || knowledge::explains(cause, effect)
        || is_the_same_unneeded(cause, effect)
        || is_the_same_inside(cause, effect)
        || is_same_fault(found, cause, effect)
}

/// Whether what fails at one door can be what is wrong at another: not where the hop at fault stands before it, and
/// works when it is left out.
fn is_behind(cause: &At, effect: &At) -> bool {
    let hop = effect.finding.arg("hop");
    let stands_before = hop == "front end" || hop.starts_with("between");
    matches!((cause.place, effect.place), (Place::Door(_), Place::Door(_)))
        && (!stands_before || cause.finding.arg("hop") == hop)
}

/// Whether the same fault shows at a door behind, or at the same one by the plainer of two sockets: what goes in there
/// comes through it.
fn is_the_same_inside(cause: &At, effect: &At) -> bool {
    let (Place::Door(inner), Place::Door(outer)) = (cause.place, effect.place) else { return false };
    let same = |name| cause.finding.arg(name) == effect.finding.arg(name);
    let is_inner = inner > outer || (inner == outer && !same("path") && is_cable(cause));
    cause.finding.code == effect.finding.code && is_inner && same("hop") && same("names") && same("until")
}

/// Whether a finding is about Action Cable.
fn is_cable(at: &At) -> bool {
    at.finding.arg("path").ends_with("/-/cable")
}

/// Whether a service that is not needed fails in the way in which one that is needed does.
fn is_the_same_unneeded(cause: &At, effect: &At) -> bool {
    effect.finding.code == UNNEEDED && effect.finding.arg("finding") == cause.finding.code.as_str()
}

/// Whether an environment that was assigned twice, or where nobody reads it, had the proxy that a component misses.
fn is_the_lost_proxy(cause: &Finding, effect: &Finding) -> bool {
    let of_workhorse = cause.arg("stacks").contains(Stack::Workhorse.name());
    let meant = effect.arg("key").contains("workhorse") == of_workhorse;
    let is_env = effect.code == Code::EnvAssignedTwice;
    (is_env && meant && effect.arg("lost").contains("proxy")) || (!is_env && !of_workhorse)
}

/// Whether a finding lies on a way that a component takes for want of a proxy.
fn is_on_the_way(cause: &Finding, effect: &At) -> bool {
    // A component whose proxy is none connects to nothing: names and addresses are not its matter.
    let looks_up = cause.code != Code::ProxyUrlInvalid;
    let goes = match effect.place {
        // gRPC's C-core runs inside Rails and reads its environment.
        Place::Way(_, Stack::Grpc) => cause.arg("stacks").contains(Stack::Rails.name()),
        Place::Way(_, stack) => cause.arg("stacks").contains(stack.name()),
        Place::Endpoint(_) => looks_up,
        Place::Node | Place::Instance | Place::Stack(_) | Place::Door(_) => false,
    };
    let [host, hosts] = ["host", "hosts"].map(|name| effect.finding.arg(name));
    let host = if host.is_empty() { hosts } else { host };
    let meant = cause.arg("hosts").split(", ").any(|h| h == host);
    // The workflow service is no host of HTTP: its way is the component's all the same.
    goes && (meant || effect.group == Group::AgentPlatform)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cause_is_milder_than_what_it_explains() {
        for consequence in TABLE {
            let mildest = consequence.causes.iter().map(|c| c.severity()).min();
            let worst = consequence.effects.iter().map(|c| c.severity()).max();
            assert!(mildest >= worst, "{:?}", consequence.causes);
        }
    }
}
