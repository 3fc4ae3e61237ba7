//! `tcp`: the service's port accepts a connection, on a direct way.

use super::{slice, walk, ways};
use crate::check::{Ask, Check, Group, Reached, Seen, Verdict};
use crate::checks::serves;
use crate::failure::{Attempt, Failure, Layer, TcpFailure, TcpKind};
use crate::finding::Code;
use crate::probe::Reading;
use crate::subject::place::Place;
use crate::subject::{Subject, Via};
use crate::text;

/// Port 443 connects.
pub(in crate::checks) static TCP: Check = Check {
    id: "tcp",
    title: "port 443 connects",
    group: Group::Network,
    about: "A TCP connection to the service opens, by the first address that accepts one.",
    codes: &[Code::TcpRefused, Code::TcpTimeout, Code::TcpUnreachable],
    needs: &["dns"],
    serves: serves::way,
    places: ways,
    ask,
    judge,
};

fn ask(subject: &Subject, place: Place, _: Seen) -> Vec<Ask> {
    match subject.route(place).map(|r| &r.via) {
        Some(Via::Direct) => slice(subject, place, Layer::Tcp, Layer::Tcp),
        Some(Via::Proxy(_) | Via::Unusable { .. }) | None => Vec::new(),
    }
}

fn judge(subject: &Subject, place: Place, seen: Seen) -> Verdict {
    let Some(route) = subject.route(place) else {
        return Verdict::NotApplicable("there is no such way".to_owned());
    };
    match &route.via {
        Via::Direct => {}
        Via::Proxy(proxy) => {
            return Verdict::NotApplicable(format!("goes through the proxy {}", proxy.target));
        }
        Via::Unusable { variable, .. } => {
            return Verdict::NotApplicable(format!("{variable} names no proxy that could be used"));
        }
    }
    let Some(probe) = walk(subject, place) else {
        return Verdict::Unknown("the endpoint is not known here".to_owned());
    };
    match seen.reached(&probe, Layer::Tcp) {
        Reached::Here(Reading::Connected(connected)) => {
            Verdict::pass(format!("{} accepts connections.", connected.address))
        }
        Reached::Failed(Failure::Tcp(failure)) => refused(failure),
        Reached::Failed(failure) => {
            Verdict::Unknown(format!("the connection did not get that far: {failure}"))
        }
        Reached::Here(_) | Reached::NotYet => {
            Verdict::Unknown("the connection ended without a word".to_owned())
        }
    }
}

/// The finding of a connection that nobody accepted.
pub(in crate::checks) fn refused(failure: &TcpFailure) -> Verdict {
    let host = failure.target.host.as_str();
    let port = failure.target.port.to_string();
    let telling = |a: &&Attempt| a.failed == Some(failure.kind);
    let attempt = failure.attempts.iter().find(telling).or(failure.attempts.first());
    let address = attempt.map_or_else(|| host.to_owned(), |a| a.address.ip().to_string());
    let base = [("host", host), ("port", port.as_str()), ("address", address.as_str())];
    let [a, b, c] = base;
    match failure.kind {
        TcpKind::Refused => Verdict::found(Code::TcpRefused, &base),
        TcpKind::Timeout => {
            let seconds = text::seconds(failure.after);
            Verdict::found(Code::TcpTimeout, &[a, b, c, ("seconds", &seconds)])
        }
        TcpKind::Unreachable | TcpKind::HostUnreachable => {
            let words = attempt.map_or("", |a| a.words.as_str());
            Verdict::found(Code::TcpUnreachable, &[a, b, c, ("words", &text::foreign(words))])
        }
        TcpKind::Reset => Verdict::found(Code::TcpReset, &base),
    }
}
