//! Rails' own Action Cable, served by Puma: the `/-/cable` of a GitLab, with a few answers of GitLab around it.
//!
//! Debian's packages as they are; the application is `tests/real/config.ru`. Puma inherits a socket that already
//! listens, so no port can be lost between choosing and using it, and the first request waits until Ruby has started.

use crate::support::authority::{Authority, Identity};
use crate::support::child::{self, Server};
use crate::support::client;
use crate::support::loopback;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::Stdio;
use tempfile::TempDir;

/// Everything that the application needs, as Debian calls it.
const PACKAGES: &str = "puma ruby-actioncable ruby-websocket-driver";

/// The instance's name.
const HOST: &str = "gitlab.example.com";

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
        let answer = client::get(cable.address, HOST, "/-/health");
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        cable
    }

    /// With TLS ended by Puma itself: nothing stands between a client and Action Cable. HTTP/1.1 only.
    pub(crate) fn with_tls(authority: &Authority) -> ActionCable {
        let identity = authority.issue(&[HOST]);
        let cable = run(|address| format!("ssl://{address}?key=server.key&cert=server.pem"), Some(&identity));
        let answer = client::get_by_tls(cable.address, HOST, "/-/health", authority.client(&["http/1.1"]));
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        cable
    }
}

fn run(bind_url: impl Fn(SocketAddr) -> String, identity: Option<&Identity>) -> ActionCable {
    let directory = tempfile::tempdir().expect("a temporary directory can be made");
    if let Some(identity) = identity {
        identity.write(directory.path());
    }
    let listener = TcpListener::bind((loopback::random_address(), 0)).expect("loopback has free ports");
    let address = listener.local_addr().expect("a bound socket has an address");
    let url = bind_url(address);
    let mut command = child::command("/usr/bin/puma");
    command
        .args(["--no-config", "--environment", "production", "--threads", "1:16", "--bind", &url])
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/real/config.ru"))
        .current_dir(directory.path())
        .env("PUMA_INHERIT_0", format!("0:{url}"))
        .stdin(Stdio::from(OwnedFd::from(listener)));
    let server = child::start(command, PACKAGES, &directory.path().join("puma.log"));
    ActionCable { server, address, _directory: directory }
}
