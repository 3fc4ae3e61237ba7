//! The list: a line for each group with its bar of checks, and the lines of checks below.
//!
//! ```text
//!  2 Network         ■■■■■■✗└└■✗└└■!■■  10 pass  2 FAIL  1 warn  4 blocked  0.3 s
//!    ✗ FAIL      certificate is trusted          customers/rails +1  A      29 ms
//! ```

use super::banner::mark;
use super::lines::{self, Row};
use super::{figure, words};
use crate::check::Group;
use crate::run::{Run, Status, StepState};
use crate::subject::place::Place;
use crate::text;
use crate::tui::model::Model;
use crate::tui::model::list::{self, Line as Of, Panel, Selected};
use crate::tui::theme::{self, Role};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Modifier;
use ratatui::text::{Line, Span};

/// Columns of a check's line.
struct Columns {
    title: usize,
    place: usize,
    letter: usize,
    end: usize,
}

/// The columns for a width; below 80 there is no place.
fn columns(width: usize) -> Columns {
    match width {
        ..80 if width < 66 => Columns {
            title: 13,
            place: width.saturating_sub(12),
            letter: width.saturating_sub(12),
            end: width - 1,
        },
        66 => Columns { title: 13, place: 41, letter: 57, end: 65 },
        ..80 => Columns { title: 13, place: width - 14, letter: width - 12, end: width - 1 },
        80.. => Columns { title: 15, place: 47 + (width - 80) / 2, letter: width - 13, end: width - 1 },
    }
}

/// Draws the list.
pub fn draw(model: &Model, area: Rect, buf: &mut Buffer) {
    let width = usize::from(area.width);
    let rows = usize::from(area.height);
    let all = list::lines(model, rows);
    let lines: Vec<Line<'static>> = (all.iter().skip(model.list.scroll).take(rows))
        .map(|line| match line {
            Of::Group(group) => group_line(model, *group, width),
            Of::Step(step) => step_line(model, *step, width),
            Of::More(_, text) => lines::plain(model.look, width, 3, text, Role::Quiet),
        })
        .collect();
    lines::draw(&lines, 0, area, buf);
}

fn has_mark(model: &Model, selected: Selected) -> bool {
    model.list.selected == selected && model.list.panel == Panel::List
}

/// Selected lines are bold, and nothing else changes.
fn finish(line: Line<'static>, selected: bool) -> Line<'static> {
    if selected {
        let bold = |s: Span<'static>| {
            let style = s.style.remove_modifier(Modifier::DIM).add_modifier(Modifier::BOLD);
            Span::styled(s.content, style)
        };
        return Line::from(line.spans.into_iter().map(bold).collect::<Vec<_>>());
    }
    line
}

fn group_line(model: &Model, group: Group, width: usize) -> Line<'static> {
    let look = model.look;
    let selected = has_mark(model, Selected::Group(group));
    let number = Group::ALL.iter().position(|g| *g == group).map_or(0, |i| i + 1);
    let steps: Vec<_> = model.run.group(group).map(|(_, s)| s).collect();
    let counts = Run::counts(steps.iter().copied());
    let row = mark(look, Row::new(look, width), selected).to(1).put(number.to_string(), Role::Plain).to(3);
    if width < 66 {
        let row = row.fit(group.title(), 16, Role::Plain);
        let fail = if counts.fail > 0 { format!("{} FAIL ", counts.fail) } else { String::new() };
        let end = width - 1;
        let (tail, role) = if counts.settled < counts.all {
            (format!("{fail}{} of {}", counts.settled, counts.all), Role::Plain)
        } else if counts.fail > 0 {
            (format!("{}{} pass", fail, counts.pass), Role::Plain)
        } else {
            (summary(&counts), Role::Plain)
        };
        return finish(row.right(tail, end, role).line(), selected);
    }
    let mut row = row.fit(group.title(), 15, Role::Plain).to(19);
    let statuses: Vec<Status> = steps.iter().map(|s| s.status).collect();
    for status in cells(&statuses, 18) {
        row = row.sign(look.cell(status), theme::role(status));
    }
    let end = if width >= 80 { width - 1 } else { 65 };
    if counts.all == 0 {
        return finish(row.line(), selected);
    }
    if counts.settled < counts.all {
        row = row.to(38).put(format!("{:>2} of {}", counts.settled, counts.all), Role::Plain);
    } else if counts.pass > 0 {
        row = row.to(38).put(format!("{:>2} pass", counts.pass), Role::Plain);
    }
    if width < 80 {
        let second = match (counts.fail, worst(&counts)) {
            (0, worst) => {
                (if counts.warn > 0 { format!("{} warn", counts.warn) } else { worst }, Role::Plain)
            }
            (n, _) => (format!("{n} FAIL"), Role::Bad),
        };
        row = row.to(47).put(second.0, second.1);
    } else {
        if counts.fail > 0 {
            row = row.to(47).put(format!("{} FAIL", counts.fail), Role::Bad);
        }
        if counts.warn > 0 {
            row = row.to(55).put(format!("{} warn", counts.warn), Role::Plain);
        }
        let worst = worst(&counts);
        if !worst.is_empty() {
            row = row.to(63).put(worst, Role::Plain);
        }
    }
    finish(row.right(figure::group(model, group), end, Role::Plain).line(), selected)
}

/// The last column: blocked, else error, cancelled, skip.
fn worst(counts: &crate::run::Counts) -> String {
    let all = [
        (counts.blocked, "blocked"),
        (counts.error, "error"),
        (counts.cancelled, "cancelled"),
        (counts.skip, "skip"),
    ];
    all.iter().find(|(n, _)| *n > 0).map(|(n, word)| format!("{n} {word}")).unwrap_or_default()
}

fn summary(counts: &crate::run::Counts) -> String {
    let mut parts = Vec::new();
    for (n, word) in [(counts.pass, "pass"), (counts.warn, "warn")] {
        if n > 0 {
            parts.push(format!("{n} {word}"));
        }
    }
    parts.extend(Some(worst(counts)).filter(|w| !w.is_empty()));
    parts.join(" ")
}

/// One cell a check; where there are more checks than cells, one stands for neighbours and shows the worst.
pub fn cells(statuses: &[Status], most: usize) -> Vec<Status> {
    if statuses.len() <= most {
        return statuses.to_vec();
    }
    let range = |i: usize| i * statuses.len() / most..(i + 1) * statuses.len() / most;
    let worst = |i: usize| statuses[range(i)].iter().copied().max_by_key(|s| theme::weight(*s));
    (0..most).filter_map(worst).collect()
}

fn step_line(model: &Model, step: usize, width: usize) -> Line<'static> {
    let look = model.look;
    let Some(state) = model.run.steps.get(step) else { return Line::default() };
    let columns = columns(width);
    let selected = has_mark(model, Selected::Step(step));
    let status = state.status;
    let row = mark(look, Row::new(look, width), selected).to(3);
    let row = row.sign(look.sign(status), theme::role(status)).to(5);
    let row = row.fit(theme::word(status), 9, theme::word_role(status)).to(columns.title);
    let mut figure = figure::of(model, step);
    let has_place = width >= 66;
    let title = words::title(model, step);
    let cause = model.cause_of(step).map(|c| c.letter.to_string());
    let title_end = if has_place { columns.place } else { columns.letter };
    let room = title_end.saturating_sub(columns.title + 1);
    let mut row = row.fit(title, room, Role::Plain);
    if has_place {
        // Figures are never cut: a long one takes of the place's room.
        let end = columns.letter.min(columns.end.saturating_sub(text::width(&figure)));
        let room = end.saturating_sub(columns.place + 1);
        row = row.to(columns.place).fit(place(model, state.plan.place, room), room, Role::Plain);
    }
    if let Some(letter) = cause {
        row = row.to(columns.letter).put(letter, Role::Cause);
    }
    if selected {
        figure = held_up_by(model, state).unwrap_or(figure);
    }
    let role = if status == Status::Running { Role::Live } else { Role::Plain };
    finish(row.right(figure, columns.end, role).line(), selected)
}

/// Beside a selected line that has no verdict: the check that it waits for, or that blocks it.
fn held_up_by(model: &Model, state: &StepState) -> Option<String> {
    let open = |n: &&usize| model.run.steps.get(**n).is_some_and(|s| !s.status.is_settled());
    let by = match state.status {
        Status::Pending => state.plan.needs.iter().find(open).copied(),
        Status::Blocked => state.blocked_by(),
        Status::Running
        | Status::Pass
        | Status::Warn
        | Status::Fail
        | Status::Skip
        | Status::Error
        | Status::Cancelled => None,
    };
    by.and_then(|b| model.run.steps.get(b)).map(|s| format!("by {}", s.plan.check))
}

/// `customers/rails +1`: the place, and how many other stacks take the same way.
pub fn place(model: &Model, place: Place, room: usize) -> String {
    let name = place.to_string();
    let own = model.run.route(place);
    let others = own.map_or(0, |r| r.stacks.len().saturating_sub(1));
    let long = format!("{name} +{others}");
    if others > 0 && text::width(&long) <= room { long } else { name }
}
