//! From findings to root causes: the same fault at many places becomes one, consequences fold under causes,
//! what to mend first stands first. Pure; tested as a table.

mod workflow;

use crate::check::{Group, UNNEEDED};
use crate::finding::{Args, Code, Finding, Severity};
use crate::run::Run;
use crate::run::event::Settled;
use crate::subject::place::{Place, Stack};

/// What to mend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RootCause {
    /// Which fault.
    pub code: Code,
    /// Its arguments for a sentence; where places differ, hosts, addresses and issuers joined.
    pub args: Args,
    /// The arguments of the first finding, for a command that needs one host.
    pub first_args: Args,
    /// The steps that show it, in plan order; the first names the cause's place.
    pub shown_by: Vec<usize>,
    /// The steps that follow from it: blocked ones, and findings that it explains.
    pub explains: Vec<usize>,
}

/// A finding at a step.
#[derive(Clone, Copy)]
struct At<'a> {
    step: usize,
    place: Place,
    group: Group,
    finding: &'a Finding,
}

/// The root causes of a run, what to mend first in front. Deterministic: the same run gives the same causes.
pub fn diagnose(run: &Run) -> Vec<RootCause> {
    let found = findings(run);
    let mut faults = merge(&found);
    faults.sort_by_key(|f| (std::cmp::Reverse(f.severity()), f.group(), f.first.finding.code, f.first.step));
    faults.iter().map(|fault| cause(run, fault)).collect()
}

/// One fault: the first place that shows it, the others, and findings that it explains.
struct Fault<'a> {
    first: At<'a>,
    others: Vec<At<'a>>,
    explained: Vec<At<'a>>,
}

impl<'a> Fault<'a> {
    fn severity(&self) -> Severity {
        self.first.finding.code.severity()
    }

    fn group(&self) -> Group {
        self.first.group
    }

    fn places(&self) -> impl Iterator<Item = &At<'a>> {
        std::iter::once(&self.first).chain(&self.others)
    }
}

fn findings(run: &Run) -> Vec<At<'_>> {
    let at = |(step, state)| {
        let state: &crate::run::StepState = state;
        let place = state.plan.place;
        let group = state.plan.group;
        state.findings().iter().map(move |finding| At { step, place, group, finding })
    };
    run.steps.iter().enumerate().flat_map(at).collect()
}

/// The finding at the start of the chain of explanations that ends in this one: itself, where nothing explains it.
fn root_of(found: &[At], effect: usize) -> usize {
    let mut root = effect;
    // A chain is never longer than there are findings; the bound ends one that leads in a circle.
    for _ in found {
        let is_cause = |cause: &usize| {
            *cause != root
                && found[*cause].finding.code.severity() >= found[root].finding.code.severity()
                && explains(found, &found[*cause], &found[root])
        };
        match (0..found.len()).find(is_cause) {
            Some(cause) => root = cause,
            None => return root,
        }
    }
    effect
}

/// Whether a finding is about the way out.
fn is_outbound(at: &At) -> bool {
    at.group == Group::Network || matches!(at.place, Place::Way(..))
}

/// What nothing explains, the same fault at several outbound places as one (inbound doors stay apart), each with
/// what it explains.
fn merge<'a>(found: &[At<'a>]) -> Vec<Fault<'a>> {
    let roots: Vec<usize> = (0..found.len()).map(|effect| root_of(found, effect)).collect();
    let mut faults: Vec<Fault> = Vec::new();
    for (i, at) in found.iter().enumerate().filter(|(i, _)| roots[*i] == *i) {
        let same = |f: &&mut Fault| {
            is_outbound(at) && is_outbound(&f.first) && f.first.finding.is_same_fault(at.finding)
        };
        let explained =
            (found.iter().enumerate()).filter(|(e, _)| *e != i && roots[*e] == i).map(|(_, at)| *at);
        match faults.iter_mut().find(same) {
            Some(fault) => {
                fault.others.push(*at);
                fault.explained.extend(explained);
            }
            None => faults.push(Fault { first: *at, others: Vec::new(), explained: explained.collect() }),
        }
    }
    faults
}

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
const CONSEQUENCES: &[Consequence] = &[
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
        effects: &[Code::InstanceUnreachable],
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
    // All addresses fail: the IPv6 ones are not broken by themselves.
    Consequence {
        causes: &[Code::TcpRefused, Code::TcpTimeout, Code::TcpUnreachable, Code::TcpReset],
        effects: &[Code::Ipv6Broken, Code::FirstAddressUnreachable],
        reach: Reach::SameEndpoint,
    },
];

/// Whether one finding is the consequence of another.
fn explains(found: &[At], cause: &At, effect: &At) -> bool {
    let listed = CONSEQUENCES.iter().any(|c| {
        c.causes.contains(&cause.finding.code)
            && c.effects.contains(&effect.finding.code)
            && match c.reach {
                Reach::Everywhere => true,
                Reach::SameEndpoint => {
                    cause.place.endpoint().is_some() && cause.place.endpoint() == effect.place.endpoint()
                }
                Reach::Names => effect.finding.arg("layer") == "dns",
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
    listed || is_the_same_unneeded(cause, effect) || workflow::is_same_fault(found, cause, effect)
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

/// The root cause of a fault, with every step that follows from it.
fn cause(run: &Run, fault: &Fault) -> RootCause {
    let mut shown_by: Vec<usize> = fault.places().map(|at| at.step).collect();
    shown_by.dedup();
    let mut explains: Vec<usize> = fault.explained.iter().map(|at| at.step).collect();
    let blocks = |by: usize| shown_by.contains(&by) || fault.explained.iter().any(|at| at.step == by);
    explains.extend(
        (run.steps.iter().enumerate())
            .filter(|(_, s)| matches!(s.settled, Some(Settled::Blocked { by }) if blocks(by)))
            .map(|(i, _)| i),
    );
    explains.retain(|step| !shown_by.contains(step));
    explains.sort_unstable();
    explains.dedup();
    let Finding { code, args } = fault.first.finding;
    RootCause { code: *code, args: joined(fault), first_args: args.clone(), shown_by, explains }
}

/// The arguments of the first place; where others differ, the values joined.
fn joined(fault: &Fault) -> Args {
    let mut args = fault.first.finding.args.clone();
    for (name, value) in &mut args {
        let mut values: Vec<&str> = Vec::new();
        for at in fault.places() {
            let one = at.finding.arg(name);
            if !one.is_empty() && !values.contains(&one) {
                values.push(one);
            }
        }
        if values.len() > 1 && JOINED.contains(&name.as_str()) {
            *value = crate::text::list(&values);
        }
    }
    args
}

/// Arguments whose values are listed where places differ; of all others the first place's value stands.
const JOINED: [&str; 5] = ["host", "hosts", "address", "issuer", "stacks"];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::StepState;
    use crate::run::event::Planned;
    use crate::subject::place::{Door, Endpoint};
    use std::time::Duration;

    const CLOUD: Place = Place::Way(Endpoint::Cloud, Stack::Shell);
    const CUSTOMERS: Place = Place::Way(Endpoint::Customers, Stack::Shell);
    const DOOR: Place = Place::Door(Door::Public);

    fn finding(code: Code, args: &[(&str, &str)]) -> Finding {
        let all = code.row().args.iter().map(|a| {
            let given = args.iter().find(|(k, _)| k == a).map_or("x", |(_, v)| *v);
            ((*a).to_owned(), given.to_owned())
        });
        Finding { code, args: all.collect() }
    }

    fn step(place: Place, how: &Settled) -> StepState {
        let group = match place {
            Place::Door(_) => Group::Inbound,
            Place::Node | Place::Instance => Group::Instance,
            Place::Way(Endpoint::Workflow, _) => Group::AgentPlatform,
            Place::Endpoint(_) | Place::Stack(_) | Place::Way(..) => Group::Network,
        };
        let plan = Planned { check: "c".into(), place, group, title: String::new(), needs: Vec::new() };
        let mut state = StepState::of(plan);
        state.settle(how, Duration::ZERO);
        state
    }

    fn found(place: Place, code: Code, args: &[(&str, &str)]) -> StepState {
        step(place, &Settled::Findings(vec![finding(code, args)]))
    }

    #[track_caller]
    fn causes(steps: &[StepState], expected: &[(Code, &[usize], &[usize])]) -> Vec<RootCause> {
        let run = Run { steps: steps.to_vec(), ..Run::default() };
        let found = diagnose(&run);
        let shape: Vec<(Code, &[usize], &[usize])> =
            found.iter().map(|c| (c.code, c.shown_by.as_slice(), c.explains.as_slice())).collect();
        assert_eq!(shape, expected);
        found
    }

    #[test]
    fn the_same_fault_at_two_hosts_is_one_cause_that_names_both() {
        let steps = vec![
            found(CUSTOMERS, Code::TcpTimeout, &[("host", "a")]),
            step(CUSTOMERS, &Settled::Blocked { by: 0 }),
            found(CLOUD, Code::TcpTimeout, &[("host", "b")]),
        ];
        let causes = causes(&steps, &[(Code::TcpTimeout, &[0, 2], &[1])]);
        assert_eq!(causes[0].args["host"], "a and b");
        assert_eq!(causes[0].first_args["host"], "a");
    }

    #[test]
    fn two_proxies_that_deny_are_two_causes() {
        let steps = vec![
            found(CUSTOMERS, Code::ProxyDenied, &[("proxy", "p:1")]),
            found(CLOUD, Code::ProxyDenied, &[("proxy", "q:1")]),
        ];
        causes(&steps, &[(Code::ProxyDenied, &[0], &[]), (Code::ProxyDenied, &[1], &[])]);
    }

    #[test]
    fn the_workflow_service_at_two_ways_is_one_cause_and_folds_under_the_networks() {
        let at = |stack, finding| {
            let args = [("host", "w"), ("finding", finding), ("by", "p:1")];
            found(Place::Way(Endpoint::Workflow, stack), Code::WorkflowUnreachable, &args)
        };
        let two = |finding| vec![at(Stack::Workhorse, "proxy-denied"), at(Stack::Grpc, finding)];
        causes(&two("proxy-denied"), &[(Code::WorkflowUnreachable, &[0, 1], &[])]);
        causes(
            &two("tcp-timeout"),
            &[(Code::WorkflowUnreachable, &[0], &[]), (Code::WorkflowUnreachable, &[1], &[])],
        );
        let mut with_cloud = vec![found(CLOUD, Code::ProxyDenied, &[("proxy", "p:1")])];
        with_cloud.extend(two("proxy-denied"));
        causes(&with_cloud, &[(Code::ProxyDenied, &[0], &[1, 2])]);
    }

    #[test]
    fn doors_stay_apart() {
        let steps =
            vec![found(DOOR, Code::TlsExpired, &[]), found(Place::Door(Door::Nginx), Code::TlsExpired, &[])];
        causes(&steps, &[(Code::TlsExpired, &[0], &[]), (Code::TlsExpired, &[1], &[])]);
    }

    #[test]
    fn a_clock_that_is_off_explains_certificates_that_look_wrong() {
        let steps = vec![
            found(Place::Node, Code::ClockSkew, &[]),
            found(CLOUD, Code::TlsNotYetValid, &[]),
            step(CLOUD, &Settled::Blocked { by: 1 }),
            found(DOOR, Code::TlsNotYetValid, &[]),
        ];
        causes(&steps, &[(Code::ClockSkew, &[0], &[1, 2, 3])]);
    }

    #[test]
    fn a_dead_resolver_explains_the_instances_name_but_no_refusal() {
        let dead = |layer| {
            vec![
                found(Place::Endpoint(Endpoint::Cloud), Code::DnsTimeout, &[]),
                found(DOOR, Code::InstanceUnreachable, &[("layer", layer)]),
            ]
        };
        causes(&dead("dns"), &[(Code::DnsTimeout, &[0], &[1])]);
        causes(&dead("tcp"), &[(Code::DnsTimeout, &[0], &[]), (Code::InstanceUnreachable, &[1], &[])]);
    }

    #[test]
    fn an_odd_address_is_explained_at_its_own_endpoint_only() {
        let odd = Place::Endpoint(Endpoint::Cloud);
        let steps = |other| {
            vec![
                found(odd, Code::DnsPrivateAddress, &[]),
                found(other, Code::TlsIntercepted, &[("product", "P")]),
            ]
        };
        causes(&steps(CLOUD), &[(Code::TlsIntercepted, &[1], &[0])]);
        causes(&steps(CUSTOMERS), &[(Code::TlsIntercepted, &[1], &[]), (Code::DnsPrivateAddress, &[0], &[])]);
    }

    #[test]
    fn failures_stand_before_warnings_and_the_network_before_the_doors() {
        let steps = vec![
            found(Place::Node, Code::GitlabNotFound, &[]),
            found(DOOR, Code::WebsocketDenied, &[]),
            found(CLOUD, Code::HttpTimeout, &[]),
        ];
        let order: Vec<Code> = diagnose(&Run { steps, ..Run::default() }).iter().map(|c| c.code).collect();
        assert_eq!(order, [Code::HttpTimeout, Code::WebsocketDenied, Code::GitlabNotFound]);
    }

    #[test]
    fn no_cause_is_milder_than_what_it_explains() {
        for consequence in CONSEQUENCES {
            let mildest = consequence.causes.iter().map(|c| c.severity()).min();
            let worst = consequence.effects.iter().map(|c| c.severity()).max();
            assert!(mildest >= worst, "{:?}", consequence.causes);
        }
    }
}
