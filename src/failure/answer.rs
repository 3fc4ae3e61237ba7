//! An HTTP answer as evidence: bounded, escaped, and only headers that say something about who answered.

use serde::{Deserialize, Serialize};

/// Header names and values that were kept: names lower case, values escaped and bounded, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Headers(pub Vec<(String, String)>);

impl Headers {
    /// The first value of a header.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }
}

/// An HTTP answer, bounded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// `HTTP/1.1` or `HTTP/2`.
    pub version: String,
    /// The status.
    pub status: u16,
    /// The words behind the status, where the protocol has them.
    pub reason: String,
    /// The headers on the allow-list.
    pub headers: Headers,
    /// The start of the body, at most 4 KiB, escaped but for line ends.
    pub body: String,
    /// The length of the body in bytes, as far as it was read.
    pub body_bytes: u64,
    /// Whether reading stopped before the end.
    pub cut: bool,
    /// The `Date` header, Unix seconds.
    pub date: Option<i64>,
    /// Unix seconds of this node's clock when the answer came.
    pub received: i64,
    /// The server's first HTTP/2 settings, in the order in which they came: number and value (RFC 9113, 6.5.2). Empty:
    /// not HTTP/2, or not seen.
    #[serde(default)]
    pub settings: Vec<(u16, u32)>,
    /// When each piece of the body came, since the head of the answer, in milliseconds: the first 32.
    #[serde(default)]
    pub pieces: Vec<u32>,
}

#[cfg(test)]
impl Answer {
    /// An answer of HTTP/1.1 for a test.
    pub fn of(status: u16, headers: &[(&str, &str)], body: &str) -> Answer {
        Answer {
            version: "HTTP/1.1".into(),
            status,
            reason: String::new(),
            headers: Headers(headers.iter().map(|(n, v)| ((*n).into(), (*v).into())).collect()),
            body: body.into(),
            body_bytes: 0,
            cut: false,
            date: None,
            received: 0,
            settings: Vec::new(),
            pieces: Vec::new(),
        }
    }
}
