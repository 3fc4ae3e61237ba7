//! The lines that stay on the normal screen after the end, so that the scrollback keeps the result.
//!
//! ```text
//! duo-doctor  FAIL  2 causes: A ca-missing-in-rails, B websocket-upgrade-stripped
//!             report not saved
//!             guide: cause A, step 3 of 5 is next
//! ```

use super::header;
use crate::text;
use crate::tui::model::{Model, Phase};

/// The lines; none where nothing was run.
pub fn lines(model: &Model) -> Vec<String> {
    let indent = " ".repeat(12);
    if let Phase::Unready(why) = &model.phase {
        return vec![format!("duo-doctor  not started: {why}")];
    }
    if model.run.steps.is_empty() {
        return Vec::new();
    }
    let causes: Vec<String> = model.causes.iter().map(|c| format!("{} {}", c.letter, c.root.code)).collect();
    let verdict =
        if model.run.ending.is_some() { header::verdict(&model.run).0 } else { "not finished".to_owned() };
    let what = match causes.len() {
        0 => text::count(model.run.steps.len(), "check"),
        n => format!("{}: {}", text::count(n, "cause"), causes.join(", ")),
    };
    let mut lines = vec![format!("duo-doctor  {verdict}  {what}")];
    lines.push(match &model.saved {
        Some(path) => format!("{indent}report saved to {path}"),
        None => format!("{indent}report not saved"),
    });
    let next = model.causes.iter().find_map(|cause| {
        let all = model.remedy(cause).steps().len();
        let step = (0..all).find(|s| !model.ticks.contains_key(&(cause.letter, *s)))?;
        Some(format!("{indent}guide: cause {}, step {} of {all} is next", cause.letter, step + 1))
    });
    lines.extend(next);
    lines.into_iter().map(|l| model.look.text(&l).into_owned()).collect()
}
