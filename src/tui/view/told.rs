//! What another program's report says of a step, in its own words; and what such a report does not look at.
//!
//! ```text
//!  GitLab    cloud.gitlab.com connection failed: SSL_connect returned=1 errno=0 …
//!  errors    14:failed to connect to all addresses
//! ```

use super::header::source;
use super::lines;
use crate::gitlab::health_check::ProbeResult;
use crate::tui::model::Model;
use crate::tui::theme::Role;
use ratatui::text::Line;

/// Where values begin.
const VALUE: usize = 10;

/// The words of the report; empty where it is ours.
pub(super) fn lines(model: &Model, step: usize, width: usize) -> Vec<Line<'static>> {
    let Some(result) = result(model, step) else { return Vec::new() };
    let mut page = Vec::new();
    let mut put = |label: &str, text: &str| {
        if !text.is_empty() {
            page.extend(lines::labelled(model.look, width, VALUE, label, text));
        }
    };
    put("GitLab", &result.sentence());
    for (i, error) in result.errors.iter().filter(|e| **e != result.message).enumerate() {
        put(if i == 0 { "errors" } else { "" }, &error.replace('\n', " "));
    }
    let details = &result.details;
    for (label, value) in [
        ("fetched", &details.updated_at),
        ("made", &details.created_at),
        ("ends", &details.expires_at),
        ("decoded", &details.decode),
        ("version", &details.gitlab_version),
    ] {
        put(label, value.as_deref().unwrap_or_default());
    }
    if let Some(license) = &details.license {
        put("plan", license.plan.as_deref().unwrap_or_default());
        put("until", license.expires_at.as_deref().unwrap_or_default());
    }
    page
}

fn result(model: &Model, step: usize) -> Option<ProbeResult> {
    let kept = model.run.about.as_ref()?.source.as_ref()?.results.get(step)?;
    serde_json::from_value(kept.clone()).ok()
}

/// What to say below the list; empty where the report is ours.
pub(super) fn lacks(model: &Model, width: usize) -> Vec<Line<'static>> {
    let Some(kind) = source(model) else { return Vec::new() };
    let mut said = lines::paragraph(
        model.look,
        width,
        1,
        &format!("? Not in this report: {}", kind.lacks()),
        Role::Plain,
    );
    let then = "To know, run duo-doctor on the node. Who holds the licence was not read.";
    said.extend(lines::paragraph(model.look, width, 1, then, Role::Plain));
    said
}
