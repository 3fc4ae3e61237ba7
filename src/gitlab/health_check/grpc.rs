//! Why GitLab's call to the workflow service failed. The message says only that it did; the gRPC library's own words stand
//! among the errors: `14:failed to connect to all addresses; last error: …`.
//!
//! The call is made by Rails (gRPC C-core). Agentic Chat goes by Workhorse: what passes here may fail there.

use super::ProbeResult;
use super::exception::{self, Owner, UNKNOWN, Way, found};
use super::meaning::{Meaning, Setting, nothing_better};
use crate::failure::Layer;
use crate::finding::{Code, Finding};

/// What ended the way to the service before it answered.
struct Below {
    layer: Layer,
    /// The code of the same fault on the way to another service.
    finding: Code,
    why: String,
}

/// What a failed call means.
pub(super) fn of(result: &ProbeResult, setting: &Setting) -> Meaning {
    let said = result.said();
    let host = result.host();
    let way = Way { host: &host, port: None, owner: owner(&host) };
    let known = said.iter().find_map(|text| status(text, &way, setting));
    let known =
        known.or_else(|| said.iter().find_map(|text| Some(unreachable(below(text, &way)?, &way, setting))));
    Meaning::Found(known.unwrap_or_else(|| nothing_better(result, Some(Code::WorkflowUnreachable))))
}

fn owner(host: &str) -> Owner {
    if host.ends_with(".gitlab.net") || host.ends_with(".gitlab.com") {
        Owner::GitLab
    } else {
        Owner::Oneself
    }
}

/// The number at the start of a text of `GRPC::BadStatus`.
fn number(text: &str) -> Option<(u32, &str)> {
    let (number, words) = text.split_once(':')?;
    // A label may stand before it, `GRPC::Unavailable 14:`; a host with a port does not count.
    let number = number.rsplit(' ').next()?;
    Some((number.parse().ok().filter(|n| *n <= 16)?, words.trim()))
}

/// What a gRPC status says.
fn status(text: &str, way: &Way, setting: &Setting) -> Option<Finding> {
    let (number, words) = number(text)?;
    // What the library keeps for itself.
    let words = words.split(". debug_error_string").next().unwrap_or(words);
    let has = |mark: &str| words.contains(mark);
    if has("Header mismatch") {
        return Some(found(Code::InstanceMismatch, &[("words", words)]));
    }
    if has("USAGE_QUOTA_EXCEEDED") {
        return Some(found(Code::QuotaExceeded, &[("words", words)]));
    }
    if has("USAGE_QUOTA_NOT_ENTITLED") {
        return Some(found(Code::NotEntitled, &[("words", words)]));
    }
    if has("ALPN") {
        let args = [("host", way.host), ("alpn", "none"), ("by", UNKNOWN)];
        return Some(found(Code::Http2Downgraded, &args));
    }
    let answered = || unavailable(&format!("grpc-status {number}: {words}"), way, setting);
    match number {
        7 if has("Unauthorized to ") => Some(found(Code::NotEntitled, &[("words", words)])),
        7 | 16 => Some(found(Code::WorkflowUnauthenticated, &[("host", way.host), ("words", words)])),
        14 | 2 | 13 => Some(match below(words, way) {
            Some(below) => unreachable(below, way, setting),
            None => answered(),
        }),
        // 0 is no failure, and 8 without the word of a quota is a limit of the service's own.
        _ => Some(answered()),
    }
}

/// What the way ended with, by the words of C-core, of its resolver c-ares, and of `BoringSSL`.
fn below(words: &str, way: &Way) -> Option<Below> {
    let low = words.to_ascii_lowercase();
    let has = |mark: &str| low.contains(mark);
    let below = |layer, finding, why: &str| Some(Below { layer, finding, why: why.to_owned() });
    if has("dns resolution failed") || has("c-ares") || has("could not contact dns") {
        return if has("timeout") || has("could not contact dns") {
            below(Layer::Dns, Code::DnsTimeout, "no resolver answers")
        } else if has("not found") || has("no such host") {
            below(Layer::Dns, Code::DnsNoSuchHost, "the name does not exist")
        } else {
            below(Layer::Dns, Code::DnsServerFailed, "the resolver fails for this name")
        };
    }
    if let Some(behind) = low.split_once("proxy returned response code ").map(|(_, rest)| rest) {
        let status: u16 = behind.chars().take_while(char::is_ascii_digit).collect::<String>().parse().ok()?;
        let finding = exception::refused(status, "", way).code;
        return below(Layer::Proxy, finding, &format!("the proxy answers CONNECT with {status}"));
    }
    if has("certificate") || has("ssl") || has("tls") || has("handshake") {
        let shaken = low.replace('_', " ");
        let code = exception::certificate(&shaken, way.owner).or_else(|| exception::handshake(&shaken));
        if let Some(code) = code {
            return below(Layer::Tls, code, why_tls(code));
        }
        if has("tls mismatch") {
            return below(Layer::Tls, Code::TlsNotSpoken, why_tls(Code::TlsNotSpoken));
        }
    }
    [
        ("connection refused", Code::TcpRefused, "the connection is refused"),
        ("network is unreachable", Code::TcpUnreachable, "no way leads to its address"),
        ("no route to host", Code::TcpUnreachable, "no way leads to its address"),
        ("connection reset", Code::TcpReset, "the connection is cut"),
        ("timeout occurred", Code::TcpTimeout, "the connection gets no answer"),
        ("timed out", Code::TcpTimeout, "the connection gets no answer"),
        ("fd shutdown", Code::TcpTimeout, "the connection gets no answer"),
    ]
    .into_iter()
    .find_map(|(mark, code, why)| has(mark).then(|| below(Layer::Tcp, code, why)).flatten())
}

/// What is seen of each fault of TLS.
const SHAKEN: &[(Code, &str)] = &[
    (Code::TlsIntercepted, "the certificate's issuer is not trusted there"),
    (Code::TlsUnknownIssuer, "the certificate's issuer is not trusted there"),
    (Code::TlsSelfSigned, "the certificate is signed by itself"),
    (Code::TlsChainIncomplete, "an intermediate certificate is not sent"),
    (Code::TlsExpired, "the certificate has run out"),
    (Code::TlsNotYetValid, "the certificate is not valid yet"),
    (Code::TlsWrongName, "the certificate is for other names"),
    (Code::TlsNotSpoken, "what answers is no TLS"),
    (Code::TlsReset, "the TLS handshake is cut off"),
];

fn why_tls(code: Code) -> &'static str {
    SHAKEN.iter().find(|(known, _)| *known == code).map_or("the TLS handshake fails", |(_, why)| why)
}

fn unreachable(below: Below, way: &Way, setting: &Setting) -> Finding {
    let Below { layer, finding, why } = below;
    match setting.platform_unused() {
        Some(reason) => unused(finding, &why, reason, way),
        None => found(
            Code::WorkflowUnreachable,
            &[
                ("host", way.host),
                ("layer", layer.as_str()),
                ("finding", finding.as_str()),
                ("why", &why),
                ("by", UNKNOWN),
            ],
        ),
    }
}

fn unavailable(answer: &str, way: &Way, setting: &Setting) -> Finding {
    match setting.platform_unused() {
        Some(reason) => {
            unused(Code::GrpcUnavailable, &format!("the call is answered with {answer}"), reason, way)
        }
        None => found(Code::GrpcUnavailable, &[("host", way.host), ("answer", answer), ("by", UNKNOWN)]),
    }
}

fn unused(finding: Code, words: &str, reason: &str, way: &Way) -> Finding {
    found(
        Code::WorkflowNotReachableUnused,
        &[
            ("host", way.host),
            ("finding", finding.as_str()),
            ("words", words),
            ("by", UNKNOWN),
            ("reason", reason),
        ],
    )
}
