//! Keys on the ways out: from way to way in the matrix, to the check of a way, its checks once more.

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
    let (stacks, endpoints) = (routes::stacks(&model.run), routes::endpoints(&model.run));
    let row = stacks.iter().position(|s| *s == at.stack).unwrap_or(0);
    let column = endpoints.iter().position(|e| *e == at.endpoint).unwrap_or(0);
    let (row, column) = match action {
        Action::Up => (row.saturating_sub(1), column),
        Action::Down => (row + 1, column),
        Action::Left => (row, column.saturating_sub(1)),
        Action::Right => (row, column + 1),
        Action::First => (0, 0),
        Action::Last => (usize::MAX, usize::MAX),
        _ => return at,
    };
    let stack = stacks.get(row.min(stacks.len().saturating_sub(1)));
    let endpoint = endpoints.get(column.min(endpoints.len().saturating_sub(1)));
    match (stack, endpoint) {
        (Some(stack), Some(endpoint)) => At { stack: *stack, endpoint: *endpoint, scroll: 0 },
        _ => at,
    }
}
