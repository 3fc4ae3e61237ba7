//! `workflow`: the workflow service can be reached by this way and answers gRPC.

use super::{Fault, UNKNOWN, below, device, found, slice, unused, walk, ways};
use crate::check::{Check, Group, Reached, Seen, Verdict};
use crate::checks::network::tls::roots_unread;
use crate::checks::serves;
use crate::checks::vendors;
use crate::failure::{Failure, GrpcFailure, Layer, TlsKind};
use crate::finding::Code;
use crate::probe::{Grpc, Health, Probe, Reading, Serving};
use crate::subject::place::{Endpoint, Place};
use crate::subject::{Subject, Via};

/// The service answers.
pub(in crate::checks) static WORKFLOW: Check = Check {
    id: "workflow",
    title: "workflow service answers",
    group: Group::AgentPlatform,
    about: "gRPC's health check, without credentials, reaches the workflow service that agentic chat and flows need.",
    codes: &[Code::WorkflowUnreachable, Code::GrpcUnavailable, Code::WorkflowNotReachableUnused],
    needs: &["http2-kept"],
    serves: serves::way,
    places: ways,
    ask: |subject, place, _| slice(subject, place, Layer::Dns, Layer::Grpc),
    judge,
};

fn judge(subject: &Subject, place: Place, seen: Seen) -> Verdict {
    if let Some(unused) = unused(subject) {
        return unused;
    }
    if let Some(Via::Unusable { variable, why }) = subject.route(place).map(|r| &r.via) {
        let (finding, why) = (Code::ProxyUrlInvalid, format!("{variable} names no proxy: {why}"));
        let args = [("layer", "proxy"), ("finding", finding.as_str()), ("why", &*why), ("by", variable)];
        let code = Code::WorkflowUnreachable;
        return found(subject, &Fault { code, args: &args, finding, words: &why, by: variable });
    }
    let Some(probe) = walk(subject, place, Health::Check) else {
        return Verdict::Unknown("the workflow service is not known here".to_owned());
    };
    match seen.reached(&probe, Layer::Grpc) {
        Reached::Here(Reading::Grpc(grpc)) => answered(subject, grpc),
        Reached::Failed(failure) => failed(subject, place, &probe, failure, seen),
        Reached::Here(_) | Reached::NotYet => Verdict::Unknown("the call ended without a word".to_owned()),
    }
}

/// Statuses that the service itself or its framework gives: OK, UNKNOWN (a call that it cannot read), `NOT_FOUND`,
/// UNIMPLEMENTED, UNAUTHENTICATED. Whatever they say, the call arrived.
const ARRIVED: [u32; 5] = [0, 2, 5, 12, 16];

/// What the service says where `te: trailers` was taken away on the way (observed). No call gets through then.
const WITHOUT_TE: &str = "Missing :te header";

fn answered(subject: &Subject, grpc: &Grpc) -> Verdict {
    let host = subject.target(Endpoint::Workflow).map(|t| t.host).unwrap_or_default();
    let status = grpc.status.unwrap_or_default();
    let by = || vendors::server_product(&grpc.headers).unwrap_or(UNKNOWN);
    match grpc.serving {
        Some(serving @ (Serving::NotServing | Serving::ServiceUnknown)) => {
            let answer = format!("{}, so the service itself is not well", serving.as_str());
            return unavailable(subject, &answer, by());
        }
        Some(Serving::Serving | Serving::Unknown) | None => {}
    }
    let said = if grpc.message.is_empty() { String::new() } else { format!(": {}", grpc.message) };
    let answer = format!("grpc-status {status}{said}");
    if !ARRIVED.contains(&status) || grpc.message == WITHOUT_TE {
        return unavailable(subject, &answer, by());
    }
    match grpc.serving {
        Some(serving) => Verdict::pass_with(format!("{host} says {}.", serving.as_str()), serving.as_str()),
        None => Verdict::pass_with(
            format!("{host} answers {answer}: the call arrives."),
            format!("status {status}"),
        ),
    }
}

fn unavailable(subject: &Subject, answer: &str, by: &str) -> Verdict {
    let code = Code::GrpcUnavailable;
    let args = [("answer", answer), ("by", by)];
    let words = format!("the call is answered with {answer}");
    found(subject, &Fault { code, args: &args, finding: code, words: &words, by })
}

/// The finding of a walk that ended before an answer.
fn failed(subject: &Subject, place: Place, probe: &Probe, failure: &Failure, seen: Seen) -> Verdict {
    if let (Failure::Tls(tls), Some(route)) = (failure, subject.route(place))
        && let Some(verdict) = roots_unread(subject, route, tls)
    {
        return verdict;
    }
    if let Some(below) = below::of(subject, place, failure) {
        let args = [
            ("layer", below.layer.as_str()),
            ("finding", below.finding.as_str()),
            ("why", below.why.as_str()),
            ("by", below.by.as_str()),
        ];
        let (code, finding) = (Code::WorkflowUnreachable, below.finding);
        return found(subject, &Fault { code, args: &args, finding, words: &below.why, by: &below.by });
    }
    match failure {
        Failure::Tls(tls) if tls.kind == TlsKind::NoCommonProtocol => elsewhere(),
        Failure::Grpc(GrpcFailure::NotSettled { .. }) => elsewhere(),
        Failure::Grpc(grpc) => no_answer(subject, probe, grpc, seen),
        Failure::Dns(_)
        | Failure::Tcp(_)
        | Failure::Proxy(_)
        | Failure::Tls(_)
        | Failure::Http(_)
        | Failure::WebSocket(_)
        | Failure::Socket(_)
        | Failure::Rails(_)
        | Failure::Other { .. } => Verdict::Unknown(format!("the call was not sent: {failure}")),
    }
}

fn elsewhere() -> Verdict {
    Verdict::NotApplicable("HTTP/2 is not settled on: see http2-kept".to_owned())
}

fn no_answer(subject: &Subject, probe: &Probe, failure: &GrpcFailure, seen: Seen) -> Verdict {
    let chain = match seen.reached(probe, Layer::Tls) {
        Reached::Here(Reading::Tls(tls)) => Some(tls.chain.as_slice()),
        Reached::Here(_) | Reached::Failed(_) | Reached::NotYet => None,
    };
    let page = match failure {
        GrpcFailure::NotGrpc(answer) => Some(answer.as_ref()),
        GrpcFailure::NotSettled { .. }
        | GrpcFailure::NotHttp2 { .. }
        | GrpcFailure::Timeout { .. }
        | GrpcFailure::Closed { .. }
        | GrpcFailure::GoAway { .. }
        | GrpcFailure::Reset { .. }
        | GrpcFailure::Cut { .. } => None,
    };
    let by = device(chain, page).unwrap_or(UNKNOWN);
    let quoted = page.map(vendors::words_of).filter(|words| !words.is_empty());
    let quoted = quoted.map(|words| format!(", \"{words}\"")).unwrap_or_default();
    unavailable(subject, &format!("{failure}{quoted}"), by)
}
