//! Two runs held against each other: what broke, what was mended, what got slower, what is no longer known.
//! Steps are matched by their ids, which redaction leaves alone.

use super::shape::{CauseReport, CheckReport};
use super::text::{WIDTH, put};
use super::{Charset, Options, Report};
use crate::finding::Code;
use crate::run::Status;
use crate::run::event::Skip;
use crate::text::{ascii, count, cut, duration, width};
use serde_json::Value;
use std::fmt::Write as _;
use std::time::Duration;

/// What is different between two runs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Diff {
    /// `gl-rails-01`
    pub node: String,
    /// The older run in a line.
    pub old: String,
    /// The newer run in a line.
    pub new: String,
    /// Causes that are new, with their few words.
    pub new_causes: Vec<(Code, String)>,
    /// Causes that are gone.
    pub gone_causes: Vec<(Code, String)>,
    /// Fails now and did not before.
    pub broken: Vec<Change>,
    /// How many others are blocked now and were not before.
    pub follow: usize,
    /// Warns now and passed before.
    pub doubtful: Vec<Change>,
    /// Passes now and did not before.
    pub mended: Vec<Change>,
    /// Passes as before, by 25 % and 20 ms slower or more.
    pub slower: Vec<Change>,
    /// Reached a verdict before, and none now.
    pub unknown: Vec<Change>,
    /// What is different on the node: what, and how.
    pub changed: Vec<(&'static str, String)>,
}

/// A step that is not as it was.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// `tls@cloud/rails`
    pub id: String,
    /// The check's promise.
    pub title: String,
    /// Where.
    pub place: String,
    /// Before.
    pub from: String,
    /// Now.
    pub to: String,
    /// What was seen to be different.
    pub detail: Option<String>,
}

/// From how much on a step got slower: a quarter, and more than a network's own moods.
const SLOWER: (f64, f64) = (1.25, 20.0);

impl Diff {
    /// 1 if something broke.
    pub fn exit_code(&self) -> u8 {
        u8::from(!self.broken.is_empty())
    }
}

/// Holds two reports against each other.
pub fn diff(old: &Report, new: &Report) -> Diff {
    let node = new.node.hostname.as_deref().or(old.node.hostname.as_deref());
    let mut diff = Diff {
        node: node.unwrap_or("a node without a name").to_owned(),
        old: line(old),
        new: line(new),
        new_causes: causes(new, old),
        gone_causes: causes(old, new),
        changed: changed(old, new),
        ..Diff::default()
    };
    for check in &new.checks {
        let before = old.check(&check.id);
        let was = before.map(|b| b.status);
        let known = |s: Option<Status>| matches!(s, Some(Status::Pass | Status::Warn | Status::Fail));
        let change = || change(old, new, before, check);
        match check.status {
            Status::Fail if was != Some(Status::Fail) => diff.broken.push(change()),
            Status::Warn if matches!(was, Some(Status::Pass)) => diff.doubtful.push(change()),
            Status::Pass if matches!(was, Some(Status::Fail | Status::Warn | Status::Blocked)) => {
                diff.mended.push(change());
            }
            Status::Blocked if was != Some(Status::Blocked) && was.is_some() => diff.follow += 1,
            Status::Skip | Status::Error | Status::Cancelled if known(was) => diff.unknown.push(change()),
            Status::Pass | Status::Warn => diff.slower.extend(slower(before, check)),
            Status::Fail
            | Status::Skip
            | Status::Error
            | Status::Cancelled
            | Status::Blocked
            | Status::Pending
            | Status::Running => {}
        }
    }
    let lost = old.checks.iter().filter(|c| new.check(&c.id).is_none());
    let lost = lost.filter(|c| matches!(c.status, Status::Pass | Status::Warn | Status::Fail));
    diff.unknown.extend(lost.map(|c| Change {
        id: c.id.clone(),
        title: c.title.clone(),
        place: c.place.clone(),
        from: word(c),
        to: "not checked".to_owned(),
        detail: None,
    }));
    diff
}

fn line(report: &Report) -> String {
    let (checks, verdict) = (count(report.checks.len(), "check"), report.verdict.as_str().to_uppercase());
    if let Some(source) = &report.source {
        return format!("{}, {checks}, {verdict}", source.kind.title());
    }
    let at = report.started_at.strftime("%Y-%m-%d %H:%M UTC");
    format!("{at}, {checks}, {}, {verdict}", duration(Duration::from_millis(report.duration_ms)))
}

/// Causes of one report that the other does not have at any of the same steps.
fn causes(of: &Report, not_in: &Report) -> Vec<(Code, String)> {
    let same = |c: &CauseReport| {
        not_in
            .root_causes
            .iter()
            .any(|o| o.code == c.code && o.seen_at.iter().any(|id| c.seen_at.contains(id)))
    };
    of.root_causes.iter().filter(|c| !same(c)).map(|c| (c.code, c.remedy.title.clone())).collect()
}

/// A state as a change says it: the word, a failure in capitals.
fn word(check: &CheckReport) -> String {
    match (check.status, check.skip) {
        (Status::Fail, _) => "FAIL".to_owned(),
        (Status::Skip, Some(Skip::NotAsked)) => "not asked".to_owned(),
        (status, _) => status.as_str().to_owned(),
    }
}

fn change(old: &Report, new: &Report, before: Option<&CheckReport>, now: &CheckReport) -> Change {
    let issuers = (before.and_then(|b| issuer(old, b)), issuer(new, now));
    let detail = match (now.status, issuers) {
        (_, (Some(was), Some(is))) if was != is => Some(format!("issuer: {was} → {is}")),
        (Status::Pass, _) => None,
        (_, _) => Some(now.summary.clone()).filter(|s| !s.is_empty()),
    };
    Change {
        id: now.id.clone(),
        title: now.title.clone(),
        place: now.place.clone(),
        from: before.map_or_else(|| "not checked".to_owned(), word),
        to: word(now),
        detail,
    }
}

fn slower(before: Option<&CheckReport>, now: &CheckReport) -> Option<Change> {
    let before = before.filter(|b| b.status == now.status)?;
    let (was, is) = (before.duration_ms?, now.duration_ms?);
    let shown = |ms: f64| duration(Duration::try_from_secs_f64(ms / 1e3).unwrap_or_default());
    (is >= was * SLOWER.0 && is - was >= SLOWER.1).then(|| Change {
        id: now.id.clone(),
        title: now.title.clone(),
        place: now.place.clone(),
        from: shown(was),
        to: shown(is),
        detail: None,
    })
}

/// Who issued the certificate that a check judged.
fn issuer(report: &Report, check: &CheckReport) -> Option<String> {
    let probe = report.probes.get(check.evidence.first()?.probe)?;
    let chain = probe.samples.iter().find_map(|sample| chain(&sample["outcome"]))?;
    chain.first()?["issuer"].as_str().map(str::to_owned)
}

fn chain(value: &Value) -> Option<&Vec<Value>> {
    let fields = value.as_object()?;
    match fields.get("chain") {
        Some(Value::Array(chain)) => Some(chain),
        Some(_) | None => fields.values().find_map(chain),
    }
}

/// What is different on the node and in what was asked.
fn changed(old: &Report, new: &Report) -> Vec<(&'static str, String)> {
    let mut out = Vec::new();
    let mut differs = |what, was: Option<String>, is: Option<String>| {
        if was != is {
            let show = |value: Option<String>| value.unwrap_or_else(|| "not known".to_owned());
            out.push((what, format!("{} → {}", show(was), show(is))));
        }
    };
    let gitlab = |r: &Report| {
        let edition = r.node.edition.as_ref().map(|e| format!("-{e}")).unwrap_or_default();
        r.node.gitlab_version.as_ref().map(|v| format!("{v}{edition}"))
    };
    differs("node", old.node.hostname.clone(), new.node.hostname.clone());
    differs("instance", old.instance.url.clone(), new.instance.url.clone());
    differs("GitLab", gitlab(old), gitlab(new));
    let join = |items: &[String]| (!items.is_empty()).then(|| items.join(", "));
    differs("roles", join(&old.node.roles), join(&new.node.roles));
    differs("resolvers", join(&old.node.nameservers), join(&new.node.nameservers));
    for route in &new.routes {
        let place = route.place();
        if let Some(before) = old.routes.iter().find(|r| r.place() == place) {
            differs("way", Some(format!("{place} {}", before.via)), Some(format!("{place} {}", route.via)));
        }
    }
    differs("duo-doctor", Some(old.tool.version.clone()), Some(new.tool.version.clone()));
    out
}

/// The differences as text.
pub fn text(diff: &Diff, options: &Options) -> String {
    let mut out = String::new();
    put(&mut out, &format!("Two runs of {}: {}", diff.node, sum(diff)), 0, str::to_owned);
    let _ = writeln!(out, "old  {}\nnew  {}", diff.old, diff.new);
    let cause = |(code, title): &(Code, String), sign: &str| format!(" {sign} {:<30} {title}", code.as_str());
    let mut causes: Vec<String> = diff.new_causes.iter().map(|c| cause(c, "+")).collect();
    causes.extend(diff.gone_causes.iter().map(|c| cause(c, "-")));
    section(&mut out, "causes (+ new, - gone)", &causes);
    let follow = if diff.follow > 0 { format!(", and {} that follow", diff.follow) } else { String::new() };
    section(&mut out, &format!("broken: {}{follow}", diff.broken.len()), &lines(&diff.broken, "✗"));
    section(&mut out, &format!("warns now: {}", diff.doubtful.len()), &lines(&diff.doubtful, "!"));
    section(&mut out, &format!("mended: {}", diff.mended.len()), &lines(&diff.mended, "✓"));
    let slow = format!("slower, from 25 % and 20 ms on: {}", diff.slower.len());
    section(&mut out, &slow, &lines(&diff.slower, "!"));
    section(&mut out, &format!("no longer known: {}", diff.unknown.len()), &lines(&diff.unknown, "?"));
    let changed: Vec<String> = diff.changed.iter().map(|(what, how)| format!("   {what:<11}{how}")).collect();
    section(&mut out, "what changed on the node", &changed);
    match options.charset {
        Charset::Unicode => out,
        Charset::Ascii => ascii(&out),
    }
}

/// `worse: 2 causes new, 1 gone`
fn sum(diff: &Diff) -> String {
    let parts = [(diff.new_causes.len(), "new"), (diff.gone_causes.len(), "gone")];
    let parts: Vec<String> = parts
        .iter()
        .filter(|(n, _)| *n > 0)
        .map(|(n, what)| format!("{} {what}", count(*n, "cause")))
        .collect();
    let word = match (diff.broken.is_empty() && diff.doubtful.is_empty(), diff.mended.is_empty()) {
        (false, _) => "worse",
        (true, false) => "better",
        (true, true) => "the same",
    };
    if parts.is_empty() { word.to_owned() } else { format!("{word}: {}", parts.join(", ")) }
}

fn lines(changes: &[Change], sign: &str) -> Vec<String> {
    let mut out = Vec::new();
    for c in changes {
        let pad = |text: &str, columns: usize| {
            let text = cut(text, columns);
            format!("{text}{:1$}", "", columns - width(&text))
        };
        out.push(format!(" {sign} {} {} {} → {}", pad(&c.title, 32), pad(&c.place, 20), c.from, c.to));
        if let Some(detail) = &c.detail {
            out.extend(crate::text::wrap(detail, WIDTH - 5).into_iter().map(|line| format!("     {line}")));
        }
    }
    out
}

fn section(out: &mut String, title: &str, lines: &[String]) {
    if !lines.is_empty() {
        let _ = writeln!(out, "\n{title}");
        for line in lines {
            let _ = writeln!(out, "{line}");
        }
    }
}
