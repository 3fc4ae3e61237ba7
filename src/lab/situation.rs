//! The lab as it is now: its scenario, whether it is mended, its ports and its clock. Shared by all servers.
//!
//! Decides what is broken at a moment. What a fault does is decided where it acts.

use super::fault::http::FixedAnswer;
use super::fault::{Kind, NameAnswer, On};
use super::scenario::Scenario;
use crate::subject::logs::{Found, Read, Seen, Trace};
use jiff::{SignedDuration, Timestamp};
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// The token that the lab's instance accepts.
pub(super) const GOOD_TOKEN: &str = "glpat-lab-0000000000good";

/// A name of the lab's world with its true addresses.
pub(super) struct Host {
    /// The name.
    pub(super) name: &'static str,
    /// Its addresses.
    pub(super) addresses: &'static [&'static str],
    /// Which part of the lab stands there.
    pub(super) part: On,
}

/// Every name of the lab's world.
pub(super) const HOSTS: &[Host] = &[
    Host {
        name: "cloud.gitlab.com",
        addresses: &["104.18.30.10", "104.18.31.10", "2606:4700::6812:1e0a"],
        part: On::Cloud,
    },
    Host {
        name: "customers.gitlab.com",
        addresses: &["104.18.26.123", "104.18.27.123", "2606:4700::6812:1a7b"],
        part: On::Customers,
    },
    Host { name: "duo-workflow-svc.runway.gitlab.net", addresses: &["34.74.90.64"], part: On::Workflow },
    Host { name: "gitlab.example.com", addresses: &["203.0.113.20"], part: On::Instance },
    Host { name: "ai-gateway.example.com", addresses: &["10.20.0.9"], part: On::Gateway },
    Host { name: "squid.example.com", addresses: &["10.20.0.5"], part: On::Proxy },
];

impl Host {
    /// The addresses as such.
    pub(super) fn addresses(&self) -> Vec<IpAddr> {
        self.addresses.iter().filter_map(|a| a.parse().ok()).collect()
    }
}

/// The name of a part of the lab that has one.
pub(super) fn name_of(part: On) -> &'static str {
    HOSTS.iter().find(|h| h.part == part).map_or("", |h| h.name)
}

/// Where the lab's servers really listen.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ports {
    pub(super) cloud: SocketAddr,
    pub(super) customers: SocketAddr,
    pub(super) workflow: SocketAddr,
    /// The instance's door for TLS.
    pub(super) instance: SocketAddr,
    /// The instance's door for plain text.
    pub(super) plain: SocketAddr,
    /// The node's own web server, for TLS and for plain text.
    pub(super) nginx: SocketAddr,
    pub(super) nginx_plain: SocketAddr,
    /// Workhorse.
    pub(super) workhorse: SocketAddr,
    pub(super) proxy: SocketAddr,
    /// The self-hosted gateway.
    pub(super) gateway: SocketAddr,
    pub(super) resolver: SocketAddr,
}

/// What all servers of a lab look at.
#[derive(Debug)]
pub(super) struct Situation {
    pub(super) scenario: Scenario,
    pub(super) ports: Ports,
    mended: AtomicBool,
    began_at: Timestamp,
    began: Instant,
    requests: AtomicU64,
}

impl Situation {
    pub(super) fn new(scenario: Scenario, ports: &Ports, now: Timestamp) -> Self {
        Self {
            scenario,
            ports: *ports,
            mended: AtomicBool::new(false),
            began_at: now,
            began: Instant::now(),
            requests: AtomicU64::new(0),
        }
    }

    pub(super) fn is_mended(&self) -> bool {
        self.mended.load(Ordering::Acquire)
    }

    pub(super) fn set_mended(&self, mended: bool) {
        self.mended.store(mended, Ordering::Release);
    }

    /// What is broken at a part of the lab now.
    pub(super) fn faults(&self, part: On) -> impl Iterator<Item = &Kind> {
        let mended = self.is_mended();
        (self.scenario.faults.iter()).filter(move |f| !mended && f.on.covers(part)).map(|f| &f.kind)
    }

    /// The fixed answer that a part gives to a request for `target` now.
    pub(super) fn fixed_answer(&self, part: On, target: &str) -> Option<&FixedAnswer> {
        self.faults(part).find_map(|kind| {
            let Kind::Answer(answer) = kind else { return None };
            answer.answers(target).then_some(answer)
        })
    }

    /// What the resolver answers for a name now; `None`: the truth.
    pub(super) fn name_answer(&self, name: &str) -> Option<&NameAnswer> {
        self.faults(On::Resolver).find_map(|kind| {
            let Kind::Name { names, answer } = kind else { return None };
            names.iter().any(|n| n == name).then_some(answer)
        })
    }

    /// What the node's logs show now: they were read, and have what the scenario says.
    pub(super) fn logs(&self) -> Found {
        let at = self.now().as_second();
        let seen = |(trace, file, count): &(Trace, String, u32)| Seen {
            trace: *trace,
            file: file.clone(),
            count: *count,
            first: at - 7200,
            last: at - 240,
            hosts: vec!["cloud.gitlab.com".to_owned()],
            sample: String::new(),
        };
        let read = ["gitlab-rails/exceptions_json.log", "sidekiq/current", "gitlab-workhorse/current"];
        let read =
            read.map(|name| Read { path: format!("/var/log/gitlab/{name}"), bytes: 1 << 20, whole: true });
        let seen = self.scenario.logs.iter().filter(|_| !self.is_mended()).map(seen).collect();
        Found { seen, read: read.into(), unread: Vec::new() }
    }

    /// Whether the instance is spoken to in plain text now.
    pub(super) fn is_plain(&self) -> bool {
        self.faults(On::Instance).any(|kind| *kind == Kind::PlainHttp)
    }

    /// The true time, by the clock that the lab was started with.
    pub(super) fn now(&self) -> Timestamp {
        let passed = SignedDuration::try_from(self.began.elapsed()).unwrap_or_default();
        self.began_at.checked_add(passed).unwrap_or(self.began_at)
    }

    /// The true time as a `Date` header.
    pub(super) fn date(&self) -> String {
        jiff::fmt::rfc2822::DateTimePrinter::new()
            .timestamp_to_rfc9110_string(&self.now())
            .unwrap_or_default()
    }

    /// An identifier of the shape that GitLab gives its requests.
    pub(super) fn request_id(&self) -> String {
        format!("01KAN7D3W0LABLABLAB{:07X}", self.requests.fetch_add(1, Ordering::Relaxed))
    }
}

/// The time after which anything in the lab ends by itself, so that nothing is held for ever.
pub(super) const LONGEST: Duration = Duration::from_mins(10);
