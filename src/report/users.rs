//! What is up for users, in the report: the features with their states, and the sentence that says so.

use super::shape::{FeatureReport, FeatureState};
use super::{Report, letter};
use crate::diagnosis::RootCause;
use crate::diagnosis::features::{self, Standing, State};
use crate::run::Run;
use crate::text::list;
use jiff::Timestamp;

/// Every feature of a run, with the causes that stop it.
pub(super) fn features(run: &Run, causes: &[RootCause]) -> Vec<FeatureReport> {
    // Another program's report knows nothing of the ways.
    if run.about.as_ref().is_some_and(|about| about.source.is_some()) {
        return Vec::new();
    }
    let causes: Vec<&RootCause> = causes.iter().collect();
    features::features(run, &causes).into_iter().map(feature).collect()
}

fn feature(Standing { feature, state }: Standing) -> FeatureReport {
    let known = |state| FeatureReport {
        id: feature,
        title: feature.title().to_owned(),
        state,
        until: None,
        stopped_by: Vec::new(),
        tells: None,
        want: None,
    };
    match state {
        State::Open => known(FeatureState::Open),
        State::OpenUntil(until) => FeatureReport { until: Some(until), ..known(FeatureState::Open) },
        State::Stopped(stopped_by) => FeatureReport { stopped_by, ..known(FeatureState::Stopped) },
        State::Unknown { tells, want } => {
            FeatureReport { tells: Some(tells), want, ..known(FeatureState::Unknown) }
        }
    }
}

/// `open until 2026-11-23 09:14 UTC`, `stopped by A and B`, `not known: …`
pub(super) fn words(feature: &FeatureReport) -> String {
    match (feature.state, feature.until) {
        (FeatureState::Open, None) => "open".to_owned(),
        (FeatureState::Open, Some(until)) => format!("open until {}", minute(until)),
        (FeatureState::Stopped, _) => format!("stopped {}", by(feature)),
        (FeatureState::Unknown, _) => {
            format!("not known: {}", feature.tells.as_deref().unwrap_or_default().trim_end_matches('.'))
        }
    }
}

fn by(feature: &FeatureReport) -> String {
    let letters: Vec<String> = feature.stopped_by.iter().map(|cause| letter(*cause)).collect();
    format!("by {}", list(&letters))
}

fn minute(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

/// `For users: Code Suggestions open. Chat stopped by A and B, Agentic Chat and Flows by B.` `None`: an older report.
pub(super) fn sentence(report: &Report) -> Option<String> {
    let mut alike: Vec<(Vec<&str>, &FeatureReport)> = Vec::new();
    for feature in &report.features {
        let same = |(_, first): &&mut (Vec<&str>, &FeatureReport)| words(first) == words(feature);
        match alike.iter_mut().find(same) {
            Some((titles, _)) => titles.push(&feature.title),
            None => alike.push((vec![&feature.title], feature)),
        }
    }
    let of = |state: FeatureState| {
        let own: Vec<_> = alike.iter().filter(|(_, first)| first.state == state).collect();
        let part = |(i, (titles, first)): (usize, &&(Vec<&str>, &FeatureReport))| {
            let words = if state == FeatureState::Stopped && i > 0 { by(first) } else { words(first) };
            format!("{} {words}", list(titles))
        };
        let glue = if state == FeatureState::Unknown { ". " } else { ", " };
        let parts: Vec<String> = own.iter().enumerate().map(part).collect();
        (!parts.is_empty()).then(|| format!("{}.", parts.join(glue)))
    };
    let states = [FeatureState::Open, FeatureState::Stopped, FeatureState::Unknown];
    let sentences: Vec<String> = states.into_iter().filter_map(of).collect();
    (!sentences.is_empty()).then(|| format!("For users: {}", sentences.join(" ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Feature;

    #[test]
    fn features_that_stand_alike_share_their_words() {
        let one = |id: Feature, state| feature(Standing { feature: id, state });
        let until: Timestamp = "2026-11-23T09:14:00Z".parse().expect("a time");
        let unknown = || State::Unknown { tells: "a token tells.".into(), want: None };
        let said = |states: [State; 4]| {
            let features = Feature::ALL.into_iter().zip(states).map(|(id, state)| one(id, state)).collect();
            sentence(&Report { features, ..Report::of(&Run::default()) }).unwrap_or_default()
        };
        for (states, words) in [
            (
                [
                    State::OpenUntil(until),
                    State::Stopped(vec![0, 1]),
                    State::Stopped(vec![1]),
                    State::Stopped(vec![1]),
                ],
                "For users: Code Suggestions open until 2026-11-23 09:14 UTC. Chat stopped by A and B, Agentic Chat \
                 and Flows by B.",
            ),
            (
                [State::Open, State::Open, unknown(), unknown()],
                "For users: Code Suggestions and Chat open. Agentic Chat and Flows not known: a token tells.",
            ),
        ] {
            assert_eq!(said(states), words);
        }
    }
}
