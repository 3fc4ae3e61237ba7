//! What each door says to each question: a row for each door, outermost first.
//!
//! ```text
//!  door       reach      https, h2  health     cable      pings      agent socket
//!  public     ✓ 22 ms    ✓ h2       –         ▌✗ 400 B    └ B        ✗ 403 B
//!  nginx      ✓ 3.0 ms   –          ✓ 2.1 ms   ✓ 9 ms     ✓ 3.0 s    ✓ 8.0 ms
//! ```

use super::lines::Row;
use super::{figure, hops};
use crate::run::Status;
use crate::subject::place::Door;
use crate::text;
use crate::tui::model::Model;
use crate::tui::model::doors::{self, Asked, At};
use crate::tui::theme::{self, Role};
use ratatui::style::Modifier;
use ratatui::text::{Line, Span};

/// Where columns begin. The cell before each is kept for the mark of the selection.
struct Columns {
    name: usize,
    starts: Vec<usize>,
    rooms: Vec<usize>,
    is_narrow: bool,
}

impl Columns {
    fn of(asked: &[Asked], width: usize) -> Self {
        let is_narrow = width < 80;
        if is_narrow {
            // Below 80 columns a cell is as wide as its head: a sign and perhaps a letter.
            let spare =
                width.saturating_sub(10 + asked.iter().map(|a| a.short().len() + 1).sum::<usize>() - 1);
            let gap = 1 + spare / asked.len().max(1);
            let mut at = 10;
            let mut starts = Vec::new();
            for column in asked {
                starts.push(at);
                at += column.short().len() + gap;
            }
            let rooms = asked.iter().map(|a| a.short().len() + gap - 1).collect();
            return Self { name: 0, starts, rooms, is_narrow };
        }
        let first = 12;
        let least = |a: &Asked| a.name().len().max(9) + 1;
        let spare = (width + 1).saturating_sub(first + asked.iter().map(least).sum::<usize>());
        // Wider than this, figures are too far apart to be read as one line.
        let more = (spare / asked.len().max(1)).min(12);
        let mut at = first;
        let mut starts = Vec::new();
        for column in asked {
            starts.push(at);
            at += least(column) + more;
        }
        Self { name: 1, starts, rooms: asked.iter().map(|a| least(a) + more - 1).collect(), is_narrow }
    }
}

/// The matrix: the names of the columns, and a line for each door.
pub fn lines(model: &Model, at: At, width: usize) -> Vec<Line<'static>> {
    let asked = doors::asked(&model.run);
    let columns = Columns::of(&asked, width);
    let mut head = Row::new(model.look, width).to(columns.name).put("door", Role::Quiet);
    for (column, (start, room)) in asked.iter().zip(columns.starts.iter().zip(&columns.rooms)) {
        let name = if columns.is_narrow { column.short() } else { column.name() };
        head = head.to(*start).fit(name, *room, Role::Quiet);
    }
    let rows = doors::doors(&model.run).into_iter().map(|door| row(model, at, door, &asked, &columns, width));
    std::iter::once(head.line()).chain(rows).collect()
}

fn row(model: &Model, at: At, door: Door, asked: &[Asked], columns: &Columns, width: usize) -> Line<'static> {
    let look = model.look;
    let mut line = Row::new(look, width).to(columns.name).put(door.as_str(), Role::Plain).line().spans;
    let mut used: usize = line.iter().map(|s| text::width(&s.content)).sum();
    for (column, (start, room)) in asked.iter().zip(columns.starts.iter().zip(&columns.rooms)) {
        let here = At { door, asked: *column, scroll: 0 };
        let selected = (at.door, at.asked) == (door, *column);
        line.push(Span::raw(" ".repeat((start - 1).saturating_sub(used))));
        line.push(Span::styled(if selected { look.pick("▌", ">") } else { " " }, look.style(Role::Live)));
        let cell = cell(model, here, *room).spans;
        used = (start - 1).max(used) + 1 + cell.iter().map(|s| text::width(&s.content)).sum::<usize>();
        let bold = |s: Span<'static>| {
            let style = s.style.remove_modifier(Modifier::DIM).add_modifier(Modifier::BOLD);
            Span::styled(s.content, style)
        };
        line.extend(cell.into_iter().map(|s| if selected { bold(s) } else { s }));
    }
    Line::from(line)
}

/// What stands where a door and a question meet.
fn cell(model: &Model, at: At, room: usize) -> Line<'static> {
    let look = model.look;
    let row = Row::new(look, room);
    let Some((step, state)) = at.worst(&model.run).and_then(|s| Some((s, model.run.steps.get(s)?))) else {
        return row.line();
    };
    let row = row.sign(look.sign(state.status), theme::role(state.status));
    let letter = model.cause_of(step).map(|c| c.letter.to_string());
    let words = match state.status {
        Status::Fail => hops::status_given(state).unwrap_or_else(|| theme::word(state.status).to_owned()),
        Status::Pass | Status::Running => figure::of(model, step),
        Status::Warn | Status::Error | Status::Cancelled | Status::Skip | Status::Pending => {
            theme::word(state.status).to_owned()
        }
        Status::Blocked => String::new(),
    };
    let tail = letter.as_ref().map_or(0, |l| 1 + l.len());
    let row = if words.is_empty() || 2 + text::width(&words) + tail > room {
        row
    } else {
        row.put(" ", Role::Plain).put(text::foreign(&words), Role::Plain)
    };
    match letter {
        Some(letter) => row.put(" ", Role::Plain).put(letter, Role::Cause).line(),
        None => row.line(),
    }
}
