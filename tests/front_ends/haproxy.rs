//! Debian's `HAProxy`.

use crate::mending::{Proof, each_succeeds, found, mended};
use crate::rows::{Finds, NOTHING, alone, at_the_front_end, each};
use crate::support::action_cable::CableAtSocket;
use crate::support::bundled_nginx::{BundledNginx, Setting};
use crate::support::haproxy::{Haproxy, Place, Site};
use crate::support::node_tree::NodeTree;
use crate::support::program::Report;
use crate::{HOLD, Instance};

const STRIPPED: Finds = at_the_front_end(&["websocket-upgrade-stripped"], "HAProxy");
const ORIGIN: Finds = at_the_front_end(&["websocket-origin-rejected"], "HAProxy");
const CUT: Finds = at_the_front_end(&["websocket-idle-cut"], "HAProxy");
const BODY: Finds = at_the_front_end(&["body-limit-low"], "HAProxy");
const HTTP2: Finds = at_the_front_end(&["http2-not-offered"], "HAProxy");
const HTTP1: Finds = alone(&["http1-not-offered"]);

pub(crate) const ROWS: &[(Site, Finds)] = &[
    (Site::Healthy, NOTHING),
    (Site::HttpClose, NOTHING),
    (Site::Http2Only, NOTHING),
    (Site::UpgradeDeleted, STRIPPED),
    (Site::ConnectionDeleted, STRIPPED),
    (Site::HostReplaced, ORIGIN),
    (Site::SchemeMissing, ORIGIN),
    (Site::ShortTunnel, CUT),
    (Site::NoTunnel, CUT),
    (Site::SmallBody, BODY),
    (Site::Http1Only, HTTP2),
    (Site::Http2Forced, HTTP1),
];

#[test]
fn each_site_seen_from_a_client() {
    let instance = Instance::new();
    each(ROWS, |site| {
        let haproxy = Haproxy::start(site, &instance.identity, instance.cable.address);
        let is_short = matches!(site, Site::ShortTunnel | Site::NoTunnel);
        instance.client_checks(haproxy.address, if is_short { HOLD } else { &[] })
    });
}

const BACKEND: &str = "into the backend of GitLab";
const FRONTEND: &str = "into the frontend of GitLab, behind its other http-request lines";
const DEFAULTS: &str = "into the section defaults, in place of another timeout tunnel";
const BIND: &str = "in the frontend of GitLab, in place of its bind line";

pub(crate) const PROOFS: &[Proof] = &[
    ("no rule for Upgrade, and the backend's lines, bring the upgrade through", |i| {
        backend(i, Site::UpgradeDeleted, RULES);
    }),
    ("the same for Connection alone", |i| backend(i, Site::ConnectionDeleted, &RULES[1..])),
    ("no rule for Host, and the frontend's lines, have the Origin taken", |i| {
        frontend(i, Site::HostReplaced);
    }),
    ("the frontend's lines say https", |i| frontend(i, Site::SchemeMissing)),
    ("the time of tunnels keeps the socket open in place of a short one", |i| tunnel(i, Site::ShortTunnel)),
    ("the time of tunnels keeps the socket open where there was none", |i| tunnel(i, Site::NoTunnel)),
    ("the bind line offers HTTP/2", |i| bind(i, Site::Http1Only, HTTP2)),
    ("the bind line offers HTTP/1.1", |i| bind(i, Site::Http2Forced, HTTP1)),
    ("the backend's lines lead to the node's NGINX", to_the_nodes_nginx),
];

#[test]
fn what_a_remedy_prints_mends_it() {
    each_succeeds(PROOFS);
}

/// An `HAProxy` with a fault before Workhorse by TCP, seen from the node.
type Node<'a> = crate::mending::Node<'a, Haproxy>;

impl Node<'_> {
    fn with(instance: &Instance, site: Site) -> Node<'_> {
        Node::before(instance, |identity, to| Haproxy::start(site, identity, to))
    }

    fn take_out_the_rules(&mut self, words: &[&str]) {
        for words in words {
            self.server.configuration.take_out(Place::Frontend, words);
        }
    }

    fn put_last(&mut self, place: Place, report: &Report, words: &str) {
        self.server.configuration.insert_last(place, &report.snippet("haproxy", words));
        self.server.reload();
    }
}

const RULES: &[&str] = &["http-request del-header Upgrade", "http-request del-header Connection"];

fn backend(instance: &Instance, site: Site, rules: &[&str]) {
    let mut node = Node::with(instance, site);
    let report = found(node.check(&[]), STRIPPED);
    node.take_out_the_rules(rules);
    node.put_last(Place::Backend, &report, BACKEND);
    mended(&node.check(&[]));
}

fn frontend(instance: &Instance, site: Site) {
    let mut node = Node::with(instance, site);
    let report = found(node.check(&[]), ORIGIN);
    if site == Site::HostReplaced {
        node.take_out_the_rules(&["http-request set-header Host"]);
    }
    node.put_last(Place::Frontend, &report, FRONTEND);
    mended(&node.check(&[]));
}

fn tunnel(instance: &Instance, site: Site) {
    let mut node = Node::with(instance, site);
    let report = found(node.check(HOLD), CUT);
    if site == Site::ShortTunnel {
        node.server.configuration.take_out(Place::Defaults, "timeout tunnel");
    }
    node.put_last(Place::Defaults, &report, DEFAULTS);
    mended(&node.check(HOLD));
}

fn bind(instance: &Instance, site: Site, finds: Finds) {
    let mut node = Node::with(instance, site);
    let report = found(node.check(&[]), finds);
    // The address and the certificate of one's own line are to be kept.
    let (address, certificate) = (node.server.address.to_string(), node.server.certificate());
    let line = report.snippet("haproxy", BIND).replace("bind :443", &format!("bind {address}"));
    let line = line.replace("/etc/haproxy/certs/gitlab.pem", &certificate);
    node.server.configuration.replace(Place::Bind, &line);
    node.server.reload();
    mended(&node.check(&[]));
}

fn to_the_nodes_nginx(instance: &Instance) {
    let tree = NodeTree::new(&[], &[]);
    let workhorse = CableAtSocket::start_at(tree.workhorse_socket());
    let nginx = BundledNginx::start(&tree, Setting::Shipped, &instance.identity, workhorse.back_end());
    let haproxy = Haproxy::start(Site::UpgradeDeleted, &instance.identity, nginx.back_end());
    let mut node = Node { instance, tree, server: haproxy };
    let report = found(node.check(&[]), STRIPPED);
    node.take_out_the_rules(RULES);
    node.put_last(Place::Backend, &report, BACKEND);
    mended(&node.check(&[]));
}
