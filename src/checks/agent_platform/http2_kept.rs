//! `http2-kept`: nothing on the way to the workflow service talks the connection down to HTTP/1.1.

use super::{Fault, UNKNOWN, device, found, slice, unused, walk, ways, with};
use crate::check::{Ask, Check, Group, Reached, Seen, Verdict};
use crate::checks::serves;
use crate::failure::{Failure, Layer, TlsKind};
use crate::finding::Code;
use crate::probe::{Alpn, Health, Probe, Reading, Request, Then, Tls};
use crate::subject::Subject;
use crate::subject::place::Place;

/// HTTP/2 is settled on.
pub(in crate::checks) static HTTP2_KEPT: Check = Check {
    id: "http2-kept",
    title: "HTTP/2 is kept",
    group: Group::AgentPlatform,
    about: "ALPN settles on HTTP/2 with the workflow service, which gRPC needs; an inspecting device may prevent it.",
    codes: &[Code::Http2Downgraded, Code::WorkflowNotReachableUnused],
    needs: &[],
    serves: serves::way,
    places: ways,
    ask,
    judge,
};

/// The same way with both protocols offered, as a browser does: what is settled on then, and who answers.
fn control(subject: &Subject, place: Place) -> Option<Probe> {
    with(subject, place, Alpn::Both, Then::Request(Request::get("/")))
}

/// What ALPN settled on.
enum Settled<'a> {
    /// The channel, where there is one.
    On(&'a Tls),
    /// Nothing: the server refused the offer, or chose what was not offered.
    Refused,
    /// TLS was not reached, or failed for another reason.
    Unknown,
}

fn settled<'a>(subject: &Subject, place: Place, seen: Seen<'a>) -> Settled<'a> {
    let Some(probe) = walk(subject, place, Health::Check) else { return Settled::Unknown };
    match seen.reached(&probe, Layer::Tls) {
        Reached::Here(Reading::Tls(tls)) => Settled::On(tls),
        Reached::Failed(Failure::Tls(tls)) if tls.kind == TlsKind::NoCommonProtocol => Settled::Refused,
        Reached::Here(_) | Reached::Failed(_) | Reached::NotYet => Settled::Unknown,
    }
}

fn ask(subject: &Subject, place: Place, seen: Seen) -> Vec<Ask> {
    let mut asks = slice(subject, place, Layer::Tls, Layer::Tls);
    let is_lost = match settled(subject, place, seen) {
        Settled::On(tls) => tls.alpn.as_deref() != Some("h2"),
        Settled::Refused => true,
        Settled::Unknown => false,
    };
    if is_lost && !asks.is_empty() {
        asks.extend(control(subject, place).map(Ask::whole));
    }
    asks
}

fn judge(subject: &Subject, place: Place, seen: Seen) -> Verdict {
    if let Some(unused) = unused(subject) {
        return unused;
    }
    match (walk(subject, place, Health::Check), settled(subject, place, seen)) {
        (None, _) => Verdict::NotApplicable("no connection is made: see workflow".to_owned()),
        (Some(Probe::Walk(walk)), _) if walk.tls.is_none() => {
            Verdict::NotApplicable("the service is spoken to in plain text: nothing is settled".to_owned())
        }
        (Some(_), Settled::On(tls)) if tls.alpn.as_deref() == Some("h2") => {
            Verdict::pass_with(format!("ALPN settles on h2 with {}.", tls.host), "h2")
        }
        (Some(_), Settled::On(tls)) => downgraded(subject, place, seen, Some(tls)),
        (Some(_), Settled::Refused) => downgraded(subject, place, seen, None),
        (Some(_), Settled::Unknown) => {
            Verdict::NotApplicable("the connection does not get that far: see workflow".to_owned())
        }
    }
}

fn downgraded(subject: &Subject, place: Place, seen: Seen, tls: Option<&Tls>) -> Verdict {
    let control = control(subject, place);
    let both = control.as_ref().and_then(|p| match seen.reached(p, Layer::Tls) {
        Reached::Here(Reading::Tls(tls)) => Some(tls.as_ref()),
        Reached::Here(_) | Reached::Failed(_) | Reached::NotYet => None,
    });
    let answer = control.as_ref().and_then(|p| match seen.reached(p, Layer::Http) {
        Reached::Here(Reading::Answer(answer)) => Some(answer.as_ref()),
        Reached::Here(_) | Reached::Failed(_) | Reached::NotYet => None,
    });
    let own = tls.and_then(|tls| tls.alpn.as_deref());
    let alpn = own.or(both.and_then(|tls| tls.alpn.as_deref())).unwrap_or("no protocol");
    let chain = tls.or(both).map(|tls| tls.chain.as_slice());
    let by = device(chain, answer).unwrap_or(UNKNOWN);
    let words = format!("ALPN settles on {alpn} in place of h2");
    let code = Code::Http2Downgraded;
    let args = [("alpn", alpn), ("by", by)];
    found(subject, &Fault { code, args: &args, finding: code, words: &words, by })
}
