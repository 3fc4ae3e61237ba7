//! The doors into the instance: what each says to each question, the way in with the hop at fault, and below what is
//! known of the cell that is looked at.
//!
//! ```text
//!  Doors into gitlab.example.com                           3 doors, 6 questions
//!  door       reach      https, h2  health     cable      pings      agent socket
//!  public     ✓ 22 ms    ✓ h2       –         ▌✗ 400 B    └ B        ✗ 403 B
//!
//!    client ──────── Apache ───✗──── NGINX ──────── Workhorse ──────── Puma
//!
//! ─ public, /-/cable takes the upgrade ───────────────────────── ✗ FAIL, cause B ─
//!  at        203.0.113.20:443, known by external_url
//! ```

use super::lines;
use super::{entrance, footer, frame, grid, hops, path};
use crate::run::Status;
use crate::subject::place::Door;
use crate::text;
use crate::tui::model::Model;
use crate::tui::model::doors::{self, Asked, At};
use crate::tui::theme::{self, Role};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

/// Draws the doors; `None`: there is none to look at.
pub fn draw(model: &Model, at: Option<At>, area: Rect, buf: &mut Buffer) {
    let width = usize::from(area.width);
    let one = |up: u16| Rect { y: area.bottom().saturating_sub(up), height: 1, ..area };
    footer::draw(model, one(1), buf);
    let Some(at) = at.or_else(|| At::first(&model.run, None)) else {
        let mut page = head(model, width);
        page.extend(lines::paragraph(model.look, width, 1, nowhere(model), Role::Plain));
        let height = area.height.saturating_sub(1);
        lines::draw(&page, 0, Rect { height, ..area }, buf);
        return;
    };
    let mut above = above(model, at, width);
    let rows = usize::from(area.height).saturating_sub(above.len() + below(area.height));
    let page = entrance::lines(model, at, width);
    let skip = at.scroll.min(page.len().saturating_sub(rows));
    let has_rule = below(area.height) == 3;
    let hidden = if has_rule { 0 } else { page.len().saturating_sub(skip + rows) };
    above.push(divider(model, at, width, hidden));
    lines::draw(&above, 0, area, buf);
    let row = |n: usize| area.y + u16::try_from(n).unwrap_or(u16::MAX).min(area.height);
    let (top, bottom) = (row(above.len()), row(above.len() + rows));
    lines::draw(&page, skip, Rect { y: top, height: bottom - top, ..area }, buf);
    if has_rule {
        let more = lines::more(model.look, page.len(), skip, rows);
        lines::draw_one(&lines::rule(model.look, width, "", &more), one(2), buf);
    }
}

/// Why there is nothing to look at.
fn nowhere(model: &Model) -> &'static str {
    if model.run.about.as_ref().is_some_and(|a| a.instance.is_none()) {
        "No instance is known, so there is no door to try. --instance-url https://gitlab.example.com names it; on a node of GitLab its external_url does."
    } else {
        "Nothing was asked at a door of this instance."
    }
}

/// Head, matrix and the way in, as far as the height allows.
fn above(model: &Model, at: At, width: usize) -> Vec<Line<'static>> {
    let height = model.size.1;
    let mut above = head(model, width);
    above.extend(grid::lines(model, at, width));
    if height >= 20 {
        let way = path::bare(model, check(model, at), width);
        if !way.is_empty() {
            above.push(Line::default());
            above.extend(way);
        }
    }
    if height >= 28 {
        above.push(Line::default());
    }
    above
}

/// The check whose way in is drawn: the cell's own where it is a WebSocket's, and something was asked of it.
fn check(model: &Model, at: At) -> &'static str {
    let is_asked = |check| {
        let asked = |door: &Door| {
            let state = doors::step(&model.run, check, *door).and_then(|s| model.run.steps.get(s));
            state.is_some_and(|s| s.status != Status::Skip)
        };
        Door::ALL.iter().any(asked)
    };
    match at.asked {
        Asked::Pings if is_asked("pings") => "pings",
        Asked::Socket if is_asked("workflow-socket") => "workflow-socket",
        Asked::Reach | Asked::Https | Asked::Health | Asked::Cable | Asked::Pings | Asked::Socket => "cable",
    }
}

/// The divider, the footer, and the rule above it where there is room.
fn below(height: u16) -> usize {
    if height >= 16 { 3 } else { 2 }
}

/// How many lines of the details fit.
pub fn rows(model: &Model, at: At) -> usize {
    let (width, height) = model.size;
    usize::from(height).saturating_sub(above(model, at, usize::from(width)).len() + below(height))
}

/// How far the details can be scrolled.
pub fn most(model: &Model, at: At) -> usize {
    entrance::lines(model, at, usize::from(model.size.0)).len().saturating_sub(rows(model, at))
}

/// The title, what the screen is about, and a rule, as far as the height allows.
fn head(model: &Model, width: usize) -> Vec<Line<'static>> {
    let url = model.run.about.as_ref().and_then(|a| a.instance.as_deref());
    let name = url.map_or("this instance", |u| u.split_once("://").map_or(u, |(_, rest)| rest));
    let title = format!("Doors into {}", text::foreign(name));
    let (all, asked) = (doors::doors(&model.run).len(), doors::asked(&model.run).len());
    let counts = format!("{}, {}", text::count(all, "door"), text::count(asked, "question"));
    let about = "Which doors are open, from the outermost to the innermost, and where the way in is lost.";
    frame::head(model, &title, counts, (model.size.1 >= 28).then_some(about), width)
}

/// The rule above the details: which cell it is, and how it stands.
fn divider(model: &Model, at: At, width: usize, hidden: usize) -> Line<'static> {
    let worst = at.worst(&model.run);
    let state = worst.and_then(|s| model.run.steps.get(s));
    let words = state.map_or("not asked", |s| theme::word(s.status));
    let title = state.map_or(at.asked.name(), |s| s.plan.title.as_str());
    let forms = [format!("{}, {title}", at.door), format!("{}, {}", at.door, at.asked.name())];
    let name = |room| {
        let form = forms.iter().find(|f| text::width(f) <= room).unwrap_or(&forms[1]);
        model.look.cut(form, room)
    };
    frame::divider(model, worst, words, name, width, hidden)
}

/// The cell, the way in and the details for the clipboard.
pub fn copied(model: &Model, at: At) -> String {
    let mut lines = vec![format!("{} at {}", at.asked.name(), at.door)];
    if let Some(path) = hops::of(model, check(model, at)) {
        let names: Vec<String> = (path.hops.iter().enumerate())
            .map(|(i, hop)| {
                let lost = if path.break_before(i).is_some() { "(lost here) " } else { "" };
                let answer = hop.answer.as_ref().map(|(s, w)| format!(" [{} {w}]", theme::word(*s)));
                format!("{lost}{}{}", hop.name, answer.unwrap_or_default())
            })
            .collect();
        lines.push(format!("  way in   {}", names.join(" -> ")));
    }
    lines.extend(entrance::copied(model, at));
    lines.join("\n") + "\n"
}
