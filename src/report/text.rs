//! The report for a terminal or a pipe: causes first, then groups, then what is not known. Wrapped at 80
//! columns; snippets are never wrapped and begin in the first column, so that they can be copied.

use super::shape::{CauseReport, CheckReport};
use super::{Charset, Colour, Options, Report, exit_code_of, letter, users};
use crate::checks::CLOUDFLARE_RANGES;
use crate::remedy::{Article, markdown};
use crate::run::event::Skip;
use crate::run::{RunVerdict, Status};
use crate::subject::Route;
use crate::subject::doors::DoorAbout;
use crate::text::{ascii, count, duration, list, wrap};
use markdown::Block;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

/// The width of a line.
pub(super) const WIDTH: usize = 80;

/// Where the words behind a cause's key begin.
const INDENT: usize = 12;

/// The report as text.
pub fn text(report: &Report, options: Options) -> String {
    let mut out = String::new();
    head(&mut out, report);
    put(&mut out, &verdict(report), 0, |line| paint(line, colour_of(report.verdict), options));
    for (i, cause) in report.root_causes.iter().enumerate() {
        out.push('\n');
        one_cause(&mut out, cause, &letter(i), options);
    }
    out.push('\n');
    if report.verdict == RunVerdict::Pass {
        put(&mut out, &passing(report), 0, str::to_owned);
    } else {
        groups(&mut out, report, options);
        out.push('\n');
    }
    if let Some(line) = users::sentence(report) {
        put(&mut out, &line, 0, str::to_owned);
    }
    for line in unknown(report).into_iter().chain(ways(report)).chain(doors(report)).chain(lacks(report)) {
        put(&mut out, &line, 0, str::to_owned);
    }
    let code = exit_code_of(report.verdict, options.fail_on);
    let _ = writeln!(out, "{}, exit code {code}.", extent(report));
    match options.charset {
        Charset::Unicode => out,
        Charset::Ascii => ascii(&out),
    }
}

fn head(out: &mut String, report: &Report) {
    let instance = report.instance.url.as_deref().unwrap_or("no instance known");
    let demo = report.demo.as_ref().map(|d| format!(", demo: {d}")).unwrap_or_default();
    let what = report.source.as_ref().map_or(instance, |source| source.kind.title());
    put(out, &format!("duo-doctor {}, {what}{demo}", report.tool.version), 0, str::to_owned);
    put(out, &about_node(report), 0, str::to_owned);
    out.push('\n');
}

/// `62 checks in 3.2 s`; another program's report has no time.
pub(super) fn extent(report: &Report) -> String {
    let checks = count(report.checks.len(), "check");
    if report.source.is_some() {
        return checks;
    }
    format!("{checks} in {}", duration(Duration::from_millis(report.duration_ms)))
}

/// `gl-rails-01 (rails, sidekiq), GitLab 18.9.1-ee, 2026-11-22 02:47:05 UTC`
pub(super) fn about_node(report: &Report) -> String {
    let node = &report.node;
    if let Some(source) = &report.source {
        let gitlab = node.gitlab_version.as_ref().map(|v| format!("GitLab {v}. ")).unwrap_or_default();
        return format!("{gitlab}{}", source.kind.silent_about());
    }
    let name = node.hostname.as_deref().unwrap_or("a node without a name");
    let roles = if node.roles.is_empty() { String::new() } else { format!(" ({})", node.roles.join(", ")) };
    let edition = node.edition.as_ref().map(|e| format!("-{e}")).unwrap_or_default();
    let gitlab = match (&node.gitlab_version, node.install) {
        (Some(version), _) => format!("GitLab {version}{edition}"),
        (None, Some(_)) => "GitLab of unknown version".to_owned(),
        (None, None) => "no GitLab on this node".to_owned(),
    };
    format!("{name}{roles}, {gitlab}, {}", report.started_at.strftime("%Y-%m-%d %H:%M:%S UTC"))
}

/// The sentence that says what became of the run.
pub(super) fn verdict(report: &Report) -> String {
    let problem = |c: &&CheckReport| matches!(c.status, Status::Fail | Status::Warn | Status::Blocked);
    let problems = report.checks.iter().filter(problem).count();
    let explained = |c: &&CheckReport| {
        report.root_causes.iter().any(|r| r.seen_at.contains(&c.id) || r.explains.contains(&c.id))
    };
    let covered = report.checks.iter().filter(problem).filter(explained).count();
    let causes = report.root_causes.len();
    let explain = if causes == 1 { "explains" } else { "explain" };
    let of = match (covered, problems) {
        (1, 1) => String::new(),
        (c, p) if c == p => format!(" {explain} all {}", count(p, "problem")),
        (c, p) => format!(" {explain} {c} of {}", count(p, "problem")),
    };
    let first = if causes > 1 { " Mend A first." } else { "" };
    match report.verdict {
        RunVerdict::Fail => format!("FAIL: {}{of}.{first}{}", count(causes, "cause"), if_self_hosted(report)),
        RunVerdict::Warn => format!("WARN: nothing failed, {}{of}.", count(causes, "warning")),
        RunVerdict::Pass if report.source.is_some() => {
            "PASS: GitLab's own tests found nothing; they look at less than Duo needs.".into()
        }
        RunVerdict::Pass => {
            "PASS: nothing stands between this node and GitLab Duo, as far as it was asked.".into()
        }
        RunVerdict::Inconclusive => inconclusive(report),
    }
}

/// What to pass where a gateway of one's own is used, which would make failures at GitLab's matter less.
fn if_self_hosted(report: &Report) -> &'static str {
    let at_cloud = |id: &String| id.contains("@cloud") || id.contains("@workflow");
    let meant = report.root_causes.iter().any(|cause| cause.seen_at.iter().all(at_cloud));
    if meant && report.instance.deployment.is_none() {
        " If Duo uses an AI gateway of your own, say so: --deployment self-hosted."
    } else {
        ""
    }
}

fn inconclusive(report: &Report) -> String {
    let open: Vec<&CheckReport> = report.checks.iter().filter(|c| is_open(report, c)).collect();
    match open.iter().find(|c| c.status != Status::Blocked) {
        None => "INCONCLUSIVE: nothing failed, but no check reached a verdict.".to_owned(),
        Some(first) => {
            let why = first.summary.trim_end_matches('.');
            format!(
                "INCONCLUSIVE: nothing failed, but {} reached no verdict: {why}.",
                count(open.len(), "check")
            )
        }
    }
}

/// Whether a check was asked for and reached no verdict.
fn is_open(report: &Report, check: &CheckReport) -> bool {
    let open = |c: &CheckReport| matches!(c.status, Status::Error | Status::Cancelled);
    open(check) || check.blocked_by.as_ref().and_then(|by| report.check(by)).is_some_and(open)
}

fn one_cause(out: &mut String, cause: &CauseReport, letter: &str, options: Options) {
    let strong = |line: &str| paint(line, "1", options);
    let mut lines = wrap(&cause.message, WIDTH - 3).into_iter();
    let _ =
        writeln!(out, "{} {}", strong(&format!("{letter:<2}")), strong(&lines.next().unwrap_or_default()));
    for line in lines {
        let _ = writeln!(out, "   {}", strong(&line));
    }
    field(out, "code", cause.code.as_str());
    field(out, "seen", &cause.seen_at.join(", "));
    for (i, line) in cause.logs.iter().enumerate() {
        field(out, if i == 0 { "logs" } else { "" }, &line.sentence());
    }
    field(out, "means", &cause.remedy.means);
    if !cause.explains.is_empty() {
        field(out, "follow", &follow(&cause.explains));
    }
    let article = Article { fix: cause.remedy.fix.clone(), ..Article::default() };
    for (i, step) in article.steps().iter().enumerate() {
        let number = format!("{}. ", i + 1);
        let key = if i == 0 { "do" } else { "" };
        keyed(out, key, &number, &step.text);
        rest(out, &step.rest, INDENT + number.len());
    }
    let verify = markdown::blocks(&cause.remedy.verify);
    let (first, behind) = match verify.split_first() {
        Some((Block::Paragraph(text) | Block::Item { text, .. }, behind)) => (text.as_str(), behind),
        Some((Block::Code { .. }, _)) | None => ("", verify.as_slice()),
    };
    field(out, "verify", if first.is_empty() && !behind.is_empty() { "run" } else { first });
    rest(out, behind, INDENT);
    for (i, link) in cause.remedy.docs.iter().enumerate() {
        let key = if i == 0 { "docs" } else { "" };
        let _ = writeln!(out, "   {key:<9}{link}");
    }
}

/// `10 more: http, latency (4), sync`
pub(super) fn follow(ids: &[String]) -> String {
    let mut kinds: Vec<(&str, usize)> = Vec::new();
    for id in ids {
        let kind = id.split('@').next().unwrap_or(id);
        match kinds.iter_mut().find(|(k, _)| *k == kind) {
            Some((_, n)) => *n += 1,
            None => kinds.push((kind, 1)),
        }
    }
    let show = |(kind, n): (&str, usize)| if n == 1 { kind.to_owned() } else { format!("{kind} ({n})") };
    format!("{} more: {}", ids.len(), kinds.into_iter().map(show).collect::<Vec<_>>().join(", "))
}

fn field(out: &mut String, key: &str, text: &str) {
    if !text.is_empty() {
        keyed(out, key, "", text);
    }
}

/// A key, then its words with a hanging indent.
fn keyed(out: &mut String, key: &str, lead: &str, text: &str) {
    let indent = INDENT + lead.len();
    for (i, line) in wrap(text, WIDTH - indent).iter().enumerate() {
        if i == 0 {
            let _ = writeln!(out, "   {key:<9}{lead}{line}");
        } else {
            let _ = writeln!(out, "{:indent$}{line}", "");
        }
    }
}

/// Paragraphs indented, snippets as they are.
pub(super) fn rest(out: &mut String, blocks: &[Block], indent: usize) {
    for block in blocks {
        match block {
            Block::Code { text, .. } => out.push_str(text),
            Block::Paragraph(text) => put(out, text, indent, str::to_owned),
            Block::Item { number: Some(n), text } => put(out, &format!("{n}. {text}"), indent, str::to_owned),
            Block::Item { number: None, text } => put(out, &format!("- {text}"), indent, str::to_owned),
        }
    }
}

/// A wrapped paragraph.
pub(super) fn put(out: &mut String, text: &str, indent: usize, show: impl Fn(&str) -> String) {
    for line in wrap(text, WIDTH.saturating_sub(indent)) {
        let _ = writeln!(out, "{:indent$}{}", "", show(&line));
    }
}

/// One line a group, the usual counts in fixed columns, zeros blank.
fn groups(out: &mut String, report: &Report, options: Options) {
    for group in &report.groups {
        let cells = [
            (group.pass, "pass", 9, ""),
            (group.fail, "FAIL", 9, "1;31"),
            (group.warn, "warn", 9, "1;33"),
            (group.blocked, "blocked", 12, ""),
            (group.skip, "skip", 0, ""),
            (group.error, "error", 0, "1;33"),
            (group.cancelled, "cancelled", 0, ""),
        ];
        let mut line = format!("{:<16}", group.title);
        let mut gap = 0;
        for (n, word, width, colour) in cells {
            if n == 0 {
                gap += width;
                continue;
            }
            let cell = format!("{n:>3} {word}");
            let _ = write!(line, "{:gap$}{}", "", paint(&cell, colour, options));
            gap = width.saturating_sub(cell.len());
        }
        let _ = writeln!(out, "{line}");
    }
}

/// Which ways were walked, who shares one, and what decided: `rails, sidekiq to cloud: direct (…)`.
fn ways(report: &Report) -> Option<String> {
    let walked = |route: &&Route| report.checks.iter().any(|c| c.place == route.place().to_string());
    let way = |route: &Route| {
        let stacks: Vec<&str> = route.stacks.iter().map(|s| s.as_str()).collect();
        format!("{} to {}: {} ({})", stacks.join(", "), route.endpoint, route.via, route.source)
    };
    let ways: Vec<String> = report.routes.iter().filter(walked).map(way).collect();
    (!ways.is_empty()).then(|| format!("Ways out: {}.", ways.join("; ")))
}

/// A line a door: where it stands, how that is known, whether Action Cable is open there.
fn doors(report: &Report) -> Vec<String> {
    let line = |door: &DoorAbout| match &door.address {
        Some(address) => {
            format!("Door {}: {address} ({}), cable: {}.", door.door, door.source, cable(report, door))
        }
        None => format!("Door {}: not here ({}).", door.door, door.source),
    };
    report.doors.iter().map(line).collect()
}

/// How the upgrade at `/-/cable` stands at a door: `pass 9 ms`, `FAIL 400`, `not tried`.
pub(super) fn cable(report: &Report, door: &DoorAbout) -> String {
    let Some(check) = report.check(&format!("cable@{}", door.door)) else { return "not tried".to_owned() };
    let time = check.duration_ms.map(|ms| duration(Duration::from_secs_f64(ms.max(0.0) / 1e3)));
    let (word, figure) = match check.status {
        Status::Pass => ("pass", check.figure.clone().or(time)),
        Status::Fail => ("FAIL", check.findings.iter().find_map(|f| f.args.get("status").cloned())),
        Status::Pending
        | Status::Running
        | Status::Warn
        | Status::Skip
        | Status::Blocked
        | Status::Error
        | Status::Cancelled => (check.status.as_str(), None),
    };
    figure.map_or_else(|| word.to_owned(), |figure| format!("{word} {figure}"))
}

/// What a passing run proved, in a few lines.
fn passing(report: &Report) -> String {
    let groups: Vec<String> =
        report.groups.iter().map(|g| format!("{} {}", g.title, g.pass + g.skip)).collect();
    let pass: usize = report.groups.iter().map(|g| g.pass).sum();
    let skip: usize = report.groups.iter().map(|g| g.skip).sum();
    let skip = if skip == 0 { String::new() } else { format!(", {skip} skip") };
    let mut text = format!("{}: {pass} pass{skip}.", groups.join(", "));
    let proofs: Vec<String> = report.checks.iter().filter_map(proof).collect();
    if !proofs.is_empty() {
        let _ = write!(text, "\nProven: {}.", proofs.join(", "));
    }
    text
}

/// The last layer of each way, with its figure or time; what was asked for by name, with its sentence.
fn proof(check: &CheckReport) -> Option<String> {
    if check.status == Status::Pass && check.check == CLOUDFLARE_RANGES {
        return Some(format!("{} {}", check.id, check.summary.trim_end_matches('.')));
    }
    let telling = ["http", "workflow", "cable", "pings"].contains(&check.check.as_str());
    if check.status != Status::Pass || !telling {
        return None;
    }
    let time = check.duration_ms.map(|ms| duration(Duration::from_secs_f64(ms.max(0.0) / 1e3)));
    let figure = check.figure.clone().or(time)?;
    Some(format!("{} {figure}", check.id))
}

/// What is not known and why, one line for each reason.
fn unknown(report: &Report) -> Vec<String> {
    let mut lines = Vec::new();
    let mut reasons: BTreeMap<(&str, &str), Vec<&str>> = BTreeMap::new();
    for check in &report.checks {
        let kind = match (check.status, check.skip) {
            (Status::Error, _) => "Not known",
            (Status::Cancelled, _) => "Stopped",
            (Status::Skip, Some(Skip::NotAsked)) => "Not asked",
            (Status::Skip, Some(Skip::NotApplicable) | None)
            | (
                Status::Pending
                | Status::Running
                | Status::Pass
                | Status::Warn
                | Status::Fail
                | Status::Blocked,
                _,
            ) => continue,
        };
        reasons.entry((kind, check.summary.trim_end_matches('.'))).or_default().push(&check.id);
    }
    for ((kind, why), ids) in reasons {
        lines.push(format!("{kind}: {}: {why}.", list(&ids)));
    }
    lines
}

/// What another program's report does not look at.
pub(super) fn lacks(report: &Report) -> Option<String> {
    let kind = report.source.as_ref()?.kind;
    Some(format!("Not in this report: {}. To know, run duo-doctor on the node.", kind.lacks()))
}

/// The colour of a verdict.
fn colour_of(verdict: RunVerdict) -> &'static str {
    match verdict {
        RunVerdict::Fail => "1;31",
        RunVerdict::Warn | RunVerdict::Inconclusive => "1;33",
        RunVerdict::Pass => "1;32",
    }
}

fn paint(text: &str, colour: &str, options: Options) -> String {
    match options.colour {
        Colour::Always if !colour.is_empty() => format!("\x1b[{colour}m{text}\x1b[0m"),
        Colour::Always | Colour::Never => text.to_owned(),
    }
}
