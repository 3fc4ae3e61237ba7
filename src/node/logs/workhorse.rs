//! Workhorse's log: what it answered to requests of GitLab Duo, and why what it sent on did not arrive.

use super::evidence::{Evidence, Shown};
use super::fields::{Fields, Key};
use super::rails::{hosts_in, status_in, time, told};
use super::requests::{Teller, request, verdict};
use super::words::{cause, holds};
use crate::subject::logs::Trace;

/// What came of it, by the words of Workhorse itself and of grpc-go (`workhorse/internal/ai_assist`, EE 18.9).
const OUTCOMES: [(&str, Trace); 3] = [
    ("code = Unauthenticated", Trace::WorkflowUnauthenticated),
    ("failed to initialize agent platform client", Trace::WorkflowUnreachable),
    ("code = Unavailable", Trace::WorkflowUnreachable),
];

/// What it says of the client's side of the Agent Platform's WebSocket.
const SOCKETS: [(&str, Trace); 4] = [
    ("request origin not allowed by Upgrader.CheckOrigin", Trace::WorkflowOrigin),
    ("'upgrade' token not found in 'Connection' header", Trace::CableUpgrade),
    ("'websocket' token not found in 'Upgrade' header", Trace::CableUpgrade),
    ("websocket: close 1006", Trace::WorkflowCut),
];

/// A client that leaves, which is no trouble.
const LEFT: [&str; 3] = ["code = Canceled", "context canceled", "server shutdown"];

/// A line of Workhorse.
pub(super) fn line(fields: &Fields) -> Option<Evidence> {
    let at = time(fields);
    let request = request(fields.text(Key::Uri));
    if fields.text(Key::Message) == "access" {
        let status = status_in(fields, Key::Status)?;
        return Some(told(at, verdict(request?, status, Teller::Workhorse)?, status));
    }
    let error = fields.text(Key::Error);
    let hosts = hosts_in(fields, &[Key::Error, Key::Message]);
    if error.is_empty()
        || (request.is_none() && hosts.is_empty())
        || LEFT.iter().any(|left| holds(error, left))
    {
        return None;
    }
    let socket = SOCKETS.iter().find(|(fragment, _)| holds(error, fragment));
    let (cause, words) = match socket {
        Some((fragment, trace)) => (Some(*trace), Some(*fragment)),
        // Whatever else is said of the client's connection says nothing of ours.
        None if error.starts_with("handleWebSocketMessages") => return None,
        None => cause(error).unzip(),
    };
    let outcome = OUTCOMES.iter().find(|(fragment, _)| holds(error, fragment));
    let mut shown = Shown { hosts, ..Shown::default() };
    shown.words.extend(outcome.map(|(fragment, _)| *fragment));
    shown.words.extend(words);
    let outcome = outcome.map(|(_, trace)| *trace);
    (cause.is_some() || outcome.is_some()).then_some(Evidence { at, cause, outcome, shown })
}
