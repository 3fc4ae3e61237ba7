//! From a run to its report and back. The words of findings and causes are filled in from their arguments, in
//! one place, so that redaction can hide the arguments and fill in again.

use super::shape::{
    CauseReport, CheckReport, Coverage, Evidence, FindingReport, GroupCount, HostsLine, Instance, LogLines,
    NodeFacts, Phase, PhaseEnd, ProbeReport, Remedy, Tool,
};
use super::{Report, SCHEMA, redact, users};
use crate::check::{Group, Note};
use crate::diagnosis::{RootCause, diagnose};
use crate::finding::{Args, Code, Finding};
use crate::probe::{Probe, Reading, Sample};
use crate::remedy::{self, Values};
use crate::run::event::{Planned, Settled, Skip};
use crate::run::{ProbeState, Run, Slice, Status, StepState};
use crate::subject::About;
use crate::subject::logs::Seen;
use crate::subject::{HostsEntry, Node};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::collections::HashMap;
use std::time::Duration;
use thiserror::Error;

/// Why a report does not become a run again.
#[derive(Debug, Error)]
pub enum ReportError {
    /// A step names another that is not there.
    #[error("the check `{0}` speaks of `{1}`, which the report does not hold")]
    NoSuchStep(String, String),
    /// A place, probe or sample that is unknown here.
    #[error("{0} cannot be read: {1}")]
    Part(String, serde_json::Error),
}

impl Report {
    /// The report of a run, nothing hidden.
    pub fn of(run: &Run) -> Report {
        let about = run.about.clone().unwrap_or_default();
        let causes = diagnose(run);
        let mut report = Report {
            schema: SCHEMA.to_owned(),
            tool: Tool {
                name: "duo-doctor".to_owned(),
                version: about.version.clone(),
                data_date: about.data_date.clone(),
            },
            started_at: about.started_at,
            duration_ms: whole_ms(run.at),
            verdict: run.verdict(),
            ending: run.ending,
            deadline_ms: whole_ms(about.deadline),
            demo: about.demo.clone(),
            coverage: coverage(&about.node),
            node: node(&about.node),
            instance: Instance { url: about.instance.clone(), deployment: about.deployment.clone() },
            routes: about.routes.clone(),
            doors: about.doors.clone(),
            groups: Group::ALL.into_iter().filter_map(|g| group(run, g)).collect(),
            checks: run.steps.iter().map(|step| check(run, step)).collect(),
            root_causes: causes.iter().map(|c| cause(run, c)).collect(),
            features: users::features(run, &causes),
            probes: run.probes.iter().map(probe).collect(),
            source: about.source.clone(),
        };
        report.put_words();
        report
    }

    /// The run that the report was made from: enough to show it, not its log.
    ///
    /// # Errors
    /// The report is not whole, or comes from a version with other probes or places.
    pub fn to_run(&self) -> Result<Run, ReportError> {
        let number: HashMap<&str, usize> =
            self.checks.iter().enumerate().map(|(i, c)| (c.id.as_str(), i)).collect();
        Ok(Run {
            about: Some(About {
                version: self.tool.version.clone(),
                data_date: self.tool.data_date.clone(),
                instance: self.instance.url.clone(),
                started_at: self.started_at,
                node: node_back(&self.node)?,
                routes: self.routes.clone(),
                doors: self.doors.clone(),
                demo: self.demo.clone(),
                deployment: self.instance.deployment.clone(),
                deadline: Duration::from_millis(self.deadline_ms),
                source: self.source.clone(),
            }),
            steps: self.checks.iter().map(|c| step_back(c, &number)).collect::<Result<_, _>>()?,
            probes: self.probes.iter().map(probe_back).collect::<Result<_, _>>()?,
            at: Duration::from_millis(self.duration_ms),
            ending: self.ending,
        })
    }

    /// What placeholders beside a finding's own arguments are filled with.
    pub(super) fn values(&self) -> Values {
        Values::of(Some(&About {
            instance: self.instance.url.clone(),
            node: Node {
                hostname: self.node.hostname.clone(),
                install: self.node.install,
                gitlab_version: self.node.gitlab_version.clone(),
                ..Node::default()
            },
            source: self.source.clone(),
            ..About::default()
        }))
    }

    /// Fills in every text that follows from a code and its arguments.
    pub(super) fn put_words(&mut self) {
        let values = self.values();
        for check in &mut self.checks {
            let values = values.clone().at(&check.place);
            for finding in &mut check.findings {
                finding.message = remedy::message(finding.code, &finding.args, &values);
            }
            if !check.findings.is_empty() {
                check.summary =
                    check.findings.iter().map(|f| f.message.as_str()).collect::<Vec<_>>().join(" ");
            }
        }
        for cause in &mut self.root_causes {
            let values = values.clone().at(cause.check.split_once('@').map_or("", |(_, place)| place));
            let article = remedy::filled(cause.code, first_args(&self.checks, cause), &values);
            cause.message = remedy::message(cause.code, &cause.args, &values);
            cause.remedy = Remedy {
                title: article.title,
                cause: article.cause,
                means: article.means,
                seen: article.seen,
                fix: article.fix,
                verify: article.verify,
                not_it: article.not_it,
                docs: article.docs,
            };
        }
    }

    /// A check of the report by its id.
    pub fn check(&self, id: &str) -> Option<&CheckReport> {
        self.checks.iter().find(|c| c.id == id)
    }
}

/// The arguments of a cause's first finding. Where places differ, the cause's own are joined, for its sentence;
/// a command needs one host.
pub(super) fn first_args<'a>(checks: &'a [CheckReport], cause: &'a CauseReport) -> &'a Args {
    let check = checks.iter().find(|c| c.id == cause.check);
    let findings = || check.iter().flat_map(|c| &c.findings).filter(|f| f.code == cause.code);
    // A check may find a code more than once: the one meant shares what was not joined.
    let alike = |args: &Args| cause.args.iter().filter(|(k, v)| args.get(*k) == Some(*v)).count();
    findings().rev().max_by_key(|f| alike(&f.args)).map_or(&cause.args, |f| &f.args)
}

fn whole_ms(d: Duration) -> u64 {
    u64::try_from(d.as_millis()).unwrap_or(u64::MAX)
}

fn ms(d: Duration) -> f64 {
    (d.as_secs_f64() * 1e6).round() / 1e3
}

fn coverage(node: &Node) -> Coverage {
    let seen = |role: &str| (!node.roles.is_empty()).then(|| node.roles.iter().any(|r| r == role));
    Coverage { nodes_checked: 1, rails_seen: seen("rails"), sidekiq_seen: seen("sidekiq") }
}

fn node(node: &Node) -> NodeFacts {
    let line = |e: &HostsEntry| HostsLine { address: e.address.to_string(), names: e.names.clone() };
    NodeFacts {
        hostname: node.hostname.clone(),
        install: node.install,
        roles: node.roles.clone(),
        gitlab_version: node.gitlab_version.clone(),
        edition: node.edition.clone(),
        hosts: node.hosts.iter().map(line).collect(),
        nameservers: node.nameservers.iter().map(ToString::to_string).collect(),
    }
}

fn group(run: &Run, group: Group) -> Option<GroupCount> {
    let steps: Vec<&StepState> = run.group(group).map(|(_, s)| s).collect();
    if steps.is_empty() {
        return None;
    }
    let counts = Run::counts(steps.iter().copied());
    let cancelled = counts.cancelled + counts.all - counts.settled;
    let worst = [
        (counts.fail, Status::Fail),
        (counts.error, Status::Error),
        (counts.warn, Status::Warn),
        (cancelled, Status::Cancelled),
        (counts.blocked, Status::Blocked),
        (counts.pass, Status::Pass),
    ];
    Some(GroupCount {
        id: group,
        title: group.title().to_owned(),
        status: worst.iter().find(|(n, _)| *n > 0).map_or(Status::Skip, |(_, status)| *status),
        pass: counts.pass,
        warn: counts.warn,
        fail: counts.fail,
        skip: counts.skip,
        blocked: counts.blocked,
        error: counts.error,
        cancelled,
    })
}

fn check(run: &Run, step: &StepState) -> CheckReport {
    let (summary, figure, skip) = sentence(run, step);
    let finding = |f: &Finding| FindingReport {
        code: f.code,
        severity: f.code.severity(),
        args: f.args.clone(),
        message: String::new(),
    };
    let own = step.ended.zip(step.started).map(|(ended, started)| ended.saturating_sub(started));
    CheckReport {
        id: step.id(),
        check: step.plan.check.clone(),
        place: step.plan.place.to_string(),
        group: step.plan.group,
        title: step.plan.title.clone(),
        status: if step.status.is_settled() { step.status } else { Status::Cancelled },
        summary,
        figure,
        until: step.until(),
        skip,
        want: step.want(),
        started_ms: step.started.map(ms),
        settled_ms: step.ended.map(ms),
        duration_ms: run.took(step).or(own).map(ms),
        phases: run.samples(step).iter().map(phase).collect(),
        findings: step.findings().iter().map(finding).collect(),
        blocked_by: step.blocked_by().and_then(|by| run.steps.get(by)).map(StepState::id),
        needs: step.plan.needs.iter().filter_map(|n| run.steps.get(*n)).map(StepState::id).collect(),
        evidence: step
            .slices
            .iter()
            .map(|s| Evidence { probe: s.probe, from: s.from, until: s.until })
            .collect(),
    }
}

/// The sentence of a step, its figure and the kind of skip; a finding's sentence is filled in later.
fn sentence(run: &Run, step: &StepState) -> (String, Option<String>, Option<Skip>) {
    match &step.settled {
        Some(Settled::Pass(note)) => (note.summary.clone(), note.figure.clone(), None),
        Some(Settled::Findings(_)) => (String::new(), None, None),
        Some(Settled::Skip { kind, why, .. }) => (why.clone(), None, Some(*kind)),
        Some(Settled::Blocked { by }) => {
            let by = run.steps.get(*by).map_or_else(|| "another check".to_owned(), StepState::id);
            (format!("blocked by {by}"), None, None)
        }
        Some(Settled::Error { why } | Settled::Cancelled { why }) => (why.clone(), None, None),
        None => ("the report was written before it settled".to_owned(), None, None),
    }
}

fn phase(sample: &Sample) -> Phase {
    Phase {
        name: sample.layer,
        ms: ms(sample.took),
        at_ms: ms(sample.at),
        end: if sample.failure().is_some() { PhaseEnd::Failed } else { PhaseEnd::Read },
    }
}

fn cause(run: &Run, cause: &RootCause) -> CauseReport {
    let ids = |steps: &[usize]| -> Vec<String> {
        steps.iter().filter_map(|s| run.steps.get(*s)).map(StepState::id).collect()
    };
    let seen_at = ids(&cause.shown_by);
    CauseReport {
        code: cause.code,
        severity: cause.code.severity(),
        check: seen_at.first().cloned().unwrap_or_default(),
        message: String::new(),
        args: cause.args.clone(),
        seen_at,
        explains: ids(&cause.explains),
        logs: logs_of(run, cause.code, &cause.args),
        remedy: Remedy::default(),
    }
}

/// What the node's logs have that is evidence for a finding: of the hosts that it names, where both name any.
pub fn logs_of(run: &Run, code: Code, args: &Args) -> Vec<LogLines> {
    let found = run.probes.iter().flat_map(|p| &p.samples).find_map(|sample| match sample.reading() {
        Some(Reading::Logs(found)) => Some(found),
        _ => None,
    });
    let named: String = ["host", "hosts"].iter().filter_map(|name| args.get(*name)).cloned().collect();
    let is_meant = |seen: &&Seen| {
        let is_public = named.contains(".gitlab.com") || named.contains(".gitlab.net");
        seen.hosts.is_empty() || !is_public || seen.hosts.iter().any(|host| named.contains(host.as_str()))
    };
    let lines = found.iter().flat_map(|found| found.supporting(code.as_str())).filter(is_meant);
    let line = |seen: &Seen| LogLines { words: seen.trace.words().to_owned(), seen: seen.clone() };
    lines.take(LOG_LINES).map(line).collect()
}

/// How many kinds of lines stand beside a cause.
const LOG_LINES: usize = 6;

fn probe(state: &ProbeState) -> ProbeReport {
    ProbeReport { probe: value(&state.what), samples: state.samples.iter().map(value).collect() }
}

/// Our own types have no map with keys other than text, which is all that could fail here.
pub(super) fn value<T: Serialize>(of: &T) -> Value {
    serde_json::to_value(of).unwrap_or(Value::Null)
}

/// Reads a value that may hold hidden addresses.
fn typed<T: DeserializeOwned>(value: &Value, name: &str) -> Result<T, ReportError> {
    serde_json::from_value(redact::placeholders(value)).map_err(|e| ReportError::Part(name.to_owned(), e))
}

fn node_back(facts: &NodeFacts) -> Result<Node, ReportError> {
    let text = |address: &String| Value::String(address.clone());
    let entry = |line: &HostsLine| {
        let address = typed(&text(&line.address), "an address of the hosts file")?;
        Ok(HostsEntry { address, names: line.names.clone() })
    };
    Ok(Node {
        hostname: facts.hostname.clone(),
        install: facts.install,
        roles: facts.roles.clone(),
        gitlab_version: facts.gitlab_version.clone(),
        edition: facts.edition.clone(),
        hosts: facts.hosts.iter().map(entry).collect::<Result<_, _>>()?,
        nameservers: (facts.nameservers.iter())
            .map(|n| typed(&text(n), "the address of a resolver"))
            .collect::<Result<_, _>>()?,
    })
}

fn probe_back(report: &ProbeReport) -> Result<ProbeState, ReportError> {
    let what: Probe = typed(&report.probe, "a probe")?;
    let samples: Result<Vec<Sample>, ReportError> =
        report.samples.iter().map(|s| typed(s, "a sample")).collect();
    Ok(ProbeState { what, samples: samples? })
}

fn step_back(check: &CheckReport, number: &HashMap<&str, usize>) -> Result<StepState, ReportError> {
    let find = |id: &String| {
        let missing = || ReportError::NoSuchStep(check.id.clone(), crate::text::foreign(id));
        number.get(id.as_str()).copied().ok_or_else(missing)
    };
    let place = Value::String(check.place.clone());
    let plan = Planned {
        check: check.check.clone(),
        place: serde_json::from_value(place).map_err(|e| ReportError::Part(check.id.clone(), e))?,
        group: check.group,
        title: check.title.clone(),
        needs: check.needs.iter().map(find).collect::<Result<_, _>>()?,
    };
    let why = check.summary.clone();
    let settled = match check.status {
        Status::Pass => {
            Settled::Pass(Note { summary: why, figure: check.figure.clone(), until: check.until })
        }
        Status::Warn | Status::Fail => Settled::Findings(
            check.findings.iter().map(|f| Finding { code: f.code, args: f.args.clone() }).collect(),
        ),
        Status::Skip => {
            Settled::Skip { kind: check.skip.unwrap_or(Skip::NotApplicable), why, want: check.want }
        }
        Status::Blocked => {
            let nobody = || ReportError::NoSuchStep(check.id.clone(), "nothing that blocks it".to_owned());
            Settled::Blocked { by: find(check.blocked_by.as_ref().ok_or_else(nobody)?)? }
        }
        Status::Error => Settled::Error { why },
        Status::Cancelled | Status::Pending | Status::Running => Settled::Cancelled { why },
    };
    let slice = |e: &Evidence| Slice { probe: e.probe, from: e.from, until: e.until };
    Ok(StepState {
        plan,
        status: if check.status.is_settled() { check.status } else { Status::Cancelled },
        settled: Some(settled),
        slices: check.evidence.iter().map(slice).collect(),
        started: duration(check.started_ms),
        ended: duration(check.settled_ms),
    })
}

/// Milliseconds of a file as a time; a number that is none is not known.
fn duration(ms: Option<f64>) -> Option<Duration> {
    ms.filter(|ms| ms.is_finite() && (0.0..3.2e10).contains(ms)).map(|ms| Duration::from_secs_f64(ms / 1e3))
}
