//! Listening to Action Cable on an open WebSocket: the welcome, the first ping, holding on.
//!
//! Decides how long each is waited for and how a missing one failed. Messages are looked at no further than their
//! type (Rails, `actioncable/lib/action_cable.rb`, `INTERNAL`).

use super::websocket::Socket;
use super::{Net, Teller, ended, words};
use crate::failure::{Ended, Failure, Layer, WebSocketFailure};
use crate::probe::{Listen, Reading, Subscription, Upgrade};
use crate::subject::limits::Limits;
use crate::text;
use futures_util::{SinkExt, StreamExt};
use std::time::{Duration, Instant};
use tokio::time::timeout_at;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::{Error, Message};

/// An open WebSocket with the times of what came on it.
struct Line<'a> {
    socket: &'a mut Socket,
    opened: Instant,
    last: Instant,
    frames: u32,
    longest_gap: Duration,
    /// When a ping came that nobody waited for.
    pinged: Option<Instant>,
}

/// A message, as far as it matters here.
enum Heard {
    Welcome,
    Ping,
    Disconnect(String),
    /// A message about a subscription: its identifier, and how long the whole message is.
    Identified {
        identifier: String,
        length: usize,
    },
    Foreign(String),
    /// A control frame of the protocol itself.
    Control,
}

/// Listens as long as asked and delivers a sample per layer.
pub(super) async fn listen(
    net: &Net,
    socket: &mut Socket,
    upgrade: &Upgrade,
    teller: &mut Teller<'_>,
) -> Option<()> {
    let opened = Instant::now();
    let mut line =
        Line { socket, opened, last: opened, frames: 0, longest_gap: Duration::ZERO, pinged: None };
    let hold = match upgrade.listen {
        Listen::Answer => return Some(()),
        Listen::FirstPing => None,
        Listen::Hold(seconds) => Some(Duration::from_secs(seconds.into())),
        Listen::Open(seconds) => {
            let held = line.hold(opened + Duration::from_secs(seconds.into())).await;
            return teller.tell(Layer::Hold, opened, held.map(|reading| ((), reading)));
        }
    };
    let welcomed =
        line.welcome(opened + net.timeout().max(Limits::FIRST_PING)).await.map(|()| ((), Reading::Welcome));
    teller.tell(Layer::Welcome, opened, welcomed)?;
    let welcome = Instant::now();
    if let Some(subscription) = &upgrade.message {
        let said = line.say(subscription, welcome + ECHO).await.map(|reading| ((), reading));
        teller.tell(Layer::Message, welcome, said)?;
    }
    let pinged = line.ping(welcome).await.map(|after| ((), Reading::Ping { after }));
    teller.tell(Layer::Ping, welcome, pinged)?;
    let Some(hold) = hold else { return Some(()) };
    let to_the_end = line.hold(opened + hold).await.map(|reading| ((), reading));
    teller.tell(Layer::Hold, opened, to_the_end)
}

/// A message is answered at once; a ping that came meanwhile is not waited for again.
const ECHO: Duration = Duration::from_secs(2);

impl Line<'_> {
    /// Asks for a subscription and waits for a message that names it.
    async fn say(&mut self, subscription: &Subscription, until: Instant) -> Result<Reading, Failure> {
        let identifier = identifier(subscription);
        let text = serde_json::json!({ "command": "subscribe", "identifier": identifier }).to_string();
        let sent = u32::try_from(text.len()).unwrap_or(u32::MAX);
        let sending = self.socket.send(Message::text(text));
        match timeout_at(until.into(), sending).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return Err(self.cut(ended(&error).unwrap_or(Ended::Eof), None)),
            Err(_) => return Ok(Reading::Message { sent, came: 0 }),
        }
        loop {
            match self.next(until).await? {
                // Nothing came back: that says something only beside a door where it does, and pings go on.
                None => return Ok(Reading::Message { sent, came: 0 }),
                Some(Heard::Identified { identifier: same, length }) if same == identifier => {
                    let came = u32::try_from(length).unwrap_or(u32::MAX);
                    return Ok(Reading::Message { sent, came });
                }
                Some(Heard::Disconnect(reason)) => return Err(disconnected(reason)),
                Some(Heard::Ping) => self.pinged = Some(self.last),
                Some(Heard::Welcome | Heard::Control | Heard::Foreign(_) | Heard::Identified { .. }) => {}
            }
        }
    }

    async fn welcome(&mut self, until: Instant) -> Result<(), Failure> {
        loop {
            match self.next(until).await? {
                None => return Err(silent(Layer::Welcome, self.opened)),
                Some(Heard::Welcome) => return Ok(()),
                Some(Heard::Control) => {}
                Some(Heard::Disconnect(reason)) => return Err(disconnected(reason)),
                // A ping before the welcome is not Action Cable's either.
                Some(Heard::Ping) => return Err(foreign("{\"type\":\"ping\"}".to_owned())),
                Some(Heard::Foreign(text)) => return Err(foreign(text)),
                Some(Heard::Identified { identifier, .. }) => {
                    return Err(foreign(text::foreign(&identifier)));
                }
            }
        }
    }

    /// Waits for the first ping; how long after the welcome it came.
    async fn ping(&mut self, welcome: Instant) -> Result<Duration, Failure> {
        if let Some(at) = self.pinged {
            return Ok(at - welcome);
        }
        loop {
            match self.next(welcome + Limits::FIRST_PING).await? {
                None => return Err(silent(Layer::Ping, welcome)),
                Some(Heard::Ping) => return Ok(welcome.elapsed()),
                Some(Heard::Disconnect(reason)) => return Err(disconnected(reason)),
                Some(Heard::Welcome | Heard::Control | Heard::Foreign(_) | Heard::Identified { .. }) => {}
            }
        }
    }

    async fn hold(&mut self, until: Instant) -> Result<Reading, Failure> {
        loop {
            match self.next(until).await? {
                None => break,
                Some(Heard::Disconnect(reason)) => return Err(disconnected(reason)),
                Some(
                    Heard::Welcome
                    | Heard::Ping
                    | Heard::Control
                    | Heard::Foreign(_)
                    | Heard::Identified { .. },
                ) => {}
            }
        }
        let longest_gap = self.longest_gap.max(self.last.elapsed());
        Ok(Reading::Held { frames: self.frames, longest_gap })
    }

    /// The next message. `None`: the time is over.
    async fn next(&mut self, until: Instant) -> Result<Option<Heard>, Failure> {
        // A timeout never looks at the clock while frames lie ready, and a peer may send them without end.
        if Instant::now() >= until {
            return Ok(None);
        }
        let Ok(message) = timeout_at(until.into(), self.socket.next()).await else { return Ok(None) };
        let message = match message {
            Some(Ok(Message::Close(frame))) => {
                return Err(self.cut(Ended::Close, frame.map(|f| f.code.into())));
            }
            Some(Ok(message)) => message,
            Some(Err(Error::Protocol(ProtocolError::ResetWithoutClosingHandshake))) => {
                return Err(self.cut(Ended::Eof, None));
            }
            // The peer cut nothing: what it sent is too large or no WebSocket, and reading on is pointless.
            Some(Err(error @ (Error::Capacity(_) | Error::Utf8(_) | Error::Protocol(_)))) => {
                return Err(foreign(words(&error)));
            }
            Some(Err(error)) => return Err(self.cut(ended(&error).unwrap_or(Ended::Eof), None)),
            None => return Err(self.cut(Ended::Eof, None)),
        };
        let now = Instant::now();
        self.longest_gap = self.longest_gap.max(now - self.last);
        self.last = now;
        self.frames = self.frames.saturating_add(1);
        Ok(Some(heard(&message)))
    }

    fn cut(&self, how: Ended, code: Option<u16>) -> Failure {
        let (after, idle) = (self.opened.elapsed(), self.last.elapsed());
        Failure::WebSocket(WebSocketFailure::Cut { how, code, after, idle })
    }
}

fn silent(waited_for: Layer, since: Instant) -> Failure {
    Failure::WebSocket(WebSocketFailure::Silent { waited_for, after: since.elapsed() })
}

fn disconnected(reason: String) -> Failure {
    Failure::WebSocket(WebSocketFailure::Disconnected { reason })
}

fn foreign(text: String) -> Failure {
    Failure::WebSocket(WebSocketFailure::Foreign { text })
}

fn heard(message: &Message) -> Heard {
    let text = match message {
        Message::Text(text) => text.as_str(),
        Message::Binary(bytes) => return Heard::Foreign(text::foreign(&String::from_utf8_lossy(bytes))),
        Message::Ping(_) | Message::Pong(_) | Message::Close(_) | Message::Frame(_) => return Heard::Control,
    };
    let json: serde_json::Value = serde_json::from_str(text).unwrap_or_default();
    let field = |name: &str| json.get(name).and_then(serde_json::Value::as_str);
    match field("type") {
        Some("welcome") => Heard::Welcome,
        Some("ping") => Heard::Ping,
        Some("disconnect") => Heard::Disconnect(text::foreign(field("reason").unwrap_or_default())),
        Some(_) | None => match field("identifier") {
            Some(identifier) => Heard::Identified { identifier: identifier.to_owned(), length: text.len() },
            None => Heard::Foreign(text::foreign(text)),
        },
    }
}

/// What a subscription is known by: the channel's parameters as a text (Rails' `actioncable`, `Subscriptions`).
fn identifier(subscription: &Subscription) -> String {
    let padding = "0".repeat(usize::try_from(subscription.padding).unwrap_or(0));
    let query = "subscription duoDoctor { __typename }";
    serde_json::json!({
        "channel": subscription.channel,
        "query": query,
        "operationName": "duoDoctor",
        "variables": {},
        "nonce": padding,
    })
    .to_string()
}
