//! Group Network: from this node to the services that GitLab Duo needs, by every way that it takes.
//!
//! All checks of a way judge slices of one walk: name, connection, proxy, TLS, answer. The workflow service
//! speaks gRPC and has a group of its own.

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
use crate::subject::address::Scheme;
use crate::subject::doors::Aim;
use crate::subject::place::{Endpoint, Place, Stack};
use crate::subject::services::Requirement;
use crate::subject::{Route, StoreId, Subject, Via};

/// The endpoints of this group.
pub(super) const ENDPOINTS: [Endpoint; 3] = [Endpoint::Customers, Endpoint::Cloud, Endpoint::Gateway];

/// One place for each endpoint that a route leads to.
fn endpoints(subject: &Subject) -> Vec<Place> {
    let routed = |e: &Endpoint| subject.routes_to(*e).next().is_some();
    ENDPOINTS.into_iter().filter(routed).map(Place::Endpoint).collect()
}

/// One place for each way.
fn ways(subject: &Subject) -> Vec<Place> {
    subject.examined().filter(|r| ENDPOINTS.contains(&r.endpoint)).map(Route::place).collect()
}

/// The shared walks of all ways, for those who look at the answers.
pub(super) fn answering(subject: &Subject) -> Vec<Probe> {
    let used = |place: &Place| {
        !matches!(place.endpoint().map(|e| subject.requirement(e)), Some(Requirement::NotUsed(_)))
    };
    ways(subject).into_iter().filter(used).filter_map(|place| walk(subject, place)).collect()
}

/// The request whose answer tells that the right service answers, without credentials.
///
/// The gateway authenticates before anything else, so any path but its health address answers 401 in its own
/// words; `customers.gitlab.com` publishes its OIDC configuration.
pub(super) fn signature(endpoint: Endpoint) -> Request {
    match endpoint {
        Endpoint::Customers => Request::get("/.well-known/openid-configuration"),
        Endpoint::Cloud => Request::get("/ai/v2/code/completions"),
        Endpoint::Gateway => Request::get("/v2/code/completions"),
        Endpoint::Workflow | Endpoint::Instance => Request::get("/"),
    }
}

/// The walk that all checks of a way share. `None`: there is no such way, or its proxy is none.
pub(super) fn walk(subject: &Subject, place: Place) -> Option<Probe> {
    let route = subject.route(place)?;
    walk_by(subject, route, &route.via)
}

/// The same walk by another way than the route's.
pub(super) fn walk_by(subject: &Subject, route: &Route, via: &Via) -> Option<Probe> {
    by(subject, route, via, route.trust, |_| {}, Then::Request(signature(route.endpoint)))
}

/// A walk on the same way that differs in how TLS is spoken and in what follows.
pub(super) fn with(subject: &Subject, place: Place, change: fn(&mut TlsAsk), then: Then) -> Option<Probe> {
    let route = subject.route(place)?;
    by(subject, route, &route.via, route.trust, change, then)
}

/// A walk to the endpoint of a route that goes by another way or trusts other roots than the route does.
pub(super) fn by(
    subject: &Subject,
    route: &Route,
    via: &Via,
    trust: StoreId,
    change: fn(&mut TlsAsk),
    mut then: Then,
) -> Option<Probe> {
    if matches!(via, Via::Unusable { .. }) {
        return None;
    }
    let base = subject.services.base(route.endpoint)?;
    let mut tls = TlsAsk::strict(trust);
    change(&mut tls);
    if let Then::Request(request) = &mut then {
        request.path = base.path(&request.path);
    }
    Some(Probe::Walk(Walk {
        target: base.target.clone(),
        via: via.clone(),
        tls: (base.scheme == Scheme::Https).then_some(tls),
        then,
        aim: Aim::Name,
        nth: 1,
    }))
}

/// A slice of the shared walk.
fn slice(subject: &Subject, place: Place, from: Layer, until: Layer) -> Vec<Ask> {
    walk(subject, place).map(|probe| Ask::layers(probe, from, until)).into_iter().collect()
}

/// Whether an endpoint is spoken to in plain text, as a gateway of one's own may be.
fn is_plain(subject: &Subject, place: Place) -> bool {
    let base = place.endpoint().and_then(|e| subject.services.base(e));
    base.is_some_and(|base| base.scheme == Scheme::Http)
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

/// The stacks that follow Ruby's ways on a route: they resolve a name before they use a proxy, and connect to its
/// first address only.
fn rubys(route: &Route) -> Vec<Stack> {
    route.stacks.iter().copied().filter(|s| matches!(s, Stack::Rails | Stack::Sidekiq)).collect()
}

/// Stacks as a sentence names them: `Rails and Sidekiq`.
pub(super) fn named(stacks: &[Stack]) -> String {
    let names: Vec<&str> = stacks.iter().map(|s| s.name()).collect();
    crate::text::list(&names)
}
