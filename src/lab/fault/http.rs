//! Faults behind TLS: fixed answers, broken exchanges, front ends, the cable.

use serde::Deserialize;
use std::collections::BTreeMap;

/// What happens in place of an answer.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ExchangeEnd {
    /// Nothing.
    Silent,
    /// The end of the stream.
    Closed,
    /// This text.
    Says(String),
    /// A status line and then headers without an end.
    EndlessHeaders,
}

/// An answer that does not depend on the request.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FixedAnswer {
    /// Requests whose path (for CONNECT: whose target) begins with one of these; empty: all.
    #[serde(rename = "for", default)]
    pub targets: Vec<String>,
    /// The status.
    pub status: u16,
    /// Headers beside `date`.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Headers that this answerer always sends.
    #[serde(default)]
    pub marks: Marks,
    /// The body.
    #[serde(default)]
    pub body: String,
}

impl FixedAnswer {
    /// Whether this answers a request for `target`.
    pub fn answers(&self, target: &str) -> bool {
        self.targets.is_empty() || self.targets.iter().any(|t| target.starts_with(t.as_str()))
    }
}

/// Whose headers an answer carries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Marks {
    /// Nobody's.
    #[default]
    None,
    /// Cloudflare's: `server` and `cf-ray`.
    Cloudflare,
    /// Cloudflare's and those of GitLab's service behind it: `x-request-id`.
    Service,
}

/// A hop on the way in, and how it passes requests on: what stands before the node's web server, or that itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FrontEnd {
    /// Its `server` header; empty: it adds none, and that of the hop behind it stays.
    pub server: String,
    /// Which answers carry it.
    #[serde(default)]
    pub signs: Signs,
    /// Headers beside that which it puts on every answer.
    #[serde(default)]
    pub adds: BTreeMap<String, String>,
    /// What it answers to a line that is no HTTP, word for word; not said: 400 with its `server` header and a page
    /// that names it. Empty: it ends the connection.
    #[serde(default)]
    pub nonsense: Option<String>,
    /// What becomes of `Upgrade` and `Connection`.
    #[serde(default)]
    pub upgrade: PassedOn,
    /// Only sockets whose path begins so lose it; empty: all.
    #[serde(default)]
    pub paths: Vec<String>,
    /// Whether answers to a WebSocket handshake come through without the hop's `server` header, as those of
    /// Apache's tunnel do.
    #[serde(default)]
    pub tunnels: bool,
    /// The `X-Forwarded-Proto` that the backend sees, if it is not the true one; `as-told`: whatever the client says.
    pub proto: Option<String>,
    /// The `Host` that the backend sees, if it is not the one asked for.
    pub host: Option<String>,
    /// The sub-protocols that it lets through; all if not said.
    pub protocols: Option<Vec<String>>,
    /// Who answers a cable request without `Upgrade`.
    #[serde(default)]
    pub backend: Backend,
}

/// Which answers carry a hop's `server` header.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Signs {
    /// All of them, in place of that of the hop behind, as NGINX does it.
    #[default]
    All,
    /// Those that come without one, and its own: Apache keeps what the server behind it says.
    Unsigned,
    /// Those that it makes itself, as balancers do it.
    Own,
    /// All of them, beside that of the hop behind: two `server` headers.
    Beside,
}

/// What becomes of a header on its way through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PassedOn {
    /// It is passed on.
    #[default]
    Kept,
    /// It is dropped, as the hop-by-hop header that it is.
    Dropped,
}

/// Who answers a cable request without `Upgrade`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Backend {
    /// Workhorse since GitLab 18.9: 400 `websocket upgrade required`.
    #[default]
    Workhorse,
    /// Workhorse before: 500.
    OldWorkhorse,
    /// Action Cable itself: 404 `Page not found`.
    ActionCable,
}

/// What happens behind the 101 of Action Cable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CableEnd {
    /// Nothing.
    Silent,
    /// The end of the stream.
    Closed,
    /// The credential is not accepted, whatever the API says to it.
    Unauthorized,
    /// Frames are held back and come in a lump, every so many milliseconds.
    HeldBack(u64),
    /// The stream ends without a close frame, so many seconds after the welcome.
    CutAfter(u64),
    /// A message of more than so many bytes ends the stream.
    CutOver(usize),
    /// A message of more than so many bytes gets no answer.
    DeafOver(usize),
}

/// What happens behind the 101 of the Agent Platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AgentEnd {
    /// The end of the stream at once, as where Workhorse does not reach the workflow service.
    Closed,
    /// A close frame with this code at once.
    ClosedWith(u16),
    /// The end of the stream, after so many seconds.
    CutAfter(u64),
}
