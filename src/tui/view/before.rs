//! Earlier results of a check in this session, the newest first.
//!
//! ```text
//!  02:47:08  ✗ FAIL   issuer unknown                                       31 ms
//! ```

use super::lines::{self, Row};
use super::{figure, words};
use crate::run::Status;
use crate::tui::model::Model;
use crate::tui::theme::{self, Role};
use ratatui::text::Line;

/// The lines of the face Before.
pub fn lines(model: &Model, step: usize, width: usize) -> Vec<Line<'static>> {
    let Some(state) = model.run.steps.get(step) else { return Vec::new() };
    let mut lines = Vec::new();
    if state.status.is_settled() {
        let time = model.ended.map_or_else(|| "now".to_owned(), figure::time);
        lines.push(line(
            model,
            width,
            &time,
            state.status,
            &words::short(model, step),
            &figure::of(model, step),
        ));
    }
    for past in model.past.iter().rev().filter(|p| p.step == step) {
        lines.push(line(model, width, &figure::time(past.at), past.status, &past.words, &past.figure));
    }
    if lines.len() < 2 {
        lines.push(lines::plain(model.look, width, 1, "No earlier result in this session.", Role::Quiet));
    }
    lines
}

fn line(model: &Model, width: usize, time: &str, status: Status, words: &str, figure: &str) -> Line<'static> {
    let look = model.look;
    let row = Row::new(look, width)
        .to(1)
        .put(time, Role::Quiet)
        .to(11)
        .sign(look.sign(status), theme::role(status));
    let row = row.to(13).put(theme::word(status), theme::word_role(status)).to(23);
    let room = width.saturating_sub(26 + crate::text::width(figure));
    row.fit(words, room, Role::Plain).right(figure, width.saturating_sub(1), Role::Plain).line()
}
