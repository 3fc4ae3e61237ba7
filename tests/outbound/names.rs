//! What a resolver says: Debian's Unbound, asked by the system's own `getaddrinfo` and by record type.

use crate::support::program::Report;
use crate::support::world::World;
use crate::{exactly, exactly_and_nothing_reached, healthy};

fn zone(zone: &str) -> Report {
    World::with_zone(zone).check(&[])
}

#[test]
fn a_name_that_does_not_exist_is_that() {
    exactly_and_nothing_reached("dns-no-such-host", &zone("local-zone: gitlab.com. static"));
}

#[test]
fn a_name_without_an_address_is_that() {
    let report = zone(
        "local-zone: gitlab.com. static
local-data: 'cloud.gitlab.com. 300 IN TXT none'
local-data: 'customers.gitlab.com. 300 IN TXT none'",
    );
    exactly_and_nothing_reached("dns-no-address", &report);
}

#[test]
fn a_resolver_that_cannot_ask_further_has_failed() {
    // Unbound refuses to ask loopback, so there is nobody to forward to: SERVFAIL at once.
    let report = zone("forward-zone:\nname: gitlab.com.\nforward-addr: 127.0.0.1");
    exactly_and_nothing_reached("dns-server-failed", &report);
    assert_eq!(report.argument("dns-server-failed", "answer"), "SERVFAIL", "{report}");
}

#[test]
fn a_resolver_that_refuses_has_failed() {
    let report = zone("local-zone: gitlab.com. refuse");
    exactly_and_nothing_reached("dns-server-failed", &report);
    assert_eq!(report.argument("dns-server-failed", "answer"), "REFUSED", "{report}");
}

#[test]
fn a_resolver_that_drops_the_question_is_a_timeout() {
    exactly_and_nothing_reached("dns-timeout", &zone("local-zone: gitlab.com. deny"));
}

#[test]
fn a_resolver_behind_a_closed_port_is_a_timeout() {
    let world = World::new();
    world.node.write("resolv.conf", "nameserver 192.0.2.80\n");
    exactly_and_nothing_reached("dns-timeout", &world.check(&[]));
}

#[test]
fn a_private_answer_is_worth_a_warning() {
    let report = zone(
        "local-zone: gitlab.com. static
local-data: 'cloud.gitlab.com. 300 IN A 10.20.30.40'
local-data: 'customers.gitlab.com. 300 IN A 104.18.27.123'",
    );
    exactly("dns-private-address", &report);
    assert_eq!(report.argument("dns-private-address", "address"), "10.20.30.40", "{report}");
    assert_eq!(report.passing("http").len(), 2, "{report}");
}

#[test]
fn a_dead_first_resolver_makes_names_slow() {
    let world = World::new();
    world
        .node
        .write("resolv.conf", "nameserver 192.0.2.99\nnameserver 192.0.2.53\noptions timeout:1 attempts:1\n");
    world.outside.filter_input("ip daddr 192.0.2.99 drop");
    let report = world.check(&["--timeout", "5"]);
    exactly("dns-slow", &report);
    assert_eq!(report.passing("http").len(), 2, "{report}");
}

#[test]
fn a_hosts_file_that_pins_a_name_is_worth_a_warning() {
    let world = World::new();
    world.node.write("hosts", "127.0.0.1 localhost\n104.18.27.123 cloud.gitlab.com\n");
    let report = world.check(&[]);
    exactly("dns-overridden", &report);
    assert_eq!(report.argument("dns-overridden", "host"), "cloud.gitlab.com", "{report}");
}

#[test]
fn a_second_resolver_that_answers_is_enough() {
    let world = World::new();
    world.node.write("resolv.conf", "nameserver 192.0.2.80\nnameserver 192.0.2.53\n");
    healthy(&world.check(&[]));
}

#[test]
fn a_hosts_file_does_without_a_resolver() {
    let world = World::new();
    let hosts = "127.0.0.1 localhost\n104.18.26.123 cloud.gitlab.com\n104.18.27.123 customers.gitlab.com\n";
    world.node.write("hosts", hosts);
    world.node.write("resolv.conf", "nameserver 192.0.2.99\n");
    let report = world.check(&[]);
    exactly("dns-overridden", &report);
    assert_eq!(report.passing("http").len(), 2, "{report}");
}

#[test]
fn a_resolver_that_is_named_is_asked_in_place_of_the_systems() {
    let world = World::new();
    world.node.write("resolv.conf", "nameserver 192.0.2.80\n");
    healthy(&world.check(&["--nameserver", "192.0.2.53:53"]));
}

#[test]
fn a_named_resolver_tells_each_refusal_apart() {
    for (zone, code) in [
        ("local-zone: gitlab.com. static", "dns-no-such-host"),
        ("local-zone: gitlab.com. refuse", "dns-server-failed"),
        ("local-zone: gitlab.com. deny", "dns-timeout"),
    ] {
        let world = World::with_zone(zone);
        let report = world.check(&["--nameserver", "192.0.2.53:53"]);
        assert_eq!(report.root_causes(), [code], "{report}");
        assert_eq!(report.passing("http"), [""; 0], "{report}");
    }
}
