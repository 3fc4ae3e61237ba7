//! Typed failures, in the order in which a connection meets the layers. That something does not connect is
//! this program's normal business: failures are data, recorded as evidence and judged later.

mod answer;
pub mod certificate;
mod grpc;
mod rails;

pub use answer::{Answer, Headers};
pub use grpc::GrpcFailure;
pub use rails::{RailsFailure, RailsKind};

use crate::millis;
use crate::subject::address::Target;
use certificate::Certificate;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

/// A layer of a connection, in wire order. Also the name of a phase in reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Layer {
    /// A name becomes addresses.
    Dns,
    /// An address accepts a connection.
    Tcp,
    /// A proxy lets CONNECT through.
    Proxy,
    /// The TLS handshake.
    Tls,
    /// The answer to an HTTP request.
    Http,
    /// The answer to a gRPC call.
    Grpc,
    /// The answer to a WebSocket handshake.
    Upgrade,
    /// The first message on a WebSocket: Action Cable's `welcome`.
    Welcome,
    /// What was said on a WebSocket comes back.
    Message,
    /// The first ping behind the welcome.
    Ping,
    /// A WebSocket, or a gRPC stream, held open for as long as asked.
    Hold,
    /// What this node itself tells, without a connection: Rails, its log files.
    Node,
}

impl Layer {
    /// The name in reports and on the screen.
    pub fn as_str(self) -> &'static str {
        match self {
            Layer::Dns => "dns",
            Layer::Tcp => "tcp",
            Layer::Proxy => "proxy",
            Layer::Tls => "tls",
            Layer::Http => "http",
            Layer::Grpc => "grpc",
            Layer::Upgrade => "upgrade",
            Layer::Welcome => "welcome",
            Layer::Message => "message",
            Layer::Ping => "ping",
            Layer::Hold => "hold",
            Layer::Node => "node",
        }
    }
}

/// What went wrong on the wire, with what was observed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Failure {
    /// A name did not become an address.
    Dns(DnsFailure),
    /// No address accepted the connection.
    Tcp(TcpFailure),
    /// A Unix socket of this node did not accept it.
    Socket(SocketFailure),
    /// The proxy did not let CONNECT through.
    Proxy(ProxyFailure),
    /// The handshake did not end in a trusted channel.
    Tls(Box<TlsFailure>),
    /// No HTTP answer came.
    Http(HttpFailure),
    /// No gRPC answer came, or its stream did not stay open.
    Grpc(GrpcFailure),
    /// The WebSocket was not opened or did not stay open.
    WebSocket(WebSocketFailure),
    /// Rails on this node did not answer.
    Rails(RailsFailure),
    /// Something that no variant describes. No scenario may reach it.
    Other {
        /// Where it happened.
        layer: Layer,
        /// The library's words.
        message: String,
    },
}

impl fmt::Display for Failure {
    /// The failure in a few words, for the end of a sentence.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Dns(dns) => write!(f, "the name {} did not resolve", dns.host),
            Failure::Tcp(tcp) => write!(f, "the connection to {} was not accepted", tcp.target),
            Failure::Socket(socket) => {
                write!(f, "{} did not accept the connection: {}", socket.path, socket.words)
            }
            Failure::Proxy(proxy) => write!(f, "the proxy {} did not let it through", proxy.proxy),
            Failure::Tls(tls) => write!(f, "TLS failed: {}", tls.words),
            Failure::Http(http) => write!(f, "no HTTP came: {}", http.words),
            Failure::Grpc(grpc) => grpc.fmt(f),
            Failure::WebSocket(_) => f.write_str("the WebSocket was not opened or did not stay open"),
            Failure::Rails(rails) => f.write_str(&rails.words),
            Failure::Other { layer, message } => write!(f, "{}: {message}", layer.as_str()),
        }
    }
}

/// A name did not become an address.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DnsFailure {
    /// In which way.
    pub kind: DnsKind,
    /// The name asked for.
    pub host: String,
    /// The resolvers asked, as far as known.
    pub servers: Vec<SocketAddr>,
    /// Each answer by record type, and the system's own words.
    pub lookups: Vec<Lookup>,
    /// How long it took until this was known.
    #[serde(with = "millis")]
    pub after: Duration,
}

/// In which way a name did not become an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DnsKind {
    /// NXDOMAIN: the name does not exist.
    NoSuchHost,
    /// The name exists and has neither A nor AAAA.
    NoAddress,
    /// SERVFAIL, REFUSED or an answer that cannot be used.
    ServerFailed,
    /// No answer in time.
    Timeout,
}

/// One question to one way of resolving, with its answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Lookup {
    /// `getaddrinfo`, `A` or `AAAA`.
    pub asked: String,
    /// `NOERROR`, `NXDOMAIN`, `SERVFAIL`, `REFUSED`, `NODATA`, `timeout` or the system's words.
    pub answer: String,
    /// The addresses that came.
    pub addresses: Vec<std::net::IpAddr>,
    /// How long it took.
    #[serde(with = "millis")]
    pub took: Duration,
}

/// No address accepted the connection.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TcpFailure {
    /// How the most telling attempt ended.
    pub kind: TcpKind,
    /// What the connection was meant for.
    pub target: Target,
    /// Every address tried, in order.
    pub attempts: Vec<Attempt>,
    /// How long it took until this was known.
    #[serde(with = "millis")]
    pub after: Duration,
}

/// A Unix socket did not accept the connection.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SocketFailure {
    /// In which way.
    pub kind: SocketKind,
    /// Its path.
    pub path: String,
    /// The system's words.
    pub words: String,
    /// How long it took until this was known.
    #[serde(with = "millis")]
    pub after: Duration,
}

/// In which way a Unix socket did not accept a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SocketKind {
    /// There is no such file.
    Absent,
    /// The file is there, and nobody listens behind it.
    Refused,
    /// This user may not open it.
    Denied,
    /// No answer in time, or its queue is full.
    Timeout,
    /// Anything else: see `words`.
    Other,
}

/// How an attempt to connect ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TcpKind {
    /// RST or port unreachable, at once.
    Refused,
    /// No answer in time.
    Timeout,
    /// No route.
    Unreachable,
    /// Somebody on the way said that the host is prohibited or cannot be reached, or a rule of this node forbids
    /// it: the system does not tell these apart (`ICMP` 3/1, 3/10 and 3/13 are one error of `connect`).
    HostUnreachable,
    /// Accepted and cut before anything was said.
    Reset,
}

/// An attempt to connect to one address.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Attempt {
    /// The address meant.
    pub address: SocketAddr,
    /// `None`: connected.
    pub failed: Option<TcpKind>,
    /// The system's words for the failure.
    pub words: String,
    /// How long it took.
    #[serde(with = "millis")]
    pub took: Duration,
}

/// The proxy did not let CONNECT through.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProxyFailure {
    /// In which way.
    pub kind: ProxyKind,
    /// The proxy, `host:port`.
    pub proxy: Target,
    /// What CONNECT asked for.
    pub target: Target,
    /// The status of its answer, where it gave one.
    pub status: Option<u16>,
    /// The words behind the status.
    pub reason: String,
    /// Its headers, by the allow-list.
    pub headers: Headers,
    /// The start of its page, escaped and bounded.
    pub body: String,
}

/// In which way a proxy did not let CONNECT through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProxyKind {
    /// It answered, and not with 200: see `status`.
    Refused,
    /// What came is not HTTP.
    NotHttp,
    /// It closed without an answer.
    HungUp,
    /// No answer in time.
    Timeout,
}

/// The handshake did not end in a trusted channel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TlsFailure {
    /// In which way.
    pub kind: TlsKind,
    /// The name that the certificate was asked for.
    pub host: String,
    /// The chain as sent, leaf first; empty if none came.
    pub chain: Vec<Certificate>,
    /// Whether the chain, its dates and the name apart, ends in a public root. `None`: no chain came.
    pub public: Option<bool>,
    /// The first bytes of what came in place of TLS, escaped.
    pub first_bytes: String,
    /// The library's words.
    pub words: String,
    /// Unix seconds of this node's clock when it failed.
    pub received: i64,
    /// How long it took until this was known.
    #[serde(with = "millis")]
    pub after: Duration,
}

/// In which way the handshake failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TlsKind {
    /// The chain ends in a root that is not trusted.
    UnknownIssuer,
    /// One certificate, signed by itself, not trusted.
    SelfSigned,
    /// The leaf alone was sent, and its issuer is not a root.
    ChainIncomplete,
    /// The certificate's time is over.
    Expired,
    /// The certificate's time has not begun.
    NotYetValid,
    /// The certificate is for other names.
    WrongName,
    /// No common protocol version: only TLS 1.1 or older is spoken there.
    VersionUnsupported,
    /// No common cipher.
    NoCommonCipher,
    /// No protocol that ALPN offers suits the server: it refuses by an alert (RFC 7301, 3.2), or chooses another.
    NoCommonProtocol,
    /// What came is not TLS.
    NotSpoken,
    /// Reset or closed after the `ClientHello`.
    Reset,
    /// A client certificate is demanded.
    ClientCertificateWanted,
    /// No answer in time.
    Timeout,
    /// Refused by an alert, or wrong in a way that no other kind describes: see `words`.
    Other,
}

impl TlsKind {
    /// Whether a certificate was shown, and is what is wrong.
    pub fn is_about_the_certificate(self) -> bool {
        match self {
            TlsKind::UnknownIssuer
            | TlsKind::SelfSigned
            | TlsKind::ChainIncomplete
            | TlsKind::Expired
            | TlsKind::NotYetValid
            | TlsKind::WrongName => true,
            TlsKind::VersionUnsupported
            | TlsKind::NoCommonCipher
            | TlsKind::NoCommonProtocol
            | TlsKind::NotSpoken
            | TlsKind::Reset
            | TlsKind::ClientCertificateWanted
            | TlsKind::Timeout
            | TlsKind::Other => false,
        }
    }
}

/// No HTTP answer came.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HttpFailure {
    /// In which way.
    pub kind: HttpKind,
    /// The library's words.
    pub words: String,
    /// How long it took until this was known.
    #[serde(with = "millis")]
    pub after: Duration,
}

/// In which way no HTTP answer came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HttpKind {
    /// No answer in time.
    Timeout,
    /// Not HTTP, endless headers, or another breach of the protocol.
    Malformed,
    /// Closed or reset before the answer was whole.
    Closed,
    /// TLS ended with the alert that asks for a client certificate: TLS 1.3 says so only now.
    ClientCertificateWanted,
}

/// The WebSocket was not opened or did not stay open.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WebSocketFailure {
    /// The handshake was answered with something other than 101.
    Refused(Box<Answer>),
    /// 101, but the answer breaks RFC 6455: missing or wrong headers.
    BadHandshake {
        /// The library's words.
        words: String,
    },
    /// The handshake was not answered in time or cut without an answer.
    NoAnswer {
        /// `timeout` or `closed`.
        kind: Ended,
        /// How long it took until this was known.
        #[serde(with = "millis")]
        after: Duration,
    },
    /// Nothing more came: no welcome, no ping.
    Silent {
        /// What was waited for.
        waited_for: Layer,
        /// How long.
        #[serde(with = "millis")]
        after: Duration,
    },
    /// Cut: closed, reset or ended while it should have stayed open.
    Cut {
        /// How it ended.
        how: Ended,
        /// The close code, where a close frame came.
        code: Option<u16>,
        /// Since the handshake.
        #[serde(with = "millis")]
        after: Duration,
        /// Since the last frame.
        #[serde(with = "millis")]
        idle: Duration,
    },
    /// `disconnect` with a reason, before or in place of the welcome: `unauthorized`, `invalid_request` …
    Disconnected {
        /// The reason that the server gave.
        reason: String,
    },
    /// Something came that is not Action Cable's.
    Foreign {
        /// The start of it, escaped.
        text: String,
    },
}

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ended {
    /// With a close frame.
    Close,
    /// By the end of the stream.
    Eof,
    /// By a reset.
    Reset,
    /// Not at all: our time limit.
    Timeout,
}
