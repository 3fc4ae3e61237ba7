//! A key was pressed: what that means on the screen that is shown.

use super::{doors, drill, export, guide, guide_at, not_pass, overview, routes, start};
use crate::checks::CLOUDFLARE_RANGES;
use crate::secret::Secret;
use crate::tui::keys::{self, Action, Context, Key};
use crate::tui::model::asking;
use crate::tui::model::dialog::{Dialog, Reading};
use crate::tui::model::list::Selected;
use crate::tui::model::message::{Cmd, Mended, Rerun};
use crate::tui::model::{Model, Origin, Screen};
use crate::tui::view::{copied, demo, help, panes};
use tui_input::InputRequest;

/// Carries out a key, or types it into the field with the focus.
pub(super) fn press(model: &mut Model, key: Key) -> Vec<Cmd> {
    model.note = None;
    let context = model.context();
    match keys::action(context, key) {
        Some(action) if can(model, action) => act(model, context, action, key),
        Some(_) => Vec::new(),
        None => type_in(model, key),
    }
}

/// Whether an action means something now. Asked by footer and help too.
pub fn can(model: &Model, action: Action) -> bool {
    let step = step_in_view(model);
    let is_matrix = matches!(model.context(), Context::Routes | Context::Doors);
    match action {
        Action::Routes => !model.run.routes().is_empty(),
        Action::Doors => model.run.about.is_some(),
        Action::RunThis if is_matrix => model.can_run() && step.is_some(),
        Action::Open if is_matrix => step.is_some(),
        Action::Left | Action::Copy if *model.screen() == Screen::Doors(None) => false,
        Action::RunThis | Action::RunAll => model.can_run(),
        Action::RunFailed => model.can_run() && !not_pass(model).is_empty(),
        Action::Sample => model.can_run() && sample(model).is_some(),
        Action::Stop => model.is_running() && !model.stopping,
        Action::Guide | Action::Causes => !model.causes.is_empty() && !model.is_running(),
        Action::Export | Action::CopySummary => !model.run.steps.is_empty(),
        Action::Mend => model.fault.is_some() && model.can_run(),
        Action::Token => asking::can_take_a_token(model),
        Action::Runner => asking::can_ask_rails(model),
        Action::NextScenario => model.origin == Origin::Demos && model.demos.len() > 1,
        Action::Cause => step.is_some_and(|s| model.cause_of(s).is_some()),
        Action::Write => guide::snippet(model).is_some(),
        Action::NextPart if model.context() == Context::List => panes::of(model).details.is_some(),
        Action::NextPart if model.context() == Context::Export => {
            matches!(&model.dialog, Some(Dialog::Export(e)) if export::fields(e).len() > 1)
        }
        Action::Open if model.context() == Context::Drill => {
            step.and_then(|s| model.run.steps.get(s)).is_some_and(|s| s.blocked_by().is_some())
        }
        Action::Open if model.context() == Context::Guide => {
            guide::next_cause(model).is_some() && guide::is_solved(model)
        }
        Action::Next if model.context() == Context::Guide => {
            model.causes.len() > 1 || guide::is_solved(model)
        }
        Action::Back if model.context() == Context::List => {
            !model.list.filter.is_empty() || model.screens.len() > 1
        }
        Action::Up
        | Action::Down
        | Action::Left
        | Action::Right
        | Action::PageUp
        | Action::PageDown
        | Action::First
        | Action::Last
        | Action::Next
        | Action::Previous
        | Action::Group
        | Action::Open
        | Action::Back
        | Action::NextPart
        | Action::PreviousPart
        | Action::Fold
        | Action::Shown
        | Action::Filter
        | Action::Help
        | Action::Copy
        | Action::Tick
        | Action::Suspend
        | Action::Redraw
        | Action::Quit
        | Action::Interrupt
        | Action::Yes
        | Action::No
        | Action::Clear => true,
    }
}

/// The step that runs on request alone, where the run has it.
fn sample(model: &Model) -> Option<usize> {
    model.run.steps.iter().position(|s| s.plan.check == CLOUDFLARE_RANGES)
}

/// Runs steps again. To run the one that waits for a request is the request.
pub(super) fn again(model: &mut Model, steps: Vec<usize>) -> Vec<Cmd> {
    let asks = sample(model).is_some_and(|step| steps == [step]);
    start(model, if asks { Rerun::OnRequest(steps) } else { Rerun::Around(steps) })
}

/// The step that is looked at.
pub(super) fn step_in_view(model: &Model) -> Option<usize> {
    match model.screen() {
        Screen::Drill(drill) => Some(drill.step),
        Screen::Overview => match model.list.selected {
            Selected::Step(step) => Some(step),
            Selected::Cause(_) | Selected::Group(_) => None,
        },
        Screen::Routes(at) => at.worst(&model.run),
        Screen::Doors(at) => at.and_then(|at| at.worst(&model.run)),
        Screen::Guide(_) | Screen::Demos { .. } => None,
    }
}

fn act(model: &mut Model, context: Context, action: Action, key: Key) -> Vec<Cmd> {
    match action {
        Action::Suspend => return vec![Cmd::Suspend],
        Action::Redraw => return vec![Cmd::Redraw],
        Action::Interrupt => return interrupt(model),
        Action::Quit if context != Context::Help && model.is_running() => {
            model.dialog = Some(Dialog::Quit);
            return Vec::new();
        }
        Action::Yes if context == Context::Runner => return super::asking::ask_rails(model),
        Action::Quit | Action::Yes => return vec![Cmd::Quit],
        Action::No => model.dialog = None,
        Action::Token => super::asking::open_token(model),
        Action::Runner => model.dialog = Some(Dialog::Runner(Reading::Question)),
        Action::Stop => {
            model.stopping = true;
            return vec![Cmd::Stop];
        }
        Action::Export => return export::open(model),
        Action::CopySummary => return vec![Cmd::Copy(copied::summary(model))],
        Action::RunAll => return start(model, Rerun::All),
        Action::RunFailed => {
            let steps = not_pass(model);
            return start(model, Rerun::Around(steps));
        }
        Action::Sample => {
            return sample(model).map(|step| start(model, Rerun::OnRequest(vec![step]))).unwrap_or_default();
        }
        Action::Mend => {
            let mended = model.fault.as_ref().is_some_and(|f| f.mended);
            return vec![Cmd::Fault(if mended { Mended::No } else { Mended::Yes })];
        }
        Action::NextScenario => return drill::next_scenario(model),
        Action::Help => model.dialog = Some(Dialog::Help(context, 0)),
        Action::Guide => {
            let letter = match model.list.selected {
                Selected::Cause(letter) => Some(letter),
                Selected::Group(_) => None,
                Selected::Step(step) => model.cause_of(step).map(|c| c.letter),
            };
            let letter =
                step_in_view(model).and_then(|s| model.cause_of(s)).map_or(letter, |c| Some(c.letter));
            if let Some(guide) = guide_at(model, letter) {
                model.screens.push(Screen::Guide(guide));
            }
        }
        Action::Write => return export::open_snippet(model),
        Action::Routes => routes::open(model),
        Action::Doors => doors::open(model),
        Action::Up
        | Action::Down
        | Action::Left
        | Action::Right
        | Action::PageUp
        | Action::PageDown
        | Action::First
        | Action::Last
        | Action::Next
        | Action::Previous
        | Action::Causes
        | Action::Group
        | Action::Open
        | Action::Back
        | Action::NextPart
        | Action::PreviousPart
        | Action::Fold
        | Action::Shown
        | Action::Cause
        | Action::Filter
        | Action::RunThis
        | Action::Copy
        | Action::Clear
        | Action::Tick => return act_here(model, context, action, key),
    }
    Vec::new()
}

fn act_here(model: &mut Model, context: Context, action: Action, key: Key) -> Vec<Cmd> {
    match context {
        Context::List => overview::act(model, action, key),
        Context::Drill => drill::act(model, action),
        Context::Guide => guide::act(model, action),
        Context::Routes => routes::act(model, action),
        Context::Doors => doors::act(model, action),
        Context::Demo => drill::on_demos(model, action),
        Context::Export => export::act(model, action),
        Context::Filter => {
            if action == Action::Back {
                model.list.filter.clear();
            }
            model.dialog = None;
            Vec::new()
        }
        Context::Help => {
            on_help(model, action);
            Vec::new()
        }
        Context::Token => super::asking::on_token(model, action),
        Context::Runner => {
            super::asking::on_runner(model, action);
            Vec::new()
        }
        Context::Quit | Context::Small => Vec::new(),
    }
}

fn interrupt(model: &mut Model) -> Vec<Cmd> {
    if model.dialog.take().is_some() {
        return Vec::new();
    }
    if model.is_running() && !model.stopping {
        model.stopping = true;
        return vec![Cmd::Stop];
    }
    vec![Cmd::Quit]
}

/// Scrolls for the movement keys; says whether it was one.
pub(super) fn scroll(at: &mut usize, action: Action, lines: usize) -> bool {
    let page = lines.saturating_sub(2).max(1);
    *at = match action {
        Action::Up => at.saturating_sub(1),
        Action::Down => at.saturating_add(1),
        Action::PageUp => at.saturating_sub(page),
        Action::PageDown => at.saturating_add(page),
        Action::First => 0,
        Action::Last => usize::MAX / 2,
        _ => return false,
    };
    true
}

fn on_help(model: &mut Model, action: Action) {
    let Some(Dialog::Help(context, mut at)) = model.dialog else { return };
    let most = help::most(model, context);
    let lines = usize::from(model.size.1).saturating_sub(3);
    model.dialog = if action == Action::Back {
        None
    } else {
        scroll(&mut at, action, lines);
        Some(Dialog::Help(context, at.min(most)))
    };
}

/// A key that no row of the table takes goes into the field with the focus.
fn type_in(model: &mut Model, key: Key) -> Vec<Cmd> {
    let Some(request) = request(key) else { return Vec::new() };
    match &mut model.dialog {
        Some(Dialog::Filter(input)) => {
            input.handle(request);
            let value = input.value().to_owned();
            if let Screen::Demos { .. } = model.screen() {
                let chosen = demo::found(&model.demos, &value).first().copied().unwrap_or(0);
                *model.screen_mut() = Screen::Demos { chosen, search: value };
            } else {
                model.list.filter = value;
                model.list.scroll = 0;
            }
            Vec::new()
        }
        Some(Dialog::Export(_)) => export::type_in(model, request),
        Some(Dialog::Token(field)) => {
            super::asking::type_in(field, request);
            Vec::new()
        }
        Some(Dialog::Help(..) | Dialog::Quit | Dialog::Runner(_)) | None => Vec::new(),
    }
}

/// A pasted text goes into the field with the focus, and nowhere else: it is no row of keys.
pub(super) fn paste(model: &mut Model, text: &Secret) {
    model.note = None;
    match &mut model.dialog {
        Some(Dialog::Token(field)) => super::asking::paste(field, text),
        Some(Dialog::Filter(_) | Dialog::Export(_)) => {
            for letter in text.expose().trim().chars().filter(|c| !c.is_control()) {
                type_in(model, Key::Char(letter));
            }
        }
        Some(Dialog::Help(..) | Dialog::Quit | Dialog::Runner(_)) | None => {}
    }
}

fn request(key: Key) -> Option<InputRequest> {
    match key {
        Key::Char(c) => Some(InputRequest::InsertChar(c)),
        Key::Backspace => Some(InputRequest::DeletePrevChar),
        Key::Delete => Some(InputRequest::DeleteNextChar),
        Key::Left => Some(InputRequest::GoToPrevChar),
        Key::Right => Some(InputRequest::GoToNextChar),
        Key::Home | Key::Ctrl('a') => Some(InputRequest::GoToStart),
        Key::End | Key::Ctrl('e') => Some(InputRequest::GoToEnd),
        Key::Ctrl('u') => Some(InputRequest::DeleteLine),
        Key::Ctrl('w') => Some(InputRequest::DeletePrevWord),
        Key::Ctrl(_)
        | Key::Enter
        | Key::Esc
        | Key::Tab
        | Key::BackTab
        | Key::Up
        | Key::Down
        | Key::PageUp
        | Key::PageDown => None,
    }
}
