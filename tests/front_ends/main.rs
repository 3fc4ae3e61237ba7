//! The instance's doors on real servers: Rails' own Action Cable behind the web servers that administrators put
//! before it. One fault in one server's configuration gives one root cause, with its hop and its product; a right
//! configuration gives none; and what the remedy of a finding prints, put where it says, mends it.

mod apache;
mod caddy;
mod front;
mod haproxy;
mod mending;
mod nginx;
mod node;
mod rows;
mod squid;
#[path = "../support/mod.rs"]
mod support;
mod varnish;

use rows::Finds;
use std::fs::{self, Permissions};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use support::action_cable::{ActionCable, Settings, TOKEN};
use support::authority::{Authority, Identity};
use support::node_tree::NodeTree;
use support::program::{self, Report};
use tempfile::TempDir;

pub(crate) const HOST: &str = "gitlab.example.com";

/// The files of a machine on which there is no GitLab.
pub(crate) const NOBODYS_NODE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/nodes/none");

/// A GitLab that some web server leads to.
pub(crate) struct Instance {
    pub(crate) authority: Authority,
    /// Its certificate.
    pub(crate) identity: Identity,
    pub(crate) cable: ActionCable,
    /// Holds the file with the token of its user.
    directory: TempDir,
}

impl Instance {
    pub(crate) fn new() -> Instance {
        Instance::set(Settings::default())
    }

    /// The same with these settings.
    pub(crate) fn set(settings: Settings) -> Instance {
        let authority = Authority::new();
        let identity = authority.issue(&[HOST]);
        let directory = tempfile::tempdir().expect("a temporary directory can be made");
        let token = directory.path().join("token");
        fs::write(&token, TOKEN).expect("the test's own directory is writable");
        fs::set_permissions(token, Permissions::from_mode(0o600)).expect("the file is ours");
        Instance { authority, identity, cable: ActionCable::set(settings), directory }
    }

    /// The file for `--token-file`.
    pub(crate) fn token_file(&self) -> String {
        self.directory.path().join("token").display().to_string()
    }

    /// Checks it as it is served at `address`, from a machine without GitLab.
    pub(crate) fn client_checks(&self, address: SocketAddr, more: &[&str]) -> Report {
        inbound(&self.authority, NOBODYS_NODE, "https://gitlab.example.com", address, more)
    }

    /// Checks it from a node of its own.
    pub(crate) fn node_checks(&self, tree: &NodeTree, address: SocketAddr, more: &[&str]) -> Report {
        inbound(&self.authority, &tree.path(), "https://gitlab.example.com", address, more)
    }
}

/// Checks `url` as it is served at `address`.
pub(crate) fn inbound(
    authority: &Authority,
    sysroot: &str,
    url: &str,
    address: SocketAddr,
    more: &[&str],
) -> Report {
    let authority_of_url = url.trim_start_matches("https://").split('/').next().unwrap_or_default();
    let (host, port) = authority_of_url.split_once(':').unwrap_or((authority_of_url, "443"));
    let connect_to = format!("{host}:{port}:{address}");
    let cacert = authority.root_file().display().to_string();
    let own = [
        "--sysroot",
        sysroot,
        "--instance-url",
        url,
        "--connect-to",
        &connect_to,
        "--cacert",
        &cacert,
        "--only",
        "inbound",
        "--proxy",
        "none",
        "--timeout",
        "5",
    ];
    program::check(&[&own, more].concat())
}

/// What a run of `--only inbound` from a client is told to do beside, by what it has to find.
pub(crate) const HOLD: &[&str] = &["--hold", "5"];

#[test]
fn action_cable_reached_without_a_web_server_passes() {
    let authority = Authority::new();
    let cable = ActionCable::with_tls(&authority);
    let report = inbound(&authority, NOBODYS_NODE, "https://gitlab.example.com", cable.address, &[]);
    let finds: Finds = rows::at_the_front_end(&["http2-not-offered"], "unknown");
    assert_eq!(rows::wrong(&report, finds), None, "Puma speaks HTTP/1.1 only: {report}");
}
