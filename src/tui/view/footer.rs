//! The last line: the keys of the moment, the next likely step first, help and the way out last; and the legend
//! of the bars.
//!
//! ```text
//!  Enter open   g guide   R failed again   e export   / filter   ? keys   q quit
//! ```

use super::lines::{self, Row};
use crate::check::Want;
use crate::run::Status;
use crate::text;
use crate::tui::keys::{self, Action, Context};
use crate::tui::model::dialog::Dialog;
use crate::tui::model::{Model, asking};
use crate::tui::theme::{self, Role};
use crate::tui::update::can;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// Draws the keys, or the note of the moment in their place.
pub fn draw(model: &Model, area: Rect, buf: &mut Buffer) {
    let width = usize::from(area.width);
    if let Some(note) = &model.note {
        lines::draw_one(&lines::plain(model.look, width, 1, note, Role::Strong), area, buf);
        return;
    }
    let context = model.context();
    if let (Context::Filter, Some(Dialog::Filter(input))) = (context, &model.dialog) {
        let row = Row::new(model.look, width).to(1).put("/", Role::Key).put(input.value(), Role::Strong);
        let row = row.put("_", Role::Live);
        let keys = "Enter keep   Esc clear";
        let hint = "also place:cloud  is:fail  code:tls  cause:a";
        let room = width.saturating_sub(row.used() + text::width(keys) + 7);
        let row =
            if text::width(hint) <= room { row.put("   ", Role::Plain).put(hint, Role::Quiet) } else { row };
        lines::draw_one(&row.put("   ", Role::Plain).put(keys, Role::Plain).line(), area, buf);
        return;
    }
    let most = if width >= 160 { 10 } else { 7 };
    let shown: Vec<(String, String)> = chosen(model, context, width.saturating_sub(2), most);
    let mut row = Row::new(model.look, width).to(1);
    for (i, (name, words)) in shown.iter().enumerate() {
        if i > 0 {
            row = row.put("   ", Role::Plain);
        }
        row = row.put(name, Role::Key).put(" ", Role::Plain).put(words, Role::Plain);
    }
    lines::draw_one(&row.line(), area, buf);
}

/// The actions that fit, in the order of the table; the last two always stay.
fn chosen(model: &Model, context: Context, room: usize, most: usize) -> Vec<(String, String)> {
    let entry = |action: &Action| {
        let row = keys::row_of(context, *action)?;
        let words = words(model, context, *action).unwrap_or(row.footer);
        Some((row.name.to_owned(), words.to_owned()))
    };
    // A token can always be given; it is named where a check waits for one.
    let waits = !asking::waiting(model, Want::is_met_by_a_token).is_empty();
    let likely = |a: &&Action| can(model, **a) && (**a != Action::Token || waits);
    let all: Vec<&Action> = keys::footer(context).iter().filter(likely).collect();
    let (body, fixed) = all.split_at(all.len().saturating_sub(2));
    let fixed: Vec<_> = fixed.iter().filter_map(|a| entry(a)).collect();
    let size =
        |(name, words): &(String, String)| text::width(&model.look.text(name)) + 1 + text::width(words) + 3;
    let mut left = room.saturating_sub(fixed.iter().map(size).sum::<usize>().saturating_sub(3));
    let mut shown = Vec::new();
    for entry in body.iter().filter_map(|a| entry(a)) {
        if shown.len() + fixed.len() >= most || size(&entry) > left {
            continue;
        }
        left -= size(&entry);
        shown.push(entry);
    }
    shown.extend(fixed);
    shown
}

/// Words that depend on how things stand.
fn words(model: &Model, context: Context, action: Action) -> Option<&'static str> {
    match (context, action) {
        (_, Action::Mend) if model.fault.as_ref().is_some_and(|f| f.mended) => Some("break it again"),
        (_, Action::Mend) => Some("mend it"),
        (Context::Export, Action::Open) => super::export::enter(model),
        _ => None,
    }
}

/// What the signs in the bars mean.
pub fn legend(model: &Model, area: Rect, buf: &mut Buffer) {
    let look = model.look;
    let mut row = Row::new(look, usize::from(area.width)).to(1).put("a cell is a check ", Role::Quiet);
    let states = [
        Status::Pass,
        Status::Fail,
        Status::Warn,
        Status::Blocked,
        Status::Skip,
        Status::Running,
        Status::Pending,
    ];
    for status in states {
        let word = if status == Status::Fail { "fail" } else { theme::word(status) };
        row = row.put("  ", Role::Plain).sign(look.cell(status), theme::role(status)).put(" ", Role::Plain);
        row = row.put(word, Role::Quiet);
    }
    lines::draw_one(&row.line(), area, buf);
}
