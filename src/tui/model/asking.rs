//! What could be given so that more is known: a token, a word of consent to ask Rails.

use crate::check::Want;
use crate::run::StepState;
use crate::tui::model::{Model, Origin};

/// What can be asked for more on this node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Offer {
    /// The question to Rails. `None`: it cannot be asked here, or is asked already.
    pub runner: Option<Call>,
    /// A sentence about the token that is wanted here: the demo's own.
    pub token: Option<String>,
}

/// A question to Rails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The command as a person would type it.
    pub command: String,
    /// The memory that it could have, in bytes; `None`: it could not be read.
    pub free: Option<u64>,
}

/// The steps that wait for something, as a test over it says.
pub fn waiting(model: &Model, is_met: impl Fn(Want) -> bool) -> Vec<&StepState> {
    model.run.steps.iter().filter(|s| s.want().is_some_and(&is_met)).collect()
}

/// Whether a token can be given: an instance is known, and this is a run of ours.
pub fn can_take_a_token(model: &Model) -> bool {
    let is_known = model.run.about.as_ref().is_some_and(|about| about.instance.is_some());
    is_known && !matches!(model.origin, Origin::Saved(_))
}

/// Whether Rails can be asked here, and a check waits for that.
pub fn can_ask_rails(model: &Model) -> bool {
    let is_ours = !matches!(model.origin, Origin::Saved(_));
    is_ours && model.offer.runner.is_some() && !waiting(model, Want::is_met_by_the_runner).is_empty()
}

/// The key that would let a step tell: `key t`, `key L`. `None`: no key does.
pub fn key(model: &Model, want: Want) -> Option<&'static str> {
    let token = want.is_met_by_a_token() && can_take_a_token(model);
    let runner = want.is_met_by_the_runner() && can_ask_rails(model);
    match (token, runner, want) {
        (true, true, _) => Some("key t L"),
        (true, false, _) => Some("key t"),
        (false, true, _) => Some("key L"),
        (false, false, Want::Sampling) if model.can_run() => Some("key S"),
        (false, false, _) => None,
    }
}
