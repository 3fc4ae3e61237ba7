//! Where a front end finds GitLab: an address, or a socket in the file system.

use crate::support::loopback;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

/// A place where GitLab listens.
#[derive(Clone, Debug)]
pub(crate) enum BackEnd {
    /// TCP on loopback, as with `gitlab_workhorse['listen_network'] = "tcp"`.
    Address(SocketAddr),
    /// A Unix socket, as GitLab's packages have it.
    Socket(PathBuf),
    /// TCP with TLS: GitLab's own NGINX behind another web server.
    Tls(SocketAddr),
}

impl BackEnd {
    /// An address at which nobody listens: GitLab is down.
    pub(crate) fn nobody() -> BackEnd {
        BackEnd::Address(loopback::random_socket())
    }

    /// The address, for servers that know no other kind.
    pub(crate) fn address(&self) -> SocketAddr {
        match self {
            BackEnd::Address(address) => *address,
            BackEnd::Socket(path) => panic!("this front end reaches no Unix socket: {}", path.display()),
            BackEnd::Tls(address) => panic!("this front end speaks no TLS to {address}"),
        }
    }
}

impl From<SocketAddr> for BackEnd {
    fn from(address: SocketAddr) -> BackEnd {
        BackEnd::Address(address)
    }
}

impl From<PathBuf> for BackEnd {
    fn from(socket: PathBuf) -> BackEnd {
        BackEnd::Socket(socket)
    }
}

/// As NGINX writes it: `http://127.0.0.1:8181`.
impl fmt::Display for BackEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BackEnd::Address(address) => write!(f, "http://{address}"),
            BackEnd::Socket(path) => write!(f, "http://unix:{}", path.display()),
            BackEnd::Tls(address) => write!(f, "https://{address}"),
        }
    }
}
