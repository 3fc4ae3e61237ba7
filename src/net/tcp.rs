//! Connecting: the first address that answers wins, by the dial table's rules on addresses.
//!
//! Addresses are started 250 ms apart as RFC 8305 recommends (section 5), the next at once when one fails.

use super::Net;
use crate::failure::{Attempt, Failure, TcpFailure, TcpKind};
use crate::probe::{Connected, Packets};
use crate::subject::address::Target;
use crate::subject::dial::AddressTo;
use futures_util::stream::{FuturesUnordered, StreamExt};
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{sleep_until, timeout_at};

/// RFC 8305, section 5: the recommended delay between attempts.
const BETWEEN_STARTS: Duration = Duration::from_millis(250);

/// The maximum segment that every path carries over IPv4 (RFC 9293, section 3.7.1).
const SMALL_SEGMENT: u32 = 536;

/// Connects to the first of the addresses that answers, all within one time limit.
pub(super) async fn connect(
    net: &Net,
    target: &Target,
    addresses: &[SocketAddr],
    packets: Packets,
) -> Result<(TcpStream, Connected), Failure> {
    let began = Instant::now();
    let deadline = tokio::time::Instant::from_std(began) + net.timeout();
    let mut waiting = addresses.iter().copied();
    let mut running = FuturesUnordered::new();
    let mut attempts = Vec::new();
    loop {
        match waiting.next() {
            Some(address) => running.push(attempt(net, address, packets, deadline)),
            None if running.is_empty() => break,
            None => {}
        }
        let next_start = match waiting.len() {
            0 => deadline + net.timeout(),
            _ => tokio::time::Instant::now() + BETWEEN_STARTS,
        };
        tokio::select! {
            Some((attempt, stream)) = running.next() => {
                let address = attempt.address;
                attempts.push(attempt);
                if let Some(stream) = stream {
                    return Ok((stream, Connected { address, attempts }));
                }
            }
            () = sleep_until(next_start) => {}
        }
    }
    let kind = most_telling(&attempts);
    Err(Failure::Tcp(TcpFailure { kind, target: target.clone(), attempts, after: began.elapsed() }))
}

/// How long a connection on which nothing is said is watched: a device that cuts it does so at once.
const WATCHED: Duration = Duration::from_millis(250);

/// Whether the peer ends a connection on which nothing was said.
pub(super) async fn is_cut(stream: &mut TcpStream) -> bool {
    let mut byte = [0];
    matches!(tokio::time::timeout(WATCHED, stream.peek(&mut byte)).await, Ok(Ok(0) | Err(_)))
}

/// The failure of a connection that was accepted and then cut.
pub(super) fn cut(target: &Target, connected: &Connected, after: Duration) -> Failure {
    let mut attempts = connected.attempts.clone();
    if let Some(last) = attempts.last_mut() {
        last.failed = Some(TcpKind::Reset);
        "cut before anything was said".clone_into(&mut last.words);
    }
    Failure::Tcp(TcpFailure { kind: TcpKind::Reset, target: target.clone(), attempts, after })
}

/// An unreachable family of addresses is common and says little; a refusal says most.
fn most_telling(attempts: &[Attempt]) -> TcpKind {
    use TcpKind::{HostUnreachable, Refused, Reset, Timeout, Unreachable};
    [Refused, Reset, Timeout, HostUnreachable, Unreachable]
        .into_iter()
        .find(|kind| attempts.iter().any(|a| a.failed == Some(*kind)))
        .unwrap_or(TcpKind::Unreachable)
}

async fn attempt(
    net: &Net,
    address: SocketAddr,
    packets: Packets,
    deadline: tokio::time::Instant,
) -> (Attempt, Option<TcpStream>) {
    let began = Instant::now();
    let dial = async {
        match net.subject.dial.address(address) {
            None => open(address, packets).await,
            Some(AddressTo::Connect(to)) => open(to, packets).await,
            Some(AddressTo::Refuse) => Err(ErrorKind::ConnectionRefused.into()),
            Some(AddressTo::Unreachable) => Err(ErrorKind::NetworkUnreachable.into()),
            Some(AddressTo::Swallow) => std::future::pending().await,
        }
    };
    let (failed, words, stream) = match timeout_at(deadline, dial).await {
        Ok(Ok(stream)) => (None, String::new(), Some(stream)),
        Ok(Err(error)) => (Some(kind(&error)), crate::text::foreign(&error.to_string()), None),
        Err(_) => (Some(TcpKind::Timeout), "no answer".to_owned(), None),
    };
    (Attempt { address, failed, words, took: began.elapsed() }, stream)
}

/// Opens a connection to an address as it is.
pub(super) async fn open(to: SocketAddr, packets: Packets) -> io::Result<TcpStream> {
    let socket = if to.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    match packets {
        Packets::Any => {}
        Packets::Small => socket2::SockRef::from(&socket).set_tcp_mss(SMALL_SEGMENT)?,
    }
    let stream = socket.connect(to).await?;
    // Without it the second half of a handshake may wait for the peer's delayed acknowledgement.
    // A peer that has reset by now makes this fail; the connection did stand, and the next layer will meet the end.
    let _ = stream.set_nodelay(true);
    Ok(stream)
}

/// The system's error as one of ours. Observed: an administrative prohibition by route is EACCES, a blackhole
/// route EINVAL, an ICMP prohibition EHOSTUNREACH.
fn kind(error: &io::Error) -> TcpKind {
    match error.kind() {
        ErrorKind::ConnectionRefused => TcpKind::Refused,
        ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted => TcpKind::Reset,
        ErrorKind::TimedOut => TcpKind::Timeout,
        ErrorKind::HostUnreachable | ErrorKind::PermissionDenied => TcpKind::HostUnreachable,
        _ => TcpKind::Unreachable,
    }
}
