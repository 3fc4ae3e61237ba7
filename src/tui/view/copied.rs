//! The texts that `y` and `Y` copy: a line, the evidence of a check, the summary for a ticket. Plain text.

use super::{figure, header, probes, waterfall, words};
use crate::text;
use crate::tui::model::Model;
use crate::tui::model::list::Selected;
use crate::tui::theme;

/// The line of what is selected.
pub fn line(model: &Model) -> String {
    match model.list.selected {
        Selected::Step(step) => match model.run.steps.get(step) {
            Some(state) => {
                let what = words::sentence(model, step);
                format!("{} {}: {what}\n", theme::word(state.status), state.id())
            }
            None => String::new(),
        },
        Selected::Cause(letter) => {
            let cause = model.causes.iter().find(|c| c.letter == letter);
            cause
                .map(|c| format!("{letter} {} ({})\n", model.remedy(c).message, c.root.code))
                .unwrap_or_default()
        }
        Selected::Group(group) => {
            let steps: Vec<String> = (model.run.group(group))
                .map(|(i, s)| format!("{} {} {}", theme::word(s.status), s.id(), figure::of(model, i)))
                .collect();
            format!("{}\n{}\n", group.title(), steps.join("\n"))
        }
    }
}

/// What was seen at a check.
pub fn evidence(model: &Model, step: usize) -> String {
    let Some(state) = model.run.steps.get(step) else { return String::new() };
    let mut out = format!("{} {}: {}\n", theme::word(state.status), state.id(), words::sentence(model, step));
    for slice in &state.slices {
        let Some(probe) = model.run.probes.get(slice.probe) else { continue };
        out.push_str(&format!("{}\n", probes::asked(&probe.what)));
        for sample in &probe.samples {
            let took = text::duration(sample.took);
            out.push_str(&format!(
                "  {} {took}: {}\n",
                waterfall::name(sample.layer),
                probes::remark(sample)
            ));
        }
    }
    out
}

/// The verdict and the causes, for a ticket.
pub fn summary(model: &Model) -> String {
    let mut out = format!("duo-doctor, {}: {}. ", header::subject(model), header::verdict(&model.run).0);
    out.push_str(&super::banner::headline(model));
    out.push('\n');
    for cause in &model.causes {
        out.push_str(&format!("{} {} ({})\n", cause.letter, model.remedy(cause).message, cause.root.code));
        let shown: Vec<String> =
            cause.root.shown_by.iter().filter_map(|s| model.run.steps.get(*s)).map(|s| s.id()).collect();
        out.push_str(&format!("  seen at {}; {} more follow\n", text::list(&shown), cause.follow()));
    }
    out
}
