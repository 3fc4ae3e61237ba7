//! `cable`: `/-/cable` takes the WebSocket upgrade and says welcome.

use super::controls::{self, Why};
use super::handshake::{self, CABLE, PROTOCOLS, fares, socket};
use super::hop::{self, Blame, Fares, Hop, blame};
use super::{At, is_gitlab, open_doors};
use crate::check::{Ask, Check, Group, Reached, Verdict};
use crate::checks::network::answer::elsewhere;
use crate::checks::vendors;
use crate::failure::{Answer, Ended, Failure, HttpKind, Layer, TlsKind, WebSocketFailure};
use crate::finding::Code;
use crate::probe::{Listen, Probe, Reading, Then, Upgrade, Version, Walk};
use crate::subject::address::Scheme;
use crate::subject::doors::Aim;
use crate::subject::place::Door;
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
    places: open_doors,
    ask: |subject, place, seen| super::asked(subject, place, seen, ask),
    judge: |subject, place, seen| super::judged(subject, place, seen, judge),
};

fn ask(at: At) -> Vec<Ask> {
    let mut asks = handshake::first(at);
    let Some(probe) = socket(at) else { return asks };
    let until = if has_message(&probe) { Layer::Message } else { Layer::Welcome };
    match at.seen.failure(&probe) {
        None if is_unanswered(at, &probe) => asks.extend(handshake::inner(at, Layer::Upgrade, until)),
        None => {}
        Some(Failure::WebSocket(WebSocketFailure::Refused(answer))) => {
            asks.extend(controls::ask(at, answer));
            asks.extend(handshake::inner(at, Layer::Upgrade, Layer::Welcome));
        }
        Some(failure) => {
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

/// Whether the door refuses HTTP/1.1, although its page came by HTTP/2.
fn speaks_http2_alone(at: At, failure: &Failure) -> bool {
    let by_http2 = at.channel().is_some_and(|tls| tls.alpn.as_deref() == Some("h2"));
    match failure {
        Failure::Tls(tls) => by_http2 && tls.kind == TlsKind::NoCommonProtocol,
        // A server that settles on nothing and then speaks HTTP/2 all the same.
        Failure::Http(http) => by_http2 && http.kind == HttpKind::Malformed,
        Failure::Dns(_)
        | Failure::Tcp(_)
        | Failure::Socket(_)
        | Failure::Proxy(_)
        | Failure::Grpc(_)
        | Failure::WebSocket(_)
        | Failure::Other { .. } => false,
    }
}

fn judge(at: At) -> Verdict {
    let Some(probe) = socket(at) else {
        return Verdict::Unknown("whether the certificate is good could not be found out".to_owned());
    };
    match at.seen.reached(&probe, Layer::Welcome) {
        Reached::Here(_) => welcomed(at, &probe),
        Reached::Failed(Failure::WebSocket(failure)) => failed(at, &probe, failure),
        Reached::Failed(failure) => not_there(at, failure),
        Reached::NotYet => Verdict::Unknown("the handshake ended without a word".to_owned()),
    }
}

fn upgrade_of(probe: &Probe) -> Option<&Upgrade> {
    match probe {
        Probe::Walk(Walk { then: Then::Upgrade(upgrade), .. }) => Some(upgrade),
        Probe::Walk(_) | Probe::Resolve(_) | Probe::Connect { .. } | Probe::Knock(_) | Probe::Fetch(_) => {
            None
        }
    }
}

fn has_message(probe: &Probe) -> bool {
    upgrade_of(probe).is_some_and(|upgrade| upgrade.message.is_some())
}

/// Whether a handshake carries a credential: one that was held back cannot have been refused.
fn has_credential(probe: &Probe) -> bool {
    upgrade_of(probe).is_some_and(|upgrade| upgrade.credential.is_some())
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

/// The handshake was not answered by HTTP, although the page was.
fn not_there(at: At, failure: &Failure) -> Verdict {
    if speaks_http2_alone(at, failure) {
        let opens = matches!(at.seen.reached(&over_http2(at), Layer::Welcome), Reached::Here(_));
        let port = at.url.target.port.to_string();
        let product = super::hop::recognised(at, &[]).map_or("unknown", |r| r.product);
        let args = [
            ("host", at.url.target.host.as_str()),
            ("port", &port),
            ("product", product),
            ("over_http2", if opens { "opens" } else { "does not open" }),
        ];
        return Verdict::found(Code::Http1NotOffered, &args);
    }
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

/// The arguments that all findings about WebSockets share.
pub(super) struct Args(Vec<(&'static str, String)>);

impl Args {
    /// Of `/-/cable` at a door.
    pub(super) fn of(at: At) -> Self {
        Self::at_path(at, &at.url.path(CABLE))
    }

    /// Of another path.
    pub(super) fn at_path(at: At, path: &str) -> Self {
        let url = at.url.to_string();
        Self(vec![("url", url), ("host", at.url.target.host.clone()), ("path", path.to_owned())])
    }

    /// The hop at fault.
    pub(super) fn hop(&mut self, hop: Hop, product: &str) {
        self.0.extend([("hop", hop.as_str().to_owned()), ("product", product.to_owned())]);
    }

    /// The finding.
    pub(super) fn found(&self, code: Code, more: &[(&str, &str)]) -> Verdict {
        let own = self.0.iter().map(|(k, v)| (*k, v.as_str()));
        let all: Vec<(&str, &str)> = own.chain(more.iter().copied()).collect();
        Verdict::found(code, &all)
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

/// A handshake that was answered, and not with 101.
pub(super) struct Refusal<'a> {
    pub(super) answer: &'a Answer,
    pub(super) why: Why,
    /// How the same handshake goes at a door behind.
    pub(super) fares: &'a dyn Fn(At) -> Fares,
}

/// The finding of a refused handshake, by its cause.
pub(super) fn of_refusal(at: At, args: &Args, refusal: &Refusal) -> Verdict {
    let answers: Vec<&Answer> = controls::answers(at).into_iter().chain([refusal.answer]).collect();
    let last = match refusal.why {
        // Workhorse itself says so of a request that came to it without.
        Why::UpgradeStripped => Hop::Workhorse,
        Why::OriginRejected | Why::NotFound | Why::UpstreamFailed | Why::Denied => Hop::Puma,
    };
    let mut blamed = blame(at, refusal.fares, &answers, last);
    // With GitLab's marks it is Rails who says no, unless it is content behind this door.
    let is_content_behind = || at.behind().any(|inner| (refusal.fares)(inner) == Fares::Works);
    if refusal.why == Why::Denied && is_gitlab(refusal.answer) && !is_content_behind() {
        blamed = Blame { hop: Hop::Puma, product: Hop::Puma.as_str().to_owned() };
    }
    if refusal.why == Why::UpgradeStripped && matches!(blamed.hop, Hop::FrontEnd | Hop::BeforeNginx) {
        let loser = hop::lost_upgrade(at, &answers, refusal.answer);
        blamed.product = loser.map_or(blamed.product, str::to_owned);
    }
    let Blame { hop, product } = match refusal.why {
        Why::UpgradeStripped | Why::OriginRejected => blamed,
        Why::NotFound | Why::UpstreamFailed | Why::Denied => blamed.by_author(at, refusal.answer),
    };
    let status = refusal.answer.status.to_string();
    let by = if product == "unknown" { "the front end".to_owned() } else { product.clone() };
    let mut args = Args(args.0.clone());
    args.hop(hop, &product);
    let s = ("status", status.as_str());
    match refusal.why {
        Why::UpgradeStripped => {
            let Upstream { http, ws, host } = upstream(at, hop);
            let upstream = [("upstream", http.as_str()), ("upstream_ws", &ws), ("upstream_host", &host)];
            args.found(Code::WebsocketUpgradeStripped, &[&[s], &upstream[..]].concat())
        }
        Why::OriginRejected => args.found(Code::WebsocketOriginRejected, &[s, ("origin", &at.url.origin())]),
        Why::NotFound => args.found(Code::WebsocketNotFound, &[s, ("by", &by)]),
        Why::UpstreamFailed => args.found(Code::WebsocketUpstreamFailed, &[s, ("by", &by)]),
        Why::Denied => {
            let words = vendors::words_of(refusal.answer);
            args.found(Code::WebsocketDenied, &[s, ("by", &by), ("words", &words)])
        }
    }
}

/// What a hop has to pass requests on to; empty where it is not known.
struct Upstream {
    http: String,
    ws: String,
    host: String,
}

/// What stands behind a hop. The front end's is this node's NGINX, else Workhorse by TCP (`field-notes` 36).
fn upstream(at: At, hop: Hop) -> Upstream {
    let door = |wanted: Door| {
        let entrance = at.subject.doors.get(wanted)?;
        let works = fares(At { entrance, ..at }, socket(At { entrance, ..at }), Layer::Welcome);
        let (Aim::Address(address) | Aim::Announced(address)) = entrance.aim else { return None };
        (works == Fares::Works).then_some((address, entrance.scheme))
    };
    let found = match hop {
        Hop::FrontEnd | Hop::BeforeNginx => door(Door::Nginx).or_else(|| door(Door::Workhorse)),
        Hop::Nginx => door(Door::Workhorse),
        Hop::Workhorse | Hop::Puma => None,
    };
    let Some((address, scheme)) = found else {
        return Upstream { http: String::new(), ws: String::new(), host: String::new() };
    };
    // A front end on another machine reaches this node by an address of its own.
    let elsewhere = |ip: &&std::net::IpAddr| !ip.is_loopback() && ip.is_ipv4();
    let own = at.subject.facts.ways_in.addresses.as_deref().unwrap_or_default();
    let ip = match own.iter().find(elsewhere) {
        Some(ip) if address.ip().is_loopback() && hop == Hop::FrontEnd && !is_on_this_node(at) => *ip,
        Some(_) | None => address.ip(),
    };
    let host = std::net::SocketAddr::new(ip, address.port()).to_string();
    let (http, ws) = match scheme {
        Scheme::Http => ("http", "ws"),
        Scheme::Https => ("https", "wss"),
    };
    Upstream { http: format!("{http}://{host}"), ws: format!("{ws}://{host}"), host }
}

/// Whether the public door was met at an address of this node.
fn is_on_this_node(at: At) -> bool {
    let own = at.subject.facts.ways_in.addresses.as_deref().unwrap_or_default();
    match at.seen.reached(&at.page(), Layer::Tcp) {
        Reached::Here(Reading::Connected(connected)) => {
            connected.address.ip().is_loopback() || own.contains(&connected.address.ip())
        }
        Reached::Here(_) | Reached::Failed(_) | Reached::NotYet => false,
    }
}
