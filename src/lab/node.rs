//! The lab's node: a Linux package with Rails, Workhorse and Sidekiq, as a scenario and its faults change it.

use super::certificates::Roots;
use super::fault::node::{NodeChange, Variables};
use super::fault::{Kind, On};
use super::situation::{HOSTS, Situation, name_of};
use crate::subject::address::Scheme;
use crate::subject::doors::{Aim, Certainty, Listener, Nginx, WaysIn, WebServer};
use crate::subject::environment::Environment;
use crate::subject::facts::{Bystander, CompanyRoot, Component, Facts, Internal, Process, Repeated, Running};
use crate::subject::place::Stack;
use crate::subject::services::Deployment;
use crate::subject::{HostsEntry, Install, Node, Store, StoreId};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// Workhorse's socket in the Linux package.
pub(super) const WORKHORSE_SOCKET: &str = "/var/opt/gitlab/gitlab-workhorse/sockets/socket";

/// What is found out about the lab's node.
pub(super) struct World {
    pub(super) node: Node,
    pub(super) facts: Facts,
    pub(super) shell: Environment,
    pub(super) deployment: Deployment,
    pub(super) agent_platform: Option<bool>,
}

/// The changes of the node as they are now.
fn changes(situation: &Situation) -> Vec<&NodeChange> {
    let faults = situation.faults(On::Node);
    let changed =
        faults.filter_map(|kind| if let Kind::Node(change) = kind { Some(&**change) } else { None });
    std::iter::once(&situation.scenario.node).chain(changed).collect()
}

/// The web server that listens on the node now.
pub(super) fn listening(situation: &Situation) -> Option<Nginx> {
    let changes = changes(situation);
    let change = last(&changes, |c| c.nginx.clone()).unwrap_or_default();
    let install = last(&changes, |c| c.install).unwrap_or(Install::Omnibus);
    let roles = last(&changes, |c| c.roles.clone());
    let runs = roles.is_none_or(|roles| roles.iter().any(|r| r == "rails" || r == "nginx"));
    if install == Install::Helm || change.off || !runs {
        return None;
    }
    let scheme = if change.plain || situation.is_plain() { Scheme::Http } else { Scheme::Https };
    Some(Nginx {
        address: Ipv4Addr::LOCALHOST.into(),
        listens: vec![Ipv4Addr::UNSPECIFIED.into()],
        port: change.port.unwrap_or(scheme.default_port()),
        scheme,
        http2: Some(true),
        proxy_protocol: Some(change.proxy_protocol),
        client_certificates: Some(false),
        set_headers: Vec::new(),
        from: "/var/opt/gitlab/nginx/conf/service_conf/gitlab-rails.conf".to_owned(),
    })
}

/// What the node's files say of its web server.
fn web_server(situation: &Situation) -> WebServer {
    let changes = changes(situation);
    let change = last(&changes, |c| c.nginx.clone()).unwrap_or_default();
    let install = last(&changes, |c| c.install).unwrap_or(Install::Omnibus);
    if matches!(install, Install::Helm | Install::Source) || changes.iter().any(|c| c.nginx_unreadable) {
        return WebServer::Unknown;
    }
    if change.off {
        return WebServer::None("/etc/gitlab/gitlab.rb line 7 has nginx['enable'] = false".to_owned());
    }
    match listening(situation) {
        Some(nginx) => WebServer::Bundled(nginx),
        None => WebServer::None("NGINX does not run on this node".to_owned()),
    }
}

/// The version that the instance says of itself: `18.9.1-ee`.
pub(super) fn version(situation: &Situation) -> String {
    let changes = changes(situation);
    let version = last(&changes, |c| c.version.clone()).unwrap_or("18.9.1".to_owned());
    let edition = last(&changes, |c| c.edition.clone()).unwrap_or("ee".to_owned());
    format!("{version}-{edition}")
}

/// A variable that Rails gets.
pub(super) fn variable(situation: &Situation, name: &str) -> Option<String> {
    last(&changes(situation), |c| c.environment.get(&Stack::Rails)?.get(name).cloned())
}

/// Whether GitLab's own NGINX stands on the way in, on this node or another.
pub(super) fn has_nginx(situation: &Situation) -> bool {
    !last(&changes(situation), |c| c.nginx.clone()).unwrap_or_default().off
}

/// Whether the node's web server wants to be told who comes.
pub(super) fn wants_announcement(situation: &Situation) -> bool {
    listening(situation).is_some_and(|nginx| nginx.proxy_protocol == Some(true))
}

/// Origins that Action Cable accepts beside the instance's own.
pub(super) fn allowed_origins(situation: &Situation) -> Vec<String> {
    changes(situation).iter().flat_map(|c| c.allowed_origins.clone()).collect()
}

/// How requests come in, as it is now.
fn ways_in(situation: &Situation, changes: &[&NodeChange], node: &Node) -> WaysIn {
    let port = last(changes, |c| c.workhorse_port);
    let at_port = |port: u16| Listener {
        at: Aim::Address(SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port)),
        shown: format!("127.0.0.1:{port}"),
        from: "/opt/gitlab/sv/gitlab-workhorse/run".to_owned(),
        certainty: Certainty::Configured,
    };
    let runs = node.roles.iter().any(|role| role == "workhorse");
    let listener = match (node.install, port) {
        (_, Some(port)) => Some(at_port(port)),
        (Some(Install::Helm), None) => Some(at_port(8181)),
        (Some(Install::Omnibus | Install::Docker | Install::Source) | None, None) => Some(Listener {
            at: Aim::Socket(WORKHORSE_SOCKET.into()),
            shown: WORKHORSE_SOCKET.to_owned(),
            from: "/opt/gitlab/sv/gitlab-workhorse/run".to_owned(),
            certainty: Certainty::Configured,
        }),
    };
    WaysIn {
        web_server: web_server(situation),
        workhorse: listener.filter(|_| runs),
        allowed_origins: changes.iter().flat_map(|c| c.allowed_origins.clone()).collect(),
        addresses: Some(last(changes, |c| c.addresses.clone()).unwrap_or(vec![OWN_ADDRESS])),
    }
}

/// The node's own address in the lab.
const OWN_ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 20, 0, 11));

/// The node as it is now.
pub(super) fn world(situation: &Situation) -> World {
    let faults: Vec<&Kind> = situation.faults(On::Node).collect();
    let hosts = faults.iter().filter_map(|kind| {
        let Kind::HostsEntry { name, address } = kind else { return None };
        Some(HostsEntry { address: *address, names: vec![name.clone()] })
    });
    let bare = Node {
        hostname: Some("gl-rails-01".into()),
        hosts: hosts.collect(),
        nameservers: vec![situation.ports.resolver],
        ..Node::default()
    };
    let changes = changes(situation);
    let shell = environment(situation, &changes, Stack::Shell);
    let deployment = last(&changes, |c| c.deployment).unwrap_or_default();
    if faults.iter().any(|kind| **kind == Kind::NoGitlab) {
        return World { node: bare, facts: Facts::default(), shell, deployment, agent_platform: None };
    }
    let usual = ["rails".to_owned(), "workhorse".to_owned(), "sidekiq".to_owned()];
    let node = Node {
        install: Some(last(&changes, |c| c.install).unwrap_or(Install::Omnibus)),
        roles: last(&changes, |c| c.roles.clone()).unwrap_or(usual.to_vec()),
        gitlab_version: Some(last(&changes, |c| c.version.clone()).unwrap_or("18.9.1".into())),
        edition: Some(last(&changes, |c| c.edition.clone()).unwrap_or("ee".into())),
        ..bare
    };
    let facts = Facts { ways_in: ways_in(situation, &changes, &node), ..facts(situation, &changes, &node) };
    let agent_platform = Some(last(&changes, |c| c.agent_platform).unwrap_or(true));
    World { node, facts, shell, deployment, agent_platform }
}

/// What the last change says.
fn last<'a, T>(changes: &[&'a NodeChange], of: impl Fn(&'a NodeChange) -> Option<T>) -> Option<T> {
    changes.iter().rev().find_map(|c| of(c))
}

fn facts(situation: &Situation, changes: &[&NodeChange], node: &Node) -> Facts {
    let runs = |stack: Stack| node.roles.iter().any(|r| r == stack.as_str());
    let stacks = [Stack::Rails, Stack::Workhorse, Stack::Sidekiq].into_iter().filter(|s| runs(*s));
    let now = situation.now().as_second();
    let bystander = |(place, variables): (&String, &Variables)| Bystander {
        place: place.clone(),
        environment: Environment::of(variables.clone(), place),
    };
    let repeated = |(key, lost): (&String, &Vec<String>)| Repeated {
        key: key.clone(),
        places: vec!["/etc/gitlab/gitlab.rb line 12".into(), "/etc/gitlab/gitlab.rb line 40".into()],
        lost: lost.clone(),
    };
    let internal = |host: &str, what: &str| Internal { host: host.into(), what: what.into() };
    Facts {
        components: stacks.map(|stack| component(situation, changes, stack, now)).collect(),
        bystanders: changes.iter().flat_map(|c| c.bystanders.iter().map(bystander)).collect(),
        repeated: changes.iter().flat_map(|c| c.repeated.iter().map(repeated)).collect(),
        sidekiq_env: last(changes, |c| c.sidekiq_env.clone()),
        internal: (!changes.iter().any(|c| c.storages_unreadable)).then(|| {
            vec![
                internal(name_of(On::Instance), "this instance"),
                internal("10.20.0.7", "Gitaly"),
                internal("localhost", "this node"),
                internal("127.0.0.1", "this node"),
            ]
        }),
        geo_secondary: Some(last(changes, |c| c.geo_secondary).unwrap_or(false)),
        ..Facts::default()
    }
}

/// Where a component's variables stand.
fn folder(stack: Stack) -> &'static str {
    match stack {
        Stack::Rails | Stack::Sidekiq | Stack::Grpc => "/opt/gitlab/etc/gitlab-rails/env",
        Stack::Workhorse => "/opt/gitlab/etc/gitlab-workhorse/env",
        Stack::Shell => "this shell's environment",
    }
}

/// Sidekiq reads what Rails reads.
fn reads_as(stack: Stack) -> Stack {
    if stack == Stack::Sidekiq { Stack::Rails } else { stack }
}

fn environment(situation: &Situation, changes: &[&NodeChange], stack: Stack) -> Environment {
    let mut variables = Variables::new();
    if situation.scenario.proxy {
        let squid = HOSTS.iter().find(|h| h.part == On::Proxy).map_or("", |h| h.name);
        for name in ["http_proxy", "https_proxy"] {
            variables.insert(name.to_owned(), format!("http://{squid}:3128"));
        }
    }
    for change in changes.iter().filter_map(|c| c.environment.get(&reads_as(stack))) {
        variables.extend(change.clone());
    }
    variables.retain(|_, value| !value.is_empty());
    let mut environment = Environment::default();
    for (name, value) in variables {
        let from = if stack == Stack::Shell {
            folder(stack).to_owned()
        } else {
            format!("{}/{name}", folder(stack))
        };
        environment.set(&name, value, from);
    }
    environment
}

fn component(situation: &Situation, changes: &[&NodeChange], stack: Stack, now: i64) -> Component {
    let configured = environment(situation, changes, stack);
    let (pid, name) = match stack {
        Stack::Workhorse => (1211, "gitlab-workhorse"),
        Stack::Sidekiq => (1377, "sidekiq"),
        Stack::Rails | Stack::Grpc | Stack::Shell => (2114, "puma"),
    };
    let other = last(changes, |c| c.running.get(&stack));
    let outdated = last(changes, |c| c.outdated) == Some(stack);
    let running = match other {
        Some(variables) => {
            Running::Known(Environment::of(variables.clone(), &format!("the environment of pid {pid}")))
        }
        None if outdated => Running::Overwritten,
        None => Running::Known(configured.clone()),
    };
    let hours = |n: i64| now - n * 3600;
    let started = if outdated { hours(900) } else { hours(60) };
    Component {
        stack,
        configured: Some(configured),
        configured_in: folder(stack).to_owned(),
        changed: Some(hours(72)),
        running: vec![Process { pid, name: name.to_owned(), started: Some(started), environment: running }],
    }
}

/// The stores of the node: the shell's first.
pub(super) fn stores(roots: &Roots) -> Vec<Store> {
    let store = |label: &str, roots: &[Vec<u8>]| Store { label: label.to_owned(), roots: roots.to_vec() };
    vec![
        store("the system's store /etc/ssl/certs/ca-certificates.crt", &roots.store),
        store("GitLab's own store /opt/gitlab/embedded/ssl/cert.pem and certs/", &roots.rails),
        store("GitLab's certs/ and the system's store", &roots.store),
    ]
}

/// The files in which the operating system was given the company's roots.
pub(super) fn company_roots(roots: &Roots) -> Vec<CompanyRoot> {
    let file = |name: &str| {
        format!("/usr/local/share/ca-certificates/{}.crt", name.to_lowercase().replace(' ', "-"))
    };
    roots.added.iter().map(|(name, der)| CompanyRoot { path: file(name), der: der.clone() }).collect()
}

/// Which of them a stack trusts.
pub(super) fn trust(stack: Stack) -> StoreId {
    StoreId(match stack {
        Stack::Shell => 0,
        Stack::Rails | Stack::Sidekiq | Stack::Grpc => 1,
        Stack::Workhorse => 2,
    })
}
