//! `explain`: the article of a code, what a check proves, and the list of both. Text for a terminal, offline.

use super::text::{put, rest};
use crate::check::{Check, Group};
use crate::finding::{Args, Code, Severity};
use crate::remedy::markdown::{self, Block};
use crate::remedy::{self, Values};
use std::fmt::Write as _;

/// Where the words behind a key begin.
const INDENT: usize = 8;

/// The article of a code. `scenario` is the lab's situation that provokes it, if there is one.
pub fn code(code: Code, checks: &[&'static Check], scenario: Option<&str>) -> String {
    let article = remedy::filled(code, &Args::new(), &Values::of(None));
    let severity = match code.severity() {
        Severity::Fail => "fail",
        Severity::Warn => "warn",
    };
    let finders: Vec<&&Check> = checks.iter().filter(|c| c.codes.contains(&code)).collect();
    let group = finders.first().map(|c| format!(", group {}", c.group.title())).unwrap_or_default();
    let mut out = format!("{code:<54} {severity}{group}\n", code = code.as_str());
    put(&mut out, &article.title, 0, str::to_owned);
    out.push('\n');
    section(&mut out, "Means", &article.means);
    section(&mut out, "Cause", &article.cause);
    section(&mut out, "Seen", &article.seen);
    section(&mut out, "Fix", &article.fix);
    section(&mut out, "Verify", &article.verify);
    section(&mut out, "Not it", &article.not_it);
    if !finders.is_empty() {
        let ids: Vec<&str> = finders.iter().map(|c| c.id).collect();
        section(&mut out, "Found by", &ids.join(", "));
    }
    if let Some(scenario) = scenario {
        section(&mut out, "Try it", &format!("`duo-doctor demo {scenario}`"));
    }
    for (i, link) in article.docs.iter().enumerate() {
        let _ = writeln!(out, "{:<INDENT$}{link}", if i == 0 { "Docs" } else { "" });
    }
    out
}

/// What a check proves and what it can find.
pub fn check(check: &Check) -> String {
    let mut out = format!("{:<54} check, group {}\n", check.id, check.group.title());
    put(&mut out, check.title, 0, str::to_owned);
    out.push('\n');
    section(&mut out, "Proves", check.about);
    section(&mut out, "Needs", &check.needs.join(", "));
    for (i, code) in check.codes.iter().enumerate() {
        let key = if i == 0 { "Finds" } else { "" };
        let _ = writeln!(out, "{key:<INDENT$}{}", code.as_str());
    }
    section(&mut out, "Run it", &format!("`duo-doctor check --only {}`", check.id));
    out
}

/// Every check by group, then every code.
pub fn list(checks: &[&'static Check]) -> String {
    let mut out = String::new();
    for group in Group::ALL {
        let own: Vec<&&Check> = checks.iter().filter(|c| c.group == group).collect();
        if own.is_empty() {
            continue;
        }
        let _ = writeln!(out, "{} ({group})", group.title());
        for check in own {
            let _ = writeln!(out, "  {:<20} {}", check.id, check.title);
        }
        out.push('\n');
    }
    out.push_str("Findings\n");
    for code in Code::ALL {
        let severity = match code.severity() {
            Severity::Fail => "fail",
            Severity::Warn => "warn",
        };
        let title = remedy::article(*code).title;
        let line = format!("  {severity}  {:<30} {title}", code.as_str());
        let _ = writeln!(out, "{}", crate::text::cut(&line, 110));
    }
    out.push_str("\nduo-doctor explain CODE or CHECK tells more.\n");
    out
}

/// A key in front of Markdown: its first paragraph beside the key, the rest below it.
fn section(out: &mut String, key: &str, text: &str) {
    let blocks = markdown::blocks(text);
    let (words, behind) = match blocks.split_first() {
        None => return,
        Some((Block::Paragraph(words) | Block::Item { number: None, text: words }, behind)) => {
            (words.clone(), behind)
        }
        Some((Block::Item { number: Some(n), text }, behind)) => (format!("{n}. {text}"), behind),
        Some((Block::Code { .. }, _)) => (String::new(), blocks.as_slice()),
    };
    let start = out.len();
    put(out, &words, INDENT, str::to_owned);
    // The key stands in the indent of the first line; a key as wide as the indent gets a line of its own.
    if key.len() < INDENT {
        out.replace_range(start..start + key.len().min(out.len() - start), key);
    } else {
        out.insert_str(start, &format!("{key}\n"));
    }
    rest(out, behind, INDENT);
}

/// The table of checks in Markdown, as the README has it.
pub fn table(checks: &[&'static Check]) -> String {
    let row = |check: &&'static Check| {
        let codes: Vec<String> = check.codes.iter().map(|code| format!("`{code}`")).collect();
        format!("| {} | `{}` | {} | {} |\n", check.group.title(), check.id, check.about, codes.join(" "))
    };
    let rows: String = checks.iter().map(row).collect();
    format!("| group | check | what it proves | what it can find |\n| --- | --- | --- | --- |\n{rows}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_explains_itself_within_80_columns_but_for_snippets_and_links() {
        for each in Code::ALL {
            let text = code(*each, &[], None);
            assert!(text.starts_with(each.as_str()), "{text}");
            for key in ["Cause", "Seen", "Fix", "Verify", "Not it", "Docs"] {
                assert!(text.lines().any(|l| l.starts_with(key)), "{each} has no {key}:\n{text}");
            }
        }
    }

    #[test]
    fn the_list_names_every_code() {
        let text = list(&[]);
        assert!(Code::ALL.iter().all(|c| text.contains(c.as_str())));
    }
}
