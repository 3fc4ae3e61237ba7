//! Lines with columns: text put at a column, cut where it must be, in the characters that the terminal has.

use crate::text;
use crate::tui::theme::{Look, Role};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

/// A line that is being put together.
#[derive(Debug)]
pub struct Row {
    look: Look,
    width: usize,
    used: usize,
    spans: Vec<Span<'static>>,
}

impl Row {
    /// An empty line of so many columns.
    pub fn new(look: Look, width: usize) -> Self {
        Self { look, width, used: 0, spans: Vec::new() }
    }

    /// Goes to a column, counted from 0; if that is behind, stays with one space.
    #[must_use]
    pub fn to(mut self, column: usize) -> Self {
        let gap = if column > self.used {
            column - self.used
        } else {
            usize::from(self.used > 0 && column < self.used)
        };
        let gap = gap.min(self.width - self.used);
        if gap > 0 {
            self.spans.push(Span::raw(" ".repeat(gap)));
            self.used += gap;
        }
        self
    }

    /// Puts a text, cut at the end of the line.
    #[must_use]
    pub fn put(self, text: impl AsRef<str>, role: Role) -> Self {
        let room = self.width - self.used;
        self.fit(text, room, role)
    }

    /// Puts a text of at most so many columns, cut where it is longer.
    #[must_use]
    pub fn fit(mut self, text: impl AsRef<str>, max: usize, role: Role) -> Self {
        let max = max.min(self.width - self.used);
        let cut = self.look.cut(text.as_ref(), max);
        self.used += text::width(&cut);
        if !cut.is_empty() {
            self.spans.push(Span::styled(cut, self.look.style(role)));
        }
        self
    }

    /// Puts a sign as it is.
    #[must_use]
    pub fn sign(mut self, sign: &'static str, role: Role) -> Self {
        let width = text::width(sign);
        if self.used + width <= self.width {
            self.used += width;
            self.spans.push(Span::styled(sign, self.look.style(role)));
        }
        self
    }

    /// Puts a text so that it ends before a column; what stands there already is kept.
    #[must_use]
    pub fn right(self, text: impl AsRef<str>, end: usize, role: Role) -> Self {
        let shown = self.look.text(text.as_ref()).into_owned();
        let end = end.min(self.width);
        let start = end.saturating_sub(text::width(&shown));
        if start < self.used && self.used > 0 {
            let room = end.saturating_sub(self.used + 1);
            let at = self.used + 1;
            return if room == 0 { self } else { self.to(at).fit(shown, room, role) };
        }
        self.to(start).put(shown, role)
    }

    /// The columns used so far.
    pub fn used(&self) -> usize {
        self.used
    }

    /// The line.
    pub fn line(self) -> Line<'static> {
        Line::from(self.spans)
    }
}

/// A line of one text.
pub fn plain(look: Look, width: usize, indent: usize, text: impl AsRef<str>, role: Role) -> Line<'static> {
    Row::new(look, width).to(indent).put(text, role).line()
}

/// A paragraph, wrapped, every line indented.
pub fn paragraph(look: Look, width: usize, indent: usize, given: &str, role: Role) -> Vec<Line<'static>> {
    let shown = look.text(given).into_owned();
    let room = width.saturating_sub(indent + 1).max(1);
    text::wrap(&shown, room).into_iter().map(|l| plain(look, width, indent, l, role)).collect()
}

/// A labelled paragraph: the label at column 1, the text at `indent`.
pub fn labelled(look: Look, width: usize, indent: usize, label: &str, given: &str) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    let shown = look.text(given).into_owned();
    let room = width.saturating_sub(indent + 1).max(1);
    for (i, text) in text::wrap(&shown, room).into_iter().enumerate() {
        let row = Row::new(look, width).to(1);
        let row = if i == 0 { row.put(label, Role::Quiet) } else { row };
        lines.push(row.to(indent).put(text, Role::Plain).line());
    }
    lines
}

/// A path or an address in at most so many columns: cut in its middle, beside a `/` or a `.`, so that both ends stay.
pub fn middle(look: Look, given: &str, max: usize) -> String {
    let shown = look.text(given).into_owned();
    let cut = look.pick("…", "...");
    let room = max.saturating_sub(text::width(cut));
    if text::width(&shown) <= max || room == 0 {
        return look.cut(given, max);
    }
    let marks = |c: char| c == '/' || c == '.';
    let heads = shown.char_indices().filter(|(_, c)| marks(*c)).map(|(i, c)| &shown[..i + c.len_utf8()]);
    let tails = shown.char_indices().filter(|(_, c)| marks(*c)).map(|(i, _)| &shown[i..]);
    let both = heads.flat_map(|head| tails.clone().map(move |tail| (head, tail)));
    let size = |(head, tail): &(&str, &str)| text::width(head) + text::width(tail);
    // What is cut out is the middle: neither end is given up for the other.
    let even = |(head, tail): &(&str, &str)| text::width(head).min(text::width(tail));
    let best = both.filter(|pair| size(pair) <= room).max_by_key(|pair| (even(pair), size(pair)));
    best.map_or_else(|| look.cut(given, max), |(head, tail)| format!("{head}{cut}{tail}"))
}

/// A rule with labels in it: `─ left ──────── right ─`.
pub fn rule(look: Look, width: usize, left: &str, right: &str) -> Line<'static> {
    let dash = look.pick("─", "-");
    let mut row = Row::new(look, width);
    if !left.is_empty() {
        let room = width.saturating_sub(4);
        row = row
            .sign(dash, Role::Plain)
            .put(" ", Role::Plain)
            .fit(left, room, Role::Plain)
            .put(" ", Role::Plain);
    }
    let right = if right.is_empty() { String::new() } else { format!(" {right} {dash}") };
    let used = row.used();
    let fill = width.saturating_sub(used + text::width(&look.text(&right)));
    row.put(dash.repeat(fill), Role::Plain).put(right, Role::Plain).line()
}

/// Draws lines into an area, beginning with the one of that number.
pub fn draw(lines: &[Line<'_>], skip: usize, area: Rect, buf: &mut Buffer) {
    let area = area.intersection(*buf.area());
    for (line, y) in lines.iter().skip(skip).zip(area.top()..area.bottom()) {
        buf.set_line(area.x, y, line, area.width);
    }
}

/// Draws one line.
pub fn draw_one(line: &Line<'_>, area: Rect, buf: &mut Buffer) {
    draw(std::slice::from_ref(line), 0, area, buf);
}

/// `▼ 5 more lines`, `▲ 12`, or both, for the rule below something that scrolls.
pub fn more(look: Look, all: usize, scroll: usize, rows: usize) -> String {
    let below = all.saturating_sub(scroll + rows);
    let (up, down) = (look.pick("▲", "^"), look.pick("▼", "v"));
    match (scroll, below) {
        (0, 0) => String::new(),
        (0, _) => format!("{down} {} more line{}", below, if below == 1 { "" } else { "s" }),
        (_, 0) => format!("{up} {scroll}"),
        (_, _) => format!("{up} {scroll}  {down} {below}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{FailOn, Redaction};
    use crate::tui::theme::{Colour, Glyphs};

    #[test]
    fn paths_and_addresses_lose_their_middle() {
        let look =
            |glyphs| Look { glyphs, colour: Colour::Off, redaction: Redaction::Share, fail_on: FailOn::Fail };
        for (given, max, unicode, ascii) in [
            (
                "/opt/gitlab/etc/gitlab-rails/env/http_proxy",
                30,
                "/opt/gitlab/…/env/http_proxy",
                "/opt/gitlab/.../env/http_proxy",
            ),
            ("gitlab.intern.example.com", 16, "gitlab.….com", "gitlab.....com"),
            ("203.0.113.20", 12, "203.0.113.20", "203.0.113.20"),
            ("0123456789", 6, "01234…", "012..."),
            ("a.b", 1, "…", "a"),
        ] {
            assert_eq!(middle(look(Glyphs::Unicode), given, max), unicode);
            assert_eq!(middle(look(Glyphs::Ascii), given, max), ascii);
        }
    }
}
