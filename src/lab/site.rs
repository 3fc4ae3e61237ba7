//! A listening server of the lab: accepting, and what happens to a connection before anything is read from it.

use super::certificates::Acceptors;
use super::fault::{ConnectEnd, Kind, On};
use super::situation::{LONGEST, Situation};
use super::{handshake, http, proxy};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// Connections served at a time, at most; further ones wait in the kernel's queue.
const MOST: usize = 128;

/// What is spoken at a site.
pub(super) enum Speaks {
    /// TLS, and HTTP inside.
    Tls(Acceptors),
    /// HTTP in plain text.
    Plain,
    /// CONNECT.
    Proxy,
}

/// A server of the lab.
pub(super) struct Site {
    pub(super) part: On,
    pub(super) speaks: Speaks,
    pub(super) situation: Arc<Situation>,
    /// Rung when a request was answered.
    pub(super) answered: Notify,
}

/// Opens a port that the system chooses.
pub(super) fn listen() -> io::Result<(TcpListener, SocketAddr)> {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0))?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    Ok((TcpListener::from_std(listener)?, address))
}

/// Serves until it is dropped; the connections end with it.
pub(super) async fn serve(listener: TcpListener, site: Site) {
    let site = Arc::new(site);
    let mut connections = JoinSet::new();
    let mut overrun_at: Option<Instant> = None;
    loop {
        tokio::select! {
            accepted = listener.accept(), if connections.len() < MOST => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(timeout(LONGEST, connection(stream, site.clone())));
                }
                // Out of file descriptors, most likely: a moment later some are free again.
                Err(_) => sleep(Duration::from_millis(10)).await,
            },
            Some(_) = connections.join_next() => {}
            () = site.answered.notified() => {
                let rested = overrun_at.is_none_or(|at| at.elapsed() > OVERRUN_REST);
                if rested && site.situation.faults(site.part).any(|kind| *kind == Kind::Overrun) {
                    overrun(&listener).await;
                    overrun_at = Some(Instant::now());
                }
            }
        }
    }
}

/// How many connections the kernel completes while nobody accepts: its queue takes one more than its length.
const QUEUE: i32 = 2;
/// How long the queue stays full. A dropped SYN is sent again after 1 s (RFC 6298, 2.1), so the ones that were
/// let in must be served before that.
const OVERRUN: Duration = Duration::from_millis(400);
/// How long an overrun is waited for after an answer.
const OVERRUN_WAIT: Duration = Duration::from_secs(1);
/// How long after an overrun the next may come: the samples that it delays end before.
const OVERRUN_REST: Duration = Duration::from_millis(2500);

/// Lets the queue of a listener run full: nothing is accepted from now on, three connections fit, and the SYN of
/// each further one is dropped by the kernel, as a busy server or a lossy path has it.
async fn overrun(listener: &TcpListener) {
    let socket = socket2::SockRef::from(listener);
    if socket.listen(QUEUE).is_err() {
        return;
    }
    let began = Instant::now();
    while !someone_knocks(listener) && began.elapsed() < OVERRUN_WAIT {
        sleep(Duration::from_millis(5)).await;
    }
    sleep(OVERRUN).await;
    // Cannot fail where it just did not; and a short queue would still serve.
    let _still_short = socket.listen(1024);
}

fn someone_knocks(listener: &TcpListener) -> bool {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
    poll(&mut [PollFd::new(listener, PollFlags::IN)], Some(&at_once)).is_ok_and(|ready| ready > 0)
}

async fn connection(stream: TcpStream, site: Arc<Site>) {
    // Small answers must not wait for an acknowledgement.
    let _slower = stream.set_nodelay(true);
    let resets = |kind: &Kind| matches!(kind, Kind::Connect { how: ConnectEnd::Reset, .. });
    if site.situation.faults(site.part).any(resets) {
        return reset(stream);
    }
    match &site.speaks {
        Speaks::Proxy => proxy::serve(stream, &site.situation).await,
        Speaks::Plain => http::serve(stream, &site, http::Version::Http1).await,
        Speaks::Tls(acceptors) => {
            let Some(stream) = handshake::before(stream, &site).await else { return };
            let Ok(stream) = acceptors.now(&site.situation).accept(stream).await else { return };
            let version = match stream.get_ref().1.alpn_protocol() {
                Some(b"h2") => http::Version::Http2,
                Some(_) | None => http::Version::Http1,
            };
            http::serve(stream, &site, version).await;
        }
    }
}

/// Ends a connection by a reset.
pub(super) fn reset(stream: TcpStream) {
    let _plain_end = socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO));
    drop(stream);
}
