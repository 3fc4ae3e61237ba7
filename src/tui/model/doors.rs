//! The doors into the instance: a row for each, a column for each thing that is asked there, and what stands where
//! they meet. What is looked at is a door and a question, not a row: it stays while a run goes on.

use crate::run::event::{Settled, Skip};
use crate::run::{Run, Status, StepState};
use crate::subject::doors::DoorAbout;
use crate::subject::place::{Door, Place};
use crate::tui::theme::weight;
use std::cmp::Reverse;

/// Which cell is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct At {
    /// The row.
    pub door: Door,
    /// The column.
    pub asked: Asked,
    /// Lines of the details scrolled past.
    pub scroll: usize,
}

/// What is asked at doors, a column each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Asked {
    /// A page.
    Reach,
    /// The certificate, and HTTP/2.
    Https,
    /// GitLab's own pages of health.
    Health,
    /// The upgrade at `/-/cable`.
    Cable,
    /// What is sent there.
    Pings,
    /// The agents' WebSocket.
    Socket,
}

impl Asked {
    /// Every column, in the order of the screen.
    pub const ALL: [Asked; 6] =
        [Asked::Reach, Asked::Https, Asked::Health, Asked::Cable, Asked::Pings, Asked::Socket];

    /// The checks that answer it, the telling one last.
    pub fn checks(self) -> &'static [&'static str] {
        match self {
            Asked::Reach => &["reach"],
            Asked::Https => &["certificate", "http2"],
            Asked::Health => &["health"],
            Asked::Cable => &["cable"],
            Asked::Pings => &["pings"],
            Asked::Socket => &["workflow-socket"],
        }
    }

    /// The head of the column.
    pub fn name(self) -> &'static str {
        match self {
            Asked::Reach => "reach",
            Asked::Https => "https, h2",
            Asked::Health => "health",
            Asked::Cable => "cable",
            Asked::Pings => "pings",
            Asked::Socket => "agent socket",
        }
    }

    /// The same in at most five letters, all of them together in 25.
    pub fn short(self) -> &'static str {
        match self {
            Asked::Reach => "reach",
            Asked::Https => "h2",
            Asked::Health => "well",
            Asked::Cable => "cable",
            Asked::Pings => "ping",
            Asked::Socket => "agent",
        }
    }
}

impl At {
    /// Where one looks first: at the door of a step, else at the worst cell.
    pub fn first(run: &Run, step: Option<usize>) -> Option<At> {
        let at = |door, asked| At { door, asked, scroll: 0 };
        let own = step.and_then(|s| run.steps.get(s)).and_then(|state| {
            let Place::Door(door) = state.plan.place else { return None };
            let column = Asked::ALL.into_iter().find(|a| a.checks().contains(&state.plan.check.as_str()));
            Some(at(door, column.or(asked(run).first().copied())?))
        });
        let columns = asked(run);
        let cells = doors(run).into_iter().flat_map(|d| columns.iter().map(move |a| at(d, *a)));
        // Where nothing is wrong, what was skipped is no place to begin.
        let weight = |at: &At| match at.worst(run).and_then(|s| run.steps.get(s)).map(|s| s.status) {
            Some(Status::Skip) | None => 0,
            Some(status) => weight(status),
        };
        let worst = cells.enumerate().max_by_key(|(i, at)| (weight(at), Reverse(*i))).map(|(_, at)| at);
        own.or(worst)
    }

    /// The steps of the cell, the telling one last.
    pub fn steps(self, run: &Run) -> Vec<usize> {
        self.asked.checks().iter().filter_map(|check| step(run, check, self.door)).collect()
    }

    /// The step that says how the cell stands: the worst, of several the telling one.
    pub fn worst(self, run: &Run) -> Option<usize> {
        let status = |s: &usize| run.steps.get(*s).map_or(Status::Skip, |s| s.status);
        let steps = self.steps(run);
        let counted = steps.iter().copied().enumerate().filter(|(_, s)| status(s) != Status::Skip);
        let worst = counted.max_by_key(|(i, s)| (weight(status(s)), *i)).map(|(_, s)| s);
        worst.or(steps.last().copied())
    }
}

/// The rows: doors that have an address or at which something is asked, outermost first.
pub fn doors(run: &Run) -> Vec<Door> {
    let here = |door: &Door| about(run, *door).is_some_and(|a| a.address.is_some()) || is_tried(run, *door);
    Door::ALL.iter().copied().filter(here).collect()
}

/// The columns: what is asked at some door.
pub fn asked(run: &Run) -> Vec<Asked> {
    let somewhere = |a: &Asked| {
        Door::ALL.iter().any(|door| !At { door: *door, asked: *a, scroll: 0 }.steps(run).is_empty())
    };
    Asked::ALL.into_iter().filter(somewhere).collect()
}

/// What is known of a door before anything is asked there.
pub fn about(run: &Run, door: Door) -> Option<&DoorAbout> {
    run.about.as_ref()?.doors.iter().find(|a| a.door == door)
}

/// The step of a check at a door.
pub fn step(run: &Run, check: &str, door: Door) -> Option<usize> {
    run.steps.iter().position(|s| s.plan.place == Place::Door(door) && s.plan.check == check)
}

/// Every step at a door, with its number, in the order of the plan.
pub fn steps(run: &Run, door: Door) -> impl Iterator<Item = (usize, &StepState)> {
    run.steps.iter().enumerate().filter(move |(_, s)| s.plan.place == Place::Door(door))
}

fn is_tried(run: &Run, door: Door) -> bool {
    steps(run, door).next().is_some()
}

/// Why a check means nothing at a door: nothing listens there.
fn not_there(state: &StepState) -> Option<&str> {
    match &state.settled {
        Some(Settled::Skip { kind: Skip::NotApplicable, why, .. }) => Some(why),
        Some(_) | None => None,
    }
}

/// Whether a door takes part in a check: it is asked there, and it is not known that there is no such door.
pub fn takes_part(run: &Run, check: &str, door: Door) -> bool {
    step(run, check, door).and_then(|s| run.steps.get(s)).is_some_and(|s| not_there(s).is_none())
}

/// The doors that do not take part, those with the same reason together. A door of which nothing is known at all is
/// not among them.
pub fn missing(run: &Run, check: &str) -> Vec<(Vec<Door>, String)> {
    let why = |door: Door| {
        let state = step(run, check, door).and_then(|s| run.steps.get(s));
        match (state, about(run, door)) {
            (Some(state), _) => not_there(state).map(str::to_owned),
            (None, Some(DoorAbout { address: None, source, .. })) => Some(source.clone()),
            (None, Some(_)) => Some("not tried".to_owned()),
            (None, None) => None,
        }
    };
    let mut found: Vec<(Vec<Door>, String)> = Vec::new();
    for door in Door::ALL.iter().copied() {
        let Some(why) = why(door) else { continue };
        match found.iter_mut().find(|(_, w)| *w == why) {
            Some((doors, _)) => doors.push(door),
            None => found.push((vec![door], why)),
        }
    }
    found
}
