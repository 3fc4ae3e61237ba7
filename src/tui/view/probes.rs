//! Probes and samples in words: what was asked, what came.

use crate::failure::{Answer, Failure, GrpcFailure, SocketKind, TcpKind, TlsKind, WebSocketFailure};
use crate::probe::{Grpc, Method, Probe, Reading, Sample, Then};
use crate::run::ProbeState;
use crate::subject::Via;
use crate::text;

/// The remark right of a phase's bar.
pub fn remark(sample: &Sample) -> String {
    match (sample.reading(), sample.failure()) {
        (Some(reading), _) => reading_words(reading),
        (None, Some(failure)) => failure_words(failure),
        (None, None) => String::new(),
    }
}

fn reading_words(reading: &Reading) -> String {
    match reading {
        Reading::Resolved(resolved) => match resolved.addresses.as_slice() {
            [] => "no address".to_owned(),
            [one] => one.to_string(),
            [first, rest @ ..] => format!("{first} +{}", rest.len()),
        },
        Reading::Connected(connected) => {
            match connected.attempts.iter().filter(|a| a.failed.is_some()).count() {
                0 => "connected".to_owned(),
                n => format!("connected, {n} failed before"),
            }
        }
        Reading::Socket { .. } => "connected".to_owned(),
        Reading::Tunnel(tunnel) => match tunnel.headers.get("via") {
            Some(via) => format!("{}, Via: {via}", tunnel.status),
            None => format!("{} {}", tunnel.status, tunnel.reason),
        },
        Reading::Tls(tls) => match (tls.bad_certificate, &tls.alpn) {
            (Some(kind), _) => tls_words(kind).to_owned(),
            (None, Some(alpn)) => format!("{}, {alpn}", tls.version),
            (None, None) => tls.version.clone(),
        },
        Reading::Answer(answer) => status(answer),
        Reading::Document(document) => status(&document.answer),
        Reading::Rails(_) => "answered".to_owned(),
        Reading::Logs(found) => text::count(found.read.len(), "file"),
        Reading::Grpc(grpc) => grpc_words(grpc),
        Reading::Upgraded(_) => "101".to_owned(),
        Reading::Welcome => "welcome".to_owned(),
        Reading::Message { sent, came } => format!("{sent} bytes sent, {came} back"),
        Reading::Ping { after } => format!("ping after {}", text::duration(*after)),
        Reading::Held { frames, longest_gap } => {
            format!("{frames} frames, longest gap {}", text::duration(*longest_gap))
        }
    }
}

fn status(answer: &Answer) -> String {
    format!("{} {}", answer.status, answer.reason).trim_end().to_owned()
}

/// A gRPC answer in a few words: what the service says of itself, else its status.
fn grpc_words(grpc: &Grpc) -> String {
    match (grpc.serving, grpc.status) {
        (Some(serving), None | Some(0)) => serving.as_str().to_owned(),
        (_, Some(status)) if grpc.message.is_empty() => format!("grpc-status {status}"),
        (_, Some(status)) => format!("grpc-status {status}: {}", grpc.message),
        (None, None) => format!("HTTP {}", grpc.http_status),
    }
}

/// A failure in a few words.
pub fn failure_words(failure: &Failure) -> String {
    match failure {
        Failure::Dns(dns) => match dns.kind {
            crate::failure::DnsKind::NoSuchHost => "no such name".to_owned(),
            crate::failure::DnsKind::NoAddress => "no address".to_owned(),
            crate::failure::DnsKind::ServerFailed => "the resolver failed".to_owned(),
            crate::failure::DnsKind::Timeout => format!("no answer in {}", text::duration(dns.after)),
        },
        Failure::Tcp(tcp) => tcp_words(tcp.kind).to_owned(),
        Failure::Rails(rails) => rails.words.clone(),
        Failure::Socket(socket) => match socket.kind {
            SocketKind::Absent => "no such socket".to_owned(),
            SocketKind::Refused => "refused".to_owned(),
            SocketKind::Denied => "permission denied".to_owned(),
            SocketKind::Timeout => "no answer".to_owned(),
            SocketKind::Other => socket.words.clone(),
        },
        Failure::Proxy(proxy) => match proxy.status {
            Some(status) => format!("{status} {}", proxy.reason),
            None => match proxy.kind {
                crate::failure::ProxyKind::Refused => "refused".to_owned(),
                crate::failure::ProxyKind::NotHttp => "not HTTP".to_owned(),
                crate::failure::ProxyKind::HungUp => "hung up".to_owned(),
                crate::failure::ProxyKind::Timeout => "no answer".to_owned(),
            },
        },
        Failure::Tls(tls) => tls_words(tls.kind).to_owned(),
        Failure::Http(http) => match http.kind {
            crate::failure::HttpKind::Timeout => "no answer".to_owned(),
            crate::failure::HttpKind::Malformed => "not HTTP".to_owned(),
            crate::failure::HttpKind::Closed => "closed before an answer".to_owned(),
            crate::failure::HttpKind::ClientCertificateWanted => "wants a client certificate".to_owned(),
        },
        Failure::Grpc(GrpcFailure::NotGrpc(answer)) => format!("{}, no gRPC", answer.status),
        Failure::Grpc(failure) => failure.to_string(),
        Failure::WebSocket(failure) => match failure {
            WebSocketFailure::Refused(answer) => format!("{} {}", answer.status, answer.reason),
            WebSocketFailure::BadHandshake { words } => words.clone(),
            WebSocketFailure::NoAnswer { after, .. } => format!("no answer in {}", text::duration(*after)),
            WebSocketFailure::Silent { waited_for, after } => {
                format!("no {} in {}", waited_for.as_str(), text::duration(*after))
            }
            WebSocketFailure::Cut { after, .. } => format!("cut after {}", text::duration(*after)),
            WebSocketFailure::Disconnected { reason } => format!("disconnect: {reason}"),
            WebSocketFailure::Foreign { text } => format!("\"{text}\""),
        },
        Failure::Other { message, .. } => message.clone(),
    }
}

/// How an attempt to connect ended.
pub fn tcp_words(kind: TcpKind) -> &'static str {
    match kind {
        TcpKind::Refused => "refused",
        TcpKind::Timeout => "no answer",
        TcpKind::Unreachable => "unreachable",
        TcpKind::HostUnreachable => "host unreachable",
        TcpKind::Reset => "reset",
    }
}

/// What is wrong with a handshake.
pub fn tls_words(kind: TlsKind) -> &'static str {
    match kind {
        TlsKind::UnknownIssuer => "issuer unknown",
        TlsKind::SelfSigned => "signed by itself",
        TlsKind::ChainIncomplete => "chain incomplete",
        TlsKind::Expired => "has run out",
        TlsKind::NotYetValid => "not valid yet",
        TlsKind::WrongName => "for other names",
        TlsKind::VersionUnsupported => "TLS too old",
        TlsKind::NoCommonCipher => "no common cipher",
        TlsKind::NoCommonProtocol => "no common ALPN",
        TlsKind::NotSpoken => "not TLS",
        TlsKind::Reset => "cut off",
        TlsKind::ClientCertificateWanted => "wants a client certificate",
        TlsKind::Timeout => "no answer",
        TlsKind::Other => "handshake failed",
    }
}

/// What a probe asks, in words.
pub fn asked(probe: &Probe) -> String {
    match probe {
        Probe::Resolve(target) => format!("resolve {}", target.host),
        Probe::Rails => "ask Rails by gitlab-rails runner".to_owned(),
        Probe::Logs(_) => "read the ends of GitLab's log files".to_owned(),
        Probe::Connect { target, address } => format!("connect {address} port {}", target.port),
        Probe::Knock(knock) => format!("TLS at {} port {}", knock.address, knock.target.port),
        Probe::Fetch(fetch) => format!("get {}{}", fetch.target, fetch.request.path),
        Probe::Walk(walk) => {
            let via = match &walk.via {
                Via::Direct | Via::Unusable { .. } => String::new(),
                Via::Proxy(_) => " by the proxy".to_owned(),
            };
            match &walk.then {
                Then::Close if walk.tls.is_some() => format!("handshake with {}{via}", walk.target),
                Then::Close => format!("connect {}{via}", walk.target),
                Then::Request(request) => format!("get {}{via}", request.path),
                Then::Inquire(inquiry) => match inquiry.request.method {
                    Method::Get => format!("get {}{via}", inquiry.request.path),
                    Method::Post => format!("post {}{via}", inquiry.request.path),
                },
                Then::Grpc(health) => format!("ask {}{via}", health.path()),
                Then::Nonsense => format!("say what is no HTTP to {}", walk.target),
                Then::Upgrade(upgrade) => format!("upgrade {}, Origin {}", upgrade.path, upgrade.origin),
            }
        }
    }
}

/// What a probe brought, in words: its failure, else its last reading.
pub fn brought(probe: &ProbeState) -> String {
    let failed = probe.samples.iter().find(|s| s.failure().is_some());
    failed.or(probe.samples.last()).map_or_else(|| "nothing yet".to_owned(), remark)
}
