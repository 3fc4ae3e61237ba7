//! Debian's Caddy.

use crate::Instance;
use crate::rows::{Finds, NOTHING, at_the_front_end, each};
use crate::support::caddy::{Caddy, Site};

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
fn each_site_seen_client_checks() {
    let instance = Instance::new();
    each(ROWS, |site| {
        let caddy = Caddy::start(site, &instance.identity, instance.cable.address);
        instance.client_checks(caddy.address, &[])
    });
}
