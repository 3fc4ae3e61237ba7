//! The first lines: what is examined and how it stands.
//!
//! ```text
//!  duo-doctor  https://gitlab.example.com                  FAIL  62 checks  3.4 s
//!  gl-rails-01 · rails, sidekiq · GitLab 18.9.1-ee · Omnibus            read-only
//! ```

use super::lines::{self, Row};
use crate::run::{Run, RunVerdict};
use crate::subject::Install;
use crate::subject::source::Kind;
use crate::text;
use crate::tui::model::{Model, Origin, Phase};
use crate::tui::theme::Role;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// Draws one or two lines.
pub fn draw(model: &Model, area: Rect, buf: &mut Buffer) {
    let width = usize::from(area.width);
    let end = width.saturating_sub(1);
    let tail: Vec<(String, Role)> = state(model);
    let taken: usize = tail.iter().map(|(t, _)| text::width(t) + 2).sum();
    let room = end.saturating_sub(taken);
    let mut row = Row::new(model.look, width).to(1).fit("duo-doctor", room, Role::Plain).to(13);
    let what = if room > row.used() { room - row.used() } else { 0 };
    row = row.fit(subject(model), what, Role::Plain);
    if area.height < 2 && width >= 120 {
        let about = node(model);
        let at = row.used() + if width >= 160 { 4 } else { 2 };
        let left = room.saturating_sub(at);
        if left > 10 {
            row = row.to(at).fit(about, left, Role::Plain);
        }
    }
    let start = (end + 2).saturating_sub(taken);
    row = row.to(start);
    for (i, (part, role)) in tail.iter().enumerate() {
        row = if i > 0 { row.put("  ", Role::Plain).put(part, *role) } else { row.put(part, *role) };
    }
    lines::draw_one(&row.line(), area, buf);
    if area.height >= 2 {
        let mode = match &model.origin {
            Origin::Saved(file) => format!("{file}, read only, offline"),
            Origin::Live | Origin::Demos => "read-only".to_owned(),
        };
        let mode = if source(model).is_some() { String::new() } else { mode };
        let row = Row::new(model.look, width).to(1);
        let room = end.saturating_sub(text::width(&mode) + 2);
        let row = row.fit(node(model), room, Role::Plain).right(mode, end, Role::Quiet);
        lines::draw_one(&row.line(), Rect { y: area.y + 1, height: 1, ..area }, buf);
    }
}

/// The instance, or the demo's scenario.
pub fn subject(model: &Model) -> String {
    if let Some(title) = &model.title {
        return if title.starts_with("demo") { title.clone() } else { format!("demo: {title}") };
    }
    if let (Some(_), Origin::Saved(file)) = (source(model), &model.origin) {
        return file.clone();
    }
    match model.run.about.as_ref().map(|a| a.instance.clone()) {
        Some(Some(url)) => url,
        Some(None) => "no instance".to_owned(),
        None => String::new(),
    }
}

/// Whose report is shown, where it is not ours.
pub fn source(model: &Model) -> Option<Kind> {
    Some(model.run.about.as_ref()?.source.as_ref()?.kind)
}

/// `gl-rails-01 · rails, sidekiq · GitLab 18.9.1-ee · Omnibus`
fn node(model: &Model) -> String {
    let Some(about) = &model.run.about else { return "this node".to_owned() };
    let node = &about.node;
    if let Some(kind) = source(model) {
        return format!("{}. {}", kind.title(), kind.silent_about());
    }
    let mut parts = vec![node.hostname.clone().unwrap_or_else(|| "this node".to_owned())];
    if !node.roles.is_empty() {
        parts.push(node.roles.join(", "));
    }
    if let Some(version) = &node.gitlab_version {
        let edition = node.edition.as_ref().map(|e| format!("-{e}")).unwrap_or_default();
        parts.push(format!("GitLab {version}{edition}"));
    }
    parts.push(
        match node.install {
            Some(Install::Omnibus) => "Omnibus",
            Some(Install::Docker) => "Docker",
            Some(Install::Helm) => "Helm chart",
            Some(Install::Source) => "from source",
            None => "no GitLab on this machine",
        }
        .to_owned(),
    );
    parts.join(" · ")
}

/// The verdict, or how long the run goes on.
fn state(model: &Model) -> Vec<(String, Role)> {
    let checks = || (text::count(model.run.steps.len(), "check"), Role::Plain);
    match &model.phase {
        Phase::Choosing => vec![("demo".to_owned(), Role::Plain)],
        Phase::Discovering => vec![("starting".to_owned(), Role::Plain)],
        Phase::Unready(_) => vec![("NOT STARTED".to_owned(), Role::Verdict)],
        Phase::Running(since) => {
            let limit = model.run.about.as_ref().map(|a| a.deadline.as_secs());
            let words = match limit {
                _ if model.stopping => "stopping".to_owned(),
                Some(limit) if model.size.0 >= 60 => {
                    format!("running  {} s of at most {limit} s", since.as_secs())
                }
                Some(_) | None => format!("running  {} s", since.as_secs()),
            };
            vec![(words, Role::Plain)]
        }
        Phase::Rest => {
            if source(model).is_some() {
                let mode = ("read only, offline".to_owned(), Role::Quiet);
                let mode = (model.size.0 >= 66).then_some(mode);
                return mode.into_iter().chain([verdict(&model.run), checks()]).collect();
            }
            let took = (text::duration(model.run.at), Role::Plain);
            vec![verdict(&model.run), checks(), took]
        }
    }
}

/// The verdict with its weight.
pub fn verdict(run: &Run) -> (String, Role) {
    match run.verdict() {
        RunVerdict::Pass => ("PASS".to_owned(), Role::Good),
        RunVerdict::Warn => ("WARN".to_owned(), Role::Strong),
        RunVerdict::Fail => ("FAIL".to_owned(), Role::Verdict),
        RunVerdict::Inconclusive => ("INCONCLUSIVE".to_owned(), Role::Strong),
    }
}
