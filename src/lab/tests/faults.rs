//! Each class of faults shows the symptom that it is meant to show.

use super::client::{PATIENCE, answer, cable, get, knock, lab, raw, rule, shake, tls, upgrade, welcome};
use crate::lab::Lab;
use crate::lab::fault::On;
use crate::subject::Subject;
use crate::subject::dial::AddressTo;
use crate::subject::limits::Limits;
use hickory_resolver::proto::op::{Message, MessageType, OpCode, Query};
use hickory_resolver::proto::rr::{Name, RecordType};
use std::time::{Duration, Instant};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

#[tokio::test]
async fn a_bad_handshake_shows_its_symptom_to_a_careful_client() {
    for (name, part, symptom) in [
        ("tls-unknown-issuer", On::Cloud, "UnknownIssuer"),
        ("tls-intercepted", On::Customers, "UnknownIssuer"),
        ("tls-self-signed", On::Cloud, "CaUsedAsEndEntity"),
        ("tls-self-signed-plain", On::Cloud, "UnknownIssuer"),
        ("tls-chain-incomplete", On::Cloud, "UnknownIssuer"),
        ("tls-expired", On::Cloud, "certificate expired"),
        ("tls-not-yet-valid", On::Cloud, "not valid yet"),
        ("tls-wrong-name", On::Cloud, "not valid for name"),
        ("tls-version-unsupported", On::Cloud, "ProtocolVersion"),
        ("tls-no-common-cipher", On::Cloud, "HandshakeFailure"),
        ("tls-not-spoken", On::Cloud, "corrupt message"),
        ("tls-not-spoken-ssh", On::Cloud, "corrupt message"),
        ("tls-reset", On::Cloud, "reset by peer"),
        ("tls-reset-closed", On::Cloud, "eof"),
        ("tls-timeout", On::Cloud, "silence"),
        ("tcp-reset", On::Cloud, "reset by peer"),
        ("clock-skew-dates", On::Cloud, "not valid yet"),
        ("clock-skew-dates", On::Instance, "not valid yet"),
        ("client-trust-unproven", On::Instance, "UnknownIssuer"),
        ("instance-certificate-expired", On::Instance, "certificate expired"),
        ("instance-wrong-name", On::Instance, "not valid for name"),
        ("instance-chain-incomplete", On::Instance, "UnknownIssuer"),
    ] {
        let lab = lab(name).await;
        let seen = match timeout(PATIENCE, tls(&lab, part, &["http/1.1"])).await {
            Ok(Ok(_)) => "a channel".to_owned(),
            Ok(Err(error)) => error.to_string(),
            Err(_) => "silence".to_owned(),
        };
        assert!(seen.contains(symptom), "{name}: {seen}");
    }
}

#[tokio::test]
async fn what_is_unusual_in_a_handshake_and_works_gives_a_channel() {
    for (name, part, alpn) in [
        ("tls-intercepted-trusted", On::Cloud, Some(&b"h2"[..])),
        ("tls-expires-soon", On::Instance, Some(&b"h2"[..])),
        ("tls-large-hello-dropped", On::Cloud, Some(&b"h2"[..])),
        ("http2-not-offered", On::Instance, Some(&b"http/1.1"[..])),
        ("latency-high", On::Cloud, Some(&b"h2"[..])),
        ("clock-skew", On::Cloud, Some(&b"h2"[..])),
    ] {
        let lab = lab(name).await;
        let stream = tls(&lab, part, &["h2", "http/1.1"]).await.unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(stream.get_ref().1.alpn_protocol(), alpn, "{name}");
    }
}

#[tokio::test]
async fn only_a_large_client_hello_is_dropped() {
    let lab = lab("tls-large-hello-dropped").await;
    let long = "x".repeat(200);
    let large: Vec<&str> = std::iter::repeat_n(long.as_str(), 6).chain(["http/1.1"]).collect();
    assert!(timeout(PATIENCE, tls(&lab, On::Cloud, &large)).await.is_err(), "silence");
    assert!(tls(&lab, On::Cloud, &["http/1.1"]).await.is_ok());
}

#[tokio::test]
async fn only_small_segments_pass_the_black_hole() {
    let lab = lab("mtu-black-hole").await;
    assert!(timeout(PATIENCE, tls(&lab, On::Cloud, &["h2"])).await.is_err(), "silence");
    let AddressTo::Connect(address) = rule(&lab, On::Cloud, 443) else { panic!("a server") };
    let socket = TcpSocket::new_v4().expect("a socket");
    socket2::SockRef::from(&socket).set_tcp_mss(536).expect("a small segment");
    let stream = socket.connect(address).await.expect("a connection");
    assert!(shake(&lab, On::Cloud, &["h2"], stream).await.is_ok());
}

#[tokio::test]
async fn a_demanded_client_certificate_is_an_alert_to_the_first_read() {
    for (name, part) in
        [("tls-client-certificate-wanted", On::Cloud), ("client-certificate-required", On::Instance)]
    {
        let seen = get(&lab(name).await, part, "/").await;
        assert!(seen.contains("CertificateRequired"), "{name}: {seen}");
    }
}

#[tokio::test]
async fn faults_of_connections_are_in_the_dial_table() {
    for (name, part, to) in [
        ("tcp-refused", On::Customers, AddressTo::Refuse),
        ("tcp-timeout", On::Cloud, AddressTo::Swallow),
        ("tcp-unreachable", On::Cloud, AddressTo::Unreachable),
        ("instance-unreachable", On::Instance, AddressTo::Refuse),
    ] {
        assert_eq!(rule(&lab(name).await, part, 443), to, "{name}");
    }
    let dial = lab("first-address-unreachable").await.subject(Limits::DEFAULT, super::now()).dial;
    let to = |address: &str| dial.address(address.parse().expect("an address"));
    assert_eq!(to("[2606:4700::6812:1e0a]:443"), Some(AddressTo::Swallow));
    assert!(matches!(to("104.18.30.10:443"), Some(AddressTo::Connect(_))));
}

#[tokio::test]
async fn the_resolver_answers_as_its_faults_have_it() {
    for (name, asked, answer) in [
        ("healthy", "cloud.gitlab.com", "NoError 2"),
        ("healthy", "elsewhere.example.com", "NXDomain 0"),
        ("dns-no-such-host", "cloud.gitlab.com", "NXDomain 0"),
        ("dns-no-address", "customers.gitlab.com", "NoError 0"),
        ("dns-server-failed", "cloud.gitlab.com", "ServFail 0"),
        ("dns-server-refused", "cloud.gitlab.com", "Refused 0"),
        ("dns-timeout", "cloud.gitlab.com", "silence"),
        ("dns-slow", "cloud.gitlab.com", "silence"),
        ("dns-private-address", "cloud.gitlab.com", "NoError 1"),
        ("public-door-not-seen-name", "gitlab.example.com", "NXDomain 0"),
    ] {
        let subject = lab_subject(name).await;
        assert_eq!(resolve(&subject.1, asked, RecordType::A).await, answer, "{name}");
    }
    let healthy = lab_subject("healthy").await;
    assert_eq!(resolve(&healthy.1, "cloud.gitlab.com", RecordType::AAAA).await, "NoError 1");
    assert_eq!(resolve(&healthy.1, "gitlab.example.com", RecordType::AAAA).await, "NoError 0");
}

async fn lab_subject(name: &str) -> (Lab, Subject) {
    let lab = lab(name).await;
    let subject = lab.subject(Limits::DEFAULT, super::now());
    (lab, subject)
}

async fn resolve(subject: &Subject, name: &str, kind: RecordType) -> String {
    let socket = tokio::net::UdpSocket::bind("127.0.0.1:0").await.expect("a socket");
    let mut query = Message::new(7, MessageType::Query, OpCode::Query);
    query.add_query(Query::query(Name::from_ascii(format!("{name}.")).expect("a name"), kind));
    let server = subject.dial.nameserver.expect("a resolver");
    socket.send_to(&query.to_vec().expect("a message"), server).await.expect("sent");
    let mut buffer = [0; 1024];
    let Ok(received) = timeout(PATIENCE, socket.recv(&mut buffer)).await else { return "silence".into() };
    let answer = Message::from_vec(&buffer[..received.expect("an answer")]).expect("a message");
    assert_eq!(answer.metadata.id, 7);
    format!("{:?} {}", answer.metadata.response_code, answer.answers.len())
}

#[tokio::test]
async fn the_proxy_answers_as_its_faults_have_it() {
    for (name, target, words) in [
        ("proxy-healthy", "cloud.gitlab.com:443", "HTTP/1.1 200 Connection established\r\n\r\n"),
        ("proxy-healthy", "elsewhere.example.com:443", "X-Squid-Error: ERR_DNS_FAIL 0"),
        ("dns-fails-behind-proxy", "cloud.gitlab.com:443", "HTTP/1.1 200"),
        ("proxy-auth-required", "cloud.gitlab.com:443", "Proxy-Authenticate: Basic realm="),
        ("proxy-denied", "customers.gitlab.com:443", "HTTP/1.1 403 Forbidden\r\nServer: squid/5.7"),
        ("proxy-denied-cloud", "customers.gitlab.com:443", "HTTP/1.1 200"),
        ("proxy-denied-cloud", "cloud.gitlab.com:443", "Via: 1.1 squid (squid/5.7)"),
        ("proxy-upstream-failed", "cloud.gitlab.com:443", "HTTP/1.1 503 Service Unavailable"),
        ("proxy-bad-reply", "cloud.gitlab.com:443", "HTTP/1.1 500"),
        ("proxy-bad-reply-ssh", "cloud.gitlab.com:443", "SSH-2.0-OpenSSH"),
        ("proxy-bad-reply-hang-up", "cloud.gitlab.com:443", ""),
        ("proxy-bad-reply-silence", "cloud.gitlab.com:443", "[silence]"),
    ] {
        let lab = lab(name).await;
        let request = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n");
        let seen = raw(knock(&lab, On::Proxy, 3128).await, &request).await;
        assert!(seen.contains(words) && (!words.is_empty() || seen.is_empty()), "{name}: {seen}");
    }
}

#[tokio::test]
async fn an_exchange_breaks_as_its_fault_has_it() {
    for (name, words) in [
        ("http-timeout", "[silence]"),
        ("http-malformed", "+OK Dovecot ready."),
        ("http-malformed-endless", "X-Padding: 0000"),
        ("http-malformed-closed", ""),
        ("http-block-page", "Web Page Blocked!"),
        ("http-redirected", "location: https://portal.hotel.example/login"),
        ("cloudflare-challenge", "cf-mitigated: challenge"),
        ("cloudflare-origin-error", "HTTP/1.1 522"),
        ("gateway-unhealthy", "x-request-id: asked"),
        ("signature-unrecognised", "cf-ray: 8c1f52a0773e0b94-FRA"),
    ] {
        let seen = get(&lab(name).await, On::Cloud, "/ai/monitoring/healthz").await;
        assert!(seen.contains(words) && (!words.is_empty() || seen.is_empty()), "{name}: {seen}");
    }
    let nobody = get(&lab("http-unexpected").await, On::Cloud, "/").await;
    assert!(!nobody.contains("cf-ray") && nobody.contains("Welcome to nginx!"), "{nobody}");
}

#[tokio::test]
async fn a_front_end_spoils_the_handshake_as_it_does_in_the_field() {
    let apache = "Apache/2.4.57 (Debian)";
    let (https, http) = ("https://gitlab.example.com", "http://gitlab.example.com");
    for (name, origin, status, server, body) in [
        ("websocket-upgrade-stripped", https, 400, apache, "websocket upgrade required\n"),
        ("websocket-upgrade-stripped-404", https, 404, apache, "Page not found"),
        ("websocket-upgrade-stripped-404", http, 404, apache, "Page not found"),
        ("websocket-origin-rejected", https, 404, "nginx", "Page not found"),
        ("websocket-origin-rejected", http, 101, "nginx", ""),
        ("websocket-origin-rejected-host", https, 404, "nginx", "Page not found"),
        ("websocket-origin-rejected-host", "https://127.0.0.1:8181", 101, "nginx", ""),
    ] {
        let seen = cable(&lab(name).await, origin).await;
        assert_eq!((seen.0, seen.1.as_str()), (status, server), "{name} {origin}");
        assert!(seen.2.starts_with(body), "{name}: {}", seen.2);
    }
    let front = get(&lab("websocket-origin-rejected-host").await, On::Instance, "/").await;
    assert!(front.contains("location: https://127.0.0.1:8181/users/sign_in"), "{front}");
    assert_eq!(answer(&front).1, apache);
    for (name, status) in [
        ("websocket-denied", 403),
        ("websocket-upstream-failed", 502),
        ("websocket-not-found", 404),
        ("front-end-requires-login", 302),
    ] {
        assert_eq!(cable(&lab(name).await, https).await.0, status, "{name}");
    }
}

#[tokio::test]
async fn a_spoiled_cable_is_silent_closed_or_late() {
    assert_eq!(welcome(&lab("websocket-no-welcome").await, None).await, "[silence]");
    assert_eq!(welcome(&lab("websocket-buffered").await, None).await, "[silence]");
    let closed = welcome(&lab("websocket-no-welcome-closed").await, None).await;
    assert!(closed.contains("ResetWithoutClosingHandshake"), "{closed}");
    assert_eq!(welcome(&lab("websocket-idle-cut").await, None).await, r#"{"type":"welcome"}"#);
}

#[tokio::test]
async fn a_cable_is_cut_without_a_close_frame() {
    let lab = lab("websocket-idle-cut").await;
    let mut stream = tls(&lab, On::Instance, &["http/1.1"]).await.expect("a channel");
    let request = upgrade("https://gitlab.example.com", None);
    tokio::io::AsyncWriteExt::write_all(&mut stream, request.as_bytes()).await.expect("sent");
    let began = Instant::now();
    let mut all = Vec::new();
    let _how = tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut all).await;
    assert!(began.elapsed() >= Duration::from_millis(1990), "{:?}", began.elapsed());
    assert!(String::from_utf8_lossy(&all).ends_with(r#"{"type":"welcome"}"#), "welcome is the last frame");
}

#[tokio::test]
async fn of_five_that_knock_at_once_most_lose_their_syn() {
    let lab = lab("packet-loss-suspected").await;
    let AddressTo::Connect(address) = rule(&lab, On::Cloud, 443) else { panic!("a server") };
    get(&lab, On::Cloud, "/ai/monitoring/healthz").await;
    let knock = async || {
        let began = Instant::now();
        let stream = TcpStream::connect(address).await.expect("a connection");
        (began.elapsed(), stream)
    };
    let took: [_; 5] = tokio::join!(knock(), knock(), knock(), knock(), knock()).into();
    let late = took.iter().filter(|(took, _)| *took > Duration::from_millis(900)).count();
    // Two fit into the queue; one or two more may slip in while the kernel handles several at once.
    assert!((2..=3).contains(&late), "{late} of 5");
}
