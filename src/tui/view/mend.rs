//! What a finding means and what to do: the article, filled in with what was found. Snippets stand bare in
//! column 1, between two rules: what a mouse marks can be run.
//!
//! ```text
//! ─ snippet 1 of 2, shell ────────────────────────────────────── y copy  w write ─
//! gitlab-ctl reconfigure && gitlab-ctl restart sidekiq
//! ────────────────────────────────────────────────────────────────────────────────
//! ```

use super::lines::{self, Row};
use crate::remedy::markdown::{self, Block};
use crate::remedy::{Article, FixStep};
use crate::run::Status;
use crate::text;
use crate::tui::model::Model;
use crate::tui::theme::{Look, Role};
use ratatui::text::Line;

/// The lines of the face Mend.
pub fn lines(model: &Model, step: usize, width: usize) -> Vec<Line<'static>> {
    let look = model.look;
    if let Some(article) = model.article(step) {
        return page(look, &article, width);
    }
    let status = model.run.steps.get(step).map(|s| s.status);
    let words = match (status, model.cause_of(step)) {
        (Some(Status::Blocked), Some(cause)) => {
            format!("Nothing to mend here: this waits for cause {}. Key c goes there.", cause.letter)
        }
        (Some(Status::Blocked), None) => "Nothing to mend here: what this needs comes first.".to_owned(),
        (Some(Status::Pass), _) => "Nothing to mend: the promise holds.".to_owned(),
        _ => "Nothing to mend is known for this.".to_owned(),
    };
    lines::paragraph(look, width, 1, &words, Role::Plain)
}

/// A whole article.
pub fn page(look: Look, article: &Article, width: usize) -> Vec<Line<'static>> {
    let mut lines = before_steps(look, article, width);
    for step in steps(look, article, width) {
        lines.extend(step);
    }
    for (label, text) in [("seen", &article.seen), ("proven", &article.verify), ("not it", &article.not_it)] {
        lines.push(Line::default());
        lines.push(lines::rule(look, width, label, ""));
        lines.extend(blocks(look, width, 1, text));
    }
    if !article.docs.is_empty() {
        lines.push(Line::default());
    }
    for (i, link) in article.docs.iter().enumerate() {
        let label = if i == 0 { "docs" } else { "" };
        let row = Row::new(look, width).to(1).put(label, Role::Quiet).to(10).put(link, Role::Link);
        lines.push(row.line());
    }
    lines
}

/// What stops for users, and why this happens.
fn before_steps(look: Look, article: &Article, width: usize) -> Vec<Line<'static>> {
    let mut lines = lines::paragraph(look, width, 1, &article.means, Role::Plain);
    lines.push(Line::default());
    lines.extend(blocks(look, width, 1, &article.cause));
    lines.push(Line::default());
    lines
}

/// The lines of each step.
fn steps(look: Look, article: &Article, width: usize) -> Vec<Vec<Line<'static>>> {
    let steps = article.steps();
    let all: usize = steps.iter().map(|s| s.snippets().len()).sum();
    let mut number = 0;
    let mut one = |(i, step): (usize, &FixStep)| {
        let mut lines = numbered(look, width, i + 1, &step.text);
        lines.extend(rest(look, width, step, &mut number, all));
        lines
    };
    steps.iter().enumerate().map(&mut one).collect()
}

/// The first step of which something is on the screen when so many lines are scrolled past: its snippet is the
/// one that is copied.
pub fn step_at(look: Look, article: &Article, width: usize, scroll: usize) -> usize {
    let mut end = before_steps(look, article, width).len();
    let ends = steps(look, article, width).into_iter().map(|s| {
        end += s.len();
        end
    });
    ends.take_while(|end| *end <= scroll).count()
}

fn numbered(look: Look, width: usize, number: usize, given: &str) -> Vec<Line<'static>> {
    let shown = look.text(given).into_owned();
    let indent = 3 + usize::from(number > 9);
    let wrapped = text::wrap(&shown, width.saturating_sub(indent + 1));
    let line = |(i, text): (usize, String)| {
        let row = Row::new(look, width).to(1);
        let row = if i == 0 { row.put(number.to_string(), Role::Strong) } else { row };
        row.to(indent).put(text, Role::Plain).line()
    };
    wrapped.into_iter().enumerate().map(line).collect()
}

/// What stands behind a step's first paragraph: notes and snippets.
pub fn rest(look: Look, width: usize, step: &FixStep, number: &mut usize, all: usize) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    let mut open = false;
    for block in &step.rest {
        match block {
            Block::Paragraph(text) => {
                close(look, width, &mut lines, &mut open);
                lines.extend(lines::paragraph(look, width, 3, text, Role::Plain));
            }
            Block::Item { text, .. } => {
                close(look, width, &mut lines, &mut open);
                lines.extend(item(look, width, 3, text));
            }
            Block::Code { language, text } => {
                *number += 1;
                lines.extend(snippet(look, width, language, text, (*number, all)));
                open = text.lines().all(|l| text::width(l) <= width);
            }
        }
    }
    close(look, width, &mut lines, &mut open);
    lines
}

/// The rule behind a snippet; between two snippets the next one's head is enough.
fn close(look: Look, width: usize, lines: &mut Vec<Line<'static>>, open: &mut bool) {
    if std::mem::replace(open, false) {
        lines.push(lines::rule(look, width, "", ""));
    }
}

/// A snippet, bare and uncut; where the pane is narrower it only says that there is one.
fn snippet(look: Look, width: usize, language: &str, given: &str, of: (usize, usize)) -> Vec<Line<'static>> {
    let fits = given.lines().all(|l| text::width(l) <= width);
    let count = given.lines().count();
    if !fits {
        let words = format!("a snippet of {}: y copy  w write", text::count(count, "line"));
        let mut lines = vec![lines::plain(look, width, 3, words, Role::Quiet)];
        lines.extend(given.lines().map(|l| lines::plain(look, width, 3, l, Role::Plain)));
        return lines;
    }
    let which = if of.1 > 1 { format!(" {} of {}", of.0, of.1) } else { String::new() };
    let mut lines = vec![lines::rule(look, width, &format!("snippet{which}, {language}"), "y copy  w write")];
    lines.extend(given.lines().map(|l| lines::plain(look, width, 0, l, Role::Plain)));
    lines
}

fn item(look: Look, width: usize, indent: usize, given: &str) -> Vec<Line<'static>> {
    let mut lines = lines::paragraph(look, width, indent + 2, given, Role::Plain);
    if let Some(first) = lines.first_mut() {
        let shown = look.text(given).into_owned();
        let text =
            text::wrap(&shown, width.saturating_sub(indent + 3)).into_iter().next().unwrap_or_default();
        *first = Row::new(look, width).to(indent).put("- ", Role::Quiet).put(text, Role::Plain).line();
    }
    lines
}

/// Markdown as lines.
pub fn blocks(look: Look, width: usize, indent: usize, source: &str) -> Vec<Line<'static>> {
    let mut lines: Vec<Line<'static>> = Vec::new();
    for (i, block) in markdown::blocks(source).into_iter().enumerate() {
        match block {
            Block::Paragraph(text) => {
                if i > 0 {
                    lines.push(Line::default());
                }
                lines.extend(lines::paragraph(look, width, indent, &text, Role::Plain));
            }
            Block::Item { number: Some(number), text } => {
                lines.extend(numbered(look, width, usize::try_from(number).unwrap_or(0), &text));
            }
            Block::Item { number: None, text } => lines.extend(item(look, width, indent, &text)),
            Block::Code { text, .. } => {
                lines.extend(text.lines().map(|l| lines::plain(look, width, 0, l, Role::Plain)));
            }
        }
    }
    lines
}
