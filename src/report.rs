//! The forms of a report. Stub: which formats and redactions exist.

use serde::{Deserialize, Serialize};

/// The forms that a report can be written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// For a ticket or a merge request.
    Markdown,
    /// One file for a browser.
    Html,
    /// The contract's report.
    Json,
    /// The event stream, one event a line.
    Jsonl,
    /// For a terminal.
    Text,
}

/// What is hidden in a report. Secrets never appear in either.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Redaction {
    /// Names, e-mail addresses and internal hosts and addresses are hidden in a stable way.
    Share,
    /// Host names and addresses stay.
    Full,
}
