//! The real servers answer as the other tests take for granted, seen by clients that share no code with the program.
//!
//! When a distribution's new version answers otherwise, these tests say so first.

mod support;

use std::net::SocketAddr;
use support::action_cable::ActionCable;
use support::apache::{Apache, Site};
use support::authority::Authority;
use support::child;
use support::client::{self, Handshake};
use support::fake_cloud::{FakeCloud, NAMES};
use support::namespace::Namespace;
use support::squid::{CREDENTIALS, Policy, Squid};
use support::tinyproxy::{Rule, Tinyproxy};
use support::world::{CLOUD, CLOUD_SIX, CUSTOMERS, CUSTOMERS_SIX, PROXY, World};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const HOST: &str = "gitlab.example.com";
const ORIGIN: &str = "https://gitlab.example.com";

/// The statuses are 404 `Page not found` for every cause: what Action Cable says when it refuses.
fn assert_page_not_found(handshake: &Handshake) {
    match handshake {
        Handshake::Refused { status, body, .. } => {
            assert_eq!((*status, body.contains("Page not found")), (404, true), "{handshake:?}");
        }
        Handshake::Open { .. } => panic!("opened: {handshake:?}"),
    }
}

fn assert_welcome_and_ping(handshake: &Handshake) {
    match handshake {
        Handshake::Open { protocol, messages } => {
            assert_eq!(protocol, "actioncable-v1-json");
            assert_eq!(messages[0], r#"{"type":"welcome"}"#);
            assert!(messages[1].starts_with(r#"{"type":"ping""#), "{messages:?}");
        }
        Handshake::Refused { .. } => panic!("refused: {handshake:?}"),
    }
}

#[test]
fn the_rack_application_answers_as_gitlab() {
    let cable = ActionCable::plain();
    let rows = [
        ("/-/health", "200", "GitLab OK"),
        ("/-/readiness", "200", r#""status":"ok""#),
        ("/users/sign_in", "200", "_gitlab_session="),
        ("/users/sign_in", "200", r#"X-Gitlab-Meta: {"correlation_id":""#),
        ("/", "302", "/users/sign_in"),
        ("/api/v4/version", "401", r#"{"message":"401 Unauthorized"}"#),
        ("/api/v4/metadata", "401", r#"{"message":"401 Unauthorized"}"#),
        ("/-/cable", "404", "Page not found"),
    ];
    for (path, status, part) in rows {
        let answer = client::get(cable.address, HOST, path);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{path}: {answer}");
        assert!(answer.contains(part), "{path}: {answer}");
    }
}

#[tokio::test]
async fn action_cable_welcomes_its_own_origin_and_refuses_others() {
    let authority = Authority::new();
    let cable = ActionCable::with_tls(&authority);
    let config = authority.client(&["http/1.1"]);
    assert_welcome_and_ping(&client::cable(cable.address, HOST, ORIGIN, config.clone(), 2).await);
    assert_page_not_found(&client::cable(cable.address, HOST, "https://elsewhere.example", config, 0).await);
}

/// A handshake with Action Cable behind Apache.
async fn handshake_behind(site: Site, messages: usize) -> Handshake {
    let authority = Authority::new();
    let cable = ActionCable::plain();
    let apache = Apache::start(site, &authority.issue(&[HOST]), cable.address);
    client::cable(apache.address, HOST, ORIGIN, authority.client(&["http/1.1"]), messages).await
}

#[tokio::test]
async fn apache_passes_the_upgrade_with_the_rewrite_rules_only() {
    assert_welcome_and_ping(&handshake_behind(Site::RewriteRules, 2).await);
    for site in [Site::ProxyPass, Site::HostNotPreserved, Site::SchemeNotForwarded, Site::RulesAfterCatchAll]
    {
        assert_page_not_found(&handshake_behind(site, 0).await);
    }
}

/// Action Cable computes the answer to the key before it looks at Origin, and fails without one: 500 proves that the
/// upgrade arrived, whatever is wrong with the Origin, and 404 that it did not.
#[tokio::test]
async fn a_handshake_without_a_key_tells_a_stripped_upgrade_from_a_refused_origin() {
    let authority = Authority::new();
    let identity = authority.issue(&[HOST]);
    let cable = ActionCable::plain();
    let rows = [
        (Site::RewriteRules, "500"),
        (Site::HostNotPreserved, "500"),
        (Site::SchemeNotForwarded, "500"),
        (Site::ProxyPass, "404"),
        (Site::RulesAfterCatchAll, "404"),
    ];
    for (site, expected) in rows {
        let apache = Apache::start(site, &identity, cable.address);
        let status = client::keyless_handshake(apache.address, HOST, authority.client(&["http/1.1"])).await;
        assert_eq!(status, expected, "{site:?}");
    }
}

#[tokio::test]
async fn apache_offers_http2_and_names_itself() {
    let authority = Authority::new();
    let cable = ActionCable::plain();
    let apache = Apache::start(Site::ProxyPass, &authority.issue(&[HOST]), cable.address);
    let (_stream, alpn) = client::tls(apache.address, HOST, authority.client(&["h2", "http/1.1"])).await;
    assert_eq!(alpn, "h2");
    let (stream, _alpn) = client::tls(apache.address, HOST, authority.client(&["http/1.1"])).await;
    let answer = client::get_over(stream, HOST, "/-/health").await;
    assert!(answer.contains("\r\nServer: Apache/2.4."), "{answer}");
    assert!(answer.ends_with("GitLab OK"), "{answer}");
}

/// The answer of a Squid under `policy` to a CONNECT with these further header lines.
fn connect(policy: Policy, header: &str) -> String {
    let squid = Squid::start(policy, NAMES, SocketAddr::from(([127, 0, 0, 1], 0)).ip());
    let request = format!(
        "CONNECT cloud.gitlab.com:443 HTTP/1.1\r\nHost: cloud.gitlab.com:443\r\n{header}Connection: close\r\n\r\n"
    );
    client::exchange(squid.address, &request)
}

#[test]
fn squid_denies_with_403_and_asks_for_a_password_with_407() {
    let denied = connect(Policy::Denied, "");
    assert!(denied.starts_with("HTTP/1.1 403 Forbidden\r\n"), "{denied}");
    assert!(denied.contains("\r\nX-Squid-Error: ERR_ACCESS_DENIED 0\r\n"), "{denied}");
    let asked = connect(Policy::Authenticated, "");
    assert!(asked.starts_with("HTTP/1.1 407 Proxy Authentication Required\r\n"), "{asked}");
    assert!(asked.contains("\r\nProxy-Authenticate: Basic realm=\"Company proxy\"\r\n"), "{asked}");
}

/// Tunnels through a Squid under `policy` to the cloud, and asks for `path` there.
async fn tunnel(policy: Policy, header: &str, host: &str, path: &str) -> String {
    let authority = Authority::new();
    let cloud = FakeCloud::start(&authority.issue(NAMES));
    let squid = Squid::start(policy, NAMES, cloud.address.ip());
    let mut stream = tokio::net::TcpStream::connect(squid.address).await.expect("Squid listens");
    let request = format!("CONNECT {host}:443 HTTP/1.1\r\nHost: {host}:443\r\n{header}\r\n");
    stream.write_all(request.as_bytes()).await.expect("Squid reads");
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        answer.push(stream.read_u8().await.expect("Squid answers"));
    }
    assert!(answer.starts_with(b"HTTP/1.1 200 "), "{}", String::from_utf8_lossy(&answer));
    let (stream, alpn) = client::tls_over(stream, host, authority.client(&["http/1.1"])).await;
    assert_eq!(alpn, "http/1.1");
    client::get_over(stream, host, path).await
}

#[tokio::test]
async fn squid_tunnels_to_the_cloud_by_name() {
    let healthy = tunnel(Policy::Open, "", "cloud.gitlab.com", "/ai/monitoring/healthz").await;
    assert!(healthy.starts_with("HTTP/1.1 200 OK\r\n"), "{healthy}");
    assert!(healthy.contains("\r\ncf-ray: 8c1f52a0773e0b94-FRA\r\n"), "{healthy}");
    assert!(healthy.ends_with("{}"), "{healthy}");
    let refused = tunnel(Policy::Open, "", "cloud.gitlab.com", "/ai/v2/code/completions").await;
    assert!(refused.starts_with("HTTP/1.1 401 Unauthorized\r\n"), "{refused}");
    assert!(refused.ends_with(r#"{"error":"No authorization header presented"}"#), "{refused}");
    let discovery =
        tunnel(Policy::Open, "", "customers.gitlab.com", "/.well-known/openid-configuration").await;
    assert!(discovery.contains(r#""jwks_uri""#), "{discovery}");
}

#[tokio::test]
async fn the_cloud_answers_over_http2_too() {
    let authority = Authority::new();
    let cloud = FakeCloud::start(&authority.issue(NAMES));
    let (status, ray) = client::status_by_http2(
        cloud.address,
        "https://customers.gitlab.com/.well-known/openid-configuration",
        authority.client(&["h2", "http/1.1"]),
    )
    .await;
    assert_eq!((status, ray.as_str()), (200, "8c1f52a0773e0b94-FRA"));
}

#[tokio::test]
async fn squid_accepts_the_right_password() {
    use base64::Engine;
    let credentials = base64::engine::general_purpose::STANDARD.encode(CREDENTIALS);
    let header = format!("Proxy-Authorization: Basic {credentials}\r\n");
    let healthy = tunnel(Policy::Authenticated, &header, "cloud.gitlab.com", "/ai/monitoring/healthz").await;
    assert!(healthy.starts_with("HTTP/1.1 200 OK\r\n"), "{healthy}");
}

/// A CONNECT from the node of a world through the Tinyproxy that stands outside.
fn connect_through_tinyproxy(world: &World, header: &str) -> String {
    let request =
        format!("CONNECT cloud.gitlab.com:443 HTTP/1.1\r\nHost: cloud.gitlab.com:443\r\n{header}\r\n");
    world.node.inside(|| client::exchange(PROXY, &request))
}

#[test]
fn tinyproxy_filters_with_403_and_takes_a_wrong_password_with_401() {
    let world = World::new();
    let filtering = Tinyproxy::start(&world, Rule::Filtered);
    let filtered = connect_through_tinyproxy(&world, "");
    assert!(filtered.starts_with("HTTP/1.1 403 Filtered\r\n"), "{filtered}");
    drop(filtering);
    let _asking = Tinyproxy::start(&world, Rule::Password);
    let asked = connect_through_tinyproxy(&world, "");
    assert!(asked.starts_with("HTTP/1.0 407 Proxy Authentication Required\r\n"), "{asked}");
    let refused = connect_through_tinyproxy(&world, "Proxy-Authorization: Basic d3Jvbmc6d3Jvbmc=\r\n");
    assert!(refused.starts_with("HTTP/1.0 401 Unauthorized\r\n"), "{refused}");
}

#[test]
fn a_world_reaches_its_services_and_nothing_of_the_machine() {
    let machine = std::net::TcpListener::bind("0.0.0.0:0").expect("the machine has free ports");
    let port = machine.local_addr().expect("a bound socket has an address").port();
    let world = World::new();
    let reaches = |address: &str, port| {
        let address = SocketAddr::new(address.parse().expect("an address"), port);
        world.node.inside(|| std::net::TcpStream::connect(address)).is_ok()
    };
    assert!(reaches(CLOUD, 443) && reaches(CUSTOMERS, 443));
    assert!(reaches(CLOUD_SIX, 443) && reaches(CUSTOMERS_SIX, 443));
    assert!(!reaches("127.0.0.1", port) && !reaches("10.9.0.1", port));
}

#[test]
fn a_dropped_namespace_is_gone() {
    let namespace = Namespace::new("alone", "", "");
    let places = [format!("/run/netns/{}", namespace.name), format!("/etc/netns/{}", namespace.name)];
    assert!(places.iter().all(|place| std::path::Path::new(place).exists()), "{places:?}");
    drop(namespace);
    assert!(!places.iter().any(|place| std::path::Path::new(place).exists()), "{places:?}");
}

#[test]
#[should_panic(expected = "apt-get install -y apache2")]
fn a_missing_server_fails_with_the_install_command() {
    let directory = tempfile::tempdir().expect("a temporary directory can be made");
    let command = child::command("/usr/sbin/a-server-that-is-not-installed");
    let _server = child::start(command, "apache2", &directory.path().join("server.log"));
}

#[test]
fn a_dropped_server_is_gone() {
    let cable = ActionCable::plain();
    let (id, address) = (cable.server.id(), cable.address);
    drop(cable);
    assert!(!std::path::Path::new(&format!("/proc/{id}")).exists(), "process {id} still runs");
    assert!(std::net::TcpStream::connect(address).is_err(), "{address} still accepts");
}
