//! Carries a plan out: every probe at once, each equal probe once, each step settled exactly once.
//!
//! The engine does no I/O of its own: it is handed the function that carries out probes. It decides when a
//! step may be judged, what is blocked and what the deadline cuts off; what a verdict means is the checks'.

use crate::check::Want;
use crate::check::{Ask, ROUNDS, Seen, Verdict};
use crate::checks::requirement;
use crate::plan::Plan;
use crate::probe::{Probe, Sample};
use crate::run::event::{Ending, Event, Planned, Settled, Skip};
use crate::run::{Run, Status, StepState};
use crate::subject::About;
use crate::subject::Subject;
use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;

/// Takes the samples of one probe as they come.
pub type Deliver = Box<dyn FnMut(Sample) + Send>;

/// Carries out one probe. Dropping the future ends it.
pub type CarryOut = Arc<dyn Fn(Probe, Deliver) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

/// What a round needs.
#[derive(Clone)]
pub struct Rig {
    /// What is examined.
    pub subject: Arc<Subject>,
    /// What is to be done.
    pub plan: Arc<Plan>,
    /// What reports say of the subject.
    pub about: About,
    /// How probes are carried out in this round.
    pub carry_out: CarryOut,
}

/// Which steps a round takes.
#[derive(Clone, Debug)]
pub enum Round {
    /// All of the plan.
    Whole,
    /// Some of it once more: `Plan::around` the ones meant.
    Again {
        /// Which.
        steps: Vec<usize>,
        /// The run so far: where steps outside stand, and how many probes are numbered.
        so_far: Box<Run>,
    },
}

/// Runs a round to its end. `Finished` is the last event, after a stop or the deadline too.
pub async fn run(rig: &Rig, round: Round, emit: impl FnMut(Event) + Send, mut stop: watch::Receiver<bool>) {
    let (tx, mut samples) = mpsc::unbounded_channel();
    let mut engine = Engine::new(rig, &round, emit, tx);
    engine.begin(&round);
    engine.advance();
    let deadline = engine.start + rig.subject.limits.deadline;
    let ending = loop {
        if engine.is_done() {
            break Ending::Complete;
        }
        tokio::select! {
            biased;
            () = stopped(&mut stop) => break Ending::Cancelled,
            () = tokio::time::sleep_until(deadline) => break Ending::Deadline,
            Some((probe, news)) = samples.recv() => {
                engine.take(probe, news);
                while let Ok((probe, news)) = samples.try_recv() {
                    engine.take(probe, news);
                }
                engine.advance();
            }
        }
    };
    engine.end(ending);
}

/// Ends when somebody asks to stop; never, when nobody can any more.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    if stop.wait_for(|s| *s).await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// What a probe's task reports.
enum News {
    Sample(Box<Sample>),
    /// The task is over, well or not.
    Over,
}

/// Tells that a probe is over when its task ends in any way, a panic included.
struct Guard(usize, mpsc::UnboundedSender<(usize, News)>);

impl Drop for Guard {
    fn drop(&mut self) {
        // The receiver is gone only when the round is over: then nobody waits for this.
        let _ = self.1.send((self.0, News::Over));
    }
}

/// A step on its way.
#[derive(Default)]
struct Course {
    /// What it has asked so far.
    asked: Vec<Ask>,
    /// How often it was asked what it wants.
    rounds: usize,
    /// Whether everything asked is answered and nothing more is wanted.
    ready: bool,
    started: bool,
    status: Option<Status>,
    /// For a skip: whether what needs it goes on.
    skip: Option<Skip>,
    /// For a skip: what would have told.
    want: Option<Want>,
    blocked_by: Option<usize>,
}

struct Engine<'a, E> {
    rig: &'a Rig,
    emit: E,
    start: Instant,
    tx: mpsc::UnboundedSender<(usize, News)>,
    tasks: JoinSet<()>,
    /// Steps of this round, in plan order.
    steps: Vec<usize>,
    courses: Vec<Course>,
    numbers: HashMap<Probe, usize>,
    probes: Vec<Probe>,
    first_number: usize,
    answers: HashMap<Probe, Vec<Sample>>,
    over: Vec<bool>,
}

impl<'a, E: FnMut(Event) + Send> Engine<'a, E> {
    fn new(rig: &'a Rig, round: &Round, emit: E, tx: mpsc::UnboundedSender<(usize, News)>) -> Self {
        let all = rig.plan.steps.len();
        let mut courses: Vec<Course> = (0..all).map(|_| Course::default()).collect();
        let (steps, first_number) = match round {
            Round::Whole => ((0..all).collect(), 0),
            Round::Again { steps, so_far } => {
                for (course, state) in courses.iter_mut().zip(&so_far.steps) {
                    *course = standing(state);
                }
                let steps: Vec<usize> = steps.iter().copied().filter(|s| *s < all).collect();
                for step in &steps {
                    courses[*step] = Course::default();
                }
                (steps, so_far.probes.len())
            }
        };
        Self {
            rig,
            emit,
            start: Instant::now(),
            tx,
            tasks: JoinSet::new(),
            steps,
            courses,
            numbers: HashMap::new(),
            probes: Vec::new(),
            first_number,
            answers: HashMap::new(),
            over: Vec::new(),
        }
    }

    fn begin(&mut self, round: &Round) {
        match round {
            Round::Whole => {
                let steps = self.rig.plan.steps.iter().map(planned).collect();
                (self.emit)(Event::Planned { about: Box::new(self.rig.about.clone()), steps });
            }
            Round::Again { .. } => {
                (self.emit)(Event::Restarted { steps: self.steps.clone(), at: Duration::ZERO });
            }
        }
    }

    fn is_done(&self) -> bool {
        self.steps.iter().all(|s| self.courses[*s].status.is_some())
    }

    fn at(&self) -> Duration {
        self.start.elapsed()
    }

    fn take(&mut self, probe: usize, news: News) {
        match news {
            News::Sample(sample) => {
                let number = probe + self.first_number;
                (self.emit)(Event::Sampled { probe: number, sample: sample.clone() });
                self.answers.entry(self.probes[probe].clone()).or_default().push(*sample);
            }
            News::Over => self.over[probe] = true,
        }
    }

    /// Moves every step as far as it can go, until nothing moves any more.
    fn advance(&mut self) {
        loop {
            let mut moved = false;
            for i in 0..self.steps.len() {
                moved |= self.advance_step(self.steps[i]);
            }
            if !moved {
                return;
            }
        }
    }

    /// Whether anything changed.
    fn advance_step(&mut self, step: usize) -> bool {
        if self.courses[step].status.is_some() {
            return false;
        }
        let mut moved = self.ask(step);
        match self.needs(step) {
            Needs::Wait => {}
            Needs::Settle(how) => {
                self.settle(step, how);
                return true;
            }
            Needs::Hold => {
                if !self.courses[step].started {
                    self.courses[step].started = true;
                    let at = self.at();
                    (self.emit)(Event::Started { step, at });
                    moved = true;
                }
                if self.courses[step].ready {
                    let how = self.judge(step);
                    self.settle(step, how);
                    return true;
                }
            }
        }
        moved
    }

    /// Asks the step what it wants and starts what nobody has asked for yet.
    fn ask(&mut self, step: usize) -> bool {
        let course = &self.courses[step];
        if course.ready || !course.asked.iter().all(|ask| self.is_answered(ask)) {
            return false;
        }
        let head = self.rig.plan.steps[step].head;
        let wanted = if course.rounds < ROUNDS {
            requirement::asks(head.check, &self.rig.subject, head.place, Seen::new(&self.answers))
        } else {
            Vec::new()
        };
        let new: Vec<Ask> = wanted.into_iter().filter(|ask| !course.asked.contains(ask)).collect();
        self.courses[step].rounds += 1;
        if new.is_empty() {
            self.courses[step].ready = true;
            return true;
        }
        for ask in new {
            let known = self.numbers.get(&ask.probe).copied();
            let number = known.unwrap_or_else(|| self.start_probe(&ask.probe));
            let what = known.is_none().then(|| Box::new(ask.probe.clone()));
            let probe = number + self.first_number;
            (self.emit)(Event::Asked { step, probe, what, from: ask.from, until: ask.until });
            self.courses[step].asked.push(ask);
        }
        true
    }

    fn start_probe(&mut self, probe: &Probe) -> usize {
        let number = self.probes.len();
        self.numbers.insert(probe.clone(), number);
        self.probes.push(probe.clone());
        self.over.push(false);
        let guard = Guard(number, self.tx.clone());
        let tx = self.tx.clone();
        let deliver: Deliver = Box::new(move |sample| {
            // As above: nobody listens only when the round is over.
            let _ = tx.send((number, News::Sample(Box::new(sample))));
        });
        let work = (self.rig.carry_out)(probe.clone(), deliver);
        self.tasks.spawn(async move {
            let _guard = guard;
            work.await;
        });
        number
    }

    /// Whether a slice needs no more waiting: its last layer is there, the probe failed, or it is over.
    fn is_answered(&self, ask: &Ask) -> bool {
        let samples = self.answers.get(&ask.probe).map_or(&[][..], Vec::as_slice);
        let enough = |s: &Sample| s.layer >= ask.until || s.failure().is_some();
        samples.iter().any(enough) || self.numbers.get(&ask.probe).is_some_and(|n| self.over[*n])
    }

    /// What the steps that this one needs say.
    fn needs(&self, step: usize) -> Needs {
        let mut wait = false;
        for need in &self.rig.plan.steps[step].needs {
            let course = &self.courses[*need];
            match course.status {
                None | Some(Status::Pending | Status::Running) => wait = true,
                // What is skipped because it means nothing here holds; what was not asked does not.
                Some(Status::Pass | Status::Warn | Status::Skip) if course.skip != Some(Skip::NotAsked) => {}
                Some(Status::Fail | Status::Error) => return Needs::Settle(self.blocked(step, *need)),
                Some(Status::Blocked) => {
                    return Needs::Settle(self.blocked(step, course.blocked_by.unwrap_or(*need)));
                }
                Some(Status::Cancelled) => {
                    return Needs::Settle(Settled::Cancelled { why: "what it needs was stopped".to_owned() });
                }
                Some(Status::Pass | Status::Warn | Status::Skip) => {
                    let why = format!("{} was not asked", self.rig.plan.steps[*need].head);
                    return Needs::Settle(Settled::Skip { kind: Skip::NotAsked, why, want: course.want });
                }
            }
        }
        if wait { Needs::Wait } else { Needs::Hold }
    }

    /// Blocked, unless the check wants nothing because it means nothing here: the name of a service does not matter
    /// to a proxied way.
    fn blocked(&self, step: usize, by: usize) -> Settled {
        let course = &self.courses[step];
        if !course.ready || !course.asked.is_empty() {
            return Settled::Blocked { by };
        }
        match self.judge(step) {
            skip @ Settled::Skip { kind: Skip::NotApplicable, .. } => skip,
            Settled::Pass(_)
            | Settled::Findings(_)
            | Settled::Skip { .. }
            | Settled::Blocked { .. }
            | Settled::Error { .. }
            | Settled::Cancelled { .. } => Settled::Blocked { by },
        }
    }

    fn judge(&self, step: usize) -> Settled {
        let head = self.rig.plan.steps[step].head;
        match requirement::verdict(head.check, &self.rig.subject, head.place, Seen::new(&self.answers)) {
            Verdict::Pass(note) => Settled::Pass(note),
            Verdict::Findings(findings) if findings.is_empty() => {
                Settled::Error { why: "the check found nothing and did not pass".to_owned() }
            }
            Verdict::Findings(findings) => Settled::Findings(findings),
            Verdict::NotApplicable(why) => Settled::Skip { kind: Skip::NotApplicable, why, want: None },
            Verdict::NotAsked(why) => Settled::Skip { kind: Skip::NotAsked, why, want: None },
            Verdict::Wants(want, why) => Settled::Skip { kind: Skip::NotAsked, why, want: Some(want) },
            Verdict::Unknown(why) => Settled::Error { why },
        }
    }

    fn settle(&mut self, step: usize, how: Settled) {
        let at = self.at();
        // The fold decides what a verdict makes of a step: asked, not repeated.
        let mut state = StepState::of(planned(&self.rig.plan.steps[step]));
        state.settle(&how, at);
        self.courses[step] = standing(&state);
        (self.emit)(Event::Settled { step, how, at });
    }

    fn end(mut self, ending: Ending) {
        self.tasks.abort_all();
        let why = match ending {
            Ending::Complete | Ending::Cancelled => "stopped before a verdict".to_owned(),
            Ending::Deadline => {
                let limit = crate::text::duration(self.rig.subject.limits.deadline);
                format!("the deadline of {limit} came first")
            }
        };
        for step in self.steps.clone() {
            if self.courses[step].status.is_none() {
                self.settle(step, Settled::Cancelled { why: why.clone() });
            }
        }
        let at = self.at();
        (self.emit)(Event::Finished { at, how: ending });
    }
}

/// What the needs of a step come to.
enum Needs {
    /// Not all are settled.
    Wait,
    /// All hold.
    Hold,
    /// One of them settles this step.
    Settle(Settled),
}

/// Where a step stands, taken from the fold.
fn standing(state: &StepState) -> Course {
    let (skip, want) = match &state.settled {
        Some(Settled::Skip { kind, want, .. }) => (Some(*kind), *want),
        Some(
            Settled::Pass(_)
            | Settled::Findings(_)
            | Settled::Blocked { .. }
            | Settled::Error { .. }
            | Settled::Cancelled { .. },
        )
        | None => (None, None),
    };
    Course {
        ready: true,
        started: true,
        status: state.status.is_settled().then_some(state.status),
        skip,
        want,
        blocked_by: state.blocked_by(),
        ..Course::default()
    }
}

fn planned(step: &crate::plan::Step) -> Planned {
    let head = step.head;
    Planned {
        check: head.check.id.to_owned(),
        place: head.place,
        group: head.check.group,
        title: head.check.title.to_owned(),
        needs: step.needs.clone(),
    }
}
