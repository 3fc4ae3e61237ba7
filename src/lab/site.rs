//! A listening server of the lab: accepting, and what happens to a connection before anything is read from it.

use super::certificates::Acceptors;
use super::fault::{ConnectEnd, Kind, On};
use super::situation::{LONGEST, Situation};
use super::{handshake, http, proxy, workflow};
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
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
    listener: TcpListener,
    /// Rung when the listener is to be overrun.
    overrun: Notify,
    last_overrun: Mutex<Option<Instant>>,
    /// Connections that stood in the queue before it was cut short: they would take the places in it.
    early: Mutex<Vec<TcpStream>>,
}

impl Site {
    /// A server that is not served yet.
    pub(super) fn new(listener: TcpListener, part: On, speaks: Speaks, situation: &Arc<Situation>) -> Self {
        Self {
            part,
            speaks,
            situation: situation.clone(),
            listener,
            overrun: Notify::new(),
            last_overrun: Mutex::default(),
            early: Mutex::default(),
        }
    }
}

/// Opens a port that the system chooses.
pub(super) fn listen() -> io::Result<(TcpListener, SocketAddr)> {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0))?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    Ok((TcpListener::from_std(listener)?, address))
}

/// Serves until it is dropped; the connections end with it.
pub(super) async fn serve(site: Site) {
    let site = Arc::new(site);
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            // The overrun first: one that was announced must not lose its first victim to `accept`.
            biased;
            () = site.overrun.notified() => {
                for stream in std::mem::take(&mut *site.early.lock().unwrap_or_else(PoisonError::into_inner)) {
                    connections.spawn(timeout(LONGEST, connection(stream, site.clone())));
                }
                overrun(&site.listener).await;
            }
            Some(_) = connections.join_next() => {}
            accepted = site.listener.accept(), if connections.len() < MOST => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(timeout(LONGEST, connection(stream, site.clone())));
                }
                // Out of file descriptors, most likely: a moment later some are free again.
                Err(_) => sleep(Duration::from_millis(10)).await,
            },
        }
    }
}

/// The queue while it is overrun: the kernel takes one connection more, and drops the SYN of each further one.
const QUEUE: i32 = 1;
/// How long the queue stays full. A dropped SYN is sent again after 1 s (RFC 6298, 2.1), and finds it open; the
/// further addresses that a client tries meanwhile, one every 250 ms (RFC 8305, 5), do not.
const OVERRUN: Duration = Duration::from_millis(800);
/// How long the first victim is waited for.
const OVERRUN_WAIT: Duration = Duration::from_secs(1);
/// The least time between two overruns: the connections that one delays are through by then.
const OVERRUN_REST: Duration = Duration::from_millis(1500);

impl Site {
    /// Told before an answer leaves. With the fault `overrun` the queue of the listener is cut short now, so
    /// that whoever connects upon the answer finds it so.
    pub(super) fn answering(&self) {
        if !self.situation.faults(self.part).any(|kind| *kind == Kind::Overrun) {
            return;
        }
        let mut last = self.last_overrun.lock().unwrap_or_else(PoisonError::into_inner);
        if last.is_some_and(|at| at.elapsed() <= OVERRUN_REST) {
            return;
        }
        let listener = socket2::SockRef::from(&self.listener);
        let waiting = || {
            let (socket, _) = listener.accept().ok()?;
            socket.set_nonblocking(true).ok()?;
            TcpStream::from_std(socket.into()).ok()
        };
        let mut early = self.early.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(stream) = waiting() {
            early.push(stream);
        }
        if listener.listen(QUEUE).is_ok() {
            *last = Some(Instant::now());
            self.overrun.notify_one();
        }
    }
}

/// Accepts nothing for a moment once the first has knocked, and then takes everybody in again.
async fn overrun(listener: &TcpListener) {
    let began = Instant::now();
    while !someone_knocks(listener) && began.elapsed() < OVERRUN_WAIT {
        sleep(Duration::from_millis(5)).await;
    }
    sleep(OVERRUN).await;
    // Cannot fail where it just did not; and a short queue would still serve.
    let _still_short = socket2::SockRef::from(listener).listen(1024);
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
    if site.part == On::Nginx && super::node::wants_announcement(&site.situation) && !announced(&stream).await
    {
        return;
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
            if site.part == On::Workflow && version == http::Version::Http2 {
                workflow::serve(stream, &site.situation).await;
            } else {
                http::serve(stream, &site, version).await;
            }
        }
    }
}

/// Reads the header of the PROXY protocol off a connection; whether one was there.
async fn announced(stream: &TcpStream) -> bool {
    let mut byte = [0];
    let mut line = Vec::new();
    while line.len() < 108 && !line.ends_with(b"\r\n") {
        if stream.readable().await.is_err() {
            return false;
        }
        match stream.try_read(&mut byte) {
            Ok(1) => line.push(byte[0]),
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => {}
            Ok(_) | Err(_) => return false,
        }
        if !b"PROXY ".iter().zip(&line).all(|(a, b)| a == b) {
            return false;
        }
    }
    line.starts_with(b"PROXY ")
}

/// Ends a connection by a reset.
pub(super) fn reset(stream: TcpStream) {
    let _plain_end = socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO));
    drop(stream);
}
