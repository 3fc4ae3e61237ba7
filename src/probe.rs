//! Probes and what they bring back. A probe is one attempt on the wire; it knows no meaning.
//!
//! A probe is a value: equal probes are carried out once in a run, so two checks that ask the same thing
//! share one connection. A walk is one connection through all layers of one way and delivers a `Sample`
//! per layer as each ends. Answers hold an allow-list of headers and bounded, escaped text: see `net`.

use crate::failure::certificate::Certificate;
use crate::failure::{Answer, Attempt, Failure, Headers, Layer, Lookup};
use crate::millis;
use crate::secret::Secret;
use crate::subject::address::Target;
use crate::subject::dial::NameSource;
use crate::subject::{StoreId, Via};
use serde::{Deserialize, Serialize};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// One attempt on the wire.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Probe {
    /// Resolve a name by the system's way and per record type. Delivers `Layer::Dns`.
    Resolve(Target),
    /// Connect to one address of a target, and to no other. Delivers `Layer::Tcp`.
    Connect {
        /// What the address is an address of.
        target: Target,
        /// The address.
        address: IpAddr,
    },
    /// TLS with the target's name at one address, to see whether anything there answers. Delivers `Layer::Tcp`
    /// and `Layer::Tls`; a few at a time, each within a few seconds.
    Knock(Knock),
    /// One connection through all layers of one way.
    Walk(Walk),
    /// A further request to a web server whose lower layers are already known good, over the same dial table
    /// and trust; redirects are not followed. Delivers `Layer::Http`.
    Fetch(Fetch),
}

/// TLS with a target's name at an address that need not be one of the target's.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Knock {
    /// Whose name and port are used.
    pub target: Target,
    /// Where.
    pub address: IpAddr,
    /// How TLS is spoken.
    pub tls: TlsAsk,
}

/// One connection through all layers: resolve, connect, CONNECT, handshake, then what `then` says.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Walk {
    /// What is to be reached.
    pub target: Target,
    /// Directly or through a proxy.
    pub via: Via,
    /// How TLS is spoken; `None`: plain text.
    pub tls: Option<TlsAsk>,
    /// What happens once the channel stands.
    pub then: Then,
    /// For one of several equal walks: which, and the address that all of them take.
    pub repeat: Option<Repeat>,
}

/// One of several equal walks, as a measurement of latency needs them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Repeat {
    /// From 1.
    pub nth: u8,
    /// The only address that is tried: a race between addresses would hide a slow one.
    pub address: SocketAddr,
}

/// How TLS is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TlsAsk {
    /// Whose roots count.
    pub trust: StoreId,
    /// What is offered by ALPN.
    pub alpn: Alpn,
    /// How large the `ClientHello` is.
    pub hello: Hello,
    /// How large the packets may be.
    pub packets: Packets,
    /// What a bad certificate does.
    pub on_bad_certificate: OnBadCertificate,
}

impl TlsAsk {
    /// What a careful client does: both protocols offered, a bad certificate ends the walk.
    pub fn strict(trust: StoreId) -> Self {
        Self {
            trust,
            alpn: Alpn::Both,
            hello: Hello::Small,
            packets: Packets::Any,
            on_bad_certificate: OnBadCertificate::Stop,
        }
    }

    /// What an onlooker without secrets does: a bad certificate is recorded and the walk goes on.
    pub fn lenient(trust: StoreId) -> Self {
        Self { on_bad_certificate: OnBadCertificate::Record, ..Self::strict(trust) }
    }
}

/// What is offered by ALPN.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Alpn {
    /// `h2` and `http/1.1`.
    Both,
    /// `http/1.1` alone, as a WebSocket needs.
    Http1,
    /// `h2` alone, as gRPC needs.
    Http2,
}

/// How large the `ClientHello` is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Hello {
    /// A few hundred bytes, in one packet.
    Small,
    /// As large as one with a post-quantum key share (over 1,400 bytes, so two packets).
    Large,
}

/// How large the packets may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Packets {
    /// As the path discovers.
    Any,
    /// A maximum segment of 536 bytes in both directions, which every path must carry (RFC 9293, 3.7.1).
    Small,
}

/// What a certificate that is not trusted does to a walk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnBadCertificate {
    /// The walk ends there.
    Stop,
    /// It is recorded in the reading, and the walk goes on. Never with a credential.
    Record,
}

/// What happens once the channel stands.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Then {
    /// Nothing: the walk ends with the connection, or with the handshake where TLS is asked for.
    Close,
    /// One HTTP request.
    Request(Request),
    /// A WebSocket handshake, and listening.
    Upgrade(Upgrade),
    /// A call to gRPC's health service over HTTP/2.
    Grpc(Health),
}

/// An HTTP request. `Host` is the target's, `User-Agent` ours.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// Path and query.
    pub path: String,
    /// Headers beside `Host`, `User-Agent` and `Accept`.
    pub headers: Vec<(String, String)>,
    /// A JSON body.
    pub body: Option<String>,
}

impl Request {
    /// A plain GET.
    pub fn get(path: impl Into<String>) -> Self {
        Self { method: Method::Get, path: path.into(), headers: Vec::new(), body: None }
    }
}

/// The methods that probes use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    /// GET
    Get,
    /// POST
    Post,
}

/// A WebSocket handshake for Action Cable, and how long to listen.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Upgrade {
    /// The path, the relative URL root included.
    pub path: String,
    /// The `Host` header.
    pub authority: String,
    /// The `Origin` header.
    pub origin: String,
    /// The sub-protocols offered.
    pub protocols: Vec<String>,
    /// Headers beside the handshake's own.
    pub headers: Vec<(String, String)>,
    /// A token for the `Authorization` header; never serialised.
    #[serde(skip)]
    pub credential: Option<Secret>,
    /// Until when to listen.
    pub listen: Listen,
}

/// Until when a WebSocket is listened to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Listen {
    /// Until the answer to the handshake.
    Answer,
    /// Until the first ping after the welcome, at most 7 s.
    FirstPing,
    /// As `FirstPing`, then held for so many seconds since the handshake.
    Hold(u32),
}

/// A call to `grpc.health.v1.Health`, for the server as a whole and without credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Health {
    /// `Check`: one question, one answer.
    Check,
    /// `Watch`: a first answer, and then the stream is held open for so many seconds, with a PING every 20 s.
    Watch(u32),
}

impl Health {
    /// The path that is asked.
    pub fn path(self) -> &'static str {
        match self {
            Health::Check => "/grpc.health.v1.Health/Check",
            Health::Watch(_) => "/grpc.health.v1.Health/Watch",
        }
    }
}

/// A further request to a known good web server.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Fetch {
    /// What is to be reached, directly.
    pub target: Target,
    /// How TLS is spoken; `None`: plain text.
    pub tls: Option<TlsAsk>,
    /// The request.
    pub request: Request,
}

/// What one layer of a probe brought, with its time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// Which layer.
    pub layer: Layer,
    /// When it began, since the start of the run.
    #[serde(with = "millis")]
    pub at: Duration,
    /// How long it took.
    #[serde(with = "millis")]
    pub took: Duration,
    /// What was read, or how it failed. A failure is the last sample of its probe.
    pub outcome: Outcome,
}

/// A reading or a failure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// The layer stands.
    Read(Reading),
    /// The layer failed.
    Failed(Failure),
}

/// What was read at a layer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reading {
    /// Addresses of a name.
    Resolved(Resolved),
    /// A connection.
    Connected(Connected),
    /// A CONNECT that was let through.
    Tunnel(Tunnel),
    /// A TLS channel.
    Tls(Box<Tls>),
    /// An HTTP answer, whatever its status.
    Answer(Box<Answer>),
    /// A gRPC answer, whatever its status.
    Grpc(Box<Grpc>),
    /// A WebSocket: 101 and the right headers.
    Upgraded(Upgraded),
    /// Action Cable's `welcome`.
    Welcome,
    /// A ping: how long after the welcome it came.
    Ping {
        /// Since the welcome.
        #[serde(with = "millis")]
        after: Duration,
    },
    /// A WebSocket, or a gRPC stream, held open to the end.
    Held {
        /// Frames that came meanwhile; of a gRPC stream messages and answers to our PINGs.
        frames: u32,
        /// The longest time without a frame.
        #[serde(with = "millis")]
        longest_gap: Duration,
    },
}

/// Addresses of a name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Resolved {
    /// The name.
    pub host: String,
    /// Its addresses, in the order in which they would be tried.
    pub addresses: Vec<IpAddr>,
    /// Where they come from.
    pub source: NameSource,
    /// Every question and answer.
    pub lookups: Vec<Lookup>,
}

/// A connection.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Connected {
    /// The address meant, before the dial table.
    pub address: SocketAddr,
    /// Every address tried, in order; the last one connected.
    pub attempts: Vec<Attempt>,
}

/// A CONNECT that was let through.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tunnel {
    /// The proxy.
    pub proxy: Target,
    /// 200 to 299.
    pub status: u16,
    /// The words behind the status.
    pub reason: String,
    /// The proxy's headers.
    pub headers: Headers,
}

/// A TLS channel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tls {
    /// The name that the certificate was asked for.
    pub host: String,
    /// `TLS 1.3`
    pub version: String,
    /// The cipher suite.
    pub cipher: String,
    /// What ALPN settled on: `h2`, `http/1.1`; `None`: the peer chose nothing.
    pub alpn: Option<String>,
    /// The chain as sent, leaf first.
    pub chain: Vec<Certificate>,
    /// Whether the chain, dates and name apart, ends in a public root.
    pub public: bool,
    /// Why the certificate is not trusted, where `OnBadCertificate::Record` let the walk go on.
    pub bad_certificate: Option<crate::failure::TlsKind>,
    /// Whether the server asked for a client certificate.
    pub client_certificate_asked: bool,
}

/// A gRPC answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grpc {
    /// The status of the HTTP answer that carries it: 200.
    pub http_status: u16,
    /// `grpc-status` (gRPC's `statuscodes.md`); `None`: the stream goes on.
    pub status: Option<u32>,
    /// `grpc-message`, its percent signs resolved, escaped.
    pub message: String,
    /// What the service says of itself; `None`: no message came, or none of the health service.
    pub serving: Option<Serving>,
    /// What ALPN settled on; `None`: plain text.
    pub alpn: Option<String>,
    /// The headers on the allow-list, those behind the body included.
    pub headers: Headers,
}

/// What a service says of itself (`grpc.health.v1.HealthCheckResponse.ServingStatus`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Serving {
    /// It does not know.
    Unknown,
    /// It serves.
    Serving,
    /// It does not serve now.
    NotServing,
    /// There is no such service.
    ServiceUnknown,
}

impl Serving {
    /// The word of the protocol.
    pub fn as_str(self) -> &'static str {
        match self {
            Serving::Unknown => "UNKNOWN",
            Serving::Serving => "SERVING",
            Serving::NotServing => "NOT_SERVING",
            Serving::ServiceUnknown => "SERVICE_UNKNOWN",
        }
    }
}

/// A WebSocket that was opened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Upgraded {
    /// The sub-protocol that the server chose.
    pub protocol: Option<String>,
    /// Its headers.
    pub headers: Headers,
}

impl Probe {
    /// The layer at which the probe ends if all goes well.
    pub fn last_layer(&self) -> Layer {
        match self {
            Probe::Resolve(_) => Layer::Dns,
            Probe::Connect { .. } => Layer::Tcp,
            Probe::Knock(_) => Layer::Tls,
            Probe::Fetch(_) => Layer::Http,
            Probe::Walk(walk) => match &walk.then {
                Then::Close if walk.tls.is_some() => Layer::Tls,
                Then::Close if walk.via == Via::Direct => Layer::Tcp,
                Then::Close => Layer::Proxy,
                Then::Request(_) => Layer::Http,
                Then::Grpc(Health::Check) => Layer::Grpc,
                Then::Grpc(Health::Watch(_)) => Layer::Hold,
                Then::Upgrade(upgrade) => match upgrade.listen {
                    Listen::Answer => Layer::Upgrade,
                    Listen::FirstPing => Layer::Ping,
                    Listen::Hold(_) => Layer::Hold,
                },
            },
        }
    }
}

impl Sample {
    /// What was read, if the layer stands.
    pub fn reading(&self) -> Option<&Reading> {
        match &self.outcome {
            Outcome::Read(reading) => Some(reading),
            Outcome::Failed(_) => None,
        }
    }

    /// The failure, if the layer failed.
    pub fn failure(&self) -> Option<&Failure> {
        match &self.outcome {
            Outcome::Read(_) => None,
            Outcome::Failed(failure) => Some(failure),
        }
    }
}
