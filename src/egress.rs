//! Which way out a stack takes, by its own rules. Pure: environment in, routes out. In this version the rules
//! of curl, which stand for the administrator's shell.

use crate::subject::address::{AddressError, ProxyUrl, Target};
use crate::subject::place::{Endpoint, Stack};
use crate::subject::{Route, StoreId, Via};
use ipnet::IpNet;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// The proxy variables of an environment, as they are spelled there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Environment(BTreeMap<String, String>);

/// The variables that any HTTP stack reads.
const VARIABLES: [&str; 8] = [
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "no_proxy",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
];

impl Environment {
    /// Keeps what concerns proxies.
    pub fn of(variables: impl IntoIterator<Item = (String, String)>) -> Self {
        Self(variables.into_iter().filter(|(name, _)| VARIABLES.contains(&name.as_str())).collect())
    }

    /// The first of some variables that is set and not empty, with its name.
    fn first(&self, names: &[&'static str]) -> Option<(&'static str, &str)> {
        names.iter().find_map(|name| Some((*name, self.0.get(*name)?.trim()))).filter(|(_, v)| !v.is_empty())
    }
}

/// What decides every route in place of the environment: `--proxy`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Given {
    /// `--proxy none`
    Direct,
    /// `--proxy URL`
    Proxy(ProxyUrl),
}

/// A proxy variable that holds no proxy URL.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{variable} is set, and {error}")]
pub struct BadVariable {
    variable: &'static str,
    error: AddressError,
}

/// The shell's routes to some endpoints.
///
/// # Errors
/// A variable that applies and is no URL of an HTTP proxy.
pub fn shell_routes(
    targets: &[(Endpoint, Target)],
    environment: &Environment,
    given: Option<&Given>,
    trust: StoreId,
) -> Result<Vec<Route>, BadVariable> {
    let route = |(i, (endpoint, target)): (usize, &(Endpoint, Target))| {
        let (via, source) = match given {
            Some(Given::Direct) => (Via::Direct, "--proxy none".to_owned()),
            Some(Given::Proxy(proxy)) => (Via::Proxy(proxy.clone()), "--proxy".to_owned()),
            None => curl(target, environment)?,
        };
        Ok(Route {
            id: format!("r{}", i + 1),
            stacks: vec![Stack::Shell],
            endpoint: *endpoint,
            via,
            trust,
            source,
        })
    };
    targets.iter().enumerate().map(route).collect()
}

/// curl's rules for an https target (curl's manual, ENVIRONMENT; `no_proxy` with networks from 7.86).
fn curl(target: &Target, environment: &Environment) -> Result<(Via, String), BadVariable> {
    let Some((variable, value)) =
        environment.first(&["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"])
    else {
        return Ok((Via::Direct, "no proxy variable applies".to_owned()));
    };
    if let Some((name, list)) = environment.first(&["no_proxy", "NO_PROXY"])
        && let Some(entry) = excepted(&target.host, list)
    {
        return Ok((Via::Direct, format!("{name} has {entry}")));
    }
    let proxy: ProxyUrl = value.parse().map_err(|error| BadVariable { variable, error })?;
    let source = format!("{variable}={proxy}");
    Ok((Via::Proxy(proxy), source))
}

/// The entry of a `no_proxy` list that takes a host off the proxy, by curl's rules.
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

#[cfg(test)]
mod tests {
    use super::*;

    /// One row: variables, and the way to `cloud.gitlab.com`: a proxy's host or `direct`.
    #[track_caller]
    fn goes(variables: &[(&str, &str)], way: &str) {
        let environment = Environment::of(variables.iter().map(|(k, v)| ((*k).into(), (*v).into())));
        let (via, source) = curl(&Target::new("cloud.gitlab.com", 443), &environment).expect("a way");
        let got = match via {
            Via::Direct => "direct".to_owned(),
            Via::Proxy(proxy) => proxy.target.host,
        };
        assert_eq!(got, way, "{variables:?}: {source}");
    }

    #[test]
    fn the_shell_goes_the_way_that_curl_goes() {
        goes(&[], "direct");
        goes(&[("http_proxy", "http://a:1")], "direct");
        goes(&[("HTTP_PROXY", "http://a:1")], "direct");
        goes(&[("https_proxy", "http://a:1")], "a");
        goes(&[("HTTPS_PROXY", "http://b:1")], "b");
        goes(&[("https_proxy", "http://a:1"), ("HTTPS_PROXY", "http://b:1")], "a");
        goes(&[("all_proxy", "http://c:1")], "c");
        goes(&[("https_proxy", "")], "direct");
        goes(&[("https_proxy", "a:3128")], "a");
        for (list, way) in [
            ("*", "direct"),
            ("gitlab.com", "direct"),
            (".gitlab.com", "direct"),
            ("cloud.gitlab.com", "direct"),
            ("example.com, gitlab.com", "direct"),
            ("example.com gitlab.com", "direct"),
            ("GITLAB.COM", "direct"),
            ("*.gitlab.com", "a"),
            ("lab.com", "a"),
            ("cloud.gitlab.com:443", "a"),
            ("https://cloud.gitlab.com", "a"),
            ("10.0.0.0/8", "a"),
            ("", "a"),
        ] {
            goes(&[("https_proxy", "http://a:1"), ("no_proxy", list)], way);
        }
    }

    #[test]
    fn addresses_are_excepted_by_address_and_network() {
        assert_eq!(excepted("10.1.2.3", "10.0.0.0/8"), Some("10.0.0.0/8"));
        assert_eq!(excepted("10.1.2.3", "10.1.2.3"), Some("10.1.2.3"));
        assert_eq!(excepted("11.1.2.3", "10.0.0.0/8"), None);
        assert_eq!(excepted("fd00::1", "fd00::/8"), Some("fd00::/8"));
    }

    #[test]
    fn a_variable_that_is_no_proxy_url_is_named_without_its_password() {
        let environment =
            Environment::of([("https_proxy".to_owned(), "socks5://u:secret@a:1080".to_owned())]);
        let error = curl(&Target::new("a", 443), &environment).expect_err("no http proxy").to_string();
        assert!(error.starts_with("https_proxy is set") && !error.contains("secret"), "{error}");
    }
}
