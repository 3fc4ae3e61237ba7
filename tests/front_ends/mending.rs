//! A remedy is proven: a real server is started with a fault, the program finds it and prints what mends it, that is
//! put into the server's configuration where its first line says, the server takes it, and the program finds nothing.
//!
//! What is edited here is what the article says in words: lines to be taken out, and what is to be kept of an
//! administrator's own line. The snippet itself goes in as it is printed.

use crate::Instance;
use crate::rows::{AT_ONCE, Finds, NOTHING, wrong};
use crate::support::apache::Apache;
use crate::support::authority::Identity;
use crate::support::caddy::Caddy;
use crate::support::haproxy::Haproxy;
use crate::support::nginx::Nginx;
use crate::support::node_tree::NodeTree;
use crate::support::program::Report;
use crate::support::varnish::Varnish;
use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// What is proven, in a sentence, and the proof: it ends its thread unless it succeeds.
pub(crate) type Proof = (&'static str, fn(&Instance));

/// Ends the test unless every proof succeeds. They run side by side: most of each is a wait for pings.
#[track_caller]
pub(crate) fn each_succeeds(proofs: &[Proof]) {
    let instance = Instance::new();
    let next = AtomicUsize::new(0);
    let failed = Mutex::new(Vec::new());
    thread::scope(|scope| {
        let work = || {
            while let Some((name, proof)) = proofs.get(next.fetch_add(1, Ordering::Relaxed)) {
                // What it has to say is printed by then.
                if thread::scope(|inner| inner.spawn(|| proof(&instance)).join()).is_err() {
                    failed.lock().expect("nobody panics while it is held").push(*name);
                }
            }
        };
        for _ in 0..AT_ONCE {
            scope.spawn(work);
        }
    });
    let failed = failed.into_inner().expect("nobody panics while it is held");
    assert!(failed.is_empty(), "{} of {} fail: {failed:#?}", failed.len(), proofs.len());
}

/// Ends the test unless a run finds this fault; its report has the remedy.
#[track_caller]
pub(crate) fn found(report: Report, finds: Finds) -> Report {
    assert_eq!(wrong(&report, finds), None, "before: {report}");
    report
}

/// Ends the test unless a run finds nothing any more.
#[track_caller]
pub(crate) fn mended(report: &Report) {
    mended_to(report, NOTHING);
}

/// The same where something true is left to be said.
#[track_caller]
pub(crate) fn mended_to(report: &Report, finds: Finds) {
    assert_eq!(wrong(report, finds), None, "after: {report}");
}

/// A web server with a fault before Workhorse by TCP, seen from the node.
pub(crate) struct Node<'a, Server> {
    pub(crate) instance: &'a Instance,
    pub(crate) tree: NodeTree,
    pub(crate) server: Server,
}

impl<'a, Server: Listening> Node<'a, Server> {
    /// `start` is told who the instance is, and where Workhorse listens.
    pub(crate) fn before(
        instance: &'a Instance,
        start: impl FnOnce(&Identity, SocketAddr) -> Server,
    ) -> Self {
        let tree = NodeTree::new(&[], &[]);
        tree.workhorse_by_tcp(instance.cable.address);
        Self { instance, tree, server: start(&instance.identity, instance.cable.address) }
    }

    pub(crate) fn check(&self, more: &[&str]) -> Report {
        self.instance.node_checks(&self.tree, self.server.address(), more)
    }
}

/// A web server that runs.
pub(crate) trait Listening {
    fn address(&self) -> SocketAddr;
}

/// Each of them says it in the same word.
macro_rules! listening {
    ($($server:ty),*) => {$(
        impl Listening for $server {
            fn address(&self) -> SocketAddr {
                self.address
            }
        }
    )*};
}

listening!(Apache, Caddy, Haproxy, Nginx, Varnish);
