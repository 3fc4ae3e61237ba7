//! The lab: a simulated instance, GitLab's cloud services, a forward proxy and a resolver on loopback, with
//! faults as data.
//!
//! The lab is production with another dial table: it supplies a whole `Subject` (names, addresses, roots, node,
//! clock), and what examines a real instance examines this one. Every address of its world leads to a port on
//! 127.0.0.1 that the system chose; any other address is unreachable, so nothing leaves this machine.
//! What is broken is said by `assets/scenarios/*.json`; what must be found is decided by the checks.

mod api;
mod cable;
mod certificates;
mod cloud;
pub mod fault;
mod gitlab;
mod graphql;
mod handshake;
mod headers;
mod hops;
mod http;
mod instance;
mod node;
mod proxy;
mod ranges;
mod resolver;
pub mod scenario;
mod site;
mod situation;
#[cfg(test)]
mod tests;
mod workflow;

use crate::egress::routes::{Ways, routes};
use crate::egress::{Rules, decide};
use crate::secret::Secret;
use crate::subject::address::{BaseUrl, Scheme, Target};
use crate::subject::dial::{AddressRule, AddressTo, Dial, Logs, Rails};
use crate::subject::doors::{Certainty, Doors, Entry, doors};
use crate::subject::facts::Facts;
use crate::subject::limits::{Completion, Limits, RailsRunner};
use crate::subject::place::Stack;
use crate::subject::ranges::Sampling;
use crate::subject::services::{Deployment, Services};
use crate::subject::{Cloudflare, PublicRoots, Shell, Subject, Via};
use certificates::{Authorities, Roots};
use fault::{ConnectEnd, Family, Kind, NameAnswer, On};
use jiff::{SignedDuration, Timestamp};
use scenario::Scenario;
use site::{Site, Speaks};
use situation::{GOOD_TOKEN, HOSTS, Host, Ports, Situation, name_of};
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::UdpSocket;
use tokio::task::JoinSet;

/// A running lab. Its servers end when it is dropped.
#[derive(Debug)]
pub struct Lab {
    situation: Arc<Situation>,
    sound_roots: Roots,
    faulty_roots: Roots,
    _servers: JoinSet<()>,
}

impl Lab {
    /// Starts the servers of a scenario. `now` is the true time: certificates and `Date` headers follow it.
    ///
    /// # Errors
    /// If a port cannot be opened or a certificate cannot be made.
    pub async fn start(scenario: &Scenario, now: Timestamp) -> io::Result<Lab> {
        let (cloud, cloud_at) = site::listen()?;
        let (customers, customers_at) = site::listen()?;
        let (workflow, workflow_at) = site::listen()?;
        let (instance, instance_at) = site::listen()?;
        let (plain, plain_at) = site::listen()?;
        let (proxy, proxy_at) = site::listen()?;
        let (gateway, gateway_at) = site::listen()?;
        let (nginx, nginx_at) = site::listen()?;
        let (nginx_plain, nginx_plain_at) = site::listen()?;
        let (workhorse, workhorse_at) = site::listen()?;
        let resolver = UdpSocket::bind(("127.0.0.1", 0)).await?;
        let ports = Ports {
            cloud: cloud_at,
            customers: customers_at,
            workflow: workflow_at,
            instance: instance_at,
            plain: plain_at,
            nginx: nginx_at,
            nginx_plain: nginx_plain_at,
            workhorse: workhorse_at,
            proxy: proxy_at,
            gateway: gateway_at,
            resolver: resolver.local_addr()?,
        };
        let situation = Arc::new(Situation::new(scenario.clone(), &ports, now));
        let mut authorities = Authorities::new(now)?;
        let mut servers = JoinSet::new();
        let speaking_tls = [
            (cloud, On::Cloud),
            (customers, On::Customers),
            (gateway, On::Gateway),
            (workflow, On::Workflow),
            (instance, On::Instance),
            (nginx, On::Nginx),
        ];
        for (listener, part) in speaking_tls {
            let speaks = Speaks::Tls(authorities.acceptors(part, &situation)?);
            servers.spawn(site::serve(Site::new(listener, part, speaks, &situation)));
        }
        for (listener, part) in [(plain, On::Instance), (nginx_plain, On::Nginx), (workhorse, On::Workhorse)]
        {
            servers.spawn(site::serve(Site::new(listener, part, Speaks::Plain, &situation)));
        }
        servers.spawn(site::serve(Site::new(proxy, On::Proxy, Speaks::Proxy, &situation)));
        servers.spawn(resolver::serve(resolver, situation.clone()));
        let (sound_roots, faulty_roots) = authorities.roots();
        Ok(Lab { situation, sound_roots, faulty_roots, _servers: servers })
    }

    /// The one token that the instance takes.
    pub const TOKEN: &str = GOOD_TOKEN;

    /// Everything that a run needs, with the faults as they are now. `now` is the true time; the node's clock may
    /// be another. A scenario's `hold` applies where the limits have none.
    pub fn subject(&self, limits: Limits, now: Timestamp) -> Subject {
        let roots = if self.is_mended() { &self.sound_roots } else { &self.faulty_roots };
        let node::World { node, facts, shell, deployment, agent_platform } = node::world(&self.situation);
        let mut subject = Subject {
            instance: Some(self.instance()),
            shell: if node.install.is_none() { Shell::Examined } else { Shell::Compared },
            services: Services::of(&facts),
            node,
            facts: Facts { company_roots: node::company_roots(roots), ..facts },
            deployment,
            agent_platform,
            routes: Vec::new(),
            doors: Doors::default(),
            dial: self.dial(),
            stores: node::stores(roots),
            public_roots: PublicRoots::Given(roots.public.clone()),
            token: self.token(),
            identity: None,
            started_at: self.clock(now),
            limits: self.limits(limits),
            cloudflare: Cloudflare::embedded(),
            demo: Some(self.situation.scenario.title.clone()),
        };
        if subject.is_at_least(18, 2) == Some(false) {
            subject.agent_platform = None;
        }
        if subject.deployment == Deployment::Unknown {
            subject.deployment = Deployment::detected(subject.instance.as_ref(), &subject.services);
        }
        let public_via = match &subject.instance {
            Some(url) if subject.is_client() => {
                decide(Rules::of(Stack::Shell), url, &shell, &subject.node.hosts_for(&url.target.host)).via
            }
            Some(_) | None => Via::Direct,
        };
        subject.doors = doors(&Entry {
            instance: subject.instance.as_ref(),
            instance_from: "external_url",
            node: &subject.node,
            ways_in: &subject.facts.ways_in,
            public_via: &public_via,
            certainty: Certainty::Configured,
        });
        subject.routes = routes(&Ways {
            services: &subject.services,
            facts: &subject.facts,
            shell: &shell,
            given: None,
            trust: &node::trust,
            addresses: &|host| subject.node.hosts_for(host),
        });
        subject
    }

    /// Takes the faults away; the servers heed it at once.
    pub fn mend(&self) {
        self.situation.set_mended(true);
    }

    /// Puts the faults back.
    pub fn break_again(&self) {
        self.situation.set_mended(false);
    }

    /// Whether the faults are taken away.
    pub fn is_mended(&self) -> bool {
        self.situation.is_mended()
    }

    /// Where its Workhorse listens in plain text, for a web server that is not the lab's.
    pub fn workhorse(&self) -> SocketAddr {
        self.situation.ports.workhorse
    }

    fn instance(&self) -> BaseUrl {
        if let Some(url) = self.situation.scenario.url.as_ref().and_then(|url| url.parse().ok()) {
            return url;
        }
        let scheme = if self.situation.is_plain() { Scheme::Http } else { Scheme::Https };
        let target = Target::new(name_of(On::Instance), scheme.default_port());
        BaseUrl { scheme, target, root: String::new() }
    }

    fn dial(&self) -> Dial {
        let mut addresses: Vec<AddressRule> = HOSTS.iter().flat_map(|host| self.rules(host)).collect();
        addresses.extend(ranges::rules(&self.situation));
        addresses.extend(self.own_listeners());
        addresses.push(AddressRule { address: None, port: None, to: AddressTo::Unreachable });
        let workhorse =
            self.ends(On::Workhorse).unwrap_or(AddressTo::Connect(self.situation.ports.workhorse));
        Dial {
            names: Vec::new(),
            addresses,
            sockets: vec![(node::WORKHORSE_SOCKET.into(), workhorse)],
            nameserver: Some(self.situation.ports.resolver),
            logs: Logs::Say(Box::new(self.situation.logs())),
            rails: Some(Rails::Says(gitlab::Gitlab::of(&self.situation).rails().to_string())),
        }
    }

    /// Where the node's own listeners are: its web server, and Workhorse by TCP.
    fn own_listeners(&self) -> Vec<AddressRule> {
        let Ports { nginx, nginx_plain, workhorse, .. } = self.situation.ports;
        let rule = |port: u16, to: AddressTo| AddressRule {
            address: Some(Ipv4Addr::LOCALHOST.into()),
            port: Some(port),
            to,
        };
        let at = |part: On, server: SocketAddr| self.ends(part).unwrap_or(AddressTo::Connect(server));
        let mut rules = vec![rule(8181, at(On::Workhorse, workhorse))];
        if let Some(own) = node::listening(&self.situation) {
            let server = if own.scheme == Scheme::Https { nginx } else { nginx_plain };
            rules.push(rule(own.port, at(On::Nginx, server)));
        }
        // Nothing else listens on this node.
        rules.push(AddressRule {
            address: Some(Ipv4Addr::LOCALHOST.into()),
            port: None,
            to: AddressTo::Refuse,
        });
        rules
    }

    /// How connections to a part of the node end, where a fault ends them.
    fn ends(&self, part: On) -> Option<AddressTo> {
        self.ending(part, Ipv4Addr::LOCALHOST.into())
    }

    /// Where the addresses of a host lead: its own, and those that a fault gives it.
    fn rules(&self, host: &Host) -> Vec<AddressRule> {
        let mut addresses = host.addresses();
        if let Some(NameAnswer::Addresses(others)) = self.situation.name_answer(host.name) {
            addresses.extend(others);
        }
        let Ports { cloud, customers, workflow, instance, plain, proxy, gateway, .. } = self.situation.ports;
        let url = self.instance();
        let doors: Vec<(u16, SocketAddr)> = match host.part {
            On::Cloud => vec![(443, cloud)],
            On::Customers => vec![(443, customers)],
            On::Workflow => vec![(443, workflow)],
            On::Instance if url.scheme == Scheme::Https => vec![(url.target.port, instance), (80, plain)],
            On::Instance => vec![(443, instance), (url.target.port, plain)],
            On::Proxy => vec![(3128, proxy)],
            On::Gateway => vec![(443, gateway)],
            On::Both | On::Node | On::Resolver | On::Nginx | On::Workhorse | On::Puma => Vec::new(),
        };
        let rule = |address: &IpAddr, port: u16, server: SocketAddr| {
            let to = self.ending(host.part, *address).unwrap_or(AddressTo::Connect(server));
            AddressRule { address: Some(*address), port: Some(port), to }
        };
        addresses
            .iter()
            .flat_map(|a| doors.iter().map(move |(port, server)| rule(a, *port, *server)))
            .collect()
    }

    /// How connections to an address end, where a fault ends them before a server is reached.
    fn ending(&self, part: On, address: IpAddr) -> Option<AddressTo> {
        self.situation.faults(part).find_map(|kind| {
            let Kind::Connect { how, family, way: _ } = kind else { return None };
            let touched = match family {
                None => true,
                Some(Family::Ipv4) => address.is_ipv4(),
                Some(Family::Ipv6) => address.is_ipv6(),
            };
            let to = match how {
                ConnectEnd::Refused => AddressTo::Refuse,
                ConnectEnd::Unreachable => AddressTo::Unreachable,
                ConnectEnd::Swallowed => AddressTo::Swallow,
                ConnectEnd::Reset => return None,
            };
            touched.then_some(to)
        })
    }

    fn token(&self) -> Option<Secret> {
        let given = self.situation.scenario.token.as_deref()?;
        Some(Secret::new(if self.is_mended() || given == "good" { GOOD_TOKEN } else { given }))
    }

    fn clock(&self, now: Timestamp) -> Timestamp {
        let off = self.situation.faults(On::Node).find_map(|kind| {
            let Kind::Clock { seconds } = kind else { return None };
            Some(SignedDuration::from_secs(*seconds))
        });
        now.checked_add(off.unwrap_or_default()).unwrap_or(now)
    }

    fn limits(&self, limits: Limits) -> Limits {
        let sampling = if self.situation.scenario.sampled { Sampling::Asked } else { limits.sampling };
        let completion =
            if self.situation.scenario.completion { Completion::Allowed } else { limits.completion };
        let rails = if self.situation.scenario.rails_runner { RailsRunner::Allowed } else { limits.rails };
        let limits = Limits { sampling, completion, rails, ..limits };
        match (limits.hold, self.situation.scenario.hold.map(Duration::from_secs)) {
            (None, Some(hold)) => Limits { hold: Some(hold), deadline: limits.deadline + hold, ..limits },
            (Some(_), _) | (None, None) => limits,
        }
    }
}
