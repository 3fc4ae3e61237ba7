//! The way into the instance from top to bottom, in the third column of wide screens.
//!
//! ```text
//!   client    https and wss, as browsers and IDEs do
//!     │
//!     │       203.0.113.20       https ✓  h2 ✓   22 ms
//!   Apache    2.4.57, by its Server header
//!     │
//!     ✗ B     the upgrade goes in here and does not come out
//!     │
//!   NGINX     10.20.0.11         101 ✓  9 ms   ping 3.0 s
//! ```

use super::hops::{self, Hop};
use super::lines::{self, Row};
use super::lost::{Lost, Piece};
use super::{figure, path, product, words};
use crate::finding::Code;
use crate::run::{Status, StepState};
use crate::subject::place::Door;
use crate::text;
use crate::tui::model::{Model, doors};
use crate::tui::theme::{self, Role};
use ratatui::text::Line;

/// Where names, the line below them, addresses and figures stand.
const NAME: usize = 2;
const DOWN: usize = 4;
const ADDRESS: usize = 12;
const FIGURES: usize = 31;

/// The way in for Action Cable, top to bottom. Without a check of it: what is known of the doors.
pub fn lines(model: &Model, width: usize) -> Vec<Line<'static>> {
    let look = model.look;
    let Some(way) = hops::of(model, "cable") else {
        let nowhere = if model.run.about.as_ref().is_some_and(|a| a.instance.is_none()) {
            "No instance is known, so no door is tried."
        } else {
            "Nothing is asked at a door."
        };
        return lines::paragraph(look, width, NAME, nowhere, Role::Quiet);
    };
    let down = || Row::new(look, width).to(DOWN).put(look.pick("│", "|"), Role::Quiet);
    let mut page = Vec::new();
    for (i, hop) in way.hops.iter().enumerate() {
        if i > 0 {
            page.push(down().line());
        }
        if let Some(lost) = way.lost.filter(|l| l.on == Piece::Before(i)) {
            page.extend(broken(model, lost, width));
            page.push(down().line());
        }
        if hop.door == Some(Door::Public) {
            page.push(at_the_door(model, Door::Public, down()));
        }
        page.extend(of_hop(model, hop, i, width));
    }
    if let Some(lost) = way.lost.filter(|l| l.on == Piece::AtTheEnd) {
        page.extend(broken(model, lost, width));
    }
    page.extend(path::missing(model, "cable", width));
    page
}

/// A hop's own line.
fn of_hop(model: &Model, hop: &Hop, number: usize, width: usize) -> Vec<Line<'static>> {
    let row = Row::new(model.look, width).to(NAME).put(&hop.name, Role::Strong);
    let line = match hop.door {
        _ if number == 0 => row.to(ADDRESS).put("https and wss, as browsers and IDEs do", Role::Quiet).line(),
        Some(Door::Public) => {
            let by = product::of(model, Door::Public).filter(|p| p.name == hop.name).map(|p| p.by);
            let parts =
                [Some(hop.about.as_str()), by.as_deref()].into_iter().flatten().filter(|t| !t.is_empty());
            let about = parts.collect::<Vec<_>>().join(", ");
            let about =
                if hop.name == "?" { "what ends the connection here is not known".to_owned() } else { about };
            let mut lines = vec![row.to(ADDRESS).put(about, Role::Quiet).line()];
            let passes = hop.answer.as_ref().is_some_and(|(status, _)| *status == Status::Pass);
            if passes {
                let down = Row::new(model.look, width).to(DOWN).put(model.look.pick("│", "|"), Role::Quiet);
                lines.push(socket(model, Door::Public, hop, down.to(FIGURES)).line());
            }
            return lines;
        }
        Some(door) => {
            let address = hops::short_address(model, door, model.look, FIGURES - ADDRESS - 1);
            socket(model, door, hop, row.to(ADDRESS).put(address, Role::Plain).to(FIGURES)).line()
        }
        None => {
            let row = row.to(ADDRESS).put(&hop.about, Role::Quiet);
            let health = Door::ALL.iter().rev().find_map(|d| state(model, "health", *d));
            match health.filter(|_| hop.name == "Puma") {
                Some(state) => signed(model, row.to(FIGURES), "health", state).line(),
                None => row.line(),
            }
        }
    };
    vec![line]
}

/// What the public door says before anything is upgraded.
fn at_the_door(model: &Model, door: Door, row: Row) -> Line<'static> {
    let address = hops::short_address(model, door, model.look, FIGURES - ADDRESS - 1);
    let mut row = row.to(ADDRESS).put(address, Role::Plain).to(FIGURES);
    for (check, word) in [("certificate", "https"), ("http2", "h2")] {
        if let Some(state) = state(model, check, door) {
            row = signed(model, row, word, state).put("  ", Role::Plain);
        }
    }
    match doors::step(&model.run, "reach", door) {
        Some(step) => row.put(figure::of(model, step), Role::Plain).line(),
        None => row.line(),
    }
}

/// `101 ✓  9 ms   ping 3.0 s`
fn socket(model: &Model, door: Door, hop: &Hop, row: Row) -> Row {
    let look = model.look;
    let Some((status, words)) = &hop.answer else { return row };
    // A figure alone stands behind its sign, as everywhere.
    let alone = if *status == Status::Pass { ("", words.as_str()) } else { (words.as_str(), "") };
    let (code, took) = words.split_once(", ").unwrap_or(alone);
    let row = if code.is_empty() { row } else { row.put(code, Role::Plain).put(" ", Role::Plain) };
    let mut row = row.sign(look.sign(*status), theme::role(*status));
    if !took.is_empty() {
        row = row.put(if code.is_empty() { " " } else { "  " }, Role::Plain).put(took, Role::Plain);
    }
    match state(model, "pings", door) {
        Some(state) if state.status == Status::Pass => {
            let step = doors::step(&model.run, "pings", door).unwrap_or_default();
            row.put(format!("   ping {}", figure::of(model, step)), Role::Plain)
        }
        Some(state) if state.status != Status::Blocked => {
            signed(model, row.put("   ", Role::Plain), "ping", state)
        }
        Some(_) | None => row,
    }
}

fn state<'a>(model: &'a Model, check: &str, door: Door) -> Option<&'a StepState> {
    model.run.steps.get(doors::step(&model.run, check, door)?)
}

fn signed(model: &Model, row: Row, word: &str, state: &StepState) -> Row {
    let row = row.put(word, Role::Plain).put(" ", Role::Plain);
    row.sign(model.look.sign(state.status), theme::role(state.status))
}

/// The piece on which the upgrade was lost, and why.
fn broken(model: &Model, Lost { step, how, .. }: Lost, width: usize) -> Vec<Line<'static>> {
    let look = model.look;
    let Some(state) = model.run.steps.get(step) else { return Vec::new() };
    let stripped = state.findings().first().is_some_and(|f| f.code == Code::WebsocketUpgradeStripped);
    let said = if stripped {
        "the upgrade goes in here and does not come out".to_owned()
    } else {
        words::short(model, step)
    };
    let shown = look.text(&said).into_owned();
    let mut lines = Vec::new();
    for (i, words) in text::wrap(&shown, width.saturating_sub(ADDRESS + 1)).into_iter().take(2).enumerate() {
        let mut row = Row::new(look, width).to(DOWN);
        if i == 0 {
            row = row.sign(look.sign(how), theme::role(how));
            if let Some(cause) = model.cause_of(step) {
                row = row.put(" ", Role::Plain).put(cause.letter.to_string(), Role::Cause);
            }
        } else {
            row = row.put(look.pick("│", "|"), Role::Quiet);
        }
        lines.push(row.to(ADDRESS).put(words, Role::Plain).line());
    }
    lines
}
