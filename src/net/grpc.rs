//! A call to gRPC's health service over HTTP/2, on a stream that already stands.
//!
//! Decides what is sent, how much of an answer is read and how a missing one failed. A server wants `te: trailers`
//! and the five bytes of an empty message: `END_STREAM` on HEADERS is answered by nothing at all (observed).
//! Holding a stream open: `watch`.

use super::answer::{Body, Head, headers};
use super::http::{Channel, USER_AGENT};
use super::stream::{FirstBytes, Stream};
use super::{Net, Teller, ended, tls, watch, words};
use crate::failure::{Ended, Failure, GrpcFailure, Headers, HttpFailure, HttpKind, Layer};
use crate::probe::{Grpc, Health, Reading, Serving};
use crate::text;
use bytes::Bytes;
use futures_util::future::{BoxFuture, Either, Fuse, FutureExt, select};
use h2::{Reason, RecvStream};
use std::io::ErrorKind;
use std::time::{Duration, Instant};
use tokio::time::timeout_at;

/// More than any honest server sends before the body.
const HEAD: u32 = 64 * 1024;

/// No compression, length 0: an empty `HealthCheckRequest` asks for the server as a whole.
const EMPTY_MESSAGE: [u8; 5] = [0; 5];

/// What moves the connection along; polled until it is over, and not beyond.
pub(super) type Connection = Fuse<BoxFuture<'static, Result<(), h2::Error>>>;

/// A call whose stream goes on.
pub(super) struct Open {
    pub(super) connection: Connection,
    pub(super) pings: Option<h2::PingPong>,
    pub(super) body: RecvStream,
}

/// Calls, and holds the stream open where that is asked for.
pub(super) async fn health(
    net: &Net,
    channel: Channel,
    authority: &str,
    health: Health,
    teller: &mut Teller<'_>,
) -> Option<()> {
    let began = Instant::now();
    let answered = call(net, channel, authority, health).await;
    let answered = answered.map(|(open, grpc)| (open, Reading::Grpc(Box::new(grpc))));
    let open = teller.tell(Layer::Grpc, began, answered)?;
    let (Health::Watch(seconds), Some(open)) = (health, open) else { return Some(()) };
    let opened = Instant::now();
    let held = watch::hold(net, open, opened, seconds).await.map(|reading| ((), reading));
    teller.tell(Layer::Hold, opened, held)
}

/// The answer; with the stream where that goes on behind it.
async fn call(
    net: &Net,
    channel: Channel,
    authority: &str,
    health: Health,
) -> Result<(Option<Open>, Grpc), Failure> {
    let alpn = channel.tls.as_ref().and_then(|tls| tls.alpn.clone());
    if channel.tls.is_some() && alpn.as_deref() != Some("h2") {
        return Err(Failure::Grpc(GrpcFailure::NotSettled { alpn }));
    }
    let began = Instant::now();
    let deadline = tokio::time::Instant::from_std(began) + net.timeout();
    let asked = channel.client_certificate_asked();
    let scheme = if channel.tls.is_some() { "https" } else { "http" };
    let stream = Stream::new(channel.io, Vec::new());
    let first = stream.first_bytes();
    let mut head = None;
    let uri = format!("{scheme}://{authority}{}", health.path());
    let calling = answer(net, stream, &uri, health, &mut head);
    match timeout_at(deadline, calling).await {
        Ok(Ok((open, grpc))) => Ok((open, Grpc { alpn, ..grpc })),
        Ok(Err(Ending::NotGrpc(failure))) => Err(Failure::Grpc(failure)),
        Ok(Err(Ending::Http2(error))) => Err(failure(&error, &first, asked, began)),
        Err(_) => Err(Failure::Grpc(GrpcFailure::Timeout { head, after: began.elapsed() })),
    }
}

/// How a call ended without a gRPC answer.
enum Ending {
    Http2(h2::Error),
    NotGrpc(GrpcFailure),
}

impl From<h2::Error> for Ending {
    fn from(error: h2::Error) -> Self {
        Ending::Http2(error)
    }
}

async fn answer(
    net: &Net,
    stream: Stream,
    uri: &str,
    health: Health,
    status: &mut Option<u16>,
) -> Result<(Option<Open>, Grpc), Ending> {
    let mut builder = h2::client::Builder::new();
    builder.enable_push(false).max_header_list_size(HEAD);
    let (sender, mut connection) = builder.handshake::<_, Bytes>(stream).await?;
    let pings = connection.ping_pong();
    let mut connection: Connection = connection.boxed().fuse();
    let request = ::http::Request::post(uri)
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .header("user-agent", USER_AGENT)
        .body(())
        .map_err(|e| Ending::NotGrpc(not_sent(&e)))?;
    let response = async move {
        let mut sender = sender.ready().await?;
        let (response, mut body) = sender.send_request(request, false)?;
        body.send_data(Bytes::from_static(&EMPTY_MESSAGE), true)?;
        response.await
    };
    let response = moved(response.boxed(), &mut connection).await?;
    *status = Some(response.status().as_u16());
    let head = Head::of(&response);
    let is_grpc = head.headers.get("content-type").is_some_and(|t| t.starts_with("application/grpc"));
    let (parts, mut body) = response.into_parts();
    let ends_at_once = body.is_end_stream();
    let mut read = Body::default();
    let until = match health {
        Health::Watch(_) if is_grpc => Until::Message,
        Health::Check | Health::Watch(_) => Until::End,
    };
    let trailers = {
        let reading = rest(&mut body, &mut read, until).boxed();
        moved(reading, &mut connection).await
    };
    let trailers = match trailers {
        // A page may break off: what came of it says who answers.
        Err(_) if !is_grpc => None,
        trailers => trailers?,
    };
    let goes_on = trailers.is_none() && is_grpc && until == Until::Message && message(&read.kept).is_some();
    let last = if ends_at_once { Some(parts.headers) } else { trailers };
    let said = last.map(|last| (number(&last), said(&last), kept(&last)));
    let grpc = |status, message: String, headers| Grpc {
        http_status: head.status,
        status,
        message,
        serving: serving(&read.kept),
        alpn: None,
        headers,
    };
    match said {
        Some((Some(status), message, more)) if is_grpc => {
            let mut headers = head.headers.clone();
            headers.0.extend(more.0.into_iter().filter(|(name, _)| head.headers.get(name).is_none()));
            Ok((None, grpc(Some(status), message, headers)))
        }
        _ if goes_on => {
            let grpc = grpc(None, String::new(), head.headers.clone());
            Ok((Some(Open { connection, pings, body }), grpc))
        }
        Some(_) | None => {
            Err(Ending::NotGrpc(GrpcFailure::NotGrpc(Box::new(head.with_body(&read, net.now())))))
        }
    }
}

/// Until where an answer is read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Until {
    Message,
    End,
}

/// Reads a body to its end, its first message or the bound, and the trailers behind its end.
async fn rest(
    body: &mut RecvStream,
    read: &mut Body,
    until: Until,
) -> Result<Option<::http::HeaderMap>, h2::Error> {
    while let Some(data) = body.data().await {
        let data = data?;
        read.add(&data, Duration::ZERO);
        if read.bytes >= read.wanted.read() || (until == Until::Message && message(&read.kept).is_some()) {
            read.cut = until == Until::End;
            return Ok(None);
        }
        body.flow_control().release_capacity(data.len())?;
    }
    body.trailers().await
}

/// Awaits `work` while the connection moves it along. A connection that is over leaves what it ended with.
async fn moved<T>(
    work: BoxFuture<'_, Result<T, h2::Error>>,
    connection: &mut Connection,
) -> Result<T, h2::Error> {
    match select(work, connection).await {
        Either::Left((done, _)) => done,
        // The work may have been done by then; where it was not, the connection's error says more.
        Either::Right((over, work)) => match work.now_or_never() {
            Some(Ok(done)) => Ok(done),
            Some(Err(error)) => Err(over.err().unwrap_or(error)),
            None => Err(over.err().unwrap_or_else(|| Reason::NO_ERROR.into())),
        },
    }
}

/// The first message behind its prefix of five bytes, if it is whole.
fn message(body: &[u8]) -> Option<&[u8]> {
    let length = u32::from_be_bytes(body.get(1..5)?.try_into().ok()?);
    body.get(5..)?.get(..usize::try_from(length).ok()?)
}

/// `HealthCheckResponse` has one field, a varint with the number 1; a default of 0 is not sent.
fn serving(body: &[u8]) -> Option<Serving> {
    match message(body)? {
        [] | [8, 0] => Some(Serving::Unknown),
        [8, 1] => Some(Serving::Serving),
        [8, 2] => Some(Serving::NotServing),
        [8, 3] => Some(Serving::ServiceUnknown),
        _ => None,
    }
}

fn kept(map: &::http::HeaderMap) -> Headers {
    headers(map.iter().map(|(name, value)| (name.as_str(), value.as_bytes())))
}

/// `grpc-status`.
fn number(map: &::http::HeaderMap) -> Option<u32> {
    map.get("grpc-status")?.to_str().ok()?.trim().parse().ok()
}

/// `grpc-message`, without its percent encoding (gRPC's `PROTOCOL-HTTP2.md`).
fn said(map: &::http::HeaderMap) -> String {
    let raw = map.get("grpc-message").map_or(&[][..], |v| v.as_bytes());
    let mut plain = Vec::with_capacity(raw.len());
    let mut rest = raw;
    while let [first, behind @ ..] = rest {
        let code = behind.get(..2).filter(|_| *first == b'%').and_then(|hex| std::str::from_utf8(hex).ok());
        if let Some(byte) = code.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            plain.push(byte);
            rest = &behind[2..];
        } else {
            plain.push(*first);
            rest = behind;
        }
    }
    text::foreign(&String::from_utf8_lossy(&plain))
}

/// `grpc-status 14: text`, as the end of a stream.
pub(super) fn status_words(trailers: &::http::HeaderMap) -> String {
    match (number(trailers), said(trailers)) {
        (Some(status), text) if text.is_empty() => format!("grpc-status {status}"),
        (Some(status), text) => format!("grpc-status {status}: {text}"),
        (None, _) => "the end of the stream, without a status".to_owned(),
    }
}

fn not_sent(error: &::http::Error) -> GrpcFailure {
    GrpcFailure::NotHttp2 { first_bytes: String::new(), words: words(error) }
}

/// Why no answer came.
fn failure(error: &h2::Error, first: &FirstBytes, certificate_asked: bool, began: Instant) -> Failure {
    let after = began.elapsed();
    if certificate_asked && tls::wants_client_certificate(error) {
        let (kind, words) = (HttpKind::ClientCertificateWanted, words(error));
        return Failure::Http(HttpFailure { kind, words, after });
    }
    let code = error.reason().map(|reason| format!("{reason:?}")).unwrap_or_default();
    if error.is_remote() && error.is_go_away() {
        return Failure::Grpc(GrpcFailure::GoAway { code, text: debug_data(error) });
    }
    if error.is_remote() && error.is_reset() {
        return Failure::Grpc(GrpcFailure::Reset { code });
    }
    // The first frame of a server is SETTINGS, type 4 behind three bytes of length (RFC 9113, 3.4 and 4.1).
    let bytes = first.get();
    if error.is_library() || bytes.get(3).is_some_and(|kind| *kind != 4) {
        let is_frame = bytes.get(3) == Some(&4);
        let shown = if is_frame { String::new() } else { String::from_utf8_lossy(&bytes).into_owned() };
        return Failure::Grpc(GrpcFailure::NotHttp2 {
            first_bytes: text::foreign(&shown),
            words: words(error),
        });
    }
    Failure::Grpc(GrpcFailure::Closed { how: end(error), words: words(error), after })
}

/// How the connection under an error ended. The library's own word for the end of a stream is a broken pipe.
pub(super) fn end(error: &h2::Error) -> Ended {
    let own = |e: &std::io::Error| e.kind() == ErrorKind::BrokenPipe && e.raw_os_error().is_none();
    if error.get_io().is_some_and(own) { Ended::Eof } else { ended(error).unwrap_or(Ended::Eof) }
}

/// The words that a GOAWAY adds. The library shows them in no other way than at the end of its own.
pub(super) fn debug_data(error: &h2::Error) -> String {
    let words = error.to_string();
    let data = words.split_once("(b\"").and_then(|(_, data)| data.strip_suffix("\")"));
    text::foreign(data.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_health_message_is_read_behind_its_prefix_and_no_further() {
        assert_eq!(serving(&[0, 0, 0, 0, 2, 8, 1]), Some(Serving::Serving));
        assert_eq!(serving(&[0, 0, 0, 0, 2, 8, 2, 9]), Some(Serving::NotServing));
        assert_eq!(serving(&[0, 0, 0, 0, 0]), Some(Serving::Unknown));
        assert_eq!(serving(&[0, 0, 0, 0, 2, 8]), None);
        assert_eq!(serving(&[0, 255, 255, 255, 255, 8, 1]), None);
        assert_eq!(serving(b"<html>"), None);
    }

    #[test]
    fn a_message_loses_its_percent_signs_and_stays_harmless() {
        for (given, plain) in
            [("no%20way%2", "no way%2"), ("100%", "100%"), ("%1B[2J", "\\x1b[2J"), ("%zz", "%zz")]
        {
            let mut map = ::http::HeaderMap::new();
            map.insert("grpc-message", given.parse().expect("a value"));
            assert_eq!(said(&map), plain);
        }
    }
}
