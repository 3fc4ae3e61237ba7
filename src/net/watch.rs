//! Holding a gRPC stream open and finding out when it was cut: by an end that shows, or by a PING without an answer.
//!
//! The peer's PINGs are answered by the library. Ours go out every 20 s, as Workhorse's do: a server ends a connection
//! that is pinged more often than every 10 s (observed: GOAWAY with `ENHANCE_YOUR_CALM`).

use super::grpc::{Connection, Open, debug_data, end, status_words};
use super::{Net, words};
use crate::failure::{Ended, Failure, GrpcFailure};
use crate::probe::Reading;
use futures_util::future::{BoxFuture, FutureExt, pending};
use h2::{Ping, PingPong, RecvStream};
use std::time::{Duration, Instant};
use tokio::time::sleep_until;

/// The time between two PINGs of ours.
const EVERY: Duration = Duration::from_secs(20);

/// A stream that is held, with the times of what came on it.
struct Line {
    connection: Connection,
    body: RecvStream,
    opened: Instant,
    last: Instant,
    frames: u32,
    longest_gap: Duration,
}

/// What ended a wait.
enum Woke {
    /// Its time is over.
    Time,
    /// A PING was answered; what the next one is sent with.
    Pong(PingPong),
}

/// Holds the stream open for so many seconds; a last PING tells whether it still stands.
pub(super) async fn hold(net: &Net, open: Open, opened: Instant, seconds: u32) -> Result<Reading, Failure> {
    let Open { connection, mut pings, body } = open;
    let mut line = Line { connection, body, opened, last: opened, frames: 0, longest_gap: Duration::ZERO };
    let end = opened + Duration::from_secs(seconds.into());
    loop {
        let quiet = end.min(Instant::now() + EVERY);
        line.wait(quiet, pending().boxed()).await?;
        let Some(sender) = pings.take() else { break };
        let sent = Instant::now();
        pings = match line.wait(sent + net.timeout(), ping(sender)).await? {
            Woke::Pong(sender) => Some(sender),
            Woke::Time => {
                let words = "silence".to_owned();
                let (after, idle) = (sent - opened, sent - line.last);
                return Err(Failure::Grpc(GrpcFailure::Cut { how: Ended::Timeout, words, after, idle }));
            }
        };
        if sent >= end {
            break;
        }
    }
    Ok(Reading::Held { frames: line.frames, longest_gap: line.longest_gap.max(line.last.elapsed()) })
}

fn ping(mut sender: PingPong) -> BoxFuture<'static, Result<PingPong, h2::Error>> {
    async move { sender.ping(Ping::opaque()).await.map(|_| sender) }.boxed()
}

impl Line {
    /// Waits for the answer to a PING or until a moment, whatever comes first. Fails when the stream ends meanwhile.
    async fn wait(
        &mut self,
        until: Instant,
        mut pong: BoxFuture<'static, Result<PingPong, h2::Error>>,
    ) -> Result<Woke, Failure> {
        loop {
            // A peer may send without end, and then the timer never gets its turn.
            if Instant::now() >= until {
                return Ok(Woke::Time);
            }
            tokio::select! {
                over = &mut self.connection => {
                    return Err(match over {
                        Ok(()) => self.over(),
                        Err(error) => self.cut(&error),
                    });
                }
                message = self.body.data() => match message {
                    // Not given back to the peer's window: nothing that matters comes in bulk here.
                    Some(Ok(_)) => self.heard(),
                    Some(Err(error)) => return Err(self.cut(&error)),
                    None => return Err(self.closed().await),
                },
                answered = &mut pong => match answered {
                    Ok(sender) => {
                        self.heard();
                        return Ok(Woke::Pong(sender));
                    }
                    Err(error) => return Err(self.cut(&error)),
                },
                () = sleep_until(until.into()) => {}
            }
        }
    }

    fn heard(&mut self) {
        let now = Instant::now();
        self.longest_gap = self.longest_gap.max(now - self.last);
        self.last = now;
        self.frames = self.frames.saturating_add(1);
    }

    /// The connection is over. A word that ended it stands on the stream.
    fn over(&mut self) -> Failure {
        match self.body.data().now_or_never() {
            Some(Some(Err(error))) => self.cut(&error),
            Some(Some(Ok(_)) | None) | None => {
                self.broken(Ended::Eof, "the end of the connection".to_owned())
            }
        }
    }

    /// The stream came to its end in order: its trailers say why.
    async fn closed(&mut self) -> Failure {
        match self.body.trailers().await {
            Ok(Some(trailers)) => self.ended_by(&status_words(&trailers)),
            Ok(None) => self.ended_by("the end of the stream, without a status"),
            Err(error) => self.cut(&error),
        }
    }

    fn ended_by(&self, words: &str) -> Failure {
        self.broken(Ended::Close, words.to_owned())
    }

    fn broken(&self, how: Ended, words: String) -> Failure {
        let (after, idle) = (self.opened.elapsed(), self.last.elapsed());
        Failure::Grpc(GrpcFailure::Cut { how, words, after, idle })
    }

    fn cut(&self, error: &h2::Error) -> Failure {
        let code = error.reason().map(|reason| format!("{reason:?}")).unwrap_or_default();
        if error.is_go_away() && error.is_remote() {
            return self.ended_by(format!("GOAWAY {code} {}", debug_data(error)).trim());
        }
        if error.is_reset() && error.is_remote() {
            return self.ended_by(&format!("RST_STREAM {code}"));
        }
        self.broken(end(error), words(error))
    }
}
