//! A node whose clock is off, by Debian's faketime around the program: the others' dates tell.

use crate::support::authority::{Authority, Validity};
use crate::support::child;
use crate::support::fake_cloud::{FakeCloud, NAMES};
use crate::support::program::{self, Report};
use crate::{PRIVATE_AUTHORITY, exactly, exactly_and_nothing_reached};

/// The checks by a clock that is off by `offset`, of services whose certificate is of that validity.
fn seen_with(offset: &str, validity: Validity) -> Report {
    let authority = Authority::new();
    let cloud = FakeCloud::start(&authority.issue_valid(NAMES, validity));
    let to = format!("::{}", cloud.address);
    let root = authority.root_file().display().to_string();
    let mut clock = child::command("/usr/bin/faketime");
    clock.args(["--exclude-monotonic", "-f", offset]);
    let services = program::services();
    let services: Vec<&str> = services.iter().map(String::as_str).collect();
    let arguments = ["--only", "clock", "--proxy", "none", "--connect-to", &to, "--cacert", &root];
    program::check_through(clock, &[&services, &arguments[..]].concat())
}

#[test]
fn a_right_clock_agrees() {
    let report = seen_with("+0", Validity::Now);
    assert_eq!(report.root_causes(), [PRIVATE_AUTHORITY], "{report}");
    assert_eq!(report.status("clock@node"), "pass", "{report}");
}

#[test]
fn a_clock_years_ahead_explains_certificates_that_look_expired() {
    exactly_and_nothing_reached("clock-skew", &seen_with("+4y", Validity::Now));
}

#[test]
fn a_clock_years_behind_explains_certificates_that_look_too_young() {
    exactly_and_nothing_reached("clock-skew", &seen_with("-4y", Validity::Now));
}

#[test]
fn a_clock_minutes_ahead_is_worth_a_warning() {
    let report = seen_with("+10m", Validity::Now);
    exactly("clock-drift", &report);
    assert_eq!(report.passing("http").len(), 2, "{report}");
}

#[test]
fn an_expired_certificate_is_not_blamed_on_a_right_clock() {
    exactly_and_nothing_reached("tls-expired", &seen_with("+0", Validity::Past));
    exactly_and_nothing_reached("tls-not-yet-valid", &seen_with("+0", Validity::Future));
}
