//! Connecting to a Unix socket of this node, by the dial table's rules on sockets.

use super::{Net, tcp};
use crate::failure::{Failure, SocketFailure, SocketKind};
use crate::subject::dial::AddressTo;
use std::io::{self, ErrorKind};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::time::Instant;
use tokio::net::UnixStream;

use super::stream::Io;

/// The longest path that fits into the system's address of a socket (`sun_path`, with its final zero).
const LONGEST: usize = 107;

/// Connects, within the time limit of one stage.
pub(super) async fn connect(net: &Net, path: &Path) -> Result<Box<dyn Io>, Failure> {
    let began = Instant::now();
    let dial = async {
        match net.subject.dial.socket(path) {
            None => open(path).await.map(|stream| Box::new(stream) as Box<dyn Io>),
            Some(AddressTo::Connect(to)) => {
                tcp::open(to, crate::probe::Packets::Any).await.map(|stream| Box::new(stream) as Box<dyn Io>)
            }
            Some(AddressTo::Refuse) => Err(ErrorKind::ConnectionRefused.into()),
            Some(AddressTo::Unreachable) => Err(ErrorKind::NotFound.into()),
            Some(AddressTo::Swallow) => std::future::pending().await,
        }
    };
    let (kind, words) = match tokio::time::timeout(net.timeout(), dial).await {
        Ok(Ok(stream)) => return Ok(stream),
        Ok(Err(error)) => (kind(&error), crate::text::foreign(&error.to_string())),
        Err(_) => (SocketKind::Timeout, "no answer".to_owned()),
    };
    let path = crate::text::foreign(&path.display().to_string());
    Err(Failure::Socket(SocketFailure { kind, path, words, after: began.elapsed() }))
}

/// A path that is too long for an address is gone to by its directory, which is opened first.
async fn open(path: &Path) -> io::Result<UnixStream> {
    if path.as_os_str().len() <= LONGEST {
        return UnixStream::connect(path).await;
    }
    let (Some(directory), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(ErrorKind::InvalidInput.into());
    };
    let directory = std::fs::File::open(directory)?;
    let short = PathBuf::from(format!("/proc/self/fd/{}", directory.as_raw_fd())).join(name);
    UnixStream::connect(short).await
}

fn kind(error: &io::Error) -> SocketKind {
    match error.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => SocketKind::Absent,
        ErrorKind::ConnectionRefused => SocketKind::Refused,
        ErrorKind::PermissionDenied => SocketKind::Denied,
        // A full queue of a socket that does not block.
        ErrorKind::WouldBlock | ErrorKind::TimedOut => SocketKind::Timeout,
        _ => SocketKind::Other,
    }
}
