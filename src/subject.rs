//! What is examined: instance, endpoints, node, routes, options. Plain data, made before a run and fixed in it.
//!
//! `None` always means "could not be read", never "no".

pub mod address;
pub mod dial;
pub mod place;

use crate::secret::Secret;
use address::{InstanceUrl, ProxyUrl, Target};
use dial::Dial;
use ipnet::IpNet;
use jiff::Timestamp;
use place::{Endpoint, Place, Stack};
use serde::{Deserialize, Serialize};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// Everything that a run needs to know before it starts.
#[derive(Clone, Debug)]
pub struct Subject {
    /// The instance; `None`: none given and none found.
    pub instance: Option<InstanceUrl>,
    /// What this node is.
    pub node: Node,
    /// The ways out, one entry for each endpoint and set of stacks that would connect alike.
    pub routes: Vec<Route>,
    /// Where connections really go.
    pub dial: Dial,
    /// The roots that ways trust; `StoreId` points in here.
    pub stores: Vec<Store>,
    /// The roots that count as public: what a chain of GitLab's own hosts must end in.
    pub public_roots: PublicRoots,
    /// A personal access token, if one was given.
    pub token: Option<Secret>,
    /// The node's clock when the run began: what certificates and `Date` headers are held against.
    pub started_at: Timestamp,
    /// Time limits and consent.
    pub limits: Limits,
    /// Cloudflare's published ranges.
    pub cloudflare: Cloudflare,
    /// The title of the lab's scenario, where the lab supplies this subject.
    pub demo: Option<String>,
}

impl Subject {
    /// The host and port that an endpoint is reached at; `None` for the instance where none is known.
    pub fn target(&self, endpoint: Endpoint) -> Option<Target> {
        match endpoint {
            Endpoint::Customers => Some(Target::new("customers.gitlab.com", 443)),
            Endpoint::Cloud => Some(Target::new("cloud.gitlab.com", 443)),
            Endpoint::Workflow => Some(Target::new("duo-workflow-svc.runway.gitlab.net", 443)),
            Endpoint::Gateway => None,
            Endpoint::Instance => self.instance.as_ref().map(|i| i.target.clone()),
        }
    }

    /// The route of a place, for a place that is a way.
    pub fn route(&self, place: Place) -> Option<&Route> {
        let Place::Way(endpoint, stack) = place else { return None };
        self.routes.iter().find(|r| r.endpoint == endpoint && r.stacks.contains(&stack))
    }

    /// All routes to an endpoint.
    pub fn routes_to(&self, endpoint: Endpoint) -> impl Iterator<Item = &Route> {
        self.routes.iter().filter(move |r| r.endpoint == endpoint)
    }
}

/// A way out: who goes, whereto, through what, trusting whom, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// `r1`, `r2`, …
    pub id: String,
    /// The stacks that connect in this very way, the one that names the place first.
    pub stacks: Vec<Stack>,
    /// Where it leads.
    pub endpoint: Endpoint,
    /// Directly or through a proxy.
    pub via: Via,
    /// Whose roots it trusts.
    pub trust: StoreId,
    /// What decided: the variable or option, and the rule that matched.
    pub source: String,
}

impl Route {
    /// The place at which this route's checks run.
    pub fn place(&self) -> Place {
        Place::Way(self.endpoint, self.stacks.first().copied().unwrap_or(Stack::Shell))
    }
}

/// How a connection leaves the node.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Via {
    /// Straight to the target.
    Direct,
    /// By CONNECT through a proxy.
    Proxy(ProxyUrl),
}

/// An index into `Subject::stores`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct StoreId(pub usize);

/// A set of trusted roots.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Store {
    /// What people call it: `the system's store`.
    pub label: String,
    /// Its roots in DER form.
    pub roots: Vec<Vec<u8>>,
}

/// Which roots count as public.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PublicRoots {
    /// Mozilla's list, as compiled in.
    Mozilla,
    /// These, in DER form: the lab's stand-in for a public authority.
    Given(Vec<Vec<u8>>),
}

/// Facts about this node.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    /// Its name.
    pub hostname: Option<String>,
    /// How GitLab is installed here; `None`: no sign of GitLab was found.
    pub install: Option<Install>,
    /// What runs here, as far as known: `rails`, `sidekiq`.
    pub roles: Vec<String>,
    /// `18.9.1`
    pub gitlab_version: Option<String>,
    /// `ee` or `ce`
    pub edition: Option<String>,
    /// Entries of the hosts file.
    pub hosts: Vec<HostsEntry>,
    /// Resolvers that `resolv.conf` names.
    pub nameservers: Vec<SocketAddr>,
}

impl Node {
    /// The addresses that the hosts file gives a name.
    pub fn hosts_for(&self, host: &str) -> Vec<IpAddr> {
        self.hosts.iter().filter(|e| e.names.iter().any(|n| n == host)).map(|e| e.address).collect()
    }
}

/// How GitLab came onto this node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Install {
    /// The Linux package.
    Omnibus,
    /// The Linux package inside its Docker image.
    Docker,
    /// A pod of the Helm chart.
    Helm,
    /// From source.
    Source,
}

/// A line of the hosts file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostsEntry {
    /// The address at its start.
    pub address: IpAddr,
    /// The names behind it, lower case.
    pub names: Vec<String>,
}

/// What is examined, as reports say it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct About {
    /// The version of the program that made the run.
    pub version: String,
    /// The date of the embedded data.
    pub data_date: String,
    /// The instance's URL.
    pub instance: Option<String>,
    /// When the run began.
    pub started_at: Timestamp,
    /// The node.
    pub node: Node,
    /// The ways out.
    pub routes: Vec<Route>,
    /// The title of the lab's scenario.
    pub demo: Option<String>,
    /// The limit of the whole run.
    #[serde(with = "crate::millis")]
    pub deadline: Duration,
}

/// Time limits of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// For one step of a connection. Default 10 s.
    pub timeout: Duration,
    /// For the whole run. Default 30 s, grown by `hold`.
    pub deadline: Duration,
    /// How long a WebSocket is held open; `None`: until the first ping after the welcome, at most 7 s.
    pub hold: Option<Duration>,
}

impl Limits {
    /// The limits of the contract, section 2.
    pub const DEFAULT: Limits =
        Limits { timeout: Duration::from_secs(10), deadline: Duration::from_secs(30), hold: None };

    /// How long to wait for the first ping: Action Cable sends one every 3 s, so two may be missed.
    pub const FIRST_PING: Duration = Duration::from_secs(7);
}

/// Cloudflare's published ranges, with where and when they were taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cloudflare {
    /// Where the list is published.
    pub source: String,
    /// The day it was compared, `2026-09-30`.
    pub date: String,
    /// The networks.
    pub ranges: Vec<IpNet>,
}

impl Cloudflare {
    /// The list that this program carries.
    ///
    /// # Panics
    /// Never: the embedded file is read by a test.
    pub fn embedded() -> Self {
        serde_json::from_str(include_str!("../assets/cloudflare-ranges.json"))
            .expect("the embedded list of ranges is valid JSON")
    }

    /// Whether an address is Cloudflare's.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.ranges.iter().any(|r| r.contains(&address))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_ranges_hold_cloudflares_addresses_and_no_others() {
        let cloudflare = Cloudflare::embedded();
        let is = |text: &str| cloudflare.contains(text.parse().expect("an address"));
        assert!(is("104.18.26.123") && is("2606:4700::6812:1a7b"));
        assert!(!is("100.64.0.9") && !is("10.0.0.1") && !is("2001:db8::1"));
    }
}
