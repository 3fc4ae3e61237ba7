//! The frame of a dialog: its edges with their labels, and its lines over what lies below.
//!
//! ```text
//!  ┌─ A token tells more ───────────────────────────────────────────────────────┐
//!  │ 21 of 62 checks wait for one.                                              │
//!  └────────────────────────────────────────────────────────────────────────────┘
//! ```

use super::lines::{self, Row};
use crate::tui::model::Model;
use crate::tui::theme::{Look, Role};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

/// The widest frame of words: longer lines are hard to read.
const WIDEST: u16 = 78;

/// An edge: `┌─ label ───┐`.
pub(super) fn edge(
    look: Look,
    width: usize,
    left: &'static str,
    right: &'static str,
    label: &str,
) -> Line<'static> {
    let dash = look.pick("─", "-");
    let row = Row::new(look, width).sign(look.pick(left, "+"), Role::Plain);
    let row = if label.is_empty() {
        row
    } else {
        row.sign(dash, Role::Plain)
            .put(" ", Role::Plain)
            .fit(label, width - 6, Role::Plain)
            .put(" ", Role::Plain)
    };
    let fill = width.saturating_sub(row.used() + 1);
    row.put(dash.repeat(fill), Role::Plain).sign(look.pick(right, "+"), Role::Plain).line()
}

/// The start of a line between the edges.
pub(super) fn start(look: Look, width: usize) -> Row {
    Row::new(look, width).sign(look.pick("│", "|"), Role::Plain)
}

/// The end of a line between the edges.
pub(super) fn side(look: Look, width: usize, row: Row) -> Line<'static> {
    row.to(width - 1).sign(look.pick("│", "|"), Role::Plain).line()
}

/// A line of a dialog, and how soon it is left out where the room is short: 0 never, 3 first.
pub(super) struct Part {
    /// What it shows, between the edges, from the second column on.
    pub(super) row: Row,
    /// 0 to 3.
    pub(super) spare: u8,
}

/// The columns of a frame on a model's screen.
pub(super) fn width(model: &Model) -> usize {
    usize::from(model.size.0.saturating_sub(2).min(WIDEST))
}

/// How many lines a frame may have between its edges: the header's first line and the footer stay.
pub(super) fn rows(model: &Model) -> usize {
    usize::from(model.size.1.saturating_sub(4))
}

/// Draws a frame over what lies there, below the header's first line.
pub(super) fn draw(model: &Model, label: &str, mut parts: Vec<Part>, area: Rect, buf: &mut Buffer) {
    let look = model.look;
    let width = width(model);
    if width < 12 || area.height < 5 {
        return;
    }
    while parts.len() > rows(model) {
        // The last of those that are missed least.
        let least = parts.iter().map(|p| p.spare).max().filter(|spare| *spare > 0);
        match least.and_then(|spare| parts.iter().rposition(|p| p.spare == spare)) {
            Some(at) => drop(parts.remove(at)),
            None => parts.truncate(rows(model)),
        }
    }
    let mut page = vec![edge(look, width, "┌", "┐", label)];
    page.extend(parts.into_iter().map(|part| side(look, width, part.row)));
    page.push(edge(look, width, "└", "┘", ""));
    let (columns, height) = (u16::try_from(width).unwrap_or(WIDEST), u16::try_from(page.len()).unwrap_or(0));
    let frame = Rect { x: (area.width - columns) / 2, y: area.y + 1, width: columns, height };
    let frame = frame.intersection(area);
    // A frame as wide as the screen has nothing of it beside.
    let cleared =
        if frame.width + 2 < area.width { frame } else { Rect { x: area.x, width: area.width, ..frame } };
    for y in cleared.top()..cleared.bottom() {
        for x in cleared.left()..cleared.right() {
            if let Some(cell) = buf.cell_mut((x, y)) {
                cell.reset();
            }
        }
    }
    lines::draw(&page, 0, frame, buf);
}
