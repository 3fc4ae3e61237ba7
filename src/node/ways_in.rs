//! How requests come in at this node: its web server, Workhorse, the origins that Action Cable takes, its addresses.

use super::gitlab_rb::{Answer, Settings};
use super::gitlab_yml::GitlabYml;
use super::listeners::workhorse;
use super::reading::Reading;
use super::web_server::{Known, web_server};
use crate::subject::address::BaseUrl;
use crate::subject::doors::{WaysIn, WebServer};
use crate::subject::{Install, Node};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Origins beyond this are not tried.
const MOST_ORIGINS: usize = 64;

/// What the node's files say.
pub(super) fn ways_in(
    reading: &Reading,
    install: Install,
    node: &Node,
    url: Option<&BaseUrl>,
    settings: Option<&Settings>,
    yml: Option<&GitlabYml>,
) -> WaysIn {
    let web_server = match install {
        Install::Omnibus | Install::Docker => {
            let version = node.gitlab_version.as_deref();
            web_server(reading, &Known { settings, url, roles: &node.roles, version })
        }
        // Theirs is somebody else's, or runs in pods of its own.
        Install::Source | Install::Helm => WebServer::Unknown,
    };
    WaysIn {
        web_server,
        workhorse: workhorse(reading, install, settings, &node.roles),
        allowed_origins: allowed_origins(reading, settings, yml),
        addresses: addresses(reading),
    }
}

/// `gitlab.yml` has what the last reconfigure made of `gitlab.rb`.
fn allowed_origins(reading: &Reading, settings: Option<&Settings>, yml: Option<&GitlabYml>) -> Vec<String> {
    const KEY: &str = "action_cable_allowed_origins";
    let origins: Vec<&str> = match yml {
        Some(yml) => yml.allowed_origins(),
        None => match settings.map(|settings| settings.words(&["gitlab_rails", KEY])) {
            Some(Answer::Is(origins)) => origins,
            Some(Answer::Unknown) => {
                let what = format!("gitlab_rails['{KEY}']");
                reading.note(&what, "only Ruby can tell it", "sudo gitlab-ctl show-config");
                Vec::new()
            }
            Some(Answer::Default) | None => Vec::new(),
        },
    };
    let is_sent = |origin: &&str| !origin.is_empty() && origin.bytes().all(|b| b.is_ascii_graphic());
    origins.into_iter().map(str::trim).filter(is_sent).take(MOST_ORIGINS).map(str::to_owned).collect()
}

/// This node's own addresses. `None`: the kernel's tables could not be read.
fn addresses(reading: &Reading) -> Option<Vec<IpAddr>> {
    let v4 = reading.root.text("/proc/net/fib_trie").ok().map(|text| ipv4(&text));
    let v6 = reading.root.text("/proc/net/if_inet6").ok().map(|text| ipv6(&text));
    if v4.is_none() && v6.is_none() {
        return None;
    }
    let v4 = v4.into_iter().flatten().map(IpAddr::V4);
    Some(v4.chain(v6.into_iter().flatten().map(IpAddr::V6)).collect())
}

/// The addresses of `/proc/net/fib_trie`: `|-- 10.0.0.5` and on a line below it `/32 host LOCAL`, in both tables.
fn ipv4(text: &str) -> Vec<Ipv4Addr> {
    let mut found = Vec::new();
    let mut leaf: Option<Ipv4Addr> = None;
    for line in text.lines().map(str::trim) {
        if let Some(address) = line.strip_prefix("|-- ") {
            leaf = address.parse().ok();
        } else if line == "/32 host LOCAL" {
            found.extend(leaf);
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// The addresses of `/proc/net/if_inet6`: the first field, thirty-two hexadecimal digits.
fn ipv6(text: &str) -> Vec<Ipv6Addr> {
    let address = |line: &str| {
        let digits = line.split_whitespace().next().filter(|digits| digits.len() == 32)?;
        u128::from_str_radix(digits, 16).ok().map(Ipv6Addr::from)
    };
    text.lines().filter_map(address).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_addresses_are_told_from_networks_and_broadcasts() {
        let text = "Main:\n  +-- 0.0.0.0/0 3 0 5\n     |-- 0.0.0.0\n        /0 universe UNICAST\n        +-- 127.0.0.0/31 1 0 0\n           |-- 127.0.0.0\n              /8 host LOCAL\n           |-- 127.0.0.1\n              /32 host LOCAL\n     |-- 10.0.0.20\n        /32 host LOCAL\n     |-- 10.0.0.255\n        /32 link BROADCAST\nLocal:\n     |-- 10.0.0.20\n        /24 link UNICAST\n        /32 host LOCAL\n     |-- x\n        /32 host LOCAL\n";
        let is = [Ipv4Addr::new(10, 0, 0, 20), Ipv4Addr::LOCALHOST];
        assert_eq!(ipv4(text), is);
        let text = "fe80000000000000000000000000001a 02 40 20 80 eth0\n00000000000000000000000000000001 01 80 10 80 lo\nx\n";
        assert_eq!(ipv6(text), ["fe80::1a".parse().expect("an address"), Ipv6Addr::LOCALHOST]);
    }
}
