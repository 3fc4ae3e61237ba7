//! The figure at the right end of a line, and times of day.

use super::words;
use crate::check::Group;
use crate::run::Status;
use crate::run::event::{Settled, Skip};
use crate::text;
use crate::tui::model::Model;
use crate::tui::model::asking;
use jiff::Timestamp;

/// What stands right of a step: its time, its own figure, what it waits for.
pub fn of(model: &Model, step: usize) -> String {
    let Some(state) = model.run.steps.get(step) else { return String::new() };
    let took = || model.run.took(state).map(text::duration).unwrap_or_default();
    match (&state.settled, state.status) {
        (_, Status::Running) => words::awaited(model, step).0.to_owned(),
        (Some(Settled::Pass(note)), _) => note.figure.clone().unwrap_or_else(took),
        (Some(Settled::Findings(_)), _) => took(),
        (Some(Settled::Skip { kind: Skip::NotAsked, want, .. }), _) => {
            want.and_then(|want| asking::key(model, want)).unwrap_or("not asked").to_owned()
        }
        (
            Some(
                Settled::Skip { kind: Skip::NotApplicable, .. }
                | Settled::Blocked { .. }
                | Settled::Error { .. }
                | Settled::Cancelled { .. },
            )
            | None,
            _,
        ) => String::new(),
    }
}

/// How long a group took, from its first start to its last verdict.
pub fn group(model: &Model, group: Group) -> String {
    let steps: Vec<_> = model.run.group(group).map(|(_, s)| s).collect();
    if steps.iter().any(|s| !s.status.is_settled()) {
        return String::new();
    }
    let start = steps.iter().filter_map(|s| s.started).min();
    let end = steps.iter().filter_map(|s| s.ended).max();
    match (start, end) {
        (Some(start), Some(end)) if end > start => {
            let took = end.saturating_sub(start);
            if took.as_millis() < 100 {
                format!("{} ms", took.as_millis())
            } else {
                format!("{:.1} s", took.as_secs_f64())
            }
        }
        _ => String::new(),
    }
}

/// `02:47:08`
pub fn time(at: Timestamp) -> String {
    at.strftime("%H:%M:%S").to_string()
}

/// `20 Nov 2026`, from Unix seconds.
pub fn day(unix: i64) -> String {
    Timestamp::from_second(unix).map_or_else(|_| "?".to_owned(), |t| t.strftime("%d %b %Y").to_string())
}
