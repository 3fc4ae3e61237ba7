//! Which processes hold a listening socket: how a test sees that a server's new workers have taken over.
//!
//! A reload is asynchronous in most servers: for a moment old and new workers accept from the same socket. It is over
//! when no old worker holds the socket any more.

use crate::support::child::Server;
use std::collections::BTreeSet;
use std::fs;
use std::net::SocketAddr;

/// The processes below `server`, which accept for it.
pub(crate) fn workers(server: &Server) -> BTreeSet<u32> {
    descendants(server.id())
}

/// Waits until other workers than `old` accept at `address`, and none of those does.
pub(crate) fn wait_until_workers_change(server: &mut Server, address: SocketAddr, old: &BTreeSet<u32>) {
    let id = server.id();
    server.wait_until("new workers take over", || {
        let accepting = holders(&descendants(id), address);
        !accepting.is_empty() && accepting.is_disjoint(old)
    });
}

/// The processes below `parent`, without itself.
fn descendants(parent: u32) -> BTreeSet<u32> {
    let mut found = BTreeSet::new();
    let mut open = vec![parent];
    while let Some(id) = open.pop() {
        let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap_or_default();
        for child in children.split_whitespace().filter_map(|id| id.parse().ok()) {
            found.insert(child);
            open.push(child);
        }
    }
    found
}

/// Those of `processes` that accept connections at `address`, an IPv4 one.
fn holders(processes: &BTreeSet<u32>, address: SocketAddr) -> BTreeSet<u32> {
    let sockets = listening_sockets(address);
    let holds = |id: &&u32| {
        let open = fs::read_dir(format!("/proc/{id}/fd")).into_iter().flatten().flatten();
        open.filter_map(|entry| fs::read_link(entry.path()).ok())
            .any(|target| sockets.contains(target.to_string_lossy().as_ref()))
    };
    processes.iter().filter(holds).copied().collect()
}

/// The listening sockets at `address`, named as links below `/proc/PID/fd` name them.
fn listening_sockets(address: SocketAddr) -> BTreeSet<String> {
    let SocketAddr::V4(address) = address else { panic!("{address}: loopback servers use IPv4") };
    // proc(5): the address as a number in the machine's byte order, state 0A is LISTEN.
    let local = format!("{:08X}:{:04X}", u32::from_ne_bytes(address.ip().octets()), address.port());
    let table = fs::read_to_string("/proc/net/tcp").expect("Linux has the table of sockets");
    let listens = |line: &&str| {
        let mut fields = line.split_whitespace();
        fields.nth(1) == Some(local.as_str()) && fields.nth(1) == Some("0A")
    };
    let name = |line: &str| line.split_whitespace().nth(9).map(|inode| format!("socket:[{inode}]"));
    table.lines().filter(listens).filter_map(name).collect()
}
