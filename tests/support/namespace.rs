//! A network namespace of the test's own: nothing in it reaches the machine's networks, and nothing from there it.
//!
//! Programs are started in it by `ip netns exec`, sockets of this process are opened in it by a thread that goes
//! there. Needs root, as everything that makes networks does.

use crate::support::child;
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use std::fs::{self, File};
use std::io::Write;
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

const IP: &str = "/usr/sbin/ip";
const NFT: &str = "/usr/sbin/nft";

/// A namespace; dropping it removes it.
pub(crate) struct Namespace {
    pub(crate) name: String,
}

impl Namespace {
    /// Makes an empty one whose programs find `hosts` and `resolv_conf` below `/etc`.
    pub(crate) fn new(role: &str, hosts: &str, resolv_conf: &str) -> Namespace {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let nth = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("duodoctor-{}-{nth}-{role}", std::process::id());
        feed(IP, &["-batch", "-"], &format!("netns add {name}\n"));
        let namespace = Namespace { name };
        // `ip netns exec` shows these in place of the machine's own.
        fs::create_dir_all(namespace.etc()).expect("/etc is writable for root");
        namespace.write("hosts", hosts);
        namespace.write("resolv.conf", resolv_conf);
        // The kernel would else say "unreachable" a few times only, and then once a second.
        namespace.inside(|| {
            for setting in ["ipv4/icmp_ratelimit", "ipv6/icmp/ratelimit"] {
                fs::write(format!("/proc/sys/net/{setting}"), "0").expect("root may set it there");
            }
        });
        namespace
    }

    fn etc(&self) -> PathBuf {
        PathBuf::from("/etc/netns").join(&self.name)
    }

    /// Where the `/etc/hosts` and such of its programs stand.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.etc().join(name)
    }

    /// Another `/etc/hosts` or `/etc/resolv.conf` for the programs started from now on.
    pub(crate) fn write(&self, file: &str, text: &str) {
        fs::write(self.file(file), text).expect("/etc/netns is writable for root");
    }

    /// Runs lines of `ip`: `link set lo up`.
    pub(crate) fn ip(&self, lines: &str) {
        feed(IP, &["-netns", &self.name, "-batch", "-"], lines);
    }

    /// Filters packets by these rules, which are all that stand in the input chain.
    pub(crate) fn filter_input(&self, rules: &str) {
        self.filter("input", rules);
    }

    /// Filters packets by these rules, which are all that stand in the output chain.
    pub(crate) fn filter_output(&self, rules: &str) {
        self.filter("output", rules);
    }

    fn filter(&self, hook: &str, rules: &str) {
        let table = format!(
            "table inet test_{hook} {{\nchain {hook} {{\ntype filter hook {hook} priority 0;\n{rules}\n}}\n}}\n"
        );
        feed(IP, &["netns", "exec", &self.name, NFT, "-f", "-"], &table);
    }

    /// A command that starts `program` in it; the arguments follow.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = child::command(IP);
        command.args(["netns", "exec", &self.name, program]).stdin(Stdio::null());
        command
    }

    /// Does something on a thread inside. Sockets that are opened there belong there for good.
    pub(crate) fn inside<T: Send>(&self, act: impl FnOnce() -> T + Send) -> T {
        let file = File::open(format!("/run/netns/{}", self.name)).expect("the namespace exists");
        thread::scope(|scope| {
            let there = scope.spawn(|| {
                move_into_link_name_space(file.as_fd(), Some(LinkNameSpaceType::Network))
                    .expect("root may go there");
                act()
            });
            there.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let _gone = child::command(IP).args(["netns", "delete", &self.name]).status();
        let _removed = fs::remove_dir_all(self.etc());
    }
}

/// Runs a program that reads its orders from its input, and ends the test if it fails.
fn feed(program: &str, arguments: &[&str], input: &str) {
    let mut command = child::command(program);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|error| {
        panic!("{program}: {error}; this test makes networks: apt-get install -y iproute2 nftables")
    });
    let mut orders = child.stdin.take().expect("the input is piped");
    orders.write_all(input.as_bytes()).expect("it reads its orders");
    drop(orders);
    let output = child.wait_with_output().expect("a child can be waited for");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?}, as root: {said}\n{input}");
}
