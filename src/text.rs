//! Wording and escaping: how figures, lists and foreign text become lines for people.
//!
//! Decides form only. What is said lives in the articles and the checks.

use std::time::Duration;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// The longest foreign text shown on one line, in characters.
pub const FOREIGN: usize = 200;

/// Text from the network or a file, made harmless for one line of a terminal or report.
///
/// Control and direction characters become `\x1b` or `\u202e`; at most `max` characters stay, then `…`.
pub fn escape(foreign: &str, max: usize) -> String {
    let mut out = String::new();
    for (count, c) in foreign.chars().enumerate() {
        if count == max {
            out.push('…');
            break;
        }
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push(' '),
            c if (c as u32) < 0x20 || c as u32 == 0x7f => out.extend(format!("\\x{:02x}", c as u32).chars()),
            c if is_unsafe(c) => out.extend(format!("\\u{:04x}", c as u32).chars()),
            c => out.push(c),
        }
    }
    out
}

/// Characters that move the cursor, turn the direction or take no room: C1 controls, bidi marks, joiners, tags.
fn is_unsafe(c: char) -> bool {
    matches!(c as u32,
        0x80..=0x9f | 0xad | 0x61c | 0x180e | 0x200b..=0x200f | 0x2028..=0x202e | 0x2060..=0x206f
        | 0xfe00..=0xfe0f | 0xfeff | 0xfff9..=0xfffb | 0xe0000..=0xe0fff)
}

/// `escape` with the usual bound.
pub fn foreign(text: &str) -> String {
    escape(text, FOREIGN)
}

/// A duration in three digits with its unit: `0.9 ms`, `48 ms`, `3.0 s`, `30 s`, `2 min 17 s`, `2 h 17 min`.
pub fn duration(d: Duration) -> String {
    let ms = d.as_secs_f64() * 1e3;
    let s = d.as_secs();
    match ms {
        _ if ms < 9.95 => format!("{ms:.1} ms"),
        _ if ms < 999.5 => format!("{ms:.0} ms"),
        _ if ms < 9_950.0 => format!("{:.1} s", ms / 1e3),
        _ if ms < 99_500.0 => format!("{:.0} s", ms / 1e3),
        _ if s < 3600 => format!("{} min {} s", s / 60, s % 60),
        _ if s < 172_800 => format!("{} h {} min", s / 3600, s % 3600 / 60),
        _ => format!("{} days", s / 86_400),
    }
}

/// Seconds as a bare number, for a sentence that says the unit: `0.03`, `2.6`, `10`.
pub fn seconds(d: Duration) -> String {
    let s = d.as_secs_f64();
    match s {
        _ if s < 0.01 => "under 0.01".to_owned(),
        _ if s < 0.095 => format!("{s:.2}"),
        _ if s < 9.95 => format!("{s:.1}").trim_end_matches(".0").to_owned(),
        _ => format!("{s:.0}"),
    }
}

/// `1 check`, `2 checks`, `3 addresses`: a count with its noun.
pub fn count(n: usize, noun: &str) -> String {
    let ending = if n == 1 {
        ""
    } else if noun.ends_with('s') {
        "es"
    } else {
        "s"
    };
    format!("{n} {noun}{ending}")
}

/// `a`, `a and b`, `a, b and c`.
pub fn list<S: AsRef<str>>(items: &[S]) -> String {
    match items {
        [] => String::new(),
        [one] => one.as_ref().to_owned(),
        [first @ .., last] => {
            let first: Vec<&str> = first.iter().map(AsRef::as_ref).collect();
            format!("{} and {}", first.join(", "), last.as_ref())
        }
    }
}

/// The columns that a text takes on a terminal; an unknown width counts 1.
pub fn width(text: &str) -> usize {
    UnicodeWidthStr::width(text)
}

/// The text cut at the end to at most `max` columns, with `…` where something was cut.
pub fn cut(text: &str, max: usize) -> String {
    if width(text) <= max {
        return text.to_owned();
    }
    let mut out = String::new();
    let mut used = 0;
    for c in text.chars() {
        let w = c.width().unwrap_or(1);
        if used + w + 1 > max {
            break;
        }
        used += w;
        out.push(c);
    }
    if max > 0 {
        out.push('…');
    }
    out
}

/// The text in ASCII: what has no equivalent becomes `?`.
pub fn ascii(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            c if c.is_ascii() => out.push(c),
            '…' => out.push_str("..."),
            '–' | '—' | '─' => out.push('-'),
            '→' => out.push_str("->"),
            '≠' => out.push_str("!="),
            '≥' => out.push_str(">="),
            '≤' => out.push_str("<="),
            '“' | '”' => out.push('"'),
            '‘' | '’' => out.push('\''),
            '×' => out.push('x'),
            '·' => out.push('.'),
            '✓' => out.push('+'),
            '✗' => out.push('X'),
            _ => out.push('?'),
        }
    }
    out
}

/// Lines of at most `max` columns, broken at spaces; a longer word is broken where it must be.
pub fn wrap(text: &str, max: usize) -> Vec<String> {
    let max = max.max(1);
    let mut lines = Vec::new();
    for paragraph in text.split('\n') {
        let mut line = String::new();
        for word in paragraph.split(' ').filter(|w| !w.is_empty()) {
            let gap = usize::from(!line.is_empty());
            if width(&line) + gap + width(word) <= max {
                if gap == 1 {
                    line.push(' ');
                }
                line.push_str(word);
                continue;
            }
            if !line.is_empty() {
                lines.push(std::mem::take(&mut line));
            }
            for c in word.chars() {
                if width(&line) + c.width().unwrap_or(1) > max {
                    lines.push(std::mem::take(&mut line));
                }
                line.push(c);
            }
        }
        lines.push(line);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_and_direction_marks_are_shown_not_sent() {
        assert_eq!(escape("a\x1b[2Jb\u{202e}c\u{9b}d", 99), "a\\x1b[2Jb\\u202ec\\u009bd");
        assert_eq!(escape("one\ntwo", 99), "one\\ntwo");
    }

    #[test]
    fn foreign_text_is_bounded() {
        assert_eq!(escape("abcdef", 3), "abc…");
        assert_eq!(foreign(&"x".repeat(5_000)).chars().count(), FOREIGN + 1);
    }

    #[test]
    fn durations_have_three_digits_and_a_unit() {
        for (ms, text) in [
            (0.94, "0.9 ms"),
            (48.4, "48 ms"),
            (999.9, "1.0 s"),
            (3_000.0, "3.0 s"),
            (30_000.0, "30 s"),
            (137_000.0, "2 min 17 s"),
            (8_220_000.0, "2 h 17 min"),
            (864_000_000.0, "10 days"),
        ] {
            assert_eq!(duration(Duration::from_secs_f64(ms / 1e3)), text);
        }
    }

    #[test]
    fn seconds_are_never_rounded_up_to_one() {
        for (ms, text) in
            [(2, "under 0.01"), (31, "0.03"), (400, "0.4"), (2_600, "2.6"), (3_000, "3"), (10_003, "10")]
        {
            assert_eq!(seconds(Duration::from_millis(ms)), text);
        }
    }

    #[test]
    fn wrapping_keeps_words_and_breaks_only_what_is_too_long() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("abcdefgh", 3), ["abc", "def", "gh"]);
        assert_eq!(wrap("日本語", 4), ["日本", "語"]);
    }

    #[test]
    fn cutting_never_exceeds_the_columns() {
        assert_eq!(cut("日本語", 5), "日本…");
        assert_eq!(cut("abc", 3), "abc");
        assert_eq!(cut("abcd", 0), "");
    }
}
