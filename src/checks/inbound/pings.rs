//! `pings`: what Action Cable sends arrives when it is sent, and the socket stays open.

use super::handshake::{fares, first, inner, socket};
use super::hop::{self, Blame, Fares, Hop, blame};
use super::refusal::Args;
use super::{At, open_doors};
use crate::check::{Ask, Check, Group, Reached, Verdict};
use crate::checks::serves;
use crate::failure::{Failure, Layer, WebSocketFailure};
use crate::finding::Code;
use crate::probe::{Probe, Reading};
use crate::text;
use std::time::Duration;

/// Pings arrive.
pub(in crate::checks) static PINGS: Check = Check {
    id: "pings",
    title: "pings arrive",
    group: Group::Inbound,
    about: "Action Cable sends a ping every 3 s: the first one arrives in time, and the socket is not cut meanwhile.",
    codes: &[Code::WebsocketBuffered, Code::WebsocketIdleCut],
    needs: &["cable"],
    serves: serves::chat,
    places: open_doors,
    ask: |subject, place, seen| super::asked(subject, place, seen, ask),
    judge: |subject, place, seen| super::judged(subject, place, seen, judge),
};

/// The last layer that is waited for.
fn until(at: At) -> Layer {
    if at.subject.limits.hold.is_some() { Layer::Hold } else { Layer::Ping }
}

fn ask(at: At) -> Vec<Ask> {
    let mut asks = first(at);
    let Some(probe) = socket(at) else { return asks };
    if at.seen.failure(&probe).is_some() || is_late(at, &probe) || held_back(at, &probe).is_some() {
        asks.extend(inner(at, Layer::Ping, until(at)));
        asks.extend(hop::ask(at));
    }
    asks.push(Ask::layers(probe, Layer::Ping, until(at)));
    asks
}

/// A welcome is sent at once; one that takes longer was held back on the way, or the server is slow.
const LATE: Duration = Duration::from_secs(2);

/// A ping so soon after the welcome came together with it.
const LUMP: Duration = Duration::from_millis(50);

/// Without a ping for so long, Action Cable's client gives the socket up (`staleThreshold`: two pings).
const STALE: Duration = Duration::from_secs(6);

/// How long a message was held back that came all the same.
fn held_back(at: At, probe: &Probe) -> Option<Duration> {
    let gap = match at.seen.reached(probe, Layer::Hold) {
        Reached::Here(Reading::Held { longest_gap, .. }) => *longest_gap,
        Reached::Here(_) | Reached::Failed(_) | Reached::NotYet => Duration::ZERO,
    };
    let inner_is_in_time = at.behind().any(|inner| {
        socket(inner).is_some_and(|probe| {
            let welcomed = matches!(at.seen.reached(&probe, Layer::Welcome), Reached::Here(_));
            welcomed && !is_late(inner, &probe)
        })
    });
    // What is collected comes at once; a server that is only slow sends its pings at their time.
    let came_with_it = matches!(
        at.seen.reached(probe, Layer::Ping),
        Reached::Here(Reading::Ping { after }) if *after < LUMP
    );
    let held_back = is_late(at, probe) && (inner_is_in_time || came_with_it);
    held_back.then(|| welcome(at, probe)).or((gap > STALE).then_some(gap))
}

/// How long the welcome took.
fn welcome(at: At, probe: &Probe) -> Duration {
    at.seen.sample(probe, Layer::Welcome).map(|s| s.took).unwrap_or_default()
}

fn is_late(at: At, probe: &Probe) -> bool {
    welcome(at, probe) > LATE
}

fn judge(at: At) -> Verdict {
    let Some(probe) = socket(at) else {
        return Verdict::Unknown("the socket was not opened".to_owned());
    };
    let seen = at.seen;
    if let Some(held_back) = held_back(at, &probe) {
        return buffered(at, held_back);
    }
    match (seen.failure(&probe), seen.reached(&probe, Layer::Hold), seen.reached(&probe, Layer::Ping)) {
        (Some(Failure::WebSocket(WebSocketFailure::Cut { after, .. })), ..) => {
            found(at, Code::WebsocketIdleCut, *after)
        }
        (Some(Failure::WebSocket(WebSocketFailure::Silent { waited_for: Layer::Ping, after })), ..) => {
            buffered(at, *after)
        }
        (Some(Failure::WebSocket(WebSocketFailure::Disconnected { reason })), ..) => {
            Verdict::NotApplicable(format!("the server ended the talk: {reason}"))
        }
        (Some(Failure::WebSocket(WebSocketFailure::Foreign { text })), ..) => {
            Verdict::Unknown(format!("what came is not Action Cable's: \"{}\"", text::escape(text, 60)))
        }
        (Some(failure), ..) => Verdict::Unknown(format!("the socket failed in an unknown way: {failure}")),
        (None, Reached::Here(Reading::Held { frames, longest_gap }), _) => Verdict::pass_with(
            format!(
                "Held open to the end: {frames} frames, the longest gap {}.{}",
                text::duration(*longest_gap),
                slow(at, &probe)
            ),
            format!("{frames} frames"),
        ),
        (None, _, Reached::Here(Reading::Ping { after })) if at.subject.limits.hold.is_none() => {
            Verdict::pass_with(format!("The first ping arrived.{}", slow(at, &probe)), text::duration(*after))
        }
        (None, ..) => Verdict::Unknown("the wait for a ping ended without a word".to_owned()),
    }
}

/// A word on a welcome that was late where nothing says that it was held back.
fn slow(at: At, probe: &Probe) -> String {
    if !is_late(at, probe) {
        return String::new();
    }
    format!(" The welcome took {}: GitLab is slow to answer.", text::duration(welcome(at, probe)))
}

fn buffered(at: At, after: Duration) -> Verdict {
    found(at, Code::WebsocketBuffered, after)
}

fn found(at: At, code: Code, after: Duration) -> Verdict {
    let in_time = |inner: At| match socket(inner) {
        Some(probe) if held_back(inner, &probe).is_some() => Fares::Fails,
        probe => fares(inner, probe, until(inner)),
    };
    let Blame { hop, product } = blame(at, &in_time, &[], Hop::Puma);
    let mut args = Args::of(at);
    args.hop(hop, &product);
    args.found(code, &[("seconds", &text::seconds(after))])
}
