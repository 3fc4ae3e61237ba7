//! From checks and a selection to steps: which check runs where, and what each needs. Pure.

use crate::check::{Check, Group};
use crate::subject::Subject;
use crate::subject::place::Place;
use std::fmt;
use thiserror::Error;

/// A check at a place.
#[derive(Clone, Copy, Debug)]
pub struct Head {
    /// What is checked.
    pub check: &'static Check,
    /// Where.
    pub place: Place,
}

impl fmt::Display for Head {
    /// The step's id: `tls@cloud/shell`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.check.id, self.place)
    }
}

/// A step of a plan.
#[derive(Clone, Debug)]
pub struct Step {
    /// Which check, where.
    pub head: Head,
    /// The steps that must hold, as indexes into the plan.
    pub needs: Vec<usize>,
}

/// The steps of a run, in the order in which they are shown.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// Every step.
    pub steps: Vec<Step>,
}

/// A part of the checks: a group, a check, or a check at a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// `network`
    Group(Group),
    /// `tls`
    Check(&'static str),
    /// `tls@cloud`
    At(&'static str, Place),
}

/// A selection that names nothing.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{0}` is no group, check or check at a place: `duo-doctor explain` lists them")]
pub struct NoSuchPart(String);

impl What {
    /// Reads a selection against the checks that exist.
    ///
    /// # Errors
    /// The text names no group, check or place.
    pub fn parse(text: &str, checks: &[&'static Check]) -> Result<What, NoSuchPart> {
        let wrong = || NoSuchPart(crate::text::foreign(text));
        let check = |id: &str| checks.iter().find(|c| c.id == id).map(|c| c.id).ok_or_else(wrong);
        if let Ok(group) = text.parse() {
            return Ok(What::Group(group));
        }
        match text.split_once('@') {
            Some((id, place)) => Ok(What::At(check(id)?, place.parse().map_err(|()| wrong())?)),
            None => check(text).map(What::Check),
        }
    }

    fn takes(&self, head: &Head) -> bool {
        match *self {
            What::Group(group) => head.check.group == group,
            What::Check(id) => head.check.id == id,
            What::At(id, place) => head.check.id == id && head.place.is_within(place),
        }
    }
}

/// What to run: `--only` and `--skip`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// If not empty, these and what they need.
    pub only: Vec<What>,
    /// Never these.
    pub skip: Vec<What>,
}

impl Selection {
    /// Whether `--only` names this check itself, and not just a group that holds it.
    pub fn names(&self, check: &str) -> bool {
        self.only.iter().any(|what| match *what {
            What::Group(_) => false,
            What::Check(id) | What::At(id, _) => id == check,
        })
    }
}

/// Makes the plan. A selection pulls in what it needs; what is skipped counts as holding.
pub fn plan(subject: &Subject, checks: &[&'static Check], selection: &Selection) -> Plan {
    let mut heads: Vec<Head> = checks
        .iter()
        .flat_map(|check| (check.places)(subject).into_iter().map(move |place| Head { check, place }))
        .filter(|head| !selection.skip.iter().any(|w| w.takes(head)))
        .collect();
    let order = |head: &Head| checks.iter().position(|c| c.id == head.check.id);
    heads.sort_by_key(|head| (head.check.group, sections(head.place), order(head), head.place));
    // Ways are shown one after the other, each with its checks in wire order.
    heads.sort_by(|a, b| match (a.place, b.place) {
        (Place::Way(..), Place::Way(..)) if a.check.group == b.check.group => {
            (a.place, order(a)).cmp(&(b.place, order(b)))
        }
        _ => std::cmp::Ordering::Equal,
    });
    let needs: Vec<Vec<usize>> = heads.iter().map(|head| needs_of(head, &heads)).collect();
    let wanted = wanted(&heads, &needs, &selection.only);
    let number = |old: usize| wanted[..old].iter().filter(|w| **w).count();
    let steps = heads
        .iter()
        .zip(&needs)
        .enumerate()
        .filter(|(i, _)| wanted[*i])
        .map(|(_, (head, needs))| Step { head: *head, needs: needs.iter().map(|n| number(*n)).collect() })
        .collect();
    Plan { steps }
}

/// Endpoints, doors and the like first, ways behind them.
fn sections(place: Place) -> u8 {
    match place {
        Place::Node | Place::Instance | Place::Endpoint(_) | Place::Stack(_) | Place::Door(_) => 0,
        Place::Way(..) => 1,
    }
}

/// The nearest step of every check that a head needs; one that is not planned counts as holding.
fn needs_of(head: &Head, heads: &[Head]) -> Vec<usize> {
    let find = |id: &str| {
        let at = |place: Place| heads.iter().position(|h| h.check.id == id && h.place == place);
        head.place.reach().into_iter().find_map(at)
    };
    head.check.needs.iter().filter_map(|id| find(id)).collect()
}

/// Which heads a selection takes, with what they need.
fn wanted(heads: &[Head], needs: &[Vec<usize>], only: &[What]) -> Vec<bool> {
    let mut wanted: Vec<bool> =
        heads.iter().map(|h| only.is_empty() || only.iter().any(|w| w.takes(h))).collect();
    let mut open: Vec<usize> = (0..heads.len()).filter(|i| wanted[*i]).collect();
    while let Some(step) = open.pop() {
        for need in &needs[step] {
            if !std::mem::replace(&mut wanted[*need], true) {
                open.push(*need);
            }
        }
    }
    wanted
}

impl Plan {
    /// The step, everything that it needs and everything that needs it, for running it again.
    pub fn around(&self, steps: &[usize]) -> Vec<usize> {
        let mut up: Vec<usize> = steps.to_vec();
        let mut i = 0;
        while i < up.len() {
            let more: Vec<usize> =
                self.steps[up[i]].needs.iter().copied().filter(|n| !up.contains(n)).collect();
            up.extend(more);
            i += 1;
        }
        let mut down: Vec<usize> = steps.to_vec();
        let mut i = 0;
        while i < down.len() {
            let needs_it = |s: &usize| self.steps[*s].needs.contains(&down[i]) && !down.contains(s);
            let more: Vec<usize> = (0..self.steps.len()).filter(needs_it).collect();
            down.extend(more);
            i += 1;
        }
        up.extend(down);
        up.sort_unstable();
        up.dedup();
        up
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_is_named_by_itself_or_at_a_place_and_not_by_its_group() {
        let only = |what| Selection { only: vec![what], ..Selection::default() };
        assert!(only(What::Check("tls")).names("tls"));
        assert!(only(What::At("tls", Place::Node)).names("tls"));
        assert!(!only(What::Group(Group::Network)).names("tls"));
        assert!(!only(What::Check("tcp")).names("tls") && !Selection::default().names("tls"));
    }
}
