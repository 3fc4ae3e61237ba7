//! Where the way in is broken: on the piece between the last hop that had the upgrade and the first that lacked it, or
//! before the door that is not reached at all.

use super::hops::{self, Hop};
use crate::finding::{Code, Severity};
use crate::run::Status;
use crate::subject::place::{Door, Place};
use crate::tui::model::Model;
use crate::tui::model::doors;

/// The hops as findings name them (`hop`); one more begins with `between`.
pub(super) const FRONT: &str = "front end";
pub(super) const NGINX: &str = "this node's NGINX";
pub(super) const WORKHORSE: &str = "Workhorse";
const PUMA: &str = "Puma";

/// Where the upgrade was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lost {
    /// The step that shows it.
    pub step: usize,
    /// On which piece of the line, or at its end.
    pub on: Piece,
    /// How bad it is: a socket that is cut while it idles warns.
    pub how: Status,
}

/// A piece of the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece {
    /// The one that leads to the hop of that number.
    Before(usize),
    /// None: the last hop had the upgrade, and refused.
    AtTheEnd,
}

/// Where the upgrade was lost: by the hop that the finding names, else between the last door that failed and the
/// first one behind it that did not.
pub fn of(model: &Model, check: &str, hops: &[Hop]) -> Option<Lost> {
    let steps = |wanted: Status| {
        let at = move |d: &Door| {
            let step = doors::step(&model.run, check, *d)?;
            let state = model.run.steps.get(step)?;
            (state.status == wanted).then_some((*d, step))
        };
        Door::ALL.iter().filter_map(at)
    };
    if let Some((_, step)) = steps(Status::Fail).next() {
        let state = model.run.steps.get(step)?;
        let bad = state.findings().iter().find(|f| f.code.severity() == Severity::Fail);
        let named = bad.and_then(|f| piece_named(f.arg("hop"), hops));
        let (last, _) = steps(Status::Fail).next_back()?;
        return Some(Lost { step, on: named.unwrap_or_else(|| behind(hops, last)), how: Status::Fail });
    }
    let warned = steps(Status::Warn).find_map(|(_, step)| {
        let found = model.run.steps.get(step)?.findings();
        let on = found.iter().find_map(|f| piece_named(f.arg("hop"), hops))?;
        Some(Lost { step, on, how: Status::Warn })
    });
    if warned.is_some() {
        return warned;
    }
    let (_, step) = steps(Status::Blocked).next()?;
    let cause = model.run.steps.get(model.run.steps.get(step)?.blocked_by()?)?;
    match (cause.plan.place, cause.plan.check.as_str()) {
        (Place::Door(_), "reach") => unreached(model, hops),
        (Place::Door(_), other) if hops::is_socket(other) && other != check => of(model, other, hops),
        _ => None,
    }
}

/// Where the way ends before anything is upgraded: at the innermost door that is not reached.
fn unreached(model: &Model, hops: &[Hop]) -> Option<Lost> {
    let failed = |door: &Door| {
        let step = doors::step(&model.run, "reach", *door)?;
        let state = model.run.steps.get(step).filter(|s| s.status == Status::Fail)?;
        Some((*door, step, state))
    };
    let (door, step, state) = Door::ALL.iter().rev().find_map(failed)?;
    let finding = state.findings().first()?;
    let at = |name: &str| hops.iter().position(|h| h.name == name).map(Piece::Before);
    let answered =
        hops::handshake(model, state).is_some_and(|p| p.samples.iter().any(|s| hops::answer_of(s).is_some()));
    let by_itself = || match hops.iter().position(|h| h.door == Some(door)) {
        Some(hop) if !answered => Piece::Before(hop),
        Some(_) | None => behind(hops, door),
    };
    let on = match finding.code {
        Code::WorkhorseDown => at("Workhorse"),
        Code::RailsDown => at("Puma"),
        _ if answered => piece_named(finding.arg("hop"), hops),
        _ => None,
    };
    Some(Lost { step, on: on.unwrap_or_else(by_itself), how: state.status })
}

/// The piece behind the hop that a finding names.
fn piece_named(hop: &str, hops: &[Hop]) -> Option<Piece> {
    let behind = |name: &str| hops.iter().position(|h| h.name == name).map(|i| after(hops, i));
    let front = || hops.iter().position(|h| h.door == Some(Door::Public)).map(|i| after(hops, i));
    match hop {
        NGINX => behind("NGINX").or_else(front),
        WORKHORSE => behind("Workhorse"),
        PUMA => Some(Piece::AtTheEnd),
        FRONT => front(),
        _ if hop.starts_with("between ") => front(),
        _ => None,
    }
}

fn behind(hops: &[Hop], door: Door) -> Piece {
    let at = |door| hops.iter().position(|h| h.door == Some(door));
    // Where the name leads straight to this node, both doors are one hop.
    at(door).or_else(|| at(Door::Public)).map_or(Piece::AtTheEnd, |i| after(hops, i))
}

fn after(hops: &[Hop], hop: usize) -> Piece {
    if hop + 1 < hops.len() { Piece::Before(hop + 1) } else { Piece::AtTheEnd }
}
