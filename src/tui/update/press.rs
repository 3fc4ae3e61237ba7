//! A key was pressed: what that means on the screen that is shown.

use super::{export, guide, guide_at, not_pass, start, steps_of, to_demos};
use crate::check::Group;
use crate::run::{Status, StepState};
use crate::tui::keys::{self, Action, Context, Key};
use crate::tui::model::list::{self, Panel, Selected, Shown};
use crate::tui::model::message::{Cmd, Mended, Rerun};
use crate::tui::model::{Dialog, Drill, Face, Model, Origin, Phase, Screen};
use crate::tui::view::{copied, help, panes};
use tui_input::{Input, InputRequest};

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
    match action {
        Action::RunThis | Action::RunAll => model.can_run(),
        Action::RunFailed => model.can_run() && !not_pass(model).is_empty(),
        Action::Stop => model.is_running() && !model.stopping,
        Action::Guide => !model.causes.is_empty() && !model.is_running(),
        Action::Export | Action::CopySummary => !model.run.steps.is_empty(),
        Action::Mend => model.fault.is_some() && model.can_run(),
        Action::NextScenario => model.origin == Origin::Demos && model.demos.len() > 1,
        Action::Cause => step.is_some_and(|s| model.cause_of(s).is_some()),
        Action::Write => guide::snippet(model).is_some(),
        Action::NextPart if model.context() == Context::List => panes::of(model).details.is_some(),
        Action::Open if model.context() == Context::Drill => {
            step.and_then(|s| model.run.steps.get(s)).is_some_and(|s| s.blocked_by().is_some())
        }
        Action::Open if model.context() == Context::Guide => {
            guide::next_cause(model).is_some() && guide::is_solved(model)
        }
        Action::Next if model.context() == Context::Guide => {
            model.causes.len() > 1 || guide::is_solved(model)
        }
        Action::Causes => !model.causes.is_empty() && !model.is_running(),
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
        | Action::No => true,
    }
}

/// The step that is looked at.
fn step_in_view(model: &Model) -> Option<usize> {
    match model.screen() {
        Screen::Drill(drill) => Some(drill.step),
        Screen::Overview => match model.list.selected {
            Selected::Step(step) => Some(step),
            Selected::Cause(_) | Selected::Group(_) => None,
        },
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
        Action::Quit | Action::Yes => return vec![Cmd::Quit],
        Action::No => model.dialog = None,
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
        Action::Mend => {
            let mended = model.fault.as_ref().is_some_and(|f| f.mended);
            return vec![Cmd::Fault(if mended { Mended::No } else { Mended::Yes })];
        }
        Action::NextScenario => return next_scenario(model),
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
        | Action::Tick => return act_here(model, context, action, key),
    }
    Vec::new()
}

fn act_here(model: &mut Model, context: Context, action: Action, key: Key) -> Vec<Cmd> {
    match context {
        Context::List => on_list(model, action, key),
        Context::Drill => on_drill(model, action),
        Context::Guide => guide::act(model, action),
        Context::Demo => on_demos(model, action),
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

fn on_list(model: &mut Model, action: Action, key: Key) -> Vec<Cmd> {
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
            let next = match model.list.shown {
                None => Shown::Problems,
                Some(Shown::Problems) => Shown::Unsettled,
                Some(Shown::Unsettled) => Shown::All,
                Some(Shown::All) => Shown::Problems,
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
            return start(model, Rerun::Around(steps));
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

fn is_problem(state: &StepState) -> bool {
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

fn on_drill(model: &mut Model, action: Action) -> Vec<Cmd> {
    let lines = usize::from(model.size.1).saturating_sub(5);
    let most = panes::drill_scroll(model);
    let Screen::Drill(drill) = model.screen_mut() else { return Vec::new() };
    let mut drill = drill.clone();
    if scroll(&mut drill.scroll, action, lines) {
        drill.scroll = drill.scroll.min(most);
        *model.screen_mut() = Screen::Drill(drill);
        return Vec::new();
    }
    let step = drill.step;
    match action {
        Action::Back => {
            model.screens.pop();
        }
        Action::NextPart | Action::PreviousPart => {
            let face = if action == Action::NextPart { drill.face.next() } else { drill.face.next().next() };
            *model.screen_mut() = Screen::Drill(Drill { face, scroll: 0, ..drill });
        }
        Action::Next | Action::Previous => {
            let problems: Vec<usize> =
                (model.run.steps.iter().enumerate()).filter(|(_, s)| is_problem(s)).map(|(i, _)| i).collect();
            let next = if action == Action::Next {
                problems.iter().find(|i| **i > step).or(problems.first())
            } else {
                problems.iter().rev().find(|i| **i < step).or(problems.last())
            };
            if let Some(next) = next.copied() {
                list::select(model, Selected::Step(next));
                *model.screen_mut() = Screen::Drill(Drill { step: next, scroll: 0, ..drill });
            }
        }
        Action::Open => {
            if let Some(by) = model.run.steps.get(step).and_then(StepState::blocked_by) {
                model.screens.push(Screen::Drill(Drill { step: by, face: Face::Seen, scroll: 0 }));
            }
        }
        Action::Cause => {
            let first = model.cause_of(step).and_then(|c| c.root.shown_by.first().copied());
            if let Some(first) = first {
                let face = if first == step { Face::Mend } else { Face::Seen };
                *model.screen_mut() = Screen::Drill(Drill { step: first, face, scroll: 0 });
            }
        }
        Action::RunThis => return start(model, Rerun::Around(vec![step])),
        Action::Copy => {
            let text = match drill.face {
                Face::Mend => guide::snippet(model).unwrap_or_else(|| copied::evidence(model, step)),
                Face::Seen | Face::Before => copied::evidence(model, step),
            };
            return vec![Cmd::Copy(text)];
        }
        _ => {}
    }
    Vec::new()
}

fn on_demos(model: &mut Model, action: Action) -> Vec<Cmd> {
    let rows = usize::from(model.size.1).saturating_sub(12).max(3);
    let Screen::Demos { chosen, search } = model.screen() else { return Vec::new() };
    let found = crate::tui::view::demo::found(&model.demos, search);
    let at = found.iter().position(|i| i == chosen).unwrap_or(0);
    let mut to = at;
    if scroll(&mut to, action, rows) {
        let to = found.get(to.min(found.len().saturating_sub(1))).copied();
        if let (Screen::Demos { chosen, .. }, Some(to)) = (model.screen_mut(), to) {
            *chosen = to;
        }
        return Vec::new();
    }
    match action {
        Action::Open => {
            let name = found.get(at).and_then(|i| model.demos.get(*i)).map(|d| d.name.clone());
            return name.map(Cmd::Start).into_iter().collect();
        }
        Action::Filter => model.dialog = Some(Dialog::Filter(Input::new(search.clone()))),
        _ => {}
    }
    Vec::new()
}

fn next_scenario(model: &mut Model) -> Vec<Cmd> {
    let all = model.demos.len();
    let Some(Screen::Demos { chosen, .. }) = model.screens.first_mut() else { return Vec::new() };
    *chosen = (*chosen + 1) % all.max(1);
    let name = model.demos.get(*chosen).map(|d| d.name.clone());
    let mut cmds = if matches!(model.phase, Phase::Running(_)) { vec![Cmd::Stop] } else { Vec::new() };
    cmds.extend(name.map(Cmd::Start));
    cmds
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
            if let Screen::Demos { search, chosen } =
                model.screens.last_mut().expect("a screen is always there")
            {
                *search = value;
                if let Some(first) = crate::tui::view::demo::found(&model.demos, search).first() {
                    *chosen = *first;
                }
            } else {
                model.list.filter = value;
                model.list.scroll = 0;
            }
            Vec::new()
        }
        Some(Dialog::Export(_)) => export::type_in(model, request),
        Some(Dialog::Help(..) | Dialog::Quit) | None => Vec::new(),
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
