//! NGINX's `listen`: at which address of this node a server of its own is reached.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// One `listen`: the address at which it is reached on this node.
#[derive(Debug)]
pub(super) struct Listen {
    pub(super) address: IpAddr,
    /// The addresses that it takes: `0.0.0.0` and `::` stand for every one of their kind.
    pub(super) takes: Vec<IpAddr>,
    pub(super) port: u16,
    options: Vec<String>,
}

impl Listen {
    /// `*:443 ssl`, `[::]:443`, `8080`; `None`: a Unix socket, a name, nothing that can be read.
    pub(super) fn parse(arguments: &[String]) -> Option<Self> {
        let (at, options) = arguments.split_first()?;
        let (host, port) = match at.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, port.parse().ok()?),
            Some(_) => (at.as_str(), 80),
            None => at.parse().map_or((at.as_str(), 80), |port| ("*", port)),
        };
        // `ipv6only=on` goes without saying (NGINX: `listen`).
        let is_dual = options.iter().any(|option| option == "ipv6only=off");
        let given = match host {
            "*" => Ipv4Addr::UNSPECIFIED.into(),
            "localhost" => Ipv4Addr::LOCALHOST.into(),
            _ => match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
                Some(host) => IpAddr::V6(host.parse().ok()?),
                None => IpAddr::V4(host.parse().ok()?),
            },
        };
        let takes_both = is_dual && given == Ipv6Addr::UNSPECIFIED;
        let address = match given {
            IpAddr::V4(Ipv4Addr::UNSPECIFIED) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(Ipv6Addr::UNSPECIFIED) if is_dual => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(Ipv6Addr::UNSPECIFIED) => Ipv6Addr::LOCALHOST.into(),
            IpAddr::V4(_) | IpAddr::V6(_) => given,
        };
        let both = takes_both.then_some(Ipv4Addr::UNSPECIFIED.into());
        let takes = std::iter::once(given).chain(both).collect();
        Some(Self { address, takes, port, options: options.to_vec() })
    }

    /// Whether an option stands behind it: `ssl`.
    pub(super) fn has(&self, option: &str) -> bool {
        self.options.iter().any(|o| o == option)
    }
}

/// The loopback one, IPv4 before IPv6, else the first.
pub(super) fn nearest(listens: &[Listen]) -> Option<&Listen> {
    listens.iter().min_by_key(|listen| match (listen.address.is_loopback(), listen.address.is_ipv4()) {
        (true, true) => 0,
        (true, false) => 1,
        (false, _) => 2,
    })
}
