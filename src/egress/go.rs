//! Go's rules: `golang.org/x/net/http/httpproxy`, which net/http and grpc-go use.
//!
//! Upper case is read first. A value that is no URL with a known scheme is tried once more behind `http://`; a value
//! that cannot be parsed either way is passed over. Names are never resolved, so networks in `no_proxy` concern
//! targets that are written as addresses.

use super::value::{Fault, blame, cut, escapes_are_whole, is_scheme, is_torn, port, proxy};
use super::{Decision, Exception, Rules, first_filled, list, loopback_rule, never_read, way};
use crate::subject::Via;
use crate::subject::address::{BaseUrl, ProxyUrl, Scheme, percent_decode};
use crate::subject::environment::Environment;
use ipnet::IpNet;
use std::net::IpAddr;

pub(super) fn decide(service: &BaseUrl, environment: &Environment) -> Decision {
    let read = match service.scheme {
        Scheme::Http => ["HTTP_PROXY", "http_proxy"],
        Scheme::Https => ["HTTPS_PROXY", "https_proxy"],
    };
    let ignored = never_read(environment, &read);
    let Some((variable, value)) = first_filled(environment, &read) else { return Decision::direct(ignored) };
    let through = Decision { variable: Some(variable.to_owned()), ..Decision::direct(ignored) };
    let value = match parse(value) {
        Parsed::Nothing => return Decision { passed_over: Some(blame(value).to_string()), ..through },
        Parsed::Url(value) => value,
    };
    if service.scheme == Scheme::Http && first_filled(environment, &["REQUEST_METHOD"]).is_some() {
        return Decision { via: way(variable, Err(Fault::Cgi)), ..through };
    }
    let host = service.target.host.as_str();
    if host == "localhost" || host.parse().is_ok_and(|a: IpAddr| a.to_canonical().is_loopback()) {
        return Decision { exception: Some(loopback_rule(service)), ..through };
    }
    let (name, text) = first_filled(environment, &["NO_PROXY", "no_proxy"]).unwrap_or(("NO_PROXY", ""));
    let entries = || text.split(',').map(str::trim).filter(|e| !e.is_empty());
    let exception = entries().find(|e| matches(&e.to_lowercase(), service));
    Decision {
        via: exception.map_or_else(|| way(variable, value), |_| Via::Direct),
        exception: exception.map(|e| Exception { variable: name.to_owned(), entry: e.to_owned() }),
        unsupported: list::unsupported(Rules::Go, entries()),
        ..through
    }
}

/// Whether an entry, in lower case, takes the target off the proxy.
fn matches(entry: &str, service: &BaseUrl) -> bool {
    let host = service.target.host.as_str();
    let address: Option<IpAddr> = host.parse().ok();
    if entry == "*" {
        return true;
    }
    if let Ok(network) = entry.parse::<IpNet>() {
        return address.is_some_and(|a| network.contains(&a));
    }
    let (name, port) = split_host_port(entry).unwrap_or((entry, ""));
    let port_fits = port.is_empty() || port == service.target.port.to_string();
    if let Ok(excepted) = name.parse::<IpAddr>() {
        return port_fits && address == Some(excepted);
    }
    let name = name.strip_prefix('*').filter(|n| n.starts_with('.')).unwrap_or(name);
    let within = match name.strip_prefix('.') {
        Some(_) => host.ends_with(name),
        None => !name.is_empty() && (host == name || host.ends_with(&format!(".{name}"))),
    };
    port_fits && within
}

/// Go's `net.SplitHostPort`: a port must follow, and a host with colons needs brackets.
fn split_host_port(text: &str) -> Option<(&str, &str)> {
    match text.strip_prefix('[').and_then(|t| t.split_once(']')) {
        Some((host, behind)) => Some((host, behind.strip_prefix(':').filter(|port| !port.contains(':'))?)),
        None => text.split_once(':').filter(|(_, port)| !port.contains([':', '[', ']'])),
    }
}

/// What Go makes of a value.
enum Parsed {
    /// An error that is not passed on.
    Nothing,
    /// Some URL, which may still lead nowhere.
    Url(Result<ProxyUrl, Fault>),
}

/// The schemes of proxies in Go, for people.
const SCHEMES: &str = "http, https, socks5";

fn parse(value: &str) -> Parsed {
    let scheme = value.split_once(':').map(|(s, _)| s.to_ascii_lowercase()).filter(|s| is_scheme(s));
    let known = scheme.as_deref().is_some_and(|s| ["http", "https", "socks5"].contains(&s));
    let whole = is_url(value);
    if whole && known {
        return Parsed::Url(read(value));
    }
    // Behind `http://` the scheme becomes the host, if anything parses at all.
    let again = format!("http://{value}");
    match (is_url(&again), cut(value)) {
        (true, Some(parts)) if whole && parts.scheme.is_some() => Parsed::Url(Err(Fault::Scheme(SCHEMES))),
        (true, Some(_)) => Parsed::Url(Err(blame(value))),
        (true, None) if value.contains(['\'', '"', '<', '>']) => Parsed::Url(Err(blame(value))),
        (true, None) => Parsed::Url(read(&again)),
        (false, _) if whole => Parsed::Url(Err(blame(value))),
        (false, _) => Parsed::Nothing,
    }
}

/// The proxy of a URL with a known scheme.
fn read(url: &str) -> Result<ProxyUrl, Fault> {
    let parts = cut(url).ok_or(Fault::NoHost)?;
    if is_torn(&parts) {
        return Err(Fault::Credentials);
    }
    let scheme = match parts.scheme.map(str::to_ascii_lowercase).as_deref() {
        Some("http") => Scheme::Http,
        Some("https") => Scheme::Https,
        Some(_) | None => return Err(Fault::Socks),
    };
    let port = parts.port.filter(|p| !p.is_empty()).map_or(Ok(scheme.default_port()), port);
    let credentials = parts.userinfo.map(|u| {
        let (user, password) = u.split_once(':').unwrap_or((u, ""));
        format!("{}:{}", percent_decode(user), percent_decode(password))
    });
    proxy(scheme, parts.host, port?, credentials)
}

/// Whether Go's `url.Parse` gives no error.
fn is_url(text: &str) -> bool {
    let (text, fragment) = text.split_once('#').unwrap_or((text, ""));
    let scheme = text.split_once(':').map(|(scheme, _)| scheme).filter(|s| is_scheme(s));
    let rest = scheme.map_or(text, |s| &text[s.len() + 1..]);
    let path = rest.split_once('?').map_or(rest, |(path, _)| path);
    if text.contains(|c: char| c.is_ascii_control()) || text.starts_with(':') || !escapes_are_whole(fragment)
    {
        return false;
    }
    if !path.starts_with('/') {
        let first = path.split('/').next().unwrap_or_default();
        return scheme.is_some() || (!first.contains(':') && escapes_are_whole(path));
    }
    let Some(after) = path.strip_prefix("//").filter(|_| scheme.is_some() || !path.starts_with("///")) else {
        return escapes_are_whole(path);
    };
    let (authority, path) = after.split_at(after.find('/').unwrap_or(after.len()));
    let (userinfo, place) = authority.rsplit_once('@').unwrap_or(("", authority));
    let in_userinfo = |c: char| c.is_ascii_alphanumeric() || "-._:~!$&'()*+,;=%@".contains(c);
    userinfo.chars().all(in_userinfo)
        && escapes_are_whole(userinfo)
        && is_place(place)
        && escapes_are_whole(path)
}

/// Whether Go takes a text for a host with or without a port.
fn is_place(text: &str) -> bool {
    let port = match text.strip_prefix('[') {
        Some(_) => match text.rsplit_once(']') {
            Some((_, port)) => port,
            None => return false,
        },
        None => text.rfind(':').map_or("", |colon| &text[colon..]),
    };
    let digits = port.strip_prefix(':').unwrap_or(port).bytes().all(|b| b.is_ascii_digit());
    let in_host =
        |c: char| !c.is_ascii() || c.is_ascii_alphanumeric() || "-._~!$&'()*+,;=:[]<>\"".contains(c);
    digits && (port.is_empty() || port.starts_with(':')) && text.chars().all(in_host)
}
