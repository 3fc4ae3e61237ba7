//! Debian's Squid as reverse proxy. It speaks HTTP/1.1 only, which is said of each of its sites.

use crate::Instance;
use crate::mending::{Proof, each_succeeds, found, mended_to};
use crate::rows::{Finds, at_the_front_end, each};
use crate::support::node_tree::NodeTree;
use crate::support::squid_reverse::{Place, Site, SquidReverse};

const HTTP2: Finds = at_the_front_end(&["http2-not-offered"], "squid");
const STRIPPED: Finds = at_the_front_end(&["websocket-upgrade-stripped", "http2-not-offered"], "squid");

pub(crate) const ROWS: &[(Site, Finds)] =
    &[(Site::Upgrade, HTTP2), (Site::AuthorizationDropped, HTTP2), (Site::NoUpgrade, STRIPPED)];

#[test]
fn each_site_seen_from_a_client() {
    let instance = Instance::new();
    each(ROWS, |site| {
        let squid = SquidReverse::start(site, &instance.identity, instance.cable.address);
        instance.client_checks(squid.address, &[])
    });
}

pub(crate) const PROOFS: &[Proof] = &[("the line brings the upgrade through", line)];

#[test]
fn what_a_remedy_prints_mends_it() {
    each_succeeds(PROOFS);
}

fn line(instance: &Instance) {
    let tree = NodeTree::new(&[], &[]);
    tree.workhorse_by_tcp(instance.cable.address);
    let mut squid = SquidReverse::start(Site::NoUpgrade, &instance.identity, instance.cable.address);
    let report = found(instance.node_checks(&tree, squid.address, &[]), STRIPPED);
    let lines = report.snippet("squid", "into squid.conf, beside the lines of GitLab's https_port");
    squid.configuration.insert_last(Place::Site, &lines);
    let syntax = squid.syntax();
    assert!(syntax.accepted, "{}", syntax.said);
    squid.reload();
    mended_to(&instance.node_checks(&tree, squid.address, &[]), HTTP2);
}
