//! What the components of one node do with the same way out: each with the environment and the trust that its
//! files give it, over real proxies, while the direct way is open or shut.

use crate::support::authority::Authority;
use crate::support::node_tree::{NodeTree, Variables};
use crate::support::program::Report;
use crate::support::squid::{Policy, Squid};
use crate::support::world::{World, ZONE_SIX};
use crate::{beside_the_authority, exactly};

const PROXY: &str = "http://192.0.2.80:3128";
const BOTH: Variables = &[("http_proxy", PROXY), ("https_proxy", PROXY)];
const ONLY_HTTPS: Variables = &[("https_proxy", PROXY)];
const ONLY_HTTP: Variables = &[("http_proxy", PROXY)];
const NONE: Variables = &[];

/// The direct way is shut, by a firewall that says so.
fn shut() -> World {
    let world = World::new();
    world.node.filter_output("ip daddr 104.16.0.0/13 reject with tcp reset");
    world
}

/// The checks of a node with these files.
fn check(world: &World, tree: &NodeTree) -> Report {
    world.check_without_trust(&["--only", "proxy-config", "--sysroot", &tree.path()])
}

/// A node on which the services' authority counts as public.
fn node(world: &World, rails: Variables, workhorse: Variables) -> NodeTree {
    NodeTree::new(rails, workhorse).public(&world.authority)
}

/// The checks of a node with these environments behind a Squid that lets through.
fn behind_squid(world: &World, rails: Variables, workhorse: Variables) -> Report {
    let _squid = Squid::outside(world, Policy::Open);
    check(world, &node(world, rails, workhorse))
}

#[track_caller]
fn nothing_to_mend(report: &Report) {
    assert_eq!(beside_the_authority(report), [""; 0], "{report}");
    assert_eq!(report.failing_checks(), [""; 0], "{report}");
    let reached = report.passing("http");
    assert!(reached.contains(&"http@cloud/rails") && reached.contains(&"http@customers/rails"), "{report}");
}

#[test]
fn a_node_that_goes_out_directly_is_healthy() {
    let world = World::new();
    nothing_to_mend(&check(&world, &node(&world, NONE, NONE)));
}

#[test]
fn a_node_whose_every_component_has_the_proxy_is_healthy() {
    nothing_to_mend(&behind_squid(&shut(), BOTH, BOTH));
}

#[test]
fn only_https_proxy_is_ignored_by_rails() {
    let report = behind_squid(&shut(), ONLY_HTTPS, ONLY_HTTPS);
    exactly("proxy-variable-ignored", &report);
    assert!(!report.passing("http").contains(&"http@cloud/rails"), "{report}");
}

#[test]
fn only_http_proxy_is_ignored_by_workhorse() {
    exactly("proxy-variable-ignored", &behind_squid(&shut(), ONLY_HTTP, ONLY_HTTP));
}

#[test]
fn an_ignored_variable_beside_an_open_way_is_a_difference() {
    exactly("proxy-differs", &behind_squid(&World::new(), ONLY_HTTPS, ONLY_HTTPS));
}

#[test]
fn workhorse_without_the_proxy_is_missing_it() {
    exactly("proxy-missing-in-workhorse", &behind_squid(&shut(), BOTH, NONE));
}

#[test]
fn rails_without_the_proxy_is_missing_it() {
    exactly("proxy-missing-in-rails", &behind_squid(&shut(), NONE, BOTH));
}

#[test]
fn an_exception_for_all_of_gitlab_bypasses_the_proxy() {
    for exception in ["gitlab.com", "localhost,.gitlab.com"] {
        let with = [BOTH, &[("no_proxy", exception)]].concat();
        exactly("no-proxy-bypasses-duo", &behind_squid(&shut(), &with, &with));
    }
}

#[test]
fn an_exception_that_only_go_understands_bypasses_the_proxy_for_workhorse() {
    let with = [BOTH, &[("no_proxy", "*.gitlab.com")]].concat();
    let report = behind_squid(&shut(), &with, &with);
    let causes: Vec<&str> =
        beside_the_authority(&report).into_iter().filter(|code| *code != "no-proxy-unsupported").collect();
    assert_eq!(causes, ["no-proxy-bypasses-duo"], "{report}");
    assert!(report.passing("http").contains(&"http@cloud/rails"), "{report}");
}

#[test]
fn a_proxy_that_denies_everybody_is_missing_nowhere() {
    let world = shut();
    let _squid = Squid::outside(&world, Policy::Denied);
    let report = check(&world, &node(&world, BOTH, BOTH));
    exactly("proxy-denied", &report);
    assert_eq!(report.passing("http"), [""; 0], "{report}");
}

#[test]
fn an_authority_that_only_the_system_trusts_is_missing_in_rails() {
    let world = shut();
    let inspector = Authority::named("Example web gateway");
    let _squid = Squid::inspecting(&world, &inspector);
    let tree = node(&world, BOTH, BOTH).trusted_by_the_system(&inspector);
    let report = check(&world, &tree);
    exactly("ca-missing-in-rails", &report);
    assert!(!report.passing("http").contains(&"http@cloud/rails"), "{report}");
    assert!(report.passing("http").contains(&"http@cloud/workhorse"), "{report}");
}

#[test]
fn an_authority_that_nobody_trusts_is_one_cause_for_all_components() {
    let world = shut();
    let inspector = Authority::named("Example web gateway");
    let _squid = Squid::inspecting(&world, &inspector);
    let report = check(&world, &node(&world, BOTH, BOTH));
    assert_eq!(report.root_causes(), ["tls-intercepted"], "{report}");
    assert_eq!(report.passing("http"), [""; 0], "{report}");
}

#[test]
fn an_authority_in_gitlabs_own_folder_is_trusted_by_every_component() {
    let world = shut();
    let inspector = Authority::named("Example web gateway");
    let _squid = Squid::inspecting(&world, &inspector);
    let tree = node(&world, BOTH, BOTH).trusted_by_gitlab(&inspector, "gateway");
    nothing_to_mend(&check(&world, &tree));
}

#[test]
fn a_silent_resolver_behind_a_proxy_fails_rails() {
    let world = World::with_zone("local-zone: gitlab.com. deny");
    let report = behind_squid(&world, BOTH, BOTH);
    exactly("dns-timeout", &report);
}

#[test]
fn a_quick_no_of_the_resolver_behind_a_proxy_is_worth_a_warning() {
    let world = World::with_zone("local-zone: gitlab.com. static");
    let report = behind_squid(&world, BOTH, BOTH);
    exactly("dns-fails-behind-proxy", &report);
    assert!(report.passing("http").contains(&"http@cloud/rails"), "{report}");
}

#[test]
fn a_first_address_that_is_dead_fails_rails() {
    let world = World::with_zone(ZONE_SIX);
    world.outside.filter_input("ip6 daddr 2606:4700::/32 drop");
    let report = check(&world, &node(&world, NONE, NONE));
    exactly("first-address-unreachable", &report);
}
