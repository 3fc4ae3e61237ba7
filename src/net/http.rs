//! One HTTP request over a stream that already stands, by HTTP/1.1 or HTTP/2 as ALPN settled.
//!
//! Decides how much of an answer is read and how a missing one failed. Redirects are not followed.

use super::answer::{Body, Head, Wanted};
use super::stream::{FirstBytes, Io, Patient, Stream};
use super::{Net, cause, ended, settings, tls, words};
use crate::failure::{Answer, Failure, HttpFailure, HttpKind};
use crate::probe::document::{Content, Document, Inquiry, LONGEST, REASONS, kept};
use crate::probe::{self, Method, Request};
use crate::secret::Secret;
use bytes::Bytes;
use futures_util::future::{BoxFuture, Either, Fuse, FutureExt, select};
use http_body_util::{BodyExt, Full};
use hyper::body::{Body as _, Incoming};
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::task::Poll;
use std::time::{Duration, Instant};
use tokio::time::timeout_at;

/// More than any honest server sends before the body: hyper gives up there.
const HEAD: usize = 64 * 1024;

/// How we introduce ourselves.
pub(super) const USER_AGENT: &str = concat!("duo-doctor/", env!("CARGO_PKG_VERSION"));

/// A stream ready for a request, with what TLS said of it.
pub(super) struct Channel {
    pub(super) io: Box<dyn Io>,
    /// `None`: plain text.
    pub(super) tls: Option<crate::probe::Tls>,
    /// Whether the other end is this node itself: a Unix socket, or a loopback address.
    pub(super) is_local: bool,
}

impl Channel {
    /// Whether the server asked for a client certificate: its alert may still be on the way.
    pub(super) fn client_certificate_asked(&self) -> bool {
        self.tls.as_ref().is_some_and(|tls| tls.client_certificate_asked)
    }

    /// A credential, if it may travel here: verified TLS, or no way out of this node (`field-notes` 5).
    pub(super) fn carries<'s>(&self, credential: Option<&'s Secret>) -> Option<&'s Secret> {
        let is_safe = self.is_local || self.tls.as_ref().is_some_and(|tls| tls.bad_certificate.is_none());
        credential.filter(|_| is_safe)
    }

    /// What ALPN settled on.
    pub(super) fn protocol(&self) -> Protocol {
        let settled = self.tls.as_ref().and_then(|tls| tls.alpn.as_deref());
        if settled == Some("h2") { Protocol::Http2 } else { Protocol::Http1 }
    }
}

/// What is spoken over a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    Http1,
    Http2,
}

type Sent = (BoxFuture<'static, ()>, BoxFuture<'static, hyper::Result<hyper::Response<Incoming>>>);

/// Sends a request and reads the answer, all within the time limit of one stage.
pub(super) async fn request(
    net: &Net,
    channel: Channel,
    authority: &str,
    request: &Request,
) -> Result<Answer, Failure> {
    let (answer, _) = answered(net, channel, authority, request, net.timeout(), Wanted::Start).await?;
    Ok(answer)
}

/// Sends an inquiry and keeps the named fields of the document that comes.
pub(super) async fn inquire(
    net: &Net,
    channel: Channel,
    authority: &str,
    inquiry: &Inquiry,
) -> Result<Document, Failure> {
    let patience = match inquiry.patience {
        0 => net.timeout(),
        seconds => Duration::from_secs(seconds.into()),
    };
    let (answer, body) = answered(net, channel, authority, &inquiry.request, patience, Wanted::Whole).await?;
    Ok(document(answer, &body, inquiry))
}

/// The document in an answer. Of a refusal the reasons are kept too, in the place of the body: they name who refuses.
fn document(answer: Answer, body: &Body, inquiry: &Inquiry) -> Document {
    if body.bytes > LONGEST as u64 {
        return Document { answer: Answer { body: String::new(), ..answer }, content: Content::TooLarge };
    }
    let parsed = serde_json::from_slice::<serde_json::Value>(&body.kept);
    match parsed {
        Ok(value) => {
            let reasons = kept(&value, REASONS, &[]);
            let said = if answer.status >= 400 { reasons.to_string() } else { String::new() };
            Document {
                answer: Answer { body: said, ..answer },
                content: Content::Json(kept(&value, inquiry.keep, &inquiry.entries)),
            }
        }
        Err(error) if body.cut || (error.is_eof() && body.bytes > 0) => {
            Document { answer: Answer { body: String::new(), ..answer }, content: Content::Cut }
        }
        Err(_) => Document { answer, content: Content::Foreign },
    }
}

/// Sends a request and reads the answer, as much of it as is wanted, all within `patience`.
async fn answered(
    net: &Net,
    channel: Channel,
    authority: &str,
    request: &Request,
    patience: Duration,
    wanted: Wanted,
) -> Result<(Answer, Body), Failure> {
    let began = Instant::now();
    let deadline = tokio::time::Instant::from_std(began) + patience;
    let asked = channel.client_certificate_asked();
    let scheme = if channel.tls.is_some() { "https" } else { "http" };
    let fail = |kind, words| Failure::Http(HttpFailure { kind, words, after: began.elapsed() });
    let protocol = channel.protocol();
    let uri = match protocol {
        Protocol::Http1 => request.path.clone(),
        Protocol::Http2 => format!("{scheme}://{authority}{}", request.path),
    };
    let credential = channel.carries(request.credential.as_ref());
    let message = message(&uri, authority, request, credential)
        .map_err(|e| Failure::Other { layer: crate::failure::Layer::Http, message: words(&e) })?;
    let answering = match timeout_at(deadline, begin(channel.io, protocol, message)).await {
        Ok(Ok(answering)) => answering,
        Ok(Err(error)) => return Err(fail(kind(&error, asked), words(&error))),
        Err(_) => return Err(fail(HttpKind::Timeout, "no answer".to_owned())),
    };
    let mut body = Body { wanted, ..Body::default() };
    let answer = finish(net, answering, deadline, &mut body).await;
    Ok((answer, body))
}

/// An answer of which the head is there, and the connection that the rest comes over.
pub(super) struct Begun {
    /// What moves the connection along; it is to be polled until it is over, and not beyond.
    pub(super) connection: Fuse<BoxFuture<'static, ()>>,
    pub(super) response: hyper::Response<Incoming>,
    /// What the server sent first, where HTTP/2 is spoken: its settings are in it.
    first: Option<FirstBytes>,
}

/// Sends a message and waits for the head of its answer.
pub(super) async fn begin(
    io: Box<dyn Io>,
    protocol: Protocol,
    message: ::http::Request<Full<Bytes>>,
) -> hyper::Result<Begun> {
    let mut first = None;
    let (connection, answer) = match protocol {
        Protocol::Http1 => http1(Box::new(Patient::new(io)), message).await?,
        Protocol::Http2 => {
            let stream = Stream::new(io, Vec::new());
            let bytes = stream.first_bytes();
            first = Some(bytes.clone());
            http2(Box::new(stream), message, bytes).await?
        }
    };
    let mut connection = connection.fuse();
    let response = match select(answer, &mut connection).await {
        Either::Left((response, _)) => response?,
        Either::Right(((), answer)) => answer.await?,
    };
    Ok(Begun { connection, response, first })
}

/// Reads the rest of an answer, as far as it is wanted.
pub(super) async fn finish(
    net: &Net,
    begun: Begun,
    deadline: tokio::time::Instant,
    body: &mut Body,
) -> Answer {
    let Begun { connection, response, first } = begun;
    let head = Head::of(&response);
    let reading = read(response.into_body(), body).boxed();
    // The connection moves the body along; it may be over before the body is read to its end.
    let both = async {
        if let Either::Right(((), reading)) = select(reading, connection).await {
            reading.await;
        }
    };
    let late = timeout_at(deadline, both).await.is_err();
    body.cut |= late;
    let settings = first.and_then(|first| settings::first(&first.get())).unwrap_or_default();
    Answer { settings, ..head.with_body(body, net.now()) }
}

/// The request, with the credential that may travel.
fn message(
    uri: &str,
    authority: &str,
    request: &Request,
    credential: Option<&Secret>,
) -> ::http::Result<::http::Request<Full<Bytes>>> {
    let method = match request.method {
        Method::Get => ::http::Method::GET,
        Method::Post => ::http::Method::POST,
    };
    let mut builder = ::http::Request::builder().method(method).uri(uri).header("user-agent", USER_AGENT);
    let names_host = request.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host"));
    if uri.starts_with('/') && !names_host {
        builder = builder.header("host", authority);
    }
    for (name, value) in headers(request) {
        builder = builder.header(name, value);
    }
    if let Some(credential) = credential {
        builder = builder.header("authorization", bearer(credential)?);
    }
    builder.body(Full::new(content(request)))
}

/// A token as the value of a header that is never shown.
pub(super) fn bearer(credential: &Secret) -> ::http::Result<::http::HeaderValue> {
    let mut value = ::http::HeaderValue::try_from(format!("Bearer {}", credential.expose()))?;
    value.set_sensitive(true);
    Ok(value)
}

/// What is sent with a request.
pub(super) fn content(request: &Request) -> Bytes {
    match &request.content {
        probe::Content::Nothing => Bytes::new(),
        probe::Content::Json(text) => Bytes::from(text.clone()),
        probe::Content::Filler(length) => {
            let (before, after) = (r#"{"filler":""#, r#""}"#);
            let room = usize::try_from(*length).unwrap_or(0).saturating_sub(before.len() + after.len());
            Bytes::from([before, &"0".repeat(room), after].concat())
        }
    }
}

/// The headers of a request beside `Host` and `User-Agent`.
pub(super) fn headers(request: &Request) -> impl Iterator<Item = (&str, &str)> {
    let given = |wanted: &str| request.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case(wanted));
    let accept = (!given("accept")).then_some(("accept", "*/*"));
    let json = (request.content != probe::Content::Nothing && !given("content-type"))
        .then_some(("content-type", "application/json"));
    let own = request.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    accept.into_iter().chain(json).chain(own)
}

async fn http1(io: Box<dyn Io>, message: ::http::Request<Full<Bytes>>) -> hyper::Result<Sent> {
    let mut builder = hyper::client::conn::http1::Builder::new();
    // Some boxes look for the usual spelling of a header, although its case means nothing.
    builder.max_buf_size(HEAD).max_headers(200).title_case_headers(true);
    let (mut sender, connection) = builder.handshake(TokioIo::new(io)).await?;
    let answer = async move { sender.send_request(message).await };
    Ok((connection.with_upgrades().map(drop).boxed(), answer.boxed()))
}

async fn http2(
    io: Box<dyn Io>,
    message: ::http::Request<Full<Bytes>>,
    first: FirstBytes,
) -> hyper::Result<Sent> {
    let mut builder = hyper::client::conn::http2::Builder::new(TokioExecutor::new());
    builder.max_header_list_size(64 * 1024);
    let (mut sender, mut connection) = builder.handshake(TokioIo::new(io)).await?;
    // A CONNECT with a protocol may be sent only once the server has said that it takes one (RFC 8441, 3). Some say so
    // only after they have heard the client, and what they say is read by a task of hyper's own.
    if message.method() == ::http::Method::CONNECT {
        std::future::poll_fn(|cx| {
            let over = connection.poll_unpin(cx).is_ready();
            if over { Poll::Ready(()) } else { first.poll_dealt_with(cx, |b| settings::first(b).is_some()) }
        })
        .await;
    }
    let answer = async move { sender.send_request(message).await };
    Ok((connection.map(drop).boxed(), answer.boxed()))
}

/// Reads a body until its end or the bound. An error in it is an end too: what came before is kept.
async fn read(mut incoming: Incoming, body: &mut Body) {
    let began = Instant::now();
    while let Some(frame) = incoming.frame().await {
        let Ok(frame) = frame else {
            body.cut = true;
            return;
        };
        if let Some(data) = frame.data_ref() {
            body.add(data, began.elapsed());
        }
        if body.bytes >= body.wanted.read() && !incoming.is_end_stream() {
            body.cut = true;
            return;
        }
    }
}

/// Why no answer came.
pub(super) fn kind(error: &hyper::Error, client_certificate_asked: bool) -> HttpKind {
    if client_certificate_asked && tls::wants_client_certificate(error) {
        return HttpKind::ClientCertificateWanted;
    }
    if error.is_parse() || cause::<rustls::Error>(error).is_some() {
        return HttpKind::Malformed;
    }
    if error.is_incomplete_message() || error.is_closed() || error.is_canceled() || ended(error).is_some() {
        return HttpKind::Closed;
    }
    HttpKind::Malformed
}
