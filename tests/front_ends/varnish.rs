//! Debian's Varnish behind `HAProxy`.

use crate::mending::{Proof, each_succeeds, found, mended_to};
use crate::rows::{Finds, NOTHING, at_the_front_end, each};
use crate::support::child;
use crate::support::configuration;
use crate::support::varnish::{Before, Place, Site, Varnish};
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
fn each_site_seen_from_a_client() {
    let instance = Instance::new();
    each(ROWS, |(before, site)| {
        let varnish = Varnish::start_behind(before, site, &instance.identity, instance.cable.address);
        instance.client_checks(varnish.address, if site == Site::ShortPipe { HOLD } else { &[] })
    });
}

const VCL: &str = "into the VCL file, behind the backends and above every other sub vcl_recv";

pub(crate) const PROOFS: &[Proof] = &[
    ("the subroutines bring the upgrade through behind HAProxy", |i| subroutines(i, Before::Haproxy)),
    ("the subroutines bring the upgrade through behind TLS alone", |i| subroutines(i, Before::TlsAlone)),
    ("the parameter keeps the socket open", parameter),
];

#[test]
fn what_a_remedy_prints_mends_it() {
    each_succeeds(PROOFS);
}

/// A Varnish with a fault before Workhorse by TCP, seen from the node.
type Node<'a> = crate::mending::Node<'a, Varnish>;

impl Node<'_> {
    fn with(instance: &Instance, before: Before, site: Site) -> Node<'_> {
        Node::before(instance, |identity, to| Varnish::start_behind(before, site, identity, to))
    }
}

fn subroutines(instance: &Instance, before: Before) {
    let (with_the_fault, without) = match before {
        Before::Haproxy => (STRIPPED, NOTHING),
        Before::TlsAlone => (STRIPPED_ALONE, HTTP2),
    };
    let mut node = Node::with(instance, before, Site::NoPipe);
    let report = found(node.check(&[]), with_the_fault);
    node.server.configuration.insert_first(Place::Subroutines, &report.snippet("vcl", VCL));
    node.server.reload();
    mended_to(&node.check(&[]), without);
}

/// What is printed is run by a shell in which `sudo` and `varnishadm` mean this Varnish.
fn parameter(instance: &Instance) {
    let node = Node::with(instance, Before::TlsAlone, Site::ShortPipe);
    let report = found(node.check(HOLD), CUT);
    let shell = report.snippet("shell", "param.set pipe_timeout");
    let script = format!(
        "set -eu\nsudo() {{ \"$@\"; }}\nvarnishadm() {{ /usr/bin/varnishadm -n '{}' \"$@\"; }}\n{shell}\n",
        node.server.work().display()
    );
    let mut command = child::command("/bin/bash");
    command.arg("-c").arg(script);
    let ran = configuration::check(command);
    assert!(ran.accepted, "{}", ran.said);
    mended_to(&node.check(HOLD), HTTP2);
}
