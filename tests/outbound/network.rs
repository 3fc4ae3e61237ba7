//! What a packet filter, a route or a small path does to connections: by nftables and iproute2, on real packets.

use crate::support::world::{CLOUD, CUSTOMERS, World, ZONE_SIX};
use crate::{exactly, exactly_and_nothing_reached, healthy};

/// A check of a world whose outer side filters what comes in.
fn filtered(rules: &str) -> crate::support::program::Report {
    let world = World::new();
    world.outside.filter_input(rules);
    world.check(&[])
}

#[test]
fn a_free_way_is_healthy() {
    healthy(&World::new().check(&[]));
}

#[test]
fn dropped_packets_are_a_timeout() {
    exactly_and_nothing_reached("tcp-timeout", &filtered("tcp dport 443 drop"));
}

#[test]
fn a_reset_is_a_refusal() {
    exactly_and_nothing_reached("tcp-refused", &filtered("tcp dport 443 reject with tcp reset"));
}

#[test]
fn an_unreachable_port_is_a_refusal() {
    exactly_and_nothing_reached("tcp-refused", &filtered("tcp dport 443 reject with icmpx port-unreachable"));
}

#[test]
fn a_prohibition_is_unreachable() {
    let report = filtered("tcp dport 443 reject with icmpx admin-prohibited");
    exactly_and_nothing_reached("tcp-unreachable", &report);
}

#[test]
fn a_host_that_is_not_there_is_unreachable() {
    exactly_and_nothing_reached(
        "tcp-unreachable",
        &filtered("tcp dport 443 reject with icmpx host-unreachable"),
    );
}

#[test]
fn routes_that_refuse_are_unreachable() {
    for kind in ["unreachable", "prohibit", "blackhole"] {
        let world = World::new();
        world.node.ip(&format!("route add {kind} 104.16.0.0/13\n"));
        let report = world.check(&[]);
        assert_eq!(report.root_causes(), ["tcp-unreachable"], "{kind}: {report}");
        assert_eq!(report.passing("tcp"), [""; 0], "{kind}: {report}");
    }
}

#[test]
fn one_blocked_host_does_not_blame_the_other() {
    let report = filtered("ip daddr 104.18.26.123 tcp dport 443 drop");
    exactly("tcp-timeout", &report);
    assert_eq!(report.failing_checks(), ["tcp@cloud/shell"], "{report}");
    assert_eq!(report.passing("http"), ["http@customers/shell"], "{report}");
}

#[test]
fn a_device_that_drops_large_hellos_is_named() {
    let report = filtered("tcp dport 443 meta length > 900 drop");
    exactly("tls-large-hello-dropped", &report);
    assert_eq!(report.argument("tls-large-hello-dropped", "how"), "gets no answer", "{report}");
    assert_eq!(report.passing("tls"), [""; 0], "{report}");
}

#[test]
fn a_device_that_resets_large_hellos_is_named() {
    let report = filtered("tcp dport 443 meta length > 900 reject with tcp reset");
    exactly("tls-large-hello-dropped", &report);
    assert_eq!(report.argument("tls-large-hello-dropped", "how"), "is answered with a reset", "{report}");
}

#[test]
fn a_device_that_drops_every_hello_is_a_tls_timeout() {
    let report = filtered("tcp dport 443 tcp flags & (syn | psh) == psh drop");
    exactly_and_nothing_reached("tls-timeout", &report);
    assert_eq!(report.passing("tcp").len(), 2, "{report}");
}

#[test]
fn a_device_that_resets_every_hello_is_a_tls_reset() {
    let report = filtered("tcp dport 443 tcp flags & (syn | psh) == psh reject with tcp reset");
    exactly_and_nothing_reached("tls-reset", &report);
    assert_eq!(report.passing("tcp").len(), 2, "{report}");
}

#[test]
fn a_path_on_which_large_packets_vanish_is_a_black_hole() {
    for filter in [
        |world: &World| world.outside.filter_output("tcp sport 443 meta length > 1000 drop"),
        |world: &World| world.node.filter_input("tcp sport 443 meta length > 700 drop"),
    ] {
        let world = World::with_large_certificate();
        filter(&world);
        exactly_and_nothing_reached("mtu-black-hole", &world.check(&[]));
    }
}

#[test]
fn a_path_on_which_large_packets_vanish_both_ways_is_a_black_hole() {
    let world = World::with_large_certificate();
    let rule = |port| format!("tcp {port} 443 meta length > 1000 drop");
    world.outside.filter_output(&rule("sport"));
    world.outside.filter_input(&rule("dport"));
    exactly_and_nothing_reached("mtu-black-hole", &world.check(&[]));
}

#[test]
fn a_path_that_says_how_large_packets_may_be_is_healthy() {
    let world = World::with_large_certificate();
    world.node.ip("link set cable mtu 1280\n");
    healthy(&world.check(&[]));
}

#[test]
fn both_families_are_healthy() {
    let report = World::with_zone(ZONE_SIX).check(&[]);
    healthy(&report);
    assert_eq!(report.passing("addresses").len(), 2, "{report}");
}

#[test]
fn ipv6_that_gets_no_answer_is_broken() {
    let world = World::with_zone(ZONE_SIX);
    world.outside.filter_input("ip6 daddr 2606:4700::/32 drop");
    let report = world.check(&[]);
    exactly("ipv6-broken", &report);
    assert_eq!(report.passing("http").len(), 2, "{report}");
}

#[test]
fn ipv6_that_is_refused_is_broken() {
    let world = World::with_zone(ZONE_SIX);
    world.outside.filter_input("ip6 daddr 2606:4700::/32 tcp dport 443 reject with tcp reset");
    exactly("ipv6-broken", &world.check(&[]));
}

#[test]
fn a_node_without_ipv6_is_healthy() {
    let world = World::with_zone(ZONE_SIX);
    world.node.ip("route delete default via fd00:9::1\n");
    healthy(&world.check(&[]));
}

#[test]
fn a_firewall_that_refuses_ipv6_at_once_costs_nothing() {
    let world = World::with_zone(ZONE_SIX);
    world.outside.filter_input("ip6 daddr 2606:4700::/32 tcp dport 443 reject with icmpx admin-prohibited");
    healthy(&world.check(&[]));
}

#[test]
fn a_node_with_ipv6_alone_is_healthy() {
    let world = World::with_zone(ZONE_SIX);
    // The resolver stays where it is.
    world.node.ip("route delete default via 10.9.0.1\nroute add 192.0.2.0/24 via 10.9.0.1\n");
    healthy(&world.check(&[]));
}

#[test]
fn connections_whose_first_packet_is_often_lost_are_suspected_of_loss() {
    let world = World::new();
    let every_other = |address| {
        format!(
            "ip daddr {address} tcp dport 443 tcp flags & (syn | ack) == syn numgen inc mod 2 == 0 drop\n"
        )
    };
    world.outside.filter_input(&(every_other(CLOUD) + &every_other(CUSTOMERS)));
    let report = world.check(&["--timeout", "8"]);
    exactly("packet-loss-suspected", &report);
    assert_eq!(report.passing("http").len(), 2, "{report}");
}

#[test]
fn a_node_with_a_route_for_ipv6_and_no_address_has_it_broken() {
    let world = World::with_zone(ZONE_SIX);
    world.node.ip("address delete fd00:9::2/64 dev cable\n");
    exactly("ipv6-broken", &world.check(&[]));
}

#[test]
fn a_node_whose_ipv4_is_shut_and_whose_ipv6_works_is_healthy() {
    let world = World::with_zone(ZONE_SIX);
    world.outside.filter_input("ip daddr 104.16.0.0/13 tcp dport 443 reject with tcp reset");
    healthy(&world.check(&[]));
}

#[test]
fn nothing_gets_out_by_either_family_is_one_timeout() {
    let world = World::with_zone(ZONE_SIX);
    world.outside.filter_input("tcp dport 443 drop");
    exactly_and_nothing_reached("tcp-timeout", &world.check(&[]));
}
