//! Debian's Varnish behind `HAProxy`.

use crate::support::action_cable::{ActionCable, CableAtSocket};
use crate::support::authority::Authority;
use crate::support::back_end::BackEnd;
use crate::support::varnish::{Place, Site, Varnish};
use crate::{HOST, IN_PIECES, PAGE_NOT_FOUND, get, is_refused, opens, opens_and_is_pinged, spread};

#[tokio::test]
async fn a_websocket_opens_where_it_is_piped() {
    let authority = Authority::new();
    let cable = ActionCable::plain();
    let mut varnish = Varnish::start(Site::Pipe, &authority.issue(&[HOST]), cable.address);
    assert!(varnish.syntax().accepted);
    opens(&authority, varnish.address, "piped").await;
    let health = get(&authority, varnish.address, "/-/health");
    assert!(health.contains("\r\nvia: 1.1 varnish (Varnish/7.1)\r\n"), "{health}");
    varnish.configuration.replace(Place::Subroutines, "sub vcl_recv {\n    no_such_word;\n}");
    let syntax = varnish.syntax();
    assert!(!syntax.accepted && syntax.said.contains("no_such_word"), "{syntax:?}");
}

#[tokio::test]
async fn without_a_pipe_the_upgrade_gets_lost_until_a_reload() {
    let authority = Authority::new();
    let cable = ActionCable::plain();
    let mut varnish = Varnish::start(Site::NoPipe, &authority.issue(&[HOST]), cable.address);
    is_refused(&authority, varnish.address, PAGE_NOT_FOUND, "before").await;
    varnish.configuration.insert_first(
        Place::Subroutines,
        "sub vcl_recv {
    if (req.http.upgrade ~ \"(?i)websocket\") {
        return (pipe);
    }
}
sub vcl_pipe {
    if (req.http.upgrade) {
        set bereq.http.upgrade = req.http.upgrade;
        set bereq.http.connection = req.http.connection;
    }
}",
    );
    varnish.reload();
    opens(&authority, varnish.address, "after").await;
}

#[test]
fn nobody_behind_it_gives_its_own_503() {
    let authority = Authority::new();
    let varnish = Varnish::start(Site::Pipe, &authority.issue(&[HOST]), BackEnd::nobody());
    let answer = get(&authority, varnish.address, "/-/health");
    assert!(answer.starts_with("HTTP/1.1 503 Backend fetch failed\r\n"), "{answer}");
    assert!(answer.contains("Guru Meditation"), "{answer}");
}

#[test]
fn a_stream_passes_at_once() {
    let authority = Authority::new();
    let cable = ActionCable::plain();
    let varnish = Varnish::start(Site::NoPipe, &authority.issue(&[HOST]), cable.address);
    assert!(spread(&authority, varnish.address) > IN_PIECES);
}

#[tokio::test]
async fn a_unix_socket_serves_as_back_end() {
    let authority = Authority::new();
    let cable = CableAtSocket::start();
    let varnish = Varnish::start(Site::Pipe, &authority.issue(&[HOST]), cable.back_end());
    opens_and_is_pinged(&authority, varnish.address, "Varnish").await;
}
