//! Debian's Unbound as the resolver of a world, with the answers that a test wants.

use crate::support::child::{self, Server};
use crate::support::namespace::Namespace;
use crate::support::world::RESOLVER;
use std::fs;
use std::net::SocketAddr;
use tempfile::TempDir;

/// A running Unbound.
pub(crate) struct Unbound {
    _server: Server,
    _directory: TempDir,
}

impl Unbound {
    /// Starts Unbound in `namespace`; `zone` are lines of its configuration that say what it knows.
    pub(crate) fn start(namespace: &Namespace, zone: &str) -> Unbound {
        let directory = tempfile::tempdir().expect("a temporary directory can be made");
        let here = directory.path().display();
        let file = directory.path().join("unbound.conf");
        let configuration = format!(
            "server:
interface: {RESOLVER}
access-control: 0.0.0.0/0 allow
do-daemonize: no
use-syslog: no
username: ''
chroot: ''
directory: '{here}'
pidfile: ''
module-config: iterator
so-reuseport: no
{zone}
remote-control:
control-enable: no
"
        );
        fs::write(&file, configuration).expect("the test's own directory is writable");
        let mut command = namespace.command("/usr/sbin/unbound");
        command.arg("-c").arg(&file);
        let mut server = child::start(command, "unbound", &directory.path().join("server.log"));
        let address = SocketAddr::from((RESOLVER, 53));
        namespace.inside(|| server.wait_until_it_accepts(address));
        Unbound { _server: server, _directory: directory }
    }
}
