//! `clock`: this node's clock agrees with what others say, as far as plain answers tell it.

use crate::check::{Ask, Check, Group, Reached, Seen, Verdict};
use crate::checks::serves;
use crate::checks::{inbound, network};
use crate::failure::certificate::Certificate;
use crate::failure::{Failure, Layer, TlsKind};
use crate::finding::{Code, Finding};
use crate::probe::{Probe, Reading, Request, Then, TlsAsk, Walk};
use crate::subject::doors::Aim;
use crate::subject::place::{Endpoint, Place};
use crate::subject::{Route, Subject};
use crate::text;
use std::time::Duration;

/// The node's clock agrees with what others say.
pub(in crate::checks) static CLOCK: Check = Check {
    id: "clock",
    title: "clock agrees",
    group: Group::Instance,
    about: "Compares this node's clock with the Date header of the answers from outside.",
    codes: &[Code::ClockDrift, Code::ClockSkew, Code::GatewayClockSkew],
    needs: &[],
    serves: serves::nothing,
    places: |_| vec![Place::Node],
    ask: ask_clock,
    judge: judge_clock,
};

/// From here on a clock that is off is worth a warning (`field-notes`: tokens for the cloud do not depend on it).
const DRIFT: i64 = 60;
/// From here on it is a failure by itself.
const SKEW: i64 = 24 * 3600;

/// Every answer that carries a date, other services first: the instance may run on this very clock.
fn dated(subject: &Subject, seen: Seen) -> Vec<Probe> {
    let mut probes: Vec<Probe> = network::answering(subject);
    if subject.node.install.is_none() {
        probes.extend(inbound::public_page(subject, seen));
    }
    probes
}

/// A look at the `Date` of a host whose certificate's dates were refused: nothing secret is sent.
fn unverified(subject: &Subject) -> Option<Probe> {
    let route = subject.routes_to(Endpoint::Cloud).next()?;
    Some(Probe::Walk(Walk {
        target: subject.target(Endpoint::Cloud)?,
        via: route.via.clone(),
        tls: Some(TlsAsk::lenient(route.trust)),
        then: Then::Request(Request::get("/")),
        aim: Aim::Name,
        nth: 1,
    }))
}

fn ask_clock(subject: &Subject, _: Place, seen: Seen) -> Vec<Ask> {
    let probes = dated(subject, seen);
    let refused = probes.iter().any(|p| is_date_refused(seen.failure(p)));
    let mut asks: Vec<Ask> = probes.into_iter().map(|p| Ask::layer(p, Layer::Http)).collect();
    if refused {
        asks.extend(unverified(subject).map(|p| Ask::layer(p, Layer::Http)));
    }
    asks
}

fn is_date_refused(failure: Option<&Failure>) -> bool {
    matches!(failure, Some(Failure::Tls(f)) if matches!(f.kind, TlsKind::Expired | TlsKind::NotYetValid))
}

/// Whether a clock that is ahead by `off` seconds is why a certificate was refused: by the clock of the others the
/// same certificate is in its time.
fn explains(off: i64, failure: Option<&Failure>) -> bool {
    let Some(Failure::Tls(tls)) = failure.filter(|f| is_date_refused(Some(f))) else { return false };
    let here = tls.received;
    let is_in_time = |c: &Certificate, at: i64| (c.not_before..=c.not_after).contains(&at);
    tls.chain.iter().any(|c| !is_in_time(c, here) && is_in_time(c, here - off))
}

/// A gateway of one's own refuses tokens that begin in its future, with no leeway at all (`gateway.md`); the
/// instance signs them, and up to so many seconds its library forgives.
const GATEWAY: i64 = 5;

/// The finding of an instance that is ahead of its own gateway.
fn ahead_of_gateway(subject: &Subject, seen: Seen) -> Option<Finding> {
    let ways = subject.examined().filter(|r| r.endpoint == Endpoint::Gateway);
    let off =
        ways.filter_map(|route| match seen.reached(&network::walk(subject, route.place())?, Layer::Http) {
            // It was dated at some moment since the request was sent: what took long is not the clock's.
            Reached::Here(Reading::Answer(answer)) => {
                Some(answer.received - answer.date? - took(seen, subject, route))
            }
            Reached::Here(_) | Reached::Failed(_) | Reached::NotYet => None,
        });
    let off = off.min()?;
    let host = subject.target(Endpoint::Gateway)?.host;
    let amount = text::duration(Duration::from_secs(off.unsigned_abs()));
    (off > GATEWAY).then(|| Finding::new(Code::GatewayClockSkew, &[("host", &host), ("off", &amount)]))
}

/// How long the answer of a way took, whole seconds, rounded up.
fn took(seen: Seen, subject: &Subject, route: &Route) -> i64 {
    let sample = network::walk(subject, route.place()).and_then(|probe| seen.sample(&probe, Layer::Http));
    sample
        .map_or(0, |s| i64::try_from(s.took.as_secs() + u64::from(s.took.subsec_millis() > 500)).unwrap_or(0))
}

fn judge_clock(subject: &Subject, place: Place, seen: Seen) -> Verdict {
    let gateway = ahead_of_gateway(subject, seen);
    match (judge_others(subject, place, seen), gateway) {
        (Verdict::Findings(mut found), gateway) => {
            found.extend(gateway);
            Verdict::Findings(found)
        }
        (_, Some(gateway)) => Verdict::Findings(vec![gateway]),
        (verdict, None) => verdict,
    }
}

fn judge_others(subject: &Subject, _: Place, seen: Seen) -> Verdict {
    let probes = dated(subject, seen);
    let dates = probes.iter().cloned().chain(unverified(subject)).filter_map(|probe| {
        match seen.reached(&probe, Layer::Http) {
            Reached::Here(Reading::Answer(answer)) => Some((answer.received - answer.date?, host(&probe))),
            Reached::Here(_) | Reached::Failed(_) | Reached::NotYet => None,
        }
    });
    let Some((off, by)) = dates.min_by_key(|(off, _)| off.abs()) else {
        return Verdict::NotAsked("an answer from outside would tell, and none came".to_owned());
    };
    let amount = text::duration(Duration::from_secs(off.unsigned_abs()));
    let direction = if off > 0 { "ahead" } else { "behind" };
    let args = [("off", amount.as_str()), ("direction", direction), ("by", by.as_str())];
    match off.abs() {
        o if o >= SKEW || (o >= DRIFT && probes.iter().any(|p| explains(off, seen.failure(p)))) => {
            Verdict::found(Code::ClockSkew, &args)
        }
        o if o >= DRIFT => Verdict::found(Code::ClockDrift, &args),
        o => Verdict::pass_with(
            format!("This node's clock and that of {by} differ by {o} s."),
            format!("{o} s"),
        ),
    }
}

fn host(probe: &Probe) -> String {
    match probe {
        Probe::Walk(walk) => walk.target.host.clone(),
        Probe::Resolve(target) | Probe::Connect { target, .. } => target.host.clone(),
        Probe::Knock(knock) => knock.target.host.clone(),
        Probe::Fetch(fetch) => fetch.target.host.clone(),
        Probe::Rails | Probe::Logs(_) => String::new(),
    }
}
