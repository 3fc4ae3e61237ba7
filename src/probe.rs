//! Probes: one attempt on the wire each; a probe knows no meaning. What they bring back: `reading`.
//!
//! A probe is a value: equal probes are carried out once in a run, so two checks that ask the same thing
//! share one connection. A walk is one connection through all layers of one way and delivers a `Sample`
//! per layer as each ends.

pub mod document;
mod reading;

pub use reading::{Connected, Grpc, Outcome, Reading, Resolved, Sample, Serving, Tls, Tunnel, Upgraded};

use crate::failure::Layer;
use crate::secret::Secret;
use crate::subject::address::Target;
use crate::subject::doors::Aim;
use crate::subject::logs::Scan;
use crate::subject::{StoreId, Via};
use document::Inquiry;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

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
    /// What Rails on this node knows, by one read-only call of `gitlab-rails runner`. Delivers `Layer::Node`.
    Rails,
    /// What the log files of this node show. Delivers `Layer::Node`.
    Logs(Scan),
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
    /// Where the connection is made; only `Name` goes with a proxy.
    pub aim: Aim,
    /// Which of several equal walks this is, from 1: a measurement of latency needs more than one.
    pub nth: u8,
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
    /// Who we say that we are.
    pub identity: WhoWeAre,
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
            identity: WhoWeAre::Anybody,
        }
    }

    /// What an onlooker without secrets does: a bad certificate is recorded and the walk goes on.
    pub fn lenient(trust: StoreId) -> Self {
        Self { on_bad_certificate: OnBadCertificate::Record, ..Self::strict(trust) }
    }
}

/// Who we say that we are to a server that asks for a client certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WhoWeAre {
    /// Nobody in particular: no certificate is sent.
    Anybody,
    /// The holder of the certificate that was given for the instance's doors, where one was.
    GivenIdentity,
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
    /// A line that is no HTTP: the first server that reads it answers in its own words, whatever stands behind it.
    Nonsense,
    /// An HTTP request for a JSON document, of which named fields are kept.
    Inquire(Inquiry),
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
    /// What is sent with it.
    pub content: Content,
    /// A token for the `Authorization` header; never serialised, and sent only over verified TLS or to this node.
    #[serde(skip)]
    pub credential: Option<Secret>,
}

/// The body of a request, always JSON.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Content {
    /// None.
    Nothing,
    /// This text.
    Json(String),
    /// So many bytes of JSON that says nothing, at least 16.
    Filler(u32),
}

impl Request {
    /// A plain GET.
    pub fn get(path: impl Into<String>) -> Self {
        Self {
            method: Method::Get,
            path: path.into(),
            headers: Vec::new(),
            content: Content::Nothing,
            credential: None,
        }
    }

    /// A POST of JSON.
    pub fn post(path: impl Into<String>, content: Content) -> Self {
        Self { method: Method::Post, content, ..Self::get(path) }
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

/// A WebSocket handshake, and how long to listen.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Upgrade {
    /// The path, the relative URL root included.
    pub path: String,
    /// The `Host` header.
    pub authority: String,
    /// The `Origin` header; empty: none is sent.
    pub origin: String,
    /// The sub-protocols offered.
    pub protocols: Vec<String>,
    /// Headers beside the handshake's own.
    pub headers: Vec<(String, String)>,
    /// A token for the `Authorization` header; never serialised.
    #[serde(skip)]
    pub credential: Option<Secret>,
    /// A subscription that is asked for behind the welcome: Action Cable says its identifier back, whether it takes it
    /// or not. `None`: nothing is said.
    pub message: Option<Subscription>,
    /// By which HTTP the handshake is made: version 2 by RFC 8441.
    pub version: Version,
    /// Until when to listen.
    pub listen: Listen,
}

/// A subscription of Action Cable that names no stream, with an identifier as long as it is to be.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Subscription {
    /// The class of the channel: `GraphqlChannel`.
    pub channel: String,
    /// The length of the padding in its identifier, in bytes.
    pub padding: u32,
}

/// By which HTTP a handshake is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Version {
    /// HTTP/1.1: `Upgrade`.
    Http1,
    /// HTTP/2: an extended CONNECT (RFC 8441), where the server says that it takes one.
    Http2,
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
    /// Held for so many seconds since the handshake, whatever is said on it: no Action Cable is expected.
    Open(u32),
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

impl Probe {
    /// The walk, where it is one.
    pub fn walk(&self) -> Option<&Walk> {
        match self {
            Probe::Walk(walk) => Some(walk),
            Probe::Resolve(_)
            | Probe::Connect { .. }
            | Probe::Knock(_)
            | Probe::Fetch(_)
            | Probe::Rails
            | Probe::Logs(_) => None,
        }
    }

    /// The WebSocket handshake of a walk that makes one.
    pub fn upgrade(&self) -> Option<&Upgrade> {
        match &self.walk()?.then {
            Then::Upgrade(upgrade) => Some(upgrade),
            Then::Close | Then::Request(_) | Then::Inquire(_) | Then::Nonsense | Then::Grpc(_) => None,
        }
    }

    /// The layer at which the probe ends if all goes well.
    pub fn last_layer(&self) -> Layer {
        match self {
            Probe::Resolve(_) => Layer::Dns,
            Probe::Connect { .. } => Layer::Tcp,
            Probe::Knock(_) => Layer::Tls,
            Probe::Fetch(_) => Layer::Http,
            Probe::Rails | Probe::Logs(_) => Layer::Node,
            Probe::Walk(walk) => match &walk.then {
                Then::Close if walk.tls.is_some() => Layer::Tls,
                Then::Close if walk.via == Via::Direct => Layer::Tcp,
                Then::Close => Layer::Proxy,
                Then::Request(_) | Then::Inquire(_) | Then::Nonsense => Layer::Http,
                Then::Grpc(Health::Check) => Layer::Grpc,
                Then::Grpc(Health::Watch(_)) => Layer::Hold,
                Then::Upgrade(upgrade) => match upgrade.listen {
                    Listen::Answer => Layer::Upgrade,
                    Listen::FirstPing => Layer::Ping,
                    Listen::Hold(_) | Listen::Open(_) => Layer::Hold,
                },
            },
        }
    }
}
