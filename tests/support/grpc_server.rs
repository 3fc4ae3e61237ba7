//! gRPC's own C-core with its health service, from `PyPI`: the server that the workflow service is built on.
//!
//! `tests/run` makes the virtual environment with it. The server listens on the address that it is told.

use crate::support::authority::Identity;
use crate::support::child::{self, Server};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// How to come by the server.
const PACKAGES: &str = "python3-venv, and then tests/run makes target/grpcio with grpcio-health-checking";

/// A running gRPC server.
pub(crate) struct GrpcServer {
    pub(crate) server: Server,
    pub(crate) address: SocketAddr,
    _directory: TempDir,
}

impl GrpcServer {
    /// With TLS, as the workflow service.
    pub(crate) fn with_tls(address: SocketAddr, identity: &Identity) -> GrpcServer {
        run(address, Some(identity))
    }

    /// In plain text, as a service of one's own may be.
    pub(crate) fn plain(address: SocketAddr) -> GrpcServer {
        run(address, None)
    }
}

fn run(address: SocketAddr, identity: Option<&Identity>) -> GrpcServer {
    let directory = tempfile::tempdir().expect("a temporary directory can be made");
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let python: PathBuf = root.join("target/grpcio/bin/python");
    let mut command = child::command(&python.display().to_string());
    command.arg(root.join("tests/real/health.py")).arg(address.to_string());
    if let Some(identity) = identity {
        identity.write(directory.path());
        command.args([directory.path().join("server.pem"), directory.path().join("server.key")]);
    }
    let mut server = child::start(command, PACKAGES, &directory.path().join("server.log"));
    server.wait_until_it_accepts(address);
    GrpcServer { server, address, _directory: directory }
}
