//! Debian's NGINX.

use crate::rows::{Finds, NOTHING, alone, at_the_front_end, each};
use crate::support::nginx::{Nginx, Site};
use crate::{HOLD, Instance};

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
    (Site::Login, UNREACHABLE),
    (Site::Denied, UNREACHABLE),
    (Site::ClientCertificate, alone(&["client-certificate-required"])),
];

#[test]
fn each_site_seen_client_checks() {
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
