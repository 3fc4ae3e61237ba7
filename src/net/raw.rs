//! HTTP answers read by hand: where a library loses what a refusal says, or where what was sent is no HTTP at all.
//!
//! Decides how much of an answer is read. What was asked is decided by its neighbours.

use super::answer::{self, KEPT};
use super::stream::Io;
use crate::failure::{Answer, Ended, Headers, ProxyKind};
use crate::text;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// More than any honest server puts before its page.
const HEAD: usize = 16 * 1024;

/// How long to wait for a page, once the head of its answer is known.
const PAGE: Duration = Duration::from_millis(500);

/// An answer.
pub(super) struct Answered {
    /// `HTTP/1.1`
    pub(super) version: String,
    pub(super) status: u16,
    pub(super) reason: String,
    pub(super) headers: Headers,
    /// What came behind the head.
    pub(super) rest: Vec<u8>,
    framing: Framing,
}

impl Answered {
    /// The whole answer, with the start of its page.
    pub(super) fn with_page(self, page: &[u8], received: i64) -> Answer {
        Answer {
            version: self.version,
            status: self.status,
            reason: self.reason,
            date: self.headers.get("date").and_then(answer::date),
            headers: self.headers,
            body: answer::lines(page),
            body_bytes: page.len() as u64,
            cut: false,
            received,
            settings: Vec::new(),
            pieces: Vec::new(),
        }
    }
}

/// How the end of a page is known.
#[derive(Clone, Copy)]
enum Framing {
    Length(usize),
    Chunked,
    Close,
}

/// What came in place of an answer, and the bytes of it.
pub(super) type NoAnswer = (ProxyKind, Vec<u8>);

/// Sends bytes and reads the head of what comes.
pub(super) async fn ask(stream: &mut (dyn Io + '_), request: &[u8]) -> Result<Answered, NoAnswer> {
    let mut came = Vec::new();
    // A peer may answer and close before it has read our request: what it said counts, and tells the rest.
    let _ = stream.write_all(request).await;
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
    let version = text::foreign(first.next()?);
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
    Some(Answered { version, status, reason, headers, rest, framing })
}

/// The start of the page behind a head.
pub(super) async fn page(stream: &mut (dyn Io + '_), answered: &Answered) -> Vec<u8> {
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
