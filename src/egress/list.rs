//! What the writer of a `no_proxy` entry meant by it, and which stack understands that. How an entry matches is
//! decided in the stack's own file.

use super::Rules;
use ipnet::IpNet;
use std::net::{IpAddr, Ipv4Addr};

/// The shape of an entry, as its writer meant it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    /// `gitlab.com`, `.gitlab.com`
    Name,
    /// `gitlab.com.`
    NameWithDot,
    /// `10.1.2.3`
    Address4,
    /// `fd00::1`
    Address6,
    /// `[fd00::1]`
    Bracketed,
    /// `10.0.0.0/8`
    Network4,
    /// `fd00::/8`
    Network6,
    /// `10.0.0.0/255.0.0.0`
    Netmask,
    /// `gitlab.com:443`, `10.1.2.3:443`
    WithPort,
    /// `[fd00::1]:443`
    BracketedWithPort,
    /// `*`
    Everything,
    /// `*.gitlab.com`
    Wildcard,
    /// `https://gitlab.com`
    Url,
    /// `a.example.com b.example.com`, in a list that is split at commas alone.
    Spaced,
    /// Anything else: `git*`, `10.0.0.0/99`, `gitlab.com/x`.
    Odd,
}

fn shape(entry: &str) -> Shape {
    let bracketed = entry.strip_prefix('[').and_then(|e| e.split_once(']'));
    let bracketed = bracketed.filter(|(inside, _)| inside.contains(':') && inside.parse::<IpAddr>().is_ok());
    let network = entry.parse::<IpNet>().ok().filter(|_| entry.contains('/'));
    let mask = entry.split_once('/').and_then(|(a, mask)| a.parse::<Ipv4Addr>().ok().and(mask.parse().ok()));
    match (entry.parse::<IpAddr>(), network, mask, bracketed, entry.split_once(':')) {
        (Ok(IpAddr::V4(_)), ..) => Shape::Address4,
        (Ok(IpAddr::V6(_)), ..) => Shape::Address6,
        (_, Some(IpNet::V4(_)), ..) => Shape::Network4,
        (_, Some(IpNet::V6(_)), ..) => Shape::Network6,
        (_, _, Some(mask), ..) if ipnet::ipv4_mask_to_prefix(mask).is_ok() => Shape::Netmask,
        (_, _, _, Some((_, "")), _) => Shape::Bracketed,
        (_, _, _, Some((_, port)), _) if port.strip_prefix(':').is_some_and(is_port) => {
            Shape::BracketedWithPort
        }
        _ if entry.contains(char::is_whitespace) => Shape::Spaced,
        _ if entry == "*" => Shape::Everything,
        _ if entry.contains("://") => Shape::Url,
        _ if entry.strip_prefix("*.").is_some_and(is_name) => Shape::Wildcard,
        _ if entry.strip_suffix('.').is_some_and(is_name) => Shape::NameWithDot,
        _ if is_name(entry) => Shape::Name,
        (.., Some((name, port))) if is_name(name) && is_port(port) => Shape::WithPort,
        _ => Shape::Odd,
    }
}

fn is_name(text: &str) -> bool {
    let inside = |c: char| c.is_alphanumeric() || "-_.".contains(c);
    !text.is_empty() && text != "." && !text.ends_with('.') && text.chars().all(inside)
}

fn is_port(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// Whether a stack takes an entry as its writer meant it.
fn understands(rules: Rules, shape: Shape) -> bool {
    match shape {
        Shape::Name | Shape::Address4 | Shape::Network4 => true,
        Shape::NameWithDot => rules == Rules::Curl,
        // Ruby takes a colon for the beginning of a port.
        Shape::Address6 => rules != Rules::Ruby,
        // curl until 7.88 compares IPv6 targets letter by letter.
        Shape::Network6 => matches!(rules, Rules::Go | Rules::Grpc),
        Shape::Netmask => rules == Rules::Ruby,
        Shape::WithPort => matches!(rules, Rules::Ruby | Rules::Go),
        // `*` is known to curl only as the whole list, which then has matched.
        Shape::BracketedWithPort | Shape::Wildcard | Shape::Everything => rules == Rules::Go,
        Shape::Bracketed | Shape::Url | Shape::Spaced | Shape::Odd => false,
    }
}

/// The entries, as written, that a stack does not understand. Blank ones say nothing.
pub(super) fn unsupported<'a>(rules: Rules, entries: impl Iterator<Item = &'a str>) -> Vec<String> {
    let entries = entries.map(str::trim).filter(|e| !e.is_empty());
    entries.filter(|e| !understands(rules, shape(e))).map(str::to_owned).collect()
}
