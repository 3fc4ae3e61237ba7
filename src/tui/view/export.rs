//! The export dialog: what, how much hidden, where, and the text as it will be written.
//!
//! ```text
//!  ┌─ Export ───────────────────────────────────────────────────────────────────┐
//!  │ Format   [Markdown]  HTML  JSON  JSONL  text                               │
//!  │ Redact   [share]  full          secrets never leave, in either             │
//!  │ Where    duo-2026-11-22.md_                                                │
//!  │          mode 0600, 6.1 KB, never over an existing file                    │
//!  ├─ as it will be written ────────────────────────────────────────────────────┤
//! ```

use super::boxed::{edge, side};
use super::footer;
use super::lines::{self, Row};
use crate::report::{Format, Redaction};
use crate::text;
use crate::tui::model::Model;
use crate::tui::model::dialog::{Export, Field, Outcome, Way, Writing};
use crate::tui::theme::{Look, Role};
use crate::tui::update::FORMATS;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

fn name(format: Format) -> &'static str {
    match format {
        Format::Markdown => "Markdown",
        Format::Html => "HTML",
        Format::Json => "JSON",
        Format::Jsonl => "JSONL",
        Format::Text => "text",
        Format::Gitlab => "GitLab",
    }
}

/// Draws the dialog below the header's first line.
pub fn draw(model: &Model, export: &Export, area: Rect, buf: &mut Buffer) {
    let look = model.look;
    let frame =
        Rect { x: 1, y: 1, width: area.width.saturating_sub(2), height: area.height.saturating_sub(2) };
    let one = |y: u16| Rect { y, height: 1, ..area };
    footer::draw(model, one(area.bottom().saturating_sub(1)), buf);
    if frame.width < 12 || frame.height < 6 {
        let row = Row::new(look, usize::from(area.width)).to(1).put("Where ", Role::Quiet);
        lines::draw_one(&row.put(export.path.value(), Role::Strong).line(), one(1), buf);
        return;
    }
    let width = usize::from(frame.width);
    let mut lines =
        vec![edge(look, width, "┌", "┐", if export.what == Writing::Snippet { "Write" } else { "Export" })];
    for line in fields(model, export, width) {
        lines.push(line);
    }
    lines.push(edge(look, width, "├", "┤", "as it will be written"));
    let notes = notes(export);
    let tail = 1 + if notes.is_empty() || frame.height < 14 { 0 } else { 1 + notes.len() };
    let rows = usize::from(frame.height).saturating_sub(lines.len() + tail);
    let text = export.text.as_deref().unwrap_or("");
    let all = text.lines().count();
    let shown: Vec<&str> = text.lines().skip(export.scroll).take(rows).collect();
    for i in 0..rows {
        let mut row = Row::new(look, width).sign(look.pick("│", "|"), Role::Plain).to(2);
        let last = i + 1 == rows;
        let more = if last { lines::more(look, all, export.scroll, rows) } else { String::new() };
        let room = width.saturating_sub(4 + text::width(&more));
        let line = if export.text.is_none() && i == 0 { "…" } else { shown.get(i).copied().unwrap_or("") };
        row = row.fit(text::escape(line, 400), room, Role::Plain);
        lines.push(side(look, width, row.right(more, width - 2, Role::Quiet)));
    }
    if tail > 1 {
        lines.push(edge(look, width, "├", "┤", ""));
        for note in notes {
            let row =
                Row::new(look, width).sign(look.pick("│", "|"), Role::Plain).to(2).put(note, Role::Quiet);
            lines.push(side(look, width, row));
        }
    }
    lines.push(edge(look, width, "└", "┘", ""));
    lines::draw(&lines, 0, frame, buf);
}

/// `[Markdown]  HTML  JSON`: the chosen one in brackets, bold where the field has the focus.
fn choices(mut row: Row, all: &[(&str, bool)], focus: bool) -> Row {
    for (name, chosen) in all {
        row = match (chosen, focus) {
            (true, true) => row.put(format!("[{name}]"), Role::Strong),
            (true, false) => row.put(format!("[{name}]"), Role::Plain),
            (false, _) => row.put(*name, Role::Plain),
        };
        row = row.put("  ", Role::Plain);
    }
    row
}

fn fields(model: &Model, export: &Export, width: usize) -> Vec<Line<'static>> {
    let look = model.look;
    let start = |field: Field, label: &str| {
        let row = Row::new(look, width).sign(look.pick("│", "|"), Role::Plain);
        let focus = export.field == field && !matches!(export.outcome, Outcome::Written(..));
        let row = if focus { row.sign(look.pick("▌", ">"), Role::Live) } else { row };
        row.to(2).put(label, Role::Quiet).to(11)
    };
    let mut lines = Vec::new();
    if let Writing::Report { format, redaction } = export.what {
        let formats = FORMATS.map(|f| (name(f), f == format));
        let row = choices(start(Field::Format, "Format"), &formats, export.field == Field::Format);
        lines.push(side(look, width, row));
        let levels = [("share", redaction == Redaction::Share), ("full", redaction == Redaction::Full)];
        let row = choices(start(Field::Redaction, "Redact"), &levels, export.field == Field::Redaction);
        let row = row.to(34).put("secrets never leave, in either", Role::Quiet);
        lines.push(side(look, width, row));
    }
    let room = width.saturating_sub(15);
    let value = export.path.value();
    let skip = export.path.visual_scroll(room);
    let shown: String = value.chars().skip(skip).collect();
    let row = start(Field::Path, "Where").fit(shown, room, Role::Strong);
    let row = if export.field == Field::Path { row.put("_", Role::Live) } else { row };
    lines.push(side(look, width, row));
    let start = || Row::new(look, width).sign(look.pick("│", "|"), Role::Plain);
    match &export.outcome {
        Outcome::Open => {
            let words = match &export.text {
                Some(text) => format!("mode 0600, {}, never over an existing file", size(text.len() as u64)),
                None => "the text is being made".to_owned(),
            };
            lines.push(side(look, width, start().to(11).fit(words, room, Role::Quiet)));
        }
        Outcome::Failed(why) => lines.extend(said(look, width, ("! ", Role::Warn), why, Role::Plain)),
        Outcome::Exists(why, way) => {
            lines.extend(said(look, width, ("! ", Role::Warn), why, Role::Plain));
            let beside = format!("keep it, write {}", crate::tui::update::beside(value));
            let all = [
                (beside.as_str(), *way == Way::Beside),
                ("write over it", *way == Way::Over),
                ("another name", *way == Way::Rename),
            ];
            let row = start().to(9);
            let row = if export.field == Field::Conflict {
                row.sign(look.pick("▌", ">"), Role::Live)
            } else {
                row
            };
            lines.push(side(look, width, choices(row.to(11), &all, export.field == Field::Conflict)));
        }
        Outcome::Written(path, bytes) => {
            let words = format!("Written to {path}, {}, mode 0600.", size(*bytes));
            lines.extend(said(look, width, (look.pick("✓ ", "+ "), Role::Good), &words, Role::Strong));
        }
    }
    lines
}

/// What came of writing, behind its sign: whole, for a path that is cut leads nowhere.
fn said(look: Look, width: usize, sign: (&'static str, Role), words: &str, role: Role) -> Vec<Line<'static>> {
    let shown = look.text(words).into_owned();
    let wrapped = text::wrap(&shown, width.saturating_sub(15).max(1));
    let line = |(i, words): (usize, String)| {
        let row = Row::new(look, width).sign(look.pick("│", "|"), Role::Plain).to(9);
        let row = if i == 0 { row.sign(sign.0, sign.1) } else { row };
        side(look, width, row.to(11).put(words, role))
    };
    wrapped.into_iter().enumerate().map(line).collect()
}

/// What Enter does, in the footer.
pub fn enter(model: &Model) -> Option<&'static str> {
    match &model.dialog {
        Some(crate::tui::model::dialog::Dialog::Export(Export { outcome: Outcome::Written(..), .. })) => {
            Some("write again")
        }
        _ => None,
    }
}

/// `6.1 KB`
pub fn size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} bytes"),
        1_000..1_000_000 => format!("{}.{} KB", bytes / 1_000, bytes % 1_000 / 100),
        _ => format!("{}.{} MB", bytes / 1_000_000, bytes % 1_000_000 / 100_000),
    }
}

fn notes(export: &Export) -> Vec<&'static str> {
    match export.what {
        Writing::Report { redaction: Redaction::Share, .. } => vec![
            "Hidden for share: names, e-mail addresses, internal hosts and addresses.",
            "Kept: GitLab's public names, public issuers, versions, timings, findings.",
        ],
        Writing::Report { redaction: Redaction::Full, .. } => {
            vec!["Nothing is hidden but secrets: host names and addresses stay."]
        }
        Writing::Snippet => Vec::new(),
    }
}
