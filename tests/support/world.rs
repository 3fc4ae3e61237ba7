//! A node and the world outside, as two network namespaces joined by a cable: real packets, real resolvers, real
//! addresses of the services, and no way to the machine's networks.
//!
//! Outside stand the services at addresses from Cloudflare's ranges, a resolver and the place of a proxy. What
//! goes wrong between them is put in by the test: a packet filter, a zone, a route.

use crate::support::authority::{Authority, Identity};
use crate::support::child::{self, Server};
use crate::support::fake_cloud::{FakeCloud, NAMES};
use crate::support::namespace::Namespace;
use crate::support::program::{self, Report};
use crate::support::unbound::Unbound;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};

/// The addresses of the services; both are inside the ranges that Cloudflare publishes.
pub(crate) const CLOUD: &str = "104.18.26.123";
pub(crate) const CUSTOMERS: &str = "104.18.27.123";
pub(crate) const CLOUD_SIX: &str = "2606:4700::6812:1a7b";
pub(crate) const CUSTOMERS_SIX: &str = "2606:4700::6812:1b7b";

/// A private address that the cloud is reached by as well, for resolvers that say so.
pub(crate) const PRIVATE: &str = "10.20.30.40";

/// Where the resolver, and where a proxy stands (RFC 5737 keeps this network for documentation).
pub(crate) const RESOLVER: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 53);
pub(crate) const PROXY: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::new(192, 0, 2, 80)), 3128);

/// The name of the proxy, which the resolver knows as well.
pub(crate) const PROXY_NAME: &str = "proxy.example.com";

/// What the resolver says when all is well.
pub(crate) const ZONE: &str = "local-zone: gitlab.com. static
local-zone: example.com. static
local-data: 'proxy.example.com. 300 IN A 192.0.2.80'
local-data: 'cloud.gitlab.com. 300 IN A 104.18.26.123'
local-data: 'customers.gitlab.com. 300 IN A 104.18.27.123'";

/// The same, with IPv6.
pub(crate) const ZONE_SIX: &str = "local-zone: gitlab.com. static
local-data: 'cloud.gitlab.com. 300 IN A 104.18.26.123'
local-data: 'cloud.gitlab.com. 300 IN AAAA 2606:4700::6812:1a7b'
local-data: 'customers.gitlab.com. 300 IN A 104.18.27.123'
local-data: 'customers.gitlab.com. 300 IN AAAA 2606:4700::6812:1b7b'";

/// Both sides of the cable, with the services and the resolver running outside.
pub(crate) struct World {
    pub(crate) authority: Authority,
    _unbound: Unbound,
    _cloud: FakeCloud,
    pub(crate) node: Namespace,
    pub(crate) outside: Namespace,
}

impl World {
    /// A world in which all is well.
    pub(crate) fn new() -> World {
        World::with_zone(ZONE)
    }

    /// A world whose resolver speaks by these lines of Unbound's configuration.
    pub(crate) fn with_zone(zone: &str) -> World {
        let authority = Authority::new();
        let identity = authority.issue(NAMES);
        World::with(authority, &identity, zone)
    }

    /// A world whose services send so large a certificate that it needs more than one small packet.
    pub(crate) fn with_large_certificate() -> World {
        let authority = Authority::new();
        let more: Vec<String> = (0..40).map(|n| format!("name-{n}.customers.gitlab.com")).collect();
        let names: Vec<&str> = NAMES.iter().copied().chain(more.iter().map(String::as_str)).collect();
        let identity = authority.issue(&names);
        World::with(authority, &identity, ZONE)
    }

    fn with(authority: Authority, identity: &Identity, zone: &str) -> World {
        let resolv_conf = format!("nameserver {RESOLVER}\n");
        let node = Namespace::new("node", "127.0.0.1 localhost\n", &resolv_conf);
        let hosts = format!(
            "127.0.0.1 localhost\n{CLOUD} cloud.gitlab.com\n{CUSTOMERS} customers.gitlab.com\n\
             {CLOUD_SIX} cloud.gitlab.com\n{CUSTOMERS_SIX} customers.gitlab.com\n"
        );
        let outside = Namespace::new("outside", &hosts, &resolv_conf);
        lay_the_cable(&node, &outside);
        let unbound = Unbound::start(&outside, zone);
        let listener = outside.inside(|| TcpListener::bind("[::]:443")).expect("port 443 is free there");
        let cloud = FakeCloud::serve(listener, identity);
        World { authority, _unbound: unbound, _cloud: cloud, node, outside }
    }

    /// Runs the program on the node, trusting the services' authority, with `arguments` added.
    pub(crate) fn check(&self, arguments: &[&str]) -> Report {
        let root = self.authority.root_file().display().to_string();
        self.check_without_trust(&[&["--cacert", &root], arguments].concat())
    }

    /// Runs the program on the node: the checks of both services, with two seconds for each connection step.
    pub(crate) fn check_without_trust(&self, arguments: &[&str]) -> Report {
        let services = program::services();
        let services: Vec<&str> = services.iter().map(String::as_str).collect();
        let mut wrapper = child::command("/usr/sbin/ip");
        wrapper.args(["netns", "exec", &self.node.name]);
        program::check_through(wrapper, &[&services[..], &["--timeout", "2"], arguments].concat())
    }

    /// Waits until a server outside accepts at `address`.
    pub(crate) fn wait_until_it_accepts(&self, server: &mut Server, address: SocketAddr) {
        self.outside.inside(|| server.wait_until_it_accepts(address));
    }
}

/// One packet at a time on the cable: the kernel would else show a filter several as one large one.
fn lay_the_cable(node: &Namespace, outside: &Namespace) {
    let other = &outside.name;
    node.ip(&format!(
        "link set lo up
link add cable type veth peer name cable netns {other}
link set cable gso_max_segs 1
"
    ));
    outside.ip(&format!(
        "link set lo up
link set cable gso_max_segs 1
link set cable up
address add 10.9.0.1/24 dev cable
address add fd00:9::1/64 dev cable nodad
address add {CLOUD}/32 dev lo
address add {CUSTOMERS}/32 dev lo
address add {PRIVATE}/32 dev lo
address add {RESOLVER}/32 dev lo
address add {proxy}/32 dev lo
address add {CLOUD_SIX}/128 dev lo nodad
address add {CUSTOMERS_SIX}/128 dev lo nodad
",
        proxy = PROXY.ip()
    ));
    node.ip("link set cable up
address add 10.9.0.2/24 dev cable
address add fd00:9::2/64 dev cable nodad
route add default via 10.9.0.1
route add default via fd00:9::1
");
}
