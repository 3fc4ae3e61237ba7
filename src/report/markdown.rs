//! The report for an issue or a ticket: GitLab Flavored Markdown. Values from outside are put between
//! backticks or escaped: a host name can be neither a link nor a mention nor a tag.

use super::redact::Hidden;
use super::shape::{CauseReport, CheckReport, PhaseEnd};
use super::{Report, fill, letter, text, users};
use crate::run::Status;
use crate::text::{count, duration};
use std::fmt::Write as _;
use std::time::Duration;

/// The report as Markdown.
pub fn markdown(report: &Report, hidden: &Hidden) -> String {
    let mut out = String::new();
    let verdict = report.verdict.as_str().to_uppercase();
    let causes = match report.root_causes.len() {
        0 => String::new(),
        n => format!(", {}", count(n, "cause")),
    };
    let _ = writeln!(out, "# GitLab Duo on {}: {verdict}{causes}\n", plain(instance(report)));
    let about = text::about_node(report);
    match &report.source {
        Some(source) => {
            let _ = writeln!(out, "{}. {}", source.kind.title(), plain(&about));
        }
        None => {
            let _ = writeln!(out, "Node {}.", plain(&about));
        }
    }
    let _ = writeln!(out, "{}\n", numbers(report));
    let _ = writeln!(out, "{}", plain(&text::verdict(report)));
    if let Some(line) = users::sentence(report) {
        let _ = writeln!(out, "\n{}", plain(&line));
    }
    for (i, cause) in report.root_causes.iter().enumerate() {
        one_cause(&mut out, report, cause, &letter(i), hidden);
    }
    groups(&mut out, report);
    problems(&mut out, report);
    others(&mut out, report);
    doors(&mut out, report);
    if let Some(lacks) = text::lacks(report) {
        let _ = writeln!(out, "\n{lacks}");
    }
    let _ = writeln!(
        out,
        "\n---\n\nduo-doctor {}, data of {}, {}.",
        plain(&report.tool.version),
        plain(&report.tool.data_date),
        text::extent(report)
    );
    out
}

/// The instance as people write it: without its scheme.
pub(super) fn instance(report: &Report) -> &str {
    let url = report.instance.url.as_deref().unwrap_or("an unknown instance");
    url.split_once("://").map_or(url, |(_, rest)| rest)
}

/// `46 of 62 checks pass, 5 fail, 8 are blocked.`
pub(super) fn numbers(report: &Report) -> String {
    let n = |status: Status| report.checks.iter().filter(|c| c.status == status).count();
    let be = |n: usize| if n == 1 { "is" } else { "are" };
    let mut parts = vec![format!("{} of {} pass", n(Status::Pass), count(report.checks.len(), "check"))];
    let verbs = [(Status::Fail, "fail"), (Status::Warn, "warn"), (Status::Error, "could not be carried out")];
    parts.extend(verbs.iter().filter(|(s, _)| n(*s) > 0).map(|(s, verb)| format!("{} {verb}", n(*s))));
    let states = [(Status::Blocked, "blocked"), (Status::Skip, "skipped"), (Status::Cancelled, "cancelled")];
    parts.extend(
        states.iter().filter(|(s, _)| n(*s) > 0).map(|(s, word)| format!("{} {} {word}", n(*s), be(n(*s)))),
    );
    format!("{}.", parts.join(", "))
}

fn one_cause(out: &mut String, report: &Report, cause: &CauseReport, letter: &str, hidden: &Hidden) {
    let marked = fill::marked(report, cause);
    let section = |text: &str| hidden.note(&marked_up(&marked, text));
    let article = &marked.article;
    let _ = writeln!(out, "\n## {letter}. {}\n", cause.code);
    let _ = writeln!(out, "{}\n", section(&article.message));
    if !article.means.is_empty() {
        let _ = writeln!(out, "{}\n", section(&article.means));
    }
    let ids = |ids: &[String]| ids.iter().map(|id| format!("`{id}`")).collect::<Vec<_>>().join(", ");
    let _ = writeln!(out, "| | |\n| --- | --- |");
    let _ = writeln!(out, "| seen at | {} |", ids(&cause.seen_at));
    if !cause.explains.is_empty() {
        let _ = writeln!(out, "| follow | {} |", plain(&text::follow(&cause.explains)));
    }
    for line in &cause.logs {
        let _ = writeln!(out, "| logs | {} |", plain(&line.sentence()));
    }
    for (name, value) in cause.args.iter().filter(|(_, v)| !v.is_empty()) {
        let _ = writeln!(out, "| {name} | {} |", plain(value));
    }
    let phases = report.check(&cause.check).map(|c| c.phases.as_slice()).unwrap_or_default();
    if !phases.is_empty() {
        let _ = writeln!(out, "\n| phase | ms | seen |\n| --- | ---: | --- |");
        for phase in phases {
            let end = match phase.end {
                PhaseEnd::Read => "ok",
                PhaseEnd::Failed => "**failed**",
            };
            let _ = writeln!(out, "| {} | {:.1} | {end} |", phase.name.as_str(), phase.ms);
        }
    }
    let _ = writeln!(out, "\n### What to do\n\n{}", section(&article.fix));
    let _ = writeln!(out, "\n### Verify\n\n{}", section(&article.verify));
    let _ = writeln!(out, "\n<details><summary>Background</summary>\n\n{}", section(&article.cause));
    let _ = writeln!(out, "\n**Seen as:** {}", section(&article.seen));
    let _ = writeln!(out, "\n**Not it:** {}\n\n</details>\n", section(&article.not_it));
    for link in &article.docs {
        let _ = writeln!(out, "- <{link}>");
    }
}

fn groups(out: &mut String, report: &Report) {
    let _ = writeln!(out, "\n## Groups\n");
    let _ = writeln!(out, "| group | status | pass | fail | warn | blocked | skip | error | cancelled |");
    let _ = writeln!(out, "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
    for g in &report.groups {
        let cells = [g.pass, g.fail, g.warn, g.blocked, g.skip, g.error, g.cancelled];
        let cells: Vec<String> =
            cells.iter().map(|n| if *n == 0 { String::new() } else { n.to_string() }).collect();
        let _ = writeln!(out, "| {} | {} | {} |", g.title, g.status.as_str(), cells.join(" | "));
    }
}

fn problems(out: &mut String, report: &Report) {
    let (pass, others): (Vec<_>, Vec<_>) = report.checks.iter().partition(|c| c.status == Status::Pass);
    if !others.is_empty() {
        let _ = writeln!(out, "\n## What does not pass\n");
        table(out, &others);
    }
    if !pass.is_empty() {
        let _ = writeln!(out, "\n<details><summary>{} that pass</summary>\n", count(pass.len(), "check"));
        table(out, &pass);
        let _ = writeln!(out, "\n</details>");
    }
}

fn table(out: &mut String, checks: &[&CheckReport]) {
    let _ = writeln!(out, "| status | check | at | time | seen |\n| --- | --- | --- | ---: | --- |");
    for c in checks {
        let time = c.duration_ms.map(|ms| duration(Duration::from_secs_f64(ms.max(0.0) / 1e3)));
        let _ = writeln!(
            out,
            "| {} | {} | `{}` | {} | {} |",
            c.status.as_str(),
            plain(&c.title),
            c.id,
            time.unwrap_or_default(),
            plain(&c.summary)
        );
    }
}

fn others(out: &mut String, report: &Report) {
    if report.routes.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n<details><summary>Ways out</summary>\n");
    let _ =
        writeln!(out, "| stacks | endpoint | via | decided by | trusts |\n| --- | --- | --- | --- | --- |");
    for r in &report.routes {
        let stacks: Vec<&str> = r.stacks.iter().map(|s| s.as_str()).collect();
        let decided: Vec<&str> = std::iter::once(&r.source).chain(&r.and_not).map(String::as_str).collect();
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} | {} |",
            stacks.join(", "),
            r.endpoint,
            plain(&r.via.to_string()),
            plain(&decided.join("; ")),
            plain(&r.trusts)
        );
    }
    let _ = writeln!(out, "\n</details>");
}

fn doors(out: &mut String, report: &Report) {
    if report.doors.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n<details><summary>Doors in</summary>\n");
    let _ = writeln!(out, "| door | address | known by | cable |\n| --- | --- | --- | --- |");
    for door in &report.doors {
        let (address, cable) = match &door.address {
            Some(address) => (plain(address), text::cable(report, door)),
            None => ("not here".to_owned(), String::new()),
        };
        let _ = writeln!(out, "| {} | {address} | {} | {} |", door.door, plain(&door.source), plain(&cable));
    }
    let _ = writeln!(out, "\n</details>");
}

/// An article's text: values as they are inside snippets and backticks, made plain elsewhere.
fn marked_up(marked: &fill::Marked, text: &str) -> String {
    let mut out: Vec<String> = Vec::new();
    let mut fenced = false;
    for line in text.lines() {
        let fence = line.trim_start().starts_with("```");
        if fence || fenced {
            out.push(marked.put(line, |v| v.replace("```", "'''")));
            fenced ^= fence;
            continue;
        }
        // Every second piece between backticks is code.
        let piece = |(i, piece): (usize, &str)| {
            if i % 2 == 1 { marked.put(piece, |v| v.replace('`', "'")) } else { marked.put(piece, plain) }
        };
        out.push(line.split('`').enumerate().map(piece).collect::<Vec<_>>().join("`"));
    }
    out.join("\n")
}

/// A text in which nothing is a mark: common ones as they are, all else between backticks.
fn plain(text: &str) -> String {
    let text = text.replace(['\n', '\r'], " ");
    let harmless = |c: char| c.is_alphanumeric() || " .,:;-()/%+='?!".contains(c);
    let linked = ["://", "www.", "mailto:"].iter().any(|mark| text.to_lowercase().contains(mark));
    let lists = text.starts_with(['-', '+', '#', '=']) || text.contains("  ");
    if text.chars().all(harmless) && !linked && !lists {
        return text;
    }
    // Words that hold marks are code, the sentence around them stays one.
    if text.contains(' ') && !lists {
        return text
            .split(' ')
            .map(|word| if word.is_empty() { String::new() } else { plain(word) })
            .collect::<Vec<_>>()
            .join(" ");
    }
    format!("`{}`", text.replace('`', "'").replace('|', "¦"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_from_outside_are_code() {
        for (given, shown) in [
            ("a.example", "a.example"),
            ("<script>alert(1)</script>", "`<script>alert(1)</script>`"),
            ("see [x](https://evil.example)", "see `[x](https://evil.example)`"),
            ("@all `rm` a|b", "`@all` `'rm'` `a¦b`"),
            ("https://evil.example", "`https://evil.example`"),
        ] {
            assert_eq!(plain(given), shown);
        }
    }
}
