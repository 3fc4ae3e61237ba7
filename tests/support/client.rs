//! Clients that share nothing with the program under test: they show what a server really answers.

use futures_util::StreamExt;
use http_body_util::Empty;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};

/// Longer than any honest answer, so that a silent server ends the test.
const LIMIT: Duration = Duration::from_mins(1);

/// What came of a WebSocket handshake with `/-/cable`.
#[derive(Debug)]
pub(crate) enum Handshake {
    /// 101: the sub-protocol and the first messages.
    Open { protocol: String, messages: Vec<String> },
    /// Any other answer.
    Refused { status: u16, server: String, body: String },
}

/// The whole answer to a GET over plain HTTP/1.1, read until the server closes.
pub(crate) fn get(address: SocketAddr, host: &str, path: &str) -> String {
    let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    exchange(address, &request)
}

/// Writes `request` and reads until the server closes.
pub(crate) fn exchange(address: SocketAddr, request: &str) -> String {
    let mut stream = connect(address);
    stream.write_all(request.as_bytes()).expect("the server reads");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("the server answers and closes");
    String::from_utf8_lossy(&answer).into_owned()
}

/// The same as `get` over TLS, outside of a runtime.
pub(crate) fn get_by_tls(address: SocketAddr, host: &str, path: &str, config: Arc<ClientConfig>) -> String {
    let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    exchange_by_tls(address, host, &request, config)
}

/// Writes `request` over TLS and reads until the server closes. Ends the test if the server is not trusted.
pub(crate) fn exchange_by_tls(
    address: SocketAddr,
    host: &str,
    request: &str,
    config: Arc<ClientConfig>,
) -> String {
    let mut stream = tls_stream(address, host, config);
    // A server may refuse before it has read everything.
    let _refused = stream.write_all(request.as_bytes());
    let mut answer = Vec::new();
    // A server may leave without `close_notify`; what it sent until then is the answer.
    let _end = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

/// A streamed answer to a POST of JSON with `token`: what was said, and when each piece of it came after the request.
pub(crate) fn stream_by_tls(
    address: SocketAddr,
    host: &str,
    path: &str,
    json: &str,
    token: &str,
    config: Arc<ClientConfig>,
) -> (String, Vec<Duration>) {
    let mut stream = tls_stream(address, host, config);
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{json}",
        json.len()
    );
    stream.write_all(request.as_bytes()).expect("the server reads");
    let asked = Instant::now();
    let (mut answer, mut times) = (Vec::new(), Vec::new());
    let mut piece = [0; 16 * 1024];
    while let Ok(length @ 1..) = stream.read(&mut piece) {
        answer.extend_from_slice(&piece[..length]);
        times.push(asked.elapsed());
    }
    (String::from_utf8_lossy(&answer).into_owned(), times)
}

fn tls_stream(
    address: SocketAddr,
    host: &str,
    config: Arc<ClientConfig>,
) -> StreamOwned<ClientConnection, TcpStream> {
    let name = ServerName::try_from(host.to_owned()).expect("the host is a name");
    let session = ClientConnection::new(config, name).expect("the configuration is complete");
    let mut stream = StreamOwned::new(session, connect(address));
    while stream.conn.is_handshaking() {
        stream.conn.complete_io(&mut stream.sock).expect("the server is trusted");
    }
    stream
}

fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).expect("the server listens");
    stream.set_read_timeout(Some(LIMIT)).expect("the limit is not zero");
    stream
}

/// A TLS connection to `host` at `address`, and the protocol that ALPN settled on.
pub(crate) async fn tls(
    address: SocketAddr,
    host: &str,
    config: Arc<ClientConfig>,
) -> (TlsStream<tokio::net::TcpStream>, String) {
    let stream = tokio::net::TcpStream::connect(address).await.expect("the server listens");
    tls_over(stream, host, config).await
}

/// The same over a connection that exists already, such as a proxy's tunnel.
pub(crate) async fn tls_over(
    stream: tokio::net::TcpStream,
    host: &str,
    config: Arc<ClientConfig>,
) -> (TlsStream<tokio::net::TcpStream>, String) {
    let name = ServerName::try_from(host.to_owned()).expect("the host is a name");
    let stream =
        TlsConnector::from(config).connect(name, stream).await.expect("the test's certificate is trusted");
    let alpn = stream.get_ref().1.alpn_protocol().map(<[u8]>::to_vec).unwrap_or_default();
    (stream, String::from_utf8_lossy(&alpn).into_owned())
}

/// The whole answer to a GET over an open TLS connection, HTTP/1.1.
pub(crate) async fn get_over(mut stream: TlsStream<tokio::net::TcpStream>, host: &str, path: &str) -> String {
    let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("the server reads");
    let mut answer = Vec::new();
    // A server may leave without `close_notify`; what it sent until then is the answer.
    let _end =
        tokio::time::timeout(LIMIT, stream.read_to_end(&mut answer)).await.expect("the server answers");
    String::from_utf8_lossy(&answer).into_owned()
}

/// The status and the `cf-ray` of the answer to a GET of `url` over HTTP/2.
pub(crate) async fn status_by_http2(
    address: SocketAddr,
    url: &str,
    config: Arc<ClientConfig>,
) -> (u16, String) {
    let request =
        http::Request::get(url).body(Empty::<bytes::Bytes>::new()).expect("the address is well-formed");
    let host = request.uri().host().expect("the address has a host").to_owned();
    let (stream, alpn) = tls(address, &host, config).await;
    assert_eq!(alpn, "h2");
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .expect("it speaks h2");
    let _task = tokio::spawn(connection);
    let answer = tokio::time::timeout(LIMIT, sender.send_request(request)).await.expect("the server answers");
    let answer = answer.expect("the answer is whole");
    (answer.status().as_u16(), header(answer.headers(), "cf-ray"))
}

/// Opens `/-/cable` over TLS as a browser on `origin` does, and reads `count` messages.
pub(crate) async fn cable(
    address: SocketAddr,
    host: &str,
    origin: &str,
    config: Arc<ClientConfig>,
    count: usize,
) -> Handshake {
    let (stream, _alpn) = tls(address, host, config).await;
    let mut request =
        format!("wss://{host}/-/cable").into_client_request().expect("the address is well-formed");
    let headers = request.headers_mut();
    headers.insert("origin", origin.parse().expect("an origin is a header value"));
    headers.insert(
        "sec-websocket-protocol",
        "actioncable-v1-json, actioncable-unsupported".parse().expect("ASCII"),
    );
    let handshake = tokio_tungstenite::client_async(request, stream);
    match tokio::time::timeout(LIMIT, handshake).await.expect("the handshake is answered") {
        Ok((mut socket, answer)) => {
            let mut messages = Vec::new();
            while messages.len() < count {
                let next = tokio::time::timeout(LIMIT, socket.next()).await.expect("the next message comes");
                match next.expect("the socket stays open").expect("the socket stays whole") {
                    Message::Text(text) => messages.push(text.to_string()),
                    other => panic!("not a text message: {other:?}"),
                }
            }
            Handshake::Open { protocol: header(answer.headers(), "sec-websocket-protocol"), messages }
        }
        Err(Error::Http(answer)) => Handshake::Refused {
            status: answer.status().as_u16(),
            server: header(answer.headers(), "server"),
            body: String::from_utf8_lossy(answer.body().as_deref().unwrap_or_default()).into_owned(),
        },
        Err(error) => panic!("neither opened nor refused: {error}"),
    }
}

/// The status of a handshake with `/-/cable` that forgets its `Sec-WebSocket-Key`.
pub(crate) async fn keyless_handshake(address: SocketAddr, host: &str, config: Arc<ClientConfig>) -> String {
    let (mut stream, _alpn) = tls(address, host, config).await;
    let request = format!(
        "GET /-/cable HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.expect("the server reads");
    let mut status_line = vec![0; "HTTP/1.1 500".len()];
    let read =
        tokio::time::timeout(LIMIT, stream.read_exact(&mut status_line)).await.expect("the server answers");
    read.expect("the server answers in whole");
    String::from_utf8_lossy(&status_line["HTTP/1.1 ".len()..]).into_owned()
}

fn header(headers: &http::HeaderMap, name: &str) -> String {
    headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).unwrap_or_default()
}
