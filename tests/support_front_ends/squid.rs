//! Debian's Squid as reverse proxy.

use crate::support::action_cable::ActionCable;
use crate::support::authority::Authority;
use crate::support::back_end::BackEnd;
use crate::support::squid_reverse::{Place, Site, SquidReverse};
use crate::support::websocket_client::{Ask, CABLE};
use crate::{
    HOST, IN_PIECES, PAGE_NOT_FOUND, alpn, ask, get, is_refused, large_post, opens, opens_and_is_pinged,
    spread, welcomed,
};

#[tokio::test]
async fn a_websocket_opens_where_upgrades_are_allowed() {
    let authority = Authority::new();
    let cable = ActionCable::plain();
    let squid = SquidReverse::start(Site::Upgrade, &authority.issue(&[HOST]), cable.address);
    assert!(squid.syntax().accepted);
    opens_and_is_pinged(&authority, squid.address, "allowed").await;
}

#[tokio::test]
async fn without_a_word_about_upgrades_they_get_lost_until_a_reload() {
    let authority = Authority::new();
    let cable = ActionCable::plain();
    let mut squid = SquidReverse::start(Site::NoUpgrade, &authority.issue(&[HOST]), cable.address);
    assert_eq!(alpn(&authority, squid.address).await, "");
    is_refused(&authority, squid.address, PAGE_NOT_FOUND, "before").await;
    let health = get(&authority, squid.address, "/-/health");
    assert!(health.contains("(squid/5.7)\r\n") && health.ends_with("GitLab OK"), "{health}");
    squid.configuration.insert_last(Place::Site, "http_upgrade_request_protocols websocket allow all");
    squid.reload();
    opens(&authority, squid.address, "after").await;
    squid.configuration.insert_last(Place::Site, "no_such_directive on");
    let syntax = squid.syntax();
    assert!(syntax.said.contains("no_such_directive"), "{syntax:?}");
}

#[test]
fn a_small_limit_for_bodies_gives_413() {
    let authority = Authority::new();
    let cable = ActionCable::plain();
    let squid = SquidReverse::start(Site::SmallBody, &authority.issue(&[HOST]), cable.address);
    let answer = large_post(&authority, squid.address);
    assert!(answer.starts_with("HTTP/1.1 413 Payload Too Large\r\n"), "{answer}");
    assert!(answer.contains("\r\nX-Squid-Error: ERR_TOO_BIG 0\r\n"), "{answer}");
}

#[test]
fn nobody_behind_it_gives_its_own_error() {
    let authority = Authority::new();
    let squid = SquidReverse::start(Site::NoUpgrade, &authority.issue(&[HOST]), BackEnd::nobody());
    let answer = get(&authority, squid.address, "/-/health");
    assert!(answer.starts_with("HTTP/1.1 50"), "{answer}");
    assert!(answer.contains("\r\nX-Squid-Error: ERR_"), "{answer}");
}

#[test]
fn a_stream_passes_at_once() {
    let authority = Authority::new();
    let cable = ActionCable::plain();
    let squid = SquidReverse::start(Site::NoUpgrade, &authority.issue(&[HOST]), cable.address);
    assert!(spread(&authority, squid.address) > IN_PIECES);
}

#[tokio::test]
async fn without_a_word_about_credentials_they_get_lost() {
    let authority = Authority::new();
    let identity = authority.issue(&[HOST]);
    let cable = ActionCable::plain();
    // A wrong token is turned away where it arrives, and welcomed as nobody where it does not.
    let wrong = Ask { token: "a-revoked-access-token", ..CABLE };
    for (site, expected) in
        [(Site::Upgrade, "unauthorized"), (Site::AuthorizationDropped, r#"{"type":"welcome"}"#)]
    {
        let squid = SquidReverse::start(site, &identity, cable.address);
        let mut socket = welcomed(ask(&authority, squid.address, wrong).await);
        let first = socket.next().await;
        assert!(first.contains(expected), "{site:?}: {first}");
    }
}
