//! Rounds of checks on the runtime: discovery, the first round, further ones. Each run has a number; what an
//! earlier run still says is not listened to.

use super::model::message::Rerun;
use super::{Live, Wake};
use crate::engine::{self, Rig, Round};
use crate::run::Run;
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
    rig: Option<Arc<Rig>>,
    stop: Option<watch::Sender<bool>>,
    started: Instant,
}

impl Rounds {
    pub(super) fn new(tx: Sender<Wake>) -> Self {
        Self { live: None, tx, number: 0, rig: None, stop: None, started: Instant::now() }
    }

    /// Whether a message belongs to the run that is shown.
    pub(super) fn is_current(&self, number: u64) -> bool {
        number == self.number
    }

    /// Since the start of the round.
    pub(super) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// Finds out what is to be examined. What ran before is stopped and forgotten.
    pub(super) fn discover(&mut self, live: Live, runtime: &Runtime) {
        self.stop();
        self.number += 1;
        self.rig = None;
        let (number, tx) = (self.number, self.tx.clone());
        let discover = (live.discover)();
        self.live = Some(live);
        runtime.spawn(async move {
            let found = discover.await.map(Box::new);
            // Nobody listens any more: the program is leaving.
            drop(tx.send(Wake::Found(number, found)));
        });
    }

    /// The first round.
    pub(super) fn first(&mut self, rig: Rig, runtime: &Runtime) {
        self.rig = Some(Arc::new(rig));
        self.round(Round::Whole, runtime);
    }

    /// A further round.
    pub(super) fn again(&mut self, rerun: &Rerun, so_far: &Run, runtime: &Runtime) {
        let Some(rig) = &self.rig else { return };
        let round = match rerun {
            Rerun::All => Round::Whole,
            Rerun::Around(steps) => {
                let steps: Vec<usize> = steps.iter().copied().filter(|s| *s < rig.plan.steps.len()).collect();
                Round::Again { steps: rig.plan.around(&steps), so_far: Box::new(so_far.clone()) }
            }
        };
        self.round(round, runtime);
    }

    fn round(&mut self, round: Round, runtime: &Runtime) {
        let Some(rig) = self.rig.clone() else { return };
        let (stop, stopped) = watch::channel(false);
        self.stop = Some(stop);
        self.started = Instant::now();
        let (number, tx) = (self.number, self.tx.clone());
        runtime.spawn(async move {
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
