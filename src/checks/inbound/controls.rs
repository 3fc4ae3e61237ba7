//! The control probes that tell why a handshake was refused: servers answer a stripped upgrade, a refused
//! origin and an unknown path with the same 404, so only a comparison of several requests tells them apart.

use super::At;
use super::handshake::{self, CABLE, bare, upgrade};
use crate::check::{Ask, Reached};
use crate::checks::vendors;
use crate::failure::{Answer, Failure, Layer, WebSocketFailure};
use crate::probe::{Alpn, Listen, Probe, Request, Upgrade};
use crate::subject::address::{BaseUrl, Scheme, bracketed};
use crate::subject::place::Door;

/// Why the handshake was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// `Upgrade` or `Connection` did not arrive at the backend.
    UpgradeStripped,
    /// They did, and the backend takes this origin for a foreign one.
    OriginRejected,
    /// The front end does not know the path.
    NotFound,
    /// The front end cannot reach its backend.
    UpstreamFailed,
    /// Somebody says no.
    Denied,
}

/// The words with which Action Cable itself refuses.
const ACTION_CABLE: &str = "Page not found";
/// The words with which Workhorse from 18.9 answers a request that lost its upgrade.
const WORKHORSE: &str = "websocket upgrade required";

/// A request to `/-/cable` that is no handshake.
fn cable(at: At, headers: &[(&str, &str)]) -> Probe {
    let origin = at.url.origin();
    let all = [&[("Origin", origin.as_str())], headers].concat();
    let headers = all.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
    at.request(Alpn::Http1, Request { headers, ..Request::get(at.url.path(CABLE)) })
}

/// The same request as a plain GET, as if `Upgrade` had been stripped.
fn without_upgrade(at: At) -> Probe {
    cable(at, &[])
}

/// A handshake without its key. Action Cable raises an exception at it, whatever the origin, if the upgrade arrives
/// (observed: 500, and 404 where the upgrade was stripped). That leaves a line in the log of Rails, so it is asked
/// only where nothing else tells.
fn without_key(at: At) -> Probe {
    cable(at, &[("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13")])
}

/// The front page: where it redirects to tells which name and scheme the backend believes it has.
fn front(at: At) -> Probe {
    at.request(Alpn::Http1, Request::get(at.url.path("/")))
}

/// Handshakes that a backend accepts which is told another scheme, port or name than the client used: with an origin
/// of that kind, with one that it was told to accept, or with the scheme said by ourselves.
fn accepted_elsewhere(at: At) -> Vec<Probe> {
    let url = at.url;
    let other = match url.scheme {
        Scheme::Https => "http",
        Scheme::Http => "https",
    };
    let mut origins = vec![format!("{other}://{}", url.authority())];
    if url.target.port != url.scheme.default_port() {
        origins.push(format!("{}://{}", url.scheme.as_str(), bracketed(&url.target.host)));
    }
    let allowed = &at.subject.facts.ways_in.allowed_origins;
    origins.extend(allowed.iter().filter(|o| **o != url.origin()).take(MOST_ORIGINS).cloned());
    let mut probes: Vec<Probe> =
        origins.into_iter().map(|origin| bare(at, upgrade(at, origin, Listen::Answer))).collect();
    let said = |mut upgrade: Upgrade| {
        upgrade.headers.retain(|(name, _)| !name.eq_ignore_ascii_case("X-Forwarded-Proto"));
        upgrade.headers.push(("X-Forwarded-Proto".to_owned(), url.scheme.as_str().to_owned()));
        upgrade
    };
    probes.push(bare(at, said(upgrade(at, url.origin(), Listen::Answer))));
    probes
}

/// Of those that are accepted, one is enough to tell; a few, because not all of them need be written well.
const MOST_ORIGINS: usize = 4;

/// A handshake from a page of somebody else's: Action Cable refuses it, and nobody else looks at it.
fn foreign_origin(at: At) -> Probe {
    bare(at, upgrade(at, "https://duo-doctor.invalid".to_owned(), Listen::Answer))
}

/// A handshake that offers no sub-protocol: Action Cable takes it, and a filter of protocols has nothing to refuse.
fn without_protocol(at: At) -> Probe {
    let upgrade = upgrade(at, at.url.origin(), Listen::Answer);
    bare(at, Upgrade { protocols: Vec::new(), ..upgrade })
}

/// Whether the refusal could be Action Cable's own for more than one reason.
fn is_ambiguous(refusal: &Answer) -> bool {
    refusal.status == 404 && refusal.body.trim() == ACTION_CABLE
}

/// Every control probe for a refusal.
pub(super) fn ask(at: At, refusal: &Answer) -> Vec<Ask> {
    let mut plain = vec![without_upgrade(at), front(at)];
    if is_ambiguous(refusal) {
        plain.push(without_key(at));
    }
    let plain = plain.into_iter().map(|p| Ask::layer(p, Layer::Http));
    let handshakes = [foreign_origin(at), without_protocol(at)].into_iter().chain(accepted_elsewhere(at));
    plain.chain(super::hop::ask(at)).chain(handshakes.map(|p| Ask::layer(p, Layer::Upgrade))).collect()
}

/// The answers that the control probes brought: what they name tells the product.
pub(super) fn answers(at: At<'_>) -> Vec<&Answer> {
    [without_upgrade(at), front(at)].iter().filter_map(|probe| at.answer(probe)).collect()
}

fn opens(at: At, probe: &Probe) -> bool {
    matches!(at.seen.reached(probe, Layer::Upgrade), Reached::Here(_))
}

/// Whether who answers says no by himself: by the status, or by the page of a firewall, which may come with 200.
pub(super) fn is_denial(refusal: &Answer) -> bool {
    matches!(refusal.status, 401 | 403 | 407 | 429 | 451) || vendors::blocker(refusal).is_some()
}

/// Whether somebody on the way did not get an answer: 502 to 504, and those of Cloudflare (520 to 530). 500 is what
/// Workhorse before 18.9 says to a handshake that lost its upgrade; at Workhorse's own door nothing gets lost, and
/// Rails itself fails.
pub(super) fn upstream_failed(at: At, refusal: &Answer, socket: fn(At) -> Option<Probe>) -> bool {
    let fails = |inner: At| {
        let failure = socket(inner).and_then(|probe| at.seen.failure(&probe));
        matches!(failure, Some(Failure::WebSocket(WebSocketFailure::Refused(a))) if a.status == 500)
    };
    let innermost = || std::iter::once(at).chain(at.behind()).find(|a| a.door() == Door::Workhorse);
    match refusal.status {
        502..=504 | 520..=530 => true,
        500 => innermost().is_some_and(fails),
        _ => false,
    }
}

/// Weighs a refusal against the control probes.
pub(super) fn why(at: At, refusal: &Answer) -> Why {
    if upstream_failed(at, refusal, handshake::socket) {
        return Why::UpstreamFailed;
    }
    if is_denial(refusal) {
        return Why::Denied;
    }
    if accepted_elsewhere(at).iter().any(|probe| opens(at, probe)) {
        return Why::OriginRejected;
    }
    // The upgrade passes, and what is refused is the protocol that Action Cable speaks.
    if opens(at, &without_protocol(at)) {
        return Why::Denied;
    }
    if refusal.body.trim().starts_with(WORKHORSE) {
        return Why::UpgradeStripped;
    }
    if is_ambiguous(refusal) {
        let plain = at.answer(&without_upgrade(at));
        let arrived = at.answer(&without_key(at)).is_some_and(|a| a.status == 500);
        let moved = believes_another_name(at.url, at.answer(&front(at)));
        let tunnelled = plain.is_some_and(|plain| differs(refusal, plain));
        // Workhorse has words of its own for a lost upgrade: a plain request that gets those says that ours arrived.
        let named = plain.is_some_and(|plain| plain.body.trim().starts_with(WORKHORSE));
        return if arrived || moved || tunnelled || named {
            Why::OriginRejected
        } else {
            Why::UpgradeStripped
        };
    }
    match refusal.status {
        // A page, a redirect to sign in, a demand to upgrade, Workhorse before 18.9: the request came without.
        200..=399 | 400 | 426 | 500 => Why::UpgradeStripped,
        404 | 410 => Why::NotFound,
        _ => Why::Denied,
    }
}

/// Whether the backend redirects to another scheme or name than the client asked for.
fn believes_another_name(url: &BaseUrl, front: Option<&Answer>) -> bool {
    let location = front.and_then(|a| a.headers.get("location")).and_then(|l| url::Url::parse(l).ok());
    location.is_some_and(|l| {
        let port = l.port_or_known_default();
        l.scheme() != url.scheme.as_str()
            || l.host_str() != Some(bracketed(&url.target.host).as_str())
            || port != Some(url.target.port)
    })
}

/// Whether a front end lets the handshake through as it is, while it adds its own marks to a plain request: then
/// the upgrade did arrive.
fn differs(refusal: &Answer, plain: &Answer) -> bool {
    let marks = ["server", "via", "date"];
    marks.iter().any(|name| refusal.headers.get(name).is_none() && plain.headers.get(name).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_firewalls_page_is_a_denial_whatever_its_status() {
        let rejected = "<title>Request Rejected</title>The requested URL was rejected. Please consult with your \
                        administrator.<br>";
        for (status, headers, body, denies) in [
            (403, &[][..], "", true),
            (429, &[], "Retry later", true),
            (200, &[], rejected, true),
            (404, &[], rejected, true),
            (200, &[("content-type", "text/plain")], rejected, false),
            (200, &[], "<title>Sign in</title>", false),
            (400, &[], "websocket upgrade required", false),
        ] {
            assert_eq!(is_denial(&Answer::of(status, headers, body)), denies, "{status} {body}");
        }
    }
}
