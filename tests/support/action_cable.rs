//! Rails' own Action Cable, served by Puma: the `/-/cable` of a GitLab, with a few answers of GitLab around it.
//!
//! Debian's packages as they are; the application is `tests/real/config.ru`. Puma inherits a socket that already
//! listens, so no port can be lost between choosing and using it, and the first request waits until Ruby has started.

use crate::support::authority::{Authority, Identity};
use crate::support::back_end::BackEnd;
use crate::support::child::{self, Server};
use crate::support::client;
use crate::support::configuration;
use crate::support::loopback;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// Everything that the application needs, as Debian calls it.
const PACKAGES: &str = "puma ruby-actioncable ruby-websocket-driver";

/// The instance's name.
const HOST: &str = "gitlab.example.com";

/// The access token that a user has. Every other one is wrong.
pub(crate) const TOKEN: &str = "a-good-access-token";

/// What the administrator has set. By default nothing.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Settings<'a> {
    /// `action_cable_allowed_origins`.
    pub(crate) allowed_origins: &'a [&'a str],
    /// The path below which GitLab lives, such as `/git`; empty for none.
    pub(crate) relative_url_root: &'a str,
    /// Who is told how the instance feels.
    pub(crate) monitoring: Monitoring,
}

/// Whether the client's address is on the monitoring list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Monitoring {
    /// It is.
    #[default]
    Allowed,
    /// It is not: the health addresses answer 404.
    Denied,
}

/// A running Puma with Action Cable.
pub(crate) struct ActionCable {
    pub(crate) server: Server,
    pub(crate) address: SocketAddr,
    _directory: TempDir,
}

impl ActionCable {
    /// Without TLS, as Workhorse and Puma listen behind a web server.
    pub(crate) fn plain() -> ActionCable {
        ActionCable::set(Settings::default())
    }

    /// The same with these settings.
    pub(crate) fn set(settings: Settings) -> ActionCable {
        let cable = run(|address| format!("tcp://{address}"), None, settings);
        let path = format!("{}/users/sign_in", settings.relative_url_root);
        let answer = client::get(cable.address, HOST, &path);
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        cable
    }

    /// With TLS ended by Puma itself: nothing stands between a client and Action Cable. HTTP/1.1 only.
    pub(crate) fn with_tls(authority: &Authority) -> ActionCable {
        let identity = authority.issue(&[HOST]);
        let bind = |address| format!("ssl://{address}?key=server.key&cert=server.pem");
        let cable = run(bind, Some(&identity), Settings::default());
        let answer = client::get_by_tls(cable.address, HOST, "/-/health", authority.client(&["http/1.1"]));
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        cable
    }
}

fn run(
    bind_url: impl Fn(SocketAddr) -> String,
    identity: Option<&Identity>,
    settings: Settings,
) -> ActionCable {
    let directory = tempfile::tempdir().expect("a temporary directory can be made");
    if let Some(identity) = identity {
        identity.write(directory.path());
    }
    let listener = TcpListener::bind((loopback::random_address(), 0)).expect("loopback has free ports");
    let address = listener.local_addr().expect("a bound socket has an address");
    let url = bind_url(address);
    let mut command = command(&url, directory.path(), settings);
    command.env("PUMA_INHERIT_0", format!("0:{url}")).stdin(Stdio::from(OwnedFd::from(listener)));
    let server = child::start(command, PACKAGES, &directory.path().join("puma.log"));
    ActionCable { server, address, _directory: directory }
}

/// A running Puma that listens on a Unix socket, as in GitLab's packages.
pub(crate) struct CableAtSocket {
    pub(crate) server: Server,
    socket: PathBuf,
    _directory: TempDir,
}

impl CableAtSocket {
    /// Starts it with a socket that every user may open.
    pub(crate) fn start() -> CableAtSocket {
        let directory = configuration::directory();
        let socket = directory.path().join("gitlab.socket");
        CableAtSocket::run(directory, socket)
    }

    /// The same at a path of somebody else's, such as Workhorse's socket below a node's files.
    pub(crate) fn start_at(socket: PathBuf) -> CableAtSocket {
        CableAtSocket::run(configuration::directory(), socket)
    }

    fn run(directory: TempDir, socket: PathBuf) -> CableAtSocket {
        let url = format!("unix://{}?umask=0111", socket.display());
        let command = command(&url, directory.path(), Settings::default());
        let server = child::start(command, PACKAGES, &directory.path().join("puma.log"));
        let mut cable = CableAtSocket { server, socket, _directory: directory };
        cable.server.wait_until("the socket accepts", || UnixStream::connect(&cable.socket).is_ok());
        cable
    }

    /// Where a front end finds it.
    pub(crate) fn back_end(&self) -> BackEnd {
        BackEnd::Socket(self.socket.clone())
    }
}

fn command(bind_url: &str, directory: &Path, settings: Settings) -> Command {
    let mut command = child::command("/usr/bin/puma");
    command
        .args(["--no-config", "--environment", "production", "--threads", "1:16", "--bind", bind_url])
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/real/config.ru"))
        .current_dir(directory)
        .env("ALLOWED_ORIGINS", settings.allowed_origins.join(" "))
        .env("RELATIVE_URL_ROOT", settings.relative_url_root);
    match settings.monitoring {
        Monitoring::Allowed => {}
        Monitoring::Denied => {
            command.env("MONITORING", "denied");
        }
    }
    command
}
