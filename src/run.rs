//! A run as a fold over its events: the only way state comes to be. The screen, reports, replay and tests
//! fold the same log, so they cannot disagree. Pure.

pub mod event;

use crate::check::Group;
use crate::check::Want;
use crate::failure::Layer;
use crate::finding::{Finding, Severity};
use crate::probe::{Probe, Sample};
use crate::subject::place::Place;
use crate::subject::{About, Route};
use event::{Ending, Event, Planned, Settled};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The state of a step, as shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Not its turn yet.
    Pending,
    /// It is being found out.
    Running,
    /// The promise holds.
    Pass,
    /// Something to look at.
    Warn,
    /// Something is broken.
    Fail,
    /// Not applicable or not asked.
    Skip,
    /// What it needs failed.
    Blocked,
    /// The check itself failed.
    Error,
    /// Stopped.
    Cancelled,
}

impl Status {
    /// The word in reports and on the screen.
    pub fn as_str(self) -> &'static str {
        match self {
            Status::Pending => "pending",
            Status::Running => "running",
            Status::Pass => "pass",
            Status::Warn => "warn",
            Status::Fail => "fail",
            Status::Skip => "skip",
            Status::Blocked => "blocked",
            Status::Error => "error",
            Status::Cancelled => "cancelled",
        }
    }

    /// Whether a verdict, or the reason for having none, stands.
    pub fn is_settled(self) -> bool {
        !matches!(self, Status::Pending | Status::Running)
    }
}

/// A slice of a probe that a step judges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slice {
    /// Index into `Run::probes`.
    pub probe: usize,
    /// The first layer.
    pub from: Layer,
    /// The last layer.
    pub until: Layer,
}

/// A step and what is known of it.
#[derive(Clone, Debug, PartialEq)]
pub struct StepState {
    /// As planned.
    pub plan: Planned,
    /// Where it stands.
    pub status: Status,
    /// How it settled.
    pub settled: Option<Settled>,
    /// What it waits for or was judged by, in the order of asking.
    pub slices: Vec<Slice>,
    /// When it was its turn, since the start of the run.
    pub started: Option<Duration>,
    /// When it settled, since the start of the run.
    pub ended: Option<Duration>,
}

impl StepState {
    /// A step that has not begun.
    pub fn of(plan: Planned) -> Self {
        Self { plan, status: Status::Pending, settled: None, slices: Vec::new(), started: None, ended: None }
    }

    /// Takes a verdict.
    pub fn settle(&mut self, how: &Settled, at: Duration) {
        self.status = status_of(how);
        self.settled = Some(how.clone());
        self.ended = Some(at);
    }

    /// `tls@cloud/shell`
    pub fn id(&self) -> String {
        format!("{}@{}", self.plan.check, self.plan.place)
    }

    /// The findings, if any.
    pub fn findings(&self) -> &[Finding] {
        match &self.settled {
            Some(Settled::Findings(findings)) => findings,
            Some(
                Settled::Pass(_)
                | Settled::Skip { .. }
                | Settled::Blocked { .. }
                | Settled::Error { .. }
                | Settled::Cancelled { .. },
            )
            | None => &[],
        }
    }

    /// When what it found holding ends by itself.
    pub fn until(&self) -> Option<Timestamp> {
        match &self.settled {
            Some(Settled::Pass(note)) => note.until,
            Some(
                Settled::Findings(_)
                | Settled::Skip { .. }
                | Settled::Blocked { .. }
                | Settled::Error { .. }
                | Settled::Cancelled { .. },
            )
            | None => None,
        }
    }

    /// What it was not given that would have told.
    pub fn want(&self) -> Option<Want> {
        match self.settled {
            Some(Settled::Skip { want, .. }) => want,
            Some(
                Settled::Pass(_)
                | Settled::Findings(_)
                | Settled::Blocked { .. }
                | Settled::Error { .. }
                | Settled::Cancelled { .. },
            )
            | None => None,
        }
    }

    /// The step that blocks this one, if it is blocked.
    pub fn blocked_by(&self) -> Option<usize> {
        match self.settled {
            Some(Settled::Blocked { by }) => Some(by),
            Some(
                Settled::Pass(_)
                | Settled::Findings(_)
                | Settled::Skip { .. }
                | Settled::Error { .. }
                | Settled::Cancelled { .. },
            )
            | None => None,
        }
    }
}

/// A probe and what it brought so far.
#[derive(Clone, Debug, PartialEq)]
pub struct ProbeState {
    /// What is asked on the wire.
    pub what: Probe,
    /// Layer by layer.
    pub samples: Vec<Sample>,
}

/// The state of a run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Run {
    /// What is examined; `None` until the plan stands.
    pub about: Option<About>,
    /// Every step.
    pub steps: Vec<StepState>,
    /// Every probe.
    pub probes: Vec<ProbeState>,
    /// The time of the last event, since the start of the run.
    pub at: Duration,
    /// Whether and how it ended.
    pub ending: Option<Ending>,
}

/// What became of a run as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RunVerdict {
    /// Nothing failed, all that was asked was answered.
    Pass,
    /// Nothing failed, something is to be looked at.
    Warn,
    /// Something failed.
    Fail,
    /// Nothing failed, and something that was asked for reached no verdict.
    Inconclusive,
}

impl RunVerdict {
    /// The word in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            RunVerdict::Pass => "pass",
            RunVerdict::Warn => "warn",
            RunVerdict::Fail => "fail",
            RunVerdict::Inconclusive => "inconclusive",
        }
    }
}

/// Numbers of steps by state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// All.
    pub all: usize,
    /// Settled in any way.
    pub settled: usize,
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
    /// Running now.
    pub running: usize,
}

impl Run {
    /// Folds a whole log. Events that do not fit (a foreign or cut log) are passed over.
    pub fn of<'a>(events: impl IntoIterator<Item = &'a Event>) -> Run {
        let mut run = Run::default();
        for event in events {
            run.apply(event);
        }
        run
    }

    /// Takes one event in.
    pub fn apply(&mut self, event: &Event) {
        match event {
            Event::Planned { about, steps } => {
                *self = Run { about: Some((**about).clone()), ..Run::default() };
                self.steps = steps.iter().cloned().map(StepState::of).collect();
            }
            Event::Restarted { steps, at } => {
                self.at = *at;
                self.ending = None;
                for step in steps {
                    if let Some(state) = self.steps.get_mut(*step) {
                        *state = StepState::of(state.plan.clone());
                    }
                }
            }
            Event::Asked { step, probe, what, from, until } => {
                if let Some(what) = what {
                    debug_assert_eq!(*probe, self.probes.len(), "probes are numbered in the order of asking");
                    self.probes.push(ProbeState { what: (**what).clone(), samples: Vec::new() });
                }
                if let (Some(state), true) = (self.steps.get_mut(*step), *probe < self.probes.len()) {
                    state.slices.push(Slice { probe: *probe, from: *from, until: *until });
                }
            }
            Event::Started { step, at } => {
                self.at = *at;
                if let Some(state) = self.steps.get_mut(*step) {
                    state.status = Status::Running;
                    state.started = Some(*at);
                }
            }
            Event::Sampled { probe, sample } => {
                self.at = self.at.max(sample.at + sample.took);
                if let Some(state) = self.probes.get_mut(*probe) {
                    state.samples.push((**sample).clone());
                }
            }
            Event::Settled { step, how, at } => {
                self.at = *at;
                if let Some(state) = self.steps.get_mut(*step) {
                    state.settle(how, *at);
                }
            }
            Event::Finished { at, how } => {
                self.at = *at;
                self.ending = Some(*how);
            }
        }
    }

    /// The samples of a step's first slice: what its phases are drawn from.
    pub fn samples(&self, step: &StepState) -> &[Sample] {
        let first = step.slices.first().and_then(|s| self.probes.get(s.probe));
        first.map_or(&[], |p| p.samples.as_slice())
    }

    /// How long a step took on the wire: the layers that it judges, of its first slice.
    pub fn took(&self, step: &StepState) -> Option<Duration> {
        let slice = step.slices.first()?;
        let own = |s: &&Sample| (slice.from..=slice.until).contains(&s.layer);
        let samples = self.probes.get(slice.probe)?.samples.iter().filter(own);
        let times: Vec<Duration> = samples.map(|s| s.took).collect();
        (!times.is_empty()).then(|| times.iter().sum())
    }

    /// Numbers by state over some steps.
    pub fn counts<'a>(steps: impl IntoIterator<Item = &'a StepState>) -> Counts {
        let mut counts = Counts::default();
        for step in steps {
            counts.all += 1;
            counts.settled += usize::from(step.status.is_settled());
            *match step.status {
                Status::Pending => continue,
                Status::Running => &mut counts.running,
                Status::Pass => &mut counts.pass,
                Status::Warn => &mut counts.warn,
                Status::Fail => &mut counts.fail,
                Status::Skip => &mut counts.skip,
                Status::Blocked => &mut counts.blocked,
                Status::Error => &mut counts.error,
                Status::Cancelled => &mut counts.cancelled,
            } += 1;
        }
        counts
    }

    /// The ways out, once they are known.
    pub fn routes(&self) -> &[Route] {
        self.about.as_ref().map_or(&[], |a| a.routes.as_slice())
    }

    /// The route of a place, for a place that is a way.
    pub fn route(&self, place: Place) -> Option<&Route> {
        let Place::Way(endpoint, stack) = place else { return None };
        self.routes().iter().find(|r| r.endpoint == endpoint && r.stacks.contains(&stack))
    }

    /// The numbers of the steps that walk a route. Empty: it is known and not walked, as the shell's beside GitLab.
    pub fn on_route(&self, route: &Route) -> Vec<usize> {
        let on = |s: &StepState| match s.plan.place {
            Place::Way(endpoint, stack) => endpoint == route.endpoint && route.stacks.contains(&stack),
            Place::Node | Place::Instance | Place::Endpoint(_) | Place::Stack(_) | Place::Door(_) => false,
        };
        self.steps.iter().enumerate().filter(|(_, s)| on(s)).map(|(i, _)| i).collect()
    }

    /// The steps of a group, with their numbers.
    pub fn group(&self, group: Group) -> impl Iterator<Item = (usize, &StepState)> {
        self.steps.iter().enumerate().filter(move |(_, s)| s.plan.group == group)
    }

    /// The verdict over all steps (contract, section 4).
    pub fn verdict(&self) -> RunVerdict {
        let counts = Run::counts(&self.steps);
        let open =
            |s: &StepState| matches!(s.status, Status::Error | Status::Cancelled) || !s.status.is_settled();
        let unknown =
            |s: &StepState| open(s) || s.blocked_by().and_then(|b| self.steps.get(b)).is_some_and(open);
        if counts.fail > 0 {
            RunVerdict::Fail
        } else if self.steps.iter().any(unknown) || counts.pass + counts.warn == 0 {
            RunVerdict::Inconclusive
        } else if counts.warn > 0 {
            RunVerdict::Warn
        } else {
            RunVerdict::Pass
        }
    }
}

/// The state that a verdict puts a step in.
fn status_of(how: &Settled) -> Status {
    match how {
        Settled::Pass(_) => Status::Pass,
        Settled::Findings(findings) => match findings.iter().map(|f| f.code.severity()).max() {
            Some(Severity::Fail) => Status::Fail,
            Some(Severity::Warn) | None => Status::Warn,
        },
        Settled::Skip { .. } => Status::Skip,
        Settled::Blocked { .. } => Status::Blocked,
        Settled::Error { .. } => Status::Error,
        Settled::Cancelled { .. } => Status::Cancelled,
    }
}
