//! `tls`: the certificate of a service is trusted and not re-signed, and handshakes of any size pass.

use super::{slice, walk, ways, with};
use crate::check::{Ask, Check, Group, Reached, Seen, Verdict};
use crate::checks::vendors;
use crate::failure::{Certificate, Failure, Layer, TcpKind, TlsFailure, TlsKind};
use crate::finding::Code;
use crate::probe::{Hello, Packets, Probe, Reading, Then, Tls, Walk};
use crate::subject::place::Place;
use crate::subject::{Subject, Via};
use crate::text;
use jiff::Timestamp;
use std::time::Duration;

/// The certificate is trusted.
pub(in crate::checks) static TLS: Check = Check {
    id: "tls",
    title: "certificate is trusted",
    group: Group::Network,
    about: "The TLS handshake succeeds, its chain is GitLab's and not a proxy's, and large packets pass too.",
    codes: &[
        Code::TlsUnknownIssuer,
        Code::TlsIntercepted,
        Code::TlsInterceptedTrusted,
        Code::TlsSelfSigned,
        Code::TlsChainIncomplete,
        Code::TlsExpired,
        Code::TlsNotYetValid,
        Code::TlsWrongName,
        Code::TlsVersionUnsupported,
        Code::TlsNoCommonCipher,
        Code::TlsNotSpoken,
        Code::TlsReset,
        Code::TlsTimeout,
        Code::TlsLargeHelloDropped,
        Code::MtuBlackHole,
        Code::TlsClientCertificateWanted,
        Code::TcpReset,
    ],
    needs: &["tcp", "proxy"],
    places: ways,
    ask,
    judge,
};

/// The same handshake with a `ClientHello` as large as a post-quantum one.
fn large(subject: &Subject, place: Place) -> Option<Probe> {
    with(subject, place, |tls| tls.hello = Hello::Large, Then::Close)
}

/// The same handshake in packets that every path must carry.
fn in_small_packets(subject: &Subject, place: Place) -> Option<Probe> {
    with(subject, place, |tls| tls.packets = Packets::Small, Then::Close)
}

/// A connection on which nothing is said: does it stay open?
fn silent(subject: &Subject, place: Place) -> Option<Probe> {
    let route = subject.route(place)?;
    let target = subject.target(route.endpoint)?;
    Some(Probe::Walk(Walk { target, via: route.via.clone(), tls: None, then: Then::Close, repeat: None }))
}

fn ask(subject: &Subject, place: Place, seen: Seen) -> Vec<Ask> {
    let mut asks = slice(subject, place, Layer::Tls, Layer::Tls);
    asks.extend(large(subject, place).map(|p| Ask::layer(p, Layer::Tls)));
    if let Some(Failure::Tls(failure)) = walk(subject, place).and_then(|p| seen.failure(&p)) {
        match failure.kind {
            TlsKind::Timeout => asks.extend(in_small_packets(subject, place).map(Ask::whole)),
            TlsKind::Reset => asks.extend(silent(subject, place).map(Ask::whole)),
            TlsKind::UnknownIssuer
            | TlsKind::SelfSigned
            | TlsKind::ChainIncomplete
            | TlsKind::Expired
            | TlsKind::NotYetValid
            | TlsKind::WrongName
            | TlsKind::VersionUnsupported
            | TlsKind::NoCommonCipher
            | TlsKind::NotSpoken
            | TlsKind::ClientCertificateWanted
            | TlsKind::Other => {}
        }
    }
    asks
}

fn judge(subject: &Subject, place: Place, seen: Seen) -> Verdict {
    let (Some(probe), Some(route)) = (walk(subject, place), subject.route(place)) else {
        return Verdict::Unknown("the endpoint is not known here".to_owned());
    };
    let port = subject.target(route.endpoint).map_or(443, |t| t.port);
    let store = subject.stores.get(route.trust.0).map_or("this node", |s| s.label.as_str());
    match seen.reached(&probe, Layer::Tls) {
        Reached::Here(Reading::Tls(tls)) => {
            let dropped = large(subject, place).and_then(|p| dropped(seen.failure(&p)));
            match dropped {
                Some(how) => large_dropped(tls, port, how),
                None => trusted(tls, store),
            }
        }
        Reached::Failed(Failure::Tls(failure)) => match failure.kind {
            TlsKind::Timeout if holds(seen, in_small_packets(subject, place), Layer::Tls) => found(
                Code::MtuBlackHole,
                failure,
                &[("port", &port.to_string()), ("seconds", &text::seconds(failure.after))],
            ),
            TlsKind::Reset if cut_before_tls(seen, silent(subject, place)) => {
                let address = route_address(seen, &probe, &route.via);
                found(Code::TcpReset, failure, &[("port", &port.to_string()), ("address", &address)])
            }
            kind => refused(failure, kind, port, store),
        },
        Reached::Failed(failure) => Verdict::Unknown(format!("the handshake was not reached: {failure:?}")),
        Reached::Here(_) | Reached::NotYet => {
            Verdict::Unknown("the handshake ended without a word".to_owned())
        }
    }
}

fn holds(seen: Seen, probe: Option<Probe>, layer: Layer) -> bool {
    probe.is_some_and(|p| matches!(seen.reached(&p, layer), Reached::Here(_)))
}

/// Whether a connection on which nothing was said was reset all the same.
fn cut_before_tls(seen: Seen, probe: Option<Probe>) -> bool {
    let failure = probe.and_then(|p| seen.failure(&p));
    matches!(failure, Some(Failure::Tcp(tcp)) if tcp.kind == TcpKind::Reset)
}

/// The address that the walk connected to.
fn route_address(seen: Seen, probe: &Probe, via: &Via) -> String {
    match (seen.reached(probe, Layer::Tcp), via) {
        (Reached::Here(Reading::Connected(c)), Via::Direct) => c.address.ip().to_string(),
        (_, Via::Proxy(proxy)) => proxy.target.to_string(),
        (_, Via::Direct) => "its address".to_owned(),
    }
}

/// How a large `ClientHello` got lost, if it did.
fn dropped(failure: Option<&Failure>) -> Option<&'static str> {
    let Some(Failure::Tls(failure)) = failure else { return None };
    match failure.kind {
        TlsKind::Timeout => Some("gets no answer"),
        TlsKind::Reset => Some("is answered with a reset"),
        TlsKind::UnknownIssuer
        | TlsKind::SelfSigned
        | TlsKind::ChainIncomplete
        | TlsKind::Expired
        | TlsKind::NotYetValid
        | TlsKind::WrongName
        | TlsKind::VersionUnsupported
        | TlsKind::NoCommonCipher
        | TlsKind::NotSpoken
        | TlsKind::ClientCertificateWanted
        | TlsKind::Other => None,
    }
}

fn large_dropped(tls: &Tls, port: u16, how: &str) -> Verdict {
    let args = [("host", tls.host.as_str()), ("port", &port.to_string()), ("how", how)];
    Verdict::found(Code::TlsLargeHelloDropped, &args)
}

fn trusted(tls: &Tls, store: &str) -> Verdict {
    let product = vendors::inspecting_product(&tls.chain);
    if !tls.public || product.is_some() {
        let issuer = tls.chain.first().map_or("unknown", |c| c.issuer.as_str());
        let args = [
            ("host", tls.host.as_str()),
            ("product", product.unwrap_or("unknown")),
            ("issuer", issuer),
            ("store", store),
        ];
        return Verdict::found(Code::TlsInterceptedTrusted, &args);
    }
    let leaf = tls.chain.first();
    let until = leaf.map_or_else(String::new, |c| format!(", until {}", day(c.not_after)));
    let issuer = leaf.map_or("unknown", |c| c.issuer.as_str());
    Verdict::pass(format!("{} with {}, issued by {issuer}{until}.", tls.version, tls.cipher))
}

fn found(code: Code, failure: &TlsFailure, more: &[(&str, &str)]) -> Verdict {
    let mut args = vec![("host", failure.host.as_str())];
    args.extend(more);
    Verdict::found(code, &args)
}

/// The finding of a handshake that failed at a host that must show a public chain.
fn refused(failure: &TlsFailure, kind: TlsKind, port: u16, store: &str) -> Verdict {
    let leaf = failure.chain.first();
    let issuer = leaf.map_or("unknown", |c| c.issuer.as_str());
    let product = vendors::inspecting_product(&failure.chain);
    let private = failure.public == Some(false);
    let intercepted = || {
        let args = [("product", product.unwrap_or("unknown")), ("issuer", issuer), ("store", store)];
        found(Code::TlsIntercepted, failure, &args)
    };
    match kind {
        TlsKind::UnknownIssuer if private => intercepted(),
        TlsKind::SelfSigned
        | TlsKind::ChainIncomplete
        | TlsKind::Expired
        | TlsKind::NotYetValid
        | TlsKind::WrongName
            if product.is_some() =>
        {
            intercepted()
        }
        TlsKind::UnknownIssuer
        | TlsKind::SelfSigned
        | TlsKind::ChainIncomplete
        | TlsKind::Expired
        | TlsKind::NotYetValid
        | TlsKind::WrongName
        | TlsKind::VersionUnsupported
        | TlsKind::NoCommonCipher
        | TlsKind::NotSpoken
        | TlsKind::Reset
        | TlsKind::ClientCertificateWanted
        | TlsKind::Timeout
        | TlsKind::Other => plain(failure, kind, port, store),
    }
}

/// The finding of a handshake that failed, by its kind alone. For inbound doors and for hosts beyond suspicion.
pub(in crate::checks) fn plain(failure: &TlsFailure, kind: TlsKind, port: u16, store: &str) -> Verdict {
    let port = port.to_string();
    let port = ("port", port.as_str());
    match bad_certificate(kind, &failure.host, failure.chain.as_slice(), store, failure.received) {
        Some(verdict) => return verdict,
        None if matches!(kind, TlsKind::Other) => {
            return Verdict::Unknown(format!("TLS failed in an unknown way: {}", failure.words));
        }
        None => {}
    }
    match kind {
        TlsKind::VersionUnsupported => found(Code::TlsVersionUnsupported, failure, &[port]),
        TlsKind::NoCommonCipher => found(Code::TlsNoCommonCipher, failure, &[port]),
        TlsKind::NotSpoken => {
            let answer = text::escape(&failure.first_bytes, 40);
            found(Code::TlsNotSpoken, failure, &[port, ("answer", &answer)])
        }
        TlsKind::Reset => found(Code::TlsReset, failure, &[port, ("how", "is reset or closed")]),
        TlsKind::Timeout => {
            found(Code::TlsTimeout, failure, &[port, ("seconds", &text::seconds(failure.after))])
        }
        TlsKind::ClientCertificateWanted => found(Code::TlsClientCertificateWanted, failure, &[port]),
        TlsKind::UnknownIssuer
        | TlsKind::SelfSigned
        | TlsKind::ChainIncomplete
        | TlsKind::Expired
        | TlsKind::NotYetValid
        | TlsKind::WrongName
        | TlsKind::Other => Verdict::Unknown(format!("TLS failed in an unknown way: {}", failure.words)),
    }
}

/// The finding of a certificate that is not good, by what is wrong with it.
pub(in crate::checks) fn bad_certificate(
    kind: TlsKind,
    host: &str,
    chain: &[Certificate],
    store: &str,
    now: i64,
) -> Option<Verdict> {
    let leaf = chain.first();
    let host = ("host", host);
    let subject = ("subject", leaf.map_or("unknown", |c| c.subject.as_str()));
    let issuer = leaf.map_or("unknown", |c| c.issuer.as_str());
    let ends = leaf.map_or(0, |c| c.not_after);
    let begins = leaf.map_or(0, |c| c.not_before);
    Some(match kind {
        TlsKind::UnknownIssuer => {
            Verdict::found(Code::TlsUnknownIssuer, &[host, ("issuer", issuer), ("store", store)])
        }
        TlsKind::SelfSigned => {
            let sha256 = leaf.map_or("", |c| c.sha256.as_str());
            Verdict::found(Code::TlsSelfSigned, &[host, subject, ("sha256", sha256)])
        }
        TlsKind::ChainIncomplete => Verdict::found(Code::TlsChainIncomplete, &[host, ("issuer", issuer)]),
        TlsKind::Expired => {
            let args = [host, subject, ("until", &day(ends)), ("ago", &between(ends, now))];
            Verdict::found(Code::TlsExpired, &args)
        }
        TlsKind::NotYetValid => {
            let args = [host, subject, ("from", &day(begins)), ("in", &between(now, begins))];
            Verdict::found(Code::TlsNotYetValid, &args)
        }
        TlsKind::WrongName => {
            let names = leaf.map_or_else(String::new, |c| names(&c.names));
            Verdict::found(Code::TlsWrongName, &[host, ("names", &names)])
        }
        TlsKind::VersionUnsupported
        | TlsKind::NoCommonCipher
        | TlsKind::NotSpoken
        | TlsKind::Reset
        | TlsKind::ClientCertificateWanted
        | TlsKind::Timeout
        | TlsKind::Other => return None,
    })
}

fn names(all: &[String]) -> String {
    match all {
        [] => "no name".to_owned(),
        [a, b, c, rest @ ..] if !rest.is_empty() => format!("{a}, {b}, {c} and {} more", rest.len()),
        few => text::list(few),
    }
}

/// `2026-11-27`, in UTC.
pub(in crate::checks) fn day(seconds: i64) -> String {
    Timestamp::from_second(seconds)
        .map_or_else(|_| "an unknown day".to_owned(), |t| t.strftime("%Y-%m-%d").to_string())
}

fn between(from: i64, to: i64) -> String {
    text::duration(Duration::from_secs(u64::try_from(to.saturating_sub(from)).unwrap_or(0)))
}
