//! `proxy`: the proxy of a way can be reached and lets CONNECT through.

use super::addresses::how;
use super::{named, slice, walk, ways};
use crate::check::{Ask, Check, Group, Reached, Seen, Verdict};
use crate::checks::serves;
use crate::checks::vendors;
use crate::failure::{DnsKind, Failure, Layer, ProxyFailure, ProxyKind};
use crate::finding::Code;
use crate::probe::Reading;
use crate::secret::Secret;
use crate::subject::place::Place;
use crate::subject::{Subject, Via};

/// The proxy lets us through.
pub(in crate::checks) static PROXY: Check = Check {
    id: "proxy",
    title: "proxy lets through",
    group: Group::Network,
    about: "The proxy of this way can be reached and answers CONNECT with 200.",
    codes: &[
        Code::ProxyUnreachable,
        Code::ProxyAuthRequired,
        Code::ProxyDenied,
        Code::ProxyUpstreamFailed,
        Code::ProxyBadReply,
        Code::ProxyUrlInvalid,
    ],
    needs: &[],
    serves: serves::way,
    places: ways,
    ask,
    judge,
};

fn ask(subject: &Subject, place: Place, _: Seen) -> Vec<Ask> {
    match subject.route(place).map(|r| &r.via) {
        Some(Via::Proxy(_)) => slice(subject, place, Layer::Dns, Layer::Proxy),
        Some(Via::Direct | Via::Unusable { .. }) | None => Vec::new(),
    }
}

fn judge(subject: &Subject, place: Place, seen: Seen) -> Verdict {
    let Some(route) = subject.route(place) else {
        return Verdict::NotApplicable("there is no such way".to_owned());
    };
    let proxy = match &route.via {
        Via::Direct => return Verdict::NotApplicable("goes out directly".to_owned()),
        Via::Unusable { variable, why } => {
            let host = subject.target(route.endpoint).map(|t| t.host).unwrap_or_default();
            let args =
                [("stacks", &*named(&route.stacks)), ("hosts", &host), ("variable", variable), ("why", why)];
            return Verdict::found(Code::ProxyUrlInvalid, &args);
        }
        Via::Proxy(proxy) => proxy,
    };
    let Some(probe) = walk(subject, place) else {
        return Verdict::Unknown("the endpoint is not known here".to_owned());
    };
    match seen.reached(&probe, Layer::Proxy) {
        Reached::Here(Reading::Tunnel(tunnel)) => {
            let product =
                vendors::server_product(&tunnel.headers).map(|p| format!(" ({p})")).unwrap_or_default();
            Verdict::pass(format!("{}{product} lets CONNECT through.", tunnel.proxy))
        }
        Reached::Failed(failure) => match unreachable(failure) {
            Some(why) => {
                let layer = if matches!(failure, Failure::Dns(_)) { Layer::Dns } else { Layer::Tcp };
                let proxy = proxy.target.to_string();
                let args = [("proxy", proxy.as_str()), ("layer", layer.as_str()), ("why", &why)];
                Verdict::found(Code::ProxyUnreachable, &args)
            }
            None => match failure {
                Failure::Proxy(refusal) => refused(refusal, proxy.credentials.as_ref()),
                Failure::Tls(tls) => Verdict::found(
                    Code::ProxyUnreachable,
                    &[
                        ("proxy", &proxy.target.to_string()),
                        ("layer", Layer::Tls.as_str()),
                        ("why", &format!("its TLS fails: {}", tls.words)),
                    ],
                ),
                Failure::Dns(_)
                | Failure::Tcp(_)
                | Failure::Http(_)
                | Failure::Grpc(_)
                | Failure::WebSocket(_)
                | Failure::Socket(_)
                | Failure::Rails(_)
                | Failure::Other { .. } => {
                    Verdict::Unknown(format!("the connection ended in an unknown way: {failure}"))
                }
            },
        },
        Reached::Here(_) | Reached::NotYet => Verdict::Unknown("the proxy was not asked".to_owned()),
    }
}

/// Why the proxy itself cannot be reached, if that is what failed.
pub(in crate::checks) fn unreachable(failure: &Failure) -> Option<String> {
    match failure {
        Failure::Dns(dns) => Some(match dns.kind {
            DnsKind::NoSuchHost => format!("the name {} does not exist", dns.host),
            DnsKind::NoAddress => format!("the name {} has no address", dns.host),
            DnsKind::ServerFailed => format!("the resolver fails for {}", dns.host),
            DnsKind::Timeout => format!("no resolver answers for {}", dns.host),
        }),
        Failure::Tcp(tcp) => Some(format!("the connection {}", how(tcp.kind))),
        Failure::Proxy(_)
        | Failure::Tls(_)
        | Failure::Http(_)
        | Failure::Grpc(_)
        | Failure::WebSocket(_)
        | Failure::Socket(_)
        | Failure::Rails(_)
        | Failure::Other { .. } => None,
    }
}

/// The finding of a CONNECT that was not let through.
pub(in crate::checks) fn refused(failure: &ProxyFailure, credentials: Option<&Secret>) -> Verdict {
    let (proxy, host) = (failure.proxy.to_string(), failure.target.host.clone());
    let product = vendors::server_product(&failure.headers).unwrap_or("unknown");
    let status = failure.status.map(|s| s.to_string()).unwrap_or_default();
    let bad = |answer: &str| {
        let args = [("proxy", proxy.as_str()), ("host", &host), ("answer", answer)];
        Verdict::found(Code::ProxyBadReply, &args)
    };
    let with_words = |code| {
        let args = [
            ("proxy", proxy.as_str()),
            ("host", &host),
            ("status", &status),
            ("words", &failure.reason),
            ("product", product),
        ];
        Verdict::found(code, &args)
    };
    match (failure.kind, failure.status) {
        (ProxyKind::Refused, Some(407 | 401)) => {
            let offered = |n: &&(String, String)| n.0 == "proxy-authenticate" || n.0 == "www-authenticate";
            let schemes: Vec<&str> = (failure.headers.0.iter().filter(offered))
                .filter_map(|(_, v)| v.split_whitespace().next())
                .collect();
            let schemes = if schemes.is_empty() { "unknown".to_owned() } else { crate::text::list(&schemes) };
            let given = if credentials.is_some() { "were refused" } else { "are not set" };
            let args =
                [("proxy", proxy.as_str()), ("status", &status), ("schemes", &schemes), ("given", given)];
            Verdict::found(Code::ProxyAuthRequired, &args)
        }
        (ProxyKind::Refused, Some(403 | 405)) => with_words(Code::ProxyDenied),
        (ProxyKind::Refused, Some(502..=504)) => with_words(Code::ProxyUpstreamFailed),
        (ProxyKind::Refused, _) => bad(format!("{status} {}", failure.reason).trim()),
        (ProxyKind::NotHttp, _) => bad(&format!("no HTTP: \"{}\"", crate::text::escape(&failure.body, 40))),
        (ProxyKind::HungUp, _) => bad("nothing, it hung up"),
        (ProxyKind::Timeout, _) => bad("nothing in time"),
    }
}
