//! The ways out of the node: who goes which way to which service, whom it trusts there, and why.
//!
//! ```text
//!  stack      rules of      customers          cloud              workflow
//!  rails      Ruby        ✗ squid  own roots▌✗ squid  own roots – not used
//!  sidekiq    Ruby        = rails            = rails            – not used
//!  workhorse  Go          – not used         ! squid  + system  ✓ squid  + system
//!
//! ─ rails, sidekiq → cloud.gitlab.com:443 ────────────────────── ✗ FAIL, cause A ─
//!  via       http://squid.example.com:3128
//! ```

use super::lines::{self, Row};
use super::{footer, reasons, ways};
use crate::egress::Rules;
use crate::run::StepState;
use crate::subject::place::{Endpoint, Stack};
use crate::subject::{Route, Via};
use crate::text;
use crate::tui::model::Model;
use crate::tui::model::routes::{self, At, Cell};
use crate::tui::theme::{self, Role};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Modifier;
use ratatui::text::{Line, Span};

/// Draws the ways out.
pub fn draw(model: &Model, at: At, area: Rect, buf: &mut Buffer) {
    let width = usize::from(area.width);
    let mut above = head(model, width);
    above.push(names(model, width));
    above.extend(routes::stacks(&model.run).iter().map(|stack| row(model, at, *stack, width)));
    if area.height >= 24 {
        above.push(Line::default());
    }
    let page = reasons::lines(model, at, width);
    let rows = usize::from(area.height).saturating_sub(above.len() + below(area.height));
    let skip = at.scroll.min(page.len().saturating_sub(rows));
    let more = lines::more(model.look, page.len(), skip, rows);
    let is_low = below(area.height) == 2;
    above.push(divider(model, at, width, if is_low { &more } else { "" }));
    lines::draw(&above, 0, area, buf);
    let top = u16::try_from(above.len()).unwrap_or(u16::MAX).min(area.height);
    let height = u16::try_from(rows).unwrap_or(u16::MAX);
    lines::draw(&page, skip, Rect { y: area.y + top, height, ..area }, buf);
    let one = |up: u16| Rect { y: area.bottom().saturating_sub(up), height: 1, ..area };
    if !is_low {
        lines::draw_one(&lines::rule(model.look, width, "", &more), one(2), buf);
    }
    footer::draw(model, one(1), buf);
}

/// The lines that are neither head, matrix nor reasons: the divider, the footer, and the rule above it where there
/// is room.
fn below(height: u16) -> usize {
    if height >= 16 { 3 } else { 2 }
}

/// How many lines of the reasons fit.
pub fn rows(model: &Model) -> usize {
    let (width, height) = model.size;
    let blank = usize::from(height >= 24);
    let above = head(model, usize::from(width)).len() + 1 + routes::stacks(&model.run).len() + blank;
    usize::from(height).saturating_sub(above + below(height))
}

/// How far the reasons can be scrolled.
pub fn most(model: &Model, at: At) -> usize {
    reasons::lines(model, at, usize::from(model.size.0)).len().saturating_sub(rows(model))
}

/// The title, what the screen is about, and a rule, as far as the height allows.
fn head(model: &Model, width: usize) -> Vec<Line<'static>> {
    let look = model.look;
    let name = model.run.about.as_ref().and_then(|a| a.node.hostname.as_deref()).unwrap_or("this node");
    let title = format!("Routes out of {}", text::foreign(name));
    let counts = [
        text::count(routes::stacks(&model.run).len(), "stack"),
        text::count(routes::endpoints(&model.run).len(), "endpoint"),
        text::count(model.run.routes().len(), "way"),
    ]
    .join(", ");
    let end = width.saturating_sub(1);
    let row = Row::new(look, width).to(1).fit(title, end.saturating_sub(1), Role::Strong);
    let row = if row.used() + 2 + counts.len() <= end { row.right(counts, end, Role::Quiet) } else { row };
    let mut head = vec![row.line()];
    if model.size.1 >= 24 {
        let about = "Which way each part of GitLab takes, by its own rules, and whom it trusts.";
        head.push(lines::plain(look, width, 1, about, Role::Plain));
    }
    if model.size.1 >= 16 {
        head.push(lines::rule(look, width, "", ""));
    }
    head
}

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
        // Wider than this, a way and its stack are too far apart to be read as one line.
        let each = (width.saturating_sub(first) / n).min(42);
        Self { name, rules, first, each }
    }

    fn at(&self, column: usize) -> usize {
        self.first + column * self.each
    }
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
    let forms = [format!("{long}  {trust}"), format!("{short}  {trust}")];
    forms.into_iter().find(|f| text::width(f) <= room).unwrap_or(short)
}

/// The check that says how a way stands.
fn stands<'a>(model: &'a Model, route: &Route) -> Option<&'a StepState> {
    routes::worst(&model.run, route).and_then(|s| model.run.steps.get(s))
}

/// The rule between matrix and reasons: which way it is, and how it stands.
fn divider(model: &Model, at: At, width: usize, more: &str) -> Line<'static> {
    let look = model.look;
    let dash = look.pick("─", "-");
    let cell = at.cell(&model.run);
    let state = cell.route().and_then(|r| stands(model, r));
    let cause = at.worst(&model.run).and_then(|s| model.cause_of(s));
    let words = match (state, cell) {
        (Some(state), _) => theme::word(state.status),
        (None, Cell::NotUsed) => "not used",
        (None, Cell::NotKnown) => "not known",
        (None, Cell::Way(_) | Cell::Same(..)) if at.stack == Stack::Shell => "for comparison, not walked",
        (None, Cell::Way(_) | Cell::Same(..)) => "not walked",
    };
    let cause = cause.map(|c| format!(", cause {}", c.letter)).unwrap_or_default();
    let more = if more.is_empty() { String::new() } else { format!("  {more}") };
    let right = format!("{words}{cause}{more} {dash}");
    let sign = if state.is_some() { 2 } else { 0 };
    let tail = 1 + sign + text::width(&look.text(&right));
    let who = reasons::who(model, at);
    let long = format!("{who} → {}", ways::target(model, at.endpoint));
    let room = width.saturating_sub(tail + 4);
    let left =
        if text::width(&look.text(&long)) <= room { long } else { format!("{who} → {}", at.endpoint) };
    let row =
        Row::new(look, width).sign(dash, Role::Plain).put(" ", Role::Plain).fit(left, room, Role::Plain);
    let row = row.put(" ", Role::Plain);
    let fill = width.saturating_sub(row.used() + tail);
    let row = row.put(dash.repeat(fill), Role::Plain).put(" ", Role::Plain);
    let row = match state {
        Some(state) => row.sign(look.sign(state.status), theme::role(state.status)).put(" ", Role::Plain),
        None => row,
    };
    row.put(right, Role::Plain).line()
}
