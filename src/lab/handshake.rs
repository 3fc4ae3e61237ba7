//! What happens to a connection between its first byte and TLS: alerts, plain text, resets, silence.

use super::fault::Kind;
use super::fault::tls::HandshakeEnd;
use super::site::{Site, reset};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::sleep;

/// The header of a TLS record: type, version, length (RFC 8446, 5.1).
const RECORD_HEADER: usize = 5;

/// The stream, if the handshake may begin; `None`: a fault has ended it.
pub(super) async fn before(mut stream: TcpStream, site: &Site) -> Option<TcpStream> {
    let fault = site.situation.faults(site.part).find_map(|kind| {
        let Kind::Handshake { how } = kind else { return None };
        Some(how)
    });
    let Some(how) = fault else { return Some(stream) };
    match how {
        HandshakeEnd::Late(millis) => {
            sleep(Duration::from_millis(*millis)).await;
            return Some(stream);
        }
        HandshakeEnd::SilentOver(most) if hello_length(&stream).await? <= *most => return Some(stream),
        HandshakeEnd::SilentAboveSegment(most) if segment(&stream) <= *most => return Some(stream),
        HandshakeEnd::Silent | HandshakeEnd::SilentOver(_) | HandshakeEnd::SilentAboveSegment(_) => {}
        HandshakeEnd::Reset => {
            hello(&mut stream).await;
            reset(stream);
            return None;
        }
        HandshakeEnd::Closed => {
            hello(&mut stream).await;
            return None;
        }
        HandshakeEnd::Alert(description) => {
            hello(&mut stream).await;
            // Record type alert, TLS 1.0 in the record, two bytes: fatal, and why (RFC 8446, 6).
            let _gone = stream.write_all(&[21, 3, 1, 0, 2, 2, *description]).await;
            let _gone = stream.shutdown().await;
        }
        HandshakeEnd::Greets(text) => {
            let _gone = stream.write_all(text.as_bytes()).await;
        }
        HandshakeEnd::Answers(text) => {
            hello(&mut stream).await;
            let _gone = stream.write_all(text.as_bytes()).await;
            let _gone = stream.shutdown().await;
        }
    }
    swallow(stream).await;
    None
}

/// Reads a `ClientHello`, so that nothing unread turns an orderly end into a reset.
async fn hello(stream: &mut TcpStream) {
    let mut buffer = vec![0; 16_384 + RECORD_HEADER];
    let mut read = 0;
    while read < RECORD_HEADER || read < RECORD_HEADER + record_length(&buffer) {
        match stream.read(&mut buffer[read..]).await {
            Ok(length) if length > 0 => read += length,
            Ok(_) | Err(_) => return,
        }
    }
}

/// The length that the record of the `ClientHello` announces; nothing of it is taken off the stream.
async fn hello_length(stream: &TcpStream) -> Option<usize> {
    let mut header = [0; RECORD_HEADER];
    loop {
        match stream.peek(&mut header).await {
            Ok(RECORD_HEADER) => return Some(record_length(&header)),
            Ok(0) | Err(_) => return None,
            // A header in pieces: the rest is on its way.
            Ok(_) => sleep(Duration::from_millis(1)).await,
        }
    }
}

fn record_length(header: &[u8]) -> usize {
    usize::from(u16::from_be_bytes([header[3], header[4]]))
}

/// The maximum segment of a connection in bytes; unknown counts as large.
fn segment(stream: &TcpStream) -> u32 {
    socket2::SockRef::from(stream).tcp_mss().unwrap_or(u32::MAX)
}

/// Reads and forgets until the peer leaves.
pub(super) async fn swallow(mut stream: impl AsyncRead + Unpin) {
    let mut buffer = [0; 4096];
    while matches!(stream.read(&mut buffer).await, Ok(length) if length > 0) {}
}
