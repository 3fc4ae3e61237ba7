//! Debian's Squid as reverse proxy. It speaks HTTP/1.1 only, which is said of each of its sites.

use crate::Instance;
use crate::rows::{Finds, at_the_front_end, each};
use crate::support::squid_reverse::{Site, SquidReverse};

const HTTP2: Finds = at_the_front_end(&["http2-not-offered"], "squid");
const STRIPPED: Finds = at_the_front_end(&["websocket-upgrade-stripped", "http2-not-offered"], "squid");

pub(crate) const ROWS: &[(Site, Finds)] =
    &[(Site::Upgrade, HTTP2), (Site::AuthorizationDropped, HTTP2), (Site::NoUpgrade, STRIPPED)];

#[test]
fn each_site_seen_client_checks() {
    let instance = Instance::new();
    each(ROWS, |site| {
        let squid = SquidReverse::start(site, &instance.identity, instance.cable.address);
        instance.client_checks(squid.address, &[])
    });
}
