//! The outbound checks against real programs and real packets: what Debian's and Python's packages do, in network
//! namespaces of the test's own or on loopback.
//!
//! One fault, one root cause. The services' certificate is of a private authority, which the program rightly warns
//! of wherever the handshake succeeds; `exactly` and `healthy` know that and nothing else.

mod certificates;
mod clock;
mod names;
mod network;
mod node;
mod proxies;
#[path = "../support/mod.rs"]
mod support;

use support::program::Report;

/// What the private authority of the tests is reported as: rightly, for no public service has one.
const PRIVATE_AUTHORITY: &str = "tls-intercepted-trusted";

/// Ends the test unless `code` is the one root cause, and nothing passes that stands behind it.
#[track_caller]
fn exactly(code: &str, report: &Report) {
    assert_eq!(beside_the_authority(report), [code], "{report}");
}

/// The same for a fault that ends the way: no service may pass for reached.
#[track_caller]
fn exactly_and_nothing_reached(code: &str, report: &Report) {
    assert_eq!(report.root_causes(), [code], "{report}");
    assert_eq!(report.passing("http"), [""; 0], "{report}");
    assert_eq!(report.exit, Some(1), "{report}");
}

/// Ends the test unless both services are reached and there is nothing to mend.
#[track_caller]
fn healthy(report: &Report) {
    assert_eq!(beside_the_authority(report), [""; 0], "{report}");
    assert_eq!(report.passing("http"), ["http@customers/shell", "http@cloud/shell"], "{report}");
    assert_eq!(report.exit, Some(0), "{report}");
}

fn beside_the_authority(report: &Report) -> Vec<&str> {
    report.root_causes().into_iter().filter(|code| *code != PRIVATE_AUTHORITY).collect()
}
