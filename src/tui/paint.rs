//! From two pictures to the bytes that turn one into the other on a terminal. Pure.
//!
//! Only what differs is sent: equal pictures give no byte. Colours are the 16 of every terminal.

use crate::text;
use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};

/// Clears the screen: what a picture is painted on that has no predecessor.
pub(super) const CLEAR: &str = "\x1b[m\x1b[H\x1b[2J";

/// Our own signs, which every terminal draws one column wide. Behind any other the cursor is placed anew.
const SURE: &str = "─│┌┐└┘├┤┬┴┼▌▲▼█■✓✗»·…–›≠←→↑↓";

/// The bytes that turn `before` into `after`.
pub fn paint(before: &Buffer, after: &Buffer) -> Vec<u8> {
    let mut out = String::new();
    let mut at: Option<(u16, u16)> = None;
    let mut style = String::new();
    for (x, y, cell) in before.diff(after) {
        if at != Some((x, y)) {
            out.push_str(&format!("\x1b[{};{}H", y + 1, x + 1));
        }
        let wanted = sgr(cell);
        if wanted != style {
            out.push_str(&format!("\x1b[{}m", if wanted.is_empty() { "" } else { &wanted }));
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
    out.into_bytes()
}

/// What is asked of the terminal for a cell: `0;1;31`; empty: nothing special.
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
    if codes.is_empty() { String::new() } else { format!("0;{}", codes.join(";")) }
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

    #[test]
    fn equal_pictures_send_nothing() {
        let buf = Buffer::with_lines(["one", "two"]);
        assert_eq!(paint(&buf, &buf), b"");
    }

    #[test]
    fn only_what_differs_is_sent_and_the_style_is_reset_behind_it() {
        let before = Buffer::empty(Rect::new(0, 0, 10, 2));
        let mut after = before.clone();
        after.set_string(3, 1, "no", Style::new().fg(Color::Red).add_modifier(Modifier::BOLD));
        assert_eq!(paint(&before, &after), b"\x1b[2;4H\x1b[0;1;31mno\x1b[m");
    }
}
