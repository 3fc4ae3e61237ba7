//! What is examined: instance, endpoints, node, routes, options. Plain data, made before a run and fixed in it.
//!
//! `None` always means "could not be read", never "no".

pub mod address;
pub mod dial;
pub mod doors;
pub mod environment;
pub mod facts;
pub mod limits;
pub mod logs;
pub mod place;
pub mod ranges;
pub mod runner;
pub mod services;
pub mod source;

use crate::secret::Secret;
use crate::text;
use address::{BaseUrl, ProxyUrl, Target};
use dial::Dial;
use doors::{DoorAbout, Doors};
use facts::Facts;
use ipnet::IpNet;
use jiff::Timestamp;
use limits::Limits;
use place::{Endpoint, Place, Stack};
use serde::{Deserialize, Serialize};
use services::{Deployment, Requirement, Services};
use source::Source;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// Everything that a run needs to know before it starts. By default: a machine that nothing is known of.
#[derive(Clone, Debug, Default)]
pub struct Subject {
    /// The instance; `None`: none given and none found.
    pub instance: Option<BaseUrl>,
    /// What this node is.
    pub node: Node,
    /// What its files and processes say of how its components go out.
    pub facts: Facts,
    /// Which services Duo needs here, as far as known.
    pub deployment: Deployment,
    /// Where the services are.
    pub services: Services,
    /// Whether the Agent Platform is used here; `None`: not known.
    pub agent_platform: Option<bool>,
    /// The ways out, one entry for each endpoint and set of stacks that would connect alike.
    pub routes: Vec<Route>,
    /// Whether the shell's ways are examined, or stand for comparison.
    pub shell: Shell,
    /// The ways in, outermost first.
    pub doors: Doors,
    /// Where connections really go.
    pub dial: Dial,
    /// The roots that ways trust; `StoreId` points in here.
    pub stores: Vec<Store>,
    /// The roots that count as public: what a chain of GitLab's own hosts must end in.
    pub public_roots: PublicRoots,
    /// A personal access token, if one was given.
    pub token: Option<Secret>,
    /// A client certificate for the instance's doors, if one was given.
    pub identity: Option<Identity>,
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
    /// The host and port that an endpoint is reached at; `None` for a service or instance that is not known.
    pub fn target(&self, endpoint: Endpoint) -> Option<Target> {
        match endpoint {
            Endpoint::Instance => self.instance.as_ref().map(|i| i.target.clone()),
            Endpoint::Customers | Endpoint::Cloud | Endpoint::Workflow | Endpoint::Gateway => {
                self.services.base(endpoint).map(|base| base.target.clone())
            }
        }
    }

    /// The route of a place, for a place that is a way.
    pub fn route(&self, place: Place) -> Option<&Route> {
        let Place::Way(endpoint, stack) = place else { return None };
        self.routes.iter().find(|r| r.endpoint == endpoint && r.stacks.contains(&stack))
    }

    /// All routes that components of GitLab take to an endpoint, or the shell's where there are none.
    pub fn routes_to(&self, endpoint: Endpoint) -> impl Iterator<Item = &Route> {
        self.examined().filter(move |r| r.endpoint == endpoint)
    }

    /// The routes that are examined: beside GitLab the shell's only where it was asked for.
    pub fn examined(&self) -> impl Iterator<Item = &Route> {
        self.routes.iter().filter(|r| self.shell == Shell::Examined || r.stacks != [Stack::Shell])
    }

    /// Says in every route whom it trusts.
    pub fn put_trust(&mut self) {
        for route in &mut self.routes {
            if let Some(store) = self.stores.get(route.trust.0) {
                route.trusts = store.to_string();
            }
        }
    }

    /// The roots that a client on this machine trusts: those of the shell, which stand first.
    pub const SHELL_STORE: StoreId = StoreId(0);

    /// Whether GitLab has a version of at least `major.minor`; `None`: its version is not known.
    pub fn is_at_least(&self, major: u32, minor: u32) -> Option<bool> {
        let mut parts = self.node.gitlab_version.as_deref()?.split('.').map(str::parse::<u32>);
        let (has_major, has_minor) = (parts.next()?.ok()?, parts.next()?.ok()?);
        Some((has_major, has_minor) >= (major, minor))
    }

    /// Whether this machine is a client of the instance: no GitLab is here, and one is named.
    pub fn is_client(&self) -> bool {
        self.node.install.is_none() && self.instance.is_some()
    }

    /// How far a failure on the way to an endpoint matters (`field-notes` 10, 22, 28).
    pub fn requirement(&self, endpoint: Endpoint) -> Requirement {
        let duo_is_self_hosted = self.deployment == Deployment::SelfHosted;
        let is_client = self.is_client();
        let is_jihu = self.node.edition.as_deref() == Some("jh");
        let is_com = self.instance.as_ref().is_some_and(|i| i.target.host == "gitlab.com");
        match endpoint {
            Endpoint::Customers | Endpoint::Cloud | Endpoint::Workflow | Endpoint::Gateway
                if self.deployment == Deployment::Dedicated =>
            {
                Requirement::NotUsed("on GitLab Dedicated, GitLab runs the node and its ways out")
            }
            Endpoint::Customers if is_client => {
                Requirement::NotUsed("clients never speak to it: GitLab itself does")
            }
            Endpoint::Workflow if is_client => Requirement::NotUsed("clients reach it through the instance"),
            Endpoint::Cloud if is_client => {
                Requirement::Optional("editors use it directly, unless the instance has that turned off")
            }
            Endpoint::Customers | Endpoint::Cloud | Endpoint::Workflow if is_com => {
                Requirement::NotUsed("gitlab.com is run by GitLab itself")
            }
            Endpoint::Customers | Endpoint::Cloud | Endpoint::Workflow if is_jihu => {
                Requirement::NotUsed("JiHu GitLab uses services of its own")
            }
            Endpoint::Customers | Endpoint::Cloud | Endpoint::Workflow
                if self.facts.geo_secondary == Some(true) =>
            {
                Requirement::Optional("this is a Geo secondary site: it is needed after a failover")
            }
            Endpoint::Cloud | Endpoint::Workflow
                if duo_is_self_hosted && self.services.is_gitlabs(endpoint) =>
            {
                Requirement::Optional("with a gateway of one's own it is used for billing alone")
            }
            Endpoint::Workflow if self.agent_platform != Some(true) => {
                Requirement::Optional("it is not known whether the Agent Platform is used here")
            }
            Endpoint::Workflow if self.is_at_least(18, 8) == Some(false) => {
                Requirement::Optional("before GitLab 18.8 the Agent Platform is a beta")
            }
            Endpoint::Customers
            | Endpoint::Cloud
            | Endpoint::Workflow
            | Endpoint::Gateway
            | Endpoint::Instance => Requirement::Needed,
        }
    }
}

/// A client certificate with its key, as `--cert` and `--key` name them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The chain in DER form, leaf first.
    pub chain: Vec<Vec<u8>>,
    /// The key in PEM form.
    pub key: Secret,
}

/// What becomes of the shell's ways.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Shell {
    /// They are examined: no GitLab is installed here, or somebody asked for it.
    #[default]
    Examined,
    /// They are known, for comparison, and fail nothing.
    Compared,
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
    /// What is set beside that and decides nothing, a sentence each: `https_proxy is set too, but Ruby never
    /// reads it`.
    #[serde(default)]
    pub and_not: Vec<String>,
    /// Whose roots it trusts, in words: `GitLab's own store /opt/gitlab/embedded/ssl/cert.pem, 142 roots`. Empty
    /// until the stores are known, and in older reports.
    #[serde(default)]
    pub trusts: String,
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
    /// Not at all: the variable that decides holds nothing that this stack can use as a proxy.
    Unusable {
        /// The variable.
        variable: String,
        /// What is wrong with its value, without the value.
        why: String,
    },
}

impl fmt::Display for Via {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Via::Direct => f.write_str("direct"),
            Via::Proxy(proxy) => proxy.fmt(f),
            Via::Unusable { variable, .. } => write!(f, "none: {variable} is no proxy"),
        }
    }
}

/// An index into `Subject::stores`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct StoreId(pub usize);

/// A set of trusted roots.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Store {
    /// What people call it: `the system's store`.
    pub label: String,
    /// Its roots in DER form.
    pub roots: Vec<Vec<u8>>,
}

/// The label and how many roots there are. A store without any may be one that could not be read: then no number
/// is said.
impl fmt::Display for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.roots.len() {
            0 => f.write_str(&self.label),
            n => write!(f, "{}, {}", self.label, text::count(n, "root")),
        }
    }
}

/// Which roots count as public.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum PublicRoots {
    /// Mozilla's list, as compiled in.
    #[default]
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
    /// The ways in, outermost first; empty in older reports.
    #[serde(default)]
    pub doors: Vec<DoorAbout>,
    /// The title of the lab's scenario.
    pub demo: Option<String>,
    /// `cloud`, `self-hosted`, …; `None`: not known.
    #[serde(default)]
    pub deployment: Option<String>,
    /// The limit of the whole run.
    #[serde(with = "crate::millis")]
    pub deadline: Duration,
    /// The report of another program that the run was read from. It has no node, and no time: `started_at` is the
    /// start of 1970 then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
}

impl Default for Cloudflare {
    fn default() -> Self {
        Self::embedded()
    }
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
    fn a_route_says_whose_roots_it_trusts_and_how_many() {
        let route = |trust| Route {
            id: String::new(),
            stacks: vec![Stack::Rails],
            endpoint: Endpoint::Cloud,
            via: Via::Direct,
            trust: StoreId(trust),
            source: String::new(),
            and_not: Vec::new(),
            trusts: String::new(),
        };
        let store = |label: &str, roots: usize| Store { label: label.into(), roots: vec![vec![0]; roots] };
        let mut subject = Subject {
            routes: vec![route(0), route(1), route(2)],
            stores: vec![store("the system's store", 142), store("a store that could not be read", 0)],
            ..Subject::default()
        };
        subject.put_trust();
        let trusts: Vec<&str> = subject.routes.iter().map(|r| r.trusts.as_str()).collect();
        assert_eq!(trusts, ["the system's store, 142 roots", "a store that could not be read", ""]);
    }

    #[test]
    fn a_version_is_compared_by_its_first_two_numbers() {
        let at_least = |version: &str, major, minor| {
            let node = Node { gitlab_version: Some(version.into()), ..Node::default() };
            Subject { node, ..Subject::default() }.is_at_least(major, minor)
        };
        assert_eq!(at_least("17.2.0", 17, 2), Some(true));
        assert_eq!(at_least("17.10.3", 17, 2), Some(true));
        assert_eq!(at_least("16.11.4", 17, 2), Some(false));
        assert_eq!(at_least("master", 17, 2), None);
    }

    #[test]
    fn what_duo_needs_depends_on_the_deployment_the_site_and_what_is_used() {
        let needs = |deployment, geo_secondary, agent_platform| {
            let facts = Facts { geo_secondary, ..Facts::default() };
            let subject = Subject { facts, deployment, agent_platform, ..Subject::default() };
            let word = |endpoint| match subject.requirement(endpoint) {
                Requirement::Needed => "needed",
                Requirement::Optional(_) => "optional",
                Requirement::NotUsed(_) => "not used",
            };
            [Endpoint::Customers, Endpoint::Cloud, Endpoint::Workflow, Endpoint::Gateway].map(word)
        };
        for (deployment, secondary, platform, expected) in [
            (Deployment::Unknown, None, None, ["needed", "needed", "optional", "needed"]),
            (Deployment::Cloud, Some(false), Some(true), ["needed", "needed", "needed", "needed"]),
            (Deployment::Cloud, None, Some(false), ["needed", "needed", "optional", "needed"]),
            (Deployment::Hybrid, None, Some(true), ["needed", "needed", "needed", "needed"]),
            (Deployment::SelfHosted, None, Some(true), ["needed", "optional", "optional", "needed"]),
            (Deployment::Cloud, Some(true), Some(true), ["optional", "optional", "optional", "needed"]),
            (Deployment::Dedicated, None, None, ["not used"; 4]),
        ] {
            assert_eq!(needs(deployment, secondary, platform), expected, "{deployment:?}");
        }
    }

    #[test]
    fn the_embedded_ranges_hold_cloudflares_addresses_and_no_others() {
        let cloudflare = Cloudflare::embedded();
        let is = |text: &str| cloudflare.contains(text.parse().expect("an address"));
        assert!(is("104.18.26.123") && is("2606:4700::6812:1a7b"));
        assert!(!is("100.64.0.9") && !is("10.0.0.1") && !is("2001:db8::1"));
    }
}
