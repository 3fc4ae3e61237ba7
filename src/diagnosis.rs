//! From findings to root causes: the same fault at many places becomes one, consequences fold under causes,
//! what to mend first stands first. Pure; tested as a table.

mod consequences;
pub mod features;
mod knowledge;
mod workflow;

use crate::check::Group;
use crate::finding::{Args, Code, Finding, Severity};
use crate::run::Run;
use crate::run::event::Settled;
use crate::subject::place::Place;
use consequences::explains;

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
    use crate::subject::place::{Door, Endpoint, Stack};
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
    fn doors_stay_apart_unless_the_inner_one_shows_the_very_same() {
        const INNER: Place = Place::Door(Door::Nginx);
        let steps = vec![
            found(DOOR, Code::TlsExpired, &[("until", "2026-11-01")]),
            found(INNER, Code::TlsExpired, &[("until", "2026-10-01")]),
        ];
        causes(&steps, &[(Code::TlsExpired, &[0], &[]), (Code::TlsExpired, &[1], &[])]);
        let lost = |place, hop| found(place, Code::WebsocketUpgradeStripped, &[("hop", hop)]);
        let code = Code::WebsocketUpgradeStripped;
        let apart = [lost(DOOR, "front end"), lost(INNER, "this node's NGINX")];
        causes(&apart, &[(code, &[0], &[]), (code, &[1], &[])]);
        let one = [lost(DOOR, "this node's NGINX"), lost(INNER, "this node's NGINX")];
        causes(&one, &[(code, &[1], &[0])]);
    }

    #[test]
    fn what_is_down_behind_every_door_explains_what_each_of_them_shows() {
        const INNER: Place = Place::Door(Door::Workhorse);
        let steps = vec![
            found(DOOR, Code::InstanceUnreachable, &[("layer", "http")]),
            found(INNER, Code::WorkhorseDown, &[]),
        ];
        causes(&steps, &[(Code::WorkhorseDown, &[1], &[0])]);
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
}
