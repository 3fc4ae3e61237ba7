//! Rails' own logs: exceptions, the AI features' log, events, API requests, and Action Cable in `production.log`.

use super::evidence::{Evidence, Shown};
use super::fields::{Fields, Key};
use super::requests::{Teller, request, verdict};
use super::times;
use super::words::{self, cause, class, holds, hosts, known, status};
use crate::subject::logs::Trace;

/// Codes by which Chat says what failed (GitLab's troubleshooting page of Chat).
const CHAT_ERRORS: [&str; 20] = [
    "A1000", "A1001", "A1002", "A1003", "A1004", "A1005", "A1006", "A1007", "A1008", "A6000", "A9999",
    "M2000", "M3002", "M3003", "M3004", "M3005", "M3006", "G3001", "G3002", "M5000",
];

/// When a JSON line was written.
pub(super) fn time(fields: &Fields) -> Option<i64> {
    times::of_text(fields.text(Key::Time)).or_else(|| times::of_number(fields.number(Key::Time)?))
}

/// A field as an HTTP status.
pub(super) fn status_in(fields: &Fields, key: Key) -> Option<u16> {
    let number = fields.number(key).filter(|number| (100.0..600.0).contains(number))?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it lies between 100 and 600"
    )]
    status(number as u64)
}

/// What an answer of the gateway with this status means.
fn of_gateway(status: u16) -> Option<Trace> {
    match status {
        401 => Some(Trace::Gateway401),
        402 => Some(Trace::Gateway402),
        403 => Some(Trace::Gateway403),
        429 => Some(Trace::Gateway429),
        500..=599 => Some(Trace::Gateway5xx),
        _ => None,
    }
}

/// `llm.log`: what the gateway answered, and what Chat made of it.
pub(super) fn llm(fields: &Fields) -> Option<Evidence> {
    const ANSWERED: &str = "Error response from AI Gateway";
    let message = fields.text(Key::Message);
    let at = time(fields);
    if message == ANSWERED {
        let status = status_in(fields, Key::Status);
        let named = cause(fields.text(Key::Body));
        let cause = named.map(|(trace, _)| trace).or_else(|| of_gateway(status?));
        let mut shown = Shown { status, ..Shown::new(&[ANSWERED], "") };
        shown.words.extend(named.map(|(_, fragment)| fragment));
        return cause.map(|trace| Evidence { at, cause: Some(trace), outcome: None, shown });
    }
    let code = known(fields.text(Key::ChatError), &CHAT_ERRORS)?;
    let named = cause(message);
    let mut shown = Shown::new(&[code], message);
    shown.words.extend(named.map(|(_, fragment)| fragment));
    let cause = named.map(|(trace, _)| trace);
    Some(Evidence { at, cause, outcome: Some(Trace::ChatJobFailed), shown })
}

/// Whether a feature is one of GitLab Duo's.
fn is_of_duo(category: &str) -> bool {
    category.starts_with("ai_") || category.starts_with("duo_") || category == "code_suggestions"
}

/// Parts of the names of exceptions of GitLab Duo and the sync.
const DUO_CLASSES: [&str; 4] = ["SubscriptionPortal", "Llm::", "AiGateway", "SeatLink"];

/// Beginnings of the names of exceptions that come from the network. Those of databases end in the same words.
const NETWORK_CLASSES: [&str; 8] =
    ["Net::", "Errno::", "OpenSSL::", "Socket", "GRPC::", "Gitlab::HTTP", "HTTParty::", "Timeout::"];

/// What an exception says of its cause: by its message, else by its class. Nothing of the ways out: no cause.
pub(super) fn of_exception(fields: &Fields) -> (Option<Trace>, Shown) {
    let (name, message) = (fields.text(Key::ExceptionClass), fields.text(Key::ExceptionMessage));
    let counts = class(name).is_some()
        || NETWORK_CLASSES.iter().any(|part| name.starts_with(part))
        || DUO_CLASSES.iter().any(|part| holds(name, part));
    if !counts {
        return (None, Shown::default());
    }
    let (known, named) = (class(name), cause(message));
    let mut shown = Shown::new(&[], message);
    shown.words.extend(known.map(|(name, _)| name));
    shown.words.extend(named.map(|(_, fragment)| fragment));
    let is_resolving = fields.frames().is_resolving;
    // The same words stand for a resolver that does not answer and for a host that does not.
    let cause = match named.map(|(trace, _)| trace).or_else(|| known.and_then(|(_, trace)| trace)) {
        Some(Trace::ConnectTimeout) if is_resolving => Some(Trace::DnsTimeout),
        cause => cause,
    };
    (cause, shown)
}

/// `exceptions_json.log`: exceptions of GitLab Duo, of the sync, and those of Silent Mode, which stops everything.
pub(super) fn exception(fields: &Fields) -> Option<Evidence> {
    let at = time(fields);
    let name = fields.text(Key::ExceptionClass);
    let frames = fields.frames();
    let (mut cause, mut shown) = of_exception(fields);
    if cause == Some(Trace::SilentMode) {
        return Some(Evidence { at, cause, outcome: None, shown });
    }
    // Gitaly speaks gRPC too, and fails in the same words.
    if frames.is_of_gitaly || !fields.text(Key::Gitaly).is_empty() {
        return None;
    }
    let is_of_duo = frames.is_of_duo
        || is_of_duo(fields.text(Key::Category))
        || DUO_CLASSES.iter().any(|part| holds(name, part))
        || !shown.hosts.is_empty();
    if !is_of_duo {
        return None;
    }
    let message = fields.text(Key::ExceptionMessage);
    let outcome = if ["Token creation failed", "Token is missing in response"].contains(&message) {
        Some(Trace::TokenCreationFailed)
    } else {
        of_grpc(name)
    };
    let answered = status_in(fields, Key::ExtraStatus);
    if name.ends_with("SubscriptionPortal::Client::ResponseError") {
        cause = Some(Trace::PortalRefused);
        shown.status = answered;
    } else if outcome == Some(Trace::TokenCreationFailed) {
        let extra = [Key::ExtraError, Key::ExtraErrorCode, Key::ExtraDetail, Key::ExtraMessage];
        let named = extra.iter().find_map(|key| words::cause(fields.text(*key)));
        cause = named.map(|(trace, _)| trace).or_else(|| of_gateway(answered?));
        shown.words.extend(named.map(|(_, fragment)| fragment));
        shown.status = answered;
    }
    (cause.is_some() || outcome.is_some()).then_some(Evidence { at, cause, outcome, shown })
}

/// What the gRPC exceptions of Ruby say of the workflow service.
fn of_grpc(class: &str) -> Option<Trace> {
    match class {
        "GRPC::Unavailable" | "GRPC::DeadlineExceeded" => Some(Trace::WorkflowUnreachable),
        "GRPC::Unauthenticated" => Some(Trace::WorkflowUnauthenticated),
        _ => None,
    }
}

/// `application_json.log`: tokens, access data, Silent Mode.
pub(super) fn event(fields: &Fields) -> Option<Evidence> {
    const TOKENS: &str = "service_access_tokens";
    const DELETED: &str = "cleanup_all";
    const CATALOG: &str = "Cloud Connector Access catalog update failed";
    const BLOCKED: &str = "Outbound HTTP request blocked";
    let message = fields.text(Key::Message);
    let evidence = |cause, outcome, words: &[&'static str]| {
        Some(Evidence { at: time(fields), cause, outcome, shown: Shown::new(words, "") })
    };
    if message == TOKENS && fields.text(Key::Action) == DELETED {
        evidence(Some(Trace::TokensDeleted), None, &[TOKENS, DELETED])
    } else if message.starts_with(CATALOG) {
        evidence(None, Some(Trace::SyncFailed), &[CATALOG])
    } else if message == BLOCKED {
        evidence(Some(Trace::SilentMode), None, &[BLOCKED])
    } else {
        None
    }
}

/// `api_json.log`: what Rails answered to requests of GitLab Duo.
pub(super) fn api(fields: &Fields) -> Option<Evidence> {
    let path = fields.text(Key::Route);
    let request = request(path).or_else(|| request(fields.text(Key::Path)))?;
    let status = status_in(fields, Key::Status)?;
    let trace = verdict(request, status, Teller::Rails)?;
    Some(told(time(fields), trace, status))
}

/// A status that somebody told.
pub(super) fn told(at: Option<i64>, trace: Trace, status: u16) -> Evidence {
    Evidence {
        at,
        outcome: Some(trace),
        shown: Shown { status: Some(status), ..Shown::default() },
        cause: None,
    }
}

/// `production_json.log`: requests of GitLab Duo that took too long, and Action Cable.
pub(super) fn request_line(fields: &Fields) -> Option<Evidence> {
    let at = time(fields);
    if let Some(evidence) = cable(at, fields.text(Key::Message)) {
        return Some(evidence);
    }
    let (cause, shown) = of_exception(fields);
    let is_of_duo = fields.frames().is_of_duo && !fields.frames().is_of_gitaly;
    (is_of_duo && cause == Some(Trace::RequestTimeout)).then_some(Evidence {
        at,
        cause,
        outcome: None,
        shown,
    })
}

/// What Action Cable says of a WebSocket that it refuses.
fn cable(at: Option<i64>, text: &str) -> Option<Evidence> {
    const ORIGIN: &str = "Request origin not allowed";
    const UPGRADE: &str = "Failed to upgrade to WebSocket";
    let evidence = |cause, words| {
        Some(Evidence { at, cause: Some(cause), outcome: None, shown: Shown::new(&[words], "") })
    };
    if text.starts_with(ORIGIN) {
        return evidence(Trace::CableOrigin, ORIGIN);
    }
    let (_, upgrade) = text.strip_prefix(UPGRADE)?.split_once("HTTP_UPGRADE: ")?;
    // With its upgrade, it was refused for its origin, which has a line of its own.
    let is_whole = upgrade.trim_end_matches(')').trim().eq_ignore_ascii_case("websocket");
    if is_whole { None } else { evidence(Trace::CableUpgrade, UPGRADE) }
}

/// `production.log`, whose lines bear no time but those that begin a request: theirs holds until the next.
pub(super) fn text_line(line: &str, last: &mut Option<i64>) -> Option<Evidence> {
    if line.starts_with("Started ") {
        *last = line.rsplit_once(" at ").and_then(|(_, time)| times::of_text(time)).or(*last);
        return None;
    }
    cable(*last, line)
}

/// Duo's own public hosts that any of these fields names.
pub(super) fn hosts_in(fields: &Fields, keys: &[Key]) -> Vec<&'static str> {
    keys.iter().map(|key| hosts(fields.text(*key))).find(|found| !found.is_empty()).unwrap_or_default()
}
