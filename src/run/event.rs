//! What happens in a run, as data: the log that everything else is folded from, one event a line in `jsonl`.

use crate::check::Want;
use crate::check::{Group, Note};
use crate::failure::Layer;
use crate::finding::Finding;
use crate::millis;
use crate::probe::{Probe, Sample};
use crate::subject::About;
use crate::subject::place::Place;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What happened, in the order in which it happened. One a line in `--format jsonl`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// The plan stands. First of all events.
    Planned {
        /// What is examined.
        about: Box<About>,
        /// The steps, in the order in which they are shown.
        steps: Vec<Planned>,
    },
    /// Some steps begin anew: checked again.
    Restarted {
        /// Which.
        steps: Vec<usize>,
        /// Since the start of the run.
        #[serde(with = "millis")]
        at: Duration,
    },
    /// A step waits for a slice of a probe.
    Asked {
        /// Which step.
        step: usize,
        /// Which probe, numbered in the order of first asking.
        probe: usize,
        /// The probe itself, where this is the first time.
        #[serde(skip_serializing_if = "Option::is_none")]
        what: Option<Box<Probe>>,
        /// The first layer that the step judges.
        from: Layer,
        /// The last layer that it waits for.
        until: Layer,
    },
    /// Everything that a step needs holds: it is its turn.
    Started {
        /// Which step.
        step: usize,
        /// Since the start of the run.
        #[serde(with = "millis")]
        at: Duration,
    },
    /// A layer of a probe ended.
    Sampled {
        /// Which probe.
        probe: usize,
        /// What it brought.
        sample: Box<Sample>,
    },
    /// A step reached its verdict. Once for each step.
    Settled {
        /// Which step.
        step: usize,
        /// How.
        how: Settled,
        /// Since the start of the run.
        #[serde(with = "millis")]
        at: Duration,
    },
    /// The run is over. Last of all events of a round.
    Finished {
        /// Since the start of the run.
        #[serde(with = "millis")]
        at: Duration,
        /// Why.
        how: Ending,
    },
}

/// Why a run is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ending {
    /// Every step reached its verdict by itself.
    Complete,
    /// Somebody stopped it.
    Cancelled,
    /// The deadline came first.
    Deadline,
}

/// A step as planned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Planned {
    /// The check's id.
    pub check: String,
    /// Where it runs.
    pub place: Place,
    /// Its group.
    pub group: Group,
    /// Its promise.
    pub title: String,
    /// What must hold first.
    pub needs: Vec<usize>,
}

/// How a step settled.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Settled {
    /// The promise holds.
    Pass(Note),
    /// It does not, or only just.
    Findings(Vec<Finding>),
    /// It means nothing here, or was not asked.
    Skip {
        /// Which of the two.
        kind: Skip,
        /// Why, or what would tell.
        why: String,
        /// What was wanted and not given, where that can be given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        want: Option<Want>,
    },
    /// What it needs failed: the step at the start of the chain.
    Blocked {
        /// Which.
        by: usize,
    },
    /// The check itself could not be carried out.
    Error {
        /// Why.
        why: String,
    },
    /// Stopped before a verdict.
    Cancelled {
        /// By whom: `the deadline of 30 s`, `a key`.
        why: String,
    },
}

/// Why a step was skipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Skip {
    /// The promise means nothing here. What needs it goes on.
    NotApplicable,
    /// No token or consent. What needs it is skipped too.
    NotAsked,
}
