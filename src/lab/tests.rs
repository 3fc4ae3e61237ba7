//! The lab as a stranger's client meets it: by its dial table, with plain rustls, no part of `net`.

mod client;
mod faults;
mod hops;

use super::Lab;
use super::fault::On;
use super::scenario::{scenario, scenarios};
use super::situation::GOOD_TOKEN;
use crate::subject::dial::AddressTo;
use crate::subject::limits::Limits;
use client::{GET_CABLE, cable, get, knock, lab, now, raw, rule, tls, welcome};
use std::collections::BTreeSet;

#[tokio::test]
async fn every_scenario_starts_and_gives_a_subject() {
    for scenario in scenarios() {
        let lab = Lab::start(&scenario, now()).await.expect("a lab");
        let subject = lab.subject(Limits::DEFAULT, now());
        assert_eq!(subject.demo.as_deref(), Some(scenario.title.as_str()));
        assert_eq!(subject.limits.hold.map(|h| h.as_secs()), scenario.hold);
        lab.mend();
        assert_eq!(lab.subject(Limits::DEFAULT, now()).started_at, now(), "{}", scenario.name);
    }
}

#[tokio::test]
async fn gitlabs_hosts_answer_strangers_as_they_do_in_the_field() {
    let lab = lab("healthy").await;
    let healthz = get(&lab, On::Cloud, "/ai/monitoring/healthz").await;
    assert!(healthz.starts_with("HTTP/1.1 200 OK\r\n") && healthz.ends_with("\r\n\r\n{}"), "{healthz}");
    for mark in ["server: cloudflare", "cf-ray: 8c1f52a0773e0b94-FRA", "date: Sun, 22 Nov 2026 02:47:"] {
        assert!(healthz.contains(mark), "{healthz}");
    }
    assert!(healthz.contains("x-request-id: asked"), "the identifier is echoed: {healthz}");
    let other = get(&lab, On::Cloud, "/v2/completions").await;
    assert!(
        other.starts_with("HTTP/1.1 401") && other.contains("No authorization header presented"),
        "{other}"
    );
    let openid = get(&lab, On::Customers, "/.well-known/openid-configuration").await;
    assert!(openid.contains(r#""issuer":"https://customers.gitlab.com""#), "{openid}");
    assert!(get(&lab, On::Customers, "/").await.starts_with("HTTP/1.1 302"));
}

#[tokio::test]
async fn gitlabs_hosts_speak_http_2() {
    let lab = lab("healthy").await;
    let stream = tls(&lab, On::Cloud, &["h2", "http/1.1"]).await.expect("a channel");
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let io = hyper_util::rt::TokioIo::new(stream);
    let executor = hyper_util::rt::TokioExecutor::new();
    let (mut sender, connection) = hyper::client::conn::http2::handshake(executor, io).await.expect("HTTP/2");
    let connection = tokio::spawn(connection);
    let request = ::http::Request::get("https://cloud.gitlab.com/ai/monitoring/healthz")
        .body(http_body_util::Empty::<bytes::Bytes>::new())
        .expect("a request");
    let answer = sender.send_request(request).await.expect("an answer");
    assert_eq!(answer.status(), 200);
    connection.abort();
}

#[tokio::test]
async fn the_instance_answers_as_gitlab_does() {
    let lab = lab("healthy").await;
    let front = get(&lab, On::Instance, "/").await;
    assert!(front.contains("location: https://gitlab.example.com/users/sign_in\r\n"), "{front}");
    let sign_in = get(&lab, On::Instance, "/users/sign_in").await;
    for mark in
        ["200 OK", "Sign in · GitLab", "x-gitlab-meta: {", "set-cookie: _gitlab_session=", "server: nginx"]
    {
        assert!(sign_in.contains(mark), "{mark}: {sign_in}");
    }
    assert!(get(&lab, On::Instance, "/-/health").await.starts_with("HTTP/1.1 404"));
    assert!(get(&lab, On::Instance, "/api/v4/version").await.contains("401 Unauthorized"));
    let plain =
        raw(knock(&lab, On::Instance, 80).await, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            .await;
    assert!(plain.contains("location: https://gitlab.example.com/"), "{plain}");
}

#[tokio::test]
async fn the_cable_says_welcome_to_the_right_origin_alone() {
    let lab = lab("healthy").await;
    assert_eq!(welcome(&lab, None).await, r#"{"type":"welcome"}"#);
    assert_eq!(
        cable(&lab, "https://other.example.com").await,
        (404, "nginx".into(), "Page not found".into())
    );
    let (status, _, body) = client::answer(&get(&lab, On::Instance, GET_CABLE).await);
    assert_eq!((status, body.trim_end()), (400, "websocket upgrade required"));
}

#[tokio::test]
async fn a_token_is_told_from_a_good_one() {
    let lab = lab("websocket-unauthorized").await;
    let given = |lab: &Lab| lab.subject(Limits::DEFAULT, now()).token.expect("a token").expose().to_owned();
    assert_eq!(
        welcome(&lab, Some(&given(&lab))).await,
        r#"{"type":"disconnect","reason":"unauthorized","reconnect":false}"#
    );
    lab.mend();
    assert_eq!(given(&lab), GOOD_TOKEN);
    assert_eq!(welcome(&lab, Some(GOOD_TOKEN)).await, r#"{"type":"welcome"}"#);
}

#[tokio::test]
async fn a_plain_instance_is_a_working_instance_on_port_80() {
    let lab = lab("instance-url-not-https").await;
    let subject = lab.subject(Limits::DEFAULT, now());
    assert_eq!(subject.instance.map(|i| i.to_string()).as_deref(), Some("http://gitlab.example.com"));
    let request = client::upgrade("http://gitlab.example.com", None);
    let answer = raw(knock(&lab, On::Instance, 80).await, &request).await;
    assert!(answer.starts_with("HTTP/1.1 101"), "{answer}");
}

#[tokio::test]
async fn nothing_leads_out_of_the_lab() {
    let lab = lab("healthy").await;
    let dial = lab.subject(Limits::DEFAULT, now()).dial;
    for outside in ["192.0.2.1:443", "[::1]:443", "104.18.30.10:80"] {
        assert_eq!(dial.address(outside.parse().expect("an address")), Some(AddressTo::Unreachable));
    }
    // Of the machine's own listeners none is the lab's node's.
    assert_eq!(dial.address("127.0.0.1:22".parse().expect("an address")), Some(AddressTo::Refuse));
    let inside: BTreeSet<bool> = dial
        .addresses
        .iter()
        .filter_map(|r| if let AddressTo::Connect(to) = r.to { Some(to.ip().is_loopback()) } else { None })
        .collect();
    assert_eq!(inside, BTreeSet::from([true]));
}

#[tokio::test]
async fn the_servers_end_with_the_lab() {
    let lab = lab("healthy").await;
    let AddressTo::Connect(address) = rule(&lab, On::Cloud, 443) else { panic!("a server") };
    let open = tls(&lab, On::Cloud, &["http/1.1"]).await.expect("a channel");
    drop(lab);
    let (mut open, _) = tokio::io::split(open);
    let ended = tokio::io::AsyncReadExt::read(&mut open, &mut [0; 1]).await;
    assert!(!matches!(ended, Ok(length) if length > 0));
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn mending_turns_a_wrong_answer_right_and_breaking_turns_it_back() {
    let lab = lab("cloudflare-blocked").await;
    let status = async || client::answer(&get(&lab, On::Cloud, "/ai/monitoring/healthz").await).0;
    assert_eq!(status().await, 403);
    lab.mend();
    assert!(lab.is_mended());
    assert_eq!(status().await, 200);
    lab.break_again();
    assert_eq!(status().await, 403);
}

#[tokio::test]
async fn every_broken_way_works_once_mended() {
    for scenario in scenarios().into_iter().filter(|s| !s.faults.is_empty()) {
        let lab = Lab::start(&scenario, now()).await.expect("a lab");
        lab.mend();
        let healthz = get(&lab, On::Cloud, "/ai/monitoring/healthz").await;
        assert!(healthz.starts_with("HTTP/1.1 200"), "{}: {healthz}", scenario.name);
        // The client of these tests knows the usual address alone.
        if scenario.url.is_none() {
            assert_eq!(welcome(&lab, None).await, r#"{"type":"welcome"}"#, "{}", scenario.name);
        }
        let usual = scenario.node.version.clone().unwrap_or("18.9.1".into());
        assert_eq!(lab.subject(Limits::DEFAULT, now()).node.gitlab_version, Some(usual));
    }
    assert!(scenario("tls-expired").is_some());
}
