//! The ways out of the node: the matrix of who goes which way to which service, and why the selected one goes as it
//! does. On tall screens the other ways to the same service stand below it.
//!
//! ```text
//!  Routes out of gl-rails-01                        5 stacks, 3 endpoints, 7 ways
//!  stack      rules of      customers          cloud              workflow
//!  rails      Ruby        ✗ squid  own roots▌✗ squid  own roots – not used
//!
//! ─ rails, sidekiq → cloud.gitlab.com:443 ────────────────────── ✗ FAIL, cause A ─
//!  via       http://squid.example.com:3128
//! ```

use super::lines;
use super::{footer, frame, matrix, reasons, ways};
use crate::subject::place::Stack;
use crate::text;
use crate::tui::model::Model;
use crate::tui::model::routes::{self, At, Cell};
use crate::tui::theme;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

/// Draws the ways out.
pub fn draw(model: &Model, at: At, area: Rect, buf: &mut Buffer) {
    let width = usize::from(area.width);
    let mut above = head(model, width);
    above.extend(matrix::lines(model, at, width));
    if area.height >= 24 {
        above.push(Line::default());
    }
    let rows = rows(model);
    let page = page(model, at, width);
    let skip = at.scroll.min(page.len().saturating_sub(rows));
    let has_rule = below(area.height) == 3;
    let hidden = if has_rule { 0 } else { page.len().saturating_sub(skip + rows) };
    above.push(divider(model, at, width, hidden));
    lines::draw(&above, 0, area, buf);
    let row = |n: usize| area.y + u16::try_from(n).unwrap_or(u16::MAX).min(area.height);
    let (top, bottom) = (row(above.len()), row(above.len() + rows));
    lines::draw(&page, skip, Rect { y: top, height: bottom - top, ..area }, buf);
    let one = |up: u16| Rect { y: area.bottom().saturating_sub(up), height: 1, ..area };
    if has_rule {
        let more = lines::more(model.look, page.len(), skip, rows);
        lines::draw_one(&lines::rule(model.look, width, "", &more), one(2), buf);
    }
    footer::draw(model, one(1), buf);
}

/// The reasons; and where room is left, those of the other ways to the same service, to be held against them.
fn page(model: &Model, at: At, width: usize) -> Vec<Line<'static>> {
    let mut page = reasons::lines(model, at, width);
    let own = at.cell(&model.run).route().map(|r| &r.id);
    let others = model.run.routes().iter().filter(|r| r.endpoint == at.endpoint && Some(&r.id) != own);
    for stack in others.filter_map(|r| r.stacks.first()) {
        let other = At { stack: *stack, ..at };
        let mut block = vec![Line::default(), divider(model, other, width, 0)];
        block.extend(reasons::short_lines(model, other, width));
        if page.len() + block.len() > rows(model) {
            break;
        }
        page.extend(block);
    }
    page
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
    page(model, at, usize::from(model.size.0)).len().saturating_sub(rows(model))
}

/// The title, what the screen is about, and a rule, as far as the height allows.
fn head(model: &Model, width: usize) -> Vec<Line<'static>> {
    let name = model.run.about.as_ref().and_then(|a| a.node.hostname.as_deref()).unwrap_or("this node");
    let title = format!("Routes out of {}", text::foreign(name));
    let counts = [
        text::count(routes::stacks(&model.run).len(), "stack"),
        text::count(routes::endpoints(&model.run).len(), "endpoint"),
        text::count(model.run.routes().len(), "way"),
    ]
    .join(", ");
    let about = "Which way each part of GitLab takes, by its own rules, and whom it trusts.";
    frame::head(model, &title, counts, (model.size.1 >= 24).then_some(about), width)
}

/// The rule above reasons: which way it is, and how it stands.
fn divider(model: &Model, at: At, width: usize, hidden: usize) -> Line<'static> {
    let is_narrow = width < 60;
    let cell = at.cell(&model.run);
    let worst = at.worst(&model.run);
    let state = worst.and_then(|s| model.run.steps.get(s));
    let words = match (state, cell) {
        (Some(state), _) => theme::word(state.status),
        (None, Cell::NotUsed) => "not used",
        (None, Cell::NotKnown) => "not known",
        (None, Cell::Way(_) | Cell::Same(..)) if at.stack == Stack::Shell && !is_narrow => {
            "for comparison, not walked"
        }
        (None, Cell::Way(_) | Cell::Same(..)) => "not walked",
    };
    frame::divider(model, worst, words, |room| way(model, at, room), width, hidden)
}

/// `rails, sidekiq → cloud.gitlab.com:443`, in the longest form that fits.
fn way(model: &Model, at: At, room: usize) -> String {
    let all = reasons::who(model, at);
    let others = at.cell(&model.run).route().map_or(0, |r| r.stacks.len().saturating_sub(1));
    let short = if others > 0 { format!("{} +{others}", at.stack) } else { at.stack.to_string() };
    let service = at.endpoint;
    let forms = [
        format!("{all} → {}", ways::target(model, service)),
        format!("{all} → {service}"),
        format!("{short} → {service}"),
        format!("{} → {service}", at.stack),
    ];
    let fits = |form: &&String| text::width(&model.look.text(form)) <= room;
    forms.iter().find(fits).map_or_else(|| model.look.cut(&forms[3], room), Clone::clone)
}
