//! The control probes that tell why `/-/cable` did not upgrade: servers answer a stripped upgrade, a refused
//! origin and an unknown path with the same 404, so only a comparison of several requests tells them apart.

use super::cable::{Credential, handshake};
use super::{page, request};
use crate::check::{Ask, Reached, Seen};
use crate::checks::vendors;
use crate::failure::{Answer, Layer};
use crate::probe::{Alpn, Listen, Probe, Reading, Request};
use crate::subject::Subject;
use crate::subject::address::{BaseUrl, bracketed};

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

/// The same request as a plain GET, as if `Upgrade` had been stripped.
fn without_upgrade(subject: &Subject) -> Option<Probe> {
    let url = subject.instance.as_ref()?;
    let headers = vec![("Origin".to_owned(), url.origin())];
    request(subject, Alpn::Http1, Request { headers, ..Request::get(url.path("/-/cable")) })
}

/// The front page: where it redirects to tells which name and scheme the backend believes it has.
fn front(subject: &Subject) -> Option<Probe> {
    let url = subject.instance.as_ref()?;
    request(subject, Alpn::Http1, Request::get(url.path("/")))
}

/// A handshake without its key. Action Cable raises an exception at it, whatever the origin, if the upgrade arrives
/// (observed: 500, and 404 where the upgrade was stripped). That leaves a line in the log of Rails, so it is asked
/// only where nothing else tells.
fn without_key(subject: &Subject) -> Option<Probe> {
    let url = subject.instance.as_ref()?;
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let headers = vec![
        header("Origin", &url.origin()),
        header("Connection", "Upgrade"),
        header("Upgrade", "websocket"),
        header("Sec-WebSocket-Version", "13"),
    ];
    request(subject, Alpn::Http1, Request { headers, ..Request::get(url.path("/-/cable")) })
}

/// Handshakes with the origins that a backend accepts which is told another scheme or port than the client used.
fn other_origins(subject: &Subject) -> Vec<Probe> {
    let Some(url) = &subject.instance else { return Vec::new() };
    let mut origins = vec![format!("http://{}", url.authority())];
    if url.target.port != url.scheme.default_port() {
        origins.push(format!("{}://{}", url.scheme.as_str(), bracketed(&url.target.host)));
    }
    origins.into_iter().filter_map(|o| handshake(subject, o, Listen::Answer, Credential::None)).collect()
}

/// Whether the refusal could be Action Cable's own for more than one reason.
fn is_ambiguous(refusal: &Answer) -> bool {
    refusal.status == 404 && refusal.body.trim() == ACTION_CABLE
}

/// Every control probe for a refusal.
pub(super) fn ask(subject: &Subject, refusal: &Answer) -> Vec<Ask> {
    let key = if is_ambiguous(refusal) { without_key(subject) } else { None };
    let plain = [without_upgrade(subject), front(subject), page(subject), key];
    let plain = plain.into_iter().flatten().map(|p| Ask::layer(p, Layer::Http));
    plain.chain(other_origins(subject).into_iter().map(|p| Ask::layer(p, Layer::Upgrade))).collect()
}

fn answer(probe: Option<Probe>, seen: Seen<'_>) -> Option<&Answer> {
    match seen.reached(&probe?, Layer::Http) {
        Reached::Here(Reading::Answer(answer)) => Some(answer),
        Reached::Here(_) | Reached::Failed(_) | Reached::NotYet => None,
    }
}

/// The product that the door's page names.
pub(super) fn product(subject: &Subject, seen: Seen) -> Option<&'static str> {
    [page(subject), without_upgrade(subject), front(subject)]
        .into_iter()
        .find_map(|probe| vendors::server_product(&answer(probe, seen)?.headers))
}

/// Weighs a refusal against the control probes.
pub(super) fn why(subject: &Subject, refusal: &Answer, seen: Seen) -> Why {
    match refusal.status {
        502..=504 => return Why::UpstreamFailed,
        401 | 403 | 407 | 429 | 451 => return Why::Denied,
        _ => {}
    }
    if other_origins(subject).iter().any(|p| matches!(seen.reached(p, Layer::Upgrade), Reached::Here(_))) {
        return Why::OriginRejected;
    }
    if refusal.body.trim().starts_with(WORKHORSE) {
        return Why::UpgradeStripped;
    }
    if is_ambiguous(refusal) {
        let plain = answer(without_upgrade(subject), seen);
        let arrived = answer(without_key(subject), seen).is_some_and(|a| a.status == 500);
        let moved = subject
            .instance
            .as_ref()
            .is_some_and(|url| believes_another_name(url, answer(front(subject), seen)));
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
