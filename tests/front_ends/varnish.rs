//! Debian's Varnish behind `HAProxy`.

use crate::rows::{Finds, NOTHING, at_the_front_end, each};
use crate::support::varnish::{Before, Site, Varnish};
use crate::{HOLD, Instance};

const STRIPPED: Finds = at_the_front_end(&["websocket-upgrade-stripped"], "Varnish");
const CUT: Finds = at_the_front_end(&["websocket-idle-cut", "http2-not-offered"], "Varnish");
const HTTP2: Finds = at_the_front_end(&["http2-not-offered"], "Varnish");
const STRIPPED_ALONE: Finds =
    at_the_front_end(&["websocket-upgrade-stripped", "http2-not-offered"], "Varnish");
/// A piped socket bears no mark of Varnish: the first server is named, and its article names the other.
const CUT_SOMEWHERE: Finds = at_the_front_end(&["websocket-idle-cut"], "HAProxy");

pub(crate) const ROWS: &[((Before, Site), Finds)] = &[
    ((Before::Haproxy, Site::Pipe), NOTHING),
    ((Before::Haproxy, Site::NoPipe), STRIPPED),
    ((Before::Haproxy, Site::ShortPipe), CUT_SOMEWHERE),
    ((Before::TlsAlone, Site::Pipe), HTTP2),
    ((Before::TlsAlone, Site::NoPipe), STRIPPED_ALONE),
    ((Before::TlsAlone, Site::ShortPipe), CUT),
];

#[test]
fn each_site_seen_client_checks() {
    let instance = Instance::new();
    each(ROWS, |(before, site)| {
        let varnish = Varnish::start_behind(before, site, &instance.identity, instance.cable.address);
        instance.client_checks(varnish.address, if site == Site::ShortPipe { HOLD } else { &[] })
    });
}
