//! The keys of the screen that help was called on, made from the key table, and the signs.
//!
//! ```text
//!  Keys here: overview                                            ? or Esc closes
//! ────────────────────────────────────────────────────────────────────────────────
//!  MOVE                      LOOK CLOSER               DO
//!  ↑ k        line up        Enter      open           r      run this again
//! ```

use super::footer;
use super::lines::{self, Row};
use crate::run::Status;
use crate::tui::keys::{Context, Section, TABLE};
use crate::tui::model::Model;
use crate::tui::theme::{self, Look, Role};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

/// Draws the help.
pub fn draw(model: &Model, context: Context, scroll: usize, area: Rect, buf: &mut Buffer) {
    let look = model.look;
    let width = usize::from(area.width);
    let one = |y: u16| Rect { y, height: 1, ..area };
    let row = Row::new(look, width).to(1).put(format!("Keys here: {}", name(context)), Role::Strong);
    lines::draw_one(&row.right("? or Esc closes", width.saturating_sub(1), Role::Quiet).line(), one(0), buf);
    lines::draw_one(&lines::rule(look, width, "", ""), one(1), buf);
    let page = page(look, context, width);
    let rows = area.height.saturating_sub(4);
    let skip = scroll.min(page.len().saturating_sub(usize::from(rows)));
    lines::draw(&page, skip, Rect { y: 2, height: rows, ..area }, buf);
    let more = lines::more(look, page.len(), skip, usize::from(rows));
    lines::draw_one(&lines::rule(look, width, "", &more), one(2 + rows), buf);
    footer::draw(model, one(area.bottom() - 1), buf);
}

/// How far the help can be scrolled.
pub fn most(model: &Model, context: Context) -> usize {
    let page = page(model.look, context, usize::from(model.size.0));
    page.len().saturating_sub(usize::from(model.size.1).saturating_sub(4))
}

fn name(context: Context) -> &'static str {
    match context {
        Context::List => "overview",
        Context::Drill => "a check",
        Context::Guide => "guide",
        Context::Routes => "routes out",
        Context::Doors => "doors in",
        Context::Demo => "demo",
        Context::Export => "export",
        Context::Filter => "filter",
        Context::Help => "help",
        Context::Quit => "leaving",
        Context::Token => "token",
        Context::Runner => "asking Rails",
        Context::Small => "small terminal",
    }
}

/// A column of the help: heads, and keys with their words.
type Column = Vec<(String, Option<&'static str>)>;

fn column(context: Context, sections: &[(Section, &str)]) -> Column {
    let mut column = Column::new();
    for (section, head) in sections {
        let rows = TABLE.iter().filter(|r| r.contexts.contains(&context));
        let keys: Vec<_> = rows
            .filter_map(|r| {
                r.help.filter(|(s, _)| s == section).map(|(_, words)| (r.name.to_owned(), Some(words)))
            })
            .collect();
        if keys.is_empty() {
            continue;
        }
        if !column.is_empty() {
            column.push((String::new(), None));
        }
        column.push(((*head).to_owned(), None));
        column.extend(keys);
    }
    column
}

fn page(look: Look, context: Context, width: usize) -> Vec<Line<'static>> {
    let columns = [
        column(context, &[(Section::Move, "MOVE"), (Section::Find, "FIND")]),
        column(context, &[(Section::Look, "LOOK CLOSER"), (Section::Program, "PROGRAM")]),
        column(context, &[(Section::Do, "DO")]),
    ];
    let mut lines = Vec::new();
    let put = |row: Row, at: usize, entry: &(String, Option<&'static str>)| match entry.1 {
        Some(words) => row.to(at).put(&entry.0, Role::Key).to(at + 7).fit(words, 18, Role::Plain),
        None => row.to(at).put(&entry.0, Role::Quiet),
    };
    if width >= 78 {
        for i in 0..columns.iter().map(Vec::len).max().unwrap_or(0) {
            let mut row = Row::new(look, width);
            for (column, at) in columns.iter().zip([1, 27, 53]) {
                if let Some(entry) = column.get(i) {
                    row = put(row, at, entry);
                }
            }
            lines.push(row.line());
        }
    } else {
        for entry in columns.iter().flatten() {
            lines.push(put(Row::new(look, width), 1, entry).line());
        }
    }
    lines.push(Line::default());
    lines.push(lines::rule(look, width, "signs", ""));
    lines.extend(signs(look, width));
    lines.push(Line::default());
    let words = "Exit codes: 0 fine, 1 failed, 3 unsure. More: duo-doctor explain";
    lines.extend(lines::paragraph(look, width, 1, words, Role::Plain));
    lines
}

fn signs(look: Look, width: usize) -> Vec<Line<'static>> {
    let all = [
        (Status::Pass, ""),
        (Status::Warn, ""),
        (Status::Fail, ""),
        (Status::Skip, ": not applicable or not asked"),
        (Status::Blocked, ": see its cause"),
        (Status::Running, ""),
        (Status::Pending, ""),
        (Status::Error, ": the check broke"),
        (Status::Cancelled, ": stopped"),
    ];
    let mut lines = Vec::new();
    let mut row = Row::new(look, width).to(1);
    for (status, about) in all {
        let words = format!("{}{about}", theme::word(status));
        if row.used() > 1 && row.used() + words.len() + 5 > width {
            lines.push(std::mem::replace(&mut row, Row::new(look, width).to(1)).line());
        }
        row = row.sign(look.sign(status), theme::role(status)).put(" ", Role::Plain);
        row = row.put(words, Role::Plain).put("   ", Role::Plain);
    }
    lines.push(row.line());
    let row = Row::new(look, width)
        .to(1)
        .put("A B C", Role::Cause)
        .put("  the causes, in the order to mend; ", Role::Plain);
    lines.push(row.put("a row with A is explained by A", Role::Plain).line());
    lines
}
