use crate::support::{
    HOST, STORE, authority, failure, impatient, params, peer, says, server_config, signed, subject, trusting,
    walk,
};
use duo_doctor::failure::{Ended, Failure, Layer, WebSocketFailure};
use duo_doctor::probe::{Alpn, Listen, Probe, Reading, Then, TlsAsk, Upgrade, Version};
use duo_doctor::secret::Secret;
use duo_doctor::subject::Subject;
use futures_util::{SinkExt, StreamExt};
use std::net::SocketAddr;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};

fn upgrade(to: SocketAddr, listen: Listen) -> Probe {
    walk(
        to,
        None,
        Then::Upgrade(Upgrade {
            path: "/-/cable".into(),
            authority: HOST.into(),
            origin: format!("https://{HOST}"),
            protocols: vec!["actioncable-v1-json".into(), "actioncable-unsupported".into()],
            headers: Vec::new(),
            credential: None,
            message: None,
            version: Version::Http1,
            listen,
        }),
    )
}

/// What the cable does after it has said all its words.
#[derive(Clone, Copy)]
enum After {
    Stays,
    HangsUp,
}

/// A cable that says these messages after the handshake.
async fn cable(words: &'static [&'static str], after: After) -> SocketAddr {
    peer(move |stream| async move {
        #[expect(clippy::result_large_err, reason = "the library's type")]
        let choose = |request: &Request, mut response: Response| {
            assert_eq!(request.headers()["origin"], format!("https://{HOST}"));
            let protocol = "actioncable-v1-json".parse().expect("a value");
            response.headers_mut().insert("sec-websocket-protocol", protocol);
            // A list, as RFC 9110 (section 7.6.1) allows and some balancers send.
            response.headers_mut().insert("connection", "Keep-Alive, Upgrade".parse().expect("a value"));
            Ok(response)
        };
        let mut socket = tokio_tungstenite::accept_hdr_async(stream, choose).await.expect("a handshake");
        for word in words {
            socket.send(Message::text(*word)).await.expect("a listener");
        }
        match after {
            After::Stays => while let Some(Ok(_)) = socket.next().await {},
            After::HangsUp => {}
        }
    })
    .await
}

const WELCOME: &str = r#"{"type":"welcome"}"#;
const REFUSAL: &str = r#"{"type":"disconnect","reason":"unauthorized","reconnect":false}"#;
const PING: &str = r#"{"type":"ping","message":1780272000}"#;

async fn websocket_failure(subject: Subject, probe: &Probe) -> (Layer, WebSocketFailure) {
    match failure(subject, probe).await {
        (layer, Failure::WebSocket(failed)) => (layer, failed),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_good_cable_is_told_layer_by_layer_and_held() {
    let to = cable(&[WELCOME, PING], After::Stays).await;
    let samples = crate::support::carry_out(subject(), &upgrade(to, Listen::Hold(1))).await;
    let layers: Vec<Layer> = samples.iter().map(|s| s.layer).collect();
    assert_eq!(layers, [Layer::Dns, Layer::Tcp, Layer::Upgrade, Layer::Welcome, Layer::Ping, Layer::Hold]);
    let Some(Reading::Upgraded(upgraded)) = samples[2].reading() else { panic!("{samples:?}") };
    assert_eq!(upgraded.protocol.as_deref(), Some("actioncable-v1-json"));
    assert!(matches!(samples[5].reading(), Some(Reading::Held { frames: 2, .. })), "{samples:?}");
}

#[tokio::test]
async fn a_credential_goes_to_a_verified_server() {
    let root = authority("Test Root");
    let server = signed(params("server"), &root);
    let config = server_config(vec![server.der.clone()], &server.key);
    let acceptor = tokio_rustls::TlsAcceptor::from(std::sync::Arc::new(config));
    let (tell, mut told) = tokio::sync::mpsc::channel(1);
    let to = peer(move |stream| {
        let (acceptor, tell) = (acceptor.clone(), tell.clone());
        async move {
            let mut stream = acceptor.accept(stream).await.expect("a handshake");
            let mut request = [0; 4096];
            let read = tokio::io::AsyncReadExt::read(&mut stream, &mut request).await.expect("a request");
            let request = String::from_utf8_lossy(&request[..read]).into_owned();
            tell.send(request).await.expect("a listener");
        }
    })
    .await;
    let mut probe = upgrade(to, Listen::Answer);
    if let Probe::Walk(walk) = &mut probe {
        walk.tls = Some(TlsAsk { alpn: Alpn::Http1, ..TlsAsk::strict(STORE) });
        if let Then::Upgrade(upgrade) = &mut walk.then {
            upgrade.credential = Some(Secret::new("glpat-abc"));
        }
    }
    let (_, failed) = websocket_failure(trusting(&root.der), &probe).await;
    assert!(matches!(failed, WebSocketFailure::NoAnswer { kind: Ended::Eof, .. }), "{failed:?}");
    let request = told.recv().await.expect("a request").to_ascii_lowercase();
    assert!(request.starts_with("get /-/cable http/1.1\r\n"), "{request}");
    assert!(request.contains("authorization: bearer glpat-abc\r\n"), "{request}");
    assert!(request.contains("sec-websocket-protocol: actioncable-v1-json, actioncable-unsupported\r\n"));
}

#[tokio::test]
async fn a_refused_handshake_keeps_the_answer_and_the_page_that_comes_after_its_head() {
    let to = peer(|mut stream| async move {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let _ = stream.read(&mut [0; 4096]).await;
        let head = b"HTTP/1.1 404 Not Found\r\nserver: Apache\r\ntransfer-encoding: chunked\r\n\r\n";
        stream.write_all(head).await.expect("a reader");
        stream.flush().await.expect("a reader");
        tokio::task::yield_now().await;
        stream.write_all(b"e\r\nPage not found\r\n0\r\n\r\n").await.expect("a reader");
        let _ = stream.read(&mut [0; 16]).await;
    })
    .await;
    let (layer, failed) = websocket_failure(subject(), &upgrade(to, Listen::Answer)).await;
    let WebSocketFailure::Refused(answer) = failed else { panic!("{failed:?}") };
    assert_eq!((layer, answer.status, answer.body.as_str()), (Layer::Upgrade, 404, "Page not found"));
    assert_eq!(answer.headers.get("server"), Some("Apache"));
}

#[tokio::test]
async fn a_101_without_its_headers_is_a_bad_handshake() {
    let to =
        says("HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n").await;
    let (layer, failed) = websocket_failure(subject(), &upgrade(to, Listen::Answer)).await;
    assert_eq!(layer, Layer::Upgrade);
    assert!(matches!(failed, WebSocketFailure::BadHandshake { .. }), "{failed:?}");
}

#[tokio::test]
async fn no_answer_to_the_handshake_says_how_it_ended() {
    let silent = peer(|mut stream| async move {
        let _ = tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut Vec::new()).await;
    })
    .await;
    for (to, expected) in [(silent, Ended::Timeout), (says("").await, Ended::Eof)] {
        let (_, failed) = websocket_failure(impatient(), &upgrade(to, Listen::Answer)).await;
        assert!(matches!(failed, WebSocketFailure::NoAnswer { kind, .. } if kind == expected), "{failed:?}");
    }
}

#[tokio::test]
async fn what_comes_in_place_of_the_welcome_is_told_apart() {
    for (to, expected) in [
        (cable(&[REFUSAL], After::Stays).await, "Disconnected { reason: \"unauthorized\" }"),
        (cable(&["hello"], After::Stays).await, "Foreign { text: \"hello\" }"),
        (cable(&[], After::Stays).await, "Silent { waited_for: Welcome"),
        (cable(&[], After::HangsUp).await, "Cut { how: Eof, code: None"),
    ] {
        let (layer, failed) = websocket_failure(impatient(), &upgrade(to, Listen::FirstPing)).await;
        assert_eq!(layer, Layer::Welcome);
        assert!(format!("{failed:?}").starts_with(expected), "{failed:?}");
    }
}

#[tokio::test]
async fn a_cable_cut_while_held_says_when() {
    let to = cable(&[WELCOME, PING], After::HangsUp).await;
    let (layer, failed) = websocket_failure(subject(), &upgrade(to, Listen::Hold(60))).await;
    assert_eq!(layer, Layer::Hold);
    assert!(matches!(failed, WebSocketFailure::Cut { how: Ended::Eof, code: None, .. }), "{failed:?}");
}
