//! What a text of Ruby's exceptions says of the way to a host, in the codes of our own checks of that way.
//!
//! The texts are those of Ruby's `net/http` and `socket`, of OpenSSL, and of GitLab's outbound filter (`url_blocker.rb`).
//! Which proxy was asked, which certificate was shown and which address was tried they mostly do not tell: such arguments
//! stay empty.

use crate::finding::{Code, Finding};
use std::net::IpAddr;

/// The way that a text speaks of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Way<'a> {
    /// The host.
    pub(super) host: &'a str,
    /// Its port; `None`: not known, as of a gateway of one's own.
    pub(super) port: Option<u16>,
    /// Whose it is.
    pub(super) owner: Owner,
}

/// Whose a host is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    /// GitLab's, with a public certificate.
    GitLab,
    /// The instance's own.
    Oneself,
}

/// Who trusts here.
const STORE: &str = "GitLab's own store";

/// What stands in place of a name that is not known, as in our own checks.
pub(super) const UNKNOWN: &str = "unknown";

/// A finding; arguments that are not given stay empty.
pub(super) fn found(code: Code, given: &[(&str, &str)]) -> Finding {
    debug_assert!(given.iter().all(|(name, _)| code.row().args.contains(name)), "{code} has these arguments");
    let value = |name: &str| given.iter().find(|(given, _)| *given == name).map_or("", |(_, value)| *value);
    let args: Vec<(&str, &str)> = code.row().args.iter().map(|name| (*name, value(name))).collect();
    Finding::new(code, &args)
}

/// What the text says, where it is known to us.
pub(super) fn finding(text: &str, way: &Way) -> Option<Finding> {
    silent(text)
        .or_else(|| blocked(text, way))
        .or_else(|| tls(text, way))
        .or_else(|| tcp(text, way))
        .or_else(|| proxied(text, way))
        .or_else(|| waited(text, way))
        .or_else(|| cut(text, way))
}

/// Silent Mode (`SilentModeBlockedError`).
fn silent(text: &str) -> Option<Finding> {
    text.contains("allowed in silent mode").then(|| found(Code::SilentModeOn, &[("by", super::meaning::BY)]))
}

/// The kinds of addresses that the outbound filter refuses, by its words.
const REFUSED: [(&str, &str); 6] = [
    ("to localhost", "loopback"),
    ("to loopback addresses", "loopback"),
    ("to the local network", "private"),
    ("to the link local network", "link-local"),
    ("to the shared address space", "shared (100.64.0.0/10)"),
    ("to the limited broadcast address", "broadcast"),
];

/// `URL is blocked: …`
fn blocked(text: &str, way: &Way) -> Option<Finding> {
    let why = text.split_once("URL is blocked: ")?.1;
    let host = ("host", way.host);
    if why.contains("not on the Allow List") {
        let entry = way.port.map_or_else(|| way.host.to_owned(), |port| format!("{}:{port}", way.host));
        return Some(found(Code::OutboundFilterBlocks, &[("hosts", way.host), ("entries", &entry)]));
    }
    if why.contains("cannot be resolved") {
        return Some(found(Code::DnsNoSuchHost, &[host]));
    }
    if why.contains("execution expired") {
        return Some(dns_timeout(way));
    }
    let (_, kind) = REFUSED.iter().find(|(words, _)| why.contains(words))?;
    Some(found(Code::AddressBlockedByFilter, &[host, ("kind", kind), ("stacks", "Rails")]))
}

/// GitLab gives a lookup 15 s (`url_blocker.rb`); a bare `execution expired` comes from there.
fn dns_timeout(way: &Way) -> Finding {
    let args = [("host", way.host), ("seconds", "15"), ("waits", "Rails waits so long and then gives up")];
    found(Code::DnsTimeout, &args)
}

/// `SSL_connect returned=1 errno=0 … certificate verify failed (…)`; a handshake without an answer is `Net::OpenTimeout`
/// alone (`net/protocol`).
fn tls(text: &str, way: &Way) -> Option<Finding> {
    let low = text.to_ascii_lowercase();
    let is_tls =
        ["ssl_connect", "ssl_error", "certificate verify failed", "does not match the server certificate"];
    if !is_tls.iter().any(|mark| low.contains(mark)) {
        return (low.trim_end_matches('.') == "net::opentimeout").then(|| {
            found(Code::TlsTimeout, &[("host", way.host), ("port", &port(way)), ("seconds", LIMIT)])
        });
    }
    let code = certificate(&low, way.owner).or_else(|| handshake(&low))?;
    let port = port(way);
    let known = [
        ("host", way.host),
        ("port", port.as_str()),
        ("store", STORE),
        ("product", UNKNOWN),
        ("how", "cut during the handshake"),
    ];
    let args: Vec<(&str, &str)> =
        known.iter().copied().filter(|(name, _)| code.row().args.contains(name)).collect();
    Some(found(code, &args))
}

/// What OpenSSL says of a certificate that it refuses (`X509_verify_cert_error_string`), in lower case.
pub(super) fn certificate(low: &str, owner: Owner) -> Option<Code> {
    let has = |words: &str| low.contains(words);
    if has("self-signed certificate in certificate chain")
        || has("self signed certificate in certificate chain")
    {
        // A root of one's own above a host of GitLab's: somebody signs its certificates anew.
        return Some(match owner {
            Owner::GitLab => Code::TlsIntercepted,
            Owner::Oneself => Code::TlsUnknownIssuer,
        });
    }
    if has("self-signed certificate") || has("self signed certificate") {
        return Some(Code::TlsSelfSigned);
    }
    [
        ("unable to get local issuer certificate", Code::TlsUnknownIssuer),
        ("unable to get issuer certificate", Code::TlsUnknownIssuer),
        ("unable to verify the first certificate", Code::TlsChainIncomplete),
        ("certificate has expired", Code::TlsExpired),
        ("certificate is not yet valid", Code::TlsNotYetValid),
        ("hostname mismatch", Code::TlsWrongName),
        ("does not match the server certificate", Code::TlsWrongName),
        ("not in peer certificate", Code::TlsWrongName),
    ]
    .into_iter()
    .find_map(|(words, code)| has(words).then_some(code))
}

/// What OpenSSL says of a handshake that does not come to an end, in lower case.
pub(super) fn handshake(low: &str) -> Option<Code> {
    [
        (
            &["wrong version number", "wrong_version_number", "unknown protocol", "http request"][..],
            Code::TlsNotSpoken,
        ),
        (
            &[
                "unsupported protocol",
                "alert protocol version",
                "no protocols available",
                "unsupported_protocol",
            ],
            Code::TlsVersionUnsupported,
        ),
        (
            &["alert certificate required", "bad_certificate", "alert bad certificate"],
            Code::TlsClientCertificateWanted,
        ),
        (&["handshake failure", "no shared cipher", "no ciphers available"], Code::TlsNoCommonCipher),
        (
            &["connection reset", "syscall returned=5", "unexpected eof", "end of file", "errno=104"],
            Code::TlsReset,
        ),
    ]
    .into_iter()
    .find_map(|(words, code)| words.iter().any(|words| low.contains(words)).then_some(code))
}

/// How long GitLab's test of a host waits for each step, in seconds.
const LIMIT: &str = "5";

fn port(way: &Way) -> String {
    way.port.map(|port| port.to_string()).unwrap_or_default()
}

/// `Failed to open TCP connection to HOST:PORT (…)`, and `Network is unreachable - connect(2) for "HOST" port PORT`.
fn tcp(text: &str, way: &Way) -> Option<Finding> {
    let opened = text.split_once("Failed to open TCP connection to ");
    let Some((at, why)) = opened.and_then(|(_, rest)| rest.split_once(" (")) else {
        let at = quoted(text).unwrap_or_default();
        let is_connect = text.contains("connect(2)") || text.contains("getaddrinfo");
        return is_connect.then(|| end(text, at, way)).flatten();
    };
    if at.trim() == ":" || at.is_empty() {
        let why = "Rails reads no host in it";
        return Some(found(Code::ProxyUrlInvalid, &[("stacks", "Rails"), ("hosts", way.host), ("why", why)]));
    }
    let (address, number) = at.rsplit_once(':').unwrap_or((at, ""));
    if is_proxy(address, number, way) {
        let (proxy, layer) = (at, if why.contains("getaddrinfo") { "dns" } else { "tcp" });
        let why = why.trim_end_matches(['.', ')']);
        return Some(found(Code::ProxyUnreachable, &[("proxy", proxy), ("layer", layer), ("why", why)]));
    }
    end(why, address, way)
}

/// Whether Rails connected to a proxy and not to the host: to another name, or to a port that is not the host's.
fn is_proxy(address: &str, port: &str, way: &Way) -> bool {
    let is_address = literal(address).is_some();
    let is_host = is_address || address.eq_ignore_ascii_case(way.host) || way.host.is_empty();
    !is_host || way.port.is_some_and(|own| port.parse() != Ok(own))
}

fn literal(text: &str) -> Option<IpAddr> {
    text.trim_matches(['[', ']']).parse().ok()
}

fn quoted(text: &str) -> Option<&str> {
    text.split('"').nth(1)
}

/// How a connection to the host itself ended.
fn end(why: &str, address: &str, way: &Way) -> Option<Finding> {
    let has = |words: &str| why.contains(words);
    let address = literal(address);
    let shown = address.map(|a| a.to_string()).unwrap_or_default();
    let port = port(way);
    let args = [("host", way.host), ("port", port.as_str()), ("address", shown.as_str())];
    if has("getaddrinfo") {
        return Some(lookup(why, way));
    }
    let unreachable = ["Network is unreachable", "No route to host", "Cannot assign requested address"];
    let is_v6 = address.is_some_and(|a| a.is_ipv6());
    if let Some(words) = unreachable.iter().find(|words| has(words)) {
        return Some(if is_v6 {
            // Rails takes the first address only.
            let args = [("host", way.host), ("address", &shown), ("how", words), ("stacks", "Rails")];
            found(Code::FirstAddressUnreachable, &args)
        } else {
            found(Code::TcpUnreachable, &[args[0], args[1], args[2], ("words", words)])
        });
    }
    if has("Connection refused") {
        return Some(found(Code::TcpRefused, &args));
    }
    if has("execution expired") || has("timed out") {
        return Some(found(Code::TcpTimeout, &[args[0], args[1], args[2], ("seconds", LIMIT)]));
    }
    has("reset by peer").then(|| found(Code::TcpReset, &args))
}

/// What the C library says of a name (`gai_strerror`).
fn lookup(why: &str, way: &Way) -> Finding {
    let host = ("host", way.host);
    if why.contains("No address associated") {
        found(Code::DnsNoAddress, &[host])
    } else if why.contains("Temporary failure") || why.contains("Non-recoverable failure") {
        let answer = why.rsplit(": ").next().unwrap_or_default().trim_end_matches(['.', ')']);
        found(Code::DnsServerFailed, &[host, ("answer", answer)])
    } else {
        found(Code::DnsNoSuchHost, &[host])
    }
}

/// `407 "Proxy Authentication Required"`: what a proxy answers to CONNECT. An answer of the host itself raises nothing.
fn proxied(text: &str, way: &Way) -> Option<Finding> {
    let (status, rest) = text.split_once(" \"")?;
    let number: u16 = status.rsplit(' ').next()?.parse().ok().filter(|n| (100..600).contains(n))?;
    Some(refused(number, rest.split('"').next()?, way))
}

/// A proxy's refusal of CONNECT, by its status.
pub(super) fn refused(status: u16, words: &str, way: &Way) -> Finding {
    let number = status.to_string();
    let args = [("host", way.host), ("status", number.as_str()), ("words", words), ("product", UNKNOWN)];
    match status {
        401 | 407 => found(Code::ProxyAuthRequired, &[("status", &number)]),
        403 | 405 => found(Code::ProxyDenied, &args),
        502..=504 => found(Code::ProxyUpstreamFailed, &args),
        _ => found(Code::ProxyBadReply, &[("host", way.host), ("answer", &format!("{number} {words}"))]),
    }
}

/// Whether a text says that no answer came in time.
pub(super) fn is_timeout(text: &str) -> bool {
    ["execution expired", "Timeout", "timed out"].iter().any(|words| text.contains(words))
}

/// An answer that did not come.
fn waited(text: &str, way: &Way) -> Option<Finding> {
    if text.contains("ReadTimeout") || text.contains("timed out") {
        return Some(found(Code::HttpTimeout, &[("host", way.host), ("seconds", LIMIT)]));
    }
    text.contains("execution expired").then(|| dns_timeout(way))
}

/// An answer that was none.
fn cut(text: &str, way: &Way) -> Option<Finding> {
    let marks = ["end of file reached", "wrong status line", "wrong header line", "Connection reset by peer"];
    let words = marks.iter().find(|words| text.contains(**words))?;
    Some(found(Code::HttpMalformed, &[("host", way.host), ("words", words)]))
}
