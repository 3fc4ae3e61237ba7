//! HTTP on a connection of the lab: which part answers a request, answers that faults fix, and peers that do not
//! speak HTTP at all.

use super::api::Sent;
use super::cable::{self, Opened};
use super::fault::http::{ExchangeEnd, FixedAnswer, Marks};
use super::fault::{Kind, On};
use super::handshake::swallow;
use super::site::Site;
use super::situation::Situation;
use super::{cloud, headers, hops, instance};
use bytes::Bytes;
use futures_util::StreamExt;
use http::header::{CONTENT_TYPE, DATE, HeaderName, HeaderValue, SERVER};
use http::{Request, Response, StatusCode};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Either, Full, StreamBody};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::convert::Infallible;
use std::io::Cursor;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, Chain, Join, ReadHalf, WriteHalf};

/// A body that is whole from the start, or comes in pieces.
pub(super) type Body = Either<Full<Bytes>, BoxBody<Bytes, Infallible>>;

/// The `cf-ray` of every answer that comes through Cloudflare.
const RAY: &str = "8c1f52a0773e0b94-FRA";

/// Headers without an end have one here: a reader that has not given up by then never will.
const ENDLESS: usize = 4 << 20;

/// Which HTTP a connection speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    /// HTTP/1.1
    Http1,
    /// HTTP/2
    Http2,
}

/// Whether the instance is spoken to over TLS, as its front end sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Channel {
    /// Port 443.
    Tls,
    /// Port 80.
    Plain,
}

/// Speaks HTTP on a connection until it ends.
pub(super) async fn serve<S>(stream: S, site: &Arc<Site>, version: Version)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let fault = site.situation.faults(site.part).find_map(|kind| {
        let Kind::Exchange { how } = kind else { return None };
        Some(how)
    });
    if let Some(how) = fault {
        return instead(stream, how).await;
    }
    let channel = match site.speaks {
        super::site::Speaks::Plain => Channel::Plain,
        super::site::Speaks::Tls(_) | super::site::Speaks::Proxy => Channel::Tls,
    };
    let opened: Arc<Mutex<Option<Opened>>> = Arc::default();
    let service = service_fn(|mut request: Request<Incoming>| {
        let (site, opened) = (site.clone(), opened.clone());
        async move {
            read(&mut request).await;
            answerable(&request, &site).await;
            let (answer, cable) = respond(request, &site, channel);
            if let Some(cable) = cable {
                *opened.lock().unwrap_or_else(PoisonError::into_inner) = Some(cable);
            }
            site.answering();
            Ok::<_, Infallible>(answer)
        }
    });
    let Some(stream) = spoken(stream, site, version).await else { return };
    let io = TokioIo::new(stream);
    // How a conversation ends is the peer's affair; there is nobody to tell.
    let _ended = match version {
        Version::Http1 => {
            hyper::server::conn::http1::Builder::new().serve_connection(io, service).with_upgrades().await
        }
        Version::Http2 => {
            let site = site.clone();
            let service = service_fn(move |mut request: Request<Incoming>| {
                let site = site.clone();
                async move {
                    read(&mut request).await;
                    answerable(&request, &site).await;
                    let (answer, _no_upgrade) = respond(request, &site, channel);
                    site.answering();
                    Ok::<_, Infallible>(answer)
                }
            });
            hyper::server::conn::http2::Builder::new(TokioExecutor::new()).serve_connection(io, service).await
        }
    };
    let cable = opened.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(cable) = cable {
        cable::serve(cable, &site.situation).await;
    }
}

/// The longest first line that is waited for.
const LINE: usize = 8192;

/// The stream, if what comes first on it is HTTP; else the first server on the way in has answered it.
async fn spoken<S>(
    stream: S,
    site: &Site,
    version: Version,
) -> Option<Join<Chain<Cursor<Vec<u8>>, ReadHalf<S>>, WriteHalf<S>>>
where
    S: AsyncRead + AsyncWrite,
{
    let (mut reader, mut writer) = tokio::io::split(stream);
    let mut first = Vec::new();
    if version == Version::Http1 && is_a_door(site.part) {
        let mut buffer = [0; 2048];
        while first.len() < LINE && !first.contains(&b'\n') {
            match reader.read(&mut buffer).await {
                Ok(length) if length > 0 => first.extend_from_slice(&buffer[..length]),
                Ok(_) | Err(_) => break,
            }
        }
        let line = first.split(|byte| *byte == b'\n').next().unwrap_or_default();
        if !line.is_empty() && !String::from_utf8_lossy(line).contains(" HTTP/") {
            let answer = hops::to_nonsense(site.part, &site.situation);
            let _gone = writer.write_all(answer.as_bytes()).await;
            let _gone = writer.shutdown().await;
            return None;
        }
    }
    Some(tokio::io::join(Cursor::new(first).chain(reader), writer))
}

/// Whether a part of the lab is a way into the instance.
fn is_a_door(part: On) -> bool {
    matches!(part, On::Instance | On::Nginx | On::Workhorse)
}

/// Waits for ever where a hop takes requests in and does not answer them.
async fn answerable<B>(request: &Request<B>, site: &Site) {
    if is_a_door(site.part) && hops::is_unanswered(request.uri().path(), site.part, &site.situation) {
        tokio::time::sleep(super::situation::LONGEST).await;
    }
}

/// Reads a request to its end, as servers do before they answer.
async fn read(request: &mut Request<Incoming>) {
    let mut sent = Vec::new();
    while let Some(Ok(frame)) = request.body_mut().frame().await {
        if let Some(data) = frame.data_ref().filter(|data| sent.len() + data.len() <= KEPT) {
            sent.extend_from_slice(data);
        }
    }
    request.extensions_mut().insert(Sent(sent.into()));
}

/// What of a request's body is kept, in bytes: the documents that are asked with are short.
const KEPT: usize = 16 * 1024;

fn respond(request: Request<Incoming>, site: &Site, channel: Channel) -> (Response<Body>, Option<Opened>) {
    let situation = &site.situation;
    let request = headers::on_the_way(request, site.part, situation);
    if is_a_door(site.part) {
        return instance::answer(request, site.part, situation, channel);
    }
    if let Some(fixed) = situation.fixed_answer(site.part, request.uri().path()) {
        return (fixed_answer(fixed, &request, situation), None);
    }
    match site.part {
        On::Customers => (cloud::customers(&request, situation), None),
        // Whoever talks HTTP/1.1 there has no gRPC behind it.
        On::Workflow => (plain(502, "text/html", "<title>502 Bad Gateway</title>", situation), None),
        On::Cloud
        | On::Gateway
        | On::Both
        | On::Proxy
        | On::Node
        | On::Resolver
        | On::Instance
        | On::Nginx
        | On::Workhorse
        | On::Puma => (cloud::gateway(&request, situation), None),
    }
}

pub(super) fn fixed_answer<B>(
    fixed: &FixedAnswer,
    request: &Request<B>,
    situation: &Situation,
) -> Response<Body> {
    let mut answer = plain(fixed.status, "text/html", fixed.body.clone(), situation);
    match fixed.marks {
        Marks::None => {}
        Marks::Cloudflare => cloudflare(&mut answer),
        Marks::Service => service(&mut answer, request, situation),
    }
    for (name, value) in &fixed.headers {
        if let Ok(name) = HeaderName::from_bytes(name.as_bytes()) {
            set(&mut answer, name, value);
        }
    }
    answer
}

/// The pause between the pieces of a streamed answer.
const PAUSE: Duration = Duration::from_millis(200);

/// A body that comes in pieces, or, where a hop collects them, all at once when the last is there.
pub(super) fn streamed(pieces: &[&'static str], collects: bool) -> Body {
    let pieces: Vec<Bytes> = if collects {
        vec![Bytes::from(pieces.concat())]
    } else {
        pieces.iter().map(|piece| Bytes::from_static(piece.as_bytes())).collect()
    };
    let before = if collects { PAUSE * 4 } else { PAUSE };
    let frames = futures_util::stream::iter(pieces).then(move |piece| async move {
        tokio::time::sleep(before).await;
        Ok(hyper::body::Frame::data(piece))
    });
    Either::Right(BodyExt::boxed(StreamBody::new(frames)))
}

/// An answer with nothing but its type and date.
pub(super) fn plain(
    status: u16,
    kind: &str,
    body: impl Into<Bytes>,
    situation: &Situation,
) -> Response<Body> {
    let mut answer = Response::new(Either::Left(Full::new(body.into())));
    *answer.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    set(&mut answer, CONTENT_TYPE, kind);
    set(&mut answer, DATE, &situation.date());
    answer
}

/// Sets a header; a value that no header can carry is left out.
pub(super) fn set(answer: &mut Response<Body>, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        answer.headers_mut().insert(name, value);
    }
}

/// Adds what Cloudflare adds.
pub(super) fn cloudflare(answer: &mut Response<Body>) {
    set(answer, SERVER, "cloudflare");
    set(answer, HeaderName::from_static("cf-ray"), RAY);
}

/// Adds what Cloudflare and GitLab's service behind it add: the service echoes the request's identifier.
pub(super) fn service<B>(answer: &mut Response<Body>, request: &Request<B>, situation: &Situation) {
    if request.uri().path().starts_with("/monitoring/") || request.uri().path().starts_with("/v2/") {
        // A gateway of one's own: nothing of Cloudflare stands before it.
        set(answer, SERVER, "uvicorn");
    } else {
        cloudflare(answer);
    }
    let name = HeaderName::from_static("x-request-id");
    let given = request.headers().get(&name).and_then(|v| v.to_str().ok()).map(str::to_owned);
    set(answer, name, &given.unwrap_or_else(|| situation.request_id()));
}

/// What a broken peer does once the channel stands.
pub(super) async fn instead<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S, how: &ExchangeEnd) {
    match how {
        ExchangeEnd::Silent => {}
        ExchangeEnd::Closed => {
            read_head(&mut stream).await;
            let _gone = stream.shutdown().await;
        }
        ExchangeEnd::Says(text) => {
            read_head(&mut stream).await;
            let _gone = stream.write_all(text.as_bytes()).await;
            let _gone = stream.shutdown().await;
        }
        ExchangeEnd::EndlessHeaders => {
            read_head(&mut stream).await;
            let line = format!("X-Padding: {}\r\n", "0".repeat(1000));
            let mut sent = stream.write_all(b"HTTP/1.1 200 OK\r\n").await.map(|()| 0);
            while let Ok(bytes) = sent
                && bytes < ENDLESS
            {
                sent = stream.write_all(line.as_bytes()).await.map(|()| bytes + line.len());
            }
            let _gone = stream.shutdown().await;
        }
    }
    swallow(stream).await;
}

/// The head of a request, up to its empty line; what came, where it ends before or is longer than 16 KiB.
pub(super) async fn read_head(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut head = Vec::new();
    let mut buffer = [0; 2048];
    while head.len() < 16_384 && !head.windows(4).any(|w| w == b"\r\n\r\n") {
        match stream.read(&mut buffer).await {
            Ok(length) if length > 0 => head.extend_from_slice(&buffer[..length]),
            Ok(_) | Err(_) => break,
        }
    }
    String::from_utf8_lossy(&head).into_owned()
}
