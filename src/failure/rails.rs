//! Why Rails on this node did not say what it knows (`gitlab-rails runner`).

use crate::millis;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Rails did not answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RailsFailure {
    /// In which way.
    pub kind: RailsKind,
    /// A sentence's end: `gitlab-rails needs root`.
    pub words: String,
    /// How long it took until this was known.
    #[serde(with = "millis")]
    pub after: Duration,
}

/// In which way Rails did not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RailsKind {
    /// Only root, or GitLab's own user, may ask.
    NotAllowed,
    /// There is no Rails on this node.
    NotFound,
    /// No answer in time; it was stopped.
    Timeout,
    /// It ended with an error: the database is down, most likely.
    Failed,
    /// It ended, and what it printed is not what it was asked for.
    NoDocument,
}
