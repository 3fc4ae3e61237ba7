//! `openssl s_server`: the TLS of the library that most servers use, with whatever certificate and version.

use crate::support::authority::Identity;
use crate::support::child::{self, Server};
use crate::support::loopback;
use std::fs;
use std::net::SocketAddr;
use std::process::Stdio;
use tempfile::TempDir;

/// A running server.
pub(crate) struct OpenSsl {
    pub(crate) address: SocketAddr,
    _server: Server,
    _directory: TempDir,
}

impl OpenSsl {
    /// Serves with `identity`; the intermediates in `chain` are sent along. `options` are those of `s_server`.
    pub(crate) fn serve(identity: &Identity, chain: &str, options: &[&str]) -> OpenSsl {
        let directory = tempfile::tempdir().expect("a temporary directory can be made");
        identity.write(directory.path());
        let address = loopback::random_socket();
        let mut command = child::command("/usr/bin/openssl");
        command
            .args(["s_server", "-www", "-accept", &address.to_string()])
            .args(["-cert", "server.pem", "-key", "server.key"])
            .args(options)
            .current_dir(directory.path())
            .stdin(Stdio::null());
        if !chain.is_empty() {
            fs::write(directory.path().join("chain.pem"), chain)
                .expect("the test's own directory is writable");
            command.args(["-cert_chain", "chain.pem"]);
        }
        let mut server = child::start(command, "openssl", &directory.path().join("server.log"));
        server.wait_until_it_accepts(address);
        OpenSsl { address, _server: server, _directory: directory }
    }
}
