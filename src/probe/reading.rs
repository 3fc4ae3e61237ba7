//! What probes bring back: a sample per layer, a reading where the layer stands. Answers hold an allow-list of headers
//! and bounded, escaped text: see `net`.

use super::document::Document;
use crate::failure::certificate::Certificate;
use crate::failure::{Answer, Attempt, Failure, Headers, Layer, Lookup};
use crate::millis;
use crate::subject::address::Target;
use crate::subject::dial::NameSource;
use crate::subject::logs::Found;
use serde::{Deserialize, Serialize};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

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
    /// A connection to a Unix socket of this node.
    Socket {
        /// Its path.
        path: String,
    },
    /// A CONNECT that was let through.
    Tunnel(Tunnel),
    /// A TLS channel.
    Tls(Box<Tls>),
    /// An HTTP answer, whatever its status.
    Answer(Box<Answer>),
    /// An HTTP answer to an inquiry, whatever its status.
    Document(Box<Document>),
    /// What Rails on this node says: the fields that are kept.
    Rails(Box<serde_json::Value>),
    /// What the log files of this node show.
    Logs(Box<Found>),
    /// A gRPC answer, whatever its status.
    Grpc(Box<Grpc>),
    /// A WebSocket: 101 and the right headers.
    Upgraded(Upgraded),
    /// Action Cable's `welcome`.
    Welcome,
    /// What was said on a WebSocket, and what came back.
    Message {
        /// How many bytes were said.
        sent: u32,
        /// How many bytes the message had that held them; 0: none came.
        came: u32,
    },
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
    /// What the server's first answer looks like, whatever certificate it shows: version, cipher and extensions in
    /// the order in which they came, as JA3S writes them (`771,4866,43-51`). `None`: not seen.
    #[serde(default)]
    pub server_hello: Option<String>,
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
