//! From findings to root causes: the same fault at many places becomes one, consequences fold under causes,
//! what to mend first stands first. Pure; tested as a table.

use crate::check::Group;
use crate::finding::{Args, Code, Finding, Severity};
use crate::run::{Run, Settled};
use crate::subject::place::Place;

/// What to mend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RootCause {
    /// Which fault.
    pub code: Code,
    /// Its arguments; where places differ, their values joined.
    pub args: Args,
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
    let mut faults = merge(&findings(run));
    fold(&mut faults);
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

/// The same fault at several outbound places is one; inbound doors stay apart.
fn merge<'a>(found: &[At<'a>]) -> Vec<Fault<'a>> {
    let mut faults: Vec<Fault> = Vec::new();
    for at in found {
        let same = |f: &&mut Fault| {
            at.group == Group::Network
                && f.group() == Group::Network
                && f.first.finding.is_same_fault(at.finding)
        };
        match faults.iter_mut().find(same) {
            Some(fault) => fault.others.push(*at),
            None => faults.push(Fault { first: *at, others: Vec::new(), explained: Vec::new() }),
        }
    }
    faults
}

/// Puts each fault that another explains under that one.
fn fold(faults: &mut Vec<Fault<'_>>) {
    loop {
        let pair = (0..faults.len()).find_map(|effect| {
            let explains = |cause: &usize| {
                *cause != effect
                    && faults[*cause].severity() >= faults[effect].severity()
                    && faults[effect].places().all(|e| faults[*cause].places().any(|c| explains(c, e)))
            };
            (0..faults.len()).find(explains).map(|cause| (cause, effect))
        });
        let Some((cause, effect)) = pair else { return };
        let gone = faults.remove(effect);
        let cause = if cause > effect { cause - 1 } else { cause };
        faults[cause].explained.extend(gone.places().copied());
        faults[cause].explained.extend(gone.explained);
    }
}

/// Whether one finding is the consequence of another.
fn explains(cause: &At, effect: &At) -> bool {
    let same_endpoint = cause.place.endpoint().is_some() && cause.place.endpoint() == effect.place.endpoint();
    match (cause.finding.code, effect.finding.code) {
        // A clock that is off makes every certificate look too old or too young.
        (Code::ClockSkew, Code::TlsExpired | Code::TlsNotYetValid | Code::TlsExpiresSoon) => true,
        // A resolver that is dead for the cloud is dead for the instance's name too.
        (Code::DnsTimeout | Code::DnsServerFailed, Code::InstanceUnreachable) => {
            effect.finding.arg("layer") == "dns"
        }
        (Code::DnsTimeout | Code::DnsServerFailed, Code::DnsSlow) => true,
        // Traffic that ends somewhere else explains why the address or the signature looked odd.
        (
            Code::TlsIntercepted
            | Code::TlsUnknownIssuer
            | Code::TlsSelfSigned
            | Code::TlsWrongName
            | Code::TlsExpired
            | Code::TlsNotSpoken
            | Code::TlsReset
            | Code::TlsTimeout
            | Code::TcpRefused
            | Code::TcpTimeout
            | Code::TcpUnreachable
            | Code::TcpReset
            | Code::HttpBlockPage
            | Code::HttpRedirected
            | Code::HttpUnexpected,
            Code::DnsPrivateAddress | Code::AddressOutsideCloudflare,
        ) => same_endpoint,
        (Code::HttpBlockPage | Code::HttpRedirected | Code::HttpUnexpected, Code::TlsInterceptedTrusted) => {
            same_endpoint
        }
        // Lost packets are what makes the way slow.
        (Code::PacketLossSuspected, Code::LatencyHigh) => same_endpoint,
        // All addresses fail: the IPv6 ones are not broken by themselves.
        (Code::TcpRefused | Code::TcpTimeout | Code::TcpUnreachable | Code::TcpReset, Code::Ipv6Broken) => {
            same_endpoint
        }
        _ => false,
    }
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
    RootCause { code: fault.first.finding.code, args: joined(fault), shown_by, explains }
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
const JOINED: [&str; 3] = ["host", "address", "issuer"];
