//! Debian's Apache.

use crate::mending::{Proof, each_succeeds, found, mended};
use crate::rows::{Finds, NOTHING, at_the_front_end, each};
use crate::support::action_cable::{CableAtSocket, Settings};
use crate::support::apache::{Apache, Place, Site};
use crate::support::bundled_nginx::{BundledNginx, Setting};
use crate::support::node_tree::NodeTree;
use crate::support::program::Report;
use crate::{HOLD, Instance, inbound};

const STRIPPED: Finds = at_the_front_end(&["websocket-upgrade-stripped"], "Apache");
const ORIGIN: Finds = at_the_front_end(&["websocket-origin-rejected"], "Apache");
const CUT: Finds = at_the_front_end(&["websocket-idle-cut"], "Apache");
const BODY: Finds = at_the_front_end(&["body-limit-low"], "Apache");
const HTTP2: Finds = at_the_front_end(&["http2-not-offered"], "Apache");

pub(crate) const ROWS: &[(Site, Finds)] = &[
    (Site::RewriteRules, NOTHING),
    (Site::UpgradeWebsocket, NOTHING),
    (Site::LimitRequestBody, NOTHING),
    (Site::ProxyPass, STRIPPED),
    (Site::RulesAfterCatchAll, STRIPPED),
    (Site::Http10Forced, STRIPPED),
    (Site::HostNotPreserved, ORIGIN),
    (Site::SchemeNotForwarded, ORIGIN),
    (Site::ShortTimeout, CUT),
    (Site::Firewall, BODY),
    (Site::FirewallAndUpgrade, BODY),
    (Site::Http1WithRules, HTTP2),
];

#[test]
fn each_site_seen_from_a_client() {
    let instance = Instance::new();
    each(ROWS, |site| {
        let apache = Apache::start(site, &instance.identity, instance.cable.address);
        let hold = if site == Site::ShortTimeout { HOLD } else { &[] };
        instance.client_checks(apache.address, hold)
    });
}

/// The place that every snippet for Apache names.
const HERE: &str = "into <VirtualHost *:443> of GitLab";

pub(crate) const PROOFS: &[Proof] = &[
    ("the rules bring the upgrade through a plain ProxyPass", |i| rules(i, Site::ProxyPass)),
    ("the rules bring the upgrade through a catch-all rule", |i| rules(i, Site::RulesAfterCatchAll)),
    ("the rules do where HTTP/1.0 is no longer forced", |i| rules(i, Site::Http10Forced)),
    ("the line for 2.4.47 brings the upgrade through", line),
    ("the headers keep the Host", |i| headers(i, Site::HostNotPreserved)),
    ("the headers say https", |i| headers(i, Site::SchemeNotForwarded)),
    ("the time keeps the socket open", time),
    ("the limits let large bodies through ModSecurity", limits),
    ("the protocols offer HTTP/2", protocols),
    ("the rules lead to the node's NGINX", |i| to_the_nodes_nginx(i, above)),
    ("the line for 2.4.47 leads to the node's NGINX", |i| to_the_nodes_nginx(i, in_place)),
    ("the rules serve a relative URL root", relative_root),
];

#[test]
fn what_a_remedy_prints_mends_it() {
    each_succeeds(PROOFS);
}

/// An Apache with a fault before Workhorse by TCP, seen from the node.
type Node<'a> = crate::mending::Node<'a, Apache>;

impl Node<'_> {
    fn with(instance: &Instance, site: Site) -> Node<'_> {
        Node::before(instance, |identity, to| Apache::start(site, identity, to))
    }

    /// Follows the remedy: what is printed for `how` goes behind everything else.
    fn put_last(&mut self, report: &Report, how: &str) {
        let snippet = report.snippet("apache", &format!("{HERE}, {how}"));
        self.server.configuration.insert_last(Place::VirtualHost, &snippet);
        self.server.reload();
    }
}

/// Follows the rules: above everything else.
fn above(apache: &mut Apache, report: &Report) {
    let rules = report.snippet("apache", &format!("{HERE}, above every other Rewrite and Proxy line"));
    apache.configuration.insert_first(Place::VirtualHost, &rules);
    apache.reload();
}

/// Follows the one line: in place of the catch-all.
fn in_place(apache: &mut Apache, report: &Report) {
    let line = report.snippet("apache", &format!("{HERE}, in place of its ProxyPass / line"));
    apache.configuration.take_out(Place::VirtualHost, "ProxyPass / ");
    apache.configuration.insert_last(Place::VirtualHost, &line);
    apache.reload();
}

fn rules(instance: &Instance, site: Site) {
    let mut node = Node::with(instance, site);
    let report = found(node.check(&[]), STRIPPED);
    let target = format!("\"ws://{}/$1\" [P,L]", instance.cable.address);
    assert!(report.snippet("apache", "above every other").contains(&target), "{report}");
    if site == Site::Http10Forced {
        node.server.configuration.take_out(Place::VirtualHost, "SetEnv force-proxy-request-1.0");
    }
    above(&mut node.server, &report);
    mended(&node.check(&[]));
}

fn line(instance: &Instance) {
    let mut node = Node::with(instance, Site::ProxyPass);
    let report = found(node.check(&[]), STRIPPED);
    in_place(&mut node.server, &report);
    mended(&node.check(&[]));
}

fn headers(instance: &Instance, site: Site) {
    let mut node = Node::with(instance, site);
    let report = found(node.check(&[]), ORIGIN);
    if site == Site::HostNotPreserved {
        node.server.configuration.take_out(Place::VirtualHost, "ProxyPreserveHost Off");
    }
    node.put_last(&report, "as its last lines");
    mended(&node.check(&[]));
}

fn time(instance: &Instance) {
    let mut node = Node::with(instance, Site::ShortTimeout);
    let report = found(node.check(HOLD), CUT);
    node.put_last(&report, "as its last line");
    mended(&node.check(HOLD));
}

fn limits(instance: &Instance) {
    let mut node = Node::with(instance, Site::Firewall);
    let report = found(node.check(&[]), BODY);
    node.put_last(&report, "as its last lines");
    mended(&node.check(&[]));
}

fn protocols(instance: &Instance) {
    let mut node = Node::with(instance, Site::Http1WithRules);
    let report = found(node.check(&[]), HTTP2);
    node.put_last(&report, "in place of another Protocols line");
    mended(&node.check(&[]));
}

/// GitLab's own NGINX with TLS stands behind Apache: it is the target, with `Host` kept.
fn to_the_nodes_nginx(instance: &Instance, follow: fn(&mut Apache, &Report)) {
    let tree = NodeTree::new(&[], &[]);
    let workhorse = CableAtSocket::start_at(tree.workhorse_socket());
    let nginx = BundledNginx::start(&tree, Setting::Shipped, &instance.identity, workhorse.back_end());
    let apache = Apache::start(Site::ProxyPass, &instance.identity, nginx.back_end());
    let mut node = Node { instance, tree, server: apache };
    let report = found(node.check(&[]), STRIPPED);
    let target = report.argument("websocket-upgrade-stripped", "upstream_ws");
    assert_eq!(target, format!("wss://{}", nginx.address));
    follow(&mut node.server, &report);
    mended(&node.check(&[]));
}

/// The root stays part of the path.
fn relative_root(_: &Instance) {
    let instance = Instance::set(Settings { relative_url_root: "/git", ..Settings::default() });
    let tree = NodeTree::new(&[], &[]);
    tree.workhorse_by_tcp(instance.cable.address);
    let mut apache = Apache::start(Site::ProxyPass, &instance.identity, instance.cable.address);
    let url = "https://gitlab.example.com/git";
    let check = |apache: &Apache| inbound(&instance.authority, &tree.path(), url, apache.address, &[]);
    let report = found(check(&apache), STRIPPED);
    above(&mut apache, &report);
    mended(&check(&apache));
}
