//! CONNECT through a proxy, by hand: libraries lose the status, the headers and the page of a refusal, and those
//! are what tells a proxy's administrator what to change.

use super::Net;
use super::answer::{self, KEPT};
use super::http::USER_AGENT;
use super::stream::{Io, Stream};
use crate::failure::{Ended, Failure, Headers, ProxyFailure, ProxyKind};
use crate::probe::Tunnel;
use crate::subject::address::{ProxyUrl, Target};
use crate::text;
use base64::Engine;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// More than any honest proxy puts before its page.
const HEAD: usize = 16 * 1024;

/// How long to wait for a page that explains a refusal, once the refusal is known.
const PAGE: Duration = Duration::from_millis(500);

/// An answer to CONNECT.
struct Answered {
    status: u16,
    reason: String,
    headers: Headers,
    /// What came behind the head.
    rest: Vec<u8>,
    framing: Framing,
}

/// How the end of a page is known.
#[derive(Clone, Copy)]
enum Framing {
    Length(usize),
    Chunked,
    Close,
}

/// Asks the proxy for a tunnel and returns the stream behind it.
pub(super) async fn connect(
    net: &Net,
    proxy: &ProxyUrl,
    target: &Target,
    mut stream: Box<dyn Io>,
) -> Result<(Stream, Tunnel), Failure> {
    let failure = |kind, answered: Option<&Answered>, body: &[u8]| {
        Failure::Proxy(ProxyFailure {
            kind,
            proxy: proxy.target.clone(),
            target: target.clone(),
            status: answered.map(|a| a.status),
            reason: answered.map(|a| a.reason.clone()).unwrap_or_default(),
            headers: answered.map(|a| a.headers.clone()).unwrap_or_default(),
            body: answer::lines(body),
        })
    };
    let asking = ask(&mut stream, proxy, target);
    let answered = match tokio::time::timeout(net.timeout(), asking).await {
        Ok(Ok(answered)) => answered,
        Ok(Err((kind, came))) => return Err(failure(kind, None, &came)),
        Err(_) => return Err(failure(ProxyKind::Timeout, None, &[])),
    };
    if !(200..300).contains(&answered.status) {
        let page = page(&mut stream, &answered).await;
        return Err(failure(ProxyKind::Refused, Some(&answered), &page));
    }
    let Answered { status, reason, headers, rest, framing: _ } = answered;
    Ok((Stream::new(stream, rest), Tunnel { proxy: proxy.target.clone(), status, reason, headers }))
}

async fn ask(
    stream: &mut (dyn Io + '_),
    proxy: &ProxyUrl,
    target: &Target,
) -> Result<Answered, (ProxyKind, Vec<u8>)> {
    let authorization = proxy.credentials.as_ref().map_or_else(String::new, |credentials| {
        let encoded = base64::engine::general_purpose::STANDARD.encode(credentials.expose());
        format!("Proxy-Authorization: Basic {encoded}\r\n")
    });
    let request = format!(
        "CONNECT {target} HTTP/1.1\r\nHost: {target}\r\nUser-Agent: {USER_AGENT}\r\n{authorization}\r\n"
    );
    let mut came = Vec::new();
    // A proxy may answer and close before it has read our request: what it said counts, and tells the rest.
    let _ = stream.write_all(request.as_bytes()).await;
    let _ = stream.flush().await;
    loop {
        let mut piece = [0; 1024];
        let read = stream.read(&mut piece).await.unwrap_or(0);
        if read == 0 {
            let kind = if is_http(&came) { ProxyKind::HungUp } else { ProxyKind::NotHttp };
            return Err((kind, came));
        }
        came.extend_from_slice(&piece[..read]);
        if !is_http(&came) {
            return Err((ProxyKind::NotHttp, came));
        }
        if let Some(end) = came.windows(4).position(|w| w == b"\r\n\r\n") {
            let rest = came.split_off(end + 4);
            return parse(&came, rest).ok_or((ProxyKind::NotHttp, came));
        }
        if came.len() > HEAD {
            return Err((ProxyKind::NotHttp, came));
        }
    }
}

/// Whether the bytes so far may be the start of an HTTP answer.
fn is_http(came: &[u8]) -> bool {
    let start = b"HTTP/";
    came.iter().zip(start).all(|(a, b)| a == b)
}

fn parse(head: &[u8], rest: Vec<u8>) -> Option<Answered> {
    let head = String::from_utf8_lossy(head);
    let mut lines = head.split("\r\n");
    let mut first = lines.next()?.splitn(3, ' ');
    first.next()?;
    let status = first.next()?.parse().ok().filter(|s| (100..1000).contains(s))?;
    let reason = text::foreign(first.next().unwrap_or_default());
    let pairs: Vec<(&str, &str)> =
        lines.filter_map(|l| l.split_once(':')).map(|(n, v)| (n.trim(), v.trim())).collect();
    let value = |name: &str| pairs.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| *v);
    let framing = match (value("transfer-encoding"), value("content-length").and_then(|l| l.parse().ok())) {
        (Some(coding), _) if coding.eq_ignore_ascii_case("chunked") => Framing::Chunked,
        (_, Some(length)) => Framing::Length(length),
        (_, None) => Framing::Close,
    };
    let headers = answer::headers(pairs.iter().map(|(n, v)| (*n, v.as_bytes())));
    Some(Answered { status, reason, headers, rest, framing })
}

/// The start of the page behind a refusal.
async fn page(stream: &mut (dyn Io + '_), answered: &Answered) -> Vec<u8> {
    let mut raw = answered.rest.clone();
    let wanted = match answered.framing {
        Framing::Length(length) => length.min(KEPT),
        Framing::Chunked | Framing::Close => KEPT,
    };
    more(stream, &mut raw, wanted).await;
    match answered.framing {
        Framing::Chunked => answer::unchunked(&raw),
        Framing::Length(length) => raw.into_iter().take(length).collect(),
        Framing::Close => raw,
    }
}

/// Reads on until so many bytes are there, the stream ends or a moment has passed.
pub(super) async fn more(stream: &mut (dyn Io + '_), raw: &mut Vec<u8>, wanted: usize) -> Option<Ended> {
    let reading = async {
        let mut piece = [0; 1024];
        while raw.len() < wanted {
            match stream.read(&mut piece).await {
                Ok(0) => return Some(Ended::Eof),
                Err(_) => return Some(Ended::Reset),
                Ok(read) => raw.extend_from_slice(&piece[..read]),
            }
            if raw.ends_with(b"\r\n0\r\n\r\n") {
                return Some(Ended::Eof);
            }
        }
        None
    };
    tokio::time::timeout(PAGE, reading).await.unwrap_or(Some(Ended::Timeout))
}
