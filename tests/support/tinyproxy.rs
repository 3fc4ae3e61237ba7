//! Debian's Tinyproxy, standing outside as a small company's proxy.

use crate::support::child::{self, Server};
use crate::support::world::{PROXY, World};
use std::fs;
use tempfile::TempDir;

/// The user and password that `Rule::Password` accepts, as they stand in a proxy's URL.
pub(crate) const CREDENTIALS: &str = "duo:open-sesame";

/// Whom the proxy serves.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Rule {
    /// Everybody.
    Open,
    /// Only targets on its list, on which no service of GitLab stands: 403 to the others.
    Filtered,
    /// Who knows `CREDENTIALS`: 407 to who gives none, 401 to who gives others.
    Password,
}

/// A running Tinyproxy.
pub(crate) struct Tinyproxy {
    _server: Server,
    _directory: TempDir,
}

impl Tinyproxy {
    /// Starts Tinyproxy at `PROXY`.
    pub(crate) fn start(world: &World, rule: Rule) -> Tinyproxy {
        let directory = tempfile::tempdir().expect("a temporary directory can be made");
        let filter = directory.path().join("filter");
        fs::write(&filter, "^updates\\.example\\.com$\n").expect("the test's own directory is writable");
        let rule = match rule {
            Rule::Open => String::new(),
            Rule::Filtered => {
                format!("Filter \"{}\"\nFilterExtended On\nFilterDefaultDeny Yes\n", filter.display())
            }
            Rule::Password => "BasicAuth duo open-sesame\n".to_owned(),
        };
        let (ip, port) = (PROXY.ip(), PROXY.port());
        let file = directory.path().join("tinyproxy.conf");
        let configuration = format!("Listen {ip}\nPort {port}\nTimeout 60\nConnectPort 443\n{rule}");
        fs::write(&file, configuration).expect("the test's own directory is writable");
        let mut command = world.outside.command("/usr/bin/tinyproxy");
        command.arg("-d").arg("-c").arg(&file);
        let mut server = child::start(command, "tinyproxy-bin", &directory.path().join("server.log"));
        world.wait_until_it_accepts(&mut server, PROXY);
        Tinyproxy { _server: server, _directory: directory }
    }
}
