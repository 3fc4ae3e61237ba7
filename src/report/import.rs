//! Reading saved files back: our report, our event log, GitLab's own health check. A file that is none of them gets one
//! clear sentence. What is read is data: control characters in it are escaped. Takes bytes; who opens the file is not
//! decided here.

mod health_check;

use super::{Report, SCHEMA, build::ReportError, redact};
use crate::gitlab::health_check as gitlabs;
use crate::run::Run;
use crate::run::event::Event;
use serde_json::Value;
use thiserror::Error;

/// The largest file that is read: far above any real run.
pub const MAX_BYTES: usize = 64 * 1024 * 1024;

/// The longest line of a text that is kept, in characters.
const MAX_LINE: usize = 8_192;

/// What a file held.
#[derive(Debug)]
pub struct Loaded {
    /// The run.
    pub run: Run,
    /// Its log, where the file held one.
    pub events: Option<Vec<Event>>,
}

/// Why a file cannot be shown: one sentence to stand behind its name. Exit code 65.
#[derive(Debug, Error)]
pub enum ImportError {
    /// Larger than `MAX_BYTES`.
    #[error("is larger than 64 MiB: no report is")]
    TooLarge,
    /// Nothing in it.
    #[error("is empty")]
    Empty,
    /// Not UTF-8.
    #[error("is not text: a report is JSON or JSONL")]
    NotText,
    /// It ends too early.
    #[error("ends in the middle of line {0}: it was cut")]
    Cut(usize),
    /// No JSON, or JSON of another kind.
    #[error("is not a report of duo-doctor: {0}")]
    Foreign(String),
    /// A later version of the contract.
    #[error("has the schema `{0}`, this version reads `{SCHEMA}`")]
    Schema(String),
    /// A part of it is unknown here.
    #[error("comes from another version of duo-doctor or was changed: {0}")]
    Part(String),
    /// It does not fit together.
    #[error("is not whole: {0}")]
    NotWhole(#[from] ReportError),
    /// GitLab's own health check, and not a whole one.
    #[error("{0}")]
    Gitlab(#[from] gitlabs::ReadError),
}

/// Reads a saved file.
///
/// # Errors
/// It is no report that this version reads.
pub fn read(bytes: &[u8]) -> Result<Loaded, ImportError> {
    if bytes.len() > MAX_BYTES {
        return Err(ImportError::TooLarge);
    }
    let text = std::str::from_utf8(bytes).map_err(|_| ImportError::NotText)?;
    let text = text.trim_start_matches('\u{feff}').trim();
    if text.is_empty() {
        return Err(ImportError::Empty);
    }
    let first: Option<Value> = text.lines().next().and_then(|line| serde_json::from_str(line).ok());
    if first.is_some_and(|line| line.get("event").is_some()) {
        return log(text);
    }
    let value: Value = serde_json::from_str(text).map_err(|e| not_json(text, &e))?;
    if gitlabs::is_one(&value) {
        if bytes.len() > gitlabs::MAX_BYTES {
            return Err(gitlabs::ReadError::TooLarge.into());
        }
        return Ok(Loaded { run: health_check::run(&gitlabs::read(&value)?), events: None });
    }
    report(value)
}

fn not_json(text: &str, error: &serde_json::Error) -> ImportError {
    if error.is_eof() && text.starts_with(['{', '[']) {
        ImportError::Cut(error.line())
    } else {
        ImportError::Foreign(format!("line {} is not JSON", error.line()))
    }
}

fn report(mut value: Value) -> Result<Loaded, ImportError> {
    match value.get("schema").and_then(Value::as_str) {
        Some(SCHEMA) => {}
        Some(other) if other.starts_with("duo-doctor.report/") => {
            return Err(ImportError::Schema(crate::text::foreign(other)));
        }
        Some(_) | None => {
            return Err(ImportError::Foreign(format!("it does not say `\"schema\": \"{SCHEMA}\"`")));
        }
    }
    escape(&mut value);
    let report: Report = serde_json::from_value(value).map_err(|e| part(&e))?;
    Ok(Loaded { run: report.to_run()?, events: None })
}

fn log(text: &str) -> Result<Loaded, ImportError> {
    let mut events = Vec::new();
    for (i, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let mut value: Value = serde_json::from_str(line)
            .map_err(|e| if e.is_eof() { ImportError::Cut(i + 1) } else { not_json(line, &e) })?;
        escape(&mut value);
        for typed in ["about", "what", "sample"] {
            if let Some(part) = value.get_mut(typed) {
                *part = redact::placeholders(part);
            }
        }
        let event = serde_json::from_value(value).map_err(|e| {
            ImportError::Part(format!("line {}: {}", i + 1, crate::text::foreign(&e.to_string())))
        })?;
        events.push(event);
    }
    if !matches!(events.first(), Some(Event::Planned { .. })) {
        return Err(ImportError::Foreign("the log does not begin with its plan".to_owned()));
    }
    check_numbers(&events)?;
    Ok(Loaded { run: Run::of(&events), events: Some(events) })
}

/// Probes must be numbered in the order of asking, and steps must be in the plan: the fold relies on it.
fn check_numbers(events: &[Event]) -> Result<(), ImportError> {
    let mut steps = 0;
    let mut probes = 0;
    for event in events {
        let fits = match event {
            Event::Planned { steps: plan, .. } => {
                (steps, probes) = (plan.len(), 0);
                plan.iter().all(|p| p.needs.iter().all(|n| *n < steps))
            }
            Event::Restarted { steps: which, .. } => which.iter().all(|s| *s < steps),
            Event::Asked { step, probe, what, .. } => {
                let numbered = if what.is_some() { *probe == probes } else { *probe < probes };
                probes += usize::from(what.is_some());
                *step < steps && numbered
            }
            Event::Started { step, .. } | Event::Settled { step, .. } => *step < steps,
            Event::Sampled { probe, .. } => *probe < probes,
            Event::Finished { .. } => true,
        };
        if !fits {
            return Err(ImportError::Part("its events do not fit its plan".to_owned()));
        }
    }
    Ok(())
}

fn part(error: &serde_json::Error) -> ImportError {
    ImportError::Part(crate::text::foreign(&error.to_string()))
}

/// Escapes every text but for its line ends.
fn escape(value: &mut Value) {
    match value {
        Value::String(text) => {
            let harmless = |c: char| !c.is_control() || c == '\n';
            if text.len() > MAX_LINE || !text.is_ascii() || !text.chars().all(harmless) {
                let lines: Vec<String> = text.split('\n').map(|l| crate::text::escape(l, MAX_LINE)).collect();
                *text = lines.join("\n");
            }
        }
        Value::Array(items) => items.iter_mut().for_each(escape),
        Value::Object(fields) => fields.values_mut().for_each(escape),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
