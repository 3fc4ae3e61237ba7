//! Debian's `HAProxy`.

use crate::rows::{Finds, NOTHING, at_the_front_end, each};
use crate::support::haproxy::{Haproxy, Site};
use crate::{HOLD, Instance};

const STRIPPED: Finds = at_the_front_end(&["websocket-upgrade-stripped"], "HAProxy");
const ORIGIN: Finds = at_the_front_end(&["websocket-origin-rejected"], "HAProxy");
const CUT: Finds = at_the_front_end(&["websocket-idle-cut"], "HAProxy");
const BODY: Finds = at_the_front_end(&["body-limit-low"], "HAProxy");
const HTTP2: Finds = at_the_front_end(&["http2-not-offered"], "HAProxy");

pub(crate) const ROWS: &[(Site, Finds)] = &[
    (Site::Healthy, NOTHING),
    (Site::HttpClose, NOTHING),
    (Site::Http2Only, NOTHING),
    (Site::UpgradeDeleted, STRIPPED),
    (Site::HostReplaced, ORIGIN),
    (Site::SchemeMissing, ORIGIN),
    (Site::ShortTunnel, CUT),
    (Site::NoTunnel, CUT),
    (Site::SmallBody, BODY),
    (Site::Http1Only, HTTP2),
];

#[test]
fn each_site_seen_client_checks() {
    let instance = Instance::new();
    each(ROWS, |site| {
        let haproxy = Haproxy::start(site, &instance.identity, instance.cable.address);
        let is_short = matches!(site, Site::ShortTunnel | Site::NoTunnel);
        instance.client_checks(haproxy.address, if is_short { HOLD } else { &[] })
    });
}
