//! Keys on the doors in: from cell to cell in the matrix, to the check of a cell, its checks once more.

use super::matrix;
use super::press::{scroll, step_in_view};
use super::start;
use crate::tui::keys::Action;
use crate::tui::model::doors::{self, At};
use crate::tui::model::list::Selected;
use crate::tui::model::message::{Cmd, Rerun};
use crate::tui::model::{Drill, Face, Model, Screen};
use crate::tui::view;

/// Opens the doors at the one of what is selected.
pub(super) fn open(model: &mut Model) {
    let of_cause = match model.list.selected {
        Selected::Cause(letter) => {
            model.cause_of_letter(letter).and_then(|c| c.root.shown_by.first().copied())
        }
        Selected::Group(_) | Selected::Step(_) => None,
    };
    let at = At::first(&model.run, step_in_view(model).or(of_cause));
    model.screens.push(Screen::Doors(at));
}

/// A key on the doors in.
pub(super) fn act(model: &mut Model, action: Action) -> Vec<Cmd> {
    if action == Action::Back {
        model.screens.pop();
        return Vec::new();
    }
    let Screen::Doors(at) = *model.screen() else { return Vec::new() };
    let Some(at) = at.or_else(|| At::first(&model.run, None)) else { return Vec::new() };
    match action {
        Action::Up | Action::Down | Action::Left | Action::Right | Action::First | Action::Last => {
            *model.screen_mut() = Screen::Doors(Some(moved(model, at, action)));
        }
        Action::PageUp | Action::PageDown => {
            let (mut lines, most) = (at.scroll, view::doors::most(model, at));
            scroll(&mut lines, action, view::doors::rows(model, at));
            *model.screen_mut() = Screen::Doors(Some(At { scroll: lines.min(most), ..at }));
        }
        Action::Open => {
            if let Some(step) = at.worst(&model.run) {
                model.screens.push(Screen::Drill(Drill { step, face: Face::Seen, scroll: 0 }));
            }
        }
        Action::RunThis => {
            let steps = at.steps(&model.run);
            return start(model, Rerun::Around(steps));
        }
        Action::Copy => return vec![Cmd::Copy(view::doors::copied(model, at))],
        _ => {}
    }
    Vec::new()
}

/// The cell beside, above or below, or at an end of the matrix; at an edge it stays.
fn moved(model: &Model, at: At, action: Action) -> At {
    let (rows, columns) = (doors::doors(&model.run), doors::asked(&model.run));
    let row = rows.iter().position(|r| *r == at.door).unwrap_or(0);
    let column = columns.iter().position(|c| *c == at.asked).unwrap_or(0);
    match matrix::moved((row, column), (rows.len(), columns.len()), action) {
        Some((row, column)) => At { door: rows[row], asked: columns[column], scroll: 0 },
        None => at,
    }
}
