//! Debian's `HAProxy`.

use crate::support::action_cable::{ActionCable, CableAtSocket};
use crate::support::authority::Authority;
use crate::support::back_end::BackEnd;
use crate::support::client;
use crate::support::haproxy::{Haproxy, Place, Site};
use crate::support::http2_client;
use crate::{
    HOST, IN_PIECES, PAGE_NOT_FOUND, alpn, get, is_cut, is_refused, large_head, large_post, opens,
    opens_and_is_pinged, spread, status_of,
};

#[tokio::test]
async fn a_websocket_opens_unless_a_rule_forbids_it() {
    let authority = Authority::new();
    let identity = authority.issue(&[HOST]);
    let cable = ActionCable::plain();
    // `option httpclose` is for requests; what has become a tunnel stays one.
    for site in [Site::Healthy, Site::HttpClose, Site::SmallBody, Site::Http1Only] {
        let haproxy = Haproxy::start(site, &identity, cable.address);
        assert!(haproxy.syntax().accepted, "{site:?}");
        opens(&authority, haproxy.address, &format!("{site:?}")).await;
    }
    for site in [Site::UpgradeDeleted, Site::HostReplaced, Site::SchemeMissing] {
        let haproxy = Haproxy::start(site, &identity, cable.address);
        is_refused(&authority, haproxy.address, PAGE_NOT_FOUND, &format!("{site:?}")).await;
    }
}

#[tokio::test]
async fn short_timeouts_cut_the_silent_socket() {
    let authority = Authority::new();
    let identity = authority.issue(&[HOST]);
    let cable = ActionCable::plain();
    for site in [Site::ShortTunnel, Site::NoTunnel] {
        let haproxy = Haproxy::start(site, &identity, cable.address);
        is_cut(&authority, haproxy.address, &format!("{site:?}")).await;
    }
}

#[tokio::test]
async fn websockets_within_http2_are_announced_and_served() {
    let authority = Authority::new();
    let identity = authority.issue(&[HOST]);
    let cable = ActionCable::plain();
    for site in [Site::Healthy, Site::Http2Only] {
        let haproxy = Haproxy::start(site, &identity, cable.address);
        assert_eq!(alpn(&authority, haproxy.address).await, "h2");
        let answer = http2_client::cable(haproxy.address, HOST, authority.client(&["h2"])).await;
        assert_eq!(answer, Ok((200, r#"{"type":"welcome"}"#.to_owned())), "{site:?}");
    }
}

/// The list of ALPN is no bar: who offers HTTP/1.1 alone gets no answer to that, and is served in HTTP/1.1.
#[tokio::test]
async fn where_only_http2_is_offered_an_http1_client_is_served_all_the_same() {
    let authority = Authority::new();
    let cable = ActionCable::plain();
    let haproxy = Haproxy::start(Site::Http2Only, &authority.issue(&[HOST]), cable.address);
    let config = authority.client(&["http/1.1"]);
    let (_stream, agreed) = client::tls(haproxy.address, HOST, config).await;
    assert_eq!(agreed, "");
    opens(&authority, haproxy.address, "no ALPN").await;
}

#[tokio::test]
async fn http2_is_offered_unless_it_is_off() {
    let authority = Authority::new();
    let identity = authority.issue(&[HOST]);
    for (site, expected) in [(Site::Healthy, "h2"), (Site::Http1Only, "http/1.1"), (Site::Http2Only, "h2")] {
        let haproxy = Haproxy::start(site, &identity, BackEnd::nobody());
        assert_eq!(alpn(&authority, haproxy.address).await, expected, "{site:?}");
    }
}

#[test]
fn nobody_behind_it_gives_its_own_503() {
    let authority = Authority::new();
    let haproxy = Haproxy::start(Site::Healthy, &authority.issue(&[HOST]), BackEnd::nobody());
    let answer = get(&authority, haproxy.address, "/-/health");
    assert!(answer.starts_with("HTTP/1.1 503 Service Unavailable\r\n"), "{answer}");
    assert!(answer.contains("No server is available to handle this request."), "{answer}");
}

#[test]
fn a_rule_on_the_length_gives_its_own_413() {
    let authority = Authority::new();
    let identity = authority.issue(&[HOST]);
    let cable = ActionCable::plain();
    let haproxy = Haproxy::start(Site::SmallBody, &identity, cable.address);
    // It decides by the head, and closes at once: a body on its way would be reset, and its answer with it.
    let answer =
        client::exchange_by_tls(haproxy.address, HOST, &large_head(), authority.client(&["http/1.1"]));
    assert!(answer.starts_with("HTTP/1.1 413 Payload Too Large\r\n"), "{answer}");
    let haproxy = Haproxy::start(Site::Healthy, &identity, cable.address);
    let answer = large_post(&authority, haproxy.address);
    assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
}

#[test]
fn a_stream_passes_at_once() {
    let authority = Authority::new();
    let cable = ActionCable::plain();
    let haproxy = Haproxy::start(Site::Healthy, &authority.issue(&[HOST]), cable.address);
    assert!(spread(&authority, haproxy.address) > IN_PIECES);
}

#[tokio::test]
async fn a_unix_socket_serves_as_back_end() {
    let authority = Authority::new();
    let cable = CableAtSocket::start();
    let haproxy = Haproxy::start(Site::Healthy, &authority.issue(&[HOST]), cable.back_end());
    opens_and_is_pinged(&authority, haproxy.address, "HAProxy").await;
}

#[tokio::test]
async fn a_reload_puts_edits_in_force() {
    let authority = Authority::new();
    let cable = ActionCable::plain();
    let mut haproxy = Haproxy::start(Site::UpgradeDeleted, &authority.issue(&[HOST]), cable.address);
    is_refused(&authority, haproxy.address, PAGE_NOT_FOUND, "before").await;
    haproxy.configuration.take_out(Place::Frontend, "http-request del-header");
    haproxy.configuration.replace(
        Place::Backend,
        &format!(
            "backend gitlab
    mode http
    option forwardfor
    http-request set-header X-Forwarded-Proto https
    timeout tunnel 1h
    server gitlab {}",
            cable.address
        ),
    );
    haproxy.reload();
    opens(&authority, haproxy.address, "after").await;
    let bind = format!("    bind {} ssl crt {} alpn http/1.1", haproxy.address, haproxy.certificate());
    haproxy.configuration.replace(Place::Bind, &bind);
    haproxy.reload();
    assert_eq!(alpn(&authority, haproxy.address).await, "http/1.1");
    assert_eq!(status_of(&authority, haproxy.address, "/-/health"), "HTTP/1.1 200 OK");
    haproxy.configuration.insert_last(Place::Defaults, "    no-such-word");
    let syntax = haproxy.syntax();
    assert!(!syntax.accepted && syntax.said.contains("no-such-word"), "{syntax:?}");
}
