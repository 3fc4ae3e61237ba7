//! Keys on the overview: moving, folding, jumping, opening.

use super::press::{again, scroll, step_in_view};
use super::{steps_of, to_demos};
use crate::check::Group;
use crate::run::{Status, StepState};
use crate::tui::keys::{Action, Key};
use crate::tui::model::dialog::Dialog;
use crate::tui::model::list::{self, Panel, Selected, Shown};
use crate::tui::model::message::Cmd;
use crate::tui::model::{Drill, Face, Model, Screen};
use crate::tui::view::{copied, panes};
use tui_input::Input;

/// A key on the overview.
pub(super) fn act(model: &mut Model, action: Action, key: Key) -> Vec<Cmd> {
    let area = panes::of(model);
    let rows = usize::from(area.list.height);
    let page = rows.saturating_sub(2).max(1).cast_signed();
    if model.list.panel == Panel::Details && area.details.is_some() {
        let lines = usize::from(area.details.map_or(0, |d| d.height));
        if scroll(&mut model.list.details, action, lines) {
            return Vec::new();
        }
    }
    match action {
        Action::Up => list::step_by(model, rows, -1),
        Action::Down => list::step_by(model, rows, 1),
        Action::PageUp => list::step_by(model, rows, -page),
        Action::PageDown => list::step_by(model, rows, page),
        Action::First => list::step_by(model, rows, isize::MIN / 2),
        Action::Last => list::step_by(model, rows, isize::MAX / 2),
        Action::Next => jump(model, rows, Jump::Forward),
        Action::Previous => jump(model, rows, Jump::Back),
        Action::Causes => {
            if let Some(cause) = model.causes.first() {
                list::select(model, Selected::Cause(cause.letter));
            }
        }
        Action::Group => {
            if let Key::Char(digit) = key {
                let at = (digit as usize).saturating_sub('1' as usize);
                if let Some(group) = Group::ALL.get(at).filter(|g| model.groups().contains(g)) {
                    list::select(model, Selected::Group(*group));
                }
            }
        }
        Action::Open => open(model),
        Action::Back if !model.list.filter.is_empty() => model.list.filter.clear(),
        Action::Back => return to_demos(model),
        Action::NextPart | Action::PreviousPart => {
            model.list.panel = match model.list.panel {
                Panel::List => Panel::Details,
                Panel::Details => Panel::List,
            };
        }
        Action::Fold => fold(model),
        Action::Shown => {
            let next = match list::level(model) {
                Shown::Problems => Shown::Unsettled,
                Shown::Unsettled => Shown::All,
                Shown::All => Shown::Problems,
            };
            model.list.shown = Some(next);
            model.note = Some(next.words().to_owned());
        }
        Action::Cause => {
            if let Some(cause) = step_in_view(model).and_then(|s| model.cause_of(s)) {
                let to = if model.is_running() {
                    cause.root.shown_by.first().map_or(model.list.selected, |s| Selected::Step(*s))
                } else {
                    Selected::Cause(cause.letter)
                };
                list::select(model, to);
            }
        }
        Action::Filter => {
            model.dialog = Some(Dialog::Filter(Input::new(model.list.filter.clone())));
        }
        Action::RunThis => {
            let steps = steps_of(model, model.list.selected);
            return again(model, steps);
        }
        Action::Copy => return vec![Cmd::Copy(copied::line(model))],
        _ => {}
    }
    Vec::new()
}

/// Which way `n` goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Jump {
    Forward,
    Back,
}

/// To the next problem; under a filter to the next match.
fn jump(model: &mut Model, rows: usize, way: Jump) {
    let all = list::selectable(model, rows);
    let filtered = !model.list.filter.is_empty();
    let wanted = |s: &&Selected| match **s {
        Selected::Step(step) => filtered || is_problem(&model.run.steps[step]),
        Selected::Cause(_) | Selected::Group(_) => false,
    };
    let at = all.iter().position(|s| *s == model.list.selected).unwrap_or(0);
    let to = match way {
        Jump::Forward => all.iter().skip(at + 1).find(wanted).or_else(|| all.iter().find(wanted)),
        Jump::Back => {
            all[..at.min(all.len())].iter().rev().find(wanted).or_else(|| all.iter().rev().find(wanted))
        }
    };
    if let Some(to) = to.copied() {
        list::select(model, to);
    }
}

/// Whether `n` stops at a step.
pub(super) fn is_problem(state: &StepState) -> bool {
    matches!(state.status, Status::Fail | Status::Warn | Status::Error)
}

fn open(model: &mut Model) {
    let step = match model.list.selected {
        Selected::Step(step) => Some(step),
        Selected::Cause(letter) => {
            let cause = model.causes.iter().find(|c| c.letter == letter);
            cause.and_then(|c| c.root.shown_by.first().copied())
        }
        Selected::Group(group) => {
            model.list.moved = true;
            model.list.folded.remove(&group);
            if !model.list.opened.remove(&group) {
                model.list.opened.insert(group);
            }
            None
        }
    };
    if let Some(step) = step {
        model.list.moved = true;
        model.screens.push(Screen::Drill(Drill { step, face: Face::Seen, scroll: 0 }));
    }
}

fn fold(model: &mut Model) {
    let group = match model.list.selected {
        Selected::Group(group) => group,
        Selected::Step(step) => match model.run.steps.get(step) {
            Some(state) => state.plan.group,
            None => return,
        },
        Selected::Cause(_) => return,
    };
    model.list.opened.remove(&group);
    if !model.list.folded.remove(&group) {
        model.list.folded.insert(group);
        list::select(model, Selected::Group(group));
    }
}
