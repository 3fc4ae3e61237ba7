//! Keys on the ways out: from way to way in the matrix, to the check of a way, its checks once more.

use super::matrix;
use super::press::{scroll, step_in_view};
use super::start;
use crate::tui::keys::Action;
use crate::tui::model::list::Selected;
use crate::tui::model::message::{Cmd, Rerun};
use crate::tui::model::routes::{self, At};
use crate::tui::model::{Drill, Face, Model, Screen};
use crate::tui::view;

/// Opens the ways out at the way of what is selected.
pub(super) fn open(model: &mut Model) {
    let of_cause = match model.list.selected {
        Selected::Cause(letter) => {
            model.cause_of_letter(letter).and_then(|c| c.root.shown_by.first().copied())
        }
        Selected::Group(_) | Selected::Step(_) => None,
    };
    if let Some(at) = At::first(&model.run, step_in_view(model).or(of_cause)) {
        model.screens.push(Screen::Routes(at));
    }
}

/// A key on the ways out.
pub(super) fn act(model: &mut Model, action: Action) -> Vec<Cmd> {
    let Screen::Routes(at) = *model.screen() else { return Vec::new() };
    match action {
        Action::Up | Action::Down | Action::Left | Action::Right | Action::First | Action::Last => {
            *model.screen_mut() = Screen::Routes(moved(model, at, action));
        }
        Action::PageUp | Action::PageDown => {
            let (mut lines, most) = (at.scroll, view::routes::most(model, at));
            scroll(&mut lines, action, view::routes::rows(model));
            *model.screen_mut() = Screen::Routes(At { scroll: lines.min(most), ..at });
        }
        Action::Open => {
            if let Some(step) = at.worst(&model.run) {
                model.screens.push(Screen::Drill(Drill { step, face: Face::Seen, scroll: 0 }));
            }
        }
        Action::RunThis => {
            let steps = at.cell(&model.run).route().map(|r| model.run.on_route(r)).unwrap_or_default();
            return start(model, Rerun::Around(steps));
        }
        Action::Copy => return vec![Cmd::Copy(view::reasons::copied(model, at))],
        Action::Back => {
            model.screens.pop();
        }
        _ => {}
    }
    Vec::new()
}

/// The way beside, above or below, or at an end of the matrix; at an edge it stays.
fn moved(model: &Model, at: At, action: Action) -> At {
    let (rows, columns) = (routes::stacks(&model.run), routes::endpoints(&model.run));
    let row = rows.iter().position(|r| *r == at.stack).unwrap_or(0);
    let column = columns.iter().position(|c| *c == at.endpoint).unwrap_or(0);
    match matrix::moved((row, column), (rows.len(), columns.len()), action) {
        Some((row, column)) => At { stack: rows[row], endpoint: columns[column], scroll: 0 },
        None => at,
    }
}
