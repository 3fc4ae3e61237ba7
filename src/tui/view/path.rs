//! The way in, drawn: the hops of one check in a line, ✗ on the piece between the last one that had the upgrade and
//! the first that lacked it, and below each door what it answered.
//!
//! ```text
//!    client ──────── Apache ───✗──── NGINX ──────── Workhorse ──────── Puma
//!                    2.4.57          bundled        18.9.1             cable
//!    door            public          nginx          workhorse
//!    answer          ✗ 400           ✓ 101, 9 ms    ✓ 101, 4 ms        ✓ welcome
//!    address         203.0.113.20    10.20.0.11     its socket
//! ```

use super::hops::{self, Hop, Path};
use super::lines::Row;
use crate::run::Status;
use crate::subject::place::Door;
use crate::text;
use crate::tui::model::{Model, doors};
use crate::tui::theme::{self, Look, Role};
use ratatui::text::Line;

/// Pieces longer than this hold nothing together.
const WIDEST: usize = 118;

/// Below this many columns doors stand below each other.
const NARROW: usize = 64;

/// Where things stand across the picture.
struct Columns {
    label: usize,
    hops: Vec<usize>,
    /// Columns that an answer or an address may take.
    room: usize,
}

impl Columns {
    fn of(path: &Path, width: usize) -> Self {
        let (label, first) = if width >= 80 { (3, 19) } else { (1, 11) };
        let count = path.hops.len().saturating_sub(1).max(1);
        let last = path.hops.last().map_or(0, |hop| {
            let answer = answer(hop).map_or(0, |(_, words)| 2 + text::width(words));
            text::width(&hop.name).max(text::width(&hop.about)).max(answer)
        });
        let span = width.min(WIDEST).saturating_sub(first + last + 1);
        let each = if count > 1 { span / (count - 1) } else { span };
        let hops = std::iter::once(label).chain((0..count).map(|i| first + i * each)).collect();
        Self { label, hops, room: each.saturating_sub(1) }
    }
}

fn answer(hop: &Hop) -> Option<&(Status, String)> {
    hop.answer.as_ref()
}

/// The picture of a check's way in, with the doors that take no part. Empty: it is asked at no door.
pub fn lines(model: &Model, check: &str, width: usize) -> Vec<Line<'static>> {
    let Some(path) = hops::of(model, check) else { return Vec::new() };
    let mut lines = if width < NARROW { short(model, &path, width) } else { large(model, &path, width) };
    lines.extend(missing(model, check, width));
    lines
}

/// The picture without addresses and names of doors, for a screen that has both elsewhere.
pub fn bare(model: &Model, check: &str, width: usize) -> Vec<Line<'static>> {
    let Some(path) = hops::of(model, check) else { return Vec::new() };
    if width < NARROW {
        return vec![strip(model.look, &path, width)];
    }
    let columns = Columns::of(&path, width);
    vec![
        names(model.look, &path, &columns, width),
        abouts(model.look, &path, &columns, width),
        answers(model.look, &path, &columns, width),
    ]
}

fn large(model: &Model, path: &Path, width: usize) -> Vec<Line<'static>> {
    let look = model.look;
    let columns = Columns::of(path, width);
    let rows = [
        names(look, path, &columns, width),
        abouts(look, path, &columns, width),
        row(look, path, &columns, width, "door", |hop, _| hop.door.map(|d| d.to_string())),
        answers(look, path, &columns, width),
        row(look, path, &columns, width, "address", |hop, room| {
            hop.door.map(|d| hops::short_address(model, d, look, room))
        }),
    ];
    rows.into_iter().filter(|row| row.spans.len() > 2).collect()
}

/// The hops, and the line between them.
fn names(look: Look, path: &Path, columns: &Columns, width: usize) -> Line<'static> {
    let mut row = Row::new(look, width);
    for (i, (hop, at)) in path.hops.iter().zip(&columns.hops).enumerate() {
        if i > 0 {
            let from = row.used() + 1;
            let piece = at.saturating_sub(from + 1).max(1);
            row = line(look, row.put(" ", Role::Plain), piece, path.break_before(i)).put(" ", Role::Plain);
        }
        let is_last = i + 1 == path.hops.len();
        row = row.to(*at);
        if let Some(how) = path.break_at_the_end().filter(|_| is_last) {
            row = row.sign(look.sign(how), theme::role(how)).put(" ", Role::Plain);
        }
        row = row.put(parts(hop, if is_last { width } else { columns.room }).0, Role::Strong);
    }
    row.line()
}

/// Columns that a piece of the line takes at least, with the blanks around it.
const PIECE: usize = 5;

/// A hop's name and what stands below it. Of a long name only the first word stands on the line: the rest goes below.
fn parts(hop: &Hop, room: usize) -> (String, String) {
    let most = (room + 1).saturating_sub(PIECE);
    match hop.name.split_once(' ') {
        Some((first, rest)) if text::width(&hop.name) > most => {
            (first.to_owned(), format!("{rest} {}", hop.about).trim_end().to_owned())
        }
        Some(_) | None => (hop.name.clone(), hop.about.clone()),
    }
}

/// A piece of the line, broken or whole.
fn line(look: Look, row: Row, size: usize, broken: Option<Status>) -> Row {
    let dash = look.pick("─", "-");
    let Some(how) = broken else { return row.put(dash.repeat(size), Role::Quiet) };
    let before = size.saturating_sub(1) / 2;
    let row = row.put(dash.repeat(before), Role::Quiet).sign(look.sign(how), theme::role(how));
    row.put(dash.repeat(size.saturating_sub(before + 1)), Role::Quiet)
}

fn abouts(look: Look, path: &Path, columns: &Columns, width: usize) -> Line<'static> {
    row(look, path, columns, width, "", |hop, room| Some(parts(hop, room).1))
}

fn answers(look: Look, path: &Path, columns: &Columns, width: usize) -> Line<'static> {
    let mut row = Row::new(look, width).to(columns.label).put("answer", Role::Quiet);
    for (hop, at) in path.hops.iter().zip(&columns.hops) {
        if let Some((status, words)) = answer(hop) {
            row = row.to(*at).sign(look.sign(*status), theme::role(*status)).put(" ", Role::Plain);
            row = row.fit(words, columns.room.saturating_sub(2), Role::Plain);
        }
    }
    row.line()
}

fn row(
    look: Look,
    path: &Path,
    columns: &Columns,
    width: usize,
    label: &str,
    words: impl Fn(&Hop, usize) -> Option<String>,
) -> Line<'static> {
    let mut row = Row::new(look, width).to(columns.label).put(label, Role::Quiet);
    for (hop, at) in path.hops.iter().zip(&columns.hops) {
        if let Some(words) = words(hop, columns.room).filter(|w| !w.is_empty()) {
            row = row.to(*at).fit(
                words,
                columns.room,
                if label.is_empty() { Role::Quiet } else { Role::Plain },
            );
        }
    }
    row.line()
}

/// The hops in one line, and a line for each door below.
fn short(model: &Model, path: &Path, width: usize) -> Vec<Line<'static>> {
    let look = model.look;
    let mut lines = vec![strip(look, path, width)];
    for hop in &path.hops {
        let (Some(door), Some((status, words))) = (hop.door, answer(hop)) else { continue };
        let row = Row::new(look, width).to(1).put(door.as_str(), Role::Quiet).to(11);
        let row = row.sign(look.sign(*status), theme::role(*status)).put(" ", Role::Plain);
        let row = row.fit(words, 12, Role::Plain).to(26);
        lines.push(
            row.put(hops::short_address(model, door, look, width.saturating_sub(26)), Role::Plain).line(),
        );
    }
    lines
}

/// The hops in one line, in the longest form that fits: `client ── Apache ─✗─ NGINX ── Workhorse ── Puma`.
pub fn strip(look: Look, path: &Path, width: usize) -> Line<'static> {
    let size = |names: &[&str], piece: usize| {
        names.iter().map(|name| text::width(name)).sum::<usize>()
            + names.len().saturating_sub(1) * (piece + 2)
            + 2
    };
    let full: Vec<&str> = path.hops.iter().map(|h| h.name.as_str()).collect();
    let brief: Vec<&str> = full.iter().map(|n| n.split(' ').next().unwrap_or(n)).collect();
    // Of long names the first word, before the line itself is given up.
    let all = if size(&full, 3) <= width { &full } else { &brief };
    let inner = all.get(1..).unwrap_or_default();
    // A break before the first door can only be drawn with the client.
    let forms = if path.break_before(1).is_some() {
        [(0, 4), (0, 3), (0, 1), (0, 1)]
    } else {
        [(0, 4), (0, 3), (1, 3), (1, 1)]
    };
    let fits = |(from, piece): &&(usize, usize)| size(if *from == 0 { all } else { inner }, *piece) <= width;
    let (from, piece) = *forms.iter().find(fits).unwrap_or(&forms[3]);
    let mut row = Row::new(look, width).to(1);
    for (i, name) in all.iter().enumerate().skip(from) {
        if i > from {
            row = line(look, row.put(" ", Role::Plain), piece, path.break_before(i)).put(" ", Role::Plain);
        }
        if let Some(how) = path.break_at_the_end().filter(|_| i + 1 == all.len()) {
            row = row.sign(look.sign(how), theme::role(how));
        }
        row = row.put(name, Role::Plain);
    }
    row.line()
}

/// The way in for Action Cable in two lines, names and answers: `in    client ──── Apache 2.4.57 ──── NGINX`.
pub fn ribbon(model: &Model, width: usize) -> Vec<Line<'static>> {
    const START: usize = 7;
    let look = model.look;
    let Some(path) = hops::of(model, "cable") else { return Vec::new() };
    let client = client(model);
    let cells: Vec<(String, Option<(Status, String)>)> = path
        .hops
        .iter()
        .enumerate()
        .map(|(i, hop)| {
            let version = if hop.door == Some(Door::Public) { hop.about.as_str() } else { "" };
            let name = format!("{} {version}", hop.name);
            (name.trim_end().to_owned(), if i == 0 { client.clone() } else { hop.answer.clone() })
        })
        .collect();
    let wide = |(name, answer): &(String, Option<(Status, String)>)| {
        text::width(name).max(answer.as_ref().map_or(0, |(_, words)| 2 + text::width(words)))
    };
    let all: usize = cells.iter().map(wide).sum();
    let fits = |piece: &usize| START + all + (cells.len() - 1) * (piece + 2) < width;
    let Some(piece) = [4, 2].into_iter().find(fits) else {
        return vec![Row::new(look, width).to(1).put("in", Role::Quiet).line(), strip(look, &path, width)];
    };
    let mut names = Row::new(look, width).to(1).put("in", Role::Quiet);
    let mut below = Row::new(look, width);
    let mut at = START;
    for (i, cell) in cells.iter().enumerate() {
        if i > 0 {
            let size = at.saturating_sub(names.used() + 2);
            names = line(look, names.put(" ", Role::Plain), size, path.break_before(i)).put(" ", Role::Plain);
        }
        names = names.to(at).put(&cell.0, Role::Plain);
        if let Some((status, words)) = &cell.1 {
            below = below.to(at).sign(look.sign(*status), theme::role(*status));
            below = below.put(" ", Role::Plain).put(words, Role::Plain);
        }
        at += wide(cell) + piece + 2;
    }
    vec![names.line(), below.line()]
}

/// Whether clients come to the door at all, and trust what it shows.
fn client(model: &Model) -> Option<(Status, String)> {
    let checks =
        ["reach", "certificate"].iter().filter_map(|check| doors::step(&model.run, check, Door::Public));
    let states = checks.filter_map(|s| model.run.steps.get(s)).map(|s| s.status);
    let worst = states.max_by_key(|s| theme::weight(*s))?;
    let scheme =
        model.run.about.as_ref().and_then(|a| a.instance.as_deref()).and_then(|i| i.split_once("://"));
    Some((worst, scheme.map_or_else(|| "https".to_owned(), |(scheme, _)| text::foreign(scheme))))
}

/// Doors that take no part, with the reason: `not here  nginx: nginx['enable'] = false`.
pub fn missing(model: &Model, check: &str, width: usize) -> Vec<Line<'static>> {
    let (label, value) = label_and_value(width);
    let mut lines = Vec::new();
    for (i, (doors, why)) in doors::missing(&model.run, check).into_iter().enumerate() {
        let names: Vec<&str> = doors.iter().map(|d: &Door| d.as_str()).collect();
        let given = format!("{}: {}", names.join(", "), text::escape(&why, 400));
        let shown = model.look.text(&given).into_owned();
        for (n, line) in text::wrap(&shown, width.saturating_sub(value + 1)).into_iter().enumerate() {
            let row = Row::new(model.look, width).to(label);
            let row = if i + n == 0 { row.put("left out", Role::Quiet) } else { row };
            lines.push(row.to(value).put(line, Role::Plain).line());
        }
    }
    lines
}

fn label_and_value(width: usize) -> (usize, usize) {
    if width >= 80 { (3, 19) } else { (1, 11) }
}
