//! `cable`: `/-/cable` takes the WebSocket upgrade and says welcome.

use super::controls::{self, Why};
use super::{channel, doors, no_instance, page, tls};
use crate::check::{Ask, Check, Group, Reached, Seen, Verdict};
use crate::checks::network::answer::elsewhere;
use crate::checks::vendors;
use crate::failure::{Answer, Ended, Failure, Layer, WebSocketFailure};
use crate::finding::Code;
use crate::probe::{Alpn, Listen, Probe, Reading, Then, TlsAsk, Upgrade, Version, Walk};
use crate::subject::address::{BaseUrl, Scheme};
use crate::subject::doors::Aim;
use crate::subject::place::Place;
use crate::subject::{Subject, Via};
use crate::text;

/// The upgrade passes.
pub(in crate::checks) static CABLE: Check = Check {
    id: "cable",
    title: "/-/cable takes the upgrade",
    group: Group::Inbound,
    about: "A WebSocket handshake at /-/cable is answered with 101 and Action Cable's welcome, as Duo Chat needs.",
    codes: &[
        Code::WebsocketUpgradeStripped,
        Code::WebsocketOriginRejected,
        Code::WebsocketDenied,
        Code::WebsocketUpstreamFailed,
        Code::WebsocketNotFound,
        Code::WebsocketNoWelcome,
        Code::WebsocketUnauthorized,
        Code::FrontEndRequiresLogin,
    ],
    needs: &["reach", "certificate"],
    places: doors,
    ask,
    judge,
};

/// What Action Cable speaks, and the protocol by which it says that it speaks none of the others.
const PROTOCOLS: [&str; 2] = ["actioncable-v1-json", "actioncable-unsupported"];

/// The handshake that a browser sends. Carries the token only where `credential` says that TLS is good.
pub(super) fn handshake(
    subject: &Subject,
    origin: String,
    listen: Listen,
    credential: Credential,
) -> Option<Probe> {
    let url = subject.instance.as_ref()?;
    let (ask, token) = match credential {
        Credential::None => (tls(url, Alpn::Http1), None),
        Credential::Token => {
            let strict = TlsAsk { alpn: Alpn::Http1, ..TlsAsk::strict(Subject::SHELL_STORE) };
            (Some(strict), subject.token.clone())
        }
    };
    Some(Probe::Walk(Walk {
        target: url.target.clone(),
        via: Via::Direct,
        tls: ask,
        then: Then::Upgrade(Upgrade {
            path: url.path("/-/cable"),
            authority: url.authority(),
            origin,
            protocols: PROTOCOLS.map(str::to_owned).to_vec(),
            headers: Vec::new(),
            credential: token,
            message: None,
            version: Version::Http1,
            listen,
        }),
        aim: Aim::Name,
        nth: 1,
    }))
}

/// Whether a handshake carries the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Credential {
    None,
    /// Only over TLS whose chain, name and dates were verified (`field-notes.md` 5).
    Token,
}

/// The handshake that this check and `pings` are judged by; `None` while that is not yet known.
pub(super) fn socket(subject: &Subject, seen: Seen) -> Option<Probe> {
    let url = subject.instance.as_ref()?;
    let listen = match subject.limits.hold {
        None => Listen::FirstPing,
        Some(hold) => Listen::Hold(u32::try_from(hold.as_secs()).unwrap_or(u32::MAX)),
    };
    let credential = match (&subject.token, url.scheme) {
        (Some(_), Scheme::Https) => match channel(subject, seen) {
            Some(tls) if tls.bad_certificate.is_none() => Credential::Token,
            Some(_) => Credential::None,
            None if seen.failure(&page(subject)?).is_some() => Credential::None,
            None => return None,
        },
        (None, _) | (Some(_), Scheme::Http) => Credential::None,
    };
    handshake(subject, url.origin(), listen, credential)
}

/// What must be known before the socket is opened: a token waits until the door's certificate is known to be good.
pub(super) fn first(subject: &Subject) -> Vec<Ask> {
    let page = page(subject).filter(|_| subject.token.is_some());
    page.into_iter().map(|p| Ask::layer(p, Layer::Tls)).collect()
}

fn ask(subject: &Subject, _: Place, seen: Seen) -> Vec<Ask> {
    let mut asks = first(subject);
    if let Some(probe) = socket(subject, seen) {
        if let Some(Failure::WebSocket(WebSocketFailure::Refused(answer))) = seen.failure(&probe) {
            asks.extend(controls::ask(subject, answer));
        }
        asks.insert(0, Ask::layers(probe, Layer::Upgrade, Layer::Welcome));
    }
    asks
}

fn judge(subject: &Subject, _: Place, seen: Seen) -> Verdict {
    let Some(url) = &subject.instance else { return no_instance() };
    let Some(probe) = socket(subject, seen) else {
        return Verdict::Unknown("whether the certificate is good could not be found out".to_owned());
    };
    match seen.reached(&probe, Layer::Welcome) {
        Reached::Here(_) => welcomed(url, &probe, seen),
        Reached::Failed(Failure::WebSocket(failure)) => failed(subject, url, &probe, failure, seen),
        Reached::Failed(failure) => not_there(url, failure),
        Reached::NotYet => Verdict::Unknown("the handshake ended without a word".to_owned()),
    }
}

fn welcomed(url: &BaseUrl, probe: &Probe, seen: Seen) -> Verdict {
    match seen.reached(probe, Layer::Upgrade) {
        Reached::Here(Reading::Upgraded(up)) if up.protocol.as_deref() != Some(PROTOCOLS[0]) => {
            let said = up.protocol.as_deref().unwrap_or("none");
            no_welcome(url, &format!("the sub-protocol {} is answered with {said}", PROTOCOLS[0]))
        }
        Reached::Here(_) | Reached::Failed(_) | Reached::NotYet => {
            Verdict::pass("101 Switching Protocols, then Action Cable's welcome.".to_owned())
        }
    }
}

/// The handshake was not answered by HTTP, although the page was.
fn not_there(url: &BaseUrl, failure: &Failure) -> Verdict {
    match failure {
        Failure::Http(http) if http.kind == crate::failure::HttpKind::Malformed => {
            no_welcome(url, &format!("the answer to the handshake is no HTTP: {}", http.words))
        }
        Failure::Http(http) if http.kind == crate::failure::HttpKind::ClientCertificateWanted => {
            Verdict::NotAsked("a client certificate would tell (--cert and --key)".to_owned())
        }
        Failure::Tls(tls) if tls.kind == crate::failure::TlsKind::ClientCertificateWanted => {
            Verdict::NotAsked("a client certificate would tell (--cert and --key)".to_owned())
        }
        Failure::Dns(_)
        | Failure::Tcp(_)
        | Failure::Proxy(_)
        | Failure::Tls(_)
        | Failure::Http(_)
        | Failure::Grpc(_)
        | Failure::WebSocket(_)
        | Failure::Socket(_)
        | Failure::Other { .. } => Verdict::Unknown(format!("the handshake was not sent: {failure}")),
    }
}

/// Whether a handshake carries a credential: one that was held back cannot have been refused.
fn has_credential(probe: &Probe) -> bool {
    matches!(probe, Probe::Walk(Walk { then: Then::Upgrade(upgrade), .. }) if upgrade.credential.is_some())
}

fn failed(
    subject: &Subject,
    url: &BaseUrl,
    probe: &Probe,
    failure: &WebSocketFailure,
    seen: Seen,
) -> Verdict {
    match failure {
        WebSocketFailure::Refused(answer) => refused(subject, url, answer, seen),
        WebSocketFailure::BadHandshake { words } => {
            no_welcome(url, &format!("101, and then a broken handshake: {words}"))
        }
        WebSocketFailure::NoAnswer { kind: Ended::Timeout, after } => {
            no_welcome(url, &format!("the handshake gets no answer in {}", text::duration(*after)))
        }
        WebSocketFailure::NoAnswer { .. } => no_welcome(url, "the handshake is cut without an answer"),
        WebSocketFailure::Silent { after, .. } => {
            no_welcome(url, &format!("101, and then silence for {}", text::duration(*after)))
        }
        WebSocketFailure::Cut { after, .. } => {
            no_welcome(url, &format!("101, and then cut after {}", text::duration(*after)))
        }
        WebSocketFailure::Disconnected { reason } if reason == "unauthorized" && has_credential(probe) => {
            let base = url.to_string();
            let args = [("url", base.as_str()), ("host", &url.target.host), ("reason", reason)];
            Verdict::found(Code::WebsocketUnauthorized, &args)
        }
        WebSocketFailure::Disconnected { reason } if reason == "unauthorized" => {
            Verdict::pass("101, then asked to sign in: the way is open.".to_owned())
        }
        WebSocketFailure::Disconnected { reason } => {
            no_welcome(url, &format!("101, and then disconnected: {reason}"))
        }
        WebSocketFailure::Foreign { text } => no_welcome(
            url,
            &format!("101, and then words that are not Action Cable's: \"{}\"", text::escape(text, 40)),
        ),
    }
}

fn no_welcome(url: &BaseUrl, how: &str) -> Verdict {
    let text = url.to_string();
    Verdict::found(Code::WebsocketNoWelcome, &[("url", &text), ("host", &url.target.host), ("how", how)])
}

/// The finding of a handshake that was answered, and not with 101.
fn refused(subject: &Subject, url: &BaseUrl, answer: &Answer, seen: Seen) -> Verdict {
    let base = url.to_string();
    let status = answer.status.to_string();
    // The page at the door names its server even where the handshake's answer does not.
    let product = vendors::server_product(&answer.headers)
        .or_else(|| controls::product(subject, seen))
        .unwrap_or("unknown");
    let by = if product == "unknown" { "the front end" } else { product };
    let (u, h, s) = (("url", base.as_str()), ("host", url.target.host.as_str()), ("status", status.as_str()));
    if let Some(location) = elsewhere(&url.target.host, answer) {
        return Verdict::found(Code::FrontEndRequiresLogin, &[u, h, ("location", &location)]);
    }
    match controls::why(subject, answer, seen) {
        Why::UpgradeStripped => {
            let args = [u, h, s, ("hop", "front end"), ("product", product)];
            Verdict::found(Code::WebsocketUpgradeStripped, &args)
        }
        Why::OriginRejected => {
            let args = [u, h, s, ("origin", &url.origin()), ("product", product)];
            Verdict::found(Code::WebsocketOriginRejected, &args)
        }
        Why::NotFound => Verdict::found(Code::WebsocketNotFound, &[u, h, s, ("by", by)]),
        Why::UpstreamFailed => Verdict::found(Code::WebsocketUpstreamFailed, &[u, h, s, ("by", by)]),
        Why::Denied => {
            let words = vendors::words_of(answer);
            Verdict::found(Code::WebsocketDenied, &[u, h, s, ("by", by), ("words", &words)])
        }
    }
}
