//! The report as one page: readable without scripts, printable, no resource from elsewhere. The page stands in
//! `assets/report.html`; here is what it shows. Everything from outside is escaped by the template, or is put
//! into an article after its Markdown was read.

use super::shape::{CauseReport, CheckReport, FeatureReport, FeatureState, GroupCount, Phase, PhaseEnd};
use super::{Report, fill, letter, markdown, redact, text, users};
use crate::finding::Severity;
use crate::run::Status;
use crate::subject::doors::DoorAbout;
use crate::text::duration;
use askama::Template;
use pulldown_cmark::{CodeBlockKind, CowStr, Event, Parser, Tag, TagEnd};
use redact::Hidden;
use std::time::Duration;

#[derive(Template)]
#[template(path = "report.html", config = "assets/askama.toml")]
struct Page<'a> {
    report: &'a Report,
    verdict: String,
    instance: &'a str,
    node: String,
    sentence: String,
    numbers: String,
    users: Vec<User<'a>>,
    causes: Vec<Cause<'a>>,
    groups: Vec<Group<'a>>,
    routes: Vec<Way<'a>>,
    doors: Vec<Door<'a>>,
    took: String,
    redaction: String,
}

/// A feature: `Chat`, `stopped by A and B`.
struct User<'a> {
    title: &'a str,
    status: &'static str,
    words: String,
}

struct Cause<'a> {
    letter: String,
    severity: &'static str,
    code: &'static str,
    title: String,
    message: String,
    means: String,
    seen_at: &'a [String],
    follow: String,
    args: Vec<(&'a str, &'a str)>,
    phases: Vec<Bar>,
    fix: String,
    verify: String,
    why: String,
    seen: String,
    not_it: String,
    docs: &'a [String],
}

struct Group<'a> {
    title: &'a str,
    others: Vec<Line<'a>>,
    pass: Vec<Line<'a>>,
}

struct Line<'a> {
    id: &'a str,
    status: &'static str,
    letters: String,
    title: &'a str,
    place: &'a str,
    summary: &'a str,
    codes: Vec<&'static str>,
    time: String,
    phases: Vec<Bar>,
}

/// A layer in a waterfall, in hundredths of its width.
struct Bar {
    name: &'static str,
    ms: String,
    end: &'static str,
    left: String,
    width: String,
}

struct Way<'a> {
    stacks: String,
    endpoint: &'static str,
    via: String,
    source: &'a str,
    and_not: &'a [String],
    trusts: &'a str,
}

struct Door<'a> {
    name: &'static str,
    address: &'a str,
    source: &'a str,
    cable: String,
}

/// The report as a page.
pub fn html(report: &Report, hidden: &Hidden) -> String {
    let counts = hidden.counts();
    let page = Page {
        report,
        verdict: report.verdict.as_str().to_uppercase(),
        instance: markdown::instance(report),
        node: match &report.source {
            Some(source) => format!("{}. {}", source.kind.title(), text::about_node(report)),
            None => text::about_node(report),
        },
        sentence: text::verdict(report).split_once(": ").map(|(_, s)| capital(s)).unwrap_or_default(),
        numbers: markdown::numbers(report),
        users: report.features.iter().map(user).collect(),
        causes: report.root_causes.iter().enumerate().map(|(i, c)| cause(report, c, i, hidden)).collect(),
        groups: report.groups.iter().map(|g| group(report, g)).collect(),
        routes: report.routes.iter().map(way).collect(),
        doors: report.doors.iter().map(|d| door(report, d)).collect(),
        took: text::extent(report),
        redaction: if counts.is_empty() { counts } else { format!("Hidden for sharing: {counts}.") },
    };
    page.render().unwrap_or_else(|e| format!("<!doctype html><p>The page could not be made: {e}</p>"))
}

fn user(feature: &FeatureReport) -> User<'_> {
    User {
        title: &feature.title,
        status: match feature.state {
            FeatureState::Open => "pass",
            FeatureState::Stopped => "fail",
            FeatureState::Unknown => "warn",
        },
        words: users::words(feature),
    }
}

fn cause<'a>(report: &'a Report, cause: &'a CauseReport, number: usize, hidden: &Hidden) -> Cause<'a> {
    let marked = fill::marked(report, cause);
    let read = |text: &str| marks(&marked, text, hidden);
    let article = &marked.article;
    let title = read(&article.title);
    Cause {
        letter: letter(number),
        severity: match cause.severity {
            Severity::Fail => "fail",
            Severity::Warn => "warn",
        },
        code: cause.code.as_str(),
        title: title.trim().trim_start_matches("<p>").trim_end_matches("</p>").to_owned(),
        message: read(&article.message),
        means: read(&article.means),
        seen_at: &cause.seen_at,
        follow: if cause.explains.is_empty() { String::new() } else { text::follow(&cause.explains) },
        args: cause
            .args
            .iter()
            .filter(|(_, v)| !v.is_empty())
            .map(|(k, v)| (k.as_str(), v.as_str()))
            .collect(),
        phases: report.check(&cause.check).map(|c| bars(&c.phases)).unwrap_or_default(),
        fix: read(&article.fix),
        verify: read(&article.verify),
        why: read(&article.cause),
        seen: read(&article.seen),
        not_it: read(&article.not_it),
        docs: &cause.remedy.docs,
    }
}

fn group<'a>(report: &'a Report, group: &'a GroupCount) -> Group<'a> {
    let own = report.checks.iter().filter(|c| c.group == group.id);
    let (pass, others): (Vec<_>, Vec<_>) = own.partition(|c| c.status == Status::Pass);
    let lines = |checks: Vec<&'a CheckReport>| checks.into_iter().map(|c| line(report, c)).collect();
    Group { title: &group.title, others: lines(others), pass: lines(pass) }
}

fn line<'a>(report: &'a Report, check: &'a CheckReport) -> Line<'a> {
    let of = |cause: &CauseReport| cause.seen_at.contains(&check.id) || cause.explains.contains(&check.id);
    let causes = report.root_causes.iter().enumerate().filter(|(_, c)| of(c));
    Line {
        id: &check.id,
        status: check.status.as_str(),
        letters: causes.map(|(i, _)| letter(i)).collect::<Vec<_>>().join(" "),
        title: &check.title,
        place: &check.place,
        summary: &check.summary,
        codes: check.findings.iter().map(|f| f.code.as_str()).collect(),
        time: check.duration_ms.map(shown).unwrap_or_default(),
        phases: bars(&check.phases),
    }
}

/// The page says the verdict's word elsewhere; what is left begins a sentence.
fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters
        .next()
        .map(|first| first.to_uppercase().collect::<String>() + letters.as_str())
        .unwrap_or_default()
}

fn shown(ms: f64) -> String {
    duration(Duration::try_from_secs_f64(ms / 1e3).unwrap_or_default())
}

fn bars(phases: &[Phase]) -> Vec<Bar> {
    let start = phases.iter().map(|p| p.at_ms).fold(f64::INFINITY, f64::min);
    let end = phases.iter().map(|p| p.at_ms + p.ms).fold(0.0, f64::max);
    let scale = 100.0 / (end - start).max(0.001);
    let bar = |p: &Phase| Bar {
        name: p.name.as_str(),
        ms: shown(p.ms),
        end: match p.end {
            PhaseEnd::Read => "read",
            PhaseEnd::Failed => "failed",
        },
        left: format!("{:.2}", ((p.at_ms - start) * scale).clamp(0.0, 99.5)),
        width: format!("{:.2}", (p.ms * scale).clamp(0.5, 100.0)),
    };
    phases.iter().map(bar).collect()
}

fn way(route: &crate::subject::Route) -> Way<'_> {
    Way {
        stacks: route.stacks.iter().map(|s| s.as_str()).collect::<Vec<_>>().join(", "),
        endpoint: route.endpoint.as_str(),
        via: route.via.to_string(),
        source: &route.source,
        and_not: &route.and_not,
        trusts: &route.trusts,
    }
}

fn door<'a>(report: &Report, about: &'a DoorAbout) -> Door<'a> {
    Door {
        name: about.door.as_str(),
        address: about.address.as_deref().unwrap_or("not here"),
        source: &about.source,
        cable: about.address.as_ref().map(|_| text::cable(report, about)).unwrap_or_default(),
    }
}

/// An article's Markdown as HTML. Raw HTML in it is shown, not obeyed (`<host>` is a placeholder), a link leads
/// to http or https and to no value from outside, and values are put in last.
fn marks(marked: &fill::Marked, markdown: &str, hidden: &Hidden) -> String {
    let put = |text: CowStr<'_>| -> CowStr<'static> { marked.put(&text, str::to_owned).into() };
    let mut language: Option<String> = None;
    let mut links: Vec<bool> = Vec::new();
    let mut events: Vec<Event> = Vec::new();
    for event in Parser::new(markdown) {
        match event {
            Event::Start(Tag::CodeBlock(ref kind)) => {
                language = Some(match kind {
                    CodeBlockKind::Fenced(language) => language.to_string(),
                    CodeBlockKind::Indented => String::new(),
                });
                events.push(Event::Start(Tag::CodeBlock(CodeBlockKind::Indented)));
            }
            Event::End(TagEnd::CodeBlock) => {
                language = None;
                events.push(event);
            }
            Event::Text(text) => {
                let text = put(text);
                // A snippet may come in several pieces; the note stands before the first that was changed.
                let changed = language.as_ref().filter(|_| hidden.changed(&text));
                if let Some(note) = changed.and_then(|l| redact::comment(l)) {
                    events.push(Event::Text(format!("{note}\n").into()));
                    language = Some("json".to_owned());
                }
                events.push(Event::Text(text));
            }
            Event::Code(text) => events.push(Event::Code(put(text))),
            Event::Html(text) | Event::InlineHtml(text) => events.push(Event::Text(put(text))),
            Event::Start(Tag::Link { ref dest_url, .. }) => {
                let safe = dest_url.starts_with("https://") || dest_url.starts_with("http://");
                let safe = safe && !fill::Marked::has_value(dest_url);
                links.push(safe);
                if safe {
                    events.push(event);
                }
            }
            Event::End(TagEnd::Link) => {
                if links.pop() == Some(true) {
                    events.push(event);
                }
            }
            Event::Start(Tag::Image { .. }) | Event::End(TagEnd::Image) => {}
            other => events.push(other),
        }
    }
    let mut html = String::new();
    pulldown_cmark::html::push_html(&mut html, events.into_iter());
    html
}
