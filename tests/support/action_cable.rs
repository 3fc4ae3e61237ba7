//! Rails' own Action Cable, served by Puma: the `/-/cable` of a GitLab, with a few answers of GitLab around it.
//!
//! Debian's packages as they are; the application is `tests/real/config.ru`. Puma inherits a socket that already
//! listens, so no port can be lost between choosing and using it.

use crate::support::authority::Identity;
use crate::support::child::{self, Server};
use crate::support::client;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// Everything that the application needs, as Debian calls it.
const PACKAGES: &str = "puma ruby-actioncable ruby-websocket-driver";

/// A running Puma with Action Cable.
pub(crate) struct ActionCable {
    pub(crate) server: Server,
    pub(crate) address: SocketAddr,
    _directory: TempDir,
}

impl ActionCable {
    /// Without TLS, as Workhorse and Puma listen behind a web server.
    pub(crate) fn plain() -> ActionCable {
        let cable = run(|address| format!("tcp://{address}"), None);
        let answer = client::get(cable.address, "gitlab.example.com", "/-/health");
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}\n{}", cable.server.log());
        cable
    }

    /// With TLS ended by Puma itself: nothing stands between a client and Action Cable. HTTP/1.1 only.
    pub(crate) fn with_tls(identity: &Identity) -> ActionCable {
        let mut cable =
            run(|address| format!("ssl://{address}?key=server.key&cert=server.pem"), Some(identity));
        cable.server.wait_until_it_accepts(cable.address);
        cable
    }
}

fn run(bind_url: impl Fn(SocketAddr) -> String, identity: Option<&Identity>) -> ActionCable {
    let directory = tempfile::tempdir().expect("a temporary directory can be made");
    if let Some(identity) = identity {
        identity.write(directory.path());
    }
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has free ports");
    let address = listener.local_addr().expect("a bound socket has an address");
    let url = bind_url(address);
    let mut command = Command::new("puma");
    command
        .args(["--no-config", "--environment", "production", "--threads", "1:16", "--bind", &url])
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/real/config.ru"))
        .current_dir(directory.path())
        .env("PUMA_INHERIT_0", format!("0:{url}"))
        .stdin(Stdio::from(OwnedFd::from(listener)));
    let server = child::start(command, PACKAGES, &directory.path().join("puma.log"));
    ActionCable { server, address, _directory: directory }
}
