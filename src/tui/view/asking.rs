//! What is asked for so that more is known: a token, a word to ask Rails. Each says what is gained, what it costs,
//! and what happens without.
//!
//! ```text
//!  ┌─ A token tells more ───────────────────────────────────────────────────────┐
//!  │ 21 of 62 checks wait for one, in Instance, Synchronization and Inbound.    │
//!  │ Without a token they are skipped, and said to be skipped.                  │
//!  │                                                                            │
//!  │ Token   ********************_                                              │
//! ```

use super::boxed::{self, Part};
use super::export::size;
use super::lines::Row;
use crate::check::{Group, Want};
use crate::subject::runner;
use crate::text;
use crate::tui::model::Model;
use crate::tui::model::asking::{Call, can_take_a_token, waiting};
use crate::tui::model::dialog::{Reading, TokenField};
use crate::tui::theme::Role;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// As many letters of a secret are shown as stars, so that its length is not told.
const STARS: usize = 20;

/// Where the words behind a label begin: of the token's, of the question's.
const TOKEN: usize = 10;
const RAILS: usize = 12;

/// Words at a column, wrapped; the first line may have a label.
fn words(model: &Model, at: usize, label: &str, given: &str, role: Role, spare: u8) -> Vec<Part> {
    let width = boxed::width(model);
    let shown = model.look.text(given).into_owned();
    let wrapped = text::wrap(&shown, width.saturating_sub(at + 2).max(1));
    let line = |(i, words): (usize, &String)| {
        let row = boxed::start(model.look, width).to(2);
        let row = if i == 0 { row.put(label, Role::Quiet) } else { row };
        Part { row: row.to(at).put(words, role), spare }
    };
    wrapped.iter().enumerate().map(line).collect()
}

fn blank(model: &Model) -> Part {
    Part { row: boxed::start(model.look, boxed::width(model)), spare: 3 }
}

/// The groups of the checks that wait.
fn groups(model: &Model, is_met: impl Fn(Want) -> bool) -> String {
    let waiting = waiting(model, is_met);
    let has_one = |g: &Group| waiting.iter().any(|s| s.plan.group == *g);
    let titles: Vec<&str> = Group::ALL.into_iter().filter(has_one).map(Group::title).collect();
    text::list(&titles)
}

/// Draws the field for a token.
pub(super) fn token(model: &Model, field: &TokenField, area: Rect, buf: &mut Buffer) {
    let width = boxed::width(model);
    let waits = waiting(model, Want::is_met_by_a_token).len();
    let all = model.run.steps.len();
    let gain = match waits {
        0 => "No check of this run waits for one.".to_owned(),
        n => {
            let verb = if n == 1 { "waits" } else { "wait" };
            let groups = groups(model, Want::is_met_by_a_token);
            format!("{n} of {} {verb} for one, in {groups}.", text::count(all, "check"))
        }
    };
    let mut parts = words(model, 2, "", &gain, Role::Plain, 2);
    if waits > 0 {
        let without = "Without a token they are skipped, and said to be skipped.";
        parts.extend(words(model, 2, "", without, Role::Plain, 2));
    }
    parts.push(blank(model));
    let stars = "*".repeat(field.token.letters().min(STARS));
    let row = boxed::start(model.look, width).to(2).put("Token", Role::Quiet).to(TOKEN);
    parts.push(Part { row: row.put(stars, Role::Strong).put("_", Role::Live), spare: 0 });
    if let Some(wrong) = field.wrong {
        parts.push(warning(model, wrong));
    }
    for hint in [
        "an administrator's, scope read_api (Admin Mode: admin_mode too); api adds the exchange and the agent's \
         WebSocket",
        "stays in memory, is never written, printed or exported",
    ] {
        parts.extend(words(model, TOKEN, "", hint, Role::Plain, 1));
    }
    parts.push(blank(model));
    let instance = model.run.about.as_ref().and_then(|a| a.instance.clone()).unwrap_or_default();
    let how = match &model.offer.token {
        Some(hint) => vec![hint.clone()],
        None => vec![
            format!("Make one: Edit profile › Access tokens, on {instance}"),
            "Or start with DUO_DOCTOR_TOKEN set, or --token-file (mode 0600).".to_owned(),
        ],
    };
    parts.extend(how.iter().flat_map(|line| words(model, 2, "", line, Role::Plain, 2)));
    boxed::draw(model, "A token tells more", parts, area, buf);
}

fn warning(model: &Model, wrong: &str) -> Part {
    let row = boxed::start(model.look, boxed::width(model)).to(TOKEN - 2).sign("! ", Role::Warn);
    Part { row: row.to(TOKEN).put(wrong, Role::Plain), spare: 0 }
}

/// Draws the question to Rails, or its Ruby.
pub(super) fn rails(model: &Model, reading: Reading, area: Rect, buf: &mut Buffer) {
    match (reading, &model.offer.runner) {
        (Reading::Script(at), _) => script(model, at, area, buf),
        (Reading::Question, Some(call)) => question(model, call, area, buf),
        (Reading::Question, None) => {}
    }
}

fn question(model: &Model, call: &Call, area: Rect, buf: &mut Buffer) {
    let width = boxed::width(model);
    let waits = waiting(model, Want::is_met_by_the_runner).len();
    let verb = if waits == 1 { "needs" } else { "need" };
    let gain = format!(
        "{} {verb} what only Rails knows. This would run once, on this node:",
        text::count(waits, "check")
    );
    let mut parts = words(model, 2, "", &gain, Role::Plain, 0);
    parts.push(blank(model));
    let lines = format!("({} of Ruby, v shows)", text::count(runner::lines(), "line"));
    let row = boxed::start(model.look, width).to(2);
    if text::width(&call.command) + text::width(&lines) + 6 <= width {
        let row = row.put(&call.command, Role::Strong).right(lines, width - 2, Role::Quiet);
        parts.push(Part { row, spare: 0 });
    } else {
        parts.extend(words(model, 2, "", &call.command, Role::Strong, 0));
        parts.extend(words(model, 2, "", &lines, Role::Quiet, 2));
    }
    parts.push(blank(model));
    let either = |want: Want| want == Want::TokenOrRunner;
    let free = call.free.map_or_else(
        || "Free memory: not said by this node.".to_owned(),
        |free| format!("Free now: {}.", gigabytes(free)),
    );
    let limit = runner::LIMIT.as_secs();
    let costs = "one Rails start: often 10 to 60 s and about 1 GB of memory.";
    let mut labelled = vec![
        ("Reads", "licence kind and dates, sync times, token expiry, Duo settings".to_owned(), 1),
        ("Never", "writes, or prints a token, a secret or a prompt".to_owned(), 1),
        ("Costs", format!("{costs} {free} It is stopped after {limit} s."), 0),
    ];
    let instead = waiting(model, either).len();
    if instead > 0 && can_take_a_token(model) {
        labelled.push(("Instead", format!("a token (t) tells {instead} of the {waits}"), 2));
    }
    for (label, given, spare) in labelled {
        parts.extend(words(model, RAILS, label, &given, Role::Plain, spare));
    }
    let row: Row = boxed::start(model.look, width).to(2).put("Run it now?   ", Role::Strong);
    let row = row.put("y", Role::Key).put(" yes   ", Role::Plain).put("n", Role::Key);
    parts.push(Part { row: row.put(format!(" no, leave the {waits} unknown"), Role::Plain), spare: 0 });
    boxed::draw(model, "One question to Rails", parts, area, buf);
}

/// `5.2 GB`, or smaller units where it is less.
fn gigabytes(bytes: u64) -> String {
    match bytes {
        0..1_000_000_000 => size(bytes),
        _ => format!("{}.{} GB", bytes / 1_000_000_000, bytes % 1_000_000_000 / 100_000_000),
    }
}

/// How many lines of the Ruby are shown at once.
pub fn script_rows(model: &Model) -> usize {
    boxed::rows(model)
}

fn script(model: &Model, at: usize, area: Rect, buf: &mut Buffer) {
    let width = boxed::width(model);
    let rows = script_rows(model);
    let line = |text: &str| {
        let row = boxed::start(model.look, width).to(2).fit(text, width.saturating_sub(4), Role::Plain);
        Part { row, spare: 0 }
    };
    let parts = runner::SCRIPT.lines().skip(at).take(rows).map(line).collect();
    let to = (at + rows).min(runner::lines());
    let label = format!("the Ruby that Rails is asked with, lines {} to {to} of {}", at + 1, runner::lines());
    boxed::draw(model, &label, parts, area, buf);
}
