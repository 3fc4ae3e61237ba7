//! Debian's Apache.

use crate::rows::{Finds, NOTHING, at_the_front_end, each};
use crate::support::apache::{Apache, Site};
use crate::{HOLD, Instance};

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
fn each_site_seen_client_checks() {
    let instance = Instance::new();
    each(ROWS, |site| {
        let apache = Apache::start(site, &instance.identity, instance.cable.address);
        let hold = if site == Site::ShortTimeout { HOLD } else { &[] };
        instance.client_checks(apache.address, hold)
    });
}
