//! The list of the demo's scenarios, and what the chosen one is about.
//!
//! ```text
//!  Demo: an instance, its cloud and a proxy on this machine, with one fault
//!  Nothing leaves loopback. Find the cause, mend it with f, check again.
//! ─ scenario ─────────────────────────────────────────────────────────── 2 of 64 ─
//!  Everything healthy
//! ▌Rails does not know the company CA            tls
//! ```

use super::footer;
use super::lines::{self, Row};
use crate::tui::model::{DemoEntry, Model};
use crate::tui::theme::Role;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// The scenarios that a search finds, as indexes.
pub fn found(demos: &[DemoEntry], search: &str) -> Vec<usize> {
    let search = search.to_lowercase();
    let words: Vec<&str> = search.split_whitespace().collect();
    let hit = |d: &DemoEntry| {
        let text = format!("{} {} {} {}", d.name, d.title, d.layer, d.about).to_lowercase();
        words.iter().all(|w| text.contains(w))
    };
    demos.iter().enumerate().filter(|(_, d)| hit(d)).map(|(i, _)| i).collect()
}

/// Draws the screen.
pub fn draw(model: &Model, chosen: usize, search: &str, area: Rect, buf: &mut Buffer) {
    let look = model.look;
    let width = usize::from(area.width);
    let one = |y: u16| Rect { y, height: 1, ..area };
    let head = "Demo: an instance, its cloud and a proxy on this machine, with one fault";
    lines::draw_one(&lines::plain(look, width, 1, head, Role::Strong), one(0), buf);
    let words = "Nothing leaves loopback. Find the cause, mend it with f, check again.";
    lines::draw_one(&lines::plain(look, width, 1, words, Role::Plain), one(1), buf);
    let found = found(&model.demos, search);
    let at = found.iter().position(|i| *i == chosen).unwrap_or(0);
    let count = format!("{} of {}", if found.is_empty() { 0 } else { at + 1 }, found.len());
    let label = if search.is_empty() { "scenario".to_owned() } else { format!("scenario: {search}") };
    lines::draw_one(&lines::rule(look, width, &label, &count), one(2), buf);
    let below: u16 = if area.height >= 20 { 7 } else { 3 };
    let rows = usize::from(area.height.saturating_sub(3 + below));
    let scroll = (at + 3).saturating_sub(rows).min(found.len().saturating_sub(rows));
    let layer_at = if width >= 80 { 48 } else { width.saturating_sub(12) };
    let line = |i: &usize| {
        let demo = &model.demos[*i];
        let row = Row::new(look, width);
        let row = if *i == chosen { row.sign(look.pick("▌", ">"), Role::Live) } else { row };
        let role = if *i == chosen { Role::Strong } else { Role::Plain };
        row.to(1)
            .fit(&demo.title, layer_at.saturating_sub(3), role)
            .to(layer_at)
            .put(&demo.layer, Role::Plain)
            .line()
    };
    let list: Vec<_> = found.iter().map(line).collect();
    lines::draw(&list, scroll, Rect { y: 3, height: u16::try_from(rows).unwrap_or(0), ..area }, buf);
    let more = lines::more(look, list.len(), scroll, rows);
    let mut y = area.bottom().saturating_sub(below);
    lines::draw_one(&lines::rule(look, width, "", &more), one(y), buf);
    y += 1;
    if let Some(demo) = found.get(at).and_then(|i| model.demos.get(*i)) {
        let causes = match demo.expects {
            0 => "You will see: no cause.".to_owned(),
            n => format!("You will see: {}.", crate::text::count(n, "cause")),
        };
        let mut about = lines::paragraph(look, width, 1, &demo.about, Role::Plain);
        about.truncate(2);
        if below >= 7 {
            about.insert(0, lines::plain(look, width, 1, &demo.title, Role::Strong));
            let shell = format!("{causes}  From the shell: duo-doctor demo {}", demo.name);
            about.push(lines::plain(look, width, 1, shell, Role::Plain));
        }
        let height = below.saturating_sub(2);
        lines::draw(&about, 0, Rect { y, height, ..area }, buf);
    }
    footer::draw(model, one(area.bottom() - 1), buf);
}
