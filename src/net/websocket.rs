//! The WebSocket handshake over a stream that already stands, and the polite end.
//!
//! Decides what is sent and how a missing or wrong answer failed. What is listened to afterwards: `cable`.

use super::answer::{self, Body, Head, KEPT};
use super::http::{Channel, USER_AGENT};
use super::stream::Io;
use super::{Net, Teller, cable, ended, proxy, tls, words};
use crate::failure::{Ended, Failure, HttpFailure, HttpKind, Layer, WebSocketFailure};
use crate::probe::{Reading, Upgrade, Upgraded};
use futures_util::SinkExt;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message};

/// Far more than Action Cable sends of itself.
const MESSAGE: usize = 64 * 1024;

/// Nobody waits for a polite end longer than this.
const FAREWELL: Duration = Duration::from_millis(200);

pub(super) type Socket = WebSocketStream<Lent>;

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
    let listened = cable::listen(net, &mut socket, upgrade.listen, teller).await;
    let normal = CloseFrame { code: CloseCode::Normal, reason: "".into() };
    // Politeness only: whether it arrives changes nothing.
    let _ = timeout(FAREWELL, socket.send(Message::Close(Some(normal)))).await;
    listened
}

/// The handshake.
async fn open(net: &Net, channel: Channel, upgrade: &Upgrade) -> Result<(Socket, Upgraded), Failure> {
    let began = Instant::now();
    let verified = channel.tls.as_ref().is_some_and(|tls| tls.bad_certificate.is_none());
    let asked = channel.client_certificate_asked();
    let request = request(upgrade, verified)
        .map_err(|e| Failure::Other { layer: Layer::Upgrade, message: words(&e) })?;
    let config = WebSocketConfig::default()
        .max_message_size(Some(MESSAGE))
        .max_frame_size(Some(MESSAGE))
        .read_buffer_size(8 * 1024);
    let returned = Returned::default();
    let lent = Lent { io: Some(channel.io), to: returned.clone() };
    let handshake = tokio_tungstenite::client_async_with_config(request, lent, Some(config));
    match timeout(net.timeout(), handshake).await {
        Ok(Ok((socket, response))) => {
            let headers = Head::of(&response).headers;
            let protocol = headers.get("sec-websocket-protocol").map(str::to_owned);
            Ok((socket, Upgraded { protocol, headers }))
        }
        Ok(Err(Error::Http(response))) => Err(refused(net, *response, &returned).await),
        Ok(Err(error)) => Err(failure(&error, asked, began.elapsed())),
        Err(_) => Err(Failure::WebSocket(WebSocketFailure::NoAnswer {
            kind: Ended::Timeout,
            after: began.elapsed(),
        })),
    }
}

/// The request. A credential goes only to a server whose certificate was verified.
fn request(upgrade: &Upgrade, verified: bool) -> ::http::Result<::http::Request<()>> {
    let mut builder = ::http::Request::builder()
        // The library looks at the scheme and sends the path alone.
        .uri(format!("ws://{}{}", upgrade.authority, upgrade.path))
        .header("Host", &upgrade.authority)
        .header("Connection", "Upgrade")
        .header("Upgrade", "websocket")
        .header("Sec-WebSocket-Version", "13")
        .header("Sec-WebSocket-Key", generate_key())
        .header("Origin", &upgrade.origin)
        .header("User-Agent", USER_AGENT);
    if !upgrade.protocols.is_empty() {
        builder = builder.header("Sec-WebSocket-Protocol", upgrade.protocols.join(", "));
    }
    for (name, value) in &upgrade.headers {
        builder = builder.header(name, value);
    }
    if let (Some(credential), true) = (&upgrade.credential, verified) {
        let mut value = ::http::HeaderValue::try_from(format!("Bearer {}", credential.expose()))?;
        value.set_sensitive(true);
        builder = builder.header("Authorization", value);
    }
    builder.body(())
}

/// An answer other than 101, with the start of its page: most of it may not have come with the head.
async fn refused(net: &Net, response: ::http::Response<Option<Vec<u8>>>, returned: &Returned) -> Failure {
    let number = |name| response.headers().get(name)?.to_str().ok()?.parse::<usize>().ok();
    let chunked = response.headers().get("transfer-encoding").is_some_and(|v| v == "chunked");
    let length = number("content-length");
    let mut raw = response.body().clone().unwrap_or_default();
    let wanted = length.unwrap_or(KEPT).min(KEPT);
    let io = returned.0.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(mut io) = io {
        proxy::more(io.as_mut(), &mut raw, wanted).await;
    }
    if chunked {
        raw = answer::unchunked(&raw);
    }
    let mut body = Body::default();
    body.add(&raw);
    body.cut = length.map_or(raw.len() >= KEPT, |length| length > raw.len());
    Failure::WebSocket(WebSocketFailure::Refused(Box::new(Head::of(&response).with_body(&body, net.now()))))
}

/// A handshake that ended without an answer, or with one that is wrong.
fn failure(error: &Error, client_certificate_asked: bool, after: Duration) -> Failure {
    let http = |kind| Failure::Http(HttpFailure { kind, words: words(error), after });
    if client_certificate_asked && tls::wants_client_certificate(error) {
        return http(HttpKind::ClientCertificateWanted);
    }
    match error {
        Error::Protocol(ProtocolError::HandshakeIncomplete) => {
            Failure::WebSocket(WebSocketFailure::NoAnswer { kind: Ended::Eof, after })
        }
        Error::Protocol(ProtocolError::HttparseError(_) | ProtocolError::WrongHttpVersion)
        | Error::HttpFormat(_)
        | Error::AttackAttempt
        | Error::Capacity(_)
        | Error::Utf8(_) => http(HttpKind::Malformed),
        Error::Protocol(_) => Failure::WebSocket(WebSocketFailure::BadHandshake { words: words(error) }),
        // The library's list is long and grows; all that is left are ends of the stream.
        _ => match ended(error) {
            Some(kind) => Failure::WebSocket(WebSocketFailure::NoAnswer { kind, after }),
            None => http(HttpKind::Malformed),
        },
    }
}

/// Where a stream goes back to when the library drops it: on a refusal most of the page is still to be read.
#[derive(Clone, Default)]
struct Returned(Arc<Mutex<Option<Box<dyn Io>>>>);

/// A stream lent to the library.
pub(super) struct Lent {
    /// `None` only while it is being dropped.
    io: Option<Box<dyn Io>>,
    to: Returned,
}

impl Drop for Lent {
    fn drop(&mut self) {
        *self.to.0.lock().unwrap_or_else(PoisonError::into_inner) = self.io.take();
    }
}

impl Lent {
    fn io(self: Pin<&mut Self>) -> io::Result<Pin<&mut (dyn Io + 'static)>> {
        match &mut self.get_mut().io {
            Some(io) => Ok(Pin::new(io.as_mut())),
            None => Err(io::ErrorKind::NotConnected.into()),
        }
    }
}

impl AsyncRead for Lent {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.io()?.poll_read(cx, buf)
    }
}

impl AsyncWrite for Lent {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.io()?.poll_write(cx, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.io()?.poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.io()?.poll_shutdown(cx)
    }
}
