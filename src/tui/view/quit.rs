//! The question before leaving a run that goes on, in the last two lines.
//!
//! ```text
//! ─ leave? ───────────────────────────────────────────────────────────────────────
//!  44 of 62 checks are settled. Leaving ends the run.   y leave   n stay
//! ```

use super::lines::{self, Row};
use crate::run::Run;
use crate::tui::model::Model;
use crate::tui::theme::Role;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// Draws the question over the last two lines.
pub fn draw(model: &Model, area: Rect, buf: &mut Buffer) {
    let look = model.look;
    let width = usize::from(area.width);
    let counts = Run::counts(&model.run.steps);
    let at = |up: u16| Rect { y: area.bottom().saturating_sub(up), height: 1.min(area.height), ..area };
    for up in [2, 1] {
        if u16::from(up == 2) < area.height {
            for x in area.left()..area.right() {
                if let Some(cell) = buf.cell_mut((x, at(up).y)) {
                    cell.reset();
                }
            }
        }
    }
    if area.height > 1 {
        lines::draw_one(&lines::rule(look, width, "leave?", ""), at(2), buf);
    }
    let row = Row::new(look, width).to(1).put("y", Role::Key).put(" leave   ", Role::Plain);
    let row = row.put("n", Role::Key).put(" stay   ", Role::Plain);
    let words = format!("{} of {} checks are settled; leaving ends the run.", counts.settled, counts.all);
    lines::draw_one(&row.put(words, Role::Plain).line(), at(1), buf);
}
