//! `cable`: `/-/cable` takes the WebSocket upgrade and says welcome.

use super::controls::{self};
use super::handshake::{self, PROTOCOLS, fares, socket};
use super::hop::{self, Blame, Fares, Hop, blame};
use super::refusal::{Args, Refusal, of_refusal};
use super::{At, PAGE, open_doors};
use crate::check::{Ask, Check, Group, Reached, Verdict};
use crate::checks::network::answer::elsewhere;
use crate::checks::serves;
use crate::failure::{Answer, Ended, Failure, HttpKind, Layer, TlsKind, WebSocketFailure};
use crate::finding::Code;
use crate::probe::{Alpn, Listen, Probe, Reading, Request, Upgrade, Version};
use crate::text;

/// The upgrade passes.
pub(in crate::checks) static CABLE_CHECK: Check = Check {
    id: "cable",
    title: "/-/cable takes the upgrade",
    group: Group::Inbound,
    about: "A WebSocket handshake at /-/cable is answered with 101 and Action Cable's welcome, as Duo Chat needs; \
        with a token, a message of 4 KB passes both ways.",
    codes: &[
        Code::WebsocketUpgradeStripped,
        Code::WebsocketOriginRejected,
        Code::WebsocketDenied,
        Code::WebsocketUpstreamFailed,
        Code::WebsocketNotFound,
        Code::WebsocketNoWelcome,
        Code::WebsocketMessageLost,
        Code::WebsocketUnauthorized,
        Code::Http1NotOffered,
        Code::FrontEndRequiresLogin,
    ],
    needs: &["reach", "certificate"],
    serves: serves::chat,
    places: open_doors,
    ask: |subject, place, seen| super::asked(subject, place, seen, ask),
    judge: |subject, place, seen| super::judged(subject, place, seen, judge),
};

fn ask(at: At) -> Vec<Ask> {
    let mut asks = handshake::first(at);
    let Some(probe) = socket(at) else { return asks };
    let until = if has_message(&probe) { Layer::Message } else { Layer::Welcome };
    match at.seen.failure(&probe) {
        None if is_unanswered(at, &probe) => {
            asks.extend(hop::ask(at));
            asks.extend(handshake::inner(at, Layer::Upgrade, until));
        }
        None => {}
        Some(Failure::WebSocket(WebSocketFailure::Refused(answer))) => {
            asks.extend(controls::ask(at, answer));
            asks.extend(handshake::inner(at, Layer::Upgrade, Layer::Welcome));
        }
        Some(failure) => {
            if is_cut(failure) && came_by_http2(at) {
                asks.push(Ask::layer(page_by_http1(at), Layer::Http));
            }
            if speaks_http2_alone(at, failure) {
                asks.push(Ask::layers(over_http2(at), Layer::Upgrade, Layer::Welcome));
                asks.push(Ask::whole(at.nonsense_by_http2()));
            }
            asks.extend(hop::ask(at));
            asks.extend(handshake::inner(at, Layer::Upgrade, until));
        }
    }
    asks.push(Ask::layers(probe, Layer::Upgrade, until));
    asks
}

fn is_unanswered(at: At, probe: &Probe) -> bool {
    matches!(at.seen.reached(probe, Layer::Message), Reached::Here(Reading::Message { came: 0, .. }))
}

/// The same handshake by HTTP/2.
fn over_http2(at: At) -> Probe {
    let upgrade = handshake::upgrade(at, handshake::origin(at), Listen::FirstPing);
    handshake::bare(at, Upgrade { version: Version::Http2, ..upgrade })
}

/// The page that came by HTTP/2, asked for in HTTP/1.1.
fn page_by_http1(at: At) -> Probe {
    at.request(Alpn::Http1, Request::get(at.url.path(PAGE)))
}

fn came_by_http2(at: At) -> bool {
    at.channel().is_some_and(|tls| tls.alpn.as_deref() == Some("h2"))
}

/// Whether a handshake was cut without an answer.
fn is_cut(failure: &Failure) -> bool {
    matches!(
        failure,
        Failure::WebSocket(WebSocketFailure::NoAnswer { kind: Ended::Eof | Ended::Reset | Ended::Close, .. })
    )
}

/// Whether the door refuses HTTP/1.1, although its page came by HTTP/2.
fn speaks_http2_alone(at: At, failure: &Failure) -> bool {
    came_by_http2(at)
        && match failure {
            Failure::Tls(tls) => tls.kind == TlsKind::NoCommonProtocol,
            // A server that settles on nothing and then speaks HTTP/2 all the same.
            Failure::Http(http) => http.kind == HttpKind::Malformed,
            // One that takes HTTP/1.1 for bad HTTP/2, and closes: `proto h2` of `HAProxy`.
            Failure::WebSocket(_) => {
                is_cut(failure) && matches!(at.seen.failure(&page_by_http1(at)), Some(Failure::Http(_)))
            }
            Failure::Dns(_)
            | Failure::Tcp(_)
            | Failure::Socket(_)
            | Failure::Proxy(_)
            | Failure::Grpc(_)
            | Failure::Rails(_)
            | Failure::Other { .. } => false,
        }
}

fn judge(at: At) -> Verdict {
    let Some(probe) = socket(at) else {
        return Verdict::Unknown("whether the certificate is good could not be found out".to_owned());
    };
    match at.seen.reached(&probe, Layer::Welcome) {
        Reached::Here(_) => welcomed(at, &probe),
        Reached::Failed(failure) if speaks_http2_alone(at, failure) => http2_alone(at),
        Reached::Failed(Failure::WebSocket(failure)) => failed(at, &probe, failure),
        Reached::Failed(failure) => not_there(at, failure),
        Reached::NotYet => Verdict::Unknown("the handshake ended without a word".to_owned()),
    }
}

fn has_message(probe: &Probe) -> bool {
    probe.upgrade().is_some_and(|upgrade| upgrade.message.is_some())
}

/// Whether a handshake carries a credential: one that was held back cannot have been refused.
fn has_credential(probe: &Probe) -> bool {
    probe.upgrade().is_some_and(|upgrade| upgrade.credential.is_some())
}

fn welcomed(at: At, probe: &Probe) -> Verdict {
    if let Reached::Here(Reading::Upgraded(up)) = at.seen.reached(probe, Layer::Upgrade)
        && up.protocol.as_deref() != Some(PROTOCOLS[0])
    {
        let said = up.protocol.as_deref().unwrap_or("none");
        return no_welcome(at, &format!("the sub-protocol {} is answered with {said}", PROTOCOLS[0]));
    }
    let took = text::duration(at.seen.sample(probe, Layer::Upgrade).map(|s| s.took).unwrap_or_default());
    let welcome = "101 Switching Protocols, then Action Cable's welcome";
    match (has_message(probe), at.seen.reached(probe, Layer::Message)) {
        (false, _) => Verdict::pass_with(format!("{welcome}."), took),
        (true, Reached::Here(Reading::Message { came: 0, .. })) => unanswered(at, welcome, took),
        (true, Reached::Here(Reading::Message { sent, .. })) => {
            Verdict::pass_with(format!("{welcome}; a message of {sent} bytes passes both ways."), took)
        }
        (true, Reached::Failed(Failure::WebSocket(failure))) => message_failed(at, failure, welcome, took),
        (true, Reached::Here(_) | Reached::Failed(_) | Reached::NotYet) => {
            Verdict::pass_with(format!("{welcome}; whether a larger message passes is not known."), took)
        }
    }
}

/// A message of a few kilobytes that gets no answer: a fault where a door behind answers it.
fn unanswered(at: At, welcome: &str, took: String) -> Verdict {
    if at.behind().any(|inner| echoes(inner) == Fares::Works) {
        return message_lost(at, "it does not arrive");
    }
    let unknown = "whether a larger message passes is not known: no answer came";
    Verdict::pass_with(format!("{welcome}; {unknown}."), took)
}

/// What became of the socket when a message of a few kilobytes was said on it.
fn message_failed(at: At, failure: &WebSocketFailure, welcome: &str, took: String) -> Verdict {
    match failure {
        WebSocketFailure::Cut { .. } => message_lost(at, "the connection is cut on it"),
        WebSocketFailure::Silent { .. }
        | WebSocketFailure::Refused(_)
        | WebSocketFailure::BadHandshake { .. }
        | WebSocketFailure::NoAnswer { .. }
        | WebSocketFailure::Disconnected { .. }
        | WebSocketFailure::Foreign { .. } => {
            Verdict::pass_with(format!("{welcome}; the server then ended the talk."), took)
        }
    }
}

/// Whether a door answers a message of a few kilobytes.
fn echoes(at: At) -> Fares {
    let Some(probe) = socket(at) else { return Fares::Unknown };
    match at.seen.reached(&probe, Layer::Message) {
        Reached::Here(Reading::Message { came: 1.., .. }) => Fares::Works,
        Reached::Failed(Failure::WebSocket(WebSocketFailure::Cut { .. })) => Fares::Fails,
        Reached::Here(_) | Reached::Failed(_) | Reached::NotYet => Fares::Unknown,
    }
}

fn message_lost(at: At, how: &str) -> Verdict {
    let Blame { hop, product } = blame(at, &echoes, &[], Hop::Puma);
    let mut args = Args::of(at);
    args.hop(hop, &product);
    args.found(Code::WebsocketMessageLost, &[("bytes", &handshake::MESSAGE.to_string()), ("how", how)])
}

/// The finding of a door that speaks HTTP/2 and nothing else.
fn http2_alone(at: At) -> Verdict {
    let opens = matches!(at.seen.reached(&over_http2(at), Layer::Welcome), Reached::Here(_));
    let port = at.url.target.port.to_string();
    let product = hop::recognised(at, &[]).map_or("unknown", |r| r.product);
    let args = [
        ("host", at.url.target.host.as_str()),
        ("port", &port),
        ("product", product),
        ("over_http2", if opens { "opens" } else { "does not open" }),
    ];
    Verdict::found(Code::Http1NotOffered, &args)
}

/// The handshake was not answered by HTTP, although the page was.
fn not_there(at: At, failure: &Failure) -> Verdict {
    match failure {
        Failure::Http(http) if http.kind == HttpKind::Malformed => {
            no_welcome(at, &format!("the answer to the handshake is no HTTP: {}", http.words))
        }
        Failure::Dns(_)
        | Failure::Tcp(_)
        | Failure::Socket(_)
        | Failure::Proxy(_)
        | Failure::Tls(_)
        | Failure::Http(_)
        | Failure::Grpc(_)
        | Failure::WebSocket(_)
        | Failure::Rails(_)
        | Failure::Other { .. } => Verdict::Unknown(format!("the handshake was not sent: {failure}")),
    }
}

fn failed(at: At, probe: &Probe, failure: &WebSocketFailure) -> Verdict {
    match failure {
        WebSocketFailure::Refused(answer) => refused(at, answer),
        WebSocketFailure::BadHandshake { words } => {
            no_welcome(at, &format!("101, and then a broken handshake: {words}"))
        }
        WebSocketFailure::NoAnswer { kind: Ended::Timeout, after } => {
            no_welcome(at, &format!("the handshake gets no answer in {}", text::duration(*after)))
        }
        WebSocketFailure::NoAnswer { .. } => no_welcome(at, "the handshake is cut without an answer"),
        WebSocketFailure::Silent { after, .. } => {
            no_welcome(at, &format!("101, and then silence for {}", text::duration(*after)))
        }
        WebSocketFailure::Cut { after, .. } => {
            no_welcome(at, &format!("101, and then cut after {}", text::duration(*after)))
        }
        WebSocketFailure::Disconnected { reason } if reason == "unauthorized" && has_credential(probe) => {
            Args::of(at).found(Code::WebsocketUnauthorized, &[("reason", reason)])
        }
        WebSocketFailure::Disconnected { reason } if reason == "unauthorized" => {
            Verdict::pass("101, then asked to sign in: the way is open.".to_owned())
        }
        WebSocketFailure::Disconnected { reason } => {
            no_welcome(at, &format!("101, and then disconnected: {reason}"))
        }
        WebSocketFailure::Foreign { text } => no_welcome(
            at,
            &format!("101, and then words that are not Action Cable's: \"{}\"", text::escape(text, 40)),
        ),
    }
}

fn no_welcome(at: At, how: &str) -> Verdict {
    let Blame { hop, product } =
        blame(at, &|inner| fares(inner, socket(inner), Layer::Welcome), &[], Hop::Puma);
    let mut args = Args::of(at);
    args.hop(hop, &product);
    args.found(Code::WebsocketNoWelcome, &[("how", how)])
}

/// The finding of a handshake that was answered, and not with 101.
fn refused(at: At, answer: &Answer) -> Verdict {
    if let Some(location) = elsewhere(&at.url.target.host, answer) {
        let url = at.url.to_string();
        let args = [("url", url.as_str()), ("host", &at.url.target.host), ("location", &location)];
        return Verdict::found(Code::FrontEndRequiresLogin, &args);
    }
    let fares = |inner: At| fares(inner, socket(inner), Layer::Welcome);
    of_refusal(at, &Args::of(at), &Refusal { answer, why: controls::why(at, answer), fares: &fares })
}
