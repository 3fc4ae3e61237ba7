//! What a check is: data and two pure functions, which probes and which verdict. A check does no I/O.
//!
//! (GitLab's own health check says "probe" for what is called a check here.)
//!
//! There is no order between checks beside `needs`: a check that correlates asks for the same probes as the
//! checks that it looks at, and equal probes are carried out once.

mod feature;
mod want;

use crate::failure::{Failure, Layer};
use crate::finding::{Code, Finding};
use crate::probe::{Probe, Reading, Sample};
use crate::subject::Subject;
use crate::subject::place::Place;
pub use feature::{By, Feature, Proof};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;
pub use want::Want;

/// The groups of the contract, section 5, in its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Group {
    /// What must hold before anything else.
    Instance,
    /// Outbound.
    Network,
    /// From clients to the instance.
    Inbound,
    /// Licence, activation, sync.
    Synchronization,
    /// Code Suggestions end to end.
    Exchange,
    /// The workflow service and what flows need.
    AgentPlatform,
}

impl Group {
    /// Every group, in order.
    pub const ALL: [Group; 6] = [
        Group::Instance,
        Group::Network,
        Group::Inbound,
        Group::Synchronization,
        Group::Exchange,
        Group::AgentPlatform,
    ];

    /// The id used in reports and options.
    pub fn as_str(self) -> &'static str {
        match self {
            Group::Instance => "instance",
            Group::Network => "network",
            Group::Inbound => "inbound",
            Group::Synchronization => "synchronization",
            Group::Exchange => "exchange",
            Group::AgentPlatform => "agent-platform",
        }
    }

    /// What people read.
    pub fn title(self) -> &'static str {
        match self {
            Group::Instance => "Instance",
            Group::Network => "Network",
            Group::Inbound => "Inbound",
            Group::Synchronization => "Synchronization",
            Group::Exchange => "System exchange",
            Group::AgentPlatform => "Agent Platform",
        }
    }
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Group {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Group::ALL.into_iter().find(|g| g.as_str() == text).ok_or(())
    }
}

/// A check: meaning without I/O.
pub struct Check {
    /// Unique; the part of a step's id before `@`.
    pub id: &'static str,
    /// A promise: `certificate is trusted`.
    pub title: &'static str,
    /// Where it is shown.
    pub group: Group,
    /// What it proves and what for, in one sentence for `explain`.
    pub about: &'static str,
    /// Every code that it can find.
    pub codes: &'static [Code],
    /// Checks that must hold for a verdict here, looked up at the same place, else at a wider one.
    pub needs: &'static [&'static str],
    /// The features that stop where it fails, and of which nothing is known where it reaches no verdict. A way
    /// that several components share is asked about for each of them.
    pub serves: fn(Place) -> &'static [Feature],
    /// Where it runs.
    pub places: fn(&Subject) -> Vec<Place>,
    /// Every slice wanted, given what has been seen so far. Asked again until nothing is new, at most
    /// `ROUNDS` times.
    pub ask: fn(&Subject, Place, Seen) -> Vec<Ask>,
    /// The verdict, once everything asked for is answered and all needs hold.
    pub judge: fn(&Subject, Place, Seen) -> Verdict,
}

impl fmt::Debug for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Check({})", self.id)
    }
}

/// How often a check may ask again. The instance's API wants up to five: is the first door open, else the second and its
/// certificate, the version, the document made for it, once more without the fields that it lacks.
pub const ROUNDS: usize = 6;

/// A slice of a probe: the layers that a check judges.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Ask {
    /// The probe, shared with every check that asks for an equal one.
    pub probe: Probe,
    /// The first layer that the check judges; the ones before belong to its needs.
    pub from: Layer,
    /// The last layer that it waits for.
    pub until: Layer,
}

impl Ask {
    /// The whole probe.
    pub fn whole(probe: Probe) -> Self {
        let until = probe.last_layer();
        Self { probe, from: Layer::Dns, until }
    }

    /// One layer of a probe.
    pub fn layer(probe: Probe, layer: Layer) -> Self {
        Self { probe, from: layer, until: layer }
    }

    /// Some layers of a probe.
    pub fn layers(probe: Probe, from: Layer, until: Layer) -> Self {
        Self { probe, from, until }
    }
}

/// The samples that probes have brought so far.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    answers: &'a HashMap<Probe, Vec<Sample>>,
}

/// How far a probe came, looked at from one layer.
#[derive(Clone, Copy, Debug)]
pub enum Reached<'a> {
    /// The layer stands.
    Here(&'a Reading),
    /// The layer, or one before it, failed.
    Failed(&'a Failure),
    /// Nothing is known.
    NotYet,
}

impl<'a> Seen<'a> {
    /// A look at the answers.
    pub fn new(answers: &'a HashMap<Probe, Vec<Sample>>) -> Self {
        Self { answers }
    }

    /// All samples of a probe so far.
    pub fn samples(self, probe: &Probe) -> &'a [Sample] {
        self.answers.get(probe).map_or(&[], Vec::as_slice)
    }

    /// The sample of one layer.
    pub fn sample(self, probe: &Probe, layer: Layer) -> Option<&'a Sample> {
        self.samples(probe).iter().find(|s| s.layer == layer)
    }

    /// How far a probe came, looked at from `layer`.
    pub fn reached(self, probe: &Probe, layer: Layer) -> Reached<'a> {
        for sample in self.samples(probe) {
            if let Some(failure) = sample.failure() {
                return if sample.layer <= layer { Reached::Failed(failure) } else { Reached::NotYet };
            }
            if let (true, Some(reading)) = (sample.layer == layer, sample.reading()) {
                return Reached::Here(reading);
            }
        }
        Reached::NotYet
    }

    /// The failure that ended a probe, whatever its layer.
    pub fn failure(self, probe: &Probe) -> Option<&'a Failure> {
        self.samples(probe).iter().find_map(Sample::failure)
    }
}

/// What a check found out.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// The promise holds.
    Pass(Note),
    /// It does not, or only just; never empty.
    Findings(Vec<Finding>),
    /// The promise means nothing here, and why.
    NotApplicable(String),
    /// Not asked, and no option of this program would change that; what would tell.
    NotAsked(String),
    /// Not asked for want of a token or consent; what would tell.
    Wants(Want, String),
    /// The check itself could not be carried out, and why.
    Unknown(String),
}

/// What a passing check says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// One sentence: what was seen.
    pub summary: String,
    /// The figure shown at the end of its line: `2 of 2`, `h2`. `None`: its time.
    pub figure: Option<String>,
    /// When what holds now ends by itself: a token, a licence. `None`: not known, or never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

impl Verdict {
    /// Passes with a sentence.
    pub fn pass(summary: impl Into<String>) -> Self {
        Verdict::Pass(Note { summary: summary.into(), ..Note::default() })
    }

    /// Passes with a sentence and a figure.
    pub fn pass_with(summary: impl Into<String>, figure: impl Into<String>) -> Self {
        Verdict::Pass(Note { summary: summary.into(), figure: Some(figure.into()), until: None })
    }

    /// Passes with a sentence, a figure, and the time at which it ends.
    pub fn pass_until(summary: impl Into<String>, figure: impl Into<String>, until: Timestamp) -> Self {
        Verdict::Pass(Note { summary: summary.into(), figure: Some(figure.into()), until: Some(until) })
    }

    /// Not asked for want of something that can be given.
    pub fn wants(want: Want, tells: impl Into<String>) -> Self {
        Verdict::Wants(want, tells.into())
    }

    /// One finding.
    pub fn found(code: Code, args: &[(&str, &str)]) -> Self {
        Verdict::Findings(vec![Finding::new(code, args)])
    }
}
