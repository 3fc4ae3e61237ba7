//! A WebSocket client that shares nothing with the program under test: what a page of GitLab's asks of `/-/cable`.

use crate::support::client;
use futures_util::{SinkExt, StreamExt};
use rustls::ClientConfig;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::Role;

/// Longer than any honest answer, so that a silent server ends the test.
const LIMIT: Duration = Duration::from_mins(1);

/// RFC 6455's own sample of a key and of the answer to it (section 1.3).
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ask<'a> {
    /// `Host`, with a port that is not the default one.
    pub(crate) host: &'a str,
    pub(crate) path: &'a str,
    pub(crate) origin: &'a str,
    /// `Authorization: Bearer`; empty for none.
    pub(crate) token: &'a str,
}

/// What a page of `https://gitlab.example.com` asks for, without a user.
pub(crate) const CABLE: Ask =
    Ask { host: "gitlab.example.com", path: "/-/cable", origin: "https://gitlab.example.com", token: "" };

/// An open WebSocket.
pub(crate) struct Socket {
    stream: WebSocketStream<TlsStream<TcpStream>>,
}

/// How a WebSocket ended.
#[derive(Debug)]
pub(crate) struct End {
    /// The text messages until then.
    pub(crate) messages: Vec<String>,
    /// How long nothing had come.
    pub(crate) silence: Duration,
    /// The code of the server's goodbye; `None` for a cut.
    pub(crate) code: Option<u16>,
}

/// The answer to `ask` over TLS: an open socket, or the status and the body.
pub(crate) async fn open(
    address: SocketAddr,
    ask: Ask<'_>,
    config: Arc<ClientConfig>,
) -> Result<Socket, (u16, String)> {
    let stream = TcpStream::connect(address).await.expect("the server listens");
    open_over(stream, ask, config).await
}

/// The same over a connection on which something was said before.
pub(crate) async fn open_over(
    stream: TcpStream,
    ask: Ask<'_>,
    config: Arc<ClientConfig>,
) -> Result<Socket, (u16, String)> {
    let name = ask.host.split_once(':').map_or(ask.host, |(name, _port)| name);
    let (stream, _alpn) = client::tls_over(stream, name, config).await;
    tokio::time::timeout(LIMIT, handshake(stream, ask)).await.expect("the handshake is answered")
}

async fn handshake(mut stream: TlsStream<TcpStream>, ask: Ask<'_>) -> Result<Socket, (u16, String)> {
    let Ask { host, path, origin, token } = ask;
    let authorization =
        if token.is_empty() { String::new() } else { format!("Authorization: Bearer {token}\r\n") };
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {host}\r\nOrigin: {origin}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Protocol: actioncable-v1-json\r\n\
         {authorization}\r\n"
    );
    stream.write_all(request.as_bytes()).await.expect("the server reads");
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.expect("the server answers"));
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status line");
    if status == 101 {
        assert!(head.contains(ACCEPT), "{head}");
        let stream = WebSocketStream::from_raw_socket(stream, Role::Client, None).await;
        return Ok(Socket { stream });
    }
    let length = value(&head, "content-length").and_then(|length| length.parse().ok());
    let mut body = Vec::new();
    match length {
        Some(length) => {
            stream.take(length).read_to_end(&mut body).await.expect("the body is whole");
        }
        // A server may leave without `close_notify`; what it sent until then is the body.
        None => drop(stream.read_to_end(&mut body).await),
    }
    Err((status, String::from_utf8_lossy(&body).into_owned()))
}

fn value<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let fields = head.lines().filter_map(|line| line.split_once(": "));
    fields.filter(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value).next()
}

impl Socket {
    /// The next text message. Ends the test if something else comes.
    pub(crate) async fn next(&mut self) -> String {
        let next = tokio::time::timeout(LIMIT, self.stream.next()).await.expect("the next message comes");
        match next.expect("the socket stays open").expect("the socket stays whole") {
            Message::Text(text) => text.to_string(),
            other => panic!("not a text message: {other:?}"),
        }
    }

    /// The next text message that is no ping.
    pub(crate) async fn next_but_pings(&mut self) -> String {
        loop {
            let message = self.next().await;
            if !message.starts_with(r#"{"type":"ping""#) {
                return message;
            }
        }
    }

    /// Sends a text message.
    pub(crate) async fn say(&mut self, text: &str) {
        self.stream.send(Message::text(text)).await.expect("the server reads");
    }

    /// Says nothing and reads until the server leaves. Ends the test if it never does.
    pub(crate) async fn until_the_end(self) -> End {
        tokio::time::timeout(LIMIT, self.read_all()).await.expect("the server leaves")
    }

    async fn read_all(mut self) -> End {
        let mut messages = Vec::new();
        let mut last = Instant::now();
        loop {
            match self.stream.next().await {
                Some(Ok(Message::Text(text))) => messages.push(text.to_string()),
                Some(Ok(Message::Close(frame))) => {
                    let code = frame.map(|frame| u16::from(frame.code));
                    return End { messages, silence: last.elapsed(), code };
                }
                Some(Ok(other)) => panic!("neither text nor goodbye: {other:?}"),
                Some(Err(_)) | None => return End { messages, silence: last.elapsed(), code: None },
            }
            last = Instant::now();
        }
    }
}

/// The message that subscribes to `identifier`, which is JSON itself.
pub(crate) fn subscribe(identifier: &str) -> String {
    serde_json::json!({ "command": "subscribe", "identifier": identifier }).to_string()
}
