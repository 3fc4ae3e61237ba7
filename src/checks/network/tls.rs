//! `tls`: the certificate of a service is trusted and not re-signed, and handshakes of any size pass.

use super::{by, is_plain, named, slice, walk, ways, with};
use crate::check::{Ask, Check, Group, Note, Reached, Seen, Verdict};
use crate::checks::handshake::{self, day};
use crate::checks::interception;
use crate::checks::serves;
use crate::failure::certificate::Certificate;
use crate::failure::{Failure, Layer, TcpKind, TlsFailure, TlsKind};
use crate::finding::{Code, Finding};
use crate::probe::{Hello, Packets, Probe, Reading, Then, Tls, Walk};
use crate::subject::doors::Aim;
use crate::subject::facts::{Holds, TrustedCert};
use crate::subject::place::{Endpoint, Place, Stack};
use crate::subject::{Install, Route, Subject, Via};
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
        Code::CaMissingInRails,
        Code::TlsExpiresSoon,
    ],
    needs: &["tcp", "proxy"],
    serves: serves::way,
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
    Some(Probe::Walk(Walk {
        target,
        via: route.via.clone(),
        tls: None,
        then: Then::Close,
        aim: Aim::Name,
        nth: 1,
    }))
}

fn ask(subject: &Subject, place: Place, seen: Seen) -> Vec<Ask> {
    let mut asks = slice(subject, place, Layer::Tls, Layer::Tls);
    asks.extend(large(subject, place).map(|p| Ask::layer(p, Layer::Tls)));
    if let Some(Failure::Tls(failure)) = walk(subject, place).and_then(|p| seen.failure(&p)) {
        asks.extend(control(subject, place, failure.kind).map(Ask::whole));
        asks.extend(comparison(subject, place, failure).map(|p| Ask::layer(p, Layer::Tls)));
    }
    asks
}

/// The same handshake judged by the roots of the operating system, where GitLab's own store refused the chain.
fn comparison(subject: &Subject, place: Place, failure: &TlsFailure) -> Option<Probe> {
    let route = subject.route(place)?;
    let packaged = matches!(subject.node.install, Some(Install::Omnibus | Install::Docker));
    let own_store = packaged && route.stacks.iter().any(|s| matches!(s, Stack::Rails | Stack::Sidekiq));
    let refused = matches!(failure.kind, TlsKind::UnknownIssuer | TlsKind::SelfSigned);
    if !own_store || !refused || route.trust == Subject::SHELL_STORE {
        return None;
    }
    by(subject, route, &route.via, Subject::SHELL_STORE, |_| {}, Then::Close)
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
    if is_plain(subject, place) {
        return Verdict::NotApplicable("plain http is spoken there: no certificate is shown".to_owned());
    }
    let (Some(probe), Some(route)) = (walk(subject, place), subject.route(place)) else {
        return Verdict::Unknown("the endpoint is not known here".to_owned());
    };
    let port = subject.target(route.endpoint).map_or(443, |t| t.port);
    let store = store_of(subject, route);
    let due = due(subject, route.endpoint);
    match seen.reached(&probe, Layer::Tls) {
        Reached::Here(Reading::Tls(tls)) => {
            let dropped = large(subject, place).and_then(|p| dropped(seen.failure(&p)));
            let own = (due == Due::Trusted).then(|| tls.chain.first()).flatten();
            let now = subject.started_at.as_second();
            if let Some(soon) = own.and_then(|leaf| handshake::ends_soon(&tls.host, leaf, now)) {
                return soon;
            }
            match (dropped, trusted(tls, store, due)) {
                (Some(how), _) if sends_large(subject, route) => large_dropped(tls, port, how),
                (Some(how), Verdict::Pass(note)) => {
                    let stacks = named(&route.stacks);
                    let more = format!("A large ClientHello {how} on the way; {stacks} send a small one.");
                    Verdict::Pass(Note { summary: format!("{} {more}", note.summary), ..note })
                }
                (Some(_) | None, verdict) => verdict,
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
            if let Some(verdict) = roots_unread(subject, route, failure) {
                return verdict;
            }
            let verdict = refused(failure, port, store, due);
            let elsewhere =
                comparison(subject, place, failure).is_some_and(|p| holds(seen, Some(&p), Layer::Tls));
            if elsewhere { missing_in_rails(subject, route, failure, verdict) } else { verdict }
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

/// Whether somebody on this way sends a `ClientHello` with a post-quantum key share: Go does from 1.23 on, unless
/// `GODEBUG` turns it off, as the Linux package does for Workhorse (labkit issue 74); GitLab's Ruby does not.
fn sends_large(subject: &Subject, route: &Route) -> bool {
    route.stacks.iter().any(|stack| match stack {
        Stack::Shell => true,
        Stack::Rails | Stack::Sidekiq | Stack::Grpc => false,
        Stack::Workhorse => {
            let environment = subject.facts.component(*stack).and_then(|c| c.configured.as_ref());
            let debug = environment.and_then(|e| e.value("GODEBUG")).unwrap_or_default();
            !["tlsmlkem=0", "tlskyber=0"].iter().any(|off| debug.split(',').any(|set| set.trim() == *off))
        }
    })
}

fn large_dropped(tls: &Tls, port: u16, how: &str) -> Verdict {
    let args = [("host", tls.host.as_str()), ("port", &port.to_string()), ("how", how)];
    Verdict::found(Code::TlsLargeHelloDropped, &args)
}

/// Which chain a service must show.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::checks) enum Due {
    /// One that ends in a public root: GitLab's own hosts.
    Public,
    /// Any that is trusted: a service of one's own.
    Trusted,
}

/// What is due of an endpoint.
pub(in crate::checks) fn due(subject: &Subject, endpoint: Endpoint) -> Due {
    if subject.services.is_gitlabs(endpoint) { Due::Public } else { Due::Trusted }
}

fn trusted(tls: &Tls, store: &str, due: Due) -> Verdict {
    let product = interception::inspecting_product(&tls.chain);
    // A service of one's own may well have a certificate of one's own.
    if (due == Due::Public && !tls.public) || product.is_some() {
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

/// The name of the store that a route trusts.
fn store_of<'a>(subject: &'a Subject, route: &Route) -> &'a str {
    subject.stores.get(route.trust.0).map_or("this node", |s| s.label.as_str())
}

/// What is wrong with a copy of the root that lies among GitLab's trusted certificates already; empty: none does.
fn lies_there(subject: &Subject, root: &str) -> String {
    let files = subject.facts.trusted_certs.iter().flatten();
    let has_it = |file: &&TrustedCert| {
        file.certificates.iter().map(|der| Certificate::of(der)).any(|c| c.self_issued && c.issuer == root)
    };
    let Some(file) = files.into_iter().find(has_it) else { return String::new() };
    let why = match file.holds {
        Holds::SeveralPem(n) => format!("it holds {n} certificates, and only the first is taken"),
        Holds::OpensslTrusted => "it begins with BEGIN TRUSTED CERTIFICATE, which is passed over".to_owned(),
        Holds::Der | Holds::OnePem | Holds::Nothing | Holds::Unread => match file.linked {
            Some(false) => "no link in GitLab's certs/ leads to it".to_owned(),
            Some(true) | None => "the running components may be older than it".to_owned(),
        },
    };
    format!("{} is there already: {why}.", file.path)
}

/// Whether the roots of this way could not be read: then nothing can be said of whom it trusts.
pub(in crate::checks) fn roots_unread(
    subject: &Subject,
    route: &Route,
    failure: &TlsFailure,
) -> Option<Verdict> {
    let store = subject.stores.get(route.trust.0).filter(|s| s.roots.is_empty())?;
    failure.kind.is_about_the_certificate().then(|| {
        Verdict::Unknown(format!("no root could be read for {}: {}", named(&route.stacks), store.label))
    })
}

/// The same findings, and what lies behind them: the operating system knows the root, GitLab's own store does not.
fn missing_in_rails(subject: &Subject, route: &Route, failure: &TlsFailure, verdict: Verdict) -> Verdict {
    let Verdict::Findings(mut findings) = verdict else { return verdict };
    let issuer = failure.chain.first().map_or("unknown", |c| c.issuer.as_str());
    let top = failure.chain.last().map_or("unknown", |c| c.issuer.as_str());
    let known = (subject.facts.company_roots.iter())
        .map(|root| (root.path.as_str(), Certificate::of(&root.der)))
        .find(|(_, root)| root.self_issued && root.issuer == top);
    let system =
        subject.stores.get(Subject::SHELL_STORE.0).map_or("the system's store", |s| s.label.as_str());
    findings.push(Finding::new(
        Code::CaMissingInRails,
        &[
            ("host", failure.host.as_str()),
            ("stacks", &named(&route.stacks)),
            ("product", interception::inspecting_product(&failure.chain).unwrap_or("unknown")),
            ("issuer", issuer),
            ("root", top),
            ("sha256", known.as_ref().map_or("", |(_, root)| root.sha256.as_str())),
            ("file", known.as_ref().map_or("", |(path, _)| path)),
            ("already", &lies_there(subject, top)),
            ("store", store_of(subject, route)),
            ("trusted_by", system),
        ],
    ));
    Verdict::Findings(findings)
}

/// The finding of a handshake that failed; GitLab's own hosts must show a public chain.
pub(in crate::checks) fn refused(failure: &TlsFailure, port: u16, store: &str, due: Due) -> Verdict {
    let product = interception::inspecting_product(&failure.chain);
    let private =
        due == Due::Public && failure.kind == TlsKind::UnknownIssuer && failure.public == Some(false);
    if private || (failure.kind.is_about_the_certificate() && product.is_some()) {
        let issuer = failure.chain.first().map_or("unknown", |c| c.issuer.as_str());
        let args = [("product", product.unwrap_or("unknown")), ("issuer", issuer), ("store", store)];
        return found(Code::TlsIntercepted, failure, &args);
    }
    handshake::judge(failure, port, store)
}
