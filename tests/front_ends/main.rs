//! The instance's doors on real servers: Rails' own Action Cable behind the web servers that administrators put
//! before it. One fault in one server's configuration gives one root cause, with its hop and its product; a right
//! configuration gives none; and what the remedy of a finding prints, put where it says, mends it.
//!
//! Rows, each a server and its configuration; how many of them are healthy; and remedies proven. One row names a server
//! that is not the one at fault, and says so: a socket cut by Varnish behind `HAProxy`.
//!
//! | | situations | healthy | proofs |
//! | --- | --- | --- | --- |
//! | Apache, from a client | 12 | 4 | 12 |
//! | NGINX, from a client | 15 | 3 | 11 |
//! | `HAProxy`, from a client | 12 | 4 | 9 |
//! | Caddy, from a client | 8 | 3 | 7 |
//! | Varnish, from a client | 6 | 2 | 3 |
//! | Squid, from a client | 3 | 2 | 1 |
//! | all, before Workhorse by TCP, from its node | 23 | 7 | 0 |
//! | all, before Workhorse's socket, from its node | 9 | 5 | 0 |
//! | all, before GitLab's own NGINX, from its node | 14 | 6 | 0 |
//! | GitLab's own NGINX behind Apache | 6 | 2 | 0 |
//! | GitLab's own NGINX as the public door | 5 | 2 | 0 |
//! | all, that end TLS before GitLab's own NGINX | 3 | 3 | 0 |
//! | all, at another port, from a client | 5 | 4 | 0 |
//! | all, before nothing, from a client | 6 | 0 | 0 |
//! | all, behind `HAProxy`, from a client | 7 | 2 | 0 |
//! | Workhorse with the Agent Platform behind them | 7 | 3 | 0 |
//!
//! Beside the rows: doors that are one of a kind, and WebSocket connections within HTTP/2.

mod agent;
mod apache;
mod caddy;
mod doors;
mod extended_connect;
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

use mending::Proof;
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

/// The same on the node itself: its tree is the root of what the program sees.
pub(crate) fn inbound_as_root(
    authority: &Authority,
    tree: &NodeTree,
    address: SocketAddr,
    more: &[&str],
) -> Report {
    let connect_to = format!("{HOST}:443:{address}");
    let cacert = authority.root_file().display().to_string();
    let own = ["--connect-to", &connect_to, "--cacert", &cacert, "--only", "inbound", "--timeout", "5"];
    program::check_through(tree.as_root(), &[&own, more].concat())
}

/// Holds the sockets long enough for a limit of two seconds to cut one that is pinged every three.
pub(crate) const HOLD: &[&str] = &["--hold", "5"];

#[test]
fn action_cable_reached_without_a_web_server_passes() {
    let authority = Authority::new();
    let cable = ActionCable::with_tls(&authority);
    let report = inbound(&authority, NOBODYS_NODE, "https://gitlab.example.com", cable.address, &[]);
    let finds: Finds = rows::at_the_front_end(&["http2-not-offered"], "unknown");
    assert_eq!(rows::wrong(&report, finds), None, "Puma speaks HTTP/1.1 only: {report}");
}

/// A line of the table above, as it has to read.
fn line<Site>(what: &str, rows: &[(Site, Finds)], proofs: &[Proof]) -> String {
    let healthy = rows.iter().filter(|(_, finds)| finds.is_healthy()).count();
    format!("//! | {what} | {} | {healthy} | {} |\n", rows.len(), proofs.len())
}

#[test]
fn the_table_of_situations_counts_right() {
    let lines = [
        line("Apache, from a client", apache::ROWS, apache::PROOFS),
        line("NGINX, from a client", nginx::ROWS, nginx::PROOFS),
        line("`HAProxy`, from a client", haproxy::ROWS, haproxy::PROOFS),
        line("Caddy, from a client", caddy::ROWS, caddy::PROOFS),
        line("Varnish, from a client", varnish::ROWS, varnish::PROOFS),
        line("Squid, from a client", squid::ROWS, squid::PROOFS),
        line("all, before Workhorse by TCP, from its node", node::BEFORE_WORKHORSE_BY_TCP, &[]),
        line("all, before Workhorse's socket, from its node", node::BEFORE_WORKHORSES_SOCKET, &[]),
        line("all, before GitLab's own NGINX, from its node", node::BEFORE_THE_NODES_NGINX, &[]),
        line("GitLab's own NGINX behind Apache", node::BEHIND_A_HEALTHY_FRONT_END, &[]),
        line("GitLab's own NGINX as the public door", doors::BY_ITSELF, &[]),
        line("all, that end TLS before GitLab's own NGINX", doors::ENDING_TLS, &[]),
        line("all, at another port, from a client", doors::AT_A_PORT, &[]),
        line("all, before nothing, from a client", doors::DOWN, &[]),
        line("all, behind `HAProxy`, from a client", doors::BEHIND_HAPROXY, &[]),
        line("Workhorse with the Agent Platform behind them", agent::ROWS, &[]),
    ];
    let missing: Vec<&String> =
        lines.iter().filter(|line| !include_str!("main.rs").contains(*line)).collect();
    assert!(missing.is_empty(), "{}", lines.concat());
}
