//! What is kept of an HTTP answer: an allow-list of headers, the start of the body, all of it harmless.

use crate::failure::{Answer, Headers};
use crate::probe::document::LONGEST;
use crate::text;
use std::time::Duration;

/// Headers kept beyond this many say nothing more about who answered.
const HEADERS: usize = 60;

/// How much of a body is read before the connection is dropped, where its start is wanted.
const READ: u64 = 64 * 1024;

/// How much of a body is kept, in bytes.
pub(super) const KEPT: usize = 4 * 1024;

/// Headers that tell who answered and why. All others may carry what is none of our business.
const NAMES: &[&str] = &[
    "allow",
    "alt-svc",
    "cf-cache-status",
    "cf-mitigated",
    "cf-ray",
    "connection",
    "content-length",
    "content-type",
    "date",
    "grpc-message",
    "grpc-status",
    "location",
    "proxy-agent",
    "proxy-authenticate",
    "proxy-connection",
    "retry-after",
    "sec-websocket-accept",
    "sec-websocket-protocol",
    "server",
    "set-cookie",
    "upgrade",
    "via",
    "www-authenticate",
    "x-amz-cf-id",
    "x-azure-ref",
    "x-bluecoat-via",
    "x-cache",
    "x-cdn",
    "x-envoy-upstream-service-time",
    "x-fastly-request-id",
    "x-gitlab-error-origin",
    "x-gitlab-feature-category",
    "x-gitlab-meta",
    "x-iinfo",
    "x-kong-proxy-latency",
    "x-kong-upstream-latency",
    "x-powered-by",
    "x-process-time",
    "x-request-id",
    "x-runtime",
    "x-served-by",
    "x-squid-error",
    "x-sucuri-id",
    "x-timer",
    "x-varnish",
];

/// Families of such headers.
const FAMILIES: &[&str] = &["x-zscaler-", "x-accel-", "x-amzn-"];

/// The start of an answer, before its body.
pub(super) struct Head {
    pub(super) version: &'static str,
    pub(super) status: u16,
    pub(super) reason: String,
    pub(super) headers: Headers,
}

impl Head {
    /// The head of a parsed answer.
    pub(super) fn of<B>(response: &::http::Response<B>) -> Self {
        let status = response.status();
        let said = response.extensions().get::<hyper::ext::ReasonPhrase>();
        let reason = match said {
            Some(said) => String::from_utf8_lossy(said.as_bytes()).into_owned(),
            None => status.canonical_reason().unwrap_or_default().to_owned(),
        };
        let version = match response.version() {
            ::http::Version::HTTP_2 => "HTTP/2",
            ::http::Version::HTTP_10 => "HTTP/1.0",
            _ => "HTTP/1.1",
        };
        let reason = if version == "HTTP/2" { String::new() } else { text::foreign(&reason) };
        let pairs = response.headers().iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
        Self { version, status: status.as_u16(), reason, headers: headers(pairs) }
    }

    /// The whole answer, with what was read of its body.
    pub(super) fn with_body(self, body: &Body, received: i64) -> Answer {
        let date = self.headers.get("date").and_then(date);
        Answer {
            version: self.version.to_owned(),
            status: self.status,
            reason: self.reason,
            headers: self.headers,
            body: lines(&body.kept),
            body_bytes: body.bytes,
            cut: body.cut,
            date,
            received,
            settings: Vec::new(),
            pieces: body.pieces.clone(),
        }
    }
}

/// What was read of a body.
#[derive(Default)]
pub(super) struct Body {
    /// Its start.
    pub(super) kept: Vec<u8>,
    /// How many bytes came.
    pub(super) bytes: u64,
    /// Whether more would have come.
    pub(super) cut: bool,
    /// When the first pieces and the last one came, in milliseconds since the head.
    pub(super) pieces: Vec<u32>,
    /// Whether all of it is wanted, or only its start.
    pub(super) wanted: Wanted,
}

/// How much of a body is wanted.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Wanted {
    /// Its start, to see who wrote it.
    #[default]
    Start,
    /// All of a document.
    Whole,
}

impl Wanted {
    /// How many bytes are kept.
    fn kept(self) -> usize {
        match self {
            Wanted::Start => KEPT,
            Wanted::Whole => LONGEST,
        }
    }

    /// After how many bytes reading stops.
    pub(super) fn read(self) -> u64 {
        match self {
            Wanted::Start => READ,
            Wanted::Whole => LONGEST as u64 + 1,
        }
    }
}

/// How many pieces of a body are timed: the first ones, and the last.
const TIMED: usize = 32;

impl Body {
    /// Takes in the next piece, so long after the head.
    pub(super) fn add(&mut self, piece: &[u8], after: Duration) {
        let after = u32::try_from(after.as_millis()).unwrap_or(u32::MAX);
        self.pieces.truncate(TIMED - 1);
        self.pieces.push(after);
        let room = self.wanted.kept().saturating_sub(self.kept.len());
        self.kept.extend_from_slice(&piece[..piece.len().min(room)]);
        self.bytes += piece.len() as u64;
    }
}

/// The headers on the allow-list, in order. Of cookies only the names are kept.
pub(super) fn headers<'a>(pairs: impl Iterator<Item = (&'a str, &'a [u8])>) -> Headers {
    let kept = pairs.filter_map(|(name, value)| {
        let name = name.to_ascii_lowercase();
        if !NAMES.contains(&name.as_str()) && !FAMILIES.iter().any(|f| name.starts_with(f)) {
            return None;
        }
        let value = String::from_utf8_lossy(value);
        let value = match value.split_once('=') {
            Some((cookie, _)) if name == "set-cookie" => format!("{}=…", text::foreign(cookie)),
            None if name == "set-cookie" => "…".to_owned(),
            Some(_) | None => text::foreign(value.trim()),
        };
        Some((name, value))
    });
    Headers(kept.take(HEADERS).collect())
}

/// A body as text: line ends stay, everything else is made harmless.
pub(super) fn lines(body: &[u8]) -> String {
    let body = String::from_utf8_lossy(&body[..body.len().min(KEPT)]);
    let escaped: Vec<String> =
        body.split('\n').map(|line| text::escape(line.trim_end_matches('\r'), KEPT)).collect();
    escaped.join("\n")
}

/// Takes the chunk framing (RFC 9112, section 7.1) off the start of a body, as far as it came.
pub(super) fn unchunked(mut raw: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    while let Some(end) = raw.windows(2).position(|w| w == b"\r\n") {
        let size = std::str::from_utf8(&raw[..end]).unwrap_or_default();
        let size = size.split(';').next().unwrap_or_default().trim();
        let Ok(size @ 1..) = usize::from_str_radix(size, 16) else { break };
        let rest = &raw[end + 2..];
        out.extend_from_slice(&rest[..size.min(rest.len())]);
        raw = rest.get(size.saturating_add(2)..).unwrap_or_default();
    }
    out
}

/// An HTTP date (RFC 9110, section 5.6.7) in Unix seconds.
pub(super) fn date(text: &str) -> Option<i64> {
    let parser = jiff::fmt::rfc2822::DateTimeParser::new();
    parser.parse_timestamp(text).ok().map(jiff::Timestamp::as_second)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_headers_on_the_list_are_kept_and_cookies_lose_their_values() {
        let pairs: [(&str, &[u8]); 4] = [
            ("Server", b"nginx\x1b[2J"),
            ("X-Secret", b"1"),
            ("Set-Cookie", b"_gitlab_session=abc; path=/"),
            ("X-Zscaler-Policy", b"deny"),
        ];
        let kept = headers(pairs.into_iter());
        assert_eq!(kept.get("server"), Some("nginx\\x1b[2J"));
        assert_eq!(kept.get("set-cookie"), Some("_gitlab_session=…"));
        assert_eq!(kept.get("x-zscaler-policy"), Some("deny"));
        assert_eq!(kept.0.len(), 3);
    }

    #[test]
    fn headers_by_which_front_ends_are_known_are_kept() {
        let table: serde_json::Value =
            serde_json::from_str(include_str!("../../assets/front-ends.json")).expect("the table");
        let products = table["products"].as_array().expect("products");
        let rows = products.iter().flat_map(|p| p["signs"].as_array().expect("signs"));
        for name in rows.filter_map(|row| row["sign"]["header"]["name"].as_str()) {
            assert!(NAMES.contains(&name) || FAMILIES.iter().any(|f| name.starts_with(f)), "{name}");
        }
    }

    #[test]
    fn a_date_is_read_as_http_writes_it_and_anything_else_is_none() {
        assert_eq!(date("Sun, 06 Nov 1994 08:49:37 GMT"), Some(784_111_777));
        assert_eq!(date("soon"), None);
    }

    #[test]
    fn chunk_framing_is_taken_off_as_far_as_it_came() {
        assert_eq!(unchunked(b"4\r\nPage\r\n5\r\n not \r\n0\r\n\r\n"), b"Page not ");
        assert_eq!(unchunked(b"ff\r\ncut"), b"cut");
        assert_eq!(unchunked(b"ffffffffffffffff\r\ncut"), b"cut");
        assert_eq!(unchunked(b"no framing"), b"");
    }

    #[test]
    fn a_body_keeps_its_lines_and_loses_its_escape_sequences() {
        assert_eq!(lines(b"one\r\ntwo\x1b[0m"), "one\ntwo\\x1b[0m");
    }
}
