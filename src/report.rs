//! The report: one owned shape that every format is written from and that a saved file is read back into.
//!
//! Decides which formats there are, how much each hides, and the exit code. The parts of the shape are in
//! `shape`, how a run becomes a report in `build`, what is hidden in `redact`; the formats have a file each. Pure.

pub mod build;
pub mod diff;
pub mod explain;
pub mod file;
mod fill;
pub mod gitlab;
pub mod html;
pub mod import;
pub mod join;
pub mod jsonl;
pub mod markdown;
pub mod redact;
pub mod scrub;
pub mod shape;
pub mod text;
pub mod users;

use crate::run::event::{Ending, Event};
use crate::run::{Run, RunVerdict};
use crate::subject::Route;
use crate::subject::doors::DoorAbout;
use crate::subject::source::Source;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use shape::{
    CauseReport, CheckReport, Coverage, FeatureReport, GroupCount, Instance, NodeFacts, ProbeReport, Tool,
};
use std::fmt;
use std::str::FromStr;

/// What `schema` says in every report of this version of the contract.
pub const SCHEMA: &str = "duo-doctor.report/1";

/// The JSON Schema of the report.
pub const JSON_SCHEMA: &str = include_str!("../assets/report.schema.json");

/// A run as others read it: the contract's section 4. Fields beside those named there are additions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// `duo-doctor.report/1`
    pub schema: String,
    /// What made the run.
    pub tool: Tool,
    /// When the run began.
    pub started_at: Timestamp,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
    /// What became of it.
    pub verdict: RunVerdict,
    /// Why it ended; `None`: it was still going on.
    #[serde(default)]
    pub ending: Option<Ending>,
    /// The limit of the whole run, in milliseconds.
    #[serde(default)]
    pub deadline_ms: u64,
    /// The title of the lab's scenario, where the lab was examined.
    #[serde(default)]
    pub demo: Option<String>,
    /// The node.
    pub node: NodeFacts,
    /// The instance.
    pub instance: Instance,
    /// How much of the instance was seen.
    pub coverage: Coverage,
    /// The ways out.
    pub routes: Vec<Route>,
    /// The ways in, outermost first; empty in older reports.
    #[serde(default)]
    pub doors: Vec<DoorAbout>,
    /// Groups that have checks, in the contract's order.
    pub groups: Vec<GroupCount>,
    /// Every step, in plan order.
    pub checks: Vec<CheckReport>,
    /// What to mend, the first first.
    pub root_causes: Vec<CauseReport>,
    /// What is up for users; empty in older reports.
    #[serde(default)]
    pub features: Vec<FeatureReport>,
    /// What was carried out on the wire; `evidence` of the checks points in here.
    #[serde(default)]
    pub probes: Vec<ProbeReport>,
    /// The report of another program that this was read from; `started_at` means nothing then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
}

/// The formats of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For people, at a terminal.
    Text,
    /// The contract's shape.
    Json,
    /// The event stream, one event a line.
    Jsonl,
    /// For an issue or a ticket.
    Markdown,
    /// One page for a browser or printer.
    Html,
    /// The shape of GitLab's own health check.
    Gitlab,
}

impl Format {
    /// Every format, in the order of the documentation.
    pub const ALL: [Format; 6] =
        [Format::Text, Format::Json, Format::Jsonl, Format::Markdown, Format::Html, Format::Gitlab];

    /// The name given to `--format`.
    pub fn as_str(self) -> &'static str {
        match self {
            Format::Text => "text",
            Format::Json => "json",
            Format::Jsonl => "jsonl",
            Format::Markdown => "markdown",
            Format::Html => "html",
            Format::Gitlab => "gitlab",
        }
    }

    /// The usual ending of its files.
    pub fn ending(self) -> &'static str {
        match self {
            Format::Text => "txt",
            Format::Json | Format::Gitlab => "json",
            Format::Jsonl => "jsonl",
            Format::Markdown => "md",
            Format::Html => "html",
        }
    }

    /// The format that a file's ending asks for, if it asks for one.
    pub fn of_ending(ending: &str) -> Option<Format> {
        match ending.to_ascii_lowercase().as_str() {
            "txt" => Some(Format::Text),
            "json" => Some(Format::Json),
            "jsonl" => Some(Format::Jsonl),
            "md" => Some(Format::Markdown),
            "html" | "htm" => Some(Format::Html),
            _ => None,
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Format {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Format::ALL.into_iter().find(|f| f.as_str() == text).ok_or(())
    }
}

/// How much a report hides. Secrets are hidden by both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Redaction {
    /// Internal names, addresses and e-mail addresses become `host-1`, `address-1`, `mail-1`.
    Share,
    /// Names and addresses stay.
    Full,
}

impl FromStr for Redaction {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "share" => Ok(Redaction::Share),
            "full" => Ok(Redaction::Full),
            _ => Err(()),
        }
    }
}

/// What makes the exit code non-zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FailOn {
    /// A failure.
    #[default]
    Fail,
    /// A warning too.
    Warn,
}

impl FromStr for FailOn {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "fail" => Ok(FailOn::Fail),
            "warn" => Ok(FailOn::Warn),
            _ => Err(()),
        }
    }
}

/// Whether text carries colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Colour {
    /// Plain text.
    #[default]
    Never,
    /// Escape sequences for a terminal.
    Always,
}

/// Which characters text may use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Charset {
    /// All.
    #[default]
    Unicode,
    /// ASCII alone.
    Ascii,
}

/// How a report is presented.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Colours, in `text`.
    pub colour: Colour,
    /// Characters, in `text`.
    pub charset: Charset,
    /// For the exit code that the report names.
    pub fail_on: FailOn,
}

/// The exit code of a run: 1, then 3, then 2 (contract, section 3).
pub fn exit_code(run: &Run, fail_on: FailOn) -> u8 {
    exit_code_of(run.verdict(), fail_on)
}

/// The exit code of a verdict.
pub fn exit_code_of(verdict: RunVerdict, fail_on: FailOn) -> u8 {
    match (verdict, fail_on) {
        (RunVerdict::Fail, FailOn::Fail | FailOn::Warn) => 1,
        (RunVerdict::Inconclusive, FailOn::Fail | FailOn::Warn) => 3,
        (RunVerdict::Warn, FailOn::Warn) => 2,
        (RunVerdict::Warn, FailOn::Fail) | (RunVerdict::Pass, FailOn::Fail | FailOn::Warn) => 0,
    }
}

/// Writes a run in a format. `events` is the log that the run was folded from; without it, `jsonl` writes one
/// that folds to the same run.
pub fn render(
    run: &Run,
    events: Option<&[Event]>,
    format: Format,
    redaction: Redaction,
    options: &Options,
) -> String {
    let report = Report::of(run);
    let mut hidden = redact::Hidden::of(&report, redaction);
    if format == Format::Jsonl {
        return match events {
            Some(events) => jsonl::write(events, &mut hidden),
            None => jsonl::write(&jsonl::log(run), &mut hidden),
        };
    }
    let report = redact::redacted(&report, &mut hidden);
    match format {
        Format::Json => json(&report),
        Format::Text => scrub::scrub(&text::text(&report, *options)),
        Format::Markdown => scrub::scrub(&markdown::markdown(&report, &hidden)),
        Format::Html => scrub::scrub(&html::html(&report, &hidden)),
        Format::Gitlab => gitlab::gitlab(&report),
        Format::Jsonl => String::new(),
    }
}

/// The report as JSON, indented, with a final line end.
fn json(report: &Report) -> String {
    let mut text = serde_json::to_string_pretty(report).unwrap_or_else(|e| format!("{{\"error\": \"{e}\"}}"));
    text.push('\n');
    text
}

/// The letter of a cause: A to Z, then A2 to Z2.
pub fn letter(cause: usize) -> String {
    let letter = char::from(b'A' + u8::try_from(cause % 26).unwrap_or(0));
    match cause / 26 {
        0 => letter.to_string(),
        round => format!("{letter}{}", round + 1),
    }
}
