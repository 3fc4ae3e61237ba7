//! `workflow-socket`: the Agent Platform's own WebSocket opens, and Workhorse keeps it open.
//!
//! Nothing is started on it. An open socket proves transport only; one that Workhorse closes at once says that
//! Workhorse does not reach the workflow service.

use super::controls::{self, Why};
use super::handshake::{self, Credential, carrying, credential};
use super::hop::{self, Blame, Fares, Hop, blame};
use super::refusal::{Args, Refusal, of_refusal};
use super::{At, is_gitlab, open_doors, quoted};
use crate::check::Want;
use crate::check::{Ask, Check, Group, Reached, Verdict};
use crate::checks::network::answer::elsewhere;
use crate::checks::serves;
use crate::failure::{Answer, Ended, Failure, Layer, TlsKind, WebSocketFailure};
use crate::finding::Code;
use crate::probe::{Alpn, Listen, Probe, Reading, Then, Upgrade, Version};
use crate::text;
use std::time::Duration;

/// The Agent Platform's WebSocket opens.
pub(in crate::checks) static WORKFLOW_SOCKET: Check = Check {
    id: "workflow-socket",
    title: "agent WebSocket opens",
    group: Group::Inbound,
    about: "With a token, the WebSocket of Agentic Chat and flows is answered with 101, and Workhorse keeps it open.",
    codes: &[
        Code::WorkflowEgressBroken,
        Code::WebsocketUpgradeStripped,
        Code::WebsocketOriginRejected,
        Code::WebsocketDenied,
        Code::WebsocketUpstreamFailed,
        Code::WebsocketNotFound,
        Code::WebsocketNoWelcome,
        Code::WebsocketIdleCut,
        Code::WebsocketUnauthorized,
        Code::FrontEndRequiresLogin,
    ],
    needs: &["reach", "certificate"],
    serves: serves::agents,
    places: open_doors,
    ask: |subject, place, seen| super::asked(subject, place, seen, ask),
    judge: |subject, place, seen| super::judged(subject, place, seen, judge),
};

/// The address (GitLab 18.2 and later).
const PATH: &str = "/api/v4/ai/duo_workflows/ws";

/// How long it is held: Workhorse opens its stream to the workflow service behind the 101, and closes the socket when
/// that fails. A refusal, a name or a certificate shows within this time; what is swallowed takes Workhorse longer.
const HELD: u32 = 3;

/// A cut after so long is a limit of time, not an answer to the handshake.
const AT_ONCE: Duration = Duration::from_secs(3);

fn upgrade(at: At, origin: String, listen: Listen) -> Upgrade {
    Upgrade {
        path: at.url.path(PATH),
        authority: at.url.authority(),
        origin,
        protocols: Vec::new(),
        headers: at.entrance.headers.clone(),
        credential: None,
        message: None,
        version: Version::Http1,
        listen,
    }
}

/// A handshake with the token; `None` where it may not be sent, or that is not known yet.
fn with_token(at: At, upgrade: Upgrade) -> Option<Probe> {
    if at.is_the_public_door() != Some(false) || credential(at) != Credential::Token {
        return None;
    }
    let (tls, token) = carrying(at, Credential::Token, Alpn::Http1);
    Some(at.walk(tls, Then::Upgrade(Upgrade { credential: token, ..upgrade })))
}

fn socket(at: At) -> Option<Probe> {
    let held =
        at.subject.limits.hold.map_or(HELD, |h| u32::try_from(h.as_secs()).unwrap_or(u32::MAX).max(HELD));
    with_token(at, upgrade(at, at.url.origin(), Listen::Open(held)))
}

/// The same without an Origin: Workhorse takes that, whatever Host it was told (gorilla's `checkSameOrigin`).
fn without_origin(at: At) -> Option<Probe> {
    with_token(at, upgrade(at, String::new(), Listen::Answer))
}

/// Whether this GitLab has the address at all.
fn is_too_old(at: At) -> bool {
    at.subject.is_at_least(18, 2) == Some(false)
}

fn ask(at: At) -> Vec<Ask> {
    if at.subject.token.is_none() || is_too_old(at) {
        return Vec::new();
    }
    let mut asks = handshake::first(at);
    let Some(probe) = socket(at) else { return asks };
    if at.seen.failure(&probe).is_some() {
        asks.extend(without_origin(at).map(|p| Ask::layer(p, Layer::Upgrade)));
        asks.extend(hop::ask(at));
        asks.extend(handshake::socket(at).map(|p| Ask::layers(p, Layer::Upgrade, Layer::Welcome)));
        asks.extend(at.behind().flat_map(handshake::first));
        asks.extend(at.behind().filter_map(socket).map(|p| Ask::layers(p, Layer::Upgrade, Layer::Hold)));
    }
    asks.push(Ask::layers(probe, Layer::Upgrade, Layer::Hold));
    asks
}

fn judge(at: At) -> Verdict {
    if is_too_old(at) {
        return Verdict::NotApplicable("the Agent Platform's WebSocket came with GitLab 18.2".to_owned());
    }
    if at.subject.token.is_none() {
        return Verdict::wants(Want::Token, "needs a token with the scope ai_workflows or api");
    }
    let Some(probe) = socket(at) else {
        return Verdict::NotAsked(
            "the token is not sent here: no verified https, or a proxy on the way".to_owned(),
        );
    };
    match at.seen.reached(&probe, Layer::Hold) {
        Reached::Here(Reading::Held { .. }) => {
            Verdict::pass_with("101, and kept open: the way to Workhorse stands; nothing was started.", "101")
        }
        Reached::Failed(Failure::WebSocket(failure)) => failed(at, failure),
        Reached::Failed(Failure::Tls(tls)) if tls.kind == TlsKind::NoCommonProtocol => {
            Verdict::NotApplicable("HTTP/1.1 is not spoken here: see what /-/cable says".to_owned())
        }
        Reached::Failed(failure) => Verdict::Unknown(format!("the handshake was not sent: {failure}")),
        Reached::Here(_) | Reached::NotYet => {
            Verdict::Unknown("the handshake ended without a word".to_owned())
        }
    }
}

/// How the same handshake goes at a door behind.
fn fares(at: At) -> Fares {
    handshake::fares(at, socket(at), Layer::Hold)
}

/// Whether it opens there, however long it then stays so.
fn opens(at: At) -> Fares {
    handshake::fares(at, socket(at), Layer::Upgrade)
}

fn args(at: At) -> Args {
    Args::at_path(at, &at.url.path(PATH))
}

fn failed(at: At, failure: &WebSocketFailure) -> Verdict {
    match failure {
        WebSocketFailure::Refused(answer) => refused(at, answer),
        WebSocketFailure::BadHandshake { words } => {
            no_welcome(at, &format!("101, and then a broken handshake: {words}"), &opens)
        }
        WebSocketFailure::NoAnswer { kind: Ended::Timeout, after } => {
            no_welcome(at, &format!("the handshake gets no answer in {}", text::duration(*after)), &opens)
        }
        WebSocketFailure::NoAnswer { .. } => no_welcome(at, "the handshake is cut without an answer", &opens),
        WebSocketFailure::Cut { how, code, after, .. } => cut(at, *how, *code, *after),
        WebSocketFailure::Disconnected { reason } => {
            Verdict::NotApplicable(format!("the server ended the talk: {reason}"))
        }
        WebSocketFailure::Silent { .. } | WebSocketFailure::Foreign { .. } => {
            Verdict::Unknown("what was said on the socket could not be read".to_owned())
        }
    }
}

/// Close codes by which GitLab says something of its own: no credits left, another session holds the lock.
const OWN_CODES: [u16; 2] = [1008, 1013];

fn cut(at: At, how: Ended, code: Option<u16>, after: Duration) -> Verdict {
    if let Some(code) = code.filter(|code| OWN_CODES.contains(code)) {
        return Verdict::pass(format!("101, and then closed by GitLab with {code}: the way stands."));
    }
    let seconds = text::seconds(after);
    let stays_open_behind = at.behind().any(|inner| fares(inner) == Fares::Works);
    if stays_open_behind && after < AT_ONCE {
        return no_welcome(at, &format!("101, and then cut after {}", text::duration(after)), &fares);
    }
    if after >= AT_ONCE {
        let Blame { hop, product } = blame(at, &fares, &[], Hop::Workhorse);
        let mut args = args(at);
        args.hop(hop, &product);
        return args.found(Code::WebsocketIdleCut, &[("seconds", &seconds)]);
    }
    let how = match (how, code) {
        (Ended::Close, Some(code)) => format!("closed with code {code}"),
        (Ended::Close, None) => "closed".to_owned(),
        (Ended::Eof | Ended::Reset | Ended::Timeout, _) => "cut without a close frame".to_owned(),
    };
    args(at).found(Code::WorkflowEgressBroken, &[("seconds", &seconds), ("how", &how)])
}

fn no_welcome(at: At, how: &str, fares: &dyn Fn(At) -> Fares) -> Verdict {
    let Blame { hop, product } = blame(at, fares, &[], Hop::Workhorse);
    let mut args = args(at);
    args.hop(hop, &product);
    args.found(Code::WebsocketNoWelcome, &[("how", how)])
}

fn refused(at: At, answer: &Answer) -> Verdict {
    if let Some(location) = elsewhere(&at.url.target.host, answer) {
        let url = at.url.to_string();
        let args = [("url", url.as_str()), ("host", &at.url.target.host), ("location", &location)];
        return Verdict::found(Code::FrontEndRequiresLogin, &args);
    }
    if answer.status == 403 && answer.body.contains("insufficient_scope") {
        return Verdict::NotAsked("the token lacks the scope ai_workflows or api".to_owned());
    }
    // A token that is good behind this door was lost on the way, not refused.
    let opens_behind = at.behind().any(|inner| opens(inner) == Fares::Works);
    if answer.status == 401 && is_gitlab(answer) && !opens_behind {
        return args(at).found(Code::WebsocketUnauthorized, &[("reason", &quoted(answer))]);
    }
    if answer.status == 404 && is_gitlab(answer) {
        let why = "GitLab does not know the address: the Agent Platform is not part of it, or turned off";
        return Verdict::NotApplicable(why.to_owned());
    }
    of_refusal(at, &args(at), &Refusal { answer, why: why(at, answer), fares: &opens })
}

/// Why Workhorse or Rails, or somebody before them, refused. Rails answers 403 to whoever has no right, and to a
/// request that came without its upgrade; Workhorse to one whose Origin is not its Host (domain 4.3).
fn why(at: At, answer: &Answer) -> Why {
    let opens_at = |probe: Option<Probe>| {
        probe.is_some_and(|probe| matches!(at.seen.reached(&probe, Layer::Upgrade), Reached::Here(_)))
    };
    // Behind this door the token has the right, so what is missing here is the upgrade. Where no door behind was
    // tried, the other WebSocket tells: Rails says 403 to whoever has no right as well.
    let behind: Vec<Fares> = at.behind().map(opens).filter(|fares| *fares != Fares::Unknown).collect();
    let without_upgrade =
        if behind.is_empty() { !opens_at(handshake::socket(at)) } else { behind.contains(&Fares::Works) };
    match answer.status {
        _ if controls::upstream_failed(at, answer, socket) => Why::UpstreamFailed,
        _ if opens_at(without_origin(at)) => Why::OriginRejected,
        403 if is_gitlab(answer) && without_upgrade => Why::UpgradeStripped,
        _ if controls::is_denial(answer) => Why::Denied,
        200..=399 | 400 | 426 | 500 => Why::UpgradeStripped,
        404 | 410 => Why::NotFound,
        _ => Why::Denied,
    }
}
