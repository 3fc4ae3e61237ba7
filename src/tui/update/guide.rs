//! The guide: the causes in the order to mend them, one step unfolded at a time. People tick steps; whether a
//! cause is solved, the program judges by checking again.

use super::press::scroll;
use super::{guide_at, start};
use crate::finding::Code;
use crate::remedy::{FixStep, Snippet};
use crate::run::Status;
use crate::tui::keys::Action;
use crate::tui::model::cause::Cause;
use crate::tui::model::message::{Cmd, Rerun};
use crate::tui::model::{Drill, Face, Guide, Model, Screen};
use crate::tui::view::mend;
use jiff::Timestamp;

/// How many steps the repair of a cause has.
fn count(model: &Model, cause: &Cause) -> usize {
    model.remedy(cause).steps().len()
}

/// The first step of a cause that is not ticked, else the last.
pub(super) fn first_open(model: &Model, cause: &Cause) -> usize {
    let all = count(model, cause);
    (0..all).find(|s| !model.ticks.contains_key(&(cause.letter, *s))).unwrap_or(all.saturating_sub(1))
}

/// The guide on the screen.
fn guide(model: &Model) -> Option<&Guide> {
    match model.screen() {
        Screen::Guide(guide) => Some(guide),
        Screen::Demos { .. } | Screen::Overview | Screen::Drill(_) | Screen::Routes(_) | Screen::Doors(_) => {
            None
        }
    }
}

/// Whether the guide's cause was checked again and is gone, and nothing that it stood for fails.
pub fn is_solved(model: &Model) -> bool {
    let Some(guide) = guide(model) else { return false };
    guide.checked.is_some() && !model.causes.iter().any(|c| c.letter == guide.cause.letter) && {
        let bad = |s: &usize| {
            let status = model.run.steps.get(*s).map(|s| s.status);
            matches!(status, Some(Status::Error | Status::Cancelled | Status::Pending | Status::Running))
        };
        !guide.cause.root.shown_by.iter().any(bad)
    }
}

/// The cause behind the guide's own; after the last the first.
pub fn next_cause(model: &Model) -> Option<&Cause> {
    let own = guide(model)?.cause.letter;
    let at = model.causes.iter().position(|c| c.letter == own);
    match at {
        Some(at) => model.causes.get((at + 1) % model.causes.len()).filter(|c| c.letter != own),
        None => model.causes.first(),
    }
}

/// The snippet that `y` and `w` mean: of the unfolded step of the guide, or the first on the screen on Mend.
pub(super) fn snippet(model: &Model) -> Option<Snippet> {
    match model.screen() {
        Screen::Guide(guide) => {
            model.remedy(&guide.cause).steps().get(guide.step)?.snippets().into_iter().next()
        }
        Screen::Drill(Drill { step, face: Face::Mend, scroll }) => {
            let article = model.article(*step)?;
            let from = mend::step_at(model.look, &article, usize::from(model.size.0), *scroll);
            let steps = article.steps();
            let first = steps.iter().skip(from).flat_map(FixStep::snippets).next();
            first.or_else(|| steps.iter().flat_map(FixStep::snippets).next())
        }
        Screen::Drill(_) | Screen::Demos { .. } | Screen::Overview | Screen::Routes(_) | Screen::Doors(_) => {
            None
        }
    }
}

/// The code of the finding that the snippet on the screen mends.
pub(super) fn code(model: &Model) -> Option<Code> {
    match model.screen() {
        Screen::Guide(guide) => Some(guide.cause.root.code),
        Screen::Drill(drill) => model.run.steps.get(drill.step)?.findings().first().map(|f| f.code),
        Screen::Demos { .. } | Screen::Overview | Screen::Routes(_) | Screen::Doors(_) => None,
    }
}

/// A round ended: the guide takes note that its cause was looked at again.
pub(super) fn checked(model: &mut Model, now: Timestamp) {
    for screen in &mut model.screens {
        if let Screen::Guide(guide) = screen {
            guide.checked = Some(now);
            if let Some(cause) = model.causes.iter().find(|c| c.letter == guide.cause.letter) {
                guide.cause = cause.clone();
            }
        }
    }
}

/// A key in the guide.
pub(super) fn act(model: &mut Model, action: Action) -> Vec<Cmd> {
    let Some(guide) = guide(model).cloned() else { return Vec::new() };
    let all = count(model, &guide.cause);
    let to = |model: &mut Model, step: usize| {
        *model.screen_mut() = Screen::Guide(Guide { step, scroll: 0, ..guide.clone() });
    };
    match action {
        Action::Up => to(model, guide.step.saturating_sub(1)),
        Action::Down => to(model, (guide.step + 1).min(all.saturating_sub(1))),
        Action::First => to(model, 0),
        Action::Last => to(model, all.saturating_sub(1)),
        Action::PageUp | Action::PageDown => {
            let mut at = guide.scroll;
            scroll(&mut at, action, usize::from(model.size.1).saturating_sub(6));
            let at = at.min(crate::tui::view::guide::most(model, &guide));
            *model.screen_mut() = Screen::Guide(Guide { scroll: at, ..guide });
        }
        Action::Back => {
            model.screens.pop();
        }
        Action::Tick => {
            let key = (guide.cause.letter, guide.step);
            if model.ticks.remove(&key).is_none() {
                model.ticks.insert(key, model.now);
                to(model, first_open(model, &guide.cause));
            }
        }
        Action::Open | Action::Next | Action::Previous => {
            let letter = match action {
                Action::Previous => before(model, guide.cause.letter),
                _ => next_cause(model).map(|c| c.letter),
            };
            if let Some(next) = letter.and_then(|l| guide_at(model, Some(l))) {
                *model.screen_mut() = Screen::Guide(next);
            }
        }
        Action::RunThis => return start(model, Rerun::Around(guide.cause.steps())),
        Action::Copy => {
            let text = snippet(model).map_or_else(|| model.remedy(&guide.cause).message, |s| s.text);
            return vec![Cmd::Copy(text)];
        }
        _ => {}
    }
    Vec::new()
}

fn before(model: &Model, own: char) -> Option<char> {
    let at = model.causes.iter().position(|c| c.letter == own).unwrap_or(0);
    let all = model.causes.len();
    model.causes.get((at + all.saturating_sub(1)) % all.max(1)).map(|c| c.letter)
}
