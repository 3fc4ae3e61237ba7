//! `certificate` and `http2`: what clients meet in the handshake of a door.

use super::hop::{self, Blame, Fares, Hop, blame};
use super::{At, public_door};
use crate::check::{Ask, Check, Group, Verdict};
use crate::checks::handshake::{self, day};
use crate::checks::interception;
use crate::checks::serves;
use crate::failure::{Layer, TlsFailure, TlsKind};
use crate::finding::Code;
use crate::probe::Tls;
use crate::subject::Subject;
use crate::subject::address::Scheme;
use std::time::Duration;

/// Clients can trust the door's certificate.
pub(in crate::checks) static CERTIFICATE: Check = Check {
    id: "certificate",
    title: "clients trust the certificate",
    group: Group::Inbound,
    about: "The instance's certificate is in its time, for its name, complete, and signed by a root known here.",
    codes: &[
        Code::ClientTrustUnproven,
        Code::TlsUnknownIssuer,
        Code::TlsIntercepted,
        Code::TlsSelfSigned,
        Code::TlsChainIncomplete,
        Code::TlsExpired,
        Code::TlsNotYetValid,
        Code::TlsWrongName,
        Code::TlsExpiresSoon,
    ],
    needs: &["reach"],
    serves: serves::everything,
    places: public_door,
    ask: |subject, place, seen| super::asked(subject, place, seen, ask_tls),
    judge: |subject, place, seen| super::judged(subject, place, seen, judge_certificate),
};

/// The door offers HTTP/2.
pub(in crate::checks) static HTTP2: Check = Check {
    id: "http2",
    title: "HTTP/2 is offered",
    group: Group::Inbound,
    about: "The door settles on HTTP/2 by ALPN, which GitLab's documentation asks for.",
    codes: &[Code::Http2NotOffered],
    needs: &["reach"],
    serves: serves::nothing,
    places: public_door,
    ask: |subject, place, seen| super::asked(subject, place, seen, ask_http2),
    judge: |subject, place, seen| super::judged(subject, place, seen, judge_http2),
};

fn ask_tls(at: At) -> Vec<Ask> {
    match at.entrance.scheme {
        Scheme::Https => at.slice(Layer::Tls, Layer::Tls),
        Scheme::Http => Vec::new(),
    }
}

/// The door's channel, or the verdict where there is none.
fn channel<'a>(at: &At<'a>) -> Result<&'a Tls, Verdict> {
    if at.entrance.scheme == Scheme::Http {
        return Err(Verdict::NotApplicable("the instance's URL is http://: no TLS here".to_owned()));
    }
    at.channel().ok_or_else(|| Verdict::Unknown("the handshake ended without a word".to_owned()))
}

fn judge_certificate(at: At) -> Verdict {
    let tls = match channel(&at) {
        Ok(tls) => tls,
        Err(verdict) => return verdict,
    };
    let subject = at.subject;
    let now = subject.started_at.as_second();
    if let Some(kind) = tls.bad_certificate {
        return bad(subject, tls, kind, now);
    }
    let Some(leaf) = tls.chain.first() else {
        return Verdict::Unknown("no certificate came".to_owned());
    };
    if let Some(soon) = handshake::ends_soon(&tls.host, leaf, now) {
        return soon;
    }
    let until = day(leaf.not_after);
    Verdict::pass_with(format!("Trusted here, for {}, until {until}.", tls.host), format!("until {until}"))
}

/// The finding of a certificate that is not trusted here.
fn bad(subject: &Subject, tls: &Tls, kind: TlsKind, now: i64) -> Verdict {
    let store = subject.stores.get(Subject::SHELL_STORE.0).map_or("this node", |s| s.label.as_str());
    let port = subject.instance.as_ref().map_or(443, |u| u.target.port);
    let host = ("host", tls.host.as_str());
    let issuer = ("issuer", tls.chain.first().map_or("unknown", |c| c.issuer.as_str()));
    if matches!(kind, TlsKind::UnknownIssuer | TlsKind::SelfSigned) {
        // A node that does not know the company's CA proves nothing about the clients; a client's machine does.
        if subject.node.install.is_some() {
            return Verdict::found(Code::ClientTrustUnproven, &[host, ("port", &port.to_string()), issuer]);
        }
        if let Some(product) = interception::inspecting_product(&tls.chain) {
            let args = [host, ("product", product), issuer, ("store", store)];
            return Verdict::found(Code::TlsIntercepted, &args);
        }
    }
    let failure = TlsFailure {
        kind,
        host: tls.host.clone(),
        chain: tls.chain.clone(),
        public: Some(tls.public),
        first_bytes: String::new(),
        words: "the certificate is bad".to_owned(),
        received: now,
        after: Duration::ZERO,
    };
    handshake::judge(&failure, port, store)
}

fn judge_http2(at: At) -> Verdict {
    let tls = match channel(&at) {
        Ok(tls) => tls,
        Err(verdict) => return verdict,
    };
    if tls.alpn.as_deref() == Some("h2") {
        return Verdict::pass_with("The door settles on HTTP/2.", "h2");
    }
    let fares = |inner: At| match inner.channel() {
        Some(tls) if tls.alpn.as_deref() == Some("h2") => Fares::Works,
        Some(_) => Fares::Fails,
        None => Fares::Unknown,
    };
    let Blame { hop, product } = blame(at, &fares, &[], Hop::Nginx);
    let port = at.url.target.port.to_string();
    let alpn = tls.alpn.as_deref().unwrap_or("nothing");
    let args = [
        ("host", tls.host.as_str()),
        ("port", &port),
        ("alpn", alpn),
        ("hop", hop.as_str()),
        ("product", &product),
    ];
    Verdict::found(Code::Http2NotOffered, &args)
}

fn ask_http2(at: At) -> Vec<Ask> {
    let mut asks = ask_tls(at);
    if at.channel().is_some_and(|tls| tls.alpn.as_deref() != Some("h2")) {
        asks.extend(hop::ask(at));
        asks.extend(at.behind().filter(|inner| inner.entrance.scheme == Scheme::Https).flat_map(ask_tls));
    }
    asks
}
