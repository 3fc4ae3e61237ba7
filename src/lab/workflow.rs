//! The workflow service: gRPC's health service over HTTP/2 as it was observed, and what faults make of it.

use super::fault::Kind;
use super::fault::grpc::GrpcEnd;
use super::fault::http::FixedAnswer;
use super::handshake::swallow;
use super::http::read_head;
use super::situation::Situation;
use bytes::Bytes;
use h2::server::SendResponse;
use h2::{Reason, RecvStream, SendStream};
use http::{HeaderMap, HeaderValue, Request, Response};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::task::JoinSet;
use tokio::time::sleep;

/// `HealthCheckResponse` in a message: its field 1 says what follows.
const SERVING: &[u8] = &[0, 0, 0, 0, 2, 8, 1];
const NOT_SERVING: &[u8] = &[0, 0, 0, 0, 2, 8, 2];

/// Serves one connection.
pub(super) async fn serve<S>(mut stream: S, situation: &Arc<Situation>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    match end(situation) {
        Some(GrpcEnd::GoAway(code, text)) => {
            read_head(&mut stream).await;
            let _gone = stream.write_all(&go_away(code, &text)).await;
            let _gone = stream.shutdown().await;
            swallow(stream).await;
        }
        Some(GrpcEnd::CutAfter(seconds)) => {
            let time = Duration::from_secs(seconds);
            // The end of that time is the end of the stream.
            let _cut = tokio::time::timeout(time, calls(stream, situation)).await;
        }
        Some(GrpcEnd::VanishesAfter(seconds)) => {
            let mut calls = Box::pin(calls(stream, situation));
            if tokio::time::timeout(Duration::from_secs(seconds), &mut calls).await.is_err() {
                // Nothing is read or sent any more, and nothing is closed.
                sleep(super::situation::LONGEST).await;
            }
        }
        Some(
            GrpcEnd::Silent
            | GrpcEnd::MuteAfterHeaders
            | GrpcEnd::WithoutStatus
            | GrpcEnd::Status(..)
            | GrpcEnd::NotServing
            | GrpcEnd::Reset(_),
        )
        | None => calls(stream, situation).await,
    }
}

/// What is wrong with the service now.
fn end(situation: &Situation) -> Option<GrpcEnd> {
    situation.faults(super::fault::On::Workflow).find_map(|kind| {
        let Kind::Grpc { how } = kind else { return None };
        Some(how.clone())
    })
}

/// Answers calls until the connection ends.
async fn calls<S: AsyncRead + AsyncWrite + Unpin>(stream: S, situation: &Arc<Situation>) {
    let Ok(mut connection) = h2::server::handshake(stream).await else { return };
    let mut running = JoinSet::new();
    while let Some(Ok((request, answer))) = connection.accept().await {
        running.spawn(call(request, answer, situation.clone()));
    }
}

async fn call(request: Request<RecvStream>, answer: SendResponse<Bytes>, situation: Arc<Situation>) {
    let (head, mut body) = request.into_parts();
    // Without a message the service waits for one for ever, as the real one does.
    let mut message = 0;
    while message < 5 {
        match body.data().await {
            Some(Ok(data)) => message += data.len(),
            Some(Err(_)) | None => return sleep(super::situation::LONGEST).await,
        }
    }
    let fixed = situation.fixed_answer(super::fault::On::Workflow, head.uri.path());
    // A peer that has gone by now needs no answer.
    let _gone = match fixed {
        Some(fixed) => page(answer, fixed),
        None => health(&head, answer, &situation).await,
    };
}

async fn health(
    head: &http::request::Parts,
    mut answer: SendResponse<Bytes>,
    situation: &Situation,
) -> Result<(), h2::Error> {
    let fault = end(situation);
    match fault {
        Some(GrpcEnd::Silent) => {
            sleep(super::situation::LONGEST).await;
            return Ok(());
        }
        Some(GrpcEnd::Reset(code)) => {
            answer.send_reset(Reason::from(code));
            return Ok(());
        }
        Some(GrpcEnd::Status(code, text)) => return status(answer, code, &text),
        Some(
            GrpcEnd::MuteAfterHeaders
            | GrpcEnd::WithoutStatus
            | GrpcEnd::NotServing
            | GrpcEnd::GoAway(..)
            | GrpcEnd::CutAfter(_)
            | GrpcEnd::VanishesAfter(_),
        )
        | None => {}
    }
    if head.headers.get("te").is_none_or(|te| te != "trailers") {
        return status(answer, 2, "Missing :te header");
    }
    let is_watch = match head.uri.path() {
        "/grpc.health.v1.Health/Check" => false,
        "/grpc.health.v1.Health/Watch" => true,
        _ => return status(answer, 16, "No authorization header presented"),
    };
    let mut body = answer.send_response(grpc(&[]), false)?;
    if fault == Some(GrpcEnd::MuteAfterHeaders) {
        sleep(super::situation::LONGEST).await;
    }
    let serving = if fault == Some(GrpcEnd::NotServing) { NOT_SERVING } else { SERVING };
    body.send_data(Bytes::from_static(serving), fault == Some(GrpcEnd::WithoutStatus))?;
    if is_watch {
        sleep(super::situation::LONGEST).await;
    }
    if fault == Some(GrpcEnd::WithoutStatus) { Ok(()) } else { trailers(&mut body) }
}

fn trailers(body: &mut SendStream<Bytes>) -> Result<(), h2::Error> {
    let mut map = HeaderMap::new();
    map.insert("grpc-status", HeaderValue::from_static("0"));
    map.insert("grpc-message", HeaderValue::from_static(""));
    body.send_trailers(map)
}

/// An answer of headers alone.
fn status(mut answer: SendResponse<Bytes>, code: u32, text: &str) -> Result<(), h2::Error> {
    let code = code.to_string();
    answer.send_response(grpc(&[("grpc-status", &code), ("grpc-message", text)]), true).map(drop)
}

fn grpc(more: &[(&'static str, &str)]) -> Response<()> {
    head(200, &[&[("content-type", "application/grpc")], more].concat())
}

fn head(status: u16, headers: &[(&str, &str)]) -> Response<()> {
    let mut answer = Response::new(());
    *answer.status_mut() = http::StatusCode::from_u16(status).unwrap_or_default();
    for (name, value) in headers {
        let name = http::header::HeaderName::from_bytes(name.as_bytes());
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_str(value)) {
            answer.headers_mut().insert(name, value);
        }
    }
    answer
}

/// A page in place of gRPC.
fn page(mut answer: SendResponse<Bytes>, fixed: &FixedAnswer) -> Result<(), h2::Error> {
    let mut headers = vec![("content-type", "text/html")];
    headers.extend(fixed.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    let mut body = answer.send_response(head(fixed.status, &headers), false)?;
    body.send_data(Bytes::from(fixed.body.clone()), true)
}

/// SETTINGS without a setting, then GOAWAY with last stream 0 (RFC 9113, 6.5 and 6.8).
fn go_away(code: u32, text: &str) -> Vec<u8> {
    let length = u8::try_from(8 + text.len()).unwrap_or(u8::MAX);
    let text = &text.as_bytes()[..usize::from(length) - 8];
    let mut frames = vec![0, 0, 0, 4, 0, 0, 0, 0, 0];
    frames.extend([0, 0, length, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    frames.extend(code.to_be_bytes());
    frames.extend(text);
    frames
}
