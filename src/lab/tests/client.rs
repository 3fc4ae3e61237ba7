//! A client that knows nothing but the subject: its dial table, its roots, its clock.

use crate::lab::Lab;
use crate::lab::fault::On;
use crate::lab::scenario::scenario;
use crate::lab::situation::{HOSTS, name_of};
use crate::subject::dial::AddressTo;
use crate::subject::limits::Limits;
use futures_util::StreamExt;
use jiff::Timestamp;
use rustls::time_provider::TimeProvider;
use rustls_pki_types::{ServerName, UnixTime};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

pub(super) const GET_CABLE: &str = "/-/cable";

/// How long a client waits for what does not come.
pub(super) const PATIENCE: Duration = Duration::from_millis(300);

/// The moment at which all tests of the lab play.
pub(super) fn now() -> Timestamp {
    "2026-11-22T02:47:00Z".parse().expect("a time")
}

pub(super) async fn lab(name: &str) -> Lab {
    let scenario = scenario(name).unwrap_or_else(|| panic!("a scenario {name}"));
    Lab::start(&scenario, now()).await.expect("a lab")
}

/// What the dial table says of the first address of a part.
pub(super) fn rule(lab: &Lab, part: On, number: u16) -> AddressTo {
    let host = HOSTS.iter().find(|h| h.part == part).expect("a host");
    let address = host.addresses().first().copied().expect("an address");
    lab.subject(Limits::DEFAULT, now()).dial.address((address, number).into()).expect("a rule")
}

pub(super) async fn knock(lab: &Lab, part: On, number: u16) -> TcpStream {
    match rule(lab, part, number) {
        AddressTo::Connect(address) => TcpStream::connect(address).await.expect("a connection"),
        other => panic!("{part:?} leads to {other:?}"),
    }
}

#[derive(Debug)]
struct At(Timestamp);

impl TimeProvider for At {
    fn current_time(&self) -> Option<UnixTime> {
        u64::try_from(self.0.as_second()).ok().map(|s| UnixTime::since_unix_epoch(Duration::from_secs(s)))
    }
}

/// A handshake as a careful client does it at the node's own time.
pub(super) async fn tls(lab: &Lab, part: On, alpn: &[&str]) -> std::io::Result<TlsStream<TcpStream>> {
    shake(lab, part, alpn, knock(lab, part, 443).await).await
}

pub(super) async fn shake(
    lab: &Lab,
    part: On,
    alpn: &[&str],
    stream: TcpStream,
) -> std::io::Result<TlsStream<TcpStream>> {
    let subject = lab.subject(Limits::DEFAULT, now());
    let mut roots = rustls::RootCertStore::empty();
    roots.add_parsable_certificates(subject.stores[0].roots.iter().map(|der| der.clone().into()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ClientConfig::builder_with_details(provider, Arc::new(At(subject.started_at)))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|p| p.as_bytes().to_vec()).collect();
    let name = ServerName::try_from(name_of(part)).expect("a name");
    TlsConnector::from(Arc::new(config)).connect(name, stream).await
}

/// Sends a request and reads until the end, a megabyte or a silence.
pub(super) async fn raw(mut stream: impl AsyncRead + AsyncWrite + Unpin, request: &str) -> String {
    stream.write_all(request.as_bytes()).await.expect("a request is taken");
    let mut answer = Vec::new();
    let mut bounded = stream.take(1 << 20);
    match timeout(PATIENCE, bounded.read_to_end(&mut answer)).await {
        Ok(Ok(_)) => {}
        Ok(Err(error)) => answer.extend(format!("[{error}]").bytes()),
        Err(_) => answer.extend(b"[silence]"),
    }
    String::from_utf8_lossy(&answer).into_owned()
}

pub(super) async fn get(lab: &Lab, part: On, path: &str) -> String {
    let stream = tls(lab, part, &["http/1.1"]).await.expect("a channel");
    let host = name_of(part);
    let request =
        format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nX-Request-Id: asked\r\nConnection: close\r\n\r\n");
    raw(stream, &request).await
}

pub(super) fn upgrade(origin: &str, token: Option<&str>) -> String {
    let token = token.map(|t| format!("Authorization: Bearer {t}\r\n")).unwrap_or_default();
    format!(
        "GET /-/cable HTTP/1.1\r\nHost: gitlab.example.com\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nOrigin: {origin}\r\n\
         Sec-WebSocket-Protocol: actioncable-v1-json, actioncable-unsupported\r\n{token}\r\n"
    )
}

/// Status, `server` header and body of an answer.
pub(super) fn answer(text: &str) -> (u16, String, String) {
    let status = text.split(' ').nth(1).and_then(|s| s.parse().ok()).unwrap_or(0);
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((text, ""));
    let server = head.lines().find_map(|l| l.strip_prefix("server: ")).unwrap_or("").to_owned();
    (status, server, body.trim_end_matches("[silence]").to_owned())
}

/// What a WebSocket handshake with this `Origin` is answered.
pub(super) async fn cable(lab: &Lab, origin: &str) -> (u16, String, String) {
    let stream = tls(lab, On::Instance, &["http/1.1"]).await.expect("a channel");
    answer(&raw(stream, &upgrade(origin, None)).await)
}

/// The first message on a WebSocket.
pub(super) async fn welcome(lab: &Lab, token: Option<&str>) -> String {
    let stream = tls(lab, On::Instance, &["http/1.1"]).await.expect("a channel");
    let mut request = ::http::Request::get("wss://gitlab.example.com/-/cable")
        .header("host", "gitlab.example.com")
        .header("connection", "Upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
        .header("sec-websocket-protocol", "actioncable-v1-json, actioncable-unsupported")
        .header("origin", "https://gitlab.example.com");
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    let (mut socket, answer) =
        tokio_tungstenite::client_async(request.body(()).expect("a request"), stream).await.expect("101");
    assert_eq!(answer.headers()["sec-websocket-protocol"], "actioncable-v1-json");
    match timeout(PATIENCE, socket.next()).await {
        Ok(Some(Ok(message))) => message.to_string(),
        Ok(other) => format!("{other:?}"),
        Err(_) => "[silence]".into(),
    }
}
