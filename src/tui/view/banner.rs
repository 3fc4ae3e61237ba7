//! The sentence first: what is wrong, where, what to mend first; while running what is awaited and what is
//! known so far; healthy what was proven.
//!
//! ```text
//!  2 causes explain all 15 problems. Mend A first.                   02:47:08 UTC
//! ▌A Rails and Sidekiq refuse the certificate squid shows in place of GitLab's,
//!    because the company CA is missing from GitLab's own store.    10 more follow
//! ```

use super::lines::{self, Row};
use super::{header, users, words};
use crate::diagnosis::features::{State, is_all_asked};
use crate::run::event::{Ending, Settled, Skip};
use crate::run::{Run, RunVerdict, Status};
use crate::text;
use crate::tui::model::cause::Cause;
use crate::tui::model::list::{Panel, Selected};
use crate::tui::model::{Model, Phase};
use crate::tui::theme::{Look, Role};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

/// Draws the banner.
pub fn draw(model: &Model, area: Rect, buf: &mut Buffer) {
    let width = usize::from(area.width);
    let rows = usize::from(area.height);
    let lines = match &model.phase {
        Phase::Choosing => Vec::new(),
        Phase::Discovering => {
            vec![lines::plain(model.look, width, 1, "finding out about this node", Role::Plain)]
        }
        Phase::Unready(why) => {
            let mut lines = lines::paragraph(model.look, width, 1, why, Role::Strong);
            lines.push(lines::plain(model.look, width, 1, "q leaves.", Role::Plain));
            lines
        }
        Phase::Running(_) if model.run.about.is_none() => {
            vec![lines::plain(model.look, width, 1, "finding out about this node", Role::Plain)]
        }
        Phase::Running(_) => running(model, width, rows),
        Phase::Rest => finished(model, width, rows),
    };
    lines::draw(&lines, 0, area, buf);
}

fn running(model: &Model, width: usize, rows: usize) -> Vec<Line<'static>> {
    let look = model.look;
    let counts = Run::counts(&model.run.steps);
    let waiting = counts.all - counts.settled - counts.running;
    let head = format!(
        "{} of {} settled, {} running, {waiting} waiting",
        counts.settled, counts.all, counts.running
    );
    let mut lines = vec![lines::plain(look, width, 1, head, Role::Plain)];
    let waits = awaited(model);
    let spare = rows.saturating_sub(1);
    let found = model.causes.len().min(spare.div_ceil(2).max(1));
    let wait_rows = spare.saturating_sub(found).min(2);
    for (i, wait) in waits.iter().take(wait_rows).enumerate() {
        let label = if i == 0 { "waiting for" } else { "" };
        lines.push(Row::new(look, width).to(1).put(label, Role::Quiet).to(14).put(wait, Role::Plain).line());
    }
    lines.resize_with(1 + wait_rows, Line::default);
    for (i, cause) in model.causes.iter().take(found).enumerate() {
        let label = if i == 0 { "so far" } else { "" };
        let more = model.causes.len() - found;
        let more = if i + 1 == found && more > 0 { format!("and {more} more") } else { String::new() };
        let room = width.saturating_sub(16 + text::width(&more));
        let row = Row::new(look, width).to(1).put(label, Role::Quiet).to(12);
        let row = row.put(cause.letter.to_string(), Role::Cause).to(14);
        let row = row.fit(model.remedy(cause).message, room, Role::Plain);
        lines.push(row.right(more, width - 1, Role::Quiet).line());
    }
    lines
}

/// What running steps wait for, the same things together: `the answer: cloud, customers`.
fn awaited(model: &Model) -> Vec<String> {
    let mut waits: Vec<(&'static str, Vec<String>)> = Vec::new();
    for (step, state) in model.run.steps.iter().enumerate() {
        if state.status != Status::Running {
            continue;
        }
        let (_, words) = words::awaited(model, step);
        let place = state.plan.place.to_string();
        match waits.iter_mut().find(|(w, _)| *w == words) {
            Some((_, places)) if places.contains(&place) => {}
            Some((_, places)) => places.push(place),
            None => waits.push((words, vec![place])),
        }
    }
    waits.into_iter().map(|(words, places)| format!("{words} ({})", text::list(&places))).collect()
}

fn finished(model: &Model, width: usize, rows: usize) -> Vec<Line<'static>> {
    let look = model.look;
    let time = model.ended.map(|t| t.strftime("%H:%M:%S UTC").to_string()).unwrap_or_default();
    let row = Row::new(look, width).to(1);
    let room = width.saturating_sub(3 + text::width(&time));
    let row = row.fit(headline(model), room, Role::Strong);
    let mut lines = vec![row.right(time, width.saturating_sub(1), Role::Quiet).line()];
    if model.causes.is_empty() {
        lines.extend(proven(model, width, rows));
        return lines;
    }
    let spare = rows.saturating_sub(1);
    let heights = share(model.causes.len(), spare);
    for (i, (cause, height)) in model.causes.iter().zip(&heights).enumerate() {
        let hidden = model.causes.len() - heights.len();
        let last = i + 1 == heights.len() && hidden > 0;
        lines.extend(cause_lines(model, cause, width, *height, if last { hidden } else { 0 }));
    }
    lines
}

/// How many lines each cause gets; the ones without a line are counted at the last.
fn share(causes: usize, rows: usize) -> Vec<usize> {
    let most = if causes == 1 { rows.max(1) } else { 2 };
    let mut heights = vec![most; causes.min(rows)];
    while heights.iter().sum::<usize>() > rows {
        match heights.iter_mut().rev().find(|h| **h > 1) {
            Some(height) => *height -= 1,
            None => break,
        }
    }
    heights
}

/// The lines of one cause: its letter, its sentence, how many follow.
fn cause_lines(
    model: &Model,
    cause: &Cause,
    width: usize,
    height: usize,
    hidden: usize,
) -> Vec<Line<'static>> {
    let look = model.look;
    let selected = model.list.selected == Selected::Cause(cause.letter) && model.list.panel == Panel::List;
    let tail = match (hidden, cause.follow()) {
        (0, 0) => String::new(),
        (0, 1) => "1 more follows".to_owned(),
        (0, n) => format!("{n} more follow"),
        (n, _) => format!("and {n} more"),
    };
    let end = width.saturating_sub(1);
    let message = look.text(&model.remedy(cause).message).into_owned();
    let room = end.saturating_sub(3);
    let mut pieces = text::wrap(&message, room);
    let last_room = room.saturating_sub(text::width(&tail) + 2);
    if pieces.len() > height {
        let rest = pieces.split_off(height - 1).join(" ");
        pieces.push(look.cut(&rest, last_room));
    } else if pieces.len() == height
        && pieces.last().is_some_and(|p| text::width(p) > last_room)
        && !tail.is_empty()
    {
        let last = pieces.pop().unwrap_or_default();
        pieces.push(look.cut(&last, last_room));
    }
    let all = pieces.len();
    let tail_at = if height > 1 && all == 1 && text::width(&pieces[0]) > last_room { 1 } else { all - 1 };
    let mut lines = Vec::new();
    for at in 0..all.max(tail_at + 1) {
        let row = Row::new(look, width);
        let row = if at == 0 {
            mark(look, row, selected).to(1).put(cause.letter.to_string(), Role::Cause)
        } else {
            row
        };
        let piece = pieces.get(at).map_or("", String::as_str);
        let row = row.to(3).put(piece, if at == 0 { Role::Strong } else { Role::Plain });
        let row = if at == tail_at { row.right(&tail, end, Role::Quiet) } else { row };
        lines.push(row.line());
    }
    lines
}

/// The mark of the selection in column 1.
pub fn mark(look: Look, row: Row, selected: bool) -> Row {
    if selected { row.sign(look.pick("▌", ">"), Role::Live) } else { row }
}

/// The first sentence.
pub fn headline(model: &Model) -> String {
    let counts = Run::counts(&model.run.steps);
    let problems = |status: Status| matches!(status, Status::Fail | Status::Warn | Status::Blocked);
    let all = model.run.steps.iter().filter(|s| problems(s.status)).count();
    let is_explained = |step: &usize| {
        model.cause_of(*step).is_some() && model.run.steps.get(*step).is_some_and(|s| problems(s.status))
    };
    let explained = (0..model.run.steps.len()).filter(is_explained).count();
    let open = counts.error + counts.cancelled;
    if let Some(first) = model.causes.first() {
        let causes = text::count(model.causes.len(), "cause");
        let verb = if model.causes.len() == 1 { "explains" } else { "explain" };
        let what = match (explained == all, all) {
            (true, 1) => "the only problem".to_owned(),
            (true, n) => format!("all {n} problems"),
            (false, n) => format!("{explained} of {n} problems"),
        };
        let then = match (counts.fail, model.causes.len()) {
            (0, _) => " Nothing failed.".to_owned(),
            (_, 1) => String::new(),
            (_, _) => format!(" Mend {} first.", first.letter),
        };
        return format!("{causes} {verb} {what}.{then}");
    }
    match model.run.verdict() {
        _ if model.run.ending == Some(Ending::Cancelled) => {
            format!("Stopped. Nothing failed so far; {} reached no verdict.", text::count(open, "check"))
        }
        RunVerdict::Inconclusive if model.run.ending == Some(Ending::Deadline) => {
            let limit = model.run.about.as_ref().map_or(0, |a| a.deadline.as_secs());
            let checks = text::count(open, "check");
            format!("Nothing failed, but {checks} reached no verdict: the deadline of {limit} s came first.")
        }
        RunVerdict::Inconclusive => {
            format!("Nothing failed, but {} reached no verdict.", text::count(open, "check"))
        }
        RunVerdict::Fail | RunVerdict::Warn => "Something is wrong, and no cause is known.".to_owned(),
        RunVerdict::Pass if header::source(model).is_some() => {
            "GitLab's own tests found nothing; they look at less than Duo needs.".to_owned()
        }
        RunVerdict::Pass if is_ready(model) => {
            "Duo is ready on this node. Every way it needs is open.".to_owned()
        }
        RunVerdict::Pass => "Every way that was walked is open.".to_owned(),
    }
}

/// Whether every feature's way is open, and nothing that could stop one was left unasked.
fn is_ready(model: &Model) -> bool {
    let all_open = model.users.iter().all(|s| s.state == State::Open);
    all_open && !model.users.is_empty() && is_all_asked(&model.run)
}

/// Whether the banner says what was proven: the run is over, and nothing is wrong.
pub fn is_proven(model: &Model) -> bool {
    model.phase == Phase::Rest && model.causes.is_empty()
}

/// Below a healthy headline: what is up for users, what was not asked, what ends next, what does not apply.
fn proven(model: &Model, width: usize, rows: usize) -> Vec<Line<'static>> {
    let look = model.look;
    let label = |label: &str, text: String| {
        Row::new(look, width).to(1).put(label, Role::Quiet).to(13).fit(
            text,
            width.saturating_sub(14),
            Role::Plain,
        )
    };
    let mut lines: Vec<Line<'static>> = users::line(model, width).into_iter().collect();
    lines.extend(users::not_asked(model).map(|words| label("Not asked", words).line()));
    lines.extend(users::next_due_words(model).map(|words| label("Next due", words).line()));
    let left_out = left_out(model);
    if !left_out.is_empty() && lines.len() + 2 < rows {
        lines.push(label("Left out", left_out.join("; ")).line());
    }
    if rows > lines.len() + 1 {
        lines.insert(0, Line::default());
    }
    lines
}

/// What means nothing here, and why.
fn left_out(model: &Model) -> Vec<String> {
    let mut whys: Vec<String> = Vec::new();
    for state in &model.run.steps {
        if let Some(Settled::Skip { kind: Skip::NotApplicable, why, .. }) = &state.settled {
            let why = format!("{} ({why})", state.plan.title);
            if !whys.contains(&why) {
                whys.push(why);
            }
        }
    }
    whys
}
