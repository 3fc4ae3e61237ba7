//! Action Cable behind a 101: welcome, a ping every 3 s, and the ways in which middle boxes spoil it.

use super::fault::http::{AgentEnd, CableEnd};
use super::fault::{Kind, On};
use super::handshake::swallow;
use super::situation::{GOOD_TOKEN, Situation};
use futures_util::{SinkExt, StreamExt};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use std::time::Duration;
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, interval_at, sleep_until};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::Role;
use tokio_tungstenite::tungstenite::protocol::frame::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

/// Action Cable's beat: `ActionCable::Server::Connections::BEAT_INTERVAL`.
const BEAT: Duration = Duration::from_secs(3);

/// A WebSocket whose 101 is on its way.
pub(super) struct Opened {
    /// The stream to be.
    pub(super) upgrade: OnUpgrade,
    /// The `Authorization` header.
    pub(super) credential: Option<String>,
    /// What is spoken on it.
    pub(super) talk: Talk,
    /// Where it entered: what the hops behind that do applies.
    pub(super) entered: On,
}

/// What is spoken on a WebSocket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Talk {
    /// Action Cable.
    Cable,
    /// The Agent Platform: nothing, until something is started.
    Agent,
}

/// The fault of the first hop behind a door that has one.
fn fault<T>(entered: On, situation: &Situation, of: impl Fn(&Kind) -> Option<T>) -> Option<T> {
    super::hops::from(entered, situation).find_map(|part| situation.faults(part).find_map(&of))
}

/// Speaks until the peer leaves or a fault ends it.
pub(super) async fn serve(opened: Opened, situation: &Situation) {
    match opened.talk {
        Talk::Cable => cable(opened, situation).await,
        Talk::Agent => agent(opened, situation).await,
    }
}

/// Keeps the Agent Platform's socket open and says nothing.
async fn agent(opened: Opened, situation: &Situation) {
    let fault = fault(opened.entered, situation, |kind| {
        let Kind::Agent { how } = kind else { return None };
        Some(*how)
    });
    let Ok(upgraded) = opened.upgrade.await else { return };
    let mut stream = TokioIo::new(upgraded);
    match fault {
        Some(AgentEnd::Closed) => return end(&mut stream).await,
        Some(AgentEnd::CutAfter(seconds)) => {
            tokio::time::sleep(Duration::from_secs(seconds)).await;
            return end(&mut stream).await;
        }
        Some(AgentEnd::ClosedWith(_)) | None => {}
    }
    let mut socket = WebSocketStream::from_raw_socket(stream, Role::Server, None).await;
    if let Some(AgentEnd::ClosedWith(code)) = fault {
        let close = CloseFrame { code: CloseCode::from(code), reason: "".into() };
        let _gone = socket.close(Some(close)).await;
    }
    while let Some(Ok(_)) = socket.next().await {}
}

/// Speaks Action Cable until the peer leaves or a fault ends it.
async fn cable(opened: Opened, situation: &Situation) {
    let fault = fault(opened.entered, situation, |kind| {
        let Kind::Cable { how } = kind else { return None };
        Some(*how)
    });
    let Ok(upgraded) = opened.upgrade.await else { return };
    let mut stream = TokioIo::new(upgraded);
    let now = Instant::now();
    // Sooner than any wait that ends without a fault.
    let never = now + super::situation::LONGEST;
    let (held_back, cut_at) = match fault {
        Some(CableEnd::Silent) => return swallow(stream).await,
        Some(CableEnd::Closed) => return end(&mut stream).await,
        Some(CableEnd::HeldBack(millis)) => (Some(Duration::from_millis(millis.max(1))), never),
        Some(CableEnd::CutAfter(seconds)) => (None, now + Duration::from_secs(seconds)),
        Some(CableEnd::Unauthorized | CableEnd::CutOver(_) | CableEnd::DeafOver(_)) | None => (None, never),
    };
    let mut socket = WebSocketStream::from_raw_socket(stream, Role::Server, None).await;
    let is_refused =
        |given: String| fault == Some(CableEnd::Unauthorized) || given != format!("Bearer {GOOD_TOKEN}");
    if opened.credential.is_some_and(is_refused) {
        return refuse(&mut socket).await;
    }

    let mut lump = interval_at(now + held_back.unwrap_or(BEAT), held_back.unwrap_or(BEAT));
    let mut beat = interval_at(now + BEAT, BEAT);
    let welcome = Message::text(r#"{"type":"welcome"}"#);
    let said = match held_back {
        Some(_) => socket.feed(welcome).await,
        None => socket.send(welcome).await,
    };
    if said.is_err() {
        return;
    }
    loop {
        let said = tokio::select! {
            heard = socket.next() => match heard {
                Some(Ok(message)) if !message.is_close() => match fault {
                    Some(CableEnd::CutOver(most)) if message.len() > most => {
                        return end(socket.get_mut()).await;
                    }
                    Some(CableEnd::DeafOver(most)) if message.len() > most => Ok(()),
                    _ => match confirmation(&message) {
                        Some(answer) => socket.send(answer).await,
                        None => Ok(()),
                    },
                },
                Some(Ok(_) | Err(_)) | None => return,
            },
            _ = beat.tick() => {
                let second = situation.now().as_second();
                let ping = Message::text(format!(r#"{{"type":"ping","message":{second}}}"#));
                match held_back {
                    Some(_) => socket.feed(ping).await,
                    None => socket.send(ping).await,
                }
            }
            _ = lump.tick(), if held_back.is_some() => socket.flush().await,
            () = sleep_until(cut_at) => return end(socket.get_mut()).await,
        };
        if said.is_err() {
            return;
        }
    }
}

/// What Action Cable says to a subscription.
fn confirmation(message: &Message) -> Option<Message> {
    let command: serde_json::Value = serde_json::from_str(message.to_text().ok()?).ok()?;
    let identifier = command.get("identifier")?;
    let answer = serde_json::json!({ "identifier": identifier, "type": "confirm_subscription" });
    Some(Message::text(answer.to_string()))
}

/// Ends the stream below the WebSocket: TLS says goodbye, no close frame is sent.
async fn end(stream: &mut (impl AsyncWrite + Unpin)) {
    let _gone = stream.shutdown().await;
}

/// What Action Cable says to a credential that it does not accept.
async fn refuse(socket: &mut WebSocketStream<TokioIo<hyper::upgrade::Upgraded>>) {
    let why = r#"{"type":"disconnect","reason":"unauthorized","reconnect":false}"#;
    let close = CloseFrame { code: CloseCode::Normal, reason: "".into() };
    if socket.send(Message::text(why)).await.is_ok() && socket.close(Some(close)).await.is_ok() {
        while let Some(Ok(_)) = socket.next().await {}
    }
}
