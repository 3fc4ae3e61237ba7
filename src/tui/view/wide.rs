//! What stands beside the list on wide screens: the details of the selection, and from 160 columns the ways
//! and this session; below a healthy list on narrow ones, the ways that were walked.
//!
//! ```text
//! ┬─────────────────────────────────────────────────────
//! │ certificate is trusted › cloud/rails   ✗ FAIL  31 ms
//! │ Rails does not know who signed this certificate.
//! ```

use super::lines::{self, Row};
use super::panes::Panes;
use super::{before, figure, hops, inward, mend, path, seen, told, users, ways, words};
use crate::check::Group;
use crate::run::RunVerdict;
use crate::text;
use crate::tui::model::Model;
use crate::tui::model::list::{self, Panel, Selected};
use crate::tui::theme::{self, Role};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

/// Draws what the panes have room for.
pub fn draw(model: &Model, panes: &Panes, buf: &mut Buffer) {
    if let Some(area) = panes.details {
        let area = Rect { x: area.x + 1, width: area.width.saturating_sub(1), ..area };
        let page = details(model, usize::from(area.width));
        let most = page.len().saturating_sub(usize::from(area.height));
        lines::draw(&page, model.list.details.min(most), area, buf);
        if model.list.panel == Panel::Details
            && let Some(cell) = buf.cell_mut((area.x - 1, area.y))
        {
            cell.set_symbol(model.look.pick("▌", ">")).set_style(model.look.style(Role::Live));
        }
    }
    let lacks = told::lacks(model, usize::from(panes.list.width));
    if !lacks.is_empty() {
        // Its first line says the most: it is shown where the others have no room.
        let rows = lacks.len().min(usize::from(left(model, panes)));
        below_list(model, panes, &lacks[..rows], buf);
        return;
    }
    if let Some(area) = panes.third {
        let area = Rect { x: area.x + 1, width: area.width.saturating_sub(1), ..area };
        lines::draw(&third(model, usize::from(area.width)), 0, area, buf);
    } else if let Some((area, ways)) = below(model, panes) {
        let width = usize::from(area.width);
        let mut page = vec![lines::rule(model.look, width, "the ways that were walked", "")];
        page.extend(ways);
        lines::draw(&page, 0, area, buf);
    }
}

/// Draws lines below the list, where it leaves room for all of them.
fn below_list(model: &Model, panes: &Panes, page: &[Line<'static>], buf: &mut Buffer) {
    let left = left(model, panes);
    if usize::from(left) >= page.len() {
        lines::draw(page, 0, Rect { y: panes.list.bottom() - left, height: left, ..panes.list }, buf);
    }
}

/// The rows that the list leaves.
fn left(model: &Model, panes: &Panes) -> u16 {
    let used = list::lines(model, usize::from(panes.list.height)).len();
    panes.list.height.saturating_sub(u16::try_from(used).unwrap_or(u16::MAX))
}

/// Whether the ways that were walked take the legend's line too: a healthy list needs none.
pub fn takes_the_legend(model: &Model, panes: &Panes) -> bool {
    below(model, panes).is_some_and(|(area, _)| panes.legend.is_some_and(|l| area.bottom() > l.y))
}

/// The ways that were walked, below a healthy list on a narrow screen, where there is room for all.
fn below(model: &Model, panes: &Panes) -> Option<(Rect, Vec<Line<'static>>)> {
    if panes.details.is_some() || !is_healthy(model) {
        return None;
    }
    let used = list::lines(model, usize::from(panes.list.height)).len();
    let left = usize::from(panes.list.height).checked_sub(used)?;
    let ways = walked(model, usize::from(panes.list.width));
    let needed = ways.len() + 1;
    let height = if needed > left { left + usize::from(panes.legend.is_some()) } else { left };
    let y = panes.list.y + u16::try_from(used).ok()?;
    let area = Rect { y, height: u16::try_from(height).ok()?, ..panes.list };
    (needed <= height).then_some((area, ways))
}

fn is_healthy(model: &Model) -> bool {
    !model.is_running() && model.run.about.is_some() && model.run.verdict() == RunVerdict::Pass
}

/// The step that the details are about: the selected one, a cause's first, a group's first problem.
fn subject(model: &Model) -> Option<usize> {
    match model.list.selected {
        Selected::Step(step) => Some(step),
        Selected::Cause(letter) => {
            let cause = model.causes.iter().find(|c| c.letter == letter)?;
            cause.root.shown_by.first().copied()
        }
        Selected::Group(group) => {
            let worst =
                model.run.group(group).max_by_key(|(i, s)| (theme::weight(s.status), std::cmp::Reverse(*i)));
            worst.map(|(i, _)| i)
        }
    }
}

/// The details: the check's head, what was seen, how to mend it, how it was before.
fn details(model: &Model, width: usize) -> Vec<Line<'static>> {
    let look = model.look;
    let Some((step, state)) = subject(model).and_then(|s| Some((s, model.run.steps.get(s)?))) else {
        return Vec::new();
    };
    let figure = figure::of(model, step);
    let word = theme::word(state.status);
    let tail = 2 + text::width(word) + if figure.is_empty() { 0 } else { 2 + text::width(&figure) };
    let end = width.saturating_sub(1);
    let head = format!("{} › {}", state.plan.title, state.plan.place);
    let row = Row::new(look, width).fit(head, end.saturating_sub(tail + 2), Role::Strong);
    let row = row.to(end.saturating_sub(tail)).sign(look.sign(state.status), theme::role(state.status));
    let row = row.put(" ", Role::Plain).put(word, theme::word_role(state.status));
    let row = if figure.is_empty() { row } else { row.put("  ", Role::Plain).put(figure, Role::Plain) };
    let mut page = vec![row.line()];
    page.splice(0..0, way_in(model, step, width));
    page.extend(lines::paragraph(look, width, 0, &words::sentence(model, step), Role::Plain));
    page.push(match model.cause_of(step) {
        Some(cause) => {
            let words = format!("because of {}", cause.letter);
            Row::new(look, width).right(words, end, Role::Quiet).line()
        }
        None => Line::default(),
    });
    page.extend(shifted(seen::lines(model, step, width)));
    if model.article(step).is_some() {
        page.push(lines::rule(look, width, "mend", ""));
        page.extend(shifted(mend::lines(model, step, width)));
    }
    if model.past.iter().any(|p| p.step == step) {
        page.push(lines::rule(look, width, "before", ""));
        page.extend(shifted(before::lines(model, step, width)));
    }
    page
}

/// The way in, in one line above the details of the group Inbound, where these do not show it larger.
fn way_in(model: &Model, step: usize, width: usize) -> Vec<Line<'static>> {
    let larger = model.run.steps.get(step).is_some_and(|s| hops::is_socket(&s.plan.check));
    if model.list.selected != Selected::Group(Group::Inbound) || larger {
        return Vec::new();
    }
    let path = hops::of(model, "cable");
    path.map(|path| shifted(vec![path::strip(model.look, &path, width), Line::default()])).unwrap_or_default()
}

/// The pane has a column of its own on the left: lines that begin with a blank lose it.
fn shifted(lines: Vec<Line<'static>>) -> Vec<Line<'static>> {
    let one = |mut line: Line<'static>| {
        if let Some(first) = line.spans.first_mut()
            && let Some(rest) = first.content.strip_prefix(' ')
        {
            first.content = rest.to_owned().into();
        }
        line
    };
    lines.into_iter().map(one).collect()
}

/// The third column: the ways out, the doors in, what is up for users, what ends next, this session.
fn third(model: &Model, width: usize) -> Vec<Line<'static>> {
    let look = model.look;
    let mut page = vec![lines::plain(look, width, 0, "out of this node", Role::Quiet), Line::default()];
    page.extend(ways::lines(model, width));
    page.push(lines::rule(look, width, "", ""));
    page.push(lines::plain(look, width, 0, "into this instance", Role::Quiet));
    page.push(Line::default());
    page.extend(inward::lines(model, width));
    page.push(lines::rule(look, width, "", ""));
    let users = users::column(model, width);
    if !users.is_empty() {
        page.extend(users);
        page.push(lines::rule(look, width, "", ""));
    }
    let due = users::next_due(model);
    if !due.is_empty() {
        page.push(lines::plain(look, width, 0, "next due", Role::Quiet));
        page.push(Line::default());
        for (at, what) in due {
            let row = Row::new(look, width).to(2).put(figure::day(at.as_second()), Role::Plain).to(20);
            page.push(row.put(what, Role::Plain).line());
        }
        page.push(lines::rule(look, width, "", ""));
    }
    page.push(lines::plain(look, width, 0, "this session", Role::Quiet));
    page.push(Line::default());
    for (at, words) in model.session.iter().rev().take(12) {
        let row = Row::new(look, width).to(2).put(figure::time(*at), Role::Quiet).to(12);
        page.push(row.put(words, Role::Plain).line());
    }
    page
}

/// The ways of a healthy run, two or three lines.
fn walked(model: &Model, width: usize) -> Vec<Line<'static>> {
    let mut lines = ways::lines(model, width);
    lines.extend(path::ribbon(model, width));
    lines
}
