//! Which lines the overview's list has, which of them is selected and how far it is scrolled. The selection is
//! a check, a cause or a group, not a row: it stays where it is while lines come.

use super::Model;
use crate::check::Group;
use crate::run::{Status, StepState};
use crate::tui::theme::weight;
use std::collections::BTreeSet;

/// What is selected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Selected {
    /// A cause in the banner, by its letter.
    Cause(char),
    /// A group.
    Group(Group),
    /// A step.
    Step(usize),
}

/// Which lines groups show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Shown {
    /// What fails, warns, broke or runs.
    Problems,
    /// All that is not a pass.
    Unsettled,
    /// All.
    All,
}

impl Shown {
    /// In words, for the footer.
    pub fn words(self) -> &'static str {
        match self {
            Shown::Problems => "Shown: problems.",
            Shown::Unsettled => "Shown: everything that is not a pass.",
            Shown::All => "Shown: every check.",
        }
    }
}

/// Which half of a wide screen the movement keys act on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Panel {
    /// The list.
    List,
    /// The details beside it.
    Details,
}

/// The state of the overview's list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct List {
    /// What is selected.
    pub selected: Selected,
    /// Whether a key moved the selection: following ends there.
    pub moved: bool,
    /// Lines scrolled past.
    pub scroll: usize,
    /// What groups show; `None`: what the height has room for.
    pub shown: Option<Shown>,
    /// Groups that show nothing but their line.
    pub folded: BTreeSet<Group>,
    /// Groups that show every line.
    pub opened: BTreeSet<Group>,
    /// What the lines must match; empty: everything does.
    pub filter: String,
    /// Which panel the movement keys act on.
    pub panel: Panel,
    /// Lines of the details scrolled past.
    pub details: usize,
}

impl Default for List {
    fn default() -> Self {
        Self {
            selected: Selected::Group(Group::Instance),
            moved: false,
            scroll: 0,
            shown: None,
            folded: BTreeSet::new(),
            opened: BTreeSet::new(),
            filter: String::new(),
            panel: Panel::List,
            details: 0,
        }
    }
}

/// A line of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// A group's own line.
    Group(Group),
    /// A step.
    Step(usize),
    /// What the group has beside: `4 more: 3 blocked, 1 skip`.
    More(Group, String),
}

/// What groups show: what was chosen, else what the height has room for.
pub fn level(model: &Model) -> Shown {
    model.list.shown.unwrap_or(match model.size.1 {
        ..40 => Shown::Problems,
        40..60 => Shown::Unsettled,
        60.. => Shown::All,
    })
}

/// The lines of the list, for a list of so many rows.
pub fn lines(model: &Model, rows: usize) -> Vec<Line> {
    let level = level(model);
    let filtered = !model.list.filter.is_empty();
    let wanted = |step: usize, state: &StepState| {
        let group = state.plan.group;
        if filtered {
            return matches(model, step);
        }
        !model.list.folded.contains(&group)
            && (model.list.opened.contains(&group)
                || level >= level_of(state.status)
                || model.list.selected == Selected::Step(step))
    };
    let mut chosen: Vec<bool> =
        model.run.steps.iter().enumerate().map(|(step, state)| wanted(step, state)).collect();
    if model.list.shown.is_none() && !filtered {
        trim(model, rows, &mut chosen);
    }
    let mut lines = Vec::new();
    for group in model.groups() {
        let steps: Vec<usize> = model.run.group(group).map(|(i, _)| i).collect();
        if filtered && !steps.iter().any(|s| chosen[*s]) {
            continue;
        }
        lines.push(Line::Group(group));
        lines.extend(steps.iter().filter(|s| chosen[**s]).map(|s| Line::Step(*s)));
        let open = !filtered && !model.list.folded.contains(&group) && model.list.shown.is_none();
        let hidden: Vec<&StepState> = (steps.iter().filter(|s| open && !chosen[**s]))
            .map(|s| &model.run.steps[*s])
            .filter(|s| level >= level_of(s.status))
            .collect();
        if !hidden.is_empty() {
            lines.push(Line::More(group, more(&hidden)));
        }
    }
    lines
}

/// From which level on a state has its line.
fn level_of(status: Status) -> Shown {
    match status {
        Status::Fail | Status::Warn | Status::Error | Status::Running => Shown::Problems,
        Status::Pending | Status::Blocked | Status::Skip | Status::Cancelled => Shown::Unsettled,
        Status::Pass => Shown::All,
    }
}

/// Takes away the lines that matter least until the rest fits; problems and what runs always stay.
fn trim(model: &Model, rows: usize, chosen: &mut [bool]) {
    let groups = model.groups();
    let needed = |chosen: &[bool]| {
        let more =
            |g: &Group| model.run.group(*g).any(|(i, s)| !chosen[i] && level_of(s.status) > Shown::Problems);
        let mores = groups.iter().filter(|g| !model.list.folded.contains(g) && more(g)).count();
        let all_shown = model.size.1 >= 40;
        groups.len() + chosen.iter().filter(|c| **c).count() + if all_shown { mores } else { 0 }
    };
    for status in [Status::Pass, Status::Pending, Status::Skip, Status::Blocked, Status::Cancelled] {
        for step in (0..chosen.len()).rev() {
            if needed(chosen) <= rows {
                return;
            }
            let state = &model.run.steps[step];
            let kept =
                model.list.selected == Selected::Step(step) || model.list.opened.contains(&state.plan.group);
            if state.status == status && !kept {
                chosen[step] = false;
            }
        }
    }
}

fn more(hidden: &[&StepState]) -> String {
    let mut states: Vec<Status> = hidden.iter().map(|s| s.status).collect();
    states.sort_unstable_by_key(|s| std::cmp::Reverse(weight(*s)));
    states.dedup();
    let count = |status: Status| hidden.iter().filter(|s| s.status == status).count();
    match states.as_slice() {
        [one] => format!("{} more {}", hidden.len(), one.as_str()),
        several => {
            let parts: Vec<String> =
                several.iter().map(|s| format!("{} {}", count(*s), s.as_str())).collect();
            format!("{} more: {}", hidden.len(), parts.join(", "))
        }
    }
}

/// Whether a step matches the filter: every word is found in its id, title, code, state or cause.
pub fn matches(model: &Model, step: usize) -> bool {
    let state = &model.run.steps[step];
    let place = state.plan.place.to_string();
    let letter = model.cause_of(step).map(|c| c.letter.to_ascii_lowercase().to_string());
    let code = |w: &str| state.findings().iter().any(|f| f.code.as_str().contains(w));
    model.list.filter.to_lowercase().split_whitespace().all(|word| match word.split_once(':') {
        Some(("place", w)) => place.contains(w),
        Some(("is", w)) => state.status.as_str().starts_with(w),
        Some(("code", w)) => code(w),
        Some(("cause", w)) => letter.as_deref() == Some(w),
        _ => state.id().contains(word) || state.plan.title.to_lowercase().contains(word) || code(word),
    })
}

/// Everything that can be selected, in the order of the screen: causes, then the lines.
pub fn selectable(model: &Model, rows: usize) -> Vec<Selected> {
    let running = model.is_running();
    let causes = model.causes.iter().filter(|_| !running).map(|c| Selected::Cause(c.letter));
    let lines = lines(model, rows).into_iter().filter_map(|line| match line {
        Line::Group(group) => Some(Selected::Group(group)),
        Line::Step(step) => Some(Selected::Step(step)),
        Line::More(..) => None,
    });
    causes.chain(lines).collect()
}

/// Moves the selection by so many places; at the ends it stays.
pub fn step_by(model: &mut Model, rows: usize, by: isize) {
    let all = selectable(model, rows);
    let at = all.iter().position(|s| *s == model.list.selected).unwrap_or(0);
    let to = at.saturating_add_signed(by).min(all.len().saturating_sub(1));
    if let Some(selected) = all.get(to) {
        select(model, *selected);
    }
}

/// Selects by a key: following ends.
pub fn select(model: &mut Model, selected: Selected) {
    if model.list.selected != selected {
        model.list.details = 0;
    }
    model.list.selected = selected;
    model.list.moved = true;
}

/// Puts selection and scrolling right after anything happened: the selection exists and is on the screen with
/// two lines around it; while following, the newest line is.
pub fn settle(model: &mut Model, rows: usize) {
    let all = selectable(model, rows);
    if !all.contains(&model.list.selected) {
        model.list.selected = nearest_above(model, &all);
    }
    let lines = lines(model, rows);
    let place = |selected: Selected| {
        lines.iter().position(|line| match (line, selected) {
            (Line::Group(g), Selected::Group(s)) => *g == s,
            (Line::Step(a), Selected::Step(b)) => *a == b,
            (Line::Group(_) | Line::Step(_) | Line::More(..), _) => false,
        })
    };
    let following = model.is_running() && !model.list.moved;
    let newest = model.newest.filter(|_| following).and_then(|s| place(Selected::Step(s)));
    let last = lines.len().saturating_sub(rows);
    let target = newest.or_else(|| place(model.list.selected));
    let around = 2.min(rows.saturating_sub(1) / 2);
    if let Some(at) = target {
        let low = (at + around + 1).saturating_sub(rows);
        let high = at.saturating_sub(around);
        model.list.scroll = model.list.scroll.clamp(low.min(high), high.max(low));
    }
    model.list.scroll = model.list.scroll.min(last);
}

/// The nearest line above a selection that is gone.
fn nearest_above(model: &Model, all: &[Selected]) -> Selected {
    let first = all.first().copied().unwrap_or(Selected::Group(Group::Instance));
    let step = match model.list.selected {
        Selected::Cause(_) => return first,
        Selected::Group(group) => model.run.group(group).next().map_or(0, |(i, _)| i),
        Selected::Step(step) => step,
    };
    let group = model.run.steps.get(step).map(|s| s.plan.group);
    let before = |s: &&Selected| match **s {
        Selected::Cause(_) => false,
        Selected::Group(g) => group.is_some_and(|own| g <= own),
        Selected::Step(other) => other <= step,
    };
    all.iter().rev().find(before).copied().unwrap_or(first)
}
