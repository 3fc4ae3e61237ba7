//! `tls`: the certificate of a service is trusted and not re-signed, and handshakes of any size pass.

use super::{slice, walk, ways, with};
use crate::check::{Ask, Check, Group, Reached, Seen, Verdict};
use crate::checks::handshake::{self, day};
use crate::checks::interception;
use crate::failure::{Failure, Layer, TcpKind, TlsFailure, TlsKind};
use crate::finding::Code;
use crate::probe::{Hello, Packets, Probe, Reading, Then, Tls, Walk};
use crate::subject::place::Place;
use crate::subject::{Subject, Via};
use crate::text;

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
        asks.extend(control(subject, place, failure.kind).map(Ask::whole));
    }
    asks
}

/// The probe that tells why nothing or only an end came back.
fn control(subject: &Subject, place: Place, kind: TlsKind) -> Option<Probe> {
    if kind == TlsKind::Timeout {
        return in_small_packets(subject, place);
    }
    // Every other kind but a cut says by itself what is wrong.
    if kind == TlsKind::Reset { silent(subject, place) } else { None }
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
        Reached::Failed(Failure::Tls(failure)) => {
            let control = control(subject, place, failure.kind);
            let number = port.to_string();
            let port_arg = ("port", number.as_str());
            if failure.kind == TlsKind::Timeout && holds(seen, control.as_ref(), Layer::Tls) {
                let seconds = text::seconds(failure.after);
                return found(Code::MtuBlackHole, failure, &[port_arg, ("seconds", &seconds)]);
            }
            if failure.kind == TlsKind::Reset && cut_before_tls(seen, control.as_ref()) {
                let address = route_address(seen, &probe, &route.via);
                return found(Code::TcpReset, failure, &[port_arg, ("address", &address)]);
            }
            refused(failure, port, store)
        }
        Reached::Failed(failure) => Verdict::Unknown(format!("the handshake was not reached: {failure}")),
        Reached::Here(_) | Reached::NotYet => {
            Verdict::Unknown("the handshake ended without a word".to_owned())
        }
    }
}

fn holds(seen: Seen, probe: Option<&Probe>, layer: Layer) -> bool {
    probe.is_some_and(|p| matches!(seen.reached(p, layer), Reached::Here(_)))
}

/// Whether a connection on which nothing was said was reset all the same.
fn cut_before_tls(seen: Seen, probe: Option<&Probe>) -> bool {
    let failure = probe.and_then(|p| seen.failure(p));
    matches!(failure, Some(Failure::Tcp(tcp)) if tcp.kind == TcpKind::Reset)
}

/// The address that the walk connected to.
fn route_address(seen: Seen, probe: &Probe, via: &Via) -> String {
    match (seen.reached(probe, Layer::Tcp), via) {
        (Reached::Here(Reading::Connected(c)), Via::Direct) => c.address.ip().to_string(),
        (_, Via::Proxy(proxy)) => proxy.target.to_string(),
        (_, Via::Direct | Via::Unusable { .. }) => "its address".to_owned(),
    }
}

/// How a large `ClientHello` got lost, if it did.
fn dropped(failure: Option<&Failure>) -> Option<&'static str> {
    let Some(Failure::Tls(failure)) = failure else { return None };
    if failure.kind == TlsKind::Timeout {
        return Some("gets no answer");
    }
    // The certificate is judged on the walk itself; here only the way matters.
    (failure.kind == TlsKind::Reset).then_some("is answered with a reset")
}

fn large_dropped(tls: &Tls, port: u16, how: &str) -> Verdict {
    let args = [("host", tls.host.as_str()), ("port", &port.to_string()), ("how", how)];
    Verdict::found(Code::TlsLargeHelloDropped, &args)
}

fn trusted(tls: &Tls, store: &str) -> Verdict {
    let product = interception::inspecting_product(&tls.chain);
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
fn refused(failure: &TlsFailure, port: u16, store: &str) -> Verdict {
    let product = interception::inspecting_product(&failure.chain);
    let private = failure.kind == TlsKind::UnknownIssuer && failure.public == Some(false);
    if private || (failure.kind.is_about_the_certificate() && product.is_some()) {
        let issuer = failure.chain.first().map_or("unknown", |c| c.issuer.as_str());
        let args = [("product", product.unwrap_or("unknown")), ("issuer", issuer), ("store", store)];
        return found(Code::TlsIntercepted, failure, &args);
    }
    handshake::judge(failure, port, store)
}
