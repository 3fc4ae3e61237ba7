//! A credential that a peer sends back: it is taken out of everything that is kept, by its value.
//!
//! Known forms of secrets are hidden by the reports. An instance may give its tokens a prefix of its own, and only
//! the value tells then.

use crate::failure::{Answer, Failure, GrpcFailure, Headers, WebSocketFailure};
use crate::probe::document::Content;
use crate::probe::{Outcome, Reading};
use crate::secret::Secret;
use serde_json::Value;

/// What stands in its place, as in the reports.
const HIDDEN: &str = "***";

/// A shorter one would be found in ordinary words; no GitLab gives out such tokens.
const SHORTEST: usize = 8;

/// Takes the credential out of what a probe brought.
pub(super) fn hide(credential: &Secret, outcome: &mut Outcome) {
    let secret = credential.expose().trim();
    if secret.len() < SHORTEST {
        return;
    }
    match outcome {
        Outcome::Read(Reading::Answer(answer)) => in_answer(secret, answer),
        Outcome::Read(Reading::Document(document)) => {
            in_answer(secret, &mut document.answer);
            if let Content::Json(value) = &mut document.content {
                in_json(secret, value);
            }
        }
        Outcome::Read(Reading::Grpc(grpc)) => {
            in_text(secret, &mut grpc.message);
            in_headers(secret, &mut grpc.headers);
        }
        Outcome::Read(Reading::Upgraded(upgraded)) => {
            upgraded.protocol.iter_mut().for_each(|protocol| in_text(secret, protocol));
            in_headers(secret, &mut upgraded.headers);
        }
        Outcome::Read(
            Reading::Resolved(_)
            | Reading::Connected(_)
            | Reading::Tunnel(_)
            | Reading::Tls(_)
            | Reading::Socket { .. }
            | Reading::Welcome
            | Reading::Message { .. }
            | Reading::Ping { .. }
            | Reading::Held { .. }
            | Reading::Rails(_)
            | Reading::Logs(_),
        ) => {}
        Outcome::Failed(failure) => in_failure(secret, failure),
    }
}

fn in_failure(secret: &str, failure: &mut Failure) {
    match failure {
        Failure::Http(http) => in_text(secret, &mut http.words),
        Failure::WebSocket(WebSocketFailure::Refused(answer))
        | Failure::Grpc(GrpcFailure::NotGrpc(answer)) => in_answer(secret, answer),
        Failure::WebSocket(
            WebSocketFailure::BadHandshake { words: text }
            | WebSocketFailure::Disconnected { reason: text }
            | WebSocketFailure::Foreign { text },
        )
        | Failure::Grpc(
            GrpcFailure::NotHttp2 { first_bytes: text, .. }
            | GrpcFailure::GoAway { text, .. }
            | GrpcFailure::Cut { words: text, .. },
        )
        | Failure::Other { message: text, .. } => in_text(secret, text),
        // Nothing was sent to these, or nothing of what came is kept.
        Failure::Dns(_)
        | Failure::Tcp(_)
        | Failure::Socket(_)
        | Failure::Proxy(_)
        | Failure::Tls(_)
        | Failure::Rails(_)
        | Failure::Grpc(
            GrpcFailure::NotSettled { .. }
            | GrpcFailure::Timeout { .. }
            | GrpcFailure::Closed { .. }
            | GrpcFailure::Reset { .. },
        )
        | Failure::WebSocket(
            WebSocketFailure::NoAnswer { .. }
            | WebSocketFailure::Silent { .. }
            | WebSocketFailure::Cut { .. },
        ) => {}
    }
}

fn in_answer(secret: &str, answer: &mut Answer) {
    in_text(secret, &mut answer.reason);
    in_text(secret, &mut answer.body);
    in_headers(secret, &mut answer.headers);
}

/// Keys are left alone: they are named by whoever asks.
fn in_json(secret: &str, value: &mut Value) {
    match value {
        Value::String(text) => in_text(secret, text),
        Value::Array(all) => all.iter_mut().for_each(|value| in_json(secret, value)),
        Value::Object(all) => all.values_mut().for_each(|value| in_json(secret, value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn in_headers(secret: &str, headers: &mut Headers) {
    headers.0.iter_mut().for_each(|(_, value)| in_text(secret, value));
}

/// The bound on kept text may have cut the credential, so its beginning at the end of a text goes as well.
fn in_text(secret: &str, text: &mut String) {
    if text.contains(secret) {
        *text = text.replace(secret, HIDDEN);
    }
    let end = text.trim_end_matches('…');
    let starts = (SHORTEST..secret.len()).rev().filter_map(|length| secret.get(..length));
    if let Some(start) = starts.into_iter().find(|start| end.ends_with(start)) {
        *text = format!("{}{HIDDEN}", &end[..end.len() - start.len()]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn is(given: &str, hidden: &str) {
        let reason = given.to_owned();
        let mut outcome = Outcome::Failed(Failure::WebSocket(WebSocketFailure::Disconnected { reason }));
        hide(&Secret::new("corp-0123456789"), &mut outcome);
        let Outcome::Failed(Failure::WebSocket(WebSocketFailure::Disconnected { reason })) = outcome else {
            panic!("{outcome:?}");
        };
        assert_eq!(reason, hidden);
    }

    #[test]
    fn a_credential_that_comes_back_is_hidden_whole_and_cut() {
        is("no corp-0123456789, no corp-0123456789!", "no ***, no ***!");
        is("no corp-01234567…", "no ***");
        is("corp-012", "***");
        is("a corp-0 b", "a corp-0 b");
    }
}
