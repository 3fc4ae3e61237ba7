//! Group Synchronization: licence, access data, token, add-ons and seats, and Sidekiq, which fetches them.
//!
//! Two clocks run here: the seat link, once a day, and the access data with the token, looked after every hour. Duo stops
//! by the second (`field-notes` 23).

pub(super) mod access;
pub(super) mod add_ons;
pub(super) mod licence;
pub(super) mod sidekiq;

use crate::check::Verdict;
use crate::subject::Subject;
use crate::text;
use std::time::Duration;

/// An hour, in seconds.
const HOUR: i64 = 3600;

/// The moment by which everything is judged: this node's clock when the run began. An instance whose clock is another is
/// the matter of `clock`.
fn now(subject: &Subject) -> i64 {
    subject.started_at.as_second()
}

/// A moment for people: `2026-11-20 09:14 UTC`.
fn shown(moment: i64) -> String {
    jiff::Timestamp::from_second(moment)
        .map(|at| at.strftime("%Y-%m-%d %H:%M UTC").to_string())
        .unwrap_or_default()
}

/// Passes with the moment at which what holds now ends.
fn pass_until(words: String, figure: impl Into<String>, moment: i64) -> Verdict {
    match jiff::Timestamp::from_second(moment) {
        Ok(until) => Verdict::pass_until(words, figure, until),
        Err(_) => Verdict::pass_with(words, figure),
    }
}

/// A day for people.
fn day(moment: i64) -> String {
    jiff::Timestamp::from_second(moment).map(|at| at.strftime("%Y-%m-%d").to_string()).unwrap_or_default()
}

/// A length of time for people, as coarse as it may be: `73 h`, `3 days`.
fn length(seconds: i64) -> String {
    match seconds {
        s if s >= 4 * 24 * HOUR => text::count(usize::try_from(s / (24 * HOUR)).unwrap_or(0), "day"),
        s if s >= 2 * HOUR => format!("{} h", s / HOUR),
        s => text::duration(Duration::from_secs(u64::try_from(s).unwrap_or(0))),
    }
}
