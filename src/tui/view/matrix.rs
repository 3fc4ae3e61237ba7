//! Which way each stack takes to each service, and whom it trusts there: a row for each stack.
//!
//! ```text
//!  stack      rules of      customers          cloud              workflow
//!  rails      Ruby        ✗ squid  own roots▌✗ squid  own roots – not used
//!  sidekiq    Ruby        = rails            = rails            – not used
//!  workhorse  Go          – not used         ✓ squid  + system  ✓ squid  + system
//!  grpc       gRPC C-core – not used         – not used         ✓ direct own roots
//!  shell      curl          squid  system      squid  system      squid  system
//! ```

use super::lines::Row;
use super::ways;
use crate::egress::Rules;
use crate::run::StepState;
use crate::subject::place::{Endpoint, Stack};
use crate::subject::{Route, Via};
use crate::text;
use crate::tui::model::Model;
use crate::tui::model::routes::{self, At, Cell};
use crate::tui::theme::{self, Role};
use ratatui::style::Modifier;
use ratatui::text::{Line, Span};

/// Where columns begin. The cell before each is kept for the mark of the selection.
struct Columns {
    name: usize,
    rules: Option<usize>,
    first: usize,
    each: usize,
}

impl Columns {
    fn of(model: &Model, width: usize) -> Self {
        let n = routes::endpoints(&model.run).len().max(1);
        let (name, rules, first) = if width >= 80 { (1, Some(12), 24) } else { (0, None, 10) };
        // The last cell needs no gap behind it. Wider than this, a way and its stack are too far apart to be read as one line.
        let each = ((width + 1).saturating_sub(first) / n).min(42);
        Self { name, rules, first, each }
    }

    fn at(&self, column: usize) -> usize {
        self.first + column * self.each
    }
}

/// The matrix: the names of the columns, and a line for each stack.
pub fn lines(model: &Model, at: At, width: usize) -> Vec<Line<'static>> {
    let rows = routes::stacks(&model.run).into_iter().map(|stack| row(model, at, stack, width));
    std::iter::once(names(model, width)).chain(rows).collect()
}

/// The names of the columns.
fn names(model: &Model, width: usize) -> Line<'static> {
    let columns = Columns::of(model, width);
    let mut row = Row::new(model.look, width).to(columns.name).put("stack", Role::Quiet);
    if let Some(rules) = columns.rules {
        row = row.to(rules).put("rules of", Role::Quiet);
    }
    let indent = if columns.rules.is_some() { 2 } else { 0 };
    for (i, endpoint) in routes::endpoints(&model.run).into_iter().enumerate() {
        let room = columns.each.saturating_sub(indent + 1);
        row = row.to(columns.at(i) + indent).fit(endpoint.as_str(), room, Role::Quiet);
    }
    row.line()
}

/// The ways of a stack.
fn row(model: &Model, at: At, stack: Stack, width: usize) -> Line<'static> {
    let look = model.look;
    let columns = Columns::of(model, width);
    let mut row = Row::new(look, width).to(columns.name).put(stack.as_str(), Role::Plain);
    if let Some(rules) = columns.rules {
        row = row.to(rules).put(Rules::of(stack).name(), Role::Quiet);
    }
    let mut line = row.line().spans;
    let mut used = text_width(&line);
    for (i, endpoint) in routes::endpoints(&model.run).into_iter().enumerate() {
        let selected = (at.stack, at.endpoint) == (stack, endpoint);
        let start = columns.at(i) - 1;
        line.push(Span::raw(" ".repeat(start.saturating_sub(used))));
        let mark = if selected { look.pick("▌", ">") } else { " " };
        line.push(Span::styled(mark, look.style(Role::Live)));
        let cell = way(model, stack, endpoint, columns.each.saturating_sub(1)).spans;
        used = start.max(used) + 1 + text_width(&cell);
        let bold = |s: Span<'static>| {
            let style = s.style.remove_modifier(Modifier::DIM).add_modifier(Modifier::BOLD);
            Span::styled(s.content, style)
        };
        line.extend(cell.into_iter().map(|s| if selected { bold(s) } else { s }));
    }
    Line::from(line)
}

fn text_width(spans: &[Span<'static>]) -> usize {
    spans.iter().map(|s| text::width(&s.content)).sum()
}

/// What stands where a stack and an endpoint meet, in so many columns.
fn way(model: &Model, stack: Stack, endpoint: Endpoint, room: usize) -> Line<'static> {
    let look = model.look;
    let row = Row::new(look, room);
    let unless_narrow = |words: &'static str| if words.len() + 2 <= room { words } else { "" };
    match routes::cell(&model.run, stack, endpoint) {
        Cell::NotUsed => row
            .sign(look.pick("–", "-"), Role::Quiet)
            .put(" ", Role::Plain)
            .put(unless_narrow("not used"), Role::Quiet),
        Cell::NotKnown => {
            row.sign("?", Role::Warn).put(" ", Role::Plain).put(unless_narrow("not known"), Role::Plain)
        }
        Cell::Same(_, first) => {
            row.sign("=", Role::Quiet).put(" ", Role::Plain).put(first.as_str(), Role::Plain)
        }
        Cell::Way(route) => {
            let row = match stands(model, route) {
                Some(state) => row.sign(look.sign(state.status), theme::role(state.status)),
                None => row.put(" ", Role::Plain),
            };
            row.put(" ", Role::Plain).put(in_words(model, route, room.saturating_sub(2)), Role::Plain)
        }
    }
    .line()
}

/// `squid  own roots`: the way and whom it trusts, in the longest form that fits.
fn in_words(model: &Model, route: &Route, room: usize) -> String {
    let (short, trust) = (ways::via(route), routes::trust(&model.run, route));
    let long = match &route.via {
        Via::Proxy(proxy) => proxy.target.to_string(),
        Via::Direct | Via::Unusable { .. } => short.clone(),
    };
    let forms = [format!("{long}  {trust}"), format!("{short}  {trust}"), format!("{short} {trust}")];
    forms.into_iter().find(|f| text::width(f) <= room).unwrap_or(short)
}

/// The check that says how a way stands.
fn stands<'a>(model: &'a Model, route: &Route) -> Option<&'a StepState> {
    routes::worst(&model.run, route).and_then(|s| model.run.steps.get(s))
}
