//! Sidekiq's log: the jobs of Classic Chat and of the sync.

use super::evidence::Evidence;
use super::fields::{Fields, Key};
use super::rails::{of_exception, time};
use super::words::{cause, holds, known, status_behind};
use crate::subject::logs::Trace;

/// Workers that may be shown by their names.
const WORKERS: [&str; 4] = [
    "Llm::CompletionWorker",
    "CloudConnector::SyncServiceTokenWorker",
    "SyncSeatLinkRequestWorker",
    "SyncSeatLinkWorker",
];

/// Why GitLab itself does not even ask for a token (EE 18.9, `SyncCloudConnectorAccessService`).
const REFUSALS: [(&str, Trace); 4] = [
    ("License not found", Trace::SyncNoLicense),
    ("is not an online cloud license", Trace::SyncNotOnline),
    ("grace period has been expired", Trace::SyncGraceOver),
    ("has no expiration date", Trace::SyncWithoutEnd),
];

/// What is said for a connection that failed, and what is shown for it.
const UNREACHABLE: [&str; 2] = ["CONNECTIVITY_ERROR", "Our team has been notified"];

/// What comes before a status that the Customers Portal's address answered with.
const STATUS: &str = "HTTP status code: ";

/// A job that failed, or that ended and says what was the matter.
pub(super) fn job(fields: &Fields) -> Option<Evidence> {
    let worker = fields.text(Key::Class);
    let outcome = if worker.starts_with("Llm::") {
        Trace::ChatJobFailed
    } else if worker.starts_with("SyncSeatLink") || worker.starts_with("CloudConnector::") {
        Trace::SyncFailed
    } else {
        return None;
    };
    let name = known(worker, &WORKERS);
    let said = fields.text(Key::JobError);
    if fields.text(Key::JobStatus) != "fail" && said.is_empty() {
        return None;
    }
    let (mut cause, mut shown) = of_exception(fields);
    shown.words.splice(0..0, name);
    let words = if said.is_empty() { fields.text(Key::ExceptionMessage) } else { said };
    if let Some((trace, status, fragment)) = of_sync(words).filter(|_| outcome == Trace::SyncFailed) {
        cause = trace.or(cause);
        shown.status = status;
        shown.words.push(fragment);
    } else if cause.is_none() {
        let named = self::cause(said);
        cause = named.map(|(trace, _)| trace);
        shown.words.extend(named.map(|(_, fragment)| fragment));
    }
    // A job of Chat that fails for want of a database says nothing of the gateway.
    let counts = outcome == Trace::SyncFailed || cause.is_some();
    counts.then(|| Evidence { at: time(fields), cause, outcome: Some(outcome), shown })
}

/// What the sync says: the cause where it is known, a status, and the words for it.
fn of_sync(said: &str) -> Option<(Option<Trace>, Option<u16>, &'static str)> {
    if let Some((fragment, trace)) = REFUSALS.iter().find(|(fragment, _)| holds(said, fragment)) {
        return Some((Some(*trace), None, fragment));
    }
    if holds(said, STATUS) {
        let status = status_behind(said, STATUS);
        return Some((Some(Trace::PortalRefused), status, "the Customers Portal's address answered"));
    }
    let fragment = UNREACHABLE.iter().find(|fragment| holds(said, fragment))?;
    Some((None, None, fragment))
}
