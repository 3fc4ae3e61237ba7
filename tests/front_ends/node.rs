//! The same seen from the node behind the web server: what works at an inner door and fails at an outer one names the
//! hop between.

use crate::front::Front;
use crate::rows::{Finds, NOTHING, at_the_front_end, at_the_nodes_nginx, each};
use crate::support::action_cable::CableAtSocket;
use crate::support::bundled_nginx::{BundledNginx, Setting};
use crate::support::node_tree::NodeTree;
use crate::support::{apache, caddy, haproxy, nginx, squid_reverse, varnish};
use crate::{HOLD, Instance};

const fn stripped(product: &'static str) -> Finds {
    at_the_front_end(&["websocket-upgrade-stripped"], product)
}

const fn origin(product: &'static str) -> Finds {
    at_the_front_end(&["websocket-origin-rejected"], product)
}

const fn cut(product: &'static str) -> Finds {
    at_the_front_end(&["websocket-idle-cut"], product)
}

const fn body(product: &'static str) -> Finds {
    at_the_front_end(&["body-limit-low"], product)
}

const fn http2(product: &'static str) -> Finds {
    at_the_front_end(&["http2-not-offered"], product)
}

fn hold(front: Front) -> &'static [&'static str] {
    if front.is_short() { HOLD } else { &[] }
}

/// `nginx['enable'] = false`, and Workhorse listens by TCP for the web server before it.
pub(crate) const BEFORE_WORKHORSE_BY_TCP: &[(Front, Finds)] = &[
    (Front::Apache(apache::Site::RewriteRules), NOTHING),
    (Front::Apache(apache::Site::ProxyPass), stripped("Apache")),
    (Front::Apache(apache::Site::HostNotPreserved), origin("Apache")),
    (Front::Apache(apache::Site::ShortTimeout), cut("Apache")),
    (Front::Apache(apache::Site::Firewall), body("Apache")),
    (Front::Apache(apache::Site::Http1WithRules), http2("Apache")),
    (Front::Nginx(nginx::Site::Upgrade), NOTHING),
    (Front::Nginx(nginx::Site::NoUpgrade), stripped("NGINX")),
    (Front::Nginx(nginx::Site::SchemeHttp), origin("NGINX")),
    (Front::Nginx(nginx::Site::ShortReadTimeout), cut("NGINX")),
    (Front::Nginx(nginx::Site::SmallBody), body("NGINX")),
    (Front::Haproxy(haproxy::Site::Healthy), NOTHING),
    (Front::Haproxy(haproxy::Site::UpgradeDeleted), stripped("HAProxy")),
    (Front::Haproxy(haproxy::Site::HostReplaced), origin("HAProxy")),
    (Front::Haproxy(haproxy::Site::NoTunnel), cut("HAProxy")),
    (Front::Haproxy(haproxy::Site::SmallBody), body("HAProxy")),
    (Front::Caddy(caddy::Site::Healthy), NOTHING),
    (Front::Caddy(caddy::Site::UpgradeRemoved), stripped("Caddy")),
    (Front::Caddy(caddy::Site::HostRewritten), origin("Caddy")),
    (Front::Caddy(caddy::Site::SmallBody), body("Caddy")),
    (Front::Varnish(varnish::Site::Pipe), NOTHING),
    (Front::Varnish(varnish::Site::NoPipe), stripped("Varnish")),
    (Front::Squid(squid_reverse::Site::Upgrade), http2("squid")),
];

/// The same with Workhorse's Unix socket.
pub(crate) const BEFORE_WORKHORSES_SOCKET: &[(Front, Finds)] = &[
    (Front::Apache(apache::Site::UpgradeWebsocket), NOTHING),
    (Front::Apache(apache::Site::RulesAfterCatchAll), stripped("Apache")),
    (Front::Nginx(nginx::Site::Upgrade), NOTHING),
    (Front::Nginx(nginx::Site::ConnectionNotSet), stripped("NGINX")),
    (Front::Haproxy(haproxy::Site::HttpClose), NOTHING),
    (Front::Haproxy(haproxy::Site::SchemeMissing), origin("HAProxy")),
    (Front::Caddy(caddy::Site::Healthy), NOTHING),
    (Front::Caddy(caddy::Site::SchemeHttp), origin("Caddy")),
    (Front::Varnish(varnish::Site::Pipe), NOTHING),
];

/// GitLab's own NGINX, as it is shipped, stands behind the web server.
pub(crate) const BEFORE_THE_NODES_NGINX: &[(Front, Finds)] = &[
    (Front::Apache(apache::Site::RewriteRules), NOTHING),
    (Front::Apache(apache::Site::UpgradeWebsocket), NOTHING),
    // The node's NGINX says https by itself.
    (Front::Apache(apache::Site::SchemeNotForwarded), NOTHING),
    (Front::Apache(apache::Site::ProxyPass), stripped("Apache")),
    (Front::Apache(apache::Site::ShortTimeout), cut("Apache")),
    (Front::Nginx(nginx::Site::Upgrade), NOTHING),
    (Front::Nginx(nginx::Site::NoUpgrade), stripped("NGINX")),
    (Front::Nginx(nginx::Site::HostNotKept), origin("NGINX")),
    (Front::Nginx(nginx::Site::SmallBody), body("NGINX")),
    (Front::Haproxy(haproxy::Site::Healthy), NOTHING),
    (Front::Haproxy(haproxy::Site::UpgradeDeleted), stripped("HAProxy")),
    (Front::Haproxy(haproxy::Site::HostReplaced), origin("HAProxy")),
    (Front::Caddy(caddy::Site::Healthy), NOTHING),
    (Front::Caddy(caddy::Site::ConnectionRemoved), stripped("Caddy")),
];

const HEALTHY: Front = Front::Apache(apache::Site::RewriteRules);

/// The web server before it is healthy, and a setting of the node's own NGINX is not.
pub(crate) const BEHIND_A_HEALTHY_FRONT_END: &[(Setting, Finds)] = &[
    (Setting::UpgradeTakenOut, at_the_nodes_nginx(&["websocket-upgrade-stripped"])),
    (Setting::ProtoHttp, NOTHING),
    (Setting::SchemeHttp, at_the_nodes_nginx(&["websocket-origin-rejected"])),
    (Setting::HostReplaced, at_the_nodes_nginx(&["websocket-origin-rejected"])),
    (Setting::SmallBody, at_the_nodes_nginx(&["body-limit-low"])),
    (Setting::Http1Only, NOTHING),
];

#[test]
fn a_web_server_before_workhorse_by_tcp() {
    let instance = Instance::new();
    let tree = NodeTree::new(&[], &[]);
    tree.workhorse_by_tcp(instance.cable.address);
    each(BEFORE_WORKHORSE_BY_TCP, |front| {
        let running = front.start(&instance.identity, instance.cable.address);
        instance.node_checks(&tree, running.address, hold(front))
    });
}

#[test]
fn a_web_server_before_workhorses_socket() {
    let instance = Instance::new();
    let tree = NodeTree::new(&[], &[]);
    let workhorse = CableAtSocket::start_at(tree.workhorse_socket());
    each(BEFORE_WORKHORSES_SOCKET, |front| {
        let running = front.start(&instance.identity, workhorse.back_end());
        instance.node_checks(&tree, running.address, hold(front))
    });
}

#[test]
fn a_web_server_before_the_nodes_nginx() {
    let instance = Instance::new();
    let tree = NodeTree::new(&[], &[]);
    let workhorse = CableAtSocket::start_at(tree.workhorse_socket());
    let nginx = BundledNginx::start(&tree, Setting::Shipped, &instance.identity, workhorse.back_end());
    each(BEFORE_THE_NODES_NGINX, |front| {
        let running = front.start(&instance.identity, nginx.back_end());
        instance.node_checks(&tree, running.address, hold(front))
    });
}

#[test]
fn a_setting_of_the_nodes_nginx_behind_a_healthy_web_server() {
    let instance = Instance::new();
    each(BEHIND_A_HEALTHY_FRONT_END, |setting| {
        let tree = NodeTree::new(&[], &[]);
        tree.workhorse_by_tcp(instance.cable.address);
        let nginx = BundledNginx::start(&tree, setting, &instance.identity, instance.cable.address);
        let running = HEALTHY.start(&instance.identity, nginx.back_end());
        instance.node_checks(&tree, running.address, &[])
    });
}
