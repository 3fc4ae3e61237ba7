//! The WebSocket handshake over a stream that already stands, and the polite end.
//!
//! Decides what is sent and how a missing or wrong answer failed. What is listened to afterwards: `cable`.

use super::answer::{Body, Head};
use super::http::{self, Begun, Channel, Protocol, USER_AGENT};
use super::{Net, Teller, cable, ended, words};
use crate::failure::{Ended, Failure, HttpFailure, HttpKind, Layer, WebSocketFailure};
use crate::probe::{Reading, Upgrade, Upgraded, Version};
use crate::secret::Secret;
use bytes::Bytes;
use futures_util::SinkExt;
use futures_util::future::{Either, select};
use http_body_util::Full;
use hyper_util::rt::TokioIo;
use std::time::{Duration, Instant};
use tokio::time::{timeout, timeout_at};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};

/// Far more than Action Cable sends of itself.
const MESSAGE: usize = 64 * 1024;

/// Nobody waits for a polite end longer than this.
const FAREWELL: Duration = Duration::from_millis(200);

pub(super) type Socket = WebSocketStream<TokioIo<hyper::upgrade::Upgraded>>;

/// Upgrades the channel and listens as long as asked.
pub(super) async fn upgrade(
    net: &Net,
    channel: Channel,
    upgrade: &Upgrade,
    teller: &mut Teller<'_>,
) -> Option<()> {
    let began = Instant::now();
    let opened = open(net, channel, upgrade).await;
    let opened = opened.map(|(socket, upgraded)| (socket, Reading::Upgraded(upgraded)));
    let mut socket = teller.tell(Layer::Upgrade, began, opened)?;
    let listened = cable::listen(net, &mut socket, upgrade, teller).await;
    let normal = CloseFrame { code: CloseCode::Normal, reason: "".into() };
    // Politeness only: whether it arrives changes nothing.
    let _ = timeout(FAREWELL, socket.send(Message::Close(Some(normal)))).await;
    listened
}

/// The handshake: an HTTP exchange, and then the stream as a WebSocket.
async fn open(net: &Net, channel: Channel, upgrade: &Upgrade) -> Result<(Socket, Upgraded), Failure> {
    let began = Instant::now();
    let deadline = tokio::time::Instant::from_std(began) + net.timeout();
    let credential = channel.carries(upgrade.credential.as_ref());
    let asked = channel.client_certificate_asked();
    let silent =
        || Failure::WebSocket(WebSocketFailure::NoAnswer { kind: Ended::Timeout, after: began.elapsed() });
    let key = generate_key();
    let request = match upgrade.version {
        Version::Http1 => request(upgrade, &key, credential),
        Version::Http2 => extended_connect(upgrade, credential),
    };
    let request = request.map_err(|e| Failure::Other { layer: Layer::Upgrade, message: words(&e) })?;
    let protocol = match upgrade.version {
        Version::Http1 => Protocol::Http1,
        Version::Http2 => Protocol::Http2,
    };
    let mut answering = match timeout_at(deadline, http::begin(channel.io, protocol, request)).await {
        Ok(Ok(answering)) => answering,
        Ok(Err(error)) if upgrade.version == Version::Http2 && error.is_user() => {
            let words = "the server takes no WebSocket over HTTP/2 (RFC 8441)".to_owned();
            return Err(Failure::WebSocket(WebSocketFailure::BadHandshake { words }));
        }
        Ok(Err(error)) => return Err(failure(&error, asked, began.elapsed())),
        Err(_) => return Err(silent()),
    };
    let opened = match upgrade.version {
        Version::Http1 => answering.response.status() == ::http::StatusCode::SWITCHING_PROTOCOLS,
        Version::Http2 => answering.response.status().is_success(),
    };
    if !opened {
        let answer = http::finish(net, answering, deadline, &mut Body::default()).await;
        return Err(Failure::WebSocket(WebSocketFailure::Refused(Box::new(answer))));
    }
    let headers = Head::of(&answering.response).headers;
    // Over HTTP/2 there is neither key nor `Upgrade` (RFC 8441, 5.1).
    let breach = match upgrade.version {
        Version::Http1 => breach(answering.response.headers(), &key),
        Version::Http2 => None,
    };
    if let Some(words) = breach {
        return Err(Failure::WebSocket(WebSocketFailure::BadHandshake { words }));
    }
    let Begun { connection, response, .. } = &mut answering;
    // The connection hands its stream over when it ends, which it may have done already.
    let handed_over = async {
        match select(hyper::upgrade::on(response), connection).await {
            Either::Left((stream, _)) => stream,
            Either::Right(((), stream)) => stream.await,
        }
    };
    let stream = match timeout_at(deadline, handed_over).await {
        Ok(Ok(stream)) => TokioIo::new(stream),
        Ok(Err(error)) => {
            let words = words(&error);
            return Err(Failure::WebSocket(WebSocketFailure::BadHandshake { words }));
        }
        Err(_) => return Err(silent()),
    };
    let config = WebSocketConfig::default()
        .max_message_size(Some(MESSAGE))
        .max_frame_size(Some(MESSAGE))
        .read_buffer_size(8 * 1024)
        .write_buffer_size(4 * 1024)
        // A peer that sends pings without end and reads no pong must not fill the memory with them.
        .max_write_buffer_size(MESSAGE);
    let socket = WebSocketStream::from_raw_socket(stream, Role::Client, Some(config)).await;
    let protocol = headers.get("sec-websocket-protocol").map(str::to_owned);
    Ok((socket, Upgraded { protocol, headers }))
}

/// How an answer of 101 breaks RFC 6455, section 4.1, if it does.
fn breach(headers: &::http::HeaderMap, key: &str) -> Option<String> {
    let has = |name: &str, token: &str| {
        let values = headers.get_all(name).iter().filter_map(|v| v.to_str().ok());
        values.flat_map(|v| v.split(',')).any(|t| t.trim().eq_ignore_ascii_case(token))
    };
    if !has("upgrade", "websocket") {
        return Some("the answer has no `Upgrade: websocket`".to_owned());
    }
    if !has("connection", "upgrade") {
        return Some("the answer has no `Connection: Upgrade`".to_owned());
    }
    let accept = headers.get("sec-websocket-accept").and_then(|v| v.to_str().ok());
    (accept != Some(derive_accept_key(key.as_bytes()).as_str()))
        .then(|| "the answer's Sec-WebSocket-Accept does not fit the key that was sent".to_owned())
}

/// The request. A credential goes only where it may.
fn request(
    upgrade: &Upgrade,
    key: &str,
    credential: Option<&Secret>,
) -> ::http::Result<::http::Request<Full<Bytes>>> {
    let mut builder = ::http::Request::builder()
        .uri(&upgrade.path)
        .header("Host", &upgrade.authority)
        .header("Connection", "Upgrade")
        .header("Upgrade", "websocket")
        .header("Sec-WebSocket-Version", "13")
        .header("Sec-WebSocket-Key", key)
        .header("User-Agent", USER_AGENT);
    if !upgrade.origin.is_empty() {
        builder = builder.header("Origin", &upgrade.origin);
    }
    if !upgrade.protocols.is_empty() {
        builder = builder.header("Sec-WebSocket-Protocol", upgrade.protocols.join(", "));
    }
    for (name, value) in &upgrade.headers {
        builder = builder.header(name, value);
    }
    if let Some(credential) = credential {
        builder = builder.header("Authorization", http::bearer(credential)?);
    }
    builder.body(Full::default())
}

/// The same by HTTP/2 (RFC 8441, section 5).
fn extended_connect(
    upgrade: &Upgrade,
    credential: Option<&Secret>,
) -> ::http::Result<::http::Request<Full<Bytes>>> {
    let mut builder = ::http::Request::builder()
        .method(::http::Method::CONNECT)
        .uri(format!("https://{}{}", upgrade.authority, upgrade.path))
        .extension(hyper::ext::Protocol::from_static("websocket"))
        .header("sec-websocket-version", "13")
        .header("origin", &upgrade.origin)
        .header("user-agent", USER_AGENT);
    if !upgrade.protocols.is_empty() {
        builder = builder.header("sec-websocket-protocol", upgrade.protocols.join(", "));
    }
    for (name, value) in &upgrade.headers {
        builder = builder.header(name, value);
    }
    if let Some(credential) = credential {
        builder = builder.header("authorization", http::bearer(credential)?);
    }
    builder.body(Full::default())
}

/// A handshake that ended without an answer, or with one that is no HTTP.
fn failure(error: &hyper::Error, client_certificate_asked: bool, after: Duration) -> Failure {
    match http::kind(error, client_certificate_asked) {
        HttpKind::Closed => {
            let kind = ended(error).unwrap_or(Ended::Eof);
            Failure::WebSocket(WebSocketFailure::NoAnswer { kind, after })
        }
        kind @ (HttpKind::Timeout | HttpKind::Malformed | HttpKind::ClientCertificateWanted) => {
            Failure::Http(HttpFailure { kind, words: words(error), after })
        }
    }
}
