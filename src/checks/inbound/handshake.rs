//! The WebSocket handshakes that are sent at a door: what each carries, and how the same went at the doors behind.

use super::At;
use super::hop::Fares;
use crate::check::{Ask, Reached};
use crate::failure::{Failure, Layer, WebSocketFailure};
use crate::probe::{Alpn, Listen, OnBadCertificate, Probe, Subscription, Then, TlsAsk, Upgrade, Version};
use crate::secret::Secret;
use crate::subject::address::Scheme;

/// What Action Cable speaks, and the protocol by which it says that it speaks none of the others.
pub(super) const PROTOCOLS: [&str; 2] = ["actioncable-v1-json", "actioncable-unsupported"];

/// The path of Action Cable.
pub(super) const CABLE: &str = "/-/cable";

/// Whether a handshake may carry the token: only over TLS whose chain, name and dates were verified, or without
/// leaving this node, and never through a proxy (`field-notes.md` 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::checks) enum Credential {
    None,
    Token,
    /// It is not known yet whether the door's certificate is good.
    NotYet,
}

/// Whether the token may be sent at a door.
pub(in crate::checks) fn credential(at: At) -> Credential {
    if at.subject.token.is_none() || super::is_proxied(at) {
        return Credential::None;
    }
    if at.is_local() {
        return Credential::Token;
    }
    match (at.entrance.scheme, at.channel()) {
        (Scheme::Https, Some(tls)) if tls.bad_certificate.is_none() => Credential::Token,
        (Scheme::Https, None) if at.seen.failure(&at.page()).is_none() => Credential::NotYet,
        (Scheme::Http | Scheme::Https, _) => Credential::None,
    }
}

/// The token, where it may be sent, and how TLS has to be spoken then.
pub(in crate::checks) fn carrying(
    at: At,
    credential: Credential,
    alpn: Alpn,
) -> (Option<TlsAsk>, Option<Secret>) {
    let ask = at.tls(alpn);
    match credential {
        Credential::Token if at.is_local() => (ask, at.subject.token.clone()),
        Credential::Token => {
            let strict = |ask: TlsAsk| TlsAsk { on_bad_certificate: OnBadCertificate::Stop, ..ask };
            (ask.map(strict), at.subject.token.clone())
        }
        Credential::None | Credential::NotYet => (ask, None),
    }
}

/// What must be known before a token is sent: whether the door's certificate is good.
pub(in crate::checks) fn first(at: At) -> Vec<Ask> {
    let mut asks = at.first();
    if at.subject.token.is_some() && !at.is_local() && at.is_the_public_door() == Some(false) {
        asks.push(Ask::layer(at.page(), Layer::Tls));
    }
    asks
}

/// The handshake that a browser sends to `/-/cable`.
pub(super) fn upgrade(at: At, origin: String, listen: Listen) -> Upgrade {
    Upgrade {
        path: at.url.path(CABLE),
        authority: at.url.authority(),
        origin,
        protocols: PROTOCOLS.map(str::to_owned).to_vec(),
        headers: at.entrance.headers.clone(),
        credential: None,
        message: None,
        version: Version::Http1,
        listen,
    }
}

/// A handshake as it is, without a token.
pub(super) fn bare(at: At, upgrade: Upgrade) -> Probe {
    let alpn = match upgrade.version {
        Version::Http1 => Alpn::Http1,
        Version::Http2 => Alpn::Http2,
    };
    at.walk(at.tls(alpn), Then::Upgrade(upgrade))
}

/// How long the sockets of this run are listened to.
pub(super) fn listen(at: At) -> Listen {
    match at.subject.limits.hold {
        None => Listen::FirstPing,
        Some(hold) => Listen::Hold(u32::try_from(hold.as_secs()).unwrap_or(u32::MAX)),
    }
}

/// The origins that Action Cable is told to accept: the instance's own first.
pub(super) fn origin(at: At) -> String {
    at.url.origin()
}

/// How long the message is that has to pass both ways: more than a packet, and more than many filters look at.
pub(super) const MESSAGE: u32 = 4096;

/// GitLab's channel, with nothing to listen to in it.
fn message() -> Subscription {
    Subscription { channel: "GraphqlChannel".to_owned(), padding: MESSAGE }
}

/// The socket that `cable` and `pings` are judged by; `None` while it is not known whether it may carry the token.
pub(super) fn socket(at: At) -> Option<Probe> {
    let credential = credential(at);
    if credential == Credential::NotYet || at.is_the_public_door() != Some(false) {
        return None;
    }
    let (tls, token) = carrying(at, credential, Alpn::Http1);
    let message = token.is_some().then(message);
    let upgrade = Upgrade { credential: token, message, ..upgrade(at, origin(at), listen(at)) };
    Some(at.walk(tls, Then::Upgrade(upgrade)))
}

/// The sockets of the doors behind a door: how the same handshake goes there.
pub(super) fn inner(at: At, from: Layer, until: Layer) -> Vec<Ask> {
    let mut asks: Vec<Ask> = at.behind().flat_map(first).collect();
    asks.extend(at.behind().filter_map(socket).map(|probe| Ask::layers(probe, from, until)));
    asks
}

/// How far a socket came at a door.
pub(super) fn fares(at: At, probe: Option<Probe>, until: Layer) -> Fares {
    let Some(probe) = probe else { return Fares::Unknown };
    match at.seen.reached(&probe, until) {
        // Disconnected, the way stands: what is refused is who comes.
        Reached::Here(_) | Reached::Failed(Failure::WebSocket(WebSocketFailure::Disconnected { .. })) => {
            Fares::Works
        }
        Reached::Failed(Failure::WebSocket(_) | Failure::Http(_)) => Fares::Fails,
        Reached::Failed(
            Failure::Dns(_)
            | Failure::Tcp(_)
            | Failure::Socket(_)
            | Failure::Proxy(_)
            | Failure::Tls(_)
            | Failure::Grpc(_)
            | Failure::Rails(_)
            | Failure::Other { .. },
        )
        | Reached::NotYet => Fares::Unknown,
    }
}
