//! The finding of a TLS handshake that failed, by its kind alone: for services and for doors.

use crate::check::Verdict;
use crate::failure::certificate::Certificate;
use crate::failure::{TlsFailure, TlsKind};
use crate::finding::Code;
use crate::text;
use jiff::Timestamp;
use std::time::Duration;

/// What a failed handshake means where nobody is suspected of opening the traffic.
pub(super) fn judge(failure: &TlsFailure, port: u16, store: &str) -> Verdict {
    let port = port.to_string();
    let port = ("port", port.as_str());
    let leaf = failure.chain.first();
    let subject = ("subject", leaf.map_or("unknown", |c| c.subject.as_str()));
    let issuer = ("issuer", leaf.map_or("unknown", |c| c.issuer.as_str()));
    let (begins, ends) = leaf.map_or((0, 0), |c| (c.not_before, c.not_after));
    let now = failure.received;
    let found = |code, more: &[(&str, &str)]| {
        let mut args = vec![("host", failure.host.as_str())];
        args.extend(more);
        Verdict::found(code, &args)
    };
    match failure.kind {
        TlsKind::UnknownIssuer => found(Code::TlsUnknownIssuer, &[issuer, ("store", store)]),
        TlsKind::SelfSigned => {
            let sha256 = leaf.map_or("", |c| c.sha256.as_str());
            found(Code::TlsSelfSigned, &[subject, ("sha256", sha256)])
        }
        TlsKind::ChainIncomplete => found(Code::TlsChainIncomplete, &[issuer]),
        TlsKind::Expired => {
            found(Code::TlsExpired, &[subject, ("until", &day(ends)), ("ago", &between(ends, now))])
        }
        TlsKind::NotYetValid => {
            found(Code::TlsNotYetValid, &[subject, ("from", &day(begins)), ("in", &between(now, begins))])
        }
        TlsKind::WrongName => {
            let names = leaf.map_or_else(String::new, |c| names(&c.names));
            found(Code::TlsWrongName, &[("names", &names)])
        }
        TlsKind::VersionUnsupported => found(Code::TlsVersionUnsupported, &[port]),
        TlsKind::NoCommonCipher => found(Code::TlsNoCommonCipher, &[port]),
        TlsKind::NotSpoken => {
            let answer = text::escape(&failure.first_bytes, 40);
            found(Code::TlsNotSpoken, &[port, ("answer", &answer)])
        }
        TlsKind::Reset => found(Code::TlsReset, &[port, ("how", "is reset or closed")]),
        TlsKind::Timeout => found(Code::TlsTimeout, &[port, ("seconds", &text::seconds(failure.after))]),
        TlsKind::ClientCertificateWanted => found(Code::TlsClientCertificateWanted, &[port]),
        TlsKind::NoCommonProtocol | TlsKind::Other => {
            Verdict::Unknown(format!("TLS failed in an unknown way: {}", failure.words))
        }
    }
}

/// A certificate with less time than this left is worth a warning, if that is also under a third of its
/// lifetime: short-lived certificates are renewed late by design (`field-notes.md` 26).
const SOON: i64 = 14 * 24 * 3600;

/// The finding of a certificate that ends soon: the instance's and a gateway's of one's own; GitLab's hosts and
/// re-signing devices renew theirs by themselves (`field-notes` 26).
pub(super) fn ends_soon(host: &str, leaf: &Certificate, now: i64) -> Option<Verdict> {
    let left = leaf.not_after - now;
    if left >= SOON || left >= (leaf.not_after - leaf.not_before) / 3 {
        return None;
    }
    let (days, until) = ((left / 86_400).to_string(), day(leaf.not_after));
    let args = [("host", host), ("subject", &*leaf.subject), ("until", &until), ("days", &days)];
    Some(Verdict::found(Code::TlsExpiresSoon, &args))
}

fn names(all: &[String]) -> String {
    match all {
        [] => "no name".to_owned(),
        [a, b, c, rest @ ..] if !rest.is_empty() => format!("{a}, {b}, {c} and {} more", rest.len()),
        few => text::list(few),
    }
}

/// `2026-11-27`, in UTC.
pub(super) fn day(seconds: i64) -> String {
    Timestamp::from_second(seconds)
        .map_or_else(|_| "an unknown day".to_owned(), |t| t.strftime("%Y-%m-%d").to_string())
}

fn between(from: i64, to: i64) -> String {
    text::duration(Duration::from_secs(u64::try_from(to.saturating_sub(from)).unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_lived_certificate_is_not_called_late() {
        const DAY: i64 = 24 * 3600;
        let leaf = |lifetime: i64, left: i64| Certificate {
            subject: String::new(),
            issuer: String::new(),
            names: Vec::new(),
            not_before: (left - lifetime) * DAY,
            not_after: left * DAY,
            self_issued: false,
            is_ca: false,
            sha256: String::new(),
        };
        assert!(ends_soon("h", &leaf(90, 5), 0).is_some());
        assert!(ends_soon("h", &leaf(90, 20), 0).is_none());
        assert!(
            ends_soon("h", &leaf(7, 5), 0).is_none(),
            "a certificate of a week with five days left is young"
        );
    }
}
