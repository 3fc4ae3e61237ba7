//! By what the servers are known: their own words to a line that is no HTTP, and what they say first over HTTP/2.

use crate::support::action_cable::ActionCable;
use crate::support::apache::{self, Apache};
use crate::support::authority::Authority;
use crate::support::back_end::BackEnd;
use crate::support::caddy::{self, Caddy};
use crate::support::client;
use crate::support::haproxy::{self, Haproxy};
use crate::support::http2_client::{self, Frame};
use crate::support::nginx::{self, Nginx};
use crate::support::squid_reverse::{self, SquidReverse};
use crate::support::varnish::{self, Varnish};
use crate::{HOST, get};
use std::net::SocketAddr;

/// Any protocol's line but HTTP's.
const NO_HTTP: &str = "DUO-DOCTOR\r\n\r\n";

/// What the server itself answers to a line that is no HTTP.
fn own_words(authority: &Authority, address: SocketAddr) -> String {
    client::exchange_by_tls(address, HOST, NO_HTTP, authority.client(&["http/1.1"]))
}

#[test]
fn a_line_that_is_no_http_is_answered_by_the_server_itself() {
    let authority = Authority::new();
    let identity = authority.issue(&[HOST]);
    let nobody = BackEnd::nobody();

    let server = Nginx::start(nginx::Site::Upgrade, &identity, nobody.clone());
    let said = own_words(&authority, server.address);
    assert!(said.starts_with("HTTP/1.1 400 Bad Request\r\nServer: nginx/"), "{said}");
    assert!(said.contains("<hr><center>nginx/"), "{said}");

    let server = Apache::start(apache::Site::ProxyPass, &identity, nobody.clone());
    let said = own_words(&authority, server.address);
    assert!(said.starts_with("HTTP/1.1 400 Bad Request\r\nDate: "), "{said}");
    assert!(said.contains("\r\nServer: Apache/2.4."), "{said}");

    let server = Haproxy::start(haproxy::Site::Healthy, &identity, nobody.clone());
    assert_eq!(
        own_words(&authority, server.address),
        "HTTP/1.1 400 Bad request\r\nContent-length: 90\r\nCache-Control: no-cache\r\nConnection: close\r\n\
         Content-Type: text/html\r\n\r\n<html><body><h1>400 Bad request</h1>\nYour browser sent an invalid \
         request.\n</body></html>\n"
    );

    let server = Caddy::start(caddy::Site::Healthy, &identity, nobody.clone());
    assert_eq!(
        own_words(&authority, server.address),
        "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n\
         400 Bad Request"
    );

    let server = SquidReverse::start(squid_reverse::Site::NoUpgrade, &identity, nobody.clone());
    let said = own_words(&authority, server.address);
    assert!(said.starts_with("HTTP/1.1 400 Bad Request\r\nServer: squid/"), "{said}");
    assert!(said.contains("\r\nX-Squid-Error: ERR_PROTOCOL_UNKNOWN 0\r\n"), "{said}");

    let server = Varnish::start(varnish::Site::Pipe, &identity, nobody);
    assert_eq!(client::exchange(server.plain, NO_HTTP), "HTTP/1.1 400 Bad Request\r\n\r\n");
    assert!(own_words(&authority, server.address).contains("400 Bad request"), "HAProxy stands before it");
}

#[tokio::test]
async fn the_first_frames_of_http2_differ_from_server_to_server() {
    let authority = Authority::new();
    let identity = authority.issue(&[HOST]);
    let nobody = BackEnd::nobody();
    let greeting = async |address| http2_client::greeting(address, HOST, authority.client(&["h2"])).await;
    let to_http1 =
        async |address| http2_client::said_to_http1(address, HOST, authority.client(&["h2"])).await;

    let server = Nginx::start(nginx::Site::Upgrade, &identity, nobody.clone());
    let first =
        || [Frame::Settings(vec![(3, 128), (4, 65_536), (5, 16_777_215)]), Frame::Window(2_147_418_112)];
    assert_eq!(greeting(server.address).await, first());
    let said = to_http1(server.address).await;
    assert_eq!(said[..2], first());
    assert_eq!(said[2..], [Frame::Goaway(1, String::new()), Frame::End]);

    let server = Apache::start(apache::Site::ProxyPass, &identity, nobody.clone());
    let first = || [Frame::Settings(vec![(3, 100)]), Frame::Window(2_147_418_112)];
    assert_eq!(greeting(server.address).await, first());
    let said = to_http1(server.address).await;
    assert_eq!(said[..2], first());
    // nghttp2's own number, -903, as it is.
    let words = "Received bad client magic byte string".to_owned();
    assert_eq!(said[2..], [Frame::Goaway(0u32.wrapping_sub(903), words), Frame::End]);

    let server = Haproxy::start(haproxy::Site::Healthy, &identity, nobody.clone());
    assert_eq!(greeting(server.address).await, [Frame::Settings(vec![(8, 1), (3, 100)])]);
    assert_eq!(to_http1(server.address).await, [Frame::End]);

    let server = Caddy::start(caddy::Site::Healthy, &identity, nobody);
    let settings = || Frame::Settings(vec![(5, 1_048_576), (3, 250), (6, 1_048_896), (4, 1_048_576)]);
    assert_eq!(greeting(server.address).await, [settings(), Frame::Window(983_041)]);
    assert_eq!(to_http1(server.address).await, [settings(), Frame::End]);
}

#[test]
fn haproxy_alone_writes_the_names_of_headers_in_lower_case() {
    let authority = Authority::new();
    let identity = authority.issue(&[HOST]);
    let cable = ActionCable::plain();
    let through_haproxy = Haproxy::start(haproxy::Site::Healthy, &identity, cable.address);
    let answer = get(&authority, through_haproxy.address, "/-/health");
    assert!(answer.contains("\r\nx-gitlab-meta: ") && !answer.contains("ate: "), "{answer}");
    let through_nginx = Nginx::start(nginx::Site::Upgrade, &identity, cable.address);
    let answer = get(&authority, through_nginx.address, "/-/health");
    assert!(answer.contains("\r\nX-Gitlab-Meta: "), "{answer}");
}

/// Action Cable fails on a handshake without a key only where the upgrade arrives: 500. A lost one is a plain GET: 404.
#[tokio::test]
async fn a_handshake_without_a_key_tells_a_lost_upgrade_from_a_refused_origin() {
    let authority = Authority::new();
    let identity = authority.issue(&[HOST]);
    let cable = ActionCable::plain();
    let back_end = cable.address;
    let keyless =
        async |address| client::keyless_handshake(address, HOST, authority.client(&["http/1.1"])).await;

    for (site, expected) in [
        (nginx::Site::Upgrade, "500"),
        (nginx::Site::HostNotKept, "500"),
        (nginx::Site::SchemeHttp, "500"),
        (nginx::Site::NoUpgrade, "404"),
        (nginx::Site::ConnectionNotSet, "404"),
    ] {
        let server = Nginx::start(site, &identity, back_end);
        assert_eq!(keyless(server.address).await, expected, "{site:?}");
    }
    for (site, expected) in [
        (caddy::Site::Healthy, "500"),
        (caddy::Site::HostRewritten, "500"),
        (caddy::Site::UpgradeRemoved, "404"),
        (caddy::Site::ConnectionRemoved, "404"),
    ] {
        let server = Caddy::start(site, &identity, back_end);
        assert_eq!(keyless(server.address).await, expected, "{site:?}");
    }
    for (site, expected) in [(squid_reverse::Site::Upgrade, "500"), (squid_reverse::Site::NoUpgrade, "404")] {
        let server = SquidReverse::start(site, &identity, back_end);
        assert_eq!(keyless(server.address).await, expected, "{site:?}");
    }
}

/// `HAProxy` looks for the key before any rule of its own: 400, whatever becomes of the upgrade.
#[tokio::test]
async fn haproxy_itself_refuses_a_handshake_without_a_key() {
    let authority = Authority::new();
    let identity = authority.issue(&[HOST]);
    let cable = ActionCable::plain();
    for site in [haproxy::Site::Healthy, haproxy::Site::HostReplaced, haproxy::Site::UpgradeDeleted] {
        let server = Haproxy::start(site, &identity, cable.address);
        let config = authority.client(&["http/1.1"]);
        assert_eq!(client::keyless_handshake(server.address, HOST, config).await, "400", "{site:?}");
    }
}

#[tokio::test]
async fn a_get_of_the_cable_over_http2_is_not_found_by_action_cable() {
    let authority = Authority::new();
    let identity = authority.issue(&[HOST]);
    let cable = ActionCable::plain();
    let back_end = cable.address;
    let url = "https://gitlab.example.com/-/cable";
    let status = async |address| client::status_by_http2(address, url, authority.client(&["h2"])).await.0;
    let server = Nginx::start(nginx::Site::Upgrade, &identity, back_end);
    assert_eq!(status(server.address).await, 404);
    let server = Apache::start(apache::Site::RewriteRules, &identity, back_end);
    assert_eq!(status(server.address).await, 404);
    let server = Haproxy::start(haproxy::Site::Healthy, &identity, back_end);
    assert_eq!(status(server.address).await, 404);
    let server = Caddy::start(caddy::Site::Healthy, &identity, back_end);
    assert_eq!(status(server.address).await, 404);
}

#[tokio::test]
async fn haproxy_alone_announces_websockets_within_http2() {
    let authority = Authority::new();
    let identity = authority.issue(&[HOST]);
    let cable = ActionCable::plain();
    let not_announced = Err("not announced".to_owned());
    let within = async |address| http2_client::cable(address, HOST, authority.client(&["h2"])).await;
    let server = Nginx::start(nginx::Site::Upgrade, &identity, cable.address);
    assert_eq!(within(server.address).await, not_announced);
    let server = Apache::start(apache::Site::UpgradeWebsocket, &identity, cable.address);
    assert_eq!(within(server.address).await, not_announced);
}
