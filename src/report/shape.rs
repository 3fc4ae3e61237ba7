//! The parts of a report, as the public contract (section 4) names them. Plain data; fields beside those named
//! there are additions.

use crate::check::Feature;
use crate::check::Group;
use crate::check::Want;
use crate::failure::Layer;
use crate::finding::{Args, Code, Severity};
use crate::run::Status;
use crate::run::event::Skip;
use crate::subject::Install;
use crate::subject::logs::Seen;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What made the run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tool {
    /// `duo-doctor`
    pub name: String,
    /// Its version.
    pub version: String,
    /// The date of its embedded data.
    pub data_date: String,
}

/// The node in a report. Addresses are text: under `--redact share` they are `address-1`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeFacts {
    /// Its name; `None`: could not be read.
    pub hostname: Option<String>,
    /// How GitLab came onto it; `None`: no sign of GitLab.
    pub install: Option<Install>,
    /// What runs there, as far as known.
    pub roles: Vec<String>,
    /// `18.9.1`
    pub gitlab_version: Option<String>,
    /// `ee` or `ce`
    pub edition: Option<String>,
    /// Entries of its hosts file.
    #[serde(default)]
    pub hosts: Vec<HostsLine>,
    /// Its resolvers, `10.0.0.2:53`.
    #[serde(default)]
    pub nameservers: Vec<String>,
}

/// An entry of the hosts file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostsLine {
    /// The address at its start.
    pub address: String,
    /// The names behind it.
    pub names: Vec<String>,
}

/// The instance in a report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instance {
    /// Its URL; `None`: none was given and none found.
    pub url: Option<String>,
    /// `cloud`, `self-hosted`, `hybrid` or `dedicated`; `None`: not known.
    pub deployment: Option<String>,
}

/// How much of the instance was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coverage {
    /// Nodes that the report speaks of.
    pub nodes_checked: u32,
    /// Whether one of them runs Rails; `None`: their roles are not known.
    pub rails_seen: Option<bool>,
    /// Whether one of them runs Sidekiq; `None`: their roles are not known.
    pub sidekiq_seen: Option<bool>,
}

/// A group and its numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupCount {
    /// Which.
    pub id: Group,
    /// What people call it.
    pub title: String,
    /// The worst of its checks.
    pub status: Status,
    /// Passed.
    pub pass: usize,
    /// Warned.
    pub warn: usize,
    /// Failed.
    pub fail: usize,
    /// Skipped.
    pub skip: usize,
    /// Blocked.
    pub blocked: usize,
    /// Could not be carried out.
    pub error: usize,
    /// Stopped.
    pub cancelled: usize,
}

/// A step in a report.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CheckReport {
    /// `tls@cloud/rails`
    pub id: String,
    /// `tls`
    pub check: String,
    /// `cloud/rails`
    pub place: String,
    /// Its group.
    pub group: Group,
    /// Its promise.
    pub title: String,
    /// How it settled. One that had not settled is `cancelled`.
    pub status: Status,
    /// One sentence: what was seen, or why nothing was.
    pub summary: String,
    /// A passing check's figure: `2 of 2`, `h2`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub figure: Option<String>,
    /// For a passing one: when what holds now ends by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// For a skipped one: which kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skip: Option<Skip>,
    /// For one that was not asked: what would have told, where that can be given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub want: Option<Want>,
    /// When it was its turn, in milliseconds since the start of the run.
    pub started_ms: Option<f64>,
    /// When it settled, in milliseconds since the start of the run.
    #[serde(default)]
    pub settled_ms: Option<f64>,
    /// How long it took on the wire.
    pub duration_ms: Option<f64>,
    /// The layers of its connection.
    pub phases: Vec<Phase>,
    /// What it found.
    pub findings: Vec<FindingReport>,
    /// The failing step at the start of the chain.
    pub blocked_by: Option<String>,
    /// The steps that had to hold.
    #[serde(default)]
    pub needs: Vec<String>,
    /// What it was judged by.
    #[serde(default)]
    pub evidence: Vec<Evidence>,
}

/// A layer of a connection with its time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Phase {
    /// Which layer.
    pub name: Layer,
    /// How long it took, in milliseconds.
    pub ms: f64,
    /// When it began, in milliseconds since the start of the run.
    #[serde(default)]
    pub at_ms: f64,
    /// How it ended.
    #[serde(default)]
    pub end: PhaseEnd,
}

/// How a layer ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PhaseEnd {
    /// It stands.
    #[default]
    Read,
    /// It failed.
    Failed,
}

/// A finding in a report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FindingReport {
    /// Which.
    pub code: Code,
    /// How much it weighs.
    pub severity: Severity,
    /// With what.
    pub args: Args,
    /// One sentence.
    pub message: String,
}

/// A slice of a probe that a check was judged by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// Index into `probes`.
    pub probe: usize,
    /// The first layer judged.
    pub from: Layer,
    /// The last layer judged.
    pub until: Layer,
}

/// A probe and what it brought, as in the event log. Untyped, for under `--redact share` an address is a word.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProbeReport {
    /// What was asked on the wire.
    pub probe: Value,
    /// Layer by layer.
    pub samples: Vec<Value>,
}

/// A root cause in a report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CauseReport {
    /// Which fault.
    pub code: Code,
    /// How much it weighs.
    pub severity: Severity,
    /// The first step that shows it.
    pub check: String,
    /// One sentence.
    pub message: String,
    /// With what.
    pub args: Args,
    /// Every step that shows it.
    pub seen_at: Vec<String>,
    /// The steps that follow from it.
    pub explains: Vec<String>,
    /// What the node's own logs have of it; empty in older reports.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub logs: Vec<LogLines>,
    /// What to do.
    pub remedy: Remedy,
}

/// Lines of a log that are evidence for a cause.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLines {
    /// What they show, as a clause.
    pub words: String,
    /// What and where.
    #[serde(flatten)]
    pub seen: Seen,
}

impl LogLines {
    /// `41 times: the issuer of a certificate was not trusted (sidekiq/current, last 2026-11-22 02:40 UTC)`
    pub fn sentence(&self) -> String {
        let Seen { file, count, last, sample, .. } = &self.seen;
        let file = file.strip_prefix("/var/log/gitlab/").unwrap_or(file);
        let last = jiff::Timestamp::from_second(*last)
            .map(|at| at.strftime("%Y-%m-%d %H:%M UTC").to_string())
            .unwrap_or_default();
        let times = if *count == 1 { "once".to_owned() } else { format!("{count} times") };
        let sample = if sample.is_empty() { String::new() } else { format!(", {sample}") };
        format!("{times}: {}{sample} ({file}, last {last})", self.words)
    }
}

/// A feature of GitLab Duo in a report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeatureReport {
    /// Which.
    pub id: Feature,
    /// What people call it.
    pub title: String,
    /// How it stands.
    pub state: FeatureState,
    /// For an open one: when it ends if nothing is done. `None`: no end is known.
    #[serde(default)]
    pub until: Option<Timestamp>,
    /// For a stopped one: indexes into `root_causes`.
    #[serde(default)]
    pub stopped_by: Vec<usize>,
    /// For one that is not known: what would tell, or why nothing does.
    #[serde(default)]
    pub tells: Option<String>,
    /// For one that is not known: what was wanted and not given, where that can be given.
    #[serde(default)]
    pub want: Option<Want>,
}

/// How a feature stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FeatureState {
    /// Its way is open.
    Open,
    /// It is not.
    Stopped,
    /// Nobody knows.
    Unknown,
}

/// An article, filled in, as Markdown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remedy {
    /// `The certificate has run out`
    pub title: String,
    /// Why this happens.
    pub cause: String,
    /// What stops for users.
    #[serde(default)]
    pub means: String,
    /// How it shows in logs and tools.
    #[serde(default)]
    pub seen: String,
    /// An ordered list: what to do.
    pub fix: String,
    /// How to know that it is mended.
    pub verify: String,
    /// What looks alike and is not.
    #[serde(default)]
    pub not_it: String,
    /// Where the documentation speaks of it.
    pub docs: Vec<String>,
}
