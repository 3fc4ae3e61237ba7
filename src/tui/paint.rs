//! From two pictures to the bytes that turn one into the other on a terminal. Pure.
//!
//! Only what differs is sent: equal pictures give no byte. Colours are the 16 of every terminal.

use crate::text;
use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};
use std::fmt::Write;

/// Clears the screen: what a picture is painted on that has no predecessor.
pub(super) const CLEAR: &str = "\x1b[m\x1b[H\x1b[2J";

/// Our own signs, which every terminal draws one column wide. Behind any other the cursor is placed anew.
const SURE: &str = "─│┌┐└┘├┤┬┴┼▌▲▼█■✓✗»·…–›≠←→↑↓";

/// The bytes that turn `before` into `after`: what differs, or everything anew where that is shorter.
pub fn paint(before: &Buffer, after: &Buffer) -> Vec<u8> {
    let changes = changes(before, after);
    if changes.len() < CLEAR.len() {
        return changes.into_bytes();
    }
    let anew = format!("{CLEAR}{}", self::changes(&Buffer::empty(*after.area()), after));
    if anew.len() < changes.len() { anew.into_bytes() } else { changes.into_bytes() }
}

fn changes(before: &Buffer, after: &Buffer) -> String {
    let mut out = String::new();
    let mut at: Option<(u16, u16)> = None;
    let mut style = String::new();
    for (x, y, cell) in before.diff(after) {
        if at != Some((x, y)) {
            // A gap is walked over plainly: blanks in it must not be underlined or reversed.
            if !style.is_empty() {
                out.push_str("\x1b[m");
                style.clear();
            }
            go(&mut out, after, at, (x, y));
        }
        let wanted = sgr(cell);
        if wanted != style {
            out.push_str("\x1b[");
            if !style.is_empty() && !wanted.is_empty() {
                out.push_str("0;");
            }
            out.push_str(&wanted);
            out.push('m');
            style = wanted;
        }
        let symbol = cell.symbol();
        out.push_str(symbol);
        let sure = symbol.is_ascii() || symbol.chars().all(|c| SURE.contains(c));
        let width = u16::try_from(text::width(symbol).max(1)).unwrap_or(1);
        at = sure.then(|| (x + width, y)).filter(|(x, _)| *x < after.area().right());
    }
    if !style.is_empty() {
        out.push_str("\x1b[m");
    }
    out
}

/// Moves the cursor by the shortest way.
fn go(out: &mut String, after: &Buffer, from: Option<(u16, u16)>, (x, y): (u16, u16)) {
    let is_blank = |x: u16| after.cell((x, y)).is_some_and(|c| c.symbol() == " " && sgr(c).is_empty());
    let start = match from {
        Some((column, line)) if line == y && column <= x => Some(column),
        Some((_, line)) if line + 1 == y => {
            out.push_str("\r\n");
            Some(0)
        }
        Some(_) | None => None,
    };
    match start {
        None if x == 0 => drop(write!(out, "\x1b[{}H", y + 1)),
        None => drop(write!(out, "\x1b[{};{}H", y + 1, x + 1)),
        Some(column) if x - column <= 4 && (column..x).all(is_blank) => {
            out.push_str(&" ".repeat(usize::from(x - column)));
        }
        Some(column) => drop(write!(out, "\x1b[{}C", x - column)),
    }
}

/// What is asked of the terminal for a cell: `1;31`; empty: nothing special.
fn sgr(cell: &Cell) -> String {
    let mut codes: Vec<String> = Vec::new();
    for (modifier, code) in
        [(Modifier::BOLD, "1"), (Modifier::DIM, "2"), (Modifier::UNDERLINED, "4"), (Modifier::REVERSED, "7")]
    {
        if cell.modifier.contains(modifier) {
            codes.push(code.to_owned());
        }
    }
    codes.extend(colour(cell.fg).map(|c| (30 + c).to_string()));
    codes.join(";")
}

/// The number of a colour of our roles; others are left to the terminal.
fn colour(colour: Color) -> Option<u8> {
    match colour {
        Color::Red => Some(1),
        Color::Green => Some(2),
        Color::Yellow => Some(3),
        Color::Magenta => Some(5),
        Color::Cyan => Some(6),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ratatui::layout::Rect;
    use ratatui::style::Style;
    use std::num::NonZero;

    #[test]
    fn equal_pictures_send_nothing() {
        let buf = Buffer::with_lines(["one", "two"]);
        assert_eq!(paint(&buf, &buf), b"");
    }

    #[test]
    fn what_arrives_is_the_picture_whatever_stood_there() {
        let pictures = [
            Buffer::with_lines(["one  two   three", "", "  日本 x", "────────────────"]),
            Buffer::with_lines(["one      x three", "a", "  日 本x", "──────  ────────"]),
            Buffer::with_lines(["                ", "", "", "y"]),
        ];
        let (lines, columns) = (NonZero::new(4).expect("not 0"), NonZero::new(16).expect("not 0"));
        let mut terminal = vt100::Parser::new(lines, columns, 0);
        let mut shown = Buffer::empty(Rect::new(0, 0, 16, 4));
        for picture in pictures.iter().chain(pictures.iter().rev()) {
            terminal.process(&paint(&shown, picture));
            let drawn = |b: &Buffer| -> Vec<String> {
                let line = |y| {
                    (0..16).filter_map(|x| b.cell((x, y))).map(|c| c.symbol().to_owned()).collect::<String>()
                };
                // The cell behind a wide character is its second half.
                (0..4)
                    .map(|y| line(y).replace("日 ", "日").replace("本 ", "本").trim_end().to_owned())
                    .collect()
            };
            let seen: Vec<String> = terminal.screen().rows(0, 16).map(|l| l.trim_end().to_owned()).collect();
            assert_eq!(seen, drawn(picture));
            shown = picture.clone();
        }
    }

    #[test]
    fn only_what_differs_is_sent_and_the_style_is_reset_behind_it() {
        let before = Buffer::empty(Rect::new(0, 0, 10, 2));
        let mut after = before.clone();
        after.set_string(3, 1, "no", Style::new().fg(Color::Red).add_modifier(Modifier::BOLD));
        assert_eq!(paint(&before, &after), b"\x1b[2;4H\x1b[1;31mno\x1b[m");
    }
}
