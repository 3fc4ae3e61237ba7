//! `outbound-idle`: a connection to the workflow service on which little moves stays open. In group Network, and
//! only where `--hold` asks for it.

use super::{unused, walk, ways};
use crate::check::Want;
use crate::check::{Ask, Check, Group, Reached, Seen, Verdict};
use crate::checks::serves;
use crate::failure::{Ended, Failure, GrpcFailure, Layer};
use crate::finding::Code;
use crate::probe::{Health, Probe, Reading};
use crate::subject::Subject;
use crate::subject::place::{Endpoint, Place};
use crate::text;
use std::time::Duration;

/// An idle connection stays open.
pub(in crate::checks) static OUTBOUND_IDLE: Check = Check {
    id: "outbound-idle",
    title: "idle connections stay open",
    group: Group::Network,
    about: "With --hold: a stream to the workflow service is held open, with a PING every 20 s as Workhorse sends.",
    codes: &[Code::OutboundIdleCut],
    needs: &["workflow"],
    serves: serves::nothing,
    places: ways,
    ask: |subject, place, _| {
        watch(subject, place).map(|p| Ask::layers(p, Layer::Hold, Layer::Hold)).into_iter().collect()
    },
    judge,
};

fn watch(subject: &Subject, place: Place) -> Option<Probe> {
    let hold = subject.limits.hold.filter(|_| unused(subject).is_none())?;
    walk(subject, place, Health::Watch(u32::try_from(hold.as_secs()).unwrap_or(u32::MAX)))
}

fn judge(subject: &Subject, place: Place, seen: Seen) -> Verdict {
    if let Some(unused) = unused(subject) {
        return unused;
    }
    if subject.limits.hold.is_none() {
        return Verdict::wants(Want::Hold, "--hold SECONDS tells");
    }
    let Some(probe) = watch(subject, place) else {
        return Verdict::Unknown("the workflow service is not known here".to_owned());
    };
    match seen.reached(&probe, Layer::Hold) {
        Reached::Here(Reading::Held { longest_gap, .. }) => {
            let held = subject.limits.hold.map(text::duration).unwrap_or_default();
            let gap = text::duration(*longest_gap);
            Verdict::pass_with(format!("Held open for {held}; at most {gap} passed without a word."), held)
        }
        Reached::Failed(Failure::Grpc(failure @ GrpcFailure::Cut { how, after, idle, .. })) => {
            cut(subject, failure, *how, *after, *idle)
        }
        // Where the service is not reached at all, the check of that blocks this one.
        Reached::Failed(failure) => Verdict::Unknown(format!("no stream was opened: {failure}")),
        Reached::NotYet if matches!(seen.reached(&probe, Layer::Grpc), Reached::Here(_)) => {
            Verdict::NotApplicable("the service does not offer a stream to hold".to_owned())
        }
        Reached::Here(_) | Reached::NotYet => Verdict::Unknown("the stream ended without a word".to_owned()),
    }
}

fn cut(subject: &Subject, failure: &GrpcFailure, how: Ended, after: Duration, idle: Duration) -> Verdict {
    let host = subject.target(Endpoint::Workflow).map(|t| t.host).unwrap_or_default();
    let silent = format!(", {} behind the last sign of life", text::duration(idle));
    let silent = match how {
        Ended::Timeout => String::new(),
        Ended::Close | Ended::Eof | Ended::Reset => silent,
    };
    let (seconds, how) = (text::seconds(after), format!("{failure}{silent}"));
    Verdict::found(Code::OutboundIdleCut, &[("host", &host), ("seconds", &seconds), ("how", &how)])
}
