//! The ways that were walked, a line each: who goes, through what, whereto, and how that stands. And the words for
//! a way that other screens use.
//!
//! ```text
//!  out   rails, sidekiq ── squid ── cloud.gitlab.com                    ✗ FAIL A
//!        workhorse ── cloud.gitlab.com                                   ✓ 38 ms
//! ```

use super::lines::Row;
use super::seen;
use crate::run::{Status, StepState};
use crate::subject::place::Endpoint;
use crate::subject::{Route, Via};
use crate::text;
use crate::tui::model::{Model, routes};
use crate::tui::theme::{self, Role};
use ratatui::text::Line;

/// Where the words of a line begin.
const WORDS: usize = 7;

/// One line a way that was walked.
pub fn lines(model: &Model, width: usize) -> Vec<Line<'static>> {
    let walked = model.run.routes().iter().filter_map(|r| Some((r, routes::worst(&model.run, r)?)));
    walked.enumerate().map(|(i, (route, worst))| line(model, width, i == 0, route, worst)).collect()
}

fn line(model: &Model, width: usize, first: bool, route: &Route, worst: usize) -> Line<'static> {
    let look = model.look;
    let Some(state) = model.run.steps.get(worst) else { return Line::default() };
    let dash = look.pick("──", "--");
    let via = match &route.via {
        Via::Direct | Via::Unusable { .. } => dash.to_owned(),
        Via::Proxy(_) => format!("{dash} {} {dash}", via(route)),
    };
    let stands = stands(model, route, worst, state);
    let end = width.saturating_sub(1);
    let start = end.saturating_sub(text::width(&stands) + 2);
    let room = start.saturating_sub(WORDS + 1);
    let long = format!("{} {via} {}", seen::stacks(route), host(route.endpoint));
    let words = if text::width(&long) <= room {
        long
    } else {
        format!("{} {via} {}", seen::stacks(route), route.endpoint)
    };
    let row = Row::new(look, width).to(1).put(if first { "out" } else { "" }, Role::Quiet).to(WORDS);
    let row = row.fit(words, room, Role::Plain).to(start);
    row.sign(look.sign(state.status), theme::role(state.status)).right(stands, end, Role::Plain).line()
}

/// The letter of the cause, else the time of the answer, else the word.
fn stands(model: &Model, route: &Route, worst: usize, state: &StepState) -> String {
    let word = theme::word(state.status);
    if let Some(cause) = model.cause_of(worst) {
        return format!("{word} {}", cause.letter);
    }
    let steps = model.run.on_route(route).into_iter().filter_map(|s| model.run.steps.get(s));
    let mut answered = steps.filter(|s| s.plan.check == "http" && s.status == Status::Pass);
    let took = answered.find_map(|s| model.run.took(s));
    took.map_or_else(|| word.to_owned(), text::duration)
}

/// `squid`, `direct`, `none`: a way in one word. Of a proxy the first label, of an address all.
pub fn via(route: &Route) -> String {
    match &route.via {
        Via::Direct => "direct".to_owned(),
        Via::Unusable { .. } => "none".to_owned(),
        Via::Proxy(proxy) => {
            let host = proxy.target.host.as_str();
            let label = host.split('.').next().filter(|l| l.parse::<u8>().is_err());
            label.unwrap_or(host).to_owned()
        }
    }
}

/// What an endpoint is called where its address is not known.
fn host(endpoint: Endpoint) -> &'static str {
    match endpoint {
        Endpoint::Customers => "customers.gitlab.com",
        Endpoint::Cloud => "cloud.gitlab.com",
        Endpoint::Workflow => "workflow service",
        Endpoint::Gateway => "the own gateway",
        Endpoint::Instance => "the instance",
    }
}

/// Host and port of an endpoint, as walked by whoever walked there.
pub fn target(model: &Model, endpoint: Endpoint) -> String {
    let mut there = model.run.steps.iter().filter(|s| s.plan.place.endpoint() == Some(endpoint));
    there.find_map(|s| seen::target(model, s)).unwrap_or_else(|| host(endpoint).to_owned())
}
