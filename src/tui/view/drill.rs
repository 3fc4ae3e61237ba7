//! A check, drilled into: what was seen, how to mend it, how it was before.
//!
//! ```text
//!  Overview › Network › certificate is trusted › cloud/rails        ✗ FAIL  31 ms
//!  Rails does not know who signed this certificate. Workhorse on this node does.
//! ─ [Seen]  Mend  Before ──────────────────────────────────────── cause A, key c ─
//! ```

use super::lines::{self, Row};
use super::{before, figure, footer, mend, seen, words};
use crate::text;
use crate::tui::model::{Drill, Face, Model};
use crate::tui::theme::{self, Role};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

/// Draws the screen.
pub fn draw(model: &Model, drill: &Drill, area: Rect, buf: &mut Buffer) {
    let look = model.look;
    let width = usize::from(area.width);
    let Some(state) = model.run.steps.get(drill.step) else { return };
    let one = |y: u16| Rect { y, height: 1, ..area };
    let way =
        format!("Overview › {} › {} › {}", state.plan.group.title(), state.plan.title, state.plan.place);
    let figure = figure::of(model, drill.step);
    let end = width.saturating_sub(1);
    let word = theme::word(state.status);
    let tail = 2 + text::width(word) + if figure.is_empty() { 0 } else { 2 + text::width(&figure) };
    let row = Row::new(look, width).to(1).fit(way, end.saturating_sub(tail + 3), Role::Strong);
    let row = row.to(end.saturating_sub(tail)).sign(look.sign(state.status), theme::role(state.status));
    let row = row.put(" ", Role::Plain).put(word, theme::word_role(state.status));
    let row = if figure.is_empty() { row } else { row.put("  ", Role::Plain).put(figure, Role::Plain) };
    lines::draw_one(&row.line(), one(0), buf);
    let said = said(model, drill, width);
    let top = top(model, drill, width);
    lines::draw(&said, 0, Rect { y: 1, height: top - 2, ..area }, buf);
    let tabs: Vec<String> = (Face::ALL.iter())
        .map(|f| if *f == drill.face { format!("[{}]", f.name()) } else { f.name().to_owned() })
        .collect();
    lines::draw_one(&lines::rule(look, width, &tabs.join("  "), &label(model, drill)), one(top - 1), buf);
    let page = page(model, drill, width);
    let rows = area.height.saturating_sub(top + 2);
    let skip = drill.scroll.min(page.len().saturating_sub(usize::from(rows)));
    lines::draw(&page, skip, Rect { y: top, height: rows, ..area }, buf);
    let more = lines::more(look, page.len(), skip, usize::from(rows));
    lines::draw_one(&lines::rule(look, width, "", &more), one(top + rows), buf);
    footer::draw(model, one(area.bottom() - 1), buf);
}

/// What is said of the check, in at most two lines.
fn said(model: &Model, drill: &Drill, width: usize) -> Vec<Line<'static>> {
    let mut lines = lines::paragraph(model.look, width, 1, &words::sentence(model, drill.step), Role::Strong);
    lines.truncate(2);
    lines
}

/// The lines above the page: the way to the check, what is said, the rule with the faces.
pub fn top(model: &Model, drill: &Drill, width: usize) -> u16 {
    2 + u16::try_from(said(model, drill, width).len()).unwrap_or(1)
}

/// What stands at the right of the rule: the cause of a consequence, the code on Mend.
fn label(model: &Model, drill: &Drill) -> String {
    let code = model.run.steps.get(drill.step).and_then(|s| s.findings().first()).map(|f| f.code.as_str());
    match (drill.face, code, model.cause_of(drill.step)) {
        (Face::Mend, Some(code), _) => code.to_owned(),
        (Face::Seen | Face::Before | Face::Mend, _, Some(cause)) => format!("cause {}, key c", cause.letter),
        (Face::Seen | Face::Before | Face::Mend, _, None) => String::new(),
    }
}

/// The lines of the face that is shown.
pub fn page(model: &Model, drill: &Drill, width: usize) -> Vec<Line<'static>> {
    match drill.face {
        Face::Seen => seen::lines(model, drill.step, width),
        Face::Mend => mend::lines(model, drill.step, width),
        Face::Before => before::lines(model, drill.step, width),
    }
}
