//! curl's rules: `url.c`, `urlapi.c` and `noproxy.c`, held against 7.88.
//!
//! `HTTP_PROXY` is never read, an empty variable counts as not set, a value without a scheme is an HTTP proxy, and
//! one without a port means 1080. The list is split at commas and blanks. Networks in it concern targets that are
//! written as IPv4 addresses, since 7.86; a target that is an IPv6 address is compared letter by letter.

use super::value::{Fault, blame, cut, is_scheme, is_torn, leading_digits, port, proxy};
use super::{Decision, Exception, Rules, first_filled, list, never_read, way};
use crate::subject::Via;
use crate::subject::address::{BaseUrl, ProxyUrl, Scheme, percent_decode};
use crate::subject::environment::Environment;
use ipnet::Ipv4Net;
use std::net::Ipv4Addr;

pub(super) fn decide(service: &BaseUrl, environment: &Environment) -> Decision {
    let read: &[&str] = match service.scheme {
        Scheme::Http => &["http_proxy", "all_proxy", "ALL_PROXY"],
        Scheme::Https => &["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"],
    };
    let ignored = never_read(environment, read);
    let Some((variable, value)) = first_filled(environment, read) else { return Decision::direct(ignored) };
    let through = Decision { variable: Some(variable.to_owned()), ..Decision::direct(ignored) };
    let (name, text) = first_filled(environment, &["no_proxy", "NO_PROXY"]).unwrap_or(("no_proxy", ""));
    if text == "*" {
        let exception = Exception { variable: name.to_owned(), entry: text.to_owned() };
        return Decision { exception: Some(exception), ..through };
    }
    let entries = || text.split([',', ' ', '\t']).filter(|e| !e.is_empty());
    let exception = entries().find(|e| matches(e, &service.target.host));
    Decision {
        via: exception.map_or_else(|| way(variable, parse(value)), |_| Via::Direct),
        exception: exception.map(|e| Exception { variable: name.to_owned(), entry: e.to_owned() }),
        unsupported: list::unsupported(Rules::Curl, entries()),
        ..through
    }
}

/// Whether an entry takes a host off the proxy.
fn matches(entry: &str, host: &str) -> bool {
    if let Ok(address) = host.parse::<Ipv4Addr>() {
        return is_within(address, entry);
    }
    let entry = entry.strip_suffix('.').unwrap_or(entry).to_ascii_lowercase();
    let name = entry.strip_prefix('.').unwrap_or(&entry);
    host == name || host.strip_suffix(name).is_some_and(|rest| rest.ends_with('.'))
}

/// Whether an address lies in a network. No length, or none that is a number, means the address itself.
fn is_within(address: Ipv4Addr, entry: &str) -> bool {
    let (network, length) = entry.split_once('/').unwrap_or((entry, "32"));
    let length = match leading_digits(length).parse() {
        Ok(0) | Err(_) => 32,
        Ok(length) => length,
    };
    let network = network.parse().ok().and_then(|network| Ipv4Net::new(network, length).ok());
    network.is_some_and(|network| network.contains(&address))
}

/// What curl makes of a value.
fn parse(value: &str) -> Result<ProxyUrl, Fault> {
    let scheme = value.split_once(":/").map(|(scheme, _)| scheme).filter(|s| is_scheme(s));
    let url = match scheme {
        Some(scheme) => {
            let rest = &value[scheme.len() + 1..];
            let place = rest.trim_start_matches('/');
            if rest.len() - place.len() > 3 {
                return Err(Fault::NoHost);
            }
            format!("{scheme}://{place}")
        }
        None => format!("http://{value}"),
    };
    let parts = cut(&url).ok_or_else(|| blame(value))?;
    let junk = |text: &str| text.contains(|c: char| c == ' ' || c.is_ascii_control());
    if parts.userinfo.is_some_and(|u| u.contains('@') || junk(u)) || is_torn(&parts) {
        return Err(Fault::Credentials);
    }
    let open_port = scheme.is_none() && parts.port == Some("");
    let colons = !parts.bracketed && parts.host.contains(':');
    if colons || open_port || junk(parts.rest) || parts.host.contains(|c: char| !is_in_a_host(c)) {
        return Err(blame(value));
    }
    let known = parts.scheme.unwrap_or_default().to_ascii_lowercase();
    let (kind, own_port) = match known.as_str() {
        "http" if scheme.is_none() && is_guessed_otherwise(parts.host) => return Err(Fault::Scheme(SCHEMES)),
        "http" => (Scheme::Http, 1080),
        "https" => (Scheme::Https, 443),
        "socks" | "socks4" | "socks4a" | "socks5" | "socks5h" if !parts.host.is_empty() => {
            return Err(Fault::Socks);
        }
        _ => return Err(Fault::Scheme(SCHEMES)),
    };
    let port = parts.port.filter(|p| !p.is_empty()).map_or(Ok(own_port), port).map_err(|_| blame(value));
    let credentials = parts.userinfo.map(|u| {
        let (user, password) = u.split_once(':').unwrap_or((u, ""));
        format!("{}:{}", percent_decode(user), percent_decode(password))
    });
    proxy(kind, parts.host, port?, credentials)
}

/// The schemes of proxies in curl, for people.
const SCHEMES: &str = "http, https, socks4, socks4a, socks5, socks5h";

/// Whether a host without a scheme is taken for another protocol's, by its first label.
fn is_guessed_otherwise(host: &str) -> bool {
    let host = host.to_ascii_lowercase();
    ["ftp.", "dict.", "ldap.", "imap.", "smtp.", "pop3."].iter().any(|first| host.starts_with(first))
}

fn is_in_a_host(c: char) -> bool {
    !c.is_ascii_control() && !" /#?!@{}[]\\$'\"^`*<>=;,+&()".contains(c)
}
