//! curl's rules (curl's manual, ENVIRONMENT; `no_proxy` with networks from 7.86).

use super::{Decision, Exception};
use crate::subject::Via;
use crate::subject::address::{BaseUrl, ProxyUrl};
use crate::subject::environment::Environment;
use ipnet::IpNet;
use std::net::IpAddr;

/// The way of an https target.
pub(super) fn decide(service: &BaseUrl, environment: &Environment) -> Decision {
    let direct = Decision {
        via: Via::Direct,
        variable: None,
        exception: None,
        ignored: Vec::new(),
        unsupported: Vec::new(),
    };
    let names = ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];
    let set = names.iter().find_map(|name| Some((*name, environment.value(name)?)));
    let Some((variable, value)) = set else { return direct };
    let listed = ["no_proxy", "NO_PROXY"].iter().find_map(|name| Some((*name, environment.value(name)?)));
    let exception = listed.and_then(|(name, list)| {
        let entry = excepted(&service.target.host, list)?.to_owned();
        Some(Exception { variable: name.to_owned(), entry })
    });
    let via = match (&exception, value.parse::<ProxyUrl>()) {
        (Some(_), _) => Via::Direct,
        (None, Ok(proxy)) => Via::Proxy(proxy),
        (None, Err(error)) => Via::Unusable { variable: variable.to_owned(), why: error.to_string() },
    };
    Decision { via, variable: Some(variable.to_owned()), exception, ..direct }
}

/// The entry of a `no_proxy` list that takes a host off the proxy.
fn excepted<'a>(host: &str, list: &'a str) -> Option<&'a str> {
    if list.trim() == "*" {
        return Some("*");
    }
    let entries = list.split([',', ' ', '\t']).filter(|e| !e.is_empty());
    let address: Option<IpAddr> = host.parse().ok();
    entries.into_iter().find(|entry| {
        if let Some(address) = address {
            entry.trim_matches(['[', ']']).parse() == Ok(address)
                || entry.parse::<IpNet>().is_ok_and(|net| net.contains(&address))
        } else {
            let name = entry.trim_start_matches('.').trim_end_matches('.').to_ascii_lowercase();
            host == name
                || host.strip_suffix(&name).is_some_and(|rest| rest.ends_with('.') && !name.is_empty())
        }
    })
}
