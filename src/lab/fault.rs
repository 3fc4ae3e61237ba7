//! Faults as data: what a scenario's file may break, by place and kind.
//!
//! A fault describes what happens on the wire, never what should be found. A new situation is a new file under
//! `assets/scenarios/` wherever these kinds can say it.

pub mod gitlab;
pub mod grpc;
pub mod http;
pub mod node;
pub mod tls;

use gitlab::GitlabChange;
use grpc::GrpcEnd;
use http::{AgentEnd, CableEnd, ExchangeEnd, FixedAnswer, FrontEnd};
use ipnet::IpNet;
use node::NodeChange;
use serde::Deserialize;
use std::net::IpAddr;
use tls::{CertificateChange, HandshakeEnd};

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
    /// `duo-workflow-svc.runway.gitlab.net`, which does not stand behind Cloudflare.
    Workflow,
    /// Both of GitLab's hosts behind Cloudflare.
    Both,
    /// The instance's public door, and what stands before the node's own web server.
    Instance,
    /// The web server on the node.
    Nginx,
    /// Workhorse.
    Workhorse,
    /// Puma, with Rails in it.
    Puma,
    /// The forward proxy.
    Proxy,
    /// A self-hosted AI gateway.
    Gateway,
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
    /// The node's files or processes say something else.
    Node(Box<NodeChange>),
    /// GitLab knows, or says, something else.
    Gitlab(Box<GitlabChange>),
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
        /// Only on this way; on every one if not said.
        way: Option<WayOut>,
    },
    /// Connections to addresses of these of Cloudflare's ranges end so, the services' own apart.
    Ranges {
        /// Which ranges.
        ranges: Vec<IpNet>,
        /// How connections to them end; a reset as if refused.
        how: ConnectEnd,
    },
    /// After an answer the server's queue runs full for a moment: of several connections that knock at once, all
    /// but one or two lose their SYN and have it sent again after a second.
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
    /// A hop on the way to the service drops a header of every request, or writes something else into it.
    Header {
        /// Which header.
        name: String,
        /// What it becomes; dropped if not said.
        becomes: Option<String>,
    },
    /// The gateway has no keys to check a token with.
    NoKeys,
    /// Requests are answered so.
    Answer(FixedAnswer),
    /// Requests get no proper answer at all.
    Exchange {
        /// What happens instead.
        how: ExchangeEnd,
    },
    /// Requests are taken in and never answered.
    Unanswered {
        /// Those whose path begins with one of these; empty: all.
        #[serde(rename = "for", default)]
        targets: Vec<String>,
    },
    /// What stands before the instance treats requests so.
    FrontEnd(FrontEnd),
    /// The workflow service's HTTP/2 stands, and gRPC is not answered as it should be.
    Grpc {
        /// What happens instead.
        how: GrpcEnd,
    },
    /// The WebSocket of Action Cable is opened and does not go on as it should.
    Cable {
        /// What happens behind the 101.
        how: CableEnd,
    },
    /// The WebSocket of the Agent Platform is opened and does not go on as it should.
    Agent {
        /// What happens behind the 101.
        how: AgentEnd,
    },
    /// Bodies of more than so many bytes are refused.
    BodyLimit {
        /// How many are taken.
        bytes: u64,
        /// The status of the refusal; 413 if not said.
        status: Option<u16>,
    },
    /// Streamed answers are collected and passed on in one piece.
    Collects,
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

/// A way out of the node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WayOut {
    /// Straight from the node, not through its proxy.
    Direct,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_read_as_they_are_written() {
        for (text, kind) in [
            (
                r#"{"on":"both","fault":"connect","how":"refused"}"#,
                "Connect { how: Refused, family: None, way: None }",
            ),
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
