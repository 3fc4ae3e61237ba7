//! Real forward proxies that stand outside while the direct way is shut: Squid, Tinyproxy, mitmproxy.

use crate::support::authority::Authority;
use crate::support::mitmproxy::Mitmproxy;
use crate::support::program::Report;
use crate::support::squid::{CREDENTIALS, Policy, Squid};
use crate::support::tinyproxy::{self, Rule, Tinyproxy};
use crate::support::world::{PROXY, PROXY_NAME, World};
use crate::{PRIVATE_AUTHORITY, exactly, exactly_and_nothing_reached, healthy};
use std::path::Path;

/// A world in which the services are reached through the proxy alone.
fn shut() -> World {
    let world = World::new();
    world.node.filter_output("ip daddr 104.16.0.0/13 reject with icmpx admin-prohibited");
    world
}

/// The checks through the proxy; `user` goes into its address.
fn through(world: &World, user: &str) -> Report {
    let proxy = format!("http://{user}{PROXY}");
    world.check(&["--proxy", &proxy])
}

/// The same, trusting the authority in `root` and no other beside the system's.
fn trusting(world: &World, root: &Path) -> Report {
    let proxy = format!("http://{PROXY}");
    world.check_without_trust(&["--proxy", &proxy, "--cacert", &root.display().to_string()])
}

#[test]
fn squid_that_lets_through_is_healthy() {
    let world = shut();
    let _squid = Squid::outside(&world, Policy::Open);
    healthy(&through(&world, ""));
    let direct = world.check(&[]);
    exactly_and_nothing_reached("tcp-unreachable", &direct);
}

#[test]
fn squid_that_denies_is_one_cause() {
    let world = shut();
    let _squid = Squid::outside(&world, Policy::Denied);
    let report = through(&world, "");
    exactly_and_nothing_reached("proxy-denied", &report);
    assert_eq!(report.argument("proxy-denied", "product"), "squid", "{report}");
}

#[test]
fn squid_that_wants_a_password_is_one_cause_and_takes_the_right_one() {
    let world = shut();
    let _squid = Squid::outside(&world, Policy::Authenticated);
    for user in ["", "duo:wrong@"] {
        let report = through(&world, user);
        exactly_and_nothing_reached("proxy-auth-required", &report);
        assert_eq!(report.argument("proxy-auth-required", "schemes"), "Basic", "{report}");
        assert!(!report.to_string().contains("duo:wrong"), "{report}");
    }
    let report = through(&world, &format!("{CREDENTIALS}@"));
    healthy(&report);
    assert!(!report.to_string().contains("open-sesame"), "the report shows the password: {report}");
}

#[test]
fn squid_whose_upstream_is_shut_says_so() {
    let world = shut();
    let _squid = Squid::outside(&world, Policy::Open);
    world.outside.filter_output("tcp dport 443 reject with tcp reset");
    exactly_and_nothing_reached("proxy-upstream-failed", &through(&world, ""));
}

#[test]
fn squid_over_tls_is_healthy_where_its_authority_is_trusted() {
    let world = shut();
    let _squid = Squid::over_tls(&world, &world.authority.issue(&[PROXY_NAME]));
    let proxy = format!("https://{PROXY_NAME}:{}", PROXY.port());
    healthy(&world.check(&["--proxy", &proxy]));
    exactly_and_nothing_reached("proxy-unreachable", &world.check_without_trust(&["--proxy", &proxy]));
}

#[test]
fn a_proxy_whose_name_does_not_exist_is_unreachable() {
    let report = shut().check(&["--proxy", "http://another.example.com:3128"]);
    exactly_and_nothing_reached("proxy-unreachable", &report);
}

#[test]
fn a_service_where_the_proxy_should_be_is_a_bad_reply() {
    let world = World::new();
    let report = world.check(&["--proxy", "http://104.18.26.123:443"]);
    exactly_and_nothing_reached("proxy-bad-reply", &report);
}

#[test]
fn a_name_that_only_the_proxy_knows_is_worth_a_warning() {
    let world = World::with_zone("local-zone: gitlab.com. static");
    let _squid = Squid::outside(&world, Policy::Open);
    let report = through(&world, "");
    exactly("dns-fails-behind-proxy", &report);
    assert_eq!(report.passing("http").len(), 2, "{report}");
}

#[test]
fn a_proxy_that_is_not_there_is_unreachable() {
    exactly_and_nothing_reached("proxy-unreachable", &through(&shut(), ""));
}

#[test]
fn squid_that_inspects_is_one_cause_until_its_authority_is_trusted() {
    let world = shut();
    let inspector = Authority::named("Example web gateway");
    let _squid = Squid::inspecting(&world, &inspector);
    exactly_and_nothing_reached("tls-intercepted", &through(&world, ""));
    let trusted = trusting(&world, &inspector.root_file());
    healthy(&trusted);
    assert_eq!(trusted.root_causes(), [PRIVATE_AUTHORITY], "{trusted}");
    assert!(
        trusted.argument(PRIVATE_AUTHORITY, "issuer").contains("Example web gateway"),
        "the device is named: {trusted}"
    );
}

#[test]
fn squid_that_inspects_is_trusted_by_the_systems_store_below_the_sysroot() {
    let world = shut();
    let inspector = Authority::named("Example web gateway");
    let _squid = Squid::inspecting(&world, &inspector);
    let root = tempfile::tempdir().expect("a temporary directory can be made");
    let store = root.path().join("etc/ssl/certs");
    std::fs::create_dir_all(&store).expect("the test's own directory is writable");
    std::fs::write(store.join("ca-certificates.crt"), inspector.root_pem())
        .expect("the test's own directory is writable");
    std::fs::write(root.path().join("etc/resolv.conf"), "nameserver 192.0.2.53\n")
        .expect("the test's own directory is writable");
    let proxy = format!("http://{PROXY}");
    let sysroot = root.path().display().to_string();
    let report = world.check_without_trust(&["--proxy", &proxy, "--sysroot", &sysroot]);
    healthy(&report);
}

#[test]
fn tinyproxy_that_lets_through_is_healthy() {
    let world = shut();
    let _proxy = Tinyproxy::start(&world, Rule::Open);
    healthy(&through(&world, ""));
}

#[test]
fn tinyproxy_that_filters_is_one_cause() {
    let world = shut();
    let _proxy = Tinyproxy::start(&world, Rule::Filtered);
    let report = through(&world, "");
    exactly_and_nothing_reached("proxy-denied", &report);
    assert_eq!(report.argument("proxy-denied", "product"), "tinyproxy", "{report}");
}

#[test]
fn tinyproxy_that_wants_a_password_answers_401_to_a_wrong_one() {
    let world = shut();
    let _proxy = Tinyproxy::start(&world, Rule::Password);
    for (user, status) in [("", "407"), ("duo:wrong@", "401")] {
        let report = through(&world, user);
        exactly_and_nothing_reached("proxy-auth-required", &report);
        assert_eq!(report.argument("proxy-auth-required", "status"), status, "{report}");
    }
    healthy(&through(&world, &format!("{}@", tinyproxy::CREDENTIALS)));
}

#[test]
fn tinyproxy_whose_upstream_is_shut_answers_500() {
    let world = shut();
    let _proxy = Tinyproxy::start(&world, Rule::Open);
    world.outside.filter_output("tcp dport 443 reject with tcp reset");
    exactly_and_nothing_reached("proxy-bad-reply", &through(&world, ""));
}

#[test]
fn mitmproxy_is_named_whether_trusted_or_not() {
    let world = shut();
    let proxy = Mitmproxy::start(&world);
    let untrusted = through(&world, "");
    exactly_and_nothing_reached("tls-intercepted", &untrusted);
    assert_eq!(untrusted.argument("tls-intercepted", "product"), "mitmproxy", "{untrusted}");
    let trusted = trusting(&world, &proxy.root_file());
    healthy(&trusted);
    assert_eq!(trusted.argument(PRIVATE_AUTHORITY, "product"), "mitmproxy", "{trusted}");
    world.outside.filter_output("tcp dport 443 reject with tcp reset");
    exactly_and_nothing_reached("proxy-upstream-failed", &trusting(&world, &proxy.root_file()));
}
