//! `http`: the right service answers, and not just anybody with any status.

use super::{answer, slice, walk, ways, with};
use crate::check::{Ask, Check, Group, Reached, Seen, Verdict};
use crate::checks::serves;
use crate::failure::{Failure, HttpKind, Layer};
use crate::finding::Code;
use crate::probe::{Fetch, Probe, Reading, Request, Then, TlsAsk};
use crate::subject::address::Scheme;
use crate::subject::place::{Endpoint, Place};
use crate::subject::{Subject, Via};
use crate::text;

/// The right service answers.
pub(in crate::checks) static HTTP: Check = Check {
    id: "http",
    title: "the right service answers",
    group: Group::Network,
    about: "An unauthenticated request is answered in the service's own words: no block page, portal or challenge.",
    codes: &[
        Code::HttpBlockPage,
        Code::HttpRedirected,
        Code::CloudflareChallenge,
        Code::CloudflareBlocked,
        Code::CloudflareOriginError,
        Code::HttpUnexpected,
        Code::SignatureUnrecognised,
        Code::HttpTimeout,
        Code::HttpMalformed,
        Code::GatewayUnhealthy,
        Code::TlsClientCertificateWanted,
    ],
    needs: &["tls"],
    serves: serves::way,
    places: ways,
    ask,
    judge,
};

/// The gateway's health address, asked once the gateway itself is known to answer.
pub(in crate::checks) fn health(subject: &Subject, place: Place) -> Option<Probe> {
    let path = match place.endpoint()? {
        Endpoint::Cloud => "/ai/monitoring/healthz",
        Endpoint::Gateway => "/monitoring/healthz",
        Endpoint::Customers | Endpoint::Workflow | Endpoint::Instance => return None,
    };
    further(subject, place, Request::get(path))
}

/// A further request on a way whose first one is answered: on a direct way over a connection that stands.
pub(in crate::checks) fn further(subject: &Subject, place: Place, request: Request) -> Option<Probe> {
    let route = subject.route(place)?;
    let base = subject.services.base(route.endpoint)?;
    match route.via {
        Via::Direct => Some(Probe::Fetch(Fetch {
            target: base.target.clone(),
            tls: (base.scheme == Scheme::Https).then_some(TlsAsk::strict(route.trust)),
            request: Request { path: base.path(&request.path), ..request },
        })),
        Via::Proxy(_) | Via::Unusable { .. } => with(subject, place, |_| {}, Then::Request(request)),
    }
}

fn ask(subject: &Subject, place: Place, seen: Seen) -> Vec<Ask> {
    let mut asks = slice(subject, place, Layer::Http, Layer::Http);
    let answered =
        walk(subject, place).is_some_and(|p| matches!(seen.reached(&p, Layer::Http), Reached::Here(_)));
    if answered {
        asks.extend(health(subject, place).map(|p| Ask::layer(p, Layer::Http)));
    }
    asks
}

fn judge(subject: &Subject, place: Place, seen: Seen) -> Verdict {
    let (Some(probe), Some(endpoint)) = (walk(subject, place), place.endpoint()) else {
        return Verdict::Unknown("the endpoint is not known here".to_owned());
    };
    let target = subject.target(endpoint);
    let host = target.as_ref().map_or("the service", |t| t.host.as_str());
    match seen.reached(&probe, Layer::Http) {
        Reached::Here(Reading::Answer(found)) => match answer::judge(endpoint, host, found) {
            Verdict::Pass(note) => {
                unhealthy(host, health(subject, place), seen).unwrap_or(Verdict::Pass(note))
            }
            verdict @ (Verdict::Findings(_)
            | Verdict::NotApplicable(_)
            | Verdict::NotAsked(_)
            | Verdict::Wants(..)
            | Verdict::Unknown(_)) => verdict,
        },
        Reached::Failed(Failure::Http(failure)) => match failure.kind {
            HttpKind::Timeout => {
                let seconds = text::seconds(failure.after);
                Verdict::found(Code::HttpTimeout, &[("host", host), ("seconds", &seconds)])
            }
            HttpKind::Malformed | HttpKind::Closed => {
                Verdict::found(Code::HttpMalformed, &[("host", host), ("words", &failure.words)])
            }
            HttpKind::ClientCertificateWanted => {
                let port = target.as_ref().map_or(443, |t| t.port).to_string();
                Verdict::found(Code::TlsClientCertificateWanted, &[("host", host), ("port", &port)])
            }
        },
        Reached::Failed(failure) => Verdict::Unknown(format!("the request was not sent: {failure}")),
        Reached::Here(_) | Reached::NotYet => Verdict::Unknown("the request ended without a word".to_owned()),
    }
}

/// A gateway that answers, and says of itself that it is not well.
fn unhealthy(host: &str, probe: Option<Probe>, seen: Seen) -> Option<Verdict> {
    let probe = probe?;
    let Reached::Here(Reading::Answer(answer)) = seen.reached(&probe, Layer::Http) else { return None };
    let own = answer.headers.get("content-type").is_some_and(|t| t.contains("json"));
    if !(500..520).contains(&answer.status) || !own {
        return None;
    }
    let words = crate::checks::vendors::words_of(answer);
    let args = [("host", host), ("status", &answer.status.to_string()), ("words", &words)];
    Some(Verdict::found(Code::GatewayUnhealthy, &args))
}
