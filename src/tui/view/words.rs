//! What is said of a step in a few words, in a sentence, and while it runs: what is awaited.

use crate::failure::Layer;
use crate::probe::Probe;
use crate::remedy;
use crate::run::event::{Settled, Skip};
use crate::run::{Status, StepState};
use crate::text;
use crate::tui::model::Model;

/// The line of a list: waiting, running, pass and FAIL show the promise, for the others it neither holds nor
/// breaks and they show their own few words.
pub fn title(model: &Model, step: usize) -> String {
    let Some(state) = model.run.steps.get(step) else { return String::new() };
    match state.status {
        Status::Pending | Status::Running | Status::Pass | Status::Fail | Status::Blocked => {
            state.plan.title.clone()
        }
        Status::Warn | Status::Skip | Status::Error | Status::Cancelled => short(model, step),
    }
}

/// A few words for what became of a step.
pub fn short(model: &Model, step: usize) -> String {
    let Some(state) = model.run.steps.get(step) else { return String::new() };
    match &state.settled {
        None => state.plan.title.clone(),
        Some(Settled::Pass(note)) => note.summary.clone(),
        Some(Settled::Findings(found)) => found.first().map_or_else(String::new, |f| {
            remedy::short(f.code, &f.args, &model.values.clone().at(&state.plan.place.to_string()))
        }),
        Some(Settled::Skip { why, .. } | Settled::Error { why } | Settled::Cancelled { why }) => why.clone(),
        Some(Settled::Blocked { by }) => {
            let by = model.run.steps.get(*by).map_or_else(String::new, StepState::id);
            format!("waits for {by}")
        }
    }
}

/// A sentence for what became of a step: the second line of its drill-down.
pub fn sentence(model: &Model, step: usize) -> String {
    let Some(state) = model.run.steps.get(step) else { return String::new() };
    match &state.settled {
        None if state.status == Status::Running => format!("Being found out: {}.", awaited(model, step).1),
        None => {
            let open: Vec<String> = (state.plan.needs.iter())
                .filter_map(|n| model.run.steps.get(*n))
                .filter(|s| !s.status.is_settled())
                .map(StepState::id)
                .collect();
            if open.is_empty() {
                "Waits for its turn.".to_owned()
            } else {
                format!("Waits for {}.", text::list(&open))
            }
        }
        Some(Settled::Pass(note)) if note.summary.is_empty() => "The promise holds.".to_owned(),
        Some(Settled::Pass(note)) => note.summary.clone(),
        Some(Settled::Findings(found)) => found.first().map_or_else(String::new, |f| {
            remedy::message(f.code, &f.args, &model.values.clone().at(&state.plan.place.to_string()))
        }),
        Some(Settled::Skip { kind: Skip::NotApplicable, why, .. }) => format!("Does not apply: {why}"),
        Some(Settled::Skip { kind: Skip::NotAsked, why, .. }) => format!("Not asked: {why}"),
        Some(Settled::Blocked { by }) => match model.run.steps.get(*by) {
            Some(by) => format!("Not known: {} comes first, and that is {}.", by.id(), by.status.as_str()),
            None => "Not known: what it needs did not hold.".to_owned(),
        },
        Some(Settled::Error { why }) => format!("Our own check could not be carried out: {why}"),
        Some(Settled::Cancelled { why }) => format!("Stopped before a verdict: {why}"),
    }
}

/// The layer that a running step waits for.
fn layer(model: &Model, state: &StepState) -> Option<Layer> {
    let open = |s: &&crate::run::Slice| {
        let probe = model.run.probes.get(s.probe);
        probe.is_some_and(|p| !p.samples.iter().any(|x| x.layer >= s.until || x.failure().is_some()))
    };
    let slice = state.slices.iter().find(open)?;
    let probe = model.run.probes.get(slice.probe)?;
    let last = probe.samples.last().map(|s| s.layer);
    expected(&probe.what).into_iter().find(|l| last.is_none_or(|last| *l > last))
}

/// The layers that a probe goes through if all goes well.
pub fn expected(probe: &Probe) -> Vec<Layer> {
    use crate::probe::{Listen, Then};
    use crate::subject::Via;
    use crate::subject::doors::Aim;
    match probe {
        Probe::Resolve(_) => vec![Layer::Dns],
        Probe::Connect { .. } => vec![Layer::Tcp],
        Probe::Knock(_) => vec![Layer::Tcp, Layer::Tls],
        Probe::Fetch(_) => vec![Layer::Http],
        Probe::Rails | Probe::Logs(_) => vec![Layer::Node],
        Probe::Walk(walk) => {
            let last = probe.last_layer();
            let takes = |layer: &Layer| match layer {
                Layer::Dns => walk.aim == Aim::Name,
                Layer::Tcp => true,
                Layer::Proxy => walk.via != Via::Direct,
                Layer::Tls => walk.tls.is_some(),
                Layer::Http => matches!(walk.then, Then::Request(_) | Then::Inquire(_) | Then::Nonsense),
                Layer::Grpc => matches!(walk.then, Then::Grpc(_)),
                Layer::Upgrade => matches!(walk.then, Then::Upgrade(_)),
                Layer::Welcome | Layer::Ping => {
                    matches!(&walk.then, Then::Upgrade(u) if !matches!(u.listen, Listen::Open(_)))
                }
                Layer::Message => matches!(&walk.then, Then::Upgrade(u) if u.message.is_some()),
                Layer::Hold => matches!(walk.then, Then::Upgrade(_) | Then::Grpc(_)),
                Layer::Node => false,
            };
            let all = [
                Layer::Dns,
                Layer::Tcp,
                Layer::Proxy,
                Layer::Tls,
                Layer::Http,
                Layer::Grpc,
                Layer::Upgrade,
                Layer::Welcome,
                Layer::Message,
                Layer::Ping,
                Layer::Hold,
            ];
            all.into_iter().filter(|l| *l <= last).filter(takes).collect()
        }
    }
}

/// What a running step waits for: in a word or two, and so that its rhythm is known.
pub fn awaited(model: &Model, step: usize) -> (&'static str, &'static str) {
    let Some(state) = model.run.steps.get(step) else { return ("", "") };
    match layer(model, state) {
        None => ("verdict", "the checks that it needs"),
        Some(Layer::Dns) => ("name", "the resolver's answer"),
        Some(Layer::Tcp) => ("connect", "the connection"),
        Some(Layer::Proxy) => ("CONNECT", "the proxy's answer to CONNECT"),
        Some(Layer::Tls) => ("tls", "the TLS handshake"),
        Some(Layer::Http) => ("answer", "the answer"),
        Some(Layer::Grpc) => ("gRPC", "the answer of the gRPC health check"),
        Some(Layer::Upgrade) => ("upgrade", "the answer to the WebSocket upgrade"),
        Some(Layer::Welcome) => ("welcome", "Action Cable's welcome"),
        Some(Layer::Message) => ("message", "what was said to come back"),
        Some(Layer::Ping) => ("first ping", "the first ping on /-/cable, one every 3 s"),
        Some(Layer::Node) => ("node", "what this node tells by itself: Rails starts once for it"),
        Some(Layer::Hold) => ("held open", "the end of the time that it is held open"),
    }
}
