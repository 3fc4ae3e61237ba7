//! The matrix of the ways out: a row for each stack, a column for each endpoint, and what stands where they meet.
//! What is looked at is a stack and an endpoint, not a row: it stays while a run goes on.

use crate::egress::routes::{ENDPOINTS, users};
use crate::run::{Run, Status};
use crate::subject::place::{Endpoint, Place, Stack};
use crate::subject::{Route, Subject};
use crate::tui::theme::weight;
use std::cmp::Reverse;

/// Which way is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct At {
    /// The row.
    pub stack: Stack,
    /// The column.
    pub endpoint: Endpoint,
    /// Lines of the reasons scrolled past.
    pub scroll: usize,
}

/// What stands where a stack and an endpoint meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cell<'a> {
    /// Its own way.
    Way(&'a Route),
    /// The way of a stack above, which connects in the very same way.
    Same(&'a Route, Stack),
    /// This stack has nothing to do there.
    NotUsed,
    /// It has, and which way it takes could not be found out.
    NotKnown,
}

impl<'a> Cell<'a> {
    /// The way, be it shared.
    pub fn route(self) -> Option<&'a Route> {
        match self {
            Cell::Way(route) | Cell::Same(route, _) => Some(route),
            Cell::NotUsed | Cell::NotKnown => None,
        }
    }
}

/// Rails first, and what may share its ways right below it.
const ROWS: [Stack; 5] = [Stack::Rails, Stack::Sidekiq, Stack::Workhorse, Stack::Grpc, Stack::Shell];

impl At {
    /// What is looked at.
    pub fn cell(self, run: &Run) -> Cell<'_> {
        cell(run, self.stack, self.endpoint)
    }

    /// The worst step of the way that is looked at, if it is walked.
    pub fn worst(self, run: &Run) -> Option<usize> {
        worst(run, self.cell(run).route()?)
    }

    /// Where one looks first: at the way of a step, else at the worst one.
    pub fn first(run: &Run, step: Option<usize>) -> Option<At> {
        let place = step.and_then(|s| run.steps.get(s)).map(|s| s.plan.place);
        let near = |r: &&Route| match place {
            Some(Place::Way(endpoint, stack)) => r.endpoint == endpoint && r.stacks.contains(&stack),
            Some(Place::Endpoint(endpoint)) => r.endpoint == endpoint,
            Some(Place::Stack(stack)) => r.stacks.contains(&stack),
            Some(Place::Node | Place::Instance | Place::Door(_)) | None => false,
        };
        let weight = |r: &Route| worst(run, r).and_then(|s| run.steps.get(s)).map(|s| weight(s.status));
        let worst = run.routes().iter().enumerate().max_by_key(|(i, r)| (weight(r), Reverse(*i)));
        let route = run.routes().iter().find(near).or(worst.map(|(_, r)| r))?;
        Some(At { stack: *route.stacks.first()?, endpoint: route.endpoint, scroll: 0 })
    }
}

/// The rows: stacks that have a way, and those that run here and should have one.
pub fn stacks(run: &Run) -> Vec<Stack> {
    let endpoints = endpoints(run);
    let runs_here = |stack: Stack| {
        let role = if stack == Stack::Grpc { Stack::Rails } else { stack };
        run.about.as_ref().is_some_and(|a| a.node.roles.iter().any(|r| r == role.as_str()))
    };
    let has_way = |stack: &Stack| run.routes().iter().any(|r| r.stacks.contains(stack));
    let should = |stack: &Stack| endpoints.iter().any(|e| users(*e).contains(stack)) && runs_here(*stack);
    ROWS.into_iter().filter(|s| has_way(s) || should(s)).collect()
}

/// The columns: endpoints that some way leads to.
pub fn endpoints(run: &Run) -> Vec<Endpoint> {
    ENDPOINTS.into_iter().filter(|e| run.routes().iter().any(|r| r.endpoint == *e)).collect()
}

/// What stands where a stack and an endpoint meet.
pub fn cell(run: &Run, stack: Stack, endpoint: Endpoint) -> Cell<'_> {
    match run.route(Place::Way(endpoint, stack)) {
        Some(route) => match route.stacks.first() {
            Some(first) if *first != stack => Cell::Same(route, *first),
            Some(_) | None => Cell::Way(route),
        },
        None if stack == Stack::Shell || users(endpoint).contains(&stack) => Cell::NotKnown,
        None => Cell::NotUsed,
    }
}

/// The step that says how a way stands: the worst, of several the first. `None`: it is not walked.
pub fn worst(run: &Run, route: &Route) -> Option<usize> {
    let steps = run.on_route(route);
    let status = |s: usize| run.steps.get(s).map_or(Status::Skip, |s| s.status);
    let counted = steps.iter().copied().filter(|s| status(*s) != Status::Skip);
    counted.max_by_key(|s| (weight(status(*s)), Reverse(*s))).or(steps.first().copied())
}

/// Whose roots a way trusts, in a word or two, told from who shares the store.
pub fn trust(run: &Run, route: &Route) -> &'static str {
    let stack = route.stacks.first().copied().unwrap_or(Stack::Shell);
    let rails = run.routes().iter().find(|r| r.stacks.contains(&Stack::Rails));
    match stack {
        _ if route.trust == Subject::SHELL_STORE => "system",
        Stack::Workhorse if rails.is_none_or(|r| r.trust != route.trust) => "+ system",
        Stack::Rails | Stack::Sidekiq | Stack::Grpc | Stack::Workhorse | Stack::Shell => "own roots",
    }
}
