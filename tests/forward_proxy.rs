//! The way out through a real forward proxy: Debian's Squid that lets through, denies, or wants to know who asks.
//!
//! The cloud behind it has a certificate of a private authority, which the program rightly warns of; these tests
//! look at what fails.

mod support;

use support::authority::Authority;
use support::fake_cloud::{FakeCloud, NAMES};
use support::program::{self, Report};
use support::squid::{CREDENTIALS, Policy, Squid};

/// Checks `cloud.gitlab.com` through a Squid under `policy`; `credentials` go into the proxy's URL.
fn through_squid(policy: Policy, credentials: Option<&str>) -> Report {
    let authority = Authority::new();
    let cloud = FakeCloud::start(&authority.issue(NAMES));
    let squid = Squid::start(policy, NAMES, cloud.address.ip());
    let proxy = match credentials {
        Some(credentials) => squid.url_with(credentials),
        None => squid.url(),
    };
    let cacert = authority.root_file().display().to_string();
    program::check(&["--only", "http@cloud", "--proxy", &proxy, "--cacert", &cacert, "--timeout", "5"])
}

#[test]
fn a_proxy_that_lets_through_passes() {
    let report = through_squid(Policy::Open, None);
    assert_eq!(report.failing_checks(), [""; 0], "{report}");
    assert_eq!(report.status("http@cloud/shell"), "pass", "{report}");
    assert_eq!(report.status("proxy@cloud/shell"), "pass", "{report}");
}

#[test]
fn a_proxy_that_denies_is_the_one_cause() {
    let report = through_squid(Policy::Denied, None);
    assert_eq!(report.failing_root_causes(), ["proxy-denied"], "{report}");
    assert_eq!(report.argument("proxy-denied", "status"), "403", "{report}");
    assert_eq!(report.status("http@cloud/shell"), "blocked", "{report}");
    assert_eq!(report.exit, Some(1), "{report}");
}

#[test]
fn a_proxy_that_wants_a_password_is_the_one_cause() {
    let report = through_squid(Policy::Authenticated, None);
    assert_eq!(report.failing_root_causes(), ["proxy-auth-required"], "{report}");
    assert_eq!(report.argument("proxy-auth-required", "status"), "407", "{report}");
    assert_eq!(report.status("http@cloud/shell"), "blocked", "{report}");
}

#[test]
fn a_wrong_password_is_refused_like_none() {
    let report = through_squid(Policy::Authenticated, Some("duo:wrong"));
    assert_eq!(report.failing_root_causes(), ["proxy-auth-required"], "{report}");
    assert!(!report.to_string().contains("duo:wrong"), "the report shows the password: {report}");
}

#[test]
fn the_right_password_passes() {
    let report = through_squid(Policy::Authenticated, Some(CREDENTIALS));
    assert_eq!(report.failing_checks(), [""; 0], "{report}");
    assert_eq!(report.status("http@cloud/shell"), "pass", "{report}");
    assert!(!report.to_string().contains("open-sesame"), "the report shows the password: {report}");
}
