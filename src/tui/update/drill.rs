//! Keys on a check's drill-down, and on the list of the demo's scenarios.

use super::guide;
use super::overview::is_problem;
use super::press::{again, scroll};
use crate::run::StepState;
use crate::tui::keys::Action;
use crate::tui::model::dialog::Dialog;
use crate::tui::model::list::{self, Selected};
use crate::tui::model::message::Cmd;
use crate::tui::model::{Drill, Face, Model, Phase, Screen};
use crate::tui::view::{copied, demo, panes};
use tui_input::Input;

/// A key on a drill-down.
pub(super) fn act(model: &mut Model, action: Action) -> Vec<Cmd> {
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
        Action::RunThis => return again(model, vec![step]),
        Action::Copy => {
            let text = match drill.face {
                Face::Mend => guide::snippet(model).map_or_else(|| copied::evidence(model, step), |s| s.text),
                Face::Seen | Face::Before => copied::evidence(model, step),
            };
            return vec![Cmd::Copy(text)];
        }
        _ => {}
    }
    Vec::new()
}

/// A key on the list of scenarios.
pub(super) fn on_demos(model: &mut Model, action: Action) -> Vec<Cmd> {
    let rows = usize::from(model.size.1).saturating_sub(12).max(3);
    let Screen::Demos { chosen, search } = model.screen() else { return Vec::new() };
    let found = demo::found(&model.demos, search);
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

/// Starts the scenario behind the one that is shown.
pub(super) fn next_scenario(model: &mut Model) -> Vec<Cmd> {
    let all = model.demos.len();
    let Some(Screen::Demos { chosen, .. }) = model.screens.first_mut() else { return Vec::new() };
    *chosen = (*chosen + 1) % all.max(1);
    let name = model.demos.get(*chosen).map(|d| d.name.clone());
    let mut cmds = if matches!(model.phase, Phase::Running(_)) { vec![Cmd::Stop] } else { Vec::new() };
    cmds.extend(name.map(Cmd::Start));
    cmds
}
