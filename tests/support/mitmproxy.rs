//! mitmproxy, standing outside: it opens every connection with a certificate of its own making.
//!
//! It comes from the Python registry and lives in an environment below `target/`, which `tests/run` makes.

use crate::support::child::{self, Server};
use crate::support::world::{PROXY, World};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A running mitmproxy.
pub(crate) struct Mitmproxy {
    _server: Server,
    directory: TempDir,
}

impl Mitmproxy {
    /// Starts mitmproxy at `PROXY`; it trusts the services of `world`.
    pub(crate) fn start(world: &World) -> Mitmproxy {
        let directory = tempfile::tempdir().expect("a temporary directory can be made");
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/mitmproxy/bin/mitmdump");
        let place = program.display();
        assert!(program.exists(), "`{place}` is missing: tests/run installs mitmproxy there");
        let mut command = world.outside.command(program.to_str().expect("the path is plain"));
        let (ip, port) = (PROXY.ip().to_string(), PROXY.port().to_string());
        let own = format!("confdir={}", directory.path().display());
        let upstream = format!("ssl_verify_upstream_trusted_ca={}", world.authority.root_file().display());
        command.args(["--quiet", "--listen-host", &ip, "--listen-port", &port, "--set", &own]);
        command.args(["--set", &upstream]);
        let mut server = child::start(command, "python3-venv", &directory.path().join("log"));
        world.wait_until_it_accepts(&mut server, PROXY);
        Mitmproxy { _server: server, directory }
    }

    /// The certificate of its own authority.
    pub(crate) fn root_file(&self) -> PathBuf {
        self.directory.path().join("mitmproxy-ca-cert.pem")
    }
}
