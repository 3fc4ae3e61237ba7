//! Faults of the workflow service behind a sound HTTP/2.

use serde::Deserialize;

/// What happens in place of a healthy answer.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GrpcEnd {
    /// Nothing: the connection stands, and no call is answered.
    Silent,
    /// Headers, and nothing behind them.
    MuteAfterHeaders,
    /// The message without trailers: the stream ends without a status.
    WithoutStatus,
    /// This status and text, in an answer of headers alone.
    Status(u32, String),
    /// `NOT_SERVING`, as a service that is starting or ending says.
    NotServing,
    /// The end of the call with this error code (RFC 9113, 7).
    Reset(u32),
    /// The end of the connection with this error code and these words.
    GoAway(u32, String),
    /// A stream is opened as it should, and its connection closed after so many seconds.
    CutAfter(u64),
    /// A stream is opened as it should, and after so many seconds packets vanish without a word.
    VanishesAfter(u64),
}
