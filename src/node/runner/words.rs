//! What of a failed program's error output may be shown: the class of the exception, or else one line without
//! anything that looks like a secret. Messages of exceptions hold host names, queries and values, so they never are.

use crate::text;

/// As long as a name of a class gets.
const LONGEST_CLASS: usize = 80;

/// So many letters, digits and dashes in a row are no word of a language.
const LONGEST_WORD: usize = 24;

/// The first exception that is named, else the first line that says anything; empty where there is none.
pub(super) fn of(errors: &str) -> String {
    let lines = || errors.lines().map(str::trim).filter(|line| !line.is_empty());
    let class = lines().find_map(class).map(str::to_owned);
    class.or_else(|| lines().next().map(plain)).unwrap_or_default()
}

/// The class in `file.rb:1:in 'x': message (Some::Class)` or `Some::Class: message`.
fn class(line: &str) -> Option<&str> {
    let at_end = line.strip_suffix(')').and_then(|line| line.rsplit_once('(')).map(|(_, class)| class);
    let at_start = line.split_once(": ").map(|(class, _)| class);
    [at_end, at_start].into_iter().flatten().find(|name| is_class(name))
}

/// Whether this is a name as exceptions have: `PG::ConnectionBad`, `RuntimeError`.
fn is_class(name: &str) -> bool {
    let is_part = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_uppercase())
            && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    let is_usual = name.contains("::") || ["Error", "Exception"].iter().any(|end| name.ends_with(end));
    name.len() <= LONGEST_CLASS && is_usual && name.split("::").all(is_part)
}

/// A line with `***` for every word that may be a secret.
fn plain(line: &str) -> String {
    let words: Vec<&str> = line.split(' ').map(|word| if is_dubious(word) { "***" } else { word }).collect();
    text::foreign(&words.join(" "))
}

fn is_dubious(word: &str) -> bool {
    let is_random = |part: &str| part.len() > LONGEST_WORD && part.contains(|c: char| c.is_ascii_digit());
    word.contains(['@', '=', '?'])
        || word.to_ascii_lowercase().contains("glpat-")
        || word.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '_')).any(is_random)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exception_is_said_by_its_class_and_never_by_its_message() {
        for (errors, said) in [
            (
                "warning: x\n/opt/gitlab/embedded/lib/pg.rb:12:in 'connect': password=canary (PG::ConnectionBad)\n\tfrom y",
                "PG::ConnectionBad",
            ),
            ("a.rb:1:in `x': canary (RuntimeError)", "RuntimeError"),
            ("Redis::CannotConnectError: canary at 10.0.0.1", "Redis::CannotConnectError"),
            ("rails aborted!\nNoMethodError: canary", "NoMethodError"),
        ] {
            assert_eq!(of(errors), said);
        }
    }

    #[test]
    fn a_line_without_a_class_loses_what_may_be_a_secret() {
        for (errors, said) in [
            ("", ""),
            ("\n  \nsudo: a password is required\n", "sudo: a password is required"),
            (
                "chpst: fatal: unable to setgroups: permission denied",
                "chpst: fatal: unable to setgroups: permission denied",
            ),
            ("could not reach http://u:p@host/ with PASSWORD=x", "could not reach *** with ***"),
            ("bad glpat-abc and eyJhbGciOiJIUzI1NiIsInR5cCI6 here", "bad *** and *** here"),
            ("\u{1b}[31mred", "\\x1b[31mred"),
        ] {
            assert_eq!(of(errors), said);
        }
        assert_eq!(of(&"x ".repeat(500)).chars().count(), text::FOREIGN + 1);
    }
}
