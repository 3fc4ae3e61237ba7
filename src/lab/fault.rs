//! Faults as data: what a scenario's file may break, by place and kind.
//!
//! A fault describes what happens on the wire, never what should be found. A new situation is a new file under
//! `assets/scenarios/` wherever these kinds can say it.

use serde::Deserialize;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// One thing that is broken.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Fault {
    /// Where.
    pub on: On,
    /// What.
    #[serde(flatten)]
    pub kind: Kind,
}

/// Where a fault sits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum On {
    /// `cloud.gitlab.com`
    Cloud,
    /// `customers.gitlab.com`
    Customers,
    /// Both of GitLab's hosts.
    Both,
    /// The instance's public door.
    Instance,
    /// The forward proxy.
    Proxy,
    /// The node under examination.
    Node,
    /// The node's resolver.
    Resolver,
}

impl On {
    /// Whether a fault here touches `part`.
    pub fn covers(self, part: On) -> bool {
        self == part || (self == On::Both && matches!(part, On::Cloud | On::Customers))
    }
}

/// What is broken.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(tag = "fault", rename_all = "kebab-case")]
pub enum Kind {
    /// The node shows no sign of GitLab.
    NoGitlab,
    /// The node's clock is off by so many seconds; negative: behind.
    Clock {
        /// Added to the true time.
        seconds: i64,
    },
    /// A line in the node's hosts file.
    HostsEntry {
        /// The name in it.
        name: String,
        /// The address before it.
        address: IpAddr,
    },
    /// The instance's URL begins with `http://`, and its door speaks plain text on port 80.
    PlainHttp,
    /// The resolver answers for these names in another way.
    Name {
        /// Which names.
        names: Vec<String>,
        /// What it answers.
        answer: NameAnswer,
    },
    /// Connections do not come about.
    Connect {
        /// How they end.
        how: ConnectEnd,
        /// Only to addresses of this family; both if not said.
        family: Option<Family>,
    },
    /// After the first answer the server's queue runs full for a moment: of five connections that knock at once,
    /// two lose their SYN and have it sent again after a second.
    Overrun,
    /// The server shows another certificate.
    Certificate(CertificateChange),
    /// TLS begins and does not come about, or not as it should.
    Handshake {
        /// What happens instead.
        how: HandshakeEnd,
    },
    /// The server demands a client certificate.
    ClientCertificate,
    /// The server offers these protocols by ALPN and no others.
    Alpn {
        /// Their names, best first.
        offer: Vec<String>,
    },
    /// Requests are answered so.
    Answer(FixedAnswer),
    /// Requests get no proper answer at all.
    Exchange {
        /// What happens instead.
        how: ExchangeEnd,
    },
    /// What stands before the instance treats requests so.
    FrontEnd(FrontEnd),
    /// The WebSocket is opened and does not go on as it should.
    Cable {
        /// What happens behind the 101.
        how: CableEnd,
    },
}

/// What a resolver answers.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NameAnswer {
    /// The name does not exist.
    Nxdomain,
    /// The name exists and has no address.
    Nodata,
    /// SERVFAIL.
    Servfail,
    /// REFUSED.
    Refused,
    /// Nothing.
    Silent,
    /// The truth, after so many milliseconds.
    Late(u64),
    /// These addresses; connections to them lead to the named host nevertheless.
    Addresses(Vec<IpAddr>),
}

/// How connections end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConnectEnd {
    /// A closed port.
    Refused,
    /// No route.
    Unreachable,
    /// Packets vanish.
    Swallowed,
    /// Accepted and reset before anything was read.
    Reset,
}

/// An address family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Family {
    /// Version 4.
    Ipv4,
    /// Version 6.
    Ipv6,
}

/// How a certificate differs from the sound one. Days count from the start of the lab.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct CertificateChange {
    /// The day on which it begins.
    pub from: Option<i64>,
    /// The day on which it ends.
    pub until: Option<i64>,
    /// The names that it is for.
    pub names: Option<Vec<String>>,
    /// Who signed it.
    #[serde(default)]
    pub by: Signer,
    /// What is sent.
    #[serde(default)]
    pub sent: Sent,
}

/// Who signs a certificate.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Signer {
    /// The authority that signs it when all is well.
    #[default]
    Usual,
    /// Itself, as a plain end-entity certificate.
    Itself,
    /// Itself, marked as an authority, as `openssl req -x509` makes it.
    ItselfAsAuthority,
    /// Another authority.
    Authority(AuthorityNames),
}

/// An authority of the lab: a root, an intermediate, and who knows the root.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct AuthorityNames {
    /// The organisation of both.
    pub organization: String,
    /// The root's common name.
    pub root: String,
    /// The intermediate's common name.
    pub intermediate: String,
    /// Whether the node's store has the root.
    #[serde(default)]
    pub in_store: bool,
    /// Whether the root counts as public.
    #[serde(default)]
    pub public: bool,
}

/// What of a chain is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sent {
    /// Leaf and intermediate.
    #[default]
    Chain,
    /// The leaf alone.
    Leaf,
}

/// What happens in place of a handshake.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HandshakeEnd {
    /// Nothing comes back.
    Silent,
    /// Nothing comes back to a `ClientHello` of more than so many bytes.
    SilentOver(usize),
    /// Nothing comes back unless the maximum segment is at most so many bytes.
    SilentAboveSegment(u32),
    /// A reset after the `ClientHello`.
    Reset,
    /// The end of the stream after the `ClientHello`.
    Closed,
    /// A fatal alert with this description (RFC 8446, 6).
    Alert(u8),
    /// This text at once, as SSH does.
    Greets(String),
    /// This text after the `ClientHello`, as a plain web server does.
    Answers(String),
    /// The handshake, after so many milliseconds.
    Late(u64),
}

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

/// What stands before the instance, and how it passes requests on.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct FrontEnd {
    /// Its `server` header.
    pub server: String,
    /// What becomes of `Upgrade` and `Connection`.
    #[serde(default)]
    pub upgrade: PassedOn,
    /// Whether answers to a WebSocket handshake come through without the front end's `server` header, as those of
    /// Apache's tunnel do.
    #[serde(default)]
    pub tunnels: bool,
    /// The `X-Forwarded-Proto` that the backend sees, if it is not the true one.
    pub proto: Option<String>,
    /// The `Host` that the backend sees, if it is not the one asked for.
    pub host: Option<String>,
    /// Who answers a cable request without `Upgrade`.
    #[serde(default)]
    pub backend: Backend,
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
    /// Action Cable itself: 404 `Page not found`.
    ActionCable,
}

/// What happens behind the 101.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CableEnd {
    /// Nothing.
    Silent,
    /// The end of the stream.
    Closed,
    /// Frames are held back and come in a lump, every so many seconds.
    HeldBack(u64),
    /// The stream ends without a close frame, so many seconds after the welcome.
    CutAfter(u64),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_read_as_they_are_written() {
        for (text, kind) in [
            (r#"{"on":"both","fault":"connect","how":"refused"}"#, "Connect { how: Refused, family: None }"),
            (r#"{"on":"cloud","fault":"handshake","how":{"alert":70}}"#, "Handshake { how: Alert(70) }"),
            (r#"{"on":"node","fault":"clock","seconds":-9,"note":"free"}"#, "Clock { seconds: -9 }"),
            (r#"{"on":"instance","fault":"cable","how":{"cut-after":2}}"#, "Cable { how: CutAfter(2) }"),
        ] {
            let fault: Fault = serde_json::from_str(text).expect(text);
            assert_eq!(format!("{:?}", fault.kind), kind);
        }
        assert!(serde_json::from_str::<Fault>(r#"{"on":"moon","fault":"no-gitlab"}"#).is_err());
    }

    #[test]
    fn a_fault_on_both_touches_each_of_gitlabs_hosts_and_nothing_else() {
        assert!(On::Both.covers(On::Cloud) && On::Both.covers(On::Customers));
        assert!(!On::Both.covers(On::Instance) && !On::Cloud.covers(On::Customers));
    }
}
