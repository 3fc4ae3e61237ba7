//! Debian's Caddy.

use crate::Instance;
use crate::mending::{Proof, each_succeeds, found, mended};
use crate::rows::{Finds, NOTHING, at_the_front_end, each};
use crate::support::action_cable::CableAtSocket;
use crate::support::bundled_nginx::{BundledNginx, Setting};
use crate::support::caddy::{Caddy, Place, Site};
use crate::support::node_tree::NodeTree;
use crate::support::program::Report;

const STRIPPED: Finds = at_the_front_end(&["websocket-upgrade-stripped"], "Caddy");
const ORIGIN: Finds = at_the_front_end(&["websocket-origin-rejected"], "Caddy");
const BODY: Finds = at_the_front_end(&["body-limit-low"], "Caddy");
const HTTP2: Finds = at_the_front_end(&["http2-not-offered"], "Caddy");

pub(crate) const ROWS: &[(Site, Finds)] = &[
    (Site::Healthy, NOTHING),
    (Site::Http2Only, NOTHING),
    (Site::UpgradeRemoved, STRIPPED),
    (Site::ConnectionRemoved, STRIPPED),
    (Site::HostRewritten, ORIGIN),
    (Site::SchemeHttp, ORIGIN),
    (Site::SmallBody, BODY),
    (Site::Http1Only, HTTP2),
];

#[test]
fn each_site_seen_from_a_client() {
    let instance = Instance::new();
    each(ROWS, |site| {
        let caddy = Caddy::start(site, &instance.identity, instance.cable.address);
        instance.client_checks(caddy.address, &[])
    });
}

const REVERSE_PROXY: &str = "into the site block of GitLab, in place of its reverse_proxy";
const WITHIN: &str = "into the reverse_proxy block of GitLab";
const REQUEST_BODY: &str = "into the site block of GitLab, in place of its request_body";
const SERVERS: &str = "into the block of global options, in place of its servers block";

pub(crate) const PROOFS: &[Proof] = &[
    ("reverse_proxy as it is brings the upgrade through", |i| reverse_proxy(i, Site::UpgradeRemoved)),
    ("the same where Connection was taken off", |i| reverse_proxy(i, Site::ConnectionRemoved)),
    ("the headers keep the Host", |i| headers(i, Site::HostRewritten)),
    ("the headers say https", |i| headers(i, Site::SchemeHttp)),
    ("the size lets large bodies through", size),
    ("the protocols offer HTTP/2", protocols),
    ("reverse_proxy with TLS leads to the node's NGINX", to_the_nodes_nginx),
];

#[test]
fn what_a_remedy_prints_mends_it() {
    each_succeeds(PROOFS);
}

/// A Caddy with a fault before Workhorse by TCP, seen from the node.
type Node<'a> = crate::mending::Node<'a, Caddy>;

impl Node<'_> {
    fn with(instance: &Instance, site: Site) -> Node<'_> {
        Node::before(instance, |identity, to| Caddy::start(site, identity, to))
    }

    /// What is printed goes into the site's block, in place of the block that begins with `words`.
    fn put_in_place_of(&mut self, words: &str, snippet: &str) {
        self.server.configuration.take_out_block(Place::Site, words);
        self.server.configuration.insert_within(Place::Site, snippet);
    }
}

/// The snippet for a target without TLS: another one says `, target with TLS` behind the same words.
fn without_tls(report: &Report) -> String {
    let snippets = report.remedy();
    let is = |text: &str| text.lines().next().is_some_and(|first| first.ends_with(REVERSE_PROXY));
    snippets.into_iter().map(|s| s.text).find(|text| is(text)).expect("the remedy has it")
}

fn reverse_proxy(instance: &Instance, site: Site) {
    let mut node = Node::with(instance, site);
    let report = found(node.check(&[]), STRIPPED);
    node.put_in_place_of("reverse_proxy", &without_tls(&report));
    node.server.reload();
    mended(&node.check(&[]));
}

fn headers(instance: &Instance, site: Site) {
    let mut node = Node::with(instance, site);
    let report = found(node.check(&[]), ORIGIN);
    let words = if site == Site::HostRewritten { "header_up Host" } else { "header_up X-Forwarded-Proto" };
    node.server.configuration.take_out(Place::Site, words);
    let snippets = report.remedy();
    let headers = snippets.iter().find(|s| s.text.starts_with(&format!("# {WITHIN}\n")));
    let headers = headers.unwrap_or_else(|| panic!("{report}"));
    node.server.configuration.insert_into_block(Place::Site, "reverse_proxy", &headers.text);
    node.server.reload();
    mended(&node.check(&[]));
}

fn size(instance: &Instance) {
    let mut node = Node::with(instance, Site::SmallBody);
    let report = found(node.check(&[]), BODY);
    node.put_in_place_of("request_body", &report.snippet("caddy", REQUEST_BODY));
    node.server.reload();
    mended(&node.check(&[]));
}

fn protocols(instance: &Instance) {
    let mut node = Node::with(instance, Site::Http1Only);
    let report = found(node.check(&[]), HTTP2);
    node.server.configuration.take_out_block(Place::Options, "servers");
    node.server.configuration.insert_within(Place::Options, &report.snippet("caddy", SERVERS));
    node.server.reload();
    mended(&node.check(&[]));
}

/// GitLab's own NGINX with TLS stands behind Caddy. Its issuer is a private one, for which the article has a line.
fn to_the_nodes_nginx(instance: &Instance) {
    let tree = NodeTree::new(&[], &[]);
    let workhorse = CableAtSocket::start_at(tree.workhorse_socket());
    let nginx = BundledNginx::start(&tree, Setting::Shipped, &instance.identity, workhorse.back_end());
    let caddy = Caddy::start(Site::UpgradeRemoved, &instance.identity, nginx.back_end());
    let mut node = Node { instance, tree, server: caddy };
    let report = found(node.check(&[]), STRIPPED);
    node.put_in_place_of("reverse_proxy", &report.snippet("caddy", ", target with TLS"));
    let trust = format!("tls_trusted_ca_certs {}", instance.authority.root_file().display());
    node.server.configuration.insert_into_block(Place::Site, "transport http", &trust);
    node.server.reload();
    mended(&node.check(&[]));
}
