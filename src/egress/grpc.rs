//! The rules of gRPC C-core: `http_proxy_mapper.cc` and `uri.cc`, held against 1.76. They are the same for every
//! target, encrypted or not.
//!
//! Lower case alone is read, and an empty variable counts as set. A value that is not `http://host` is written to a
//! log and passed over. An entry of the list matches any host that ends in it, at a dot or not: `lab.com` takes
//! `gitlab.com` off the proxy, and an entry of blanks takes everything off. Networks are understood since 1.53.

use super::value::{Fault, blame, cut, is_torn, port, proxy};
use super::{Decision, Exception, Rules, first_set, list, never_read, way};
use crate::subject::Via;
use crate::subject::address::{BaseUrl, ProxyUrl, Scheme, percent_decode};
use crate::subject::environment::Environment;
use ipnet::IpNet;
use std::net::IpAddr;

/// In the order in which they are read.
const READ: [&str; 3] = ["grpc_proxy", "https_proxy", "http_proxy"];

pub(super) fn decide(service: &BaseUrl, environment: &Environment) -> Decision {
    let set = first_set(environment, &READ);
    let Some((variable, value)) = set.filter(|(_, value)| !value.is_empty()) else {
        let hidden: &[&str] = if set.is_some() { &[] } else { &READ };
        return Decision::direct(ignored(environment, hidden));
    };
    let through =
        Decision { variable: Some(variable.to_owned()), ..Decision::direct(ignored(environment, &READ)) };
    let value = match parse(value) {
        Parsed::PassedOver(fault) => return Decision { passed_over: Some(fault.to_string()), ..through },
        Parsed::Url(value) => value,
    };
    let (name, text) = first_set(environment, &["no_grpc_proxy", "no_proxy"]).unwrap_or(("no_proxy", ""));
    let entries = || text.split(',').filter(|e| !e.is_empty());
    let exception =
        entries().find(|e| matches(e.trim_ascii(), &service.target.host)).map(|e| match e.trim() {
            "" => "an entry of blanks",
            entry => entry,
        });
    Decision {
        via: exception.map_or_else(|| way(variable, value), |_| Via::Direct),
        exception: exception.map(|e| Exception { variable: name.to_owned(), entry: e.to_owned() }),
        unsupported: list::unsupported(Rules::Grpc, entries()),
        ..through
    }
}

fn ignored(environment: &Environment, read: &[&str]) -> Vec<String> {
    let own = environment.value("GRPC_PROXY").map(|_| "GRPC_PROXY".to_owned());
    own.into_iter().chain(never_read(environment, read)).collect()
}

/// Whether an entry takes a host off the proxy.
fn matches(entry: &str, host: &str) -> bool {
    host.ends_with(&entry.to_ascii_lowercase()) || host.parse().is_ok_and(|address| is_within(address, entry))
}

/// Whether an address lies in a network. A length beyond the address's own means the address itself.
fn is_within(address: IpAddr, entry: &str) -> bool {
    let Some((network, length)) = entry.split_once('/') else { return false };
    let (Ok(network), Ok(length)) = (network.parse::<IpAddr>(), length.parse::<u32>()) else { return false };
    let most = if network.is_ipv4() { 32 } else { 128 };
    let length = u8::try_from(length).unwrap_or(most).min(most);
    IpNet::new(network, length).is_ok_and(|network| network.contains(&address))
}

/// What C-core makes of a value.
enum Parsed {
    /// It is written to a log, and no proxy is used.
    PassedOver(Fault),
    /// A proxy, which may still lead nowhere.
    Url(Result<ProxyUrl, Fault>),
}

fn parse(value: &str) -> Parsed {
    let Some(parts) = cut(value) else { return Parsed::PassedOver(blame(value)) };
    let scheme = parts.scheme.map(str::to_ascii_lowercase);
    match scheme.as_deref() {
        Some("http") if parts.host.is_empty() && parts.port.is_none() => Parsed::PassedOver(Fault::NoHost),
        Some("http") if !is_query(parts.rest) => Parsed::PassedOver(blame(value)),
        Some("http") if is_torn(&parts) => Parsed::Url(Err(Fault::Credentials)),
        Some("http") => {
            // The resolver's own default, whatever the scheme, is the port of https; an address without a port is
            // not resolved at all.
            let own_port = if parts.host.parse::<IpAddr>().is_ok() { Err(Fault::NoPort) } else { Ok(443) };
            let port = parts.port.map(str::trim_ascii).filter(|p| !p.is_empty()).map_or(own_port, port);
            // Sent as they stand, without a colon where none is written.
            let credentials = parts.userinfo.map(percent_decode);
            let plain = parts.bracketed || !parts.host.contains(':');
            Parsed::Url(match port {
                Ok(port) if plain => proxy(Scheme::Http, parts.host, port, credentials),
                Ok(_) => Err(Fault::Host),
                Err(fault) => Err(fault),
            })
        }
        Some(_) => Parsed::PassedOver(Fault::Scheme("http")),
        None => Parsed::PassedOver(blame(value)),
    }
}

/// Whether what follows the host may stand there: a path may hold anything, a query and a fragment may not.
fn is_query(rest: &str) -> bool {
    let allowed =
        |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || "-._~!$&'()*+,;=:@/?%".contains(c));
    let (before, fragment) = rest.split_once('#').unwrap_or((rest, ""));
    before.split_once('?').is_none_or(|(_, query)| !query.is_empty() && allowed(query)) && allowed(fragment)
}
