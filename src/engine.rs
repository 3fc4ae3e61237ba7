//! Carries a plan out. Stub: the shape that the screens start it by.

use crate::plan::Plan;
use crate::probe::{Probe, Sample};
use crate::run::{About, Event, Run};
use crate::subject::Subject;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

/// Carries out one probe; every layer is delivered as it ends.
pub type CarryOut = Arc<dyn Fn(Probe, Deliver) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;
/// Takes one sample.
pub type Deliver = Box<dyn FnMut(Sample) + Send>;

/// Everything that a run needs.
pub struct Rig {
    /// What is examined.
    pub subject: Arc<Subject>,
    /// The steps.
    pub plan: Arc<Plan>,
    /// What reports say of it.
    pub about: About,
    /// How a probe is carried out.
    pub carry_out: CarryOut,
}

impl std::fmt::Debug for Rig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rig").field("plan", &self.plan).finish_non_exhaustive()
    }
}

/// What a round runs.
#[derive(Clone, Debug)]
pub enum Round {
    /// Every step.
    Whole,
    /// Some steps, anew.
    Again {
        /// Which.
        steps: Vec<usize>,
        /// What is known of the others.
        so_far: Box<Run>,
    },
}

/// Runs a round to its end.
pub async fn run(
    _rig: &Rig,
    _round: Round,
    _emit: impl FnMut(Event) + Send,
    _stop: tokio::sync::watch::Receiver<bool>,
) {
    std::future::ready(()).await;
}
