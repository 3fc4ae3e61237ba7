//! Rounds of checks on the runtime: discovery, the first round, further ones. Each run has a number; what an
//! earlier run still says is not listened to.

use super::model::message::Rerun;
use super::{Found, Given, Live, Wake};
use crate::engine::{self, Rig, Round};
use crate::run::{Run, StepState};
use crate::secret::Secret;
use crate::subject::limits::RailsRunner;
use crate::subject::ranges::Sampling;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;
use tokio::sync::watch;

/// The run that goes on, and how to stop it.
pub(super) struct Rounds {
    /// What is run.
    pub(super) live: Option<Live>,
    tx: Sender<Wake>,
    number: u64,
    stop: Option<watch::Sender<bool>>,
    started: Instant,
    /// Whether what runs on request alone was asked for in this run.
    sampling: Sampling,
    /// What was given on the screen since the run began.
    given: Given,
}

impl Rounds {
    pub(super) fn new(tx: Sender<Wake>) -> Self {
        let (started, sampling) = (Instant::now(), Sampling::NotAsked);
        Self { live: None, tx, number: 0, stop: None, started, sampling, given: Given::default() }
    }

    /// Whether a message belongs to the run that is shown.
    pub(super) fn is_current(&self, number: u64) -> bool {
        number == self.number
    }

    /// Since the start of the round.
    pub(super) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// Begins a run. What ran before is stopped and forgotten.
    pub(super) fn begin(&mut self, live: Live, runtime: &Runtime) {
        self.live = Some(live);
        self.given = Given::default();
        self.anew(runtime);
    }

    /// Begins the run anew with a token. What goes on is stopped and forgotten.
    pub(super) fn use_token(&mut self, token: Secret, runtime: &Runtime) {
        self.given.token = Some(token);
        self.anew(runtime);
    }

    /// Begins the run anew, with the word to ask Rails.
    pub(super) fn ask_rails(&mut self, runtime: &Runtime) {
        self.given.rails = RailsRunner::Allowed;
        self.anew(runtime);
    }

    fn anew(&mut self, runtime: &Runtime) {
        self.stop();
        self.number += 1;
        self.sampling = Sampling::NotAsked;
        self.round(None, runtime);
    }

    /// A further round of the run that is shown.
    pub(super) fn again(&mut self, rerun: &Rerun, so_far: &Run, runtime: &Runtime) {
        let part = match rerun {
            Rerun::All => None,
            Rerun::Around(steps) | Rerun::OnRequest(steps) => Some((steps.clone(), Box::new(so_far.clone()))),
        };
        self.sampling = match rerun {
            Rerun::All => Sampling::NotAsked,
            Rerun::Around(_) => self.sampling,
            Rerun::OnRequest(_) => Sampling::Asked,
        };
        self.round(part, runtime);
    }

    /// Finds out what is to be examined, before every round: what was mended may have changed the node too.
    /// Where the plan is another than before, the round takes all of it.
    fn round(&mut self, part: Option<(Vec<usize>, Box<Run>)>, runtime: &Runtime) {
        let Some(live) = &self.live else { return };
        let discover = (live.discover)(self.given.clone());
        let (stop, stopped) = watch::channel(false);
        self.stop = Some(stop);
        self.started = Instant::now();
        let (number, tx, sampling) = (self.number, self.tx.clone(), self.sampling);
        // Where sending fails nobody listens any more: the program is leaving.
        runtime.spawn(async move {
            let Found { mut rig, offer } = match discover.await {
                Ok(found) => found,
                Err(why) => return drop(tx.send(Wake::Unready(number, why))),
            };
            if sampling == Sampling::Asked {
                Arc::make_mut(&mut rig.subject).limits.sampling = sampling;
            }
            drop(tx.send(Wake::Ready(number, offer)));
            let round = match part {
                Some((steps, so_far)) if is_of(&so_far, &rig) => {
                    Round::Again { steps: rig.plan.around(&steps), so_far }
                }
                Some(_) | None => Round::Whole,
            };
            let events = tx.clone();
            let emit = move |event| drop(events.send(Wake::Event(number, Box::new(event))));
            engine::run(&rig, round, emit, stopped).await;
            drop(tx.send(Wake::Ended(number)));
        });
    }

    /// Stops the round that goes on.
    pub(super) fn stop(&mut self) {
        if let Some(stop) = &self.stop {
            // A round that is over has nobody to tell.
            let _ = stop.send(true);
        }
    }
}

/// Whether a run was made by a rig's plan, step for step.
fn is_of(run: &Run, rig: &Rig) -> bool {
    let planned = rig.plan.steps.iter().map(|s| s.head.to_string());
    run.steps.iter().map(StepState::id).eq(planned)
}
