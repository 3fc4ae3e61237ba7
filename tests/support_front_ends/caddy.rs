//! Debian's Caddy.

use crate::support::action_cable::{ActionCable, CableAtSocket};
use crate::support::authority::Authority;
use crate::support::back_end::BackEnd;
use crate::support::caddy::{Caddy, Place, Site};
use crate::support::client;
use crate::support::http2_client;
use crate::{
    HOST, IN_PIECES, PAGE_NOT_FOUND, alpn, get, is_refused, large_post, opens, opens_and_is_pinged, spread,
};

#[tokio::test]
async fn a_websocket_opens_unless_a_line_forbids_it() {
    let authority = Authority::new();
    let identity = authority.issue(&[HOST]);
    let cable = ActionCable::plain();
    for site in [Site::Healthy, Site::SmallBody, Site::Http1Only] {
        let caddy = Caddy::start(site, &identity, cable.address);
        assert!(caddy.syntax().accepted, "{site:?}");
        opens(&authority, caddy.address, &format!("{site:?}")).await;
    }
    for site in [Site::UpgradeRemoved, Site::ConnectionRemoved, Site::HostRewritten, Site::SchemeHttp] {
        let caddy = Caddy::start(site, &identity, cable.address);
        is_refused(&authority, caddy.address, PAGE_NOT_FOUND, &format!("{site:?}")).await;
    }
}

/// Debian 12's version has no answer of its own for a body that is too large: the copying fails.
#[test]
fn a_small_limit_for_bodies_gives_502() {
    let authority = Authority::new();
    let cable = ActionCable::plain();
    let caddy = Caddy::start(Site::SmallBody, &authority.issue(&[HOST]), cable.address);
    let answer = large_post(&authority, caddy.address);
    assert!(answer.starts_with("HTTP/1.1 502 Bad Gateway\r\n"), "{answer}");
}

#[test]
fn nobody_behind_it_gives_502() {
    let authority = Authority::new();
    let caddy = Caddy::start(Site::Healthy, &authority.issue(&[HOST]), BackEnd::nobody());
    let answer = get(&authority, caddy.address, "/-/health");
    assert!(answer.starts_with("HTTP/1.1 502 Bad Gateway\r\n"), "{answer}");
    assert!(answer.contains("\r\nServer: Caddy\r\n"), "{answer}");
}

#[tokio::test]
async fn http2_is_offered_unless_it_is_off() {
    let authority = Authority::new();
    let identity = authority.issue(&[HOST]);
    for (site, expected) in [(Site::Healthy, "h2"), (Site::Http1Only, "http/1.1"), (Site::Http2Only, "h2")] {
        let caddy = Caddy::start(site, &identity, BackEnd::nobody());
        assert_eq!(alpn(&authority, caddy.address).await, expected, "{site:?}");
    }
}

/// Go lets a client that offers HTTP/1.1 alone through without an answer to ALPN.
#[tokio::test]
async fn where_http2_alone_is_agreed_to_an_http1_client_is_served_all_the_same() {
    let authority = Authority::new();
    let cable = ActionCable::plain();
    let caddy = Caddy::start(Site::Http2Only, &authority.issue(&[HOST]), cable.address);
    let (_stream, agreed) = client::tls(caddy.address, HOST, authority.client(&["http/1.1"])).await;
    assert_eq!(agreed, "");
    opens(&authority, caddy.address, "no ALPN").await;
    let answer = http2_client::cable(caddy.address, HOST, authority.client(&["h2"])).await;
    assert_eq!(answer, Err("not announced".to_owned()));
}

#[test]
fn a_stream_passes_at_once() {
    let authority = Authority::new();
    let cable = ActionCable::plain();
    let caddy = Caddy::start(Site::Healthy, &authority.issue(&[HOST]), cable.address);
    assert!(spread(&authority, caddy.address) > IN_PIECES);
}

#[tokio::test]
async fn a_unix_socket_serves_as_back_end() {
    let authority = Authority::new();
    let cable = CableAtSocket::start();
    let caddy = Caddy::start(Site::Healthy, &authority.issue(&[HOST]), cable.back_end());
    opens_and_is_pinged(&authority, caddy.address, "Caddy").await;
}

#[tokio::test]
async fn a_reload_puts_edits_in_force() {
    let authority = Authority::new();
    let cable = ActionCable::plain();
    let mut caddy = Caddy::start(Site::UpgradeRemoved, &authority.issue(&[HOST]), cable.address);
    is_refused(&authority, caddy.address, PAGE_NOT_FOUND, "before").await;
    caddy.configuration.take_out(Place::Site, "header_up -Upgrade");
    caddy.reload();
    opens(&authority, caddy.address, "after").await;
    let site = format!("gitlab.example.com {{\n\treverse_proxy {}\n}}", BackEnd::nobody());
    caddy.configuration.replace(Place::Site, &site);
    let tls = caddy.tls_line();
    caddy.configuration.insert_within(Place::Site, &tls);
    caddy.reload();
    assert!(get(&authority, caddy.address, "/-/health").starts_with("HTTP/1.1 502 "));
    caddy.configuration.insert_within(Place::Site, "\tno_such_directive");
    let syntax = caddy.syntax();
    assert!(!syntax.accepted && syntax.said.contains("no_such_directive"), "{syntax:?}");
}
