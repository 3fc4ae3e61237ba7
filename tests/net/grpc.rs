//! A gRPC health call against peers on loopback: each layer at which it may end, and what is told of it.

use crate::support::{
    STORE, alone, authority, carry_out, failure, impatient, params, peer, reading, says, server_config,
    signed, subject, trusting, walk,
};
use bytes::Bytes;
use duo_doctor::failure::{Ended, Failure, GrpcFailure, Layer, TlsKind};
use duo_doctor::probe::{Alpn, Grpc, Health, Probe, Reading, Serving, Then, TlsAsk};
use h2::server::SendResponse;
use http::{HeaderMap, Request, Response};
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::TlsAcceptor;

fn check(to: SocketAddr) -> Probe {
    walk(to, None, Then::Grpc(Health::Check))
}

fn watch(to: SocketAddr, seconds: u32) -> Probe {
    walk(to, None, Then::Grpc(Health::Watch(seconds)))
}

async fn grpc(to: SocketAddr) -> Grpc {
    match reading(subject(), &check(to)).await {
        Reading::Grpc(grpc) => *grpc,
        other => panic!("{other:?}"),
    }
}

async fn fails(to: SocketAddr) -> GrpcFailure {
    fails_at(&check(to)).await
}

async fn fails_at(probe: &Probe) -> GrpcFailure {
    match failure(impatient(), probe).await {
        (Layer::Grpc | Layer::Hold, Failure::Grpc(failed)) => failed,
        other => panic!("{other:?}"),
    }
}

/// A call as the server sees it: its request with the bytes of its body.
type Call = (Request<Bytes>, SendResponse<Bytes>);

/// An HTTP/2 server on loopback that treats each call alike.
async fn server<F, T>(treat: F) -> SocketAddr
where
    F: Fn(Call) -> T + Send + Sync + 'static,
    T: Future<Output = ()> + Send + 'static,
{
    let treat = Arc::new(treat);
    peer(move |stream| {
        let treat = Arc::clone(&treat);
        async move {
            let Ok(mut connection) = h2::server::handshake(stream).await else { return };
            while let Some(Ok((request, answer))) = connection.accept().await {
                let treat = Arc::clone(&treat);
                tokio::spawn(async move {
                    let (head, mut body) = request.into_parts();
                    let mut read = Vec::new();
                    while let Some(Ok(data)) = body.data().await {
                        read.extend_from_slice(&data);
                    }
                    treat((Request::from_parts(head, read.into()), answer)).await;
                });
            }
        }
    })
    .await
}

fn head() -> http::response::Builder {
    Response::builder().header("content-type", "application/grpc").header("server", "test")
}

fn status(number: &str, message: &str) -> HeaderMap {
    let mut map = HeaderMap::new();
    map.insert("grpc-status", number.parse().expect("a value"));
    map.insert("grpc-message", message.parse().expect("a value"));
    map
}

fn serving() -> Bytes {
    Bytes::from_static(&[0, 0, 0, 0, 2, 8, 1])
}

#[tokio::test]
async fn a_health_check_reads_what_the_service_says_of_itself() {
    let to = server(|(request, mut answer)| async move {
        assert_eq!(request.uri().path(), "/grpc.health.v1.Health/Check");
        assert_eq!(request.headers()["te"], "trailers");
        assert_eq!(request.headers()["content-type"], "application/grpc");
        assert_eq!(request.body().as_ref(), [0; 5]);
        let mut body = answer.send_response(head().body(()).expect("a head"), false).expect("sent");
        body.send_data(serving(), false).expect("sent");
        body.send_trailers(status("0", "")).expect("sent");
    })
    .await;
    let read = grpc(to).await;
    assert_eq!((read.http_status, read.status, read.serving), (200, Some(0), Some(Serving::Serving)));
    assert_eq!(read.headers.get("server"), Some("test"));
    assert_eq!(read.headers.get("grpc-status"), Some("0"));
}

#[tokio::test]
async fn an_answer_of_headers_alone_carries_its_status_too() {
    let to = server(|(_, mut answer)| async move {
        let head = head().header("grpc-status", "14").header("grpc-message", "no%20healthy%20upstream");
        answer.send_response(head.body(()).expect("a head"), true).expect("sent");
    })
    .await;
    let read = grpc(to).await;
    assert_eq!((read.status, read.message.as_str()), (Some(14), "no healthy upstream"));
    assert_eq!(read.serving, None);
}

#[tokio::test]
async fn a_page_over_http_2_is_no_grpc_and_shows_who_sent_it() {
    let to = server(|(_, mut answer)| async move {
        let head =
            Response::builder().status(403).header("content-type", "text/html").header("server", "box");
        let mut body = answer.send_response(head.body(()).expect("a head"), false).expect("sent");
        body.send_data(Bytes::from_static(b"<title>Blocked</title>"), true).expect("sent");
    })
    .await;
    let GrpcFailure::NotGrpc(answer) = fails(to).await else { panic!("a page") };
    assert_eq!((answer.status, answer.version.as_str()), (403, "HTTP/2"));
    assert_eq!(answer.headers.get("server"), Some("box"));
    assert_eq!(answer.body, "<title>Blocked</title>");
}

#[tokio::test]
async fn an_answer_that_ends_without_a_status_is_no_grpc() {
    let to = server(|(_, mut answer)| async move {
        let mut body = answer.send_response(head().body(()).expect("a head"), false).expect("sent");
        body.send_data(serving(), true).expect("sent");
    })
    .await;
    assert!(matches!(fails(to).await, GrpcFailure::NotGrpc(_)));
}

#[tokio::test]
async fn a_body_without_an_end_is_read_up_to_a_bound() {
    let to = server(|(_, mut answer)| async move {
        let head = Response::builder().header("content-type", "text/html");
        let mut body = answer.send_response(head.body(()).expect("a head"), false).expect("sent");
        body.reserve_capacity(1 << 30);
        while let Some(Ok(room)) = std::future::poll_fn(|cx| body.poll_capacity(cx)).await {
            if body.send_data(vec![b'x'; room].into(), false).is_err() {
                return;
            }
        }
    })
    .await;
    let GrpcFailure::NotGrpc(answer) = fails(to).await else { panic!("a page") };
    assert!(answer.cut && answer.body_bytes < 200_000, "{}", answer.body_bytes);
}

#[tokio::test]
async fn silence_is_told_from_silence_behind_the_headers() {
    let mute = peer(|mut stream| async move {
        let _ = stream.read_to_end(&mut Vec::new()).await;
    })
    .await;
    assert!(matches!(fails(mute).await, GrpcFailure::Timeout { head: None, .. }));
    let to = server(|(_, mut answer)| async move {
        let _body = answer.send_response(head().body(()).expect("a head"), false).expect("sent");
        std::future::pending::<()>().await;
    })
    .await;
    assert!(matches!(fails(to).await, GrpcFailure::Timeout { head: Some(200), .. }));
}

#[tokio::test]
async fn a_stream_that_is_reset_names_its_code() {
    let to = server(|(_, mut answer)| async move { answer.send_reset(h2::Reason::HTTP_1_1_REQUIRED) }).await;
    assert_eq!(fails(to).await, GrpcFailure::Reset { code: "HTTP_1_1_REQUIRED".into() });
}

/// An empty SETTINGS, then GOAWAY (RFC 9113, 6.8): last stream 0, `ENHANCE_YOUR_CALM`, words.
const GOAWAY: &[u8] = b"\0\0\0\x04\0\0\0\0\0\0\0\x16\x07\0\0\0\0\0\0\0\0\0\0\0\0\x0btoo_many_pings";

#[tokio::test]
async fn a_goaway_names_its_code_and_its_words() {
    let wanted = GrpcFailure::GoAway { code: "ENHANCE_YOUR_CALM".into(), text: "too_many_pings".into() };
    assert_eq!(fails(says(GOAWAY).await).await, wanted);
}

#[tokio::test]
async fn a_peer_that_speaks_something_else_shows_its_first_bytes() {
    for (said, shown) in [
        ("HTTP/1.1 400 Bad Request\r\nServer: x\r\n\r\n", "HTTP/1.1 400 Bad Request"),
        ("SSH-2.0-OpenSSH_9.2\r\n", "SSH-2.0"),
        ("\x15\x03\x01\x00\x02\x02\x46", "\\x15\\x03"),
    ] {
        let failed = fails(says(said).await).await;
        let GrpcFailure::NotHttp2 { first_bytes, .. } = &failed else { panic!("{failed:?}") };
        assert!(first_bytes.starts_with(shown), "{first_bytes}");
    }
}

#[tokio::test]
async fn a_peer_that_hangs_up_has_closed() {
    let failed = fails(says("").await).await;
    assert!(matches!(failed, GrpcFailure::Closed { how: Ended::Eof, .. }), "{failed:?}");
    let settings_first = fails(says(&GOAWAY[..9]).await).await;
    assert!(matches!(settings_first, GrpcFailure::Closed { .. }), "{settings_first:?}");
}

/// A TLS peer that closes behind the handshake, and what a call to it ends with.
async fn by_tls(offers: &[&str], trust: bool) -> (Layer, Failure) {
    let root = authority("Root");
    let server = signed(params("server"), &root);
    let mut config = server_config(vec![server.der.clone(), root.der.clone()], &server.key);
    config.alpn_protocols = offers.iter().map(|p| p.as_bytes().to_vec()).collect();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let to = peer(move |stream| {
        let acceptor = acceptor.clone();
        async move {
            if let Ok(mut stream) = acceptor.accept(stream).await {
                let _ = stream.shutdown().await;
            }
        }
    })
    .await;
    let ask = TlsAsk { alpn: Alpn::Http2, ..TlsAsk::strict(STORE) };
    let subject = if trust { trusting(&root.der) } else { trusting(&alone(params("other")).der) };
    failure(subject, &walk(to, Some(ask), Then::Grpc(Health::Check))).await
}

#[tokio::test]
async fn what_alpn_settled_on_is_told_where_it_is_not_http_2() {
    let (layer, nothing) = by_tls(&[], true).await;
    assert_eq!((layer, nothing), (Layer::Grpc, Failure::Grpc(GrpcFailure::NotSettled { alpn: None })));
    let (layer, refused) = by_tls(&["http/1.1"], true).await;
    assert!(matches!(refused, Failure::Tls(tls) if tls.kind == TlsKind::NoCommonProtocol));
    assert_eq!(layer, Layer::Tls);
    let (_, settled) = by_tls(&["h2"], true).await;
    assert!(matches!(settled, Failure::Grpc(GrpcFailure::Closed { .. })), "{settled:?}");
    let (_, untrusted) = by_tls(&["h2"], false).await;
    assert!(matches!(untrusted, Failure::Tls(_)), "{untrusted:?}");
}

#[tokio::test]
async fn a_watch_is_held_to_the_end_and_a_last_ping_proves_it() {
    let to = server(|(request, mut answer)| async move {
        assert_eq!(request.uri().path(), "/grpc.health.v1.Health/Watch");
        let mut body = answer.send_response(head().body(()).expect("a head"), false).expect("sent");
        body.send_data(serving(), false).expect("sent");
        std::future::pending::<()>().await;
    })
    .await;
    let samples = carry_out(subject(), &watch(to, 1)).await;
    let [.., first, held] = samples.as_slice() else { panic!("{samples:?}") };
    assert!(matches!(first.reading(), Some(Reading::Grpc(g)) if g.serving == Some(Serving::Serving)));
    assert!(matches!(held.reading(), Some(Reading::Held { frames: 1, .. })), "{held:?}");
    assert_eq!((first.layer, held.layer), (Layer::Grpc, Layer::Hold));
}

#[tokio::test]
async fn a_watch_that_ends_early_says_how_and_after_how_long() {
    let to = server(|(_, mut answer)| async move {
        let mut body = answer.send_response(head().body(()).expect("a head"), false).expect("sent");
        body.send_data(serving(), false).expect("sent");
        tokio::time::sleep(Duration::from_millis(300)).await;
        body.send_trailers(status("14", "upstream reset")).expect("sent");
    })
    .await;
    let failed = fails_at(&watch(to, 30)).await;
    let GrpcFailure::Cut { how: Ended::Close, words, after, .. } = &failed else { panic!("{failed:?}") };
    assert_eq!(words, "grpc-status 14: upstream reset");
    assert!(*after >= Duration::from_millis(300) && *after < Duration::from_secs(5), "{after:?}");
}

#[tokio::test]
async fn a_watch_that_is_not_served_ends_with_its_status() {
    let to = server(|(_, mut answer)| async move {
        let head = head().header("grpc-status", "12").header("grpc-message", "Method not found!");
        answer.send_response(head.body(()).expect("a head"), true).expect("sent");
    })
    .await;
    let samples = carry_out(subject(), &watch(to, 1)).await;
    let last = samples.last().expect("a sample");
    assert!(matches!(last.reading(), Some(Reading::Grpc(g)) if g.status == Some(12)), "{samples:?}");
}

/// Passes bytes on to a server and stops after some time: by an end, or without a word.
async fn between(server: SocketAddr, until: Duration, end: End) -> SocketAddr {
    peer(move |mut near| async move {
        let mut far = tokio::net::TcpStream::connect(server).await.expect("a server");
        let passing = tokio::io::copy_bidirectional(&mut near, &mut far);
        let _ = tokio::time::timeout(until, passing).await;
        match end {
            End::Shut => {}
            End::Dropped => std::future::pending().await,
        }
    })
    .await
}

#[derive(Clone, Copy)]
enum End {
    Shut,
    Dropped,
}

#[tokio::test]
async fn a_cut_between_the_two_is_found_by_its_end_or_by_a_ping_without_answer() {
    let to = server(|(_, mut answer)| async move {
        let mut body = answer.send_response(head().body(()).expect("a head"), false).expect("sent");
        body.send_data(serving(), false).expect("sent");
        std::future::pending::<()>().await;
    })
    .await;
    let shut = between(to, Duration::from_millis(300), End::Shut).await;
    let failed = fails_at(&watch(shut, 30)).await;
    assert!(matches!(failed, GrpcFailure::Cut { how: Ended::Eof | Ended::Reset, .. }), "{failed:?}");
    let dropped = between(to, Duration::from_millis(300), End::Dropped).await;
    let failed = fails_at(&watch(dropped, 1)).await;
    let GrpcFailure::Cut { how: Ended::Timeout, after, .. } = failed else { panic!("{failed:?}") };
    assert!(after >= Duration::from_secs(1), "{after:?}");
}
