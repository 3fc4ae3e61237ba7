use crate::support::{address_rule, failure, fetch, get, impatient, peer, reading, says, subject};
use duo_doctor::failure::{Failure, Layer, ProxyKind, TcpKind};
use duo_doctor::probe::{Probe, Reading, Request, Then, Walk};
use duo_doctor::subject::Via;
use duo_doctor::subject::address::Target;
use duo_doctor::subject::dial::{AddressTo, NameTo};
use duo_doctor::subject::doors::Aim;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

async fn tcp_kind(subject: duo_doctor::subject::Subject, probe: &Probe) -> TcpKind {
    match failure(subject, probe).await {
        (Layer::Tcp, Failure::Tcp(tcp)) => tcp.kind,
        other => panic!("{other:?}"),
    }
}

async fn closed_port() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").await.expect("a free port").local_addr().expect("an address")
}

#[tokio::test]
async fn a_closed_port_refuses() {
    assert_eq!(tcp_kind(subject(), &get(closed_port().await, None)).await, TcpKind::Refused);
}

#[tokio::test]
async fn the_dial_table_refuses_swallows_and_finds_no_route_for_every_probe() {
    let to = says("never reached").await;
    for (rule, kind) in [
        (AddressTo::Refuse, TcpKind::Refused),
        (AddressTo::Unreachable, TcpKind::Unreachable),
        (AddressTo::Swallow, TcpKind::Timeout),
    ] {
        let target = Target::new("gitlab.test", to.port());
        let connect = Probe::Connect { target, address: to.ip() };
        for probe in [get(to, None), fetch(to, None), connect] {
            let mut subject = impatient();
            address_rule(&mut subject, rule);
            assert_eq!(tcp_kind(subject, &probe).await, kind, "{rule:?} {probe:?}");
        }
    }
}

#[tokio::test]
async fn the_first_address_that_answers_wins_and_the_others_are_told() {
    let to = says("HTTP/1.1 204 No Content\r\n\r\n").await;
    let mut subject = subject();
    subject.dial.names[0].to = NameTo::Addresses(vec!["127.0.0.9".parse().expect("an address"), to.ip()]);
    let samples = crate::support::carry_out(subject, &get(to, None)).await;
    let Some(Reading::Connected(connected)) = samples[1].reading() else { panic!("{samples:?}") };
    assert_eq!(connected.address, to);
    let failed: Vec<_> = connected.attempts.iter().map(|a| a.failed).collect();
    assert_eq!(failed, [Some(TcpKind::Refused), None]);
    assert_eq!(samples.last().map(|s| s.layer), Some(Layer::Http));
}

fn through(proxy: SocketAddr, credentials: &str) -> Probe {
    let proxy = format!("http://{credentials}{proxy}").parse().expect("a proxy's URL");
    Probe::Walk(Walk {
        target: Target::new("cloud.test", 443),
        via: Via::Proxy(proxy),
        tls: None,
        then: Then::Request(Request::get("/")),
        aim: Aim::Name,
        nth: 1,
    })
}

#[tokio::test]
async fn a_proxy_that_wants_a_password_keeps_its_words_headers_and_page() {
    let proxy = says(
        "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"x\"\r\n\
         Via: 1.1 squid\r\nX-Private: 1\r\nContent-Length: 11\r\n\r\nWho is it?\n",
    )
    .await;
    let (layer, failed) = failure(subject(), &through(proxy, "")).await;
    let Failure::Proxy(failed) = failed else { panic!("{failed:?}") };
    assert_eq!((layer, failed.kind, failed.status), (Layer::Proxy, ProxyKind::Refused, Some(407)));
    assert_eq!(failed.reason, "Proxy Authentication Required");
    assert_eq!(failed.headers.get("proxy-authenticate"), Some("Basic realm=\"x\""));
    assert_eq!(failed.headers.get("x-private"), None);
    assert_eq!(failed.body, "Who is it?\n");
}

#[tokio::test]
async fn a_proxy_that_speaks_something_else_hangs_up_or_stays_silent_is_told_apart() {
    let silent = peer(|stream| async move {
        let (mut read, _write) = stream.into_split();
        let _ = read.read_to_end(&mut Vec::new()).await;
    })
    .await;
    for (proxy, kind) in [
        (says("SSH-2.0-OpenSSH_9.6\r\n").await, ProxyKind::NotHttp),
        (says("").await, ProxyKind::HungUp),
        (silent, ProxyKind::Timeout),
    ] {
        let (_, failed) = failure(impatient(), &through(proxy, "")).await;
        let Failure::Proxy(failed) = failed else { panic!("{failed:?}") };
        assert_eq!(failed.kind, kind);
    }
}

#[tokio::test]
async fn a_tunnel_sends_the_password_and_carries_what_follows() {
    let proxy = peer(|mut stream| async move {
        let mut buffer = vec![0; 4096];
        let read = stream.read(&mut buffer).await.expect("a request");
        let request = String::from_utf8_lossy(&buffer[..read]).into_owned();
        assert!(request.starts_with("CONNECT cloud.test:443 HTTP/1.1\r\n"), "{request}");
        assert!(request.contains("Proxy-Authorization: Basic dXNlcjpwQHNz\r\n"), "{request}");
        stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await.expect("a tunnel");
        let _ = stream.read(&mut buffer).await;
        stream.write_all(b"HTTP/1.1 418 Teapot\r\ncontent-length: 0\r\n\r\n").await.expect("an answer");
        let _ = stream.read(&mut buffer).await;
    })
    .await;
    match reading(subject(), &through(proxy, "user:p%40ss@")).await {
        Reading::Answer(answer) => assert_eq!((answer.status, answer.reason.as_str()), (418, "Teapot")),
        other => panic!("{other:?}"),
    }
}
