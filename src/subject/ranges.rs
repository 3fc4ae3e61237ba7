//! Which addresses stand for Cloudflare's published ranges when they are sampled: the same ones in every run.

use super::Cloudflare;
use ipnet::IpNet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Addresses tried in one range, at most (`field-notes` 27).
pub const SAMPLES: usize = 2;

/// Whether Cloudflare's ranges are sampled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sampling {
    /// They are not: nobody asked for it.
    #[default]
    NotAsked,
    /// Somebody asked for it, by name or by key.
    Asked,
}

/// The low half of the IPv6 addresses that are tried. Cloudflare writes the IPv4 address of a service into the
/// last 32 bits, as `2606:4700::6812:1e0a` for 104.18.30.10 shows; that it does so in every range is a guess.
const LOW: [u128; SAMPLES] = [0x6812_1e01, 0x6810_8501];

impl Cloudflare {
    /// Every range with the addresses that stand for it, all inside it.
    pub fn samples(&self) -> impl Iterator<Item = (IpNet, [IpAddr; SAMPLES])> {
        self.ranges.iter().map(|range| (*range, [sample(range, 0), sample(range, 1)]))
    }
}

/// IPv4: a third and two thirds into the range, away from the first and last address of a /24.
fn sample(range: &IpNet, nth: u8) -> IpAddr {
    match range {
        IpNet::V4(range) => {
            let size = u64::from(u32::MAX >> range.prefix_len()) + 1;
            let into = u32::try_from(size * (u64::from(nth) + 1) / 3).unwrap_or_default();
            let last = if size > 256 { into & !0xff | 1 } else { into };
            IpAddr::V4(Ipv4Addr::from(u32::from(range.network()) + last))
        }
        IpNet::V6(range) => {
            let low = LOW[usize::from(nth) % SAMPLES];
            IpAddr::V6(Ipv6Addr::from(u128::from(range.network()) | low))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_addresses_stand_for_each_range_and_lie_inside_it() {
        let all: Vec<_> = Cloudflare::embedded().samples().collect();
        assert_eq!(all.len(), 22);
        for (range, [a, b]) in all {
            assert!(range.contains(&a) && range.contains(&b) && a != b, "{range}: {a} {b}");
        }
    }

    #[test]
    fn the_addresses_are_the_same_in_every_run() {
        let of = |range: &str| {
            let range: IpNet = range.parse().expect("a range");
            [sample(&range, 0).to_string(), sample(&range, 1).to_string()]
        };
        assert_eq!(of("104.16.0.0/13"), ["104.18.170.1", "104.21.85.1"]);
        assert_eq!(of("103.31.4.0/22"), ["103.31.5.1", "103.31.6.1"]);
        assert_eq!(of("2606:4700::/32"), ["2606:4700::6812:1e01", "2606:4700::6810:8501"]);
    }
}
