//! The event stream, one event a line. A run without its log gets one that folds to the same run.

use super::redact::Hidden;
use crate::run::event::Event;
use crate::run::{Run, Slice};
use std::time::Duration;

/// Events as lines, redacted.
pub fn write(events: &[Event], hidden: &mut Hidden) -> String {
    let mut out = String::new();
    for event in events {
        out.push_str(&hidden.event(event).to_string());
        out.push('\n');
    }
    out
}

/// A log that folds to this run: the plan, what was asked, then what came, by its time.
pub fn log(run: &Run) -> Vec<Event> {
    let steps = run.steps.iter().map(|s| s.plan.clone()).collect();
    let about = Box::new(run.about.clone().unwrap_or_default());
    let mut events = vec![Event::Planned { about, steps }];
    events.extend(asked(run));
    let mut timed: Vec<(Duration, Event)> = Vec::new();
    for (step, state) in run.steps.iter().enumerate() {
        if let Some(at) = state.started {
            timed.push((at, Event::Started { step, at }));
        }
    }
    for (probe, state) in run.probes.iter().enumerate() {
        for sample in &state.samples {
            timed.push((sample.at + sample.took, Event::Sampled { probe, sample: Box::new(sample.clone()) }));
        }
    }
    for (step, state) in run.steps.iter().enumerate() {
        if let Some(how) = state.settled.clone() {
            let at = state.ended.unwrap_or(run.at);
            timed.push((at, Event::Settled { step, how, at }));
        }
    }
    timed.sort_by_key(|(at, _)| *at);
    events.extend(timed.into_iter().map(|(_, event)| event));
    events.extend(run.ending.map(|how| Event::Finished { at: run.at, how }));
    events
}

/// Every slice in an order in which each probe is numbered as it is first asked for.
fn asked(run: &Run) -> Vec<Event> {
    let mut events = Vec::new();
    let mut next = vec![0; run.steps.len()];
    let mut known = 0;
    loop {
        let before = events.len();
        for (step, state) in run.steps.iter().enumerate() {
            while let Some(Slice { probe, from, until }) = state.slices.get(next[step]).copied() {
                if probe > known || probe >= run.probes.len() {
                    break;
                }
                let what = (probe == known).then(|| Box::new(run.probes[probe].what.clone()));
                known += usize::from(probe == known);
                next[step] += 1;
                events.push(Event::Asked { step, probe, what, from, until });
            }
        }
        if events.len() == before {
            return events;
        }
    }
}
