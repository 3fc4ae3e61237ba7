//! Evidence that is no connection: the results of GitLab's own health check under its own headings, and lines of the
//! node's logs beside what they are evidence for.
//!
//! ```text
//!  Network          ✓ host_probe     customers.gitlab.com reachable.
//!                   ✓ host_probe     cloud.gitlab.com reachable.
//!  logs      412 times: Silent Mode stopped a request (sidekiq/current, last 2026-11-22 02:40 UTC)
//! ```

use super::lines::{self, Row};
use crate::checks::GITLAB_CHECK;
use crate::gitlab::health_check::{self, Heading, ProbeResult};
use crate::probe::Reading;
use crate::report::build::logs_of;
use crate::run::{ProbeState, StepState};
use crate::text;
use crate::tui::model::Model;
use crate::tui::theme::Role;
use ratatui::text::Line;

/// Where values begin.
const VALUE: usize = 10;

/// Where a result's sign and its message begin.
const SIGN: usize = 3;
const MESSAGE: usize = 5;

/// The results of GitLab's own check, where this is the step that ran it.
pub(super) fn own_check(model: &Model, state: &StepState, width: usize) -> Vec<Line<'static>> {
    let results = results(model, state);
    let mut headings: Vec<Heading> = results.iter().map(|r| Heading::of(&r.name)).collect();
    headings.sort_unstable();
    headings.dedup();
    let mut page = Vec::new();
    for heading in headings {
        page.push(Row::new(model.look, width).to(1).put(heading.title(), Role::Quiet).line());
        page.extend(results.iter().filter(|r| Heading::of(&r.name) == heading).map(|r| row(model, r, width)));
    }
    page
}

fn row(model: &Model, result: &ProbeResult, width: usize) -> Line<'static> {
    let (sign, role) = match result.success {
        Some(true) => (model.look.pick("✓", "+"), Role::Good),
        Some(false) => (model.look.pick("✗", "X"), Role::Bad),
        None => (model.look.pick("–", "-"), Role::Quiet),
    };
    let said = text::cut(&result.sentence(), width.saturating_sub(MESSAGE + 1));
    Row::new(model.look, width).to(SIGN).put(sign, role).to(MESSAGE).put(said, Role::Plain).line()
}

fn results(model: &Model, state: &StepState) -> Vec<ProbeResult> {
    if state.plan.check != GITLAB_CHECK {
        return Vec::new();
    }
    let probes = state.slices.iter().filter_map(|slice| model.run.probes.get(slice.probe));
    let read = |probe: &ProbeState| {
        probe.samples.iter().find_map(|sample| match sample.reading() {
            Some(Reading::Document(document)) => health_check::read(document.json()?).ok(),
            _ => None,
        })
    };
    probes.filter_map(read).next_back().unwrap_or_default()
}

/// Lines of the logs that are evidence for what a step found.
pub(super) fn logs(model: &Model, state: &StepState, width: usize) -> Vec<Line<'static>> {
    let mut page = Vec::new();
    let found = state.findings().iter().flat_map(|f| logs_of(&model.run, f.code, &f.args));
    for (i, line) in found.enumerate() {
        let label = if i == 0 { "logs" } else { "" };
        page.extend(lines::labelled(model.look, width, VALUE, label, &line.sentence()));
    }
    page
}
