//! How things look: roles of colour, signs of states, the ASCII twin of every character. One place for all.
//!
//! The terminal's own foreground and background are never replaced. Meaning never hangs on colour: a state is
//! sign and word.

use crate::report::{FailOn, Redaction};
use crate::run::Status;
use crate::text;
use ratatui::style::{Color, Modifier, Style};
use std::borrow::Cow;

/// Which characters the terminal can be trusted with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Glyphs {
    /// Signs and lines of WGL4, and the two hooks.
    Unicode,
    /// Nothing over 127.
    Ascii,
}

/// Whether colours may be sent; bold, faint, underlined and reversed always may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    /// The 16 colours.
    On,
    /// None.
    Off,
}

/// How this terminal is drawn to, and what the export dialog offers first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// Which characters.
    pub glyphs: Glyphs,
    /// Whether colours.
    pub colour: Colour,
    /// The redaction that the export dialog begins with.
    pub redaction: Redaction,
    /// What makes the exit code non-zero.
    pub fail_on: FailOn,
}

/// What a piece of text is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// All words.
    Plain,
    /// Units, heads of columns, the words of states that need nobody.
    Quiet,
    /// First lines of causes, the selected line, the verdict.
    Strong,
    /// ✓ and ■.
    Good,
    /// `!` and `?`.
    Warn,
    /// ✗.
    Bad,
    /// The verdict FAIL: reversed where there is no colour.
    Verdict,
    /// What moves: », the mark of the selection, phase bars.
    Live,
    /// Letters of causes.
    Cause,
    /// Names of keys.
    Key,
    /// Addresses of documents.
    Link,
}

impl Look {
    /// The style of a role.
    pub fn style(self, role: Role) -> Style {
        let plain = Style::new();
        let colour = |c: Color| match self.colour {
            Colour::On => plain.fg(c),
            Colour::Off => plain,
        };
        match role {
            Role::Plain => plain,
            Role::Quiet => plain.add_modifier(Modifier::DIM),
            Role::Strong | Role::Key => plain.add_modifier(Modifier::BOLD),
            Role::Good => colour(Color::Green),
            Role::Warn => colour(Color::Yellow).add_modifier(Modifier::BOLD),
            Role::Bad => colour(Color::Red).add_modifier(Modifier::BOLD),
            Role::Verdict => match self.colour {
                Colour::On => colour(Color::Red).add_modifier(Modifier::BOLD),
                Colour::Off => plain.add_modifier(Modifier::BOLD | Modifier::REVERSED),
            },
            Role::Live => colour(Color::Cyan),
            Role::Cause => plain.add_modifier(Modifier::BOLD | Modifier::REVERSED),
            Role::Link => plain.add_modifier(Modifier::UNDERLINED),
        }
    }

    /// The sign in front of a line.
    pub fn sign(self, status: Status) -> &'static str {
        let (unicode, ascii) = match status {
            Status::Pending => ("·", "."),
            Status::Running => ("»", "*"),
            Status::Pass => ("✓", "+"),
            Status::Warn => ("!", "!"),
            Status::Fail => ("✗", "X"),
            Status::Skip => ("–", "-"),
            Status::Blocked => ("└", "^"),
            Status::Error => ("?", "?"),
            Status::Cancelled => ("#", "#"),
        };
        self.pick(unicode, ascii)
    }

    /// The cell in a bar: as the sign, but a pass is a filled square.
    pub fn cell(self, status: Status) -> &'static str {
        match status {
            Status::Pass => self.pick("■", "="),
            Status::Pending
            | Status::Running
            | Status::Warn
            | Status::Fail
            | Status::Skip
            | Status::Blocked
            | Status::Error
            | Status::Cancelled => self.sign(status),
        }
    }

    /// One of two.
    pub fn pick(self, unicode: &'static str, ascii: &'static str) -> &'static str {
        match self.glyphs {
            Glyphs::Unicode => unicode,
            Glyphs::Ascii => ascii,
        }
    }

    /// A text as this terminal can show it.
    pub fn text(self, text: &str) -> Cow<'_, str> {
        if self.glyphs == Glyphs::Unicode || text.is_ascii() {
            return Cow::Borrowed(text);
        }
        if text == "←→↑↓" {
            return Cow::Borrowed("arrows");
        }
        let mut out = String::with_capacity(text.len());
        for c in text.chars() {
            match c {
                c if c.is_ascii() => out.push(c),
                '·' | '│' => out.push('|'),
                '…' => out.push_str("..."),
                '–' | '—' | '─' => out.push('-'),
                '┌' | '┐' | '└' | '┘' | '├' | '┤' | '┬' | '┴' | '┼' | '✓' => {
                    out.push('+');
                }
                '›' | '▌' => out.push('>'),
                '▲' => out.push('^'),
                '▼' => out.push('v'),
                '↑' => out.push_str("Up"),
                '↓' => out.push_str("Down"),
                '←' => out.push_str("<-"),
                '→' => out.push_str("->"),
                '≠' => out.push_str("!="),
                '█' => out.push('#'),
                '■' => out.push('='),
                '✗' => out.push('X'),
                '»' => out.push('*'),
                '‘' | '’' => out.push('\''),
                '“' | '”' => out.push('"'),
                _ => out.push('?'),
            }
        }
        Cow::Owned(out)
    }

    /// A text cut at its end to at most `max` columns.
    pub fn cut(self, given: &str, max: usize) -> String {
        let shown = self.text(given);
        match self.glyphs {
            Glyphs::Unicode => text::cut(&shown, max),
            Glyphs::Ascii if shown.len() <= max => shown.into_owned(),
            Glyphs::Ascii if max < 3 => shown[..max].to_owned(),
            Glyphs::Ascii => format!("{}...", &shown[..max - 3]),
        }
    }
}

/// The role of a state's sign.
pub fn role(status: Status) -> Role {
    match status {
        Status::Pass => Role::Good,
        Status::Warn | Status::Error => Role::Warn,
        Status::Fail => Role::Bad,
        Status::Running => Role::Live,
        Status::Pending | Status::Skip | Status::Blocked | Status::Cancelled => Role::Quiet,
    }
}

/// The word of a state on the screen: of the states only FAIL is in capitals.
pub fn word(status: Status) -> &'static str {
    match status {
        Status::Pending => "waits",
        Status::Running => "runs",
        Status::Fail => "FAIL",
        Status::Pass | Status::Warn | Status::Skip | Status::Blocked | Status::Error | Status::Cancelled => {
            status.as_str()
        }
    }
}

/// The role of a state's word.
pub fn word_role(status: Status) -> Role {
    match status {
        Status::Fail => Role::Bad,
        Status::Warn | Status::Error | Status::Running => Role::Plain,
        Status::Pass | Status::Pending | Status::Skip | Status::Blocked | Status::Cancelled => Role::Quiet,
    }
}

/// How bad a state is, where one cell stands for several: the greater is shown.
pub fn weight(status: Status) -> u8 {
    match status {
        Status::Pass => 0,
        Status::Skip => 1,
        Status::Pending => 2,
        Status::Running => 3,
        Status::Blocked => 4,
        Status::Cancelled => 5,
        Status::Warn => 6,
        Status::Error => 7,
        Status::Fail => 8,
    }
}
