//! Carries out probes: what goes over a wire by `net`, what this node tells by itself by `node`.

use crate::engine::{CarryOut, Deliver};
use crate::failure::{Failure, Layer, RailsFailure, RailsKind};
use crate::gitlab::documents::RAILS;
use crate::net::Net;
use crate::node::root::Root;
use crate::node::{self, runner};
use crate::probe::document::kept;
use crate::probe::{Outcome, Probe, Reading, Sample};
use crate::subject::Subject;
use crate::subject::dial::{Logs, Rails};
use crate::subject::limits::RailsRunner;
use crate::subject::logs::{Found, Scan};
use crate::subject::runner::Failed;
use serde_json::Value;
use std::sync::Arc;
use std::time::Instant;

/// Probes of one round, those on the wire all over the same resolutions and stores.
pub(super) fn carry_out(subject: &Arc<Subject>) -> CarryOut {
    let net = Arc::new(Net::new(subject.clone()));
    let (began, subject) = (Instant::now(), subject.clone());
    Arc::new(move |probe, deliver| {
        let (net, subject) = (net.clone(), subject.clone());
        Box::pin(async move {
            match &probe {
                Probe::Rails => rails(&subject, began, deliver).await,
                Probe::Logs(scan) => logs(&subject, scan.clone(), began, deliver).await,
                Probe::Resolve(_)
                | Probe::Connect { .. }
                | Probe::Knock(_)
                | Probe::Walk(_)
                | Probe::Fetch(_) => {
                    let mut deliver = deliver;
                    net.carry_out(&probe, &mut *deliver).await;
                }
            }
        })
    })
}

/// The question to Rails. Nothing is run without the user's word.
async fn rails(subject: &Subject, run_began: Instant, mut deliver: Deliver) {
    if subject.limits.rails == RailsRunner::NotAsked {
        return;
    }
    let began = Instant::now();
    let asked = match &subject.dial.rails {
        Some(Rails::Ask(call)) => match runner::run(call, RailsRunner::LIMIT).await {
            Ok(printed) => runner::document(&printed),
            Err(failed) => Err(failed),
        },
        Some(Rails::Says(text)) => serde_json::from_str(text).map_err(|_| Failed::NoDocument),
        Some(Rails::Cannot(failed)) => Err(failed.clone()),
        None => Err(Failed::NotFound { program: "GitLab".to_owned() }),
    };
    let outcome = match asked {
        Ok(document) => Outcome::Read(Reading::Rails(Box::new(known(&document)))),
        Err(failed) => Outcome::Failed(Failure::Rails(RailsFailure {
            kind: kind(&failed),
            words: failed.to_string(),
            after: began.elapsed(),
        })),
    };
    let at = began.saturating_duration_since(run_began);
    deliver(Sample { layer: Layer::Node, at, took: began.elapsed(), outcome });
}

/// The node's log files, read apart from what waits on the wire.
async fn logs(subject: &Subject, scan: Scan, run_began: Instant, mut deliver: Deliver) {
    let began = Instant::now();
    let found = match subject.dial.logs.clone() {
        Logs::Nowhere => Found::default(),
        Logs::Say(found) => *found,
        Logs::Below(path) => {
            let read =
                move || Root::open(&path).map(|root| node::logs::scan(&root, &scan)).unwrap_or_default();
            // It may end by a panic of its own alone, and that is no reason to end the run.
            tokio::task::spawn_blocking(read).await.unwrap_or_default()
        }
    };
    let outcome = Outcome::Read(Reading::Logs(Box::new(found)));
    let at = began.saturating_duration_since(run_began);
    deliver(Sample { layer: Layer::Node, at, took: began.elapsed(), outcome });
}

/// The fields that are kept.
fn known(document: &Value) -> Value {
    kept(document, RAILS, &[])
}

fn kind(failed: &Failed) -> RailsKind {
    match failed {
        Failed::NotRoot => RailsKind::NotAllowed,
        Failed::NotFound { .. } => RailsKind::NotFound,
        Failed::TimedOut { .. } => RailsKind::Timeout,
        Failed::Exited { .. } => RailsKind::Failed,
        Failed::NoDocument | Failed::TooLarge => RailsKind::NoDocument,
    }
}
