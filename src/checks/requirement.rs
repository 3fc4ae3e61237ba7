//! How far what a check finds matters: whether the service that its place leads to is needed here. That is known before a
//! run by options and files, or told by the instance's API, which is asked for it only once something fails.

use super::api::{self, Doc};
use super::knowledge;
use crate::check::{Ask, Check, Seen, Verdict};
use crate::finding::{Code, Finding, Severity};
use crate::gitlab::facts::Kind;
use crate::remedy;
use crate::subject::Subject;
use crate::subject::place::{Endpoint, Place};
use crate::subject::services::{Deployment, Requirement};

/// What every check finds in place of a failure at a service that is not needed.
pub const UNNEEDED: Code = Code::UnneededWayFails;

/// Every slice wanted at a place, given what has been seen so far: none where the place leads to a service that is not
/// used from here.
pub fn asks(check: &Check, subject: &Subject, place: Place, seen: Seen) -> Vec<Ask> {
    let own = match place.endpoint().map(|e| subject.requirement(e)) {
        Some(Requirement::NotUsed(_)) => return Vec::new(),
        Some(Requirement::Optional(_)) | None => return (check.ask)(subject, place, seen),
        Some(Requirement::Needed) => (check.ask)(subject, place, seen),
    };
    let failed = own.iter().any(|ask| seen.failure(&ask.probe).is_some());
    let is_open = subject.deployment == Deployment::Unknown && subject.token.is_some();
    let might_not_matter = place.endpoint().is_some_and(is_gitlabs);
    if failed && is_open && might_not_matter {
        let more = api::ask(subject, seen, &[Doc::Graphql, Doc::Settings, Doc::License]);
        return own.into_iter().chain(more).collect();
    }
    own
}

/// Whether an endpoint is one that a gateway of one's own makes needless.
fn is_gitlabs(endpoint: Endpoint) -> bool {
    match endpoint {
        Endpoint::Customers | Endpoint::Cloud | Endpoint::Workflow => true,
        Endpoint::Gateway | Endpoint::Instance => false,
    }
}

/// How far a service is needed, by all that is known.
fn requirement(subject: &Subject, endpoint: Endpoint, seen: Seen) -> Requirement {
    let known = subject.requirement(endpoint);
    if known != Requirement::Needed || subject.deployment != Deployment::Unknown || !is_gitlabs(endpoint) {
        return known;
    }
    let own_gateway = knowledge::ai(subject, seen).ok().and_then(|(ai, _)| ai.gateway).unwrap_or_default();
    if own_gateway.is_empty() {
        return known;
    }
    let kind = knowledge::license(subject, seen).ok().and_then(|(license, _)| license?.kind);
    match (endpoint, kind) {
        (_, Some(Kind::Offline)) => {
            Requirement::NotUsed("with a gateway of one's own and an offline licence nothing is asked there")
        }
        (Endpoint::Cloud | Endpoint::Workflow, _) => {
            Requirement::Optional("the instance uses a gateway of its own, and needs it for billing alone")
        }
        (Endpoint::Customers | Endpoint::Gateway | Endpoint::Instance, _) => known,
    }
}

/// The verdict at a place. Where the place leads to a service that Duo does not need here, a failure becomes a warning
/// that names it, and what lies behind the failure means nothing.
pub fn verdict(check: &Check, subject: &Subject, place: Place, seen: Seen) -> Verdict {
    let optional = match place.endpoint().map(|e| (e, requirement(subject, e, seen))) {
        Some((_, Requirement::NotUsed(reason))) => return Verdict::NotApplicable(reason.to_owned()),
        Some((endpoint, Requirement::Optional(reason))) => Some((endpoint, reason)),
        Some((_, Requirement::Needed)) | None => None,
    };
    let Some((endpoint, reason)) = optional else { return (check.judge)(subject, place, seen) };
    let ended_before = |ask: &Ask| {
        let failed = seen.samples(&ask.probe).iter().find(|s| s.failure().is_some());
        failed.is_some_and(|s| s.layer < ask.from)
    };
    let asked = (check.ask)(subject, place, seen);
    if !asked.is_empty() && asked.iter().all(ended_before) {
        return Verdict::NotApplicable(format!("not reached, and not needed: {reason}"));
    }
    match (check.judge)(subject, place, seen) {
        Verdict::Findings(found) => {
            Verdict::Findings(found.into_iter().map(|f| unneeded(f, subject, endpoint, reason)).collect())
        }
        verdict @ (Verdict::Pass(_)
        | Verdict::NotApplicable(_)
        | Verdict::NotAsked(_)
        | Verdict::Wants(..)
        | Verdict::Unknown(_)) => verdict,
    }
}

/// What a failure comes to at a service that is not needed: a warning in its place, with its name.
fn unneeded(found: Finding, subject: &Subject, endpoint: Endpoint, reason: &str) -> Finding {
    if found.code.severity() == Severity::Warn {
        return found;
    }
    let host = subject.target(endpoint).map(|t| t.host).unwrap_or_default();
    let words = remedy::short(found.code, &found.args, &remedy::Values::default());
    let args =
        [("host", host.as_str()), ("finding", found.code.as_str()), ("words", &words), ("reason", reason)];
    Finding::new(UNNEEDED, &args)
}
