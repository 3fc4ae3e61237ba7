//! Action Cable behind a 101: welcome, a ping every 3 s, and the ways in which middle boxes spoil it.

use super::fault::http::CableEnd;
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
}

/// Speaks Action Cable until the peer leaves or a fault ends it.
pub(super) async fn serve(opened: Opened, situation: &Situation) {
    let Ok(upgraded) = opened.upgrade.await else { return };
    let mut stream = TokioIo::new(upgraded);
    let fault = situation.faults(On::Instance).find_map(|kind| {
        let Kind::Cable { how } = kind else { return None };
        Some(*how)
    });
    let now = Instant::now();
    // Sooner than any wait that ends without a fault.
    let never = now + super::situation::LONGEST;
    let (held_back, cut_at) = match fault {
        Some(CableEnd::Silent) => return swallow(stream).await,
        Some(CableEnd::Closed) => return end(&mut stream).await,
        Some(CableEnd::HeldBack(millis)) => (Some(Duration::from_millis(millis.max(1))), never),
        Some(CableEnd::CutAfter(seconds)) => (None, now + Duration::from_secs(seconds)),
        None => (None, never),
    };
    let mut socket = WebSocketStream::from_raw_socket(stream, Role::Server, None).await;
    if opened.credential.is_some_and(|c| c != format!("Bearer {GOOD_TOKEN}")) {
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
                Some(Ok(message)) if !message.is_close() => Ok(()),
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
