//! What fails above the handshake where gRPC is spoken.

use super::{Answer, Ended};
use crate::millis;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

/// No gRPC answer came, or its stream did not stay open. In wire order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GrpcFailure {
    /// ALPN did not settle on HTTP/2, so nothing was asked.
    NotSettled {
        /// What it settled on; `None`: the peer chose nothing.
        alpn: Option<String>,
    },
    /// What came is not HTTP/2.
    NotHttp2 {
        /// The first bytes of it, escaped.
        first_bytes: String,
        /// The library's words.
        words: String,
    },
    /// No whole answer in time.
    Timeout {
        /// The status of the HTTP answer, where its headers came and nothing behind them.
        head: Option<u16>,
        /// How long it took until this was known.
        #[serde(with = "millis")]
        after: Duration,
    },
    /// Closed or reset before the answer was whole.
    Closed {
        /// How it ended.
        how: Ended,
        /// The library's words.
        words: String,
        /// How long it took until this was known.
        #[serde(with = "millis")]
        after: Duration,
    },
    /// The peer ended the connection by GOAWAY (RFC 9113, 6.8).
    GoAway {
        /// The name of its error code: `HTTP_1_1_REQUIRED`.
        code: String,
        /// The words that it adds, escaped.
        text: String,
    },
    /// The peer ended the call by `RST_STREAM` (RFC 9113, 6.4).
    Reset {
        /// The name of its error code: `HTTP_1_1_REQUIRED`.
        code: String,
    },
    /// An HTTP answer that is no gRPC: of another type, or without a status in the end.
    NotGrpc(Box<Answer>),
    /// A stream that was open ended while it should have stayed so.
    Cut {
        /// How it ended; `Close`: by a word of the protocol, `Timeout`: a PING got no answer.
        how: Ended,
        /// That word, or the library's.
        words: String,
        /// Since the first answer; for a PING without an answer until it was sent.
        #[serde(with = "millis")]
        after: Duration,
        /// Since the last sign of life.
        #[serde(with = "millis")]
        idle: Duration,
    },
}

impl fmt::Display for GrpcFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = |d: &Duration| crate::text::duration(*d);
        match self {
            GrpcFailure::NotSettled { alpn: Some(alpn) } => write!(f, "ALPN settled on {alpn}"),
            GrpcFailure::NotSettled { alpn: None } => f.write_str("ALPN settled on nothing"),
            GrpcFailure::NotHttp2 { first_bytes, words } if first_bytes.is_empty() => {
                write!(f, "no HTTP/2: {words}")
            }
            GrpcFailure::NotHttp2 { first_bytes, .. } => write!(f, "no HTTP/2: \"{first_bytes}\""),
            GrpcFailure::Timeout { head: None, after } => write!(f, "no answer in {}", seconds(after)),
            GrpcFailure::Timeout { head: Some(status), after } => {
                write!(f, "HTTP {status}, and then silence for {}", seconds(after))
            }
            GrpcFailure::Closed { how: Ended::Reset, .. } => f.write_str("reset without an answer"),
            GrpcFailure::Closed { .. } => f.write_str("closed without an answer"),
            GrpcFailure::GoAway { code, text } if text.is_empty() => write!(f, "GOAWAY {code}"),
            GrpcFailure::GoAway { code, text } => write!(f, "GOAWAY {code}: {text}"),
            GrpcFailure::Reset { code } => write!(f, "RST_STREAM {code}"),
            GrpcFailure::NotGrpc(answer) => {
                let kind = answer.headers.get("content-type").unwrap_or("no content type");
                write!(f, "HTTP {} with {kind}", answer.status)
            }
            GrpcFailure::Cut { how: Ended::Timeout, after, .. } => {
                write!(f, "a PING sent after {} got no answer", seconds(after))
            }
            GrpcFailure::Cut { how: Ended::Reset, after, .. } => write!(f, "reset after {}", seconds(after)),
            GrpcFailure::Cut { how: Ended::Eof, after, .. } => write!(f, "closed after {}", seconds(after)),
            GrpcFailure::Cut { how: Ended::Close, words, after, .. } => {
                write!(f, "ended after {} by {words}", seconds(after))
            }
        }
    }
}
