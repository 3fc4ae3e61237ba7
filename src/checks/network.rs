//! Group Network: from this node to the services that GitLab Duo needs, by every way that it takes.
//!
//! All checks of a way judge slices of one walk: name, connection, proxy, TLS, answer.

pub(super) mod addresses;
pub(super) mod answer;
pub(super) mod dns;
pub(super) mod http;
pub(super) mod latency;
pub(super) mod proxy;
pub(super) mod ranges;
pub(super) mod tcp;
pub(super) mod tls;

use crate::check::Ask;
use crate::failure::Layer;
use crate::probe::{Probe, Request, Then, TlsAsk, Walk};
use crate::subject::place::{Endpoint, Place};
use crate::subject::{Route, Subject, Via};

/// The endpoints that Cloudflare stands in front of.
const BEHIND_CLOUDFLARE: [Endpoint; 2] = [Endpoint::Customers, Endpoint::Cloud];

/// One place for each endpoint that a route leads to.
fn endpoints(subject: &Subject) -> Vec<Place> {
    let routed = |e: &Endpoint| subject.routes_to(*e).next().is_some();
    BEHIND_CLOUDFLARE.into_iter().filter(routed).map(Place::Endpoint).collect()
}

/// One place for each way.
fn ways(subject: &Subject) -> Vec<Place> {
    subject.routes.iter().map(Route::place).collect()
}

/// The request whose answer tells that the right service answers, without credentials.
///
/// The gateway authenticates before anything else, so any path but its health address answers 401 in its own
/// words; `customers.gitlab.com` publishes its OIDC configuration.
pub(super) fn signature(endpoint: Endpoint) -> Request {
    match endpoint {
        Endpoint::Customers => Request::get("/.well-known/openid-configuration"),
        Endpoint::Cloud => Request::get("/ai/v2/code/completions"),
        Endpoint::Gateway | Endpoint::Workflow | Endpoint::Instance => Request::get("/"),
    }
}

/// The walk that all checks of a way share.
pub(super) fn walk(subject: &Subject, place: Place) -> Option<Probe> {
    let endpoint = place.endpoint()?;
    with(subject, place, |_| {}, Then::Request(signature(endpoint)))
}

/// A walk on the same way that differs in how TLS is spoken and in what follows.
fn with(subject: &Subject, place: Place, change: fn(&mut TlsAsk), then: Then) -> Option<Probe> {
    let route = subject.route(place)?;
    let mut tls = TlsAsk::strict(route.trust);
    change(&mut tls);
    Some(Probe::Walk(Walk {
        target: subject.target(route.endpoint)?,
        via: route.via.clone(),
        tls: Some(tls),
        then,
        repeat: None,
    }))
}

/// A slice of the shared walk.
fn slice(subject: &Subject, place: Place, from: Layer, until: Layer) -> Vec<Ask> {
    walk(subject, place).map(|probe| Ask::layers(probe, from, until)).into_iter().collect()
}

/// The proxy that every way to an endpoint takes, if all take one: then its name and addresses do not matter
/// to this node.
fn only_proxy(subject: &Subject, endpoint: Endpoint) -> Option<String> {
    let mut proxies = subject.routes_to(endpoint).map(|r| match &r.via {
        Via::Direct | Via::Unusable { .. } => None,
        Via::Proxy(proxy) => Some(proxy.target.to_string()),
    });
    let first = proxies.next()??;
    proxies.all(|p| p.is_some()).then_some(first)
}

/// Why an endpoint's name and addresses mean nothing here, if so.
fn name_does_not_matter(subject: &Subject, endpoint: Endpoint) -> Option<String> {
    let target = subject.target(endpoint)?;
    subject
        .dial
        .is_connect_to(&target)
        .then(|| format!("--connect-to leads connections for {} elsewhere", target.host))
}
