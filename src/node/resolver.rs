//! How names become addresses on this node: `hosts`, `resolv.conf`, `nsswitch.conf`, `gai.conf`.

use crate::subject::HostsEntry;
use crate::subject::facts::{NameOrder, ResolverPace};
use std::net::{IpAddr, SocketAddr};

/// The lines of a hosts file that name anything.
pub(super) fn hosts(text: &str) -> Vec<HostsEntry> {
    let line = |line: &str| {
        let mut words = line.split('#').next()?.split_whitespace();
        let address: IpAddr = words.next()?.parse().ok()?;
        let names: Vec<String> = words.map(str::to_ascii_lowercase).collect();
        (!names.is_empty()).then_some(HostsEntry { address, names })
    };
    text.lines().filter_map(line).collect()
}

/// The resolvers of a `resolv.conf`; the system asks the first three.
pub(super) fn nameservers(text: &str) -> Vec<SocketAddr> {
    let line = |line: &str| {
        let mut words = line.split_whitespace();
        let address = (words.next() == Some("nameserver")).then(|| words.next())??;
        let address: IpAddr = address.split('%').next()?.parse().ok()?;
        Some(SocketAddr::new(address, 53))
    };
    text.lines().filter_map(line).take(3).collect()
}

/// How long the system waits for a resolver, and how often it asks: 5 s and twice unless `options` say otherwise,
/// at most 30 s and 5 times (resolv.conf(5)).
pub(super) fn pace(resolv_conf: &str) -> ResolverPace {
    let mut pace = ResolverPace { timeout: 5, attempts: 2 };
    let lines = resolv_conf.lines().map(str::trim_start).filter_map(|line| line.strip_prefix("options"));
    for option in lines.flat_map(str::split_whitespace) {
        let Some((name, value)) = option.split_once(':') else { continue };
        let Ok(value) = value.parse::<u32>() else { continue };
        match name {
            "timeout" => pace.timeout = value.min(30),
            "attempts" => pace.attempts = value.min(5),
            _ => {}
        }
    }
    pace
}

/// In which order sources are asked, and whether IPv4 addresses come before IPv6 ones.
pub(super) fn name_order(nsswitch: Option<&str>, gai: Option<&str>) -> Option<NameOrder> {
    let hosts = nsswitch.and_then(|text| {
        let lines = text.lines().map(|line| line.split('#').next().unwrap_or_default().trim());
        lines.filter_map(|line| line.strip_prefix("hosts:")).next_back()
    });
    let sources = hosts.map(|line| line.split_whitespace().map(str::to_owned).collect());
    (sources.is_some() || gai.is_some()).then(|| NameOrder {
        sources: sources.unwrap_or_default(),
        sources_in: "/etc/nsswitch.conf".to_owned(),
        ipv4_first: gai.map(ipv4_first),
        ipv4_first_in: "/etc/gai.conf".to_owned(),
    })
}

/// Whether `gai.conf` gives IPv4 a higher precedence than IPv6 (gai.conf(5); RFC 6724, section 2.1). One line of it
/// takes the place of the whole built-in table, in which IPv4 has 10 and everything else 40.
fn ipv4_first(text: &str) -> bool {
    let mut table: Vec<(&str, u32)> = Vec::new();
    for line in text.lines() {
        let mut words = line.split('#').next().unwrap_or_default().split_whitespace();
        if words.next() != Some("precedence") {
            continue;
        }
        if let (Some(prefix), Some(Ok(value))) = (words.next(), words.next().map(str::parse)) {
            table.push((prefix, value));
        }
    }
    let of = |prefix: &str| table.iter().find(|(p, _)| p.eq_ignore_ascii_case(prefix)).map(|(_, v)| *v);
    let any = of("::/0").unwrap_or(40);
    !table.is_empty() && of("::ffff:0:0/96").unwrap_or(any) > any
}
