//! What is up for users: a line with the features, a column that says why, and what ends next.
//!
//! ```text
//!  For users   Code Suggestions ✓ until Mon 09:14   Chat ✗ A B   Agentic Chat ✗ B
//! ```

use super::lines::{self, Row};
use super::{figure, seen};
use crate::check::Want;
use crate::diagnosis::features::{Standing, State, unknown_checks};
use crate::remedy;
use crate::run::event::{Settled, Skip};
use crate::run::{Status, StepState};
use crate::text;
use crate::tui::model::Model;
use crate::tui::model::asking;
use crate::tui::theme::Role;
use jiff::Timestamp;
use ratatui::text::Line;

/// Where the words behind a label begin.
const WORDS: usize = 13;

/// Between two features of the line.
const GAP: &str = "   ";

/// The line of the overview. `None`: no round has ended yet.
pub fn line(model: &Model, width: usize) -> Option<Line<'static>> {
    if model.users.is_empty() || model.is_running() {
        return None;
    }
    let row = Row::new(model.look, width).to(1).put("For users", Role::Quiet).to(WORDS);
    let is_known = |s: &Standing| !matches!(s.state, State::Unknown { .. });
    if !model.users.iter().any(is_known) {
        return Some(row.put(nothing_known(model), Role::Plain).line());
    }
    let apart: Vec<Said> = model.users.iter().map(|s| said(model, &[s.feature.title()], &s.state)).collect();
    let room = width.saturating_sub(WORDS + 1);
    // Each by itself, else those that stand alike together; what does not fit goes from the end.
    let ways = [apart, together(model)].map(|shown| cut(model, shown, room));
    let named = |shown: &Vec<Said>| shown.iter().map(|s| s.features).sum::<usize>();
    let [apart, alike] = ways;
    let shown = if named(&apart) >= named(&alike) { apart } else { alike };
    let mut row = row;
    for (i, part) in shown.iter().enumerate() {
        row = put(if i > 0 { row.put(GAP, Role::Plain) } else { row }, part);
    }
    Some(row.line())
}

/// As many as there is room for.
fn cut(model: &Model, mut shown: Vec<Said>, room: usize) -> Vec<Said> {
    while shown.len() > 1 && wide(model, &shown) > room {
        shown.pop();
    }
    shown
}

/// A feature, or some that stand alike, as the line says it.
struct Said {
    titles: String,
    /// How many features these are.
    features: usize,
    sign: (&'static str, Role),
    words: String,
    /// The causes' letters.
    letters: Vec<String>,
}

fn said(model: &Model, titles: &[&str], state: &State) -> Said {
    let sign = |status: Status, role| (model.look.sign(status), role);
    let (sign, words, letters) = match state {
        State::Open => (sign(Status::Pass, Role::Good), String::new(), Vec::new()),
        State::OpenUntil(until) => (sign(Status::Pass, Role::Good), until_words(model, *until), Vec::new()),
        State::Stopped(causes) => (sign(Status::Fail, Role::Bad), String::new(), letters(model, causes)),
        State::Unknown { .. } => (sign(Status::Error, Role::Warn), "not known".to_owned(), Vec::new()),
    };
    Said { titles: titles.join(", "), features: titles.len(), sign, words, letters }
}

fn letters(model: &Model, causes: &[usize]) -> Vec<String> {
    causes.iter().filter_map(|c| model.causes.get(*c)).map(|c| c.letter.to_string()).collect()
}

/// `until Mon 09:14`, with the day of the month where it is further than a week away.
fn until_words(model: &Model, until: Timestamp) -> String {
    let far = until.duration_since(model.ended.unwrap_or(model.now)).as_hours() >= 6 * 24;
    let shape = if far { "until %d %b %H:%M" } else { "until %a %H:%M" };
    until.strftime(shape).to_string()
}

/// The ones that stand alike as one.
fn together(model: &Model) -> Vec<Said> {
    let mut groups: Vec<(Vec<&str>, &State)> = Vec::new();
    for standing in &model.users {
        let alike = |(_, other): &&mut (Vec<&str>, &State)| match (&**other, &standing.state) {
            (State::Unknown { .. }, State::Unknown { .. }) => true,
            (other, state) => other == state,
        };
        match groups.iter_mut().find(alike) {
            Some((titles, _)) => titles.push(standing.feature.title()),
            None => groups.push((vec![standing.feature.title()], &standing.state)),
        }
    }
    groups.into_iter().map(|(titles, state)| said(model, &titles, state)).collect()
}

fn wide(model: &Model, shown: &[Said]) -> usize {
    let one = |s: &Said| {
        let words = if s.words.is_empty() { 0 } else { 1 + text::width(&s.words) };
        text::width(&model.look.text(&s.titles)) + 1 + text::width(s.sign.0) + words + 2 * s.letters.len()
    };
    shown.iter().map(one).sum::<usize>() + GAP.len() * shown.len().saturating_sub(1)
}

fn put(row: Row, said: &Said) -> Row {
    let mut row = row.put(&said.titles, Role::Plain).put(" ", Role::Plain).sign(said.sign.0, said.sign.1);
    if !said.words.is_empty() {
        row = row.put(" ", Role::Plain).put(&said.words, Role::Plain);
    }
    for letter in &said.letters {
        row = row.put(" ", Role::Plain).put(letter, Role::Cause);
    }
    row
}

/// Where nothing is known of any feature: how many checks are missing, and what they want.
fn nothing_known(model: &Model) -> String {
    let is_here = model.run.about.as_ref().is_some_and(|about| about.node.install.is_some());
    let token = !asking::waiting(model, Want::is_met_by_a_token).is_empty();
    let settled = |s: &&StepState| matches!(s.status, Status::Pass | Status::Warn | Status::Fail);
    let missing = if is_here {
        unknown_checks(&model.run)
    } else {
        model.run.steps.len() - model.run.steps.iter().filter(settled).count()
    };
    if missing == 0 {
        return "not known: no check of their ways was run".to_owned();
    }
    let missing = text::count(missing, "check");
    match (is_here, token) {
        (false, true) => format!("not known from here: {missing} need the node or a token"),
        (false, false) => format!("not known from here: {missing} need the node"),
        (true, true) => format!("not known: {missing} reached no verdict, some for want of a token"),
        (true, false) => format!("not known: {missing} reached no verdict"),
    }
}

/// The features below each other, each with why.
pub fn column(model: &Model, width: usize) -> Vec<Line<'static>> {
    if model.users.is_empty() || model.is_running() {
        return Vec::new();
    }
    let look = model.look;
    let mut page = vec![lines::plain(look, width, 0, "for users", Role::Quiet), Line::default()];
    for standing in &model.users {
        let shown = said(model, &[standing.feature.title()], &standing.state);
        let row = Row::new(look, width).to(2).put(&shown.titles, Role::Plain).to(20);
        let mut row = row.sign(shown.sign.0, shown.sign.1).to(23);
        match &standing.state {
            State::Open | State::OpenUntil(_) => row = row.put(&shown.words, Role::Plain),
            State::Stopped(causes) => {
                for cause in causes.iter().filter_map(|c| model.causes.get(*c)) {
                    let words = remedy::short(cause.root.code, &cause.root.args, &model.values);
                    row = row.put(cause.letter.to_string(), Role::Cause).put(" ", Role::Plain);
                    row = row.put(words, Role::Plain).put("  ", Role::Plain);
                }
            }
            State::Unknown { tells, want } => {
                let key = want.and_then(|want| asking::key(model, want));
                let words = match key {
                    Some(key) => format!("not known: {key}"),
                    None => format!("not known: {tells}"),
                };
                row = row.put(words, Role::Plain);
            }
        }
        page.push(row.line());
    }
    page
}

/// What is not asked, and what asks: `3 checks (key t); one real completion (--allow-completion)`. What can be given
/// comes first.
pub fn not_asked(model: &Model) -> Option<String> {
    let mut wants: Vec<Want> = model.run.steps.iter().filter_map(StepState::want).collect();
    wants.sort_unstable();
    wants.dedup();
    let how = |want: Want| asking::key(model, want).unwrap_or(want.option());
    let mut parts: Vec<String> = Vec::new();
    for want in wants {
        let checks = || {
            let alike = |w: Want| w.untold().is_none() && how(w) == how(want);
            text::count(asking::waiting(model, alike).len(), "check")
        };
        let part = format!("{} ({})", want.untold().map_or_else(checks, str::to_owned), how(want));
        if !parts.contains(&part) {
            parts.push(part);
        }
    }
    for state in &model.run.steps {
        if let Some(Settled::Skip { kind: Skip::NotAsked, why, want: None }) = &state.settled {
            let part = format!("{} ({why})", state.plan.title);
            if !parts.contains(&part) {
                parts.push(part);
            }
        }
    }
    (!parts.is_empty()).then(|| parts.join("; "))
}

/// What the ends that checks tell of are called.
const ENDS: [(&str, &str); 2] = [("access-token", "access token renews by"), ("licence", "licence ends")];

/// What ends next, the first first.
pub fn next_due(model: &Model) -> Vec<(Timestamp, String)> {
    let mut due: Vec<(Timestamp, String)> = Vec::new();
    let named = |state: &StepState| {
        let (_, words) = ENDS.iter().find(|(check, _)| *check == state.plan.check)?;
        Some((state.until()?, (*words).to_owned()))
    };
    due.extend(model.run.steps.iter().filter_map(named));
    let certificate = seen::first_end(model).and_then(|unix| Timestamp::from_second(unix).ok());
    due.extend(certificate.map(|at| (at, "certificate ends".to_owned())));
    due.sort();
    due.dedup();
    due
}

/// The line of a healthy overview: `access token renews by 24 Nov 2026 · certificate ends 22 Jan 2027`.
pub fn next_due_words(model: &Model) -> Option<String> {
    let words = |(at, what): &(Timestamp, String)| format!("{what} {}", figure::day(at.as_second()));
    let due: Vec<String> = next_due(model).iter().take(2).map(words).collect();
    (!due.is_empty()).then(|| due.join(" · "))
}
