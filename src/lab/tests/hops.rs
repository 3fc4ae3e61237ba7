//! What hops do to requests and answers that pass them.

use super::client::{answer, get, knock, lab, now, raw, tls, upgrade};
use crate::lab::Lab;
use crate::lab::fault::{Fault, On};
use crate::lab::node::WORKHORSE_SOCKET;
use crate::subject::dial::AddressTo;
use crate::subject::limits::Limits;
use crate::subject::place::Door;

/// Every `server` header of an answer.
fn servers(text: &str) -> Vec<&str> {
    let head = text.split("\r\n\r\n").next().unwrap_or_default();
    head.lines().filter_map(|line| line.strip_prefix("server: ")).collect()
}

#[tokio::test]
async fn a_hop_signs_answers_in_its_own_manner() {
    let apache = "Apache/2.4.57 (Debian)";
    for (name, page, handshake) in [
        ("healthy", &["nginx"][..], &["nginx"][..]),
        // Straight before Workhorse, which has no name, and through a tunnel.
        ("unusual-front-apache-tunnel", &[apache], &[]),
        ("unusual-front-apache-keeps", &["nginx"], &["nginx"]),
        ("unusual-front-haproxy", &["nginx"], &["nginx"]),
        ("unusual-front-alb", &["nginx"], &["nginx"]),
        ("unusual-front-caddy", &["nginx", "Caddy"], &["nginx", "Caddy"]),
        ("unusual-front-cloudflare", &["cloudflare"], &["cloudflare"]),
        ("websocket-upgrade-stripped", &[apache], &[apache]),
    ] {
        let lab = lab(name).await;
        let seen = get(&lab, On::Instance, "/users/sign_in").await;
        assert_eq!(servers(&seen), page, "{name}: {seen}");
        let stream = tls(&lab, On::Instance, &["http/1.1"]).await.expect("a channel");
        let seen = raw(stream, &upgrade("https://elsewhere.example.com", None)).await;
        assert_eq!(servers(&seen), handshake, "{name}: {seen}");
    }
    let seen = get(&lab("unusual-front-varnish").await, On::Instance, "/users/sign_in").await;
    assert!(seen.contains("via: 1.1 varnish (Varnish/7.1)") && seen.contains("x-varnish: 32770"), "{seen}");
}

#[tokio::test]
async fn a_hop_that_reaches_nobody_says_so_in_its_own_name() {
    for (name, status, server) in [
        ("instance-unreachable-apache", 502, "Apache/2.4.57 (Debian)"),
        ("workhorse-down", 502, "nginx"),
        ("workhorse-down-port", 502, "Apache/2.4.57 (Debian)"),
        ("rails-down-behind-apache", 502, "nginx"),
        ("body-limit-low-apache", 200, "Apache/2.4.57 (Debian)"),
    ] {
        let seen = answer(&get(&lab(name).await, On::Instance, "/users/sign_in").await);
        assert_eq!((seen.0, seen.1.as_str()), (status, server), "{name}: {}", seen.2);
    }
}

#[tokio::test]
async fn the_first_server_answers_what_is_no_http() {
    for (name, said) in [
        ("healthy", "HTTP/1.1 400 Bad Request\r\nServer: nginx\r\n"),
        ("unusual-front-apache-keeps", "Server: Apache/2.4.57 (Debian)"),
        ("unusual-front-haproxy", "Your browser sent an invalid request."),
        ("unusual-front-caddy", "\r\n\r\n400 Bad Request"),
        ("unusual-front-waf", ""),
    ] {
        let lab = lab(name).await;
        let stream = tls(&lab, On::Instance, &["http/1.1"]).await.expect("a channel");
        let seen = raw(stream, "DUO-DOCTOR\r\n\r\n").await;
        assert!(seen.contains(said) && (!said.is_empty() || seen.is_empty()), "{name}: {seen}");
    }
    let lab = lab("healthy").await;
    let stream = knock(&lab, On::Instance, 80).await;
    assert!(raw(stream, "DUO-DOCTOR\r\n\r\n").await.contains("Server: nginx"));
    let seen = raw(workhorse(&lab).await, "DUO-DOCTOR\r\n\r\n").await;
    assert!(seen.starts_with("HTTP/1.1 400") && !seen.contains("Server:"), "{seen}");
}

async fn workhorse(lab: &Lab) -> tokio::net::TcpStream {
    let dial = lab.subject(Limits::DEFAULT, now()).dial;
    let (_, to) =
        dial.sockets.iter().find(|(path, _)| path.as_os_str() == WORKHORSE_SOCKET).expect("a socket");
    let AddressTo::Connect(address) = to else { panic!("leads to {to:?}") };
    tokio::net::TcpStream::connect(address).await.expect("a connection")
}

#[tokio::test]
async fn a_request_that_a_hop_swallows_gets_no_answer() {
    let front = lab("websocket-no-welcome-unanswered").await;
    assert!(get(&front, On::Instance, "/users/sign_in").await.starts_with("HTTP/1.1 200"));
    assert_eq!(get(&front, On::Instance, "/-/cable").await, "[silence]");
    let puma = lab("rails-down-silent").await;
    let request = "GET /users/sign_in HTTP/1.1\r\nHost: gitlab.example.com\r\nConnection: close\r\n\r\n";
    assert_eq!(raw(workhorse(&puma).await, request).await, "[silence]");
}

#[tokio::test]
async fn a_handshake_without_its_key_raises_in_action_cable_where_the_upgrade_arrives() {
    let keyless: String = upgrade("https://elsewhere.example.com", None)
        .split_inclusive("\r\n")
        .filter(|line| !line.starts_with("Sec-WebSocket-Key"))
        .collect();
    for (name, status) in
        [("healthy", 500), ("websocket-upgrade-stripped-404", 404), ("websocket-upgrade-stripped-500", 500)]
    {
        let lab = lab(name).await;
        let stream = tls(&lab, On::Instance, &["http/1.1"]).await.expect("a channel");
        assert_eq!(answer(&raw(stream, &keyless).await).0, status, "{name}");
    }
}

#[tokio::test]
async fn a_header_is_lost_at_every_door_before_the_hop_that_drops_it() {
    let lab = lab("websocket-origin-rejected-missing").await;
    let stream = tls(&lab, On::Instance, &["http/1.1"]).await.expect("a channel");
    let request = upgrade("https://gitlab.example.com", None);
    assert_eq!(answer(&raw(stream, &request).await).0, 404);
    let inner = upgrade("http://gitlab.example.com", None);
    assert!(raw(workhorse(&lab).await, &inner).await.starts_with("HTTP/1.1 101"));
}

#[tokio::test]
async fn the_doors_of_a_node_are_as_its_web_server_has_them() {
    for (name, nginx, listens) in [
        ("healthy", Some("127.0.0.1:443"), true),
        ("unusual-workhorse-port", None, false),
        ("unusual-nginx-unread", Some("127.0.0.1:443"), true),
        ("unusual-nginx-unread-off", Some("127.0.0.1:443"), false),
        ("unusual-source", Some("127.0.0.1:443"), true),
        ("unusual-helm", None, false),
        ("unusual-front-plain-announcing", Some("127.0.0.1:80"), true),
        ("unusual-docker-port", Some("127.0.0.1:8929"), true),
    ] {
        let subject = lab(name).await.subject(Limits::DEFAULT, now());
        let door = subject.doors.get(Door::Nginx).map(|door| door.shown.clone());
        assert_eq!(door.as_deref(), nginx, "{name}");
        let address = nginx.unwrap_or("127.0.0.1:443").parse().expect("an address");
        let leads = matches!(subject.dial.address(address), Some(AddressTo::Connect(_)));
        assert_eq!(leads, listens, "{name}");
    }
}

#[test]
fn a_word_of_a_front_end_that_means_nothing_is_refused() {
    let read = |more: &str| {
        let text = format!(r#"{{"on":"instance","fault":"front-end","server":"nginx"{more}}}"#);
        serde_json::from_str::<Fault>(&text).map(drop).map_err(|e| e.to_string())
    };
    assert_eq!(read(r#","signs":"beside","adds":{"via":"1.1 x"},"nonsense":"""#), Ok(()));
    for more in [r#","signs":"sometimes""#, r#","sign":"own""#, r#","nonsense":true"#, r#","upgrade":"lost""#]
    {
        assert!(read(more).is_err(), "{more}");
    }
    let answer = r#"{"on":"instance","fault":"answer","status":403,"path":["/-/cable"]}"#;
    assert!(serde_json::from_str::<Fault>(answer).is_err(), "the word is `for`");
}
