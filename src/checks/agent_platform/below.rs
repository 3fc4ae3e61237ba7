//! What ends a way to the workflow service before HTTP/2, in the codes that the same fault has on the way to another
//! service: so the diagnosis can tell that it is one and the same.

use super::UNKNOWN;
use crate::check::Verdict;
use crate::checks::network::{addresses::how, proxy, tcp, tls};
use crate::failure::{DnsKind, Failure, HttpKind, Layer, ProxyFailure, TlsFailure, TlsKind};
use crate::finding::{Code, Finding};
use crate::subject::address::{ProxyUrl, Scheme};
use crate::subject::place::Place;
use crate::subject::{Subject, Via};
use crate::text;

/// A fault below HTTP/2.
pub(super) struct Below {
    /// Where.
    pub(super) layer: Layer,
    /// The code of the same fault on the way to another service.
    pub(super) finding: Code,
    /// What was seen.
    pub(super) why: String,
    /// The proxy, the inspecting product or its issuer; else `unknown`.
    pub(super) by: String,
}

/// The fault, if the way ends below HTTP/2 and for a reason that has a code.
pub(super) fn of(subject: &Subject, place: Place, failure: &Failure) -> Option<Below> {
    let route = subject.route(place)?;
    if let Via::Proxy(given) = &route.via
        && let Some(why) = proxy::unreachable(failure).or_else(|| proxys_tls(failure, given))
    {
        let (finding, by) = (Code::ProxyUnreachable, given.target.to_string());
        return Some(Below {
            layer: Layer::Proxy,
            finding,
            why: format!("the proxy is not reached: {why}"),
            by,
        });
    }
    match failure {
        Failure::Dns(dns) => {
            let (finding, why) = match dns.kind {
                DnsKind::NoSuchHost => (Code::DnsNoSuchHost, "the name does not exist"),
                DnsKind::NoAddress => (Code::DnsNoAddress, "the name has no address"),
                DnsKind::ServerFailed => (Code::DnsServerFailed, "the resolver fails for this name"),
                DnsKind::Timeout => (Code::DnsTimeout, "no resolver answers"),
            };
            Some(Below { layer: Layer::Dns, finding, why: why.to_owned(), by: UNKNOWN.to_owned() })
        }
        Failure::Tcp(tcp) => {
            let why = format!("the connection {} (after {})", how(tcp.kind), text::duration(tcp.after));
            below(Layer::Tcp, &tcp::refused(tcp), why, UNKNOWN)
        }
        Failure::Proxy(refusal) => {
            below(Layer::Proxy, &proxy::refused(refusal, None), refused(refusal), &refusal.proxy.to_string())
        }
        Failure::Tls(tls) if tls.kind == TlsKind::NoCommonProtocol => None,
        Failure::Tls(tls) => {
            let port = subject.target(route.endpoint).map_or(443, |t| t.port);
            let store = subject.stores.get(route.trust.0).map_or("this node", |s| s.label.as_str());
            let verdict = tls::refused(tls, port, store, tls::due(subject, route.endpoint));
            let by = first(&verdict).map_or(UNKNOWN, signer).to_owned();
            below(Layer::Tls, &verdict, shaken(tls), &by)
        }
        Failure::Http(http) if http.kind == HttpKind::ClientCertificateWanted => Some(Below {
            layer: Layer::Tls,
            finding: Code::TlsClientCertificateWanted,
            why: "a client certificate is demanded".to_owned(),
            by: UNKNOWN.to_owned(),
        }),
        Failure::Http(_)
        | Failure::Grpc(_)
        | Failure::WebSocket(_)
        | Failure::Socket(_)
        | Failure::Rails(_)
        | Failure::Other { .. } => None,
    }
}

/// Why TLS to the proxy itself failed, if that is what failed.
fn proxys_tls(failure: &Failure, proxy: &ProxyUrl) -> Option<String> {
    match failure {
        Failure::Tls(tls) if proxy.scheme == Scheme::Https && tls.host == proxy.target.host => {
            Some(format!("its TLS fails: {}", tls.words))
        }
        Failure::Dns(_)
        | Failure::Tcp(_)
        | Failure::Proxy(_)
        | Failure::Tls(_)
        | Failure::Http(_)
        | Failure::Grpc(_)
        | Failure::WebSocket(_)
        | Failure::Socket(_)
        | Failure::Rails(_)
        | Failure::Other { .. } => None,
    }
}

fn first(verdict: &Verdict) -> Option<&Finding> {
    match verdict {
        Verdict::Findings(findings) => findings.first(),
        Verdict::Pass(_)
        | Verdict::NotApplicable(_)
        | Verdict::NotAsked(_)
        | Verdict::Wants(..)
        | Verdict::Unknown(_) => None,
    }
}

fn below(layer: Layer, verdict: &Verdict, why: String, by: &str) -> Option<Below> {
    let finding = first(verdict)?.code;
    Some(Below { layer, finding, why, by: by.to_owned() })
}

/// Who signed a chain that is not GitLab's: the product, else the issuer.
fn signer(finding: &Finding) -> &str {
    let known = |name: &str| Some(finding.arg(name)).filter(|value| !value.is_empty() && *value != UNKNOWN);
    known("product").or(known("issuer")).unwrap_or(UNKNOWN)
}

fn refused(refusal: &ProxyFailure) -> String {
    match refusal.status {
        Some(status) => {
            format!("the proxy answers CONNECT with {status} {}", refusal.reason).trim_end().to_owned()
        }
        None => "the proxy does not answer CONNECT".to_owned(),
    }
}

fn shaken(tls: &TlsFailure) -> String {
    let issuer = tls.chain.first().map_or(UNKNOWN, |c| c.issuer.as_str());
    match tls.kind {
        TlsKind::UnknownIssuer => format!("the certificate's issuer is not trusted here: {issuer}"),
        TlsKind::SelfSigned => "the certificate is signed by itself".to_owned(),
        TlsKind::ChainIncomplete => format!("the certificate of {issuer} is not sent"),
        TlsKind::Expired => "the certificate has run out".to_owned(),
        TlsKind::NotYetValid => "the certificate is not valid yet".to_owned(),
        TlsKind::WrongName => "the certificate is for other names".to_owned(),
        TlsKind::VersionUnsupported => "only TLS 1.1 or older is spoken there".to_owned(),
        TlsKind::NoCommonCipher => "there is no common cipher".to_owned(),
        TlsKind::NotSpoken => "what answers is no TLS".to_owned(),
        TlsKind::Reset => "the TLS handshake is cut off".to_owned(),
        TlsKind::ClientCertificateWanted => "a client certificate is demanded".to_owned(),
        TlsKind::Timeout => format!("the TLS handshake gets no answer in {}", text::duration(tls.after)),
        TlsKind::NoCommonProtocol | TlsKind::Other => format!("TLS fails: {}", tls.words),
    }
}
