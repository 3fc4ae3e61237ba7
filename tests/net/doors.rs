//! The doors of a node: Unix sockets, listeners that want to be told who comes, and a line that is no HTTP.

use crate::support::{carry_out, failure, peer, reading, subject};
use duo_doctor::failure::{Answer, Failure, Layer, SocketKind};
use duo_doctor::probe::{Probe, Reading, Request, Then, Walk};
use duo_doctor::secret::Secret;
use duo_doctor::subject::dial::AddressTo;
use duo_doctor::subject::doors::Aim;
use duo_doctor::subject::{Subject, Via};
use std::net::SocketAddr;
use std::path::PathBuf;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::UnixListener;
use tokio::sync::mpsc;

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

fn walk(aim: Aim, then: Then) -> Probe {
    let target = duo_doctor::subject::address::Target::new("gitlab.test", 443);
    Probe::Walk(Walk { target, via: Via::Direct, tls: None, then, aim, nth: 1 })
}

fn get(aim: Aim) -> Probe {
    walk(aim, Then::Request(Request::get("/")))
}

/// Reads what comes first and answers it.
async fn serve(mut stream: impl AsyncRead + AsyncWrite + Unpin, answer: &[u8]) -> String {
    let mut request = vec![0; 4096];
    let length = stream.read(&mut request).await.expect("a request");
    stream.write_all(answer).await.expect("a reader");
    String::from_utf8_lossy(&request[..length]).into_owned()
}

/// A server behind a Unix socket in a directory of its own, and what was said to it.
fn socket_server(path: &std::path::Path) -> mpsc::Receiver<String> {
    let listener = UnixListener::bind(path).expect("a socket can be made");
    let (tell, told) = mpsc::channel(4);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            if tell.send(serve(stream, ANSWER).await).await.is_err() {
                return;
            }
        }
    });
    told
}

#[tokio::test]
async fn a_unix_socket_is_spoken_to_without_asking_for_a_name() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("socket");
    let mut told = socket_server(&path);
    let samples = carry_out(subject(), &get(Aim::Socket(path.clone()))).await;
    let layers: Vec<Layer> = samples.iter().map(|s| s.layer).collect();
    assert_eq!(layers, [Layer::Tcp, Layer::Http]);
    let shown = path.display().to_string();
    assert!(matches!(samples[0].reading(), Some(Reading::Socket { path }) if *path == shown), "{samples:?}");
    assert!(told.recv().await.expect("a request").starts_with("GET / HTTP/1.1\r\n"));
}

#[tokio::test]
async fn a_socket_whose_path_is_longer_than_an_address_can_hold_is_reached_all_the_same() {
    let directory = tempfile::tempdir().expect("a directory");
    let deep = directory.path().join("d".repeat(60)).join("e".repeat(60));
    std::fs::create_dir_all(&deep).expect("directories");
    let link = directory.path().join("l");
    std::os::unix::fs::symlink(&deep, &link).expect("a link");
    let mut told = socket_server(&link.join("socket"));
    let Reading::Answer(answer) = reading(subject(), &get(Aim::Socket(deep.join("socket")))).await else {
        panic!("an answer")
    };
    assert_eq!(answer.status, 200);
    assert!(told.recv().await.is_some());
}

#[tokio::test]
async fn a_socket_that_is_not_there_or_has_nobody_behind_it_says_which() {
    let directory = tempfile::tempdir().expect("a directory");
    let left_behind = directory.path().join("left");
    drop(UnixListener::bind(&left_behind).expect("a socket can be made"));
    let file = directory.path().join("file");
    std::fs::write(&file, "").expect("a file");
    for (path, kind) in [
        (directory.path().join("absent"), SocketKind::Absent),
        (left_behind, SocketKind::Refused),
        (file, SocketKind::Refused),
    ] {
        let (layer, failed) = failure(subject(), &get(Aim::Socket(path))).await;
        let Failure::Socket(failed) = failed else { panic!("{failed:?}") };
        assert_eq!((layer, failed.kind), (Layer::Tcp, kind), "{failed:?}");
    }
}

#[tokio::test]
async fn the_dial_table_leads_sockets_too() {
    let to = peer(|stream| async move { drop(serve(stream, ANSWER).await) }).await;
    let path = PathBuf::from("/nowhere/socket");
    let led = |rule| {
        let mut subject = subject();
        subject.dial.sockets.push((path.clone(), rule));
        subject
    };
    let probe = get(Aim::Socket(path.clone()));
    assert!(matches!(reading(led(AddressTo::Connect(to)), &probe).await, Reading::Answer(_)));
    let (_, failed) = failure(led(AddressTo::Refuse), &probe).await;
    assert!(matches!(failed, Failure::Socket(s) if s.kind == SocketKind::Refused));
}

#[tokio::test]
async fn a_listener_that_wants_it_is_told_who_comes_before_anything_else() {
    let (tell, mut told) = mpsc::channel(1);
    let to = peer(move |stream| {
        let tell = tell.clone();
        async move { tell.send(serve(stream, ANSWER).await).await.expect("a listener") }
    })
    .await;
    let _answer = carry_out(subject(), &get(Aim::Announced(to))).await;
    let said = told.recv().await.expect("a request");
    let header = said.lines().next().expect("a line");
    let parts: Vec<&str> = header.split(' ').collect();
    let port = to.port().to_string();
    assert_eq!(
        (parts[..4].join(" "), parts[5]),
        ("PROXY TCP4 127.0.0.1 127.0.0.1".to_owned(), &*port),
        "{said}"
    );
}

/// What a server says to a line that is no HTTP.
async fn said(answer: &'static [u8]) -> Result<Answer, Failure> {
    let to = peer(move |stream| async move { drop(serve(stream, answer).await) }).await;
    let samples = carry_out(subject(), &walk(Aim::Address(to), Then::Nonsense)).await;
    let last = samples.last().expect("a sample");
    match (last.reading(), last.failure()) {
        (Some(Reading::Answer(answer)), _) => Ok((**answer).clone()),
        (_, Some(failure)) => Err(failure.clone()),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_words_of_the_first_server_to_a_line_that_is_no_http_are_kept_and_harmless() {
    let answer =
        said(b"HTTP/1.1 400 Bad Request\r\nServer: nginx\x1b[2J\r\nX-Secret: 1\r\n\r\n<h1>no\x07</h1>").await;
    let answer = answer.expect("an answer");
    assert_eq!((answer.status, answer.headers.get("server")), (400, Some("nginx\\x1b[2J")));
    assert_eq!((answer.headers.get("x-secret"), answer.body.as_str()), (None, "<h1>no\\x07</h1>"));
    assert!(matches!(said(b"SSH-2.0-x\r\n").await, Err(Failure::Http(_))));
    assert!(matches!(said(b"").await, Err(Failure::Http(_))));
}

/// Asks with a token in plain text.
async fn heard_with_a_token(subject: Subject, aim: Aim, told: &mut mpsc::Receiver<String>) -> String {
    let request = Request { credential: Some(Secret::new("glpat-abcdefgh")), ..Request::get("/") };
    let _answer = carry_out(subject, &walk(aim, Then::Request(request))).await;
    told.recv().await.expect("a request")
}

#[tokio::test]
async fn a_token_goes_to_this_node_in_plain_text_and_to_nobody_else() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("socket");
    let mut told = socket_server(&path);
    let said = heard_with_a_token(subject(), Aim::Socket(path), &mut told).await;
    assert!(said.to_lowercase().contains("authorization: bearer glpat-abcdefgh"), "{said}");

    let (tell, mut told) = mpsc::channel(4);
    let to: SocketAddr = peer(move |stream| {
        let tell = tell.clone();
        async move { tell.send(serve(stream, ANSWER).await).await.expect("a listener") }
    })
    .await;
    let said = heard_with_a_token(subject(), Aim::Address(to), &mut told).await;
    assert!(said.to_lowercase().contains("authorization"), "loopback is this node: {said}");
    // The same server by its name: whether that leads away from the node is not known when the token would be sent.
    let mut elsewhere = subject();
    crate::support::address_rule(&mut elsewhere, AddressTo::Connect(to));
    let said = heard_with_a_token(elsewhere, Aim::Name, &mut told).await;
    assert!(!said.to_lowercase().contains("authorization"), "{said}");
}
