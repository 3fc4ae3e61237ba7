//! What the screens of matrices have around theirs: the title, and the rule above what is known of the selected cell.
//!
//! ```text
//!  Doors into gitlab.example.com                           3 doors, 6 questions
//!
//! ─ public, /-/cable takes the upgrade ───────────────────────── ✗ FAIL, cause B ─
//! ```

use super::lines::{self, Row};
use crate::text;
use crate::tui::model::Model;
use crate::tui::theme::{self, Role};
use ratatui::text::Line;

/// The title, what the screen is about, and a rule, as far as the height allows.
pub(super) fn head(
    model: &Model,
    title: &str,
    counts: String,
    about: Option<&str>,
    width: usize,
) -> Vec<Line<'static>> {
    let look = model.look;
    let end = width.saturating_sub(1);
    let row = Row::new(look, width).to(1).fit(title, end.saturating_sub(1), Role::Strong);
    let row = if row.used() + 2 + counts.len() <= end { row.right(counts, end, Role::Quiet) } else { row };
    let mut head = vec![row.line()];
    head.extend(about.map(|about| lines::plain(look, width, 1, about, Role::Plain)));
    if model.size.1 >= 16 {
        head.push(lines::rule(look, width, "", ""));
    }
    head
}

/// The rule above the details of a cell: its name in the room that is left, how its worst step stands, in `words`, and
/// how many lines are hidden where nothing else says so.
pub(super) fn divider(
    model: &Model,
    worst: Option<usize>,
    words: &str,
    name: impl FnOnce(usize) -> String,
    width: usize,
    hidden: usize,
) -> Line<'static> {
    let look = model.look;
    let dash = look.pick("─", "-");
    let state = worst.and_then(|s| model.run.steps.get(s));
    let cause = match worst.and_then(|s| model.cause_of(s)) {
        Some(cause) if width < 60 => format!(" {}", cause.letter),
        Some(cause) => format!(", cause {}", cause.letter),
        None => String::new(),
    };
    let hidden = if hidden > 0 { format!("  {} {hidden}", look.pick("▼", "v")) } else { String::new() };
    let right = format!("{words}{cause}{hidden} {dash}");
    let tail = 1 + if state.is_some() { 2 } else { 0 } + text::width(&right);
    let row = Row::new(look, width).sign(dash, Role::Plain).put(" ", Role::Plain);
    let row = row.put(name(width.saturating_sub(tail + 4)), Role::Plain).put(" ", Role::Plain);
    let fill = width.saturating_sub(row.used() + tail);
    let row = row.put(dash.repeat(fill), Role::Plain).put(" ", Role::Plain);
    let row = match state {
        Some(state) => row.sign(look.sign(state.status), theme::role(state.status)).put(" ", Role::Plain),
        None => row,
    };
    row.put(right, Role::Plain).line()
}
