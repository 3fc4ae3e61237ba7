//! Ruby's rules: `URI::Generic#find_proxy` and `use_proxy?` (uri 0.11 to 1.0), `Net::HTTP` (net-http up to 0.6).
//!
//! `Net::HTTP` asks for the proxy of an `http://` URI whatever the target is, so `https_proxy` is never read. It
//! speaks plain HTTP to the proxy, whatever the scheme of the value is. An empty variable counts as set.

use super::value::{Fault, Parts, blame, cut, escapes_are_whole, is_torn, leading_digits, port, proxy};
use super::{Decision, Exception, Rules, Set, first_set, list, loopback_rule, never_read, way};
use crate::subject::Via;
use crate::subject::address::{BaseUrl, ProxyUrl, Scheme, percent_decode};
use crate::subject::environment::Environment;
use ipnet::Ipv4Net;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

pub(super) fn decide(service: &BaseUrl, environment: &Environment, addresses: &[IpAddr]) -> Decision {
    let (read, set) = proxy_variable(environment);
    let Some((variable, value)) = set.filter(|(_, value)| !value.is_empty()) else {
        let hidden = set.is_some() && environment.get("REQUEST_METHOD").is_none();
        return Decision::direct(never_read(environment, if hidden { &["http_proxy"] } else { read }));
    };
    let host = service.target.host.as_str();
    let address = host.parse().ok().or_else(|| addresses.first().copied());
    let address = address.or_else(|| (host == "localhost").then_some(Ipv4Addr::LOCALHOST.into()));
    let through =
        Decision { variable: Some(variable.to_owned()), ..Decision::direct(never_read(environment, read)) };
    let loopback = |a: IpAddr| a == Ipv6Addr::LOCALHOST || matches!(a, IpAddr::V4(a) if a.is_loopback());
    if address.is_some_and(loopback) {
        return Decision { exception: Some(loopback_rule(service)), ..through };
    }
    let (name, text) = first_set(environment, &["no_proxy", "NO_PROXY"]).unwrap_or(("no_proxy", ""));
    let entries = || text.split([',', ' ', '\t', '\r', '\n', '\x0b', '\x0c']).filter(|e| !e.is_empty());
    let exception = entries().find(|e| matches(e, service, address));
    Decision {
        via: exception.map_or_else(|| way(variable, parse(value)), |_| Via::Direct),
        exception: exception.map(|e| Exception { variable: name.to_owned(), entry: e.to_owned() }),
        unsupported: list::unsupported(Rules::Ruby, entries()),
        ..through
    }
}

/// The variables that are read here, and the one that decides. In a CGI script `HTTP_PROXY` may come from a request.
fn proxy_variable(environment: &Environment) -> (&'static [&'static str], Option<Set<'_>>) {
    if environment.get("REQUEST_METHOD").is_some() {
        let found = first_set(environment, &["http_proxy", "CGI_HTTP_PROXY"]);
        return (&["http_proxy"], found);
    }
    (&["http_proxy", "HTTP_PROXY"], first_set(environment, &["http_proxy", "HTTP_PROXY"]))
}

/// Whether an entry takes the target off the proxy. A colon ends a name and begins a port, so an IPv6 address falls
/// into pieces.
fn matches(entry: &str, service: &BaseUrl, address: Option<IpAddr>) -> bool {
    let host = service.target.host.as_str();
    let mut rest = entry.trim_start_matches(':');
    while !rest.is_empty() {
        let (name, behind) = rest.split_at(rest.find(':').unwrap_or(rest.len()));
        let port = leading_digits(behind.get(1..).unwrap_or_default());
        let name = name.to_ascii_lowercase();
        if port.is_empty() || port.parse() == Ok(service.target.port) {
            let subdomain = if name.starts_with('.') { name.clone() } else { format!(".{name}") };
            if host == name || host.ends_with(&subdomain) {
                return true;
            }
            if let (Some(IpAddr::V4(address)), Some(network)) = (address, network(&name))
                && network.contains(&address)
            {
                return true;
            }
        }
        rest = behind.get(1 + port.len()..).unwrap_or("").trim_start_matches(':');
    }
    false
}

/// An IPv4 network as Ruby's `IPAddr` reads it: an address, with a length or a mask.
fn network(text: &str) -> Option<Ipv4Net> {
    let Some((address, size)) = text.split_once('/') else {
        return text.parse::<Ipv4Addr>().ok().map(Ipv4Net::from);
    };
    let length = match size.parse::<Ipv4Addr>() {
        Ok(mask) => ipnet::ipv4_mask_to_prefix(mask).ok()?,
        Err(_) if size.len() > 1 && size.starts_with('0') => return None,
        Err(_) => size.parse().ok()?,
    };
    Ipv4Net::new(address.parse().ok()?, length).ok()
}

/// What `URI.parse` and `Net::HTTP` make of a value.
fn parse(value: &str) -> Result<ProxyUrl, Fault> {
    let parts = cut(value).filter(is_uri).ok_or_else(|| blame(value))?;
    if is_torn(&parts) {
        return Err(Fault::Credentials);
    }
    let port = match (parts.port.unwrap_or_default(), parts.scheme.unwrap_or_default()) {
        ("", scheme) => own_port(scheme).ok_or(Fault::NoPort),
        (text, _) => port(text),
    };
    // The parser of a form decodes them: a plus is a space.
    let decode = |text: &str| percent_decode(&text.replace('+', " "));
    let credentials = parts.userinfo.map(|u| {
        let (user, password) = u.split_once(':').unwrap_or((u, ""));
        format!("{}:{}", decode(user), decode(password))
    });
    proxy(Scheme::Http, parts.host, port?, credentials)
}

/// The port that Ruby gives a scheme.
fn own_port(scheme: &str) -> Option<u16> {
    match scheme.to_ascii_lowercase().as_str() {
        "http" | "ws" => Some(80),
        "https" | "wss" => Some(443),
        "ftp" => Some(21),
        "ldap" => Some(389),
        "ldaps" => Some(636),
        _ => None,
    }
}

/// Whether `URI.parse` accepts the parts (RFC 3986; its parser is strict).
fn is_uri(parts: &Parts) -> bool {
    let of = |text: &str, more: &str| {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-._~!$&'()*+,;=%".contains(c) || more.contains(c);
        text.chars().all(plain) && escapes_are_whole(text)
    };
    let (path, fragment) = parts.rest.split_once('#').unwrap_or((parts.rest, ""));
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    parts.userinfo.is_none_or(|u| of(u, ":"))
        && if parts.bracketed { parts.host.parse::<Ipv6Addr>().is_ok() } else { of(parts.host, "") }
        && parts.port.is_none_or(|p| p.bytes().all(|b| b.is_ascii_digit()))
        && of(path, ":@/")
        && query.is_ascii()
        && of(fragment, ":@/?")
}
