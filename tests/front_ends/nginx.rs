//! Debian's NGINX.

use crate::mending::{Proof, each_succeeds, found, mended};
use crate::rows::{Finds, NOTHING, alone, at_the_front_end, each};
use crate::support::action_cable::CableAtSocket;
use crate::support::bundled_nginx::{BundledNginx, Setting};
use crate::support::nginx::{Nginx, Place, Site};
use crate::support::node_tree::NodeTree;
use crate::support::program::Report;
use crate::{HOLD, Instance, inbound};

const STRIPPED: Finds = at_the_front_end(&["websocket-upgrade-stripped"], "NGINX");
const ORIGIN: Finds = at_the_front_end(&["websocket-origin-rejected"], "NGINX");
const CUT: Finds = at_the_front_end(&["websocket-idle-cut"], "NGINX");
const BODY: Finds = at_the_front_end(&["body-limit-low"], "NGINX");
const HTTP2: Finds = at_the_front_end(&["http2-not-offered"], "NGINX");
const NOT_FOUND: Finds = at_the_front_end(&["websocket-not-found"], "NGINX");
const UNREACHABLE: Finds = at_the_front_end(&["instance-unreachable"], "NGINX");
const BUFFERED: Finds = at_the_front_end(&["stream-buffered"], "NGINX");

pub(crate) const ROWS: &[(Site, Finds)] = &[
    (Site::Buffering, BUFFERED),
    (Site::Upgrade, NOTHING),
    (Site::PortDropped, NOTHING),
    (Site::NoUpgrade, STRIPPED),
    (Site::ConnectionNotSet, STRIPPED),
    (Site::HostNotKept, ORIGIN),
    (Site::SchemeMissing, ORIGIN),
    (Site::SchemeHttp, ORIGIN),
    (Site::ShortReadTimeout, CUT),
    (Site::SmallBody, BODY),
    (Site::Http1Only, HTTP2),
    (Site::CableNotServed, NOT_FOUND),
    (Site::Login, alone(&["front-end-requires-login"])),
    (Site::Denied, UNREACHABLE),
    (Site::ClientCertificate, alone(&["client-certificate-required"])),
];

#[test]
fn each_site_seen_from_a_client() {
    let instance = Instance::new();
    let token = instance.token_file();
    let completion = ["--token-file", &token, "--allow-completion"];
    each(ROWS, |site| {
        let nginx = Nginx::start(site, &instance.identity, instance.cable.address);
        let more: &[&str] = match site {
            Site::ShortReadTimeout => HOLD,
            Site::Buffering => &completion,
            _ => &[],
        };
        instance.client_checks(nginx.address, more)
    });
}

const MAP: &str = "into the http block";
const LOCATION: &str = "in the server block of GitLab, in place of its location / block";
const HEADERS: &str = "into the location of GitLab, in place of its lines for Host and X-Forwarded-Proto";
const SAME_NAME: &str = "into the location of GitLab, in place of lines of the same name";
const BODY_SIZE: &str = "into the server block of GitLab, in place of another client_max_body_size";
const LISTEN: &str = "in the server block of GitLab, in place of its listen line";

pub(crate) const PROOFS: &[Proof] = &[
    ("the map and the location bring the upgrade through", |i| location(i, Site::NoUpgrade)),
    ("the location alone does where the map exists", |i| location(i, Site::ConnectionNotSet)),
    ("the headers keep the Host", |i| headers(i, Site::HostNotKept)),
    ("the headers say https where nothing does", |i| headers(i, Site::SchemeMissing)),
    ("the headers say https where http is said", |i| headers(i, Site::SchemeHttp)),
    ("the headers keep a port", headers_with_a_port),
    ("the times keep the socket open", times),
    ("the size lets large bodies through", size),
    ("no buffering lets pieces through", pieces),
    ("the listen line offers HTTP/2", listen),
    ("the location leads to the node's NGINX", to_the_nodes_nginx),
];

#[test]
fn what_a_remedy_prints_mends_it() {
    each_succeeds(PROOFS);
}

/// An NGINX with a fault before Workhorse by TCP, seen from the node.
type Node<'a> = crate::mending::Node<'a, Nginx>;

impl Node<'_> {
    fn with(instance: &Instance, site: Site) -> Node<'_> {
        Node::before(instance, |identity, to| Nginx::start(site, identity, to))
    }

    fn put_the_location(&mut self, report: &Report) {
        let location = report.snippet("nginx", LOCATION);
        assert!(location.contains(&format!("proxy_pass {};", upstream(report))), "{location}");
        self.server.configuration.replace(Place::Location, &location);
    }
}

fn upstream(report: &Report) -> String {
    report.argument("websocket-upgrade-stripped", "upstream")
}

/// Lines of the location whose names the snippet has are taken out, then it goes in.
fn put_into_the_location(nginx: &mut Nginx, snippet: &str) {
    for line in snippet.lines().filter(|line| !line.starts_with('#')) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let name = match words.as_slice() {
            ["proxy_set_header", name, ..] => format!("proxy_set_header {name} "),
            [name, ..] => format!("{name} "),
            [] => continue,
        };
        let stands = nginx.configuration.at(Place::Location).lines();
        if stands.map(str::trim_start).any(|line| line.starts_with(&name)) {
            nginx.configuration.take_out(Place::Location, &name);
        }
    }
    nginx.configuration.insert_within(Place::Location, snippet);
}

fn location(instance: &Instance, site: Site) {
    let mut node = Node::with(instance, site);
    let report = found(node.check(&[]), STRIPPED);
    // It is to be left out where a map for this variable exists.
    if site == Site::NoUpgrade {
        node.server.configuration.insert_last(Place::Http, &report.snippet("nginx", MAP));
    }
    node.put_the_location(&report);
    node.server.reload();
    mended(&node.check(&[]));
}

fn headers(instance: &Instance, site: Site) {
    let mut node = Node::with(instance, site);
    let report = found(node.check(&[]), ORIGIN);
    put_into_the_location(&mut node.server, &report.snippet("nginx", HEADERS));
    node.server.reload();
    mended(&node.check(&[]));
}

/// `$host` loses a port that is not the default one.
fn headers_with_a_port(instance: &Instance) {
    let mut node = Node::with(instance, Site::PortDropped);
    let check = |node: &Node| {
        let (tree, url) = (node.tree.path(), "https://gitlab.example.com:8443");
        inbound(&instance.authority, &tree, url, node.server.address, &[])
    };
    let report = found(check(&node), ORIGIN);
    put_into_the_location(&mut node.server, &report.snippet("nginx", HEADERS));
    node.server.reload();
    mended(&check(&node));
}

fn times(instance: &Instance) {
    let mut node = Node::with(instance, Site::ShortReadTimeout);
    let report = found(node.check(HOLD), CUT);
    put_into_the_location(&mut node.server, &report.snippet("nginx", SAME_NAME));
    node.server.reload();
    mended(&node.check(HOLD));
}

fn size(instance: &Instance) {
    let mut node = Node::with(instance, Site::SmallBody);
    let report = found(node.check(&[]), BODY);
    node.server.configuration.take_out(Place::Server, "client_max_body_size");
    node.server.configuration.insert_last(Place::Server, &report.snippet("nginx", BODY_SIZE));
    node.server.reload();
    mended(&node.check(&[]));
}

fn pieces(instance: &Instance) {
    let token = instance.token_file();
    let completion = ["--token-file", &token, "--allow-completion"];
    let mut node = Node::with(instance, Site::Buffering);
    let report = found(node.check(&completion), BUFFERED);
    put_into_the_location(&mut node.server, &report.snippet("nginx", SAME_NAME));
    node.server.reload();
    let report = node.check(&completion);
    mended(&report);
    assert_eq!(report.status("streaming@public"), "pass", "{report}");
}

fn listen(instance: &Instance) {
    let mut node = Node::with(instance, Site::Http1Only);
    let report = found(node.check(&[]), HTTP2);
    // The address of one's own line is to be kept.
    let own = format!("listen {} ", node.server.address);
    let line = report.snippet("nginx", LISTEN).replace("listen 443 ", &own);
    node.server.configuration.replace(Place::Listen, &line);
    node.server.reload();
    mended(&node.check(&[]));
}

/// GitLab's own NGINX with TLS stands behind another one: it is the target, with `Host` kept.
fn to_the_nodes_nginx(instance: &Instance) {
    let tree = NodeTree::new(&[], &[]);
    let workhorse = CableAtSocket::start_at(tree.workhorse_socket());
    let own = BundledNginx::start(&tree, Setting::Shipped, &instance.identity, workhorse.back_end());
    let nginx = Nginx::start(Site::NoUpgrade, &instance.identity, own.back_end());
    let mut node = Node { instance, tree, server: nginx };
    let report = found(node.check(&[]), STRIPPED);
    assert_eq!(upstream(&report), format!("https://{}", own.address));
    node.server.configuration.insert_last(Place::Http, &report.snippet("nginx", MAP));
    node.put_the_location(&report);
    node.server.reload();
    mended(&node.check(&[]));
}
