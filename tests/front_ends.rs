//! The instance's door on real servers: Rails' own Action Cable, alone and behind Debian's Apache.
//!
//! One fault in the web server's configuration gives one root cause, and the configuration that GitLab's page
//! recommends gives none.

mod support;

use support::action_cable::ActionCable;
use support::apache::{Apache, Site};
use support::authority::Authority;
use support::program::{self, Report};

/// Checks `https://gitlab.example.com` as it is served at `address`.
fn inbound(authority: &Authority, address: std::net::SocketAddr) -> Report {
    let connect_to = format!("gitlab.example.com:443:{address}");
    let cacert = authority.root_file().display().to_string();
    program::check(&[
        "--instance-url",
        "https://gitlab.example.com",
        "--connect-to",
        &connect_to,
        "--cacert",
        &cacert,
        "--only",
        "inbound",
        "--proxy",
        "none",
        "--timeout",
        "5",
    ])
}

/// Checks an instance behind Apache.
fn behind_apache(site: Site) -> Report {
    let authority = Authority::new();
    let cable = ActionCable::plain();
    let apache = Apache::start(site, &authority.issue(&["gitlab.example.com"]), cable.address);
    inbound(&authority, apache.address)
}

#[test]
fn action_cable_reached_without_a_web_server_passes() {
    let authority = Authority::new();
    let cable = ActionCable::with_tls(&authority);
    let report = inbound(&authority, cable.address);
    assert_eq!(report.failing_checks(), [""; 0], "{report}");
    assert_eq!(report.status("cable@public"), "pass", "{report}");
    assert_eq!(report.status("pings@public"), "pass", "{report}");
    assert_eq!(report.root_causes(), ["http2-not-offered"], "Puma speaks HTTP/1.1 only: {report}");
}

#[test]
fn apache_with_the_rewrite_rules_passes() {
    let report = behind_apache(Site::RewriteRules);
    assert_eq!(report.root_causes(), [""; 0], "{report}");
    assert_eq!(report.failing_checks(), [""; 0], "{report}");
    assert_eq!(report.status("cable@public"), "pass", "{report}");
    assert_eq!(report.status("pings@public"), "pass", "{report}");
    assert_eq!(report.exit, Some(0), "{report}");
}

#[test]
fn apache_with_a_plain_proxy_pass_strips_the_upgrade() {
    let report = behind_apache(Site::ProxyPass);
    assert_eq!(report.root_causes(), ["websocket-upgrade-stripped"], "{report}");
    assert_eq!(report.argument("websocket-upgrade-stripped", "product"), "Apache", "{report}");
    assert_eq!(report.argument("websocket-upgrade-stripped", "hop"), "front end", "{report}");
    assert_eq!(report.failing_checks(), ["cable@public"], "{report}");
    assert_eq!(report.exit, Some(1), "{report}");
}

#[test]
fn rewrite_rules_after_a_catch_all_strip_the_upgrade() {
    let report = behind_apache(Site::RulesAfterCatchAll);
    assert_eq!(report.root_causes(), ["websocket-upgrade-stripped"], "{report}");
    assert_eq!(report.argument("websocket-upgrade-stripped", "product"), "Apache", "{report}");
}

#[test]
fn a_host_that_is_not_preserved_makes_rails_refuse_the_origin() {
    let report = behind_apache(Site::HostNotPreserved);
    assert_eq!(report.root_causes(), ["websocket-origin-rejected"], "{report}");
    assert_eq!(report.failing_checks(), ["cable@public"], "{report}");
}

#[test]
fn a_scheme_that_is_not_forwarded_makes_rails_refuse_the_origin() {
    let report = behind_apache(Site::SchemeNotForwarded);
    assert_eq!(report.root_causes(), ["websocket-origin-rejected"], "{report}");
    assert_eq!(report.failing_checks(), ["cable@public"], "{report}");
}
