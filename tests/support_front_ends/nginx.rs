//! Debian's NGINX.

use crate::support::action_cable::ActionCable;
use crate::support::authority::Authority;
use crate::support::back_end::BackEnd;
use crate::support::client;
use crate::support::nginx::{CREDENTIALS, Nginx, Place, Site};
use crate::support::websocket_client::{self, Ask, CABLE};
use crate::{
    HOST, IN_PIECES, PAGE_NOT_FOUND, Refusal, alpn, ask, get, is_cut, is_refused, large_post, opens, spread,
    status_of, welcomed,
};
use base64::Engine;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

#[tokio::test]
async fn a_websocket_opens_where_the_upgrade_is_passed_on() {
    let authority = Authority::new();
    let identity = authority.issue(&[HOST]);
    let cable = ActionCable::plain();
    for site in [Site::Upgrade, Site::PortDropped, Site::Buffering, Site::SmallBody, Site::Http1Only] {
        let nginx = Nginx::start(site, &identity, cable.address);
        assert!(nginx.syntax().accepted, "{site:?}");
        opens(&authority, nginx.address, &format!("{site:?}")).await;
    }
}

#[tokio::test]
async fn every_other_site_refuses_it_in_its_own_way() {
    const ROWS: &[(Site, Refusal)] = &[
        (Site::NoUpgrade, PAGE_NOT_FOUND),
        (Site::ConnectionNotSet, PAGE_NOT_FOUND),
        (Site::HostNotKept, PAGE_NOT_FOUND),
        (Site::SchemeMissing, PAGE_NOT_FOUND),
        (Site::SchemeHttp, PAGE_NOT_FOUND),
        (Site::Login, (401, "<center><h1>401 Authorization Required</h1></center>")),
        (Site::Denied, (403, "<center><h1>403 Forbidden</h1></center>")),
        (Site::CableNotServed, (404, "<center><h1>404 Not Found</h1></center>")),
        (Site::ClientCertificate, (400, "<center>No required SSL certificate was sent</center>")),
    ];
    let authority = Authority::new();
    let identity = authority.issue(&[HOST]);
    let cable = ActionCable::plain();
    for (site, refusal) in ROWS {
        let nginx = Nginx::start(*site, &identity, cable.address);
        is_refused(&authority, nginx.address, *refusal, &format!("{site:?}")).await;
    }
}

#[tokio::test]
async fn what_the_faulty_sites_leave_alone_works_in_them() {
    let authority = Authority::new();
    let identity = authority.issue(&[HOST]);
    let cable = ActionCable::plain();
    let sign_in = [Site::NoUpgrade, Site::ConnectionNotSet, Site::HostNotKept, Site::SchemeHttp];
    for site in sign_in {
        let nginx = Nginx::start(site, &identity, cable.address);
        assert_eq!(status_of(&authority, nginx.address, "/-/health"), "HTTP/1.1 200 OK", "{site:?}");
    }
    let nginx = Nginx::start(Site::CableNotServed, &identity, cable.address);
    assert_eq!(status_of(&authority, nginx.address, "/users/sign_in"), "HTTP/1.1 200 OK");
    assert_eq!(status_of(&authority, nginx.address, "/-/health"), "HTTP/1.1 404 Not Found");
}

#[test]
fn a_login_takes_the_right_password() {
    let authority = Authority::new();
    let cable = ActionCable::plain();
    let nginx = Nginx::start(Site::Login, &authority.issue(&[HOST]), cable.address);
    let asked = get(&authority, nginx.address, "/-/health");
    assert!(asked.contains("\r\nWWW-Authenticate: Basic realm=\"Company\"\r\n"), "{asked}");
    let credentials = base64::engine::general_purpose::STANDARD.encode(CREDENTIALS);
    let request = format!(
        "GET /-/health HTTP/1.1\r\nHost: {HOST}\r\nAuthorization: Basic {credentials}\r\nConnection: close\r\n\r\n"
    );
    let config = authority.client(&["http/1.1"]);
    let answer = client::exchange_by_tls(nginx.address, HOST, &request, config);
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

#[tokio::test]
async fn a_short_read_timeout_cuts_the_silent_socket() {
    let authority = Authority::new();
    let cable = ActionCable::plain();
    let nginx = Nginx::start(Site::ShortReadTimeout, &authority.issue(&[HOST]), cable.address);
    is_cut(&authority, nginx.address, "proxy_read_timeout").await;
}

#[test]
fn buffering_holds_a_stream_back_to_its_end() {
    let authority = Authority::new();
    let identity = authority.issue(&[HOST]);
    let cable = ActionCable::plain();
    let unbuffered = Nginx::start(Site::Upgrade, &identity, cable.address);
    assert!(spread(&authority, unbuffered.address) > IN_PIECES);
    let buffered = Nginx::start(Site::Buffering, &identity, cable.address);
    assert!(spread(&authority, buffered.address) < IN_PIECES);
}

#[test]
fn a_small_limit_for_bodies_gives_413() {
    let authority = Authority::new();
    let identity = authority.issue(&[HOST]);
    let cable = ActionCable::plain();
    let nginx = Nginx::start(Site::SmallBody, &identity, cable.address);
    let answer = large_post(&authority, nginx.address);
    assert!(answer.starts_with("HTTP/1.1 413 Request Entity Too Large\r\n"), "{answer}");
    let nginx = Nginx::start(Site::Upgrade, &identity, cable.address);
    let answer = large_post(&authority, nginx.address);
    assert!(answer.starts_with("HTTP/1.1 401 "), "one megabyte is the default: {answer}");
}

#[test]
fn nobody_behind_it_gives_502() {
    let authority = Authority::new();
    let nginx = Nginx::start(Site::Upgrade, &authority.issue(&[HOST]), BackEnd::nobody());
    assert_eq!(status_of(&authority, nginx.address, "/-/health"), "HTTP/1.1 502 Bad Gateway");
}

#[tokio::test]
async fn http2_is_offered_unless_it_is_off() {
    let authority = Authority::new();
    let identity = authority.issue(&[HOST]);
    for (site, expected) in [(Site::Upgrade, "h2"), (Site::Http1Only, "http/1.1")] {
        let nginx = Nginx::start(site, &identity, BackEnd::nobody());
        assert_eq!(alpn(&authority, nginx.address).await, expected, "{site:?}");
    }
}

#[tokio::test]
async fn a_client_certificate_of_the_authority_is_let_in() {
    let authority = Authority::new();
    let cable = ActionCable::plain();
    let nginx = Nginx::start(Site::ClientCertificate, &authority.issue(&[HOST]), cable.address);
    let own = authority.issue_for_client("duo.example.com");
    let config = authority.client_with(&own, &["http/1.1"]);
    let mut socket = welcomed(websocket_client::open(nginx.address, CABLE, config).await);
    assert_eq!(socket.next().await, r#"{"type":"welcome"}"#);
}

#[tokio::test]
async fn a_proxy_protocol_listener_wants_its_line_first() {
    let authority = Authority::new();
    let cable = ActionCable::plain();
    let nginx = Nginx::start(Site::ProxyProtocol, &authority.issue(&[HOST]), cable.address);
    let mut stream = tokio::net::TcpStream::connect(nginx.address).await.expect("NGINX listens");
    let line = b"PROXY TCP4 192.0.2.10 192.0.2.20 50000 443\r\n";
    stream.write_all(line).await.expect("NGINX reads");
    let config = authority.client(&["http/1.1"]);
    let mut socket = welcomed(websocket_client::open_over(stream, CABLE, config).await);
    assert_eq!(socket.next().await, r#"{"type":"welcome"}"#);
    // Without the line the first bytes of TLS are taken for it, and the connection is closed.
    let mut stream = tokio::net::TcpStream::connect(nginx.address).await.expect("NGINX listens");
    stream.write_all(b"\x16\x03\x01\x00\x05hello").await.expect("NGINX reads");
    let mut answer = Vec::new();
    let _end = stream.read_to_end(&mut answer).await;
    assert_eq!(answer, [0; 0]);
}

#[tokio::test]
async fn a_port_that_is_not_the_default_one_has_to_reach_rails() {
    let authority = Authority::new();
    let identity = authority.issue(&[HOST]);
    let cable = ActionCable::plain();
    for (site, expected) in [(Site::Upgrade, true), (Site::PortDropped, false)] {
        let nginx = Nginx::start(site, &identity, cable.address);
        let host = format!("{HOST}:{}", nginx.address.port());
        let origin = format!("https://{host}");
        let page = Ask { host: &host, origin: &origin, ..CABLE };
        assert_eq!(ask(&authority, nginx.address, page).await.is_ok(), expected, "{site:?}");
    }
}

#[tokio::test]
async fn a_reload_puts_edits_in_force() {
    let authority = Authority::new();
    let cable = ActionCable::plain();
    let mut nginx = Nginx::start(Site::NoUpgrade, &authority.issue(&[HOST]), cable.address);
    is_refused(&authority, nginx.address, PAGE_NOT_FOUND, "before").await;
    let map = "map $http_upgrade $connection_upgrade {\n    default upgrade;\n    ''      close;\n}";
    nginx.configuration.insert_last(Place::Http, map);
    nginx.configuration.insert_within(
        Place::Location,
        "proxy_http_version 1.1;
proxy_set_header Upgrade $http_upgrade;
proxy_set_header Connection $connection_upgrade;",
    );
    nginx.reload();
    opens(&authority, nginx.address, "after").await;
    nginx.configuration.insert_last(Place::Server, "no_such_directive on;");
    let syntax = nginx.syntax();
    assert!(!syntax.accepted && syntax.said.contains("no_such_directive"), "{syntax:?}");
}
