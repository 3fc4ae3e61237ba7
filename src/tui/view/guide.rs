//! The guide: the causes in the order to mend them, one step unfolded.
//!
//! ```text
//!  Guide › cause A of A, B › the company CA is missing from Rails' store    02:51
//!  We think so because  …
//!  Solved when          …
//! ────────────────────────────────────────────────────────────────────────────────
//!  [x] 1 Compare the root with what your network team publishes             02:49
//! ▌[>] 2 Give GitLab the certificate that the operating system already has
//! ```

use super::lines::{self, Row};
use super::{figure, footer, groups, mend};
use crate::remedy::Article;
use crate::run::{Status, StepState};
use crate::text;
use crate::tui::model::{Guide, Model};
use crate::tui::theme::{self, Role};
use crate::tui::update::{is_solved, next_cause};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

/// Draws the screen.
pub fn draw(model: &Model, guide: &Guide, area: Rect, buf: &mut Buffer) {
    let look = model.look;
    let width = usize::from(area.width);
    let one = |y: u16| Rect { y, height: 1, ..area };
    let article = model.remedy(&guide.cause);
    let mut letters: Vec<String> = model.causes.iter().map(|c| c.letter.to_string()).collect();
    if !model.causes.iter().any(|c| c.letter == guide.cause.letter) {
        letters.insert(0, guide.cause.letter.to_string());
    }
    let head = format!("Guide › cause {} of {} › {}", guide.cause.letter, letters.join(", "), article.title);
    let time = model.now.strftime("%H:%M").to_string();
    let row = Row::new(look, width).to(1).fit(head, width.saturating_sub(9), Role::Strong);
    lines::draw_one(&row.right(time, width.saturating_sub(1), Role::Quiet).line(), one(0), buf);
    let top = verdict(model, guide, width);
    lines::draw(&top, 0, Rect { y: 1, height: 2, ..area }, buf);
    lines::draw_one(&lines::rule(look, width, "", ""), one(3), buf);
    let (page, at) = page(model, guide, &article, width);
    let rows = area.height.saturating_sub(6);
    let shown = usize::from(rows);
    let most = page.len().saturating_sub(shown);
    let skip = (at.saturating_sub(shown / 3) + guide.scroll).min(most);
    let skip = if page.len() <= shown { 0 } else { skip };
    lines::draw(&page, skip, Rect { y: 4, height: rows, ..area }, buf);
    let more = lines::more(look, page.len(), skip, shown);
    lines::draw_one(&lines::rule(look, width, "", &more), one(4 + rows), buf);
    footer::draw(model, one(area.bottom() - 1), buf);
}

/// How far the guide can be scrolled.
pub fn most(model: &Model, guide: &Guide) -> usize {
    let article = model.remedy(&guide.cause);
    let (page, _) = page(model, guide, &article, usize::from(model.size.0));
    page.len().saturating_sub(usize::from(model.size.1).saturating_sub(6))
}

/// Two lines: why we think so and when it is solved, or what checking again said.
fn verdict(model: &Model, guide: &Guide, width: usize) -> Vec<Line<'static>> {
    let look = model.look;
    let own = model.cause_of_letter(guide.cause.letter);
    if let (Some(at), false) = (guide.checked, model.is_running()) {
        if is_solved(model) {
            let steps = guide.cause.steps();
            let pass = steps.iter().filter(|s| status(model, **s) == Some(Status::Pass)).count();
            let words = format!("Solved. Of {}, {pass} pass.", text::count(steps.len(), "check"));
            let row = Row::new(look, width).to(1).sign(look.sign(Status::Pass), Role::Good).to(3);
            let next = match next_cause(model) {
                Some(next) => format!("Next   {}  {}", next.letter, model.remedy(next).message),
                None => "No cause is left.".to_owned(),
            };
            return vec![
                row.put(words, Role::Strong).line(),
                lines::plain(look, width, 3, next, Role::Plain),
            ];
        }
        let row = Row::new(look, width).to(1).sign(look.sign(Status::Fail), Role::Bad).to(3);
        let words = format!("Not solved yet. Checked {}.", figure::time(at));
        let same =
            if own.is_some() { "The same was seen again." } else { "It could not be checked to the end." };
        return vec![row.put(words, Role::Strong).line(), lines::plain(look, width, 3, same, Role::Plain)];
    }
    let steps: Vec<String> =
        guide.cause.root.shown_by.iter().filter_map(|s| model.run.steps.get(*s)).map(StepState::id).collect();
    let line = |label: &str, text: String| {
        Row::new(look, width).to(1).put(label, Role::Quiet).to(22).put(text, Role::Plain).line()
    };
    let verb = if steps.len() == 1 { "passes" } else { "pass" };
    let then = match guide.cause.follow() {
        0 => String::new(),
        1 => ", then the one that waits".to_owned(),
        n => format!(", then the {n} that wait"),
    };
    vec![
        line("We think so because", model.remedy(&guide.cause).message),
        line("Solved when", format!("{} {verb}{then}.", text::list(&steps))),
    ]
}

fn status(model: &Model, step: usize) -> Option<Status> {
    model.run.steps.get(step).map(|s| s.status)
}

/// The steps, the current one unfolded, and the last check; also the line at which the current step stands.
fn page(model: &Model, guide: &Guide, article: &Article, width: usize) -> (Vec<Line<'static>>, usize) {
    let look = model.look;
    let mut lines = Vec::new();
    let mut at = 0;
    let steps = article.steps();
    let all: usize = steps.iter().map(|s| s.snippets().len()).sum();
    let mut number = 0;
    for (i, step) in steps.iter().enumerate() {
        let current = i == guide.step;
        let done = model.ticks.get(&(guide.cause.letter, i));
        let mark = match (done, current) {
            (Some(_), _) => "[x]",
            (None, true) => "[>]",
            (None, false) => "[ ]",
        };
        if current {
            at = lines.len();
        }
        let time = done.map(|t| t.strftime("%H:%M").to_string()).unwrap_or_default();
        let shown = look.text(&step.text).into_owned();
        let mut pieces = text::wrap(&shown, width.saturating_sub(15));
        if !current && pieces.len() > 1 {
            pieces = vec![look.cut(&shown, width.saturating_sub(15))];
        }
        for (n, piece) in pieces.iter().enumerate() {
            let row = Row::new(look, width);
            let row = if n == 0 && current { row.sign(look.pick("▌", ">"), Role::Live) } else { row };
            let row = if n == 0 {
                row.to(1).put(mark, Role::Key).to(5).put((i + 1).to_string(), Role::Plain)
            } else {
                row
            };
            let row =
                row.to(7 + usize::from(i > 8)).put(piece, if current { Role::Strong } else { Role::Plain });
            let row = if n == 0 { row.right(&time, width.saturating_sub(1), Role::Quiet) } else { row };
            lines.push(row.line());
        }
        if current {
            lines.extend(mend::rest(look, width, step, &mut number, all));
        } else {
            number += step.snippets().len();
        }
    }
    lines.extend(last_check(model, guide, width));
    lines.push(lines::rule(look, width, "how to know that it is mended", ""));
    lines.extend(mend::blocks(look, width, 1, &article.verify));
    lines.push(lines::rule(look, width, "not it", ""));
    lines.extend(mend::blocks(look, width, 1, &article.not_it));
    for link in &article.docs {
        lines.push(Row::new(look, width).to(1).put(link, Role::Link).line());
    }
    (lines, at)
}

/// The checks of the cause as they stand.
fn last_check(model: &Model, guide: &Guide, width: usize) -> Vec<Line<'static>> {
    let look = model.look;
    let time = guide.checked.or(model.ended).map(figure::time).unwrap_or_default();
    let head = if model.is_running() { "checking".to_owned() } else { format!("last check {time}") };
    let mut lines = vec![lines::rule(look, width, &head, "")];
    let steps = guide.cause.steps();
    let statuses: Vec<Status> = steps.iter().filter_map(|s| status(model, *s)).collect();
    let mut row = Row::new(look, width).to(1);
    for status in groups::cells(&statuses, 18) {
        row = row.sign(look.cell(status), theme::role(status));
    }
    row = row.put("  ", Role::Plain);
    for step in guide.cause.root.shown_by.iter().take(3) {
        let Some(state) = model.run.steps.get(*step) else { continue };
        row = row.put(" ", Role::Plain).sign(look.sign(state.status), theme::role(state.status));
        row = row.put(" ", Role::Plain).put(state.id(), Role::Plain).put("  ", Role::Plain);
    }
    if guide.cause.follow() > 0 {
        row = row.put(format!("{} more wait for them", guide.cause.follow()), Role::Quiet);
    }
    lines.push(row.line());
    lines
}
