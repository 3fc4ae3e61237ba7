//! The doors of a node on real parts, and what may be said at them.

use crate::front::Front;
use crate::mending::{Proof, each_succeeds};
use crate::rows::{Finds, NOTHING, alone, at_the_front_end, at_the_nodes_nginx, each, wrong};
use crate::support::action_cable::{CableAtSocket, Settings};
use crate::support::authority::{Authority, Identity};
use crate::support::back_end::BackEnd;
use crate::support::bundled_nginx::{BundledNginx, Setting};
use crate::support::haproxy::Haproxy;
use crate::support::nginx::{Nginx, Place, Site};
use crate::support::node_tree::NodeTree;
use crate::support::program::{self, Report};
use crate::support::{apache, caddy, haproxy, nginx, squid_reverse, varnish};
use crate::{HOST, Instance, NOBODYS_NODE, inbound, inbound_as_root};
use std::fs;
use std::net::SocketAddr;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;

/// Doors that are one of a kind.
const DOORS: &[Proof] = &[
    ("an NGINX that wants the PROXY protocol is told who comes", proxy_protocol),
    ("a client certificate opens a front end that asks for one", |i| client_certificate(i, of_a_front_end)),
    ("a client certificate opens a node's NGINX that asks for one", |i| {
        client_certificate(i, of_a_nodes_nginx);
    }),
    ("below a relative URL root every door has that path", relative_root),
    ("an Origin on the list is taken whatever the Host", listed_origin),
    ("another Origin that is taken shows that the own one is refused", another_listed_origin),
    ("nothing at the path of Workhorse's socket", |i| workhorse_down(i, drop)),
    ("a socket that a dead Workhorse left behind", |i| {
        workhorse_down(i, |path| drop(UnixListener::bind(path).expect("the directory is writable")));
    }),
    ("on the node itself all doors of a healthy instance pass", on_the_node_itself),
    ("a token is shown to a trusted server", |i| token(i, &i.identity, true)),
    ("no token is shown to a server of an unknown issuer", |i| {
        token(i, &Authority::named("Somebody else").issue(&[HOST]), false);
    }),
    ("no token is shown to a server of another name", |i| {
        token(i, &i.authority.issue(&["elsewhere.example.com"]), false);
    }),
];

#[test]
fn each_door_is_tried_as_it_wants_to_be() {
    each_succeeds(DOORS);
}

#[track_caller]
fn is(report: &Report, finds: Finds) {
    assert_eq!(wrong(report, finds), None, "{report}");
}

/// A node behind whose NGINX stands the instance's Action Cable in Workhorse's place, by TCP.
fn node(instance: &Instance, setting: Setting) -> (NodeTree, BundledNginx) {
    let tree = NodeTree::new(&[], &[]);
    tree.workhorse_by_tcp(instance.cable.address);
    let nginx = BundledNginx::start(&tree, setting, &instance.identity, instance.cable.address);
    (tree, nginx)
}

fn proxy_protocol(instance: &Instance) {
    let (tree, nginx) = node(instance, Setting::ProxyProtocol);
    let balancer = Haproxy::relay(nginx.address);
    let report = instance.node_checks(&tree, balancer.address, &[]);
    is(&report, NOTHING);
    assert_eq!(report.status("cable@nginx"), "pass", "{report}");
}

/// Who ends TLS before an NGINX of the node with `listen_https` false.
pub(crate) const ENDING_TLS: &[(Front, Finds)] = &[
    (Front::Haproxy(haproxy::Site::Healthy), NOTHING),
    (Front::Apache(apache::Site::RewriteRules), NOTHING),
    (Front::Caddy(caddy::Site::Healthy), NOTHING),
];

#[test]
fn an_nginx_behind_whoever_ends_tls_is_spoken_to_in_plain_text() {
    let instance = Instance::new();
    let (tree, nginx) = node(&instance, Setting::PlainHttp);
    each(ENDING_TLS, |front| {
        let running = front.start(&instance.identity, nginx.address);
        let report = instance.node_checks(&tree, running.address, &[]);
        assert_eq!(report.status("cable@nginx"), "pass", "{report}");
        report
    });
}

const WANTED: Finds = alone(&["client-certificate-required"]);

/// The public door of a client, and that of a node.
fn client_certificate(instance: &Instance, door: fn(&Instance, &[&str]) -> Report) {
    let directory = tempfile::tempdir().expect("a temporary directory can be made");
    instance.authority.issue_for_client("duo.example.com").write(directory.path());
    let file = |name| directory.path().join(name).display().to_string();
    is(&door(instance, &[]), WANTED);
    is(&door(instance, &["--cert", &file("server.pem"), "--key", &file("server.key")]), NOTHING);
}

fn of_a_front_end(instance: &Instance, more: &[&str]) -> Report {
    let front = Nginx::start(Site::ClientCertificate, &instance.identity, instance.cable.address);
    instance.client_checks(front.address, more)
}

fn of_a_nodes_nginx(instance: &Instance, more: &[&str]) -> Report {
    let (tree, nginx) = node(instance, Setting::ClientCertificate);
    instance.node_checks(&tree, nginx.address, more)
}

fn relative_root(_: &Instance) {
    let instance = Instance::set(Settings { relative_url_root: "/git", ..Settings::default() });
    let url = "https://gitlab.example.com/git";
    let front = Nginx::start(Site::RelativeRoot, &instance.identity, instance.cable.address);
    is(&inbound(&instance.authority, NOBODYS_NODE, url, front.address, &[]), NOTHING);
    let (tree, nginx) = node(&instance, Setting::RelativeRoot);
    tree.external_url(url);
    let front =
        Front::Apache(apache::Site::RewriteRules).start(&instance.identity, BackEnd::Tls(nginx.address));
    let report = inbound(&instance.authority, &tree.path(), url, front.address, &[]);
    is(&report, NOTHING);
    assert_eq!(report.status("cable@workhorse"), "pass", "{report}");
}

/// Before an instance at port 8443.
pub(crate) const AT_A_PORT: &[(Front, Finds)] = &[
    (Front::Nginx(nginx::Site::Upgrade), NOTHING),
    (Front::Apache(apache::Site::RewriteRules), NOTHING),
    (Front::Haproxy(haproxy::Site::Healthy), NOTHING),
    (Front::Caddy(caddy::Site::Healthy), NOTHING),
    (Front::Nginx(nginx::Site::PortDropped), at_the_front_end(&["websocket-origin-rejected"], "NGINX")),
];

#[test]
fn a_port_that_is_not_the_default_one_is_part_of_the_origin() {
    let instance = Instance::new();
    each(AT_A_PORT, |front| {
        let running = front.start(&instance.identity, instance.cable.address);
        let url = "https://gitlab.example.com:8443";
        inbound(&instance.authority, NOBODYS_NODE, url, running.address, &[])
    });
}

/// The administrator has listed the instance's own Origin: a `Host` that is not kept does no harm to the socket.
fn listed_origin(_: &Instance) {
    let instance =
        Instance::set(Settings { allowed_origins: &["https://gitlab.example.com"], ..Settings::default() });
    let front = Nginx::start(Site::HostNotKept, &instance.identity, instance.cable.address);
    is(&instance.client_checks(front.address, &[]), NOTHING);
}

/// The list names another name of the instance: that one is taken, so the upgrade arrives.
fn another_listed_origin(_: &Instance) {
    let listed = "https://geo.example.com";
    let instance = Instance::set(Settings { allowed_origins: &[listed], ..Settings::default() });
    let tree = NodeTree::new(&[], &[]);
    tree.workhorse_by_tcp(instance.cable.address);
    tree.set(&format!("gitlab_rails['action_cable_allowed_origins'] = ['{listed}']\n"));
    let front = Front::Haproxy(haproxy::Site::HostReplaced).start(&instance.identity, instance.cable.address);
    let report = instance.node_checks(&tree, front.address, &[]);
    is(&report, at_the_front_end(&["websocket-origin-rejected"], "HAProxy"));
}

/// Nobody listens behind the front end.
pub(crate) const DOWN: &[(Front, Finds)] = &[
    (Front::Apache(apache::Site::RewriteRules), at_the_front_end(&["instance-unreachable"], "Apache")),
    (Front::Nginx(nginx::Site::Upgrade), at_the_front_end(&["instance-unreachable"], "NGINX")),
    (Front::Haproxy(haproxy::Site::Healthy), at_the_front_end(&["instance-unreachable"], "HAProxy")),
    (Front::Caddy(caddy::Site::Healthy), at_the_front_end(&["instance-unreachable"], "Caddy")),
    (Front::Varnish(varnish::Site::Pipe), at_the_front_end(&["instance-unreachable"], "Varnish")),
    (Front::Squid(squid_reverse::Site::Upgrade), at_the_front_end(&["instance-unreachable"], "squid")),
];

#[test]
fn a_front_end_before_nothing_says_so_in_its_own_name() {
    let instance = Instance::new();
    each(DOWN, |front| {
        let running = front.start(&instance.identity, BackEnd::nobody());
        instance.client_checks(running.address, &[])
    });
}

/// Behind an `HAProxy` that is right: the server behind it is named by its marks on the refusal, or by its own page.
pub(crate) const BEHIND_HAPROXY: &[(Front, Finds)] = &[
    (Front::Apache(apache::Site::RewriteRules), NOTHING),
    (Front::Apache(apache::Site::ProxyPass), at_the_front_end(&["websocket-upgrade-stripped"], "Apache")),
    (Front::Apache(apache::Site::Firewall), at_the_front_end(&["body-limit-low"], "Apache")),
    (Front::Nginx(nginx::Site::Upgrade), NOTHING),
    (Front::Nginx(nginx::Site::SmallBody), at_the_front_end(&["body-limit-low"], "NGINX")),
    (Front::Nginx(nginx::Site::CableNotServed), at_the_front_end(&["websocket-not-found"], "NGINX")),
    (Front::Nginx(nginx::Site::Denied), at_the_front_end(&["instance-unreachable"], "NGINX")),
];

#[test]
fn a_server_behind_haproxy_is_named_where_it_is_at_fault() {
    let instance = Instance::new();
    each(BEHIND_HAPROXY, |behind| {
        let behind = behind.start(&instance.identity, instance.cable.address);
        let haproxy =
            Haproxy::start(haproxy::Site::Healthy, &instance.identity, BackEnd::Tls(behind.address));
        instance.client_checks(haproxy.address, &[])
    });
}

/// Behind the node's NGINX stands nobody: seen on the node itself, where its files hold for certain.
fn workhorse_down(instance: &Instance, leaves: fn(PathBuf)) {
    let tree = NodeTree::new(&[], &[]);
    let socket = tree.workhorse_socket();
    leaves(socket.clone());
    let nginx = BundledNginx::start(&tree, Setting::Shipped, &instance.identity, socket);
    let front = Front::Apache(apache::Site::RewriteRules).start(&instance.identity, nginx.back_end());
    let report = inbound_as_root(&instance.authority, &tree, front.address, &[]);
    is(&report, alone(&["workhorse-down"]));
}

fn on_the_node_itself(instance: &Instance) {
    let tree = NodeTree::new(&[], &[]);
    let workhorse = CableAtSocket::start_at(tree.workhorse_socket());
    let nginx = BundledNginx::start(&tree, Setting::Shipped, &instance.identity, workhorse.back_end());
    let front = Front::Apache(apache::Site::RewriteRules).start(&instance.identity, nginx.back_end());
    let report = inbound_as_root(&instance.authority, &tree, front.address, &[]);
    is(&report, NOTHING);
    for door in ["public", "nginx", "workhorse"] {
        assert_eq!(report.status(&format!("cable@{door}")), "pass", "{report}");
    }
}

/// The instance's name leads to the node itself: its NGINX is the public door, and the only hop before Workhorse.
pub(crate) const BY_ITSELF: &[(Setting, Finds)] = &[
    (Setting::Shipped, NOTHING),
    (Setting::UpgradeTakenOut, at_the_nodes_nginx(&["websocket-upgrade-stripped"])),
    (Setting::HostReplaced, at_the_nodes_nginx(&["websocket-origin-rejected"])),
    (Setting::SmallBody, at_the_nodes_nginx(&["body-limit-low"])),
    (Setting::Http1Only, at_the_nodes_nginx(&["http2-not-offered"])),
];

#[test]
fn an_nginx_that_is_the_public_door_itself_is_the_hop() {
    let instance = Instance::new();
    each(BY_ITSELF, |setting| {
        let (tree, nginx) = node(&instance, setting);
        let SocketAddr::V4(address) = nginx.address else { panic!("loopback servers use IPv4") };
        let url = format!("https://{HOST}:{}", address.port());
        tree.external_url(&url);
        tree.leads_to_itself(*address.ip());
        let cacert = instance.authority.root_file().display().to_string();
        let tree = tree.path();
        program::check(&["--sysroot", &tree, "--cacert", &cacert, "--only", "inbound", "--timeout", "5"])
    });
}

/// The token goes to a server that the client trusts, and to no other.
fn token(instance: &Instance, identity: &Identity, is_shown: bool) {
    let mut front = Nginx::start(Site::Upgrade, identity, instance.cable.address);
    let log = front.configuration.file().with_file_name("requests.log");
    let line = format!("access_log {} shown;", log.display());
    front.configuration.insert_last(Place::Http, "log_format shown '$request_uri|$http_authorization|';");
    front.configuration.insert_last(Place::Server, &line);
    front.reload();
    let more = ["--token-file", &instance.token_file(), "--allow-completion"];
    let report = instance.client_checks(front.address, &more);
    let log = fs::read_to_string(log).expect("NGINX writes its log");
    assert!(log.contains("/users/sign_in|-|"), "{log}");
    assert_eq!(log.contains("Bearer"), is_shown, "{log}\n{report}");
    assert_eq!(log.contains("/-/cable|Bearer"), is_shown, "{log}\n{report}");
}
