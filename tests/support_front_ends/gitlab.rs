//! The back end itself: who may connect and subscribe, what the instance's settings change, and the stream.

use crate::support::action_cable::{ActionCable, CableAtSocket, Monitoring, Settings, TOKEN};
use crate::support::authority::Authority;
use crate::support::client;
use crate::support::nginx::{Nginx, Site};
use crate::support::websocket_client::{Ask, CABLE, subscribe};
use crate::{
    COMPLETIONS, HOST, IN_PIECES, PAGE_NOT_FOUND, ask, is_refused, opens_and_is_pinged, spread, status_of,
    welcomed,
};

#[tokio::test]
async fn a_wrong_token_is_told_so_and_let_go() {
    let authority = Authority::new();
    let cable = ActionCable::with_tls(&authority);
    let wrong = Ask { token: "a-revoked-access-token", ..CABLE };
    let end = welcomed(ask(&authority, cable.address, wrong).await).until_the_end().await;
    assert_eq!(end.messages, [r#"{"type":"disconnect","reason":"unauthorized","reconnect":false}"#]);
    assert_eq!(end.code, Some(1000));
}

#[tokio::test]
async fn a_subscription_is_confirmed_with_a_user_and_rejected_without_one() {
    let authority = Authority::new();
    let cable = ActionCable::with_tls(&authority);
    let query = "subscription aiCompletionResponse ".repeat(200);
    let identifier = serde_json::json!({ "channel": "GraphqlChannel", "query": query }).to_string();
    assert!(identifier.len() > 6_000);
    for (token, expected) in [(TOKEN, "confirm_subscription"), ("", "reject_subscription")] {
        let mut socket = welcomed(ask(&authority, cable.address, Ask { token, ..CABLE }).await);
        assert_eq!(socket.next().await, r#"{"type":"welcome"}"#);
        socket.say(&subscribe(&identifier)).await;
        let answer: serde_json::Value =
            serde_json::from_str(&socket.next_but_pings().await).expect("Action Cable speaks JSON");
        assert_eq!(answer["type"], expected);
        assert_eq!(answer["identifier"], identifier.as_str());
    }
}

#[tokio::test]
async fn an_origin_on_the_list_is_allowed_beside_the_own_one() {
    let authority = Authority::new();
    let identity = authority.issue(&[HOST]);
    let other = Ask { origin: "https://geo.example.com", ..CABLE };
    for (allowed_origins, opens) in
        [(&[][..], false), (&["https://elsewhere", "https://geo.example.com"], true)]
    {
        let cable = ActionCable::set(Settings { allowed_origins, ..Settings::default() });
        let nginx = Nginx::start(Site::Upgrade, &identity, cable.address);
        assert!(ask(&authority, nginx.address, CABLE).await.is_ok());
        assert_eq!(ask(&authority, nginx.address, other).await.is_ok(), opens, "{allowed_origins:?}");
    }
}

#[test]
fn who_is_not_on_the_monitoring_list_is_told_404() {
    let allowed = ActionCable::plain();
    let denied = ActionCable::set(Settings { monitoring: Monitoring::Denied, ..Settings::default() });
    for path in ["/-/health", "/-/liveness", "/-/readiness"] {
        let answer = client::get(allowed.address, HOST, path);
        assert!(answer.starts_with("HTTP/1.1 200 "), "{path}: {answer}");
        let answer = client::get(denied.address, HOST, path);
        assert!(answer.starts_with("HTTP/1.1 404 "), "{path}: {answer}");
    }
    assert!(client::get(denied.address, HOST, "/users/sign_in").starts_with("HTTP/1.1 200 "));
}

#[tokio::test]
async fn below_a_relative_url_root_everything_has_that_path() {
    let authority = Authority::new();
    let settings = Settings { relative_url_root: "/git", ..Settings::default() };
    let cable = ActionCable::set(settings);
    let nginx = Nginx::start(Site::RelativeRoot, &authority.issue(&[HOST]), cable.address);
    let below = Ask { path: "/git/-/cable", ..CABLE };
    let mut socket = welcomed(ask(&authority, nginx.address, below).await);
    assert_eq!(socket.next().await, r#"{"type":"welcome"}"#);
    is_refused(&authority, nginx.address, (404, "nginx"), "above the root").await;
    assert_eq!(status_of(&authority, nginx.address, "/git/-/health"), "HTTP/1.1 200 OK");
    let sign_in = client::get_by_tls(nginx.address, HOST, "/git/", authority.client(&["http/1.1"]));
    assert!(sign_in.contains("\r\nLocation: https://gitlab.example.com/git/users/sign_in\r\n"), "{sign_in}");
}

#[test]
fn a_completion_is_refused_without_a_token_and_streamed_in_chunks_with_one() {
    let cable = ActionCable::plain();
    let post = |authorization: &str, json: &str| {
        let request = format!(
            "POST {COMPLETIONS} HTTP/1.1\r\nHost: {HOST}\r\n{authorization}Content-Length: {}\r\nConnection: close\r\n\r\n{json}",
            json.len()
        );
        client::exchange(cable.address, &request)
    };
    for wrong in ["", "Authorization: Bearer another\r\n"] {
        let refused = post(wrong, r#"{"stream":true}"#);
        assert!(refused.starts_with("HTTP/1.1 401 "), "{refused}");
        assert!(refused.ends_with(r#"{"message":"401 Unauthorized"}"#), "{refused}");
    }
    let right = format!("Authorization: Bearer {TOKEN}\r\n");
    let whole = post(&right, "{}");
    assert!(whole.starts_with("HTTP/1.1 200 ") && whole.contains("\r\nContent-Length: "), "{whole}");
    let streamed = post(&right, r#"{"stream":true}"#);
    assert!(streamed.contains("\r\nContent-Type: text/event-stream\r\n"), "{streamed}");
    assert!(streamed.contains("\r\nTransfer-Encoding: chunked\r\n"), "{streamed}");
    assert!(streamed.ends_with("\r\n0\r\n\r\n"), "{streamed}");
}

#[test]
fn the_stream_of_a_completion_takes_its_time() {
    let authority = Authority::new();
    let cable = ActionCable::with_tls(&authority);
    assert!(spread(&authority, cable.address) > IN_PIECES);
}

#[tokio::test]
async fn a_unix_socket_serves_as_back_end() {
    let authority = Authority::new();
    let cable = CableAtSocket::start();
    let nginx = Nginx::start(Site::Upgrade, &authority.issue(&[HOST]), cable.back_end());
    opens_and_is_pinged(&authority, nginx.address, "NGINX").await;
    let refused = Ask { origin: "https://elsewhere.example", ..CABLE };
    let answer = ask(&authority, nginx.address, refused).await.err().expect("another Origin is refused");
    assert_eq!(answer, (PAGE_NOT_FOUND.0, PAGE_NOT_FOUND.1.to_owned()));
}
