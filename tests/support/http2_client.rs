//! HTTP/2 as bytes and as WebSocket connections: what a server says first, and RFC 8441.

use crate::support::client;
use bytes::Bytes;
use h2::ext::Protocol;
use rustls::ClientConfig;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Longer than any honest answer, so that a silent server ends the test.
const LIMIT: Duration = Duration::from_mins(1);

/// The client's preface (RFC 9113 section 3.4) with empty SETTINGS, and a PING: its answer comes after all that the
/// server says by itself.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0\0\0\x08\x06\0\0\0\0\0duo-ping";

/// The types of frames, and the flag of an acknowledgement.
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;
const ACK: u8 = 1;

/// A frame as it came.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Frame {
    /// SETTINGS: identifiers and values in the order sent.
    Settings(Vec<(u16, u32)>),
    /// `WINDOW_UPDATE` of the connection.
    Window(u32),
    /// GOAWAY: the code and the words.
    Goaway(u32, String),
    /// The server left.
    End,
    /// Any other, by its type.
    Other(u8),
}

/// What the server says by itself at the beginning, without its acknowledgement.
pub(crate) async fn greeting(address: SocketAddr, host: &str, config: Arc<ClientConfig>) -> Vec<Frame> {
    said_to(PREFACE, address, host, config).await
}

/// What the server says over HTTP/2 to a client that speaks HTTP/1.1.
pub(crate) async fn said_to_http1(address: SocketAddr, host: &str, config: Arc<ClientConfig>) -> Vec<Frame> {
    said_to(format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n").as_bytes(), address, host, config).await
}

async fn said_to(bytes: &[u8], address: SocketAddr, host: &str, config: Arc<ClientConfig>) -> Vec<Frame> {
    let (mut stream, alpn) = client::tls(address, host, config).await;
    assert_eq!(alpn, "h2");
    stream.write_all(bytes).await.expect("the server reads");
    let mut said = Vec::new();
    loop {
        let mut head = [0; 9];
        let read =
            tokio::time::timeout(LIMIT, stream.read_exact(&mut head)).await.expect("it ends or speaks");
        if read.is_err() {
            said.push(Frame::End);
            return said;
        }
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await.expect("the frame is whole");
        let number = |at: usize| u32::from_be_bytes(body[at..at + 4].try_into().expect("four bytes"));
        match head[3] {
            PING if head[4] & ACK == ACK => return said,
            SETTINGS if head[4] & ACK == ACK => {}
            SETTINGS => said.push(Frame::Settings(
                (0..length / 6)
                    .map(|n| (u16::from_be_bytes([body[6 * n], body[6 * n + 1]]), number(6 * n + 2)))
                    .collect(),
            )),
            GOAWAY => said.push(Frame::Goaway(number(4), String::from_utf8_lossy(&body[8..]).into_owned())),
            WINDOW_UPDATE => said.push(Frame::Window(number(0))),
            other => said.push(Frame::Other(other)),
        }
    }
}

/// Opens `/-/cable` within HTTP/2: whether the server has announced that it can, the status, and the first message.
/// Ends the test if the stream is refused otherwise than by a status.
pub(crate) async fn cable(
    address: SocketAddr,
    host: &str,
    config: Arc<ClientConfig>,
) -> Result<(u16, String), String> {
    let (stream, alpn) = client::tls(address, host, config).await;
    assert_eq!(alpn, "h2");
    let (mut sender, connection) = h2::client::handshake(stream).await.expect("it speaks h2");
    let _task = tokio::spawn(connection);
    let request = |path: &str| http::Request::builder().uri(format!("https://{host}{path}"));
    // The answer to any request comes after the server's SETTINGS.
    let plain = request("/users/sign_in").body(()).expect("the request is well-formed");
    let (answer, _body) = sender.send_request(plain, true).map_err(|error| error.to_string())?;
    tokio::time::timeout(LIMIT, answer).await.expect("it answers").expect("the answer is whole");
    sender = sender.ready().await.expect("the connection stays");
    if !sender.is_extended_connect_protocol_enabled() {
        return Err("not announced".to_owned());
    }
    let mut extended = request("/-/cable")
        .method(http::Method::CONNECT)
        .header("origin", format!("https://{host}"))
        .header("sec-websocket-version", "13")
        .header("sec-websocket-protocol", "actioncable-v1-json")
        .body(())
        .expect("the request is well-formed");
    extended.extensions_mut().insert(Protocol::from_static("websocket"));
    let (answer, _body) = sender.send_request(extended, false).map_err(|error| error.to_string())?;
    let answer = tokio::time::timeout(LIMIT, answer).await.expect("it answers");
    let answer = answer.map_err(|error| error.to_string())?;
    let status = answer.status().as_u16();
    let first: Option<Result<Bytes, h2::Error>> =
        tokio::time::timeout(LIMIT, answer.into_body().data()).await.expect("it ends or speaks");
    // A short text frame of a server: two bytes of head, then the text (RFC 6455 section 5.2).
    let text = match first {
        Some(Ok(bytes)) if bytes.first() == Some(&0x81) => bytes[2..].to_vec(),
        Some(Ok(bytes)) => bytes.to_vec(),
        Some(Err(error)) => return Err(error.to_string()),
        None => Vec::new(),
    };
    Ok((status, String::from_utf8_lossy(&text).into_owned()))
}
