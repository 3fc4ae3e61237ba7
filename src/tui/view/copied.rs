//! The texts that `y` and `Y` copy: a line, the evidence of a check, the summary for a ticket. Plain text.

use super::{controls, figure, handshake, header, hops, probes, waterfall, words};
use crate::run::StepState;
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
    let word = theme::word(state.status);
    let mut lines = vec![format!("{word} {}: {}", state.id(), words::sentence(model, step))];
    for slice in &state.slices {
        let Some(probe) = model.run.probes.get(slice.probe) else { continue };
        lines.push(probes::asked(&probe.what));
        lines.extend(handshake::copied(probe));
        lines.extend(probe.samples.iter().map(|sample| {
            let took = text::duration(sample.took);
            format!("  {} {took}: {}", waterfall::name(sample.layer), probes::remark(sample))
        }));
    }
    if hops::is_socket(&state.plan.check) {
        lines.extend(controls::copied(model, state));
    }
    lines.join("\n") + "\n"
}

/// The verdict and the causes, for a ticket.
pub fn summary(model: &Model) -> String {
    let verdict = header::verdict(&model.run).0;
    let headline = super::banner::headline(model);
    let mut lines = vec![format!("duo-doctor, {}: {verdict}. {headline}", header::subject(model))];
    for cause in &model.causes {
        lines.push(format!("{} {} ({})", cause.letter, model.remedy(cause).message, cause.root.code));
        let shown = cause.root.shown_by.iter().filter_map(|s| model.run.steps.get(*s));
        let shown: Vec<String> = shown.map(StepState::id).collect();
        lines.push(format!("  seen at {}; {} more follow", text::list(&shown), cause.follow()));
    }
    lines.join("\n") + "\n"
}
