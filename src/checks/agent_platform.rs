//! Group Agent Platform: the workflow service over gRPC and HTTP/2, by every way that leads to it.
//!
//! One walk serves both checks. `http2-kept` judges what ALPN settled on, `workflow` the rest of the way and the
//! answer: so each fault shows at one of them. GitLab before 18.2 has no use for the service; where it is not known
//! to be used, a failure is a warning (`field-notes.md` 22).

mod below;
pub(super) mod http2_kept;
pub(super) mod outbound_idle;
pub(super) mod workflow;

use crate::check::{Ask, Verdict};
use crate::checks::{answerer, interception, vendors};
use crate::failure::certificate::Certificate;
use crate::failure::{Answer, Layer};
use crate::finding::Code;
use crate::probe::{Alpn, Health, Probe, Then, TlsAsk, Walk};
use crate::subject::address::Scheme;
use crate::subject::doors::Aim;
use crate::subject::place::{Endpoint, Place};
use crate::subject::services::Requirement;
use crate::subject::{Route, Subject, Via};

/// One place for each way to the workflow service.
fn ways(subject: &Subject) -> Vec<Place> {
    subject.routes_to(Endpoint::Workflow).map(Route::place).collect()
}

/// Why the service is of no use here, if so.
fn unused(subject: &Subject) -> Option<Verdict> {
    // Who says that the platform is used, or asks for this very check, knows better than the version.
    let before = subject.is_at_least(18, 2) == Some(false) && subject.agent_platform != Some(true);
    before.then(|| Verdict::NotApplicable("GitLab before 18.2 does not use the workflow service".to_owned()))
}

/// A walk to the service that ends with a call.
fn walk(subject: &Subject, place: Place, health: Health) -> Option<Probe> {
    with(subject, place, Alpn::Http2, Then::Grpc(health))
}

/// A walk to the service that offers something and then does something.
fn with(subject: &Subject, place: Place, alpn: Alpn, then: Then) -> Option<Probe> {
    let route = subject.route(place).filter(|r| !matches!(r.via, Via::Unusable { .. }))?;
    let base = subject.services.base(route.endpoint)?;
    let tls = TlsAsk { alpn, ..TlsAsk::strict(route.trust) };
    Some(Probe::Walk(Walk {
        target: base.target.clone(),
        via: route.via.clone(),
        tls: (base.scheme == Scheme::Https).then_some(tls),
        then,
        aim: Aim::Name,
        nth: 1,
    }))
}

/// A slice of the walk that both checks share; none where nothing is to be asked.
fn slice(subject: &Subject, place: Place, from: Layer, until: Layer) -> Vec<Ask> {
    if unused(subject).is_some() {
        return Vec::new();
    }
    walk(subject, place, Health::Check).map(|p| Ask::layers(p, from, until)).into_iter().collect()
}

/// What stands in place of a name that is not known.
const UNKNOWN: &str = "unknown";

/// A fault on the way to the service, before its weight is known.
struct Fault<'a> {
    /// Its code where the service is needed.
    code: Code,
    /// The arguments of that code beside `host`.
    args: &'a [(&'a str, &'a str)],
    /// The code that the same fault has on the way to another service; its own where there is none.
    finding: Code,
    /// What was seen, for the end of a sentence.
    words: &'a str,
    /// Who did it, or `unknown`.
    by: &'a str,
}

/// The finding of a fault: a warning of its own where the service is not known to be needed.
fn found(subject: &Subject, fault: &Fault) -> Verdict {
    let host = subject.target(Endpoint::Workflow).map(|t| t.host).unwrap_or_default();
    match subject.requirement(Endpoint::Workflow) {
        Requirement::Needed => {
            let mut args = vec![("host", host.as_str())];
            args.extend(fault.args);
            Verdict::found(fault.code, &args)
        }
        Requirement::NotUsed(reason) => Verdict::NotApplicable(reason.to_owned()),
        Requirement::Optional(reason) => Verdict::found(
            Code::WorkflowNotReachableUnused,
            &[
                ("host", &host),
                ("finding", fault.finding.as_str()),
                ("words", fault.words),
                ("by", fault.by),
                ("reason", reason),
            ],
        ),
    }
}

/// The product that a chain or an answer names, if one does.
fn device(chain: Option<&[Certificate]>, answer: Option<&Answer>) -> Option<&'static str> {
    let by_page = answer.and_then(vendors::blocker);
    let by_chain = chain.and_then(interception::inspecting_product);
    let named = by_page.filter(|product| !product.is_empty()).or(by_chain);
    let named = named.or_else(|| answer.and_then(|a| answerer::who(a).name()));
    named.or_else(|| by_page.map(|_| "a firewall or proxy"))
}
