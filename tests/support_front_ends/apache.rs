//! Debian's Apache, in what `support_servers.rs` does not say of it.

use crate::support::action_cable::{ActionCable, CableAtSocket};
use crate::support::apache::{Apache, Place, Site};
use crate::support::authority::Authority;
use crate::support::back_end::BackEnd;
use crate::support::websocket_client::CABLE;
use crate::{
    HOST, IN_PIECES, PAGE_NOT_FOUND, alpn, ask, get, is_cut, is_refused, large_post, opens,
    opens_and_is_pinged, spread, status_of, welcomed,
};

#[tokio::test]
async fn a_websocket_opens_with_either_kind_of_rule() {
    let authority = Authority::new();
    let identity = authority.issue(&[HOST]);
    let cable = ActionCable::plain();
    for site in [
        Site::RewriteRules,
        Site::UpgradeWebsocket,
        Site::LimitRequestBody,
        Site::Firewall,
        Site::FirewallAndUpgrade,
    ] {
        let apache = Apache::start(site, &identity, cable.address);
        assert!(apache.syntax().accepted, "{site:?}");
        opens(&authority, apache.address, &format!("{site:?}")).await;
    }
}

#[tokio::test]
async fn rules_that_are_there_and_have_no_effect_refuse_it() {
    let authority = Authority::new();
    let identity = authority.issue(&[HOST]);
    let cable = ActionCable::plain();
    for site in [Site::Http10Forced, Site::RulesAfterCatchAll, Site::Http1Only] {
        let apache = Apache::start(site, &identity, cable.address);
        is_refused(&authority, apache.address, PAGE_NOT_FOUND, &format!("{site:?}")).await;
        assert_eq!(status_of(&authority, apache.address, "/-/health"), "HTTP/1.1 200 OK", "{site:?}");
    }
}

#[tokio::test]
async fn a_short_timeout_cuts_the_silent_socket_until_the_proxys_own_is_long() {
    let authority = Authority::new();
    let cable = ActionCable::plain();
    let mut apache = Apache::start(Site::ShortTimeout, &authority.issue(&[HOST]), cable.address);
    is_cut(&authority, apache.address, "Timeout").await;
    apache.configuration.insert_last(Place::VirtualHost, "ProxyTimeout 3600");
    apache.reload();
    opens(&authority, apache.address, "ProxyTimeout").await;
    let mut socket = welcomed(ask(&authority, apache.address, CABLE).await);
    for _three_seconds in 0..3 {
        socket.next().await;
    }
}

#[test]
fn the_firewall_limits_bodies_and_apache_itself_does_not() {
    let authority = Authority::new();
    let identity = authority.issue(&[HOST]);
    let cable = ActionCable::plain();
    for site in [Site::Firewall, Site::FirewallAndUpgrade] {
        let apache = Apache::start(site, &identity, cable.address);
        let answer = large_post(&authority, apache.address);
        assert!(answer.starts_with("HTTP/1.1 413 Request Entity Too Large\r\n"), "{site:?}: {answer}");
    }
    // `LimitRequestBody` has no effect on what is proxied.
    let apache = Apache::start(Site::LimitRequestBody, &identity, cable.address);
    let answer = large_post(&authority, apache.address);
    assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
}

#[test]
fn nobody_behind_it_gives_its_own_503() {
    let authority = Authority::new();
    let apache = Apache::start(Site::RewriteRules, &authority.issue(&[HOST]), BackEnd::nobody());
    let answer = get(&authority, apache.address, "/-/health");
    assert!(answer.starts_with("HTTP/1.1 503 Service Unavailable\r\n"), "{answer}");
    assert!(answer.contains("\r\nServer: Apache/2.4."), "{answer}");
}

#[tokio::test]
async fn http2_is_offered_unless_it_is_off() {
    let authority = Authority::new();
    let identity = authority.issue(&[HOST]);
    for (site, expected) in [(Site::RewriteRules, "h2"), (Site::Http1Only, "http/1.1")] {
        let apache = Apache::start(site, &identity, BackEnd::nobody());
        assert_eq!(alpn(&authority, apache.address).await, expected, "{site:?}");
    }
}

#[test]
fn a_stream_passes_at_once() {
    let authority = Authority::new();
    let cable = ActionCable::plain();
    let apache = Apache::start(Site::RewriteRules, &authority.issue(&[HOST]), cable.address);
    assert!(spread(&authority, apache.address) > IN_PIECES);
}

#[tokio::test]
async fn a_unix_socket_serves_as_back_end() {
    let authority = Authority::new();
    let identity = authority.issue(&[HOST]);
    let cable = CableAtSocket::start();
    for site in [Site::RewriteRules, Site::UpgradeWebsocket] {
        let apache = Apache::start(site, &identity, cable.back_end());
        opens_and_is_pinged(&authority, apache.address, &format!("{site:?}")).await;
    }
}

#[tokio::test]
async fn a_reload_puts_edits_in_force() {
    let authority = Authority::new();
    let cable = ActionCable::plain();
    let mut apache = Apache::start(Site::Http1Only, &authority.issue(&[HOST]), cable.address);
    is_refused(&authority, apache.address, PAGE_NOT_FOUND, "before").await;
    let rules = format!(
        "Protocols h2 http/1.1
RewriteEngine On
RewriteCond %{{HTTP:Upgrade}} websocket [NC]
RewriteCond %{{HTTP:Connection}} upgrade [NC]
RewriteRule ^/?(.*) \"ws://{}/$1\" [P,L]",
        cable.address
    );
    apache.configuration.insert_first(Place::VirtualHost, &rules);
    apache.reload();
    opens(&authority, apache.address, "after").await;
    assert_eq!(alpn(&authority, apache.address).await, "h2");
    apache.configuration.insert_last(Place::VirtualHost, "NoSuchDirective On");
    let syntax = apache.syntax();
    assert!(!syntax.accepted && syntax.said.contains("NoSuchDirective"), "{syntax:?}");
}
