//! `pings`: what Action Cable sends arrives when it is sent, and the socket stays open.

use super::cable::{first, socket};
use super::{doors, no_instance};
use crate::check::{Ask, Check, Group, Reached, Seen, Verdict};
use crate::failure::{Failure, Layer, WebSocketFailure};
use crate::finding::Code;
use crate::probe::Reading;
use crate::subject::Subject;
use crate::subject::address::BaseUrl;
use crate::subject::place::Place;
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
    places: doors,
    ask: |subject, _, seen| {
        let until = if subject.limits.hold.is_some() { Layer::Hold } else { Layer::Ping };
        let socket = socket(subject, seen).map(|p| Ask::layers(p, Layer::Ping, until));
        socket.into_iter().chain(first(subject)).collect()
    },
    judge,
};

/// A welcome is sent at once; one that takes longer was held back on the way.
const LATE: Duration = Duration::from_secs(2);

/// Without a ping for so long, Action Cable's client gives the socket up (`staleThreshold`: two pings).
const STALE: Duration = Duration::from_secs(6);

fn judge(subject: &Subject, _: Place, seen: Seen) -> Verdict {
    let Some(url) = &subject.instance else { return no_instance() };
    let Some(probe) = socket(subject, seen) else {
        return Verdict::Unknown("the socket was not opened".to_owned());
    };
    let welcome = seen.sample(&probe, Layer::Welcome).map(|s| s.took).unwrap_or_default();
    if welcome > LATE {
        return buffered(url, welcome);
    }
    match (seen.failure(&probe), seen.reached(&probe, Layer::Hold), seen.reached(&probe, Layer::Ping)) {
        (Some(Failure::WebSocket(WebSocketFailure::Cut { after, .. })), ..) => {
            let (shown, seconds) = (url.to_string(), text::seconds(*after));
            let args = [("url", shown.as_str()), ("host", &url.target.host), ("seconds", &seconds)];
            Verdict::found(Code::WebsocketIdleCut, &args)
        }
        (Some(Failure::WebSocket(WebSocketFailure::Silent { waited_for: Layer::Ping, after })), ..) => {
            buffered(url, *after)
        }
        (Some(Failure::WebSocket(WebSocketFailure::Disconnected { reason })), ..) => {
            Verdict::NotApplicable(format!("the server ended the talk: {reason}"))
        }
        (Some(Failure::WebSocket(WebSocketFailure::Foreign { text })), ..) => {
            Verdict::Unknown(format!("what came is not Action Cable's: \"{}\"", text::escape(text, 60)))
        }
        (Some(failure), ..) => Verdict::Unknown(format!("the socket failed in an unknown way: {failure}")),
        (None, Reached::Here(Reading::Held { longest_gap, .. }), _) if *longest_gap > STALE => {
            buffered(url, *longest_gap)
        }
        (None, Reached::Here(Reading::Held { frames, longest_gap }), _) => Verdict::pass_with(
            format!(
                "Held open to the end: {frames} frames, the longest gap {}.",
                text::duration(*longest_gap)
            ),
            format!("{frames} frames"),
        ),
        (None, _, Reached::Here(Reading::Ping { after })) if subject.limits.hold.is_none() => {
            Verdict::pass_with("The first ping arrived.", text::duration(*after))
        }
        (None, ..) => Verdict::Unknown("the wait for a ping ended without a word".to_owned()),
    }
}

fn buffered(url: &BaseUrl, after: Duration) -> Verdict {
    let (shown, seconds) = (url.to_string(), text::seconds(after));
    let args = [("url", shown.as_str()), ("host", &url.target.host), ("seconds", &seconds)];
    Verdict::found(Code::WebsocketBuffered, &args)
}
