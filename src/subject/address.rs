//! Addresses of what is examined: instance URL, targets, proxies. Parsed once, by rules of the contract.

use crate::secret::Secret;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use thiserror::Error;

/// A host and a port that a connection is meant for. The host is lower case; an IPv6 literal has no brackets.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Target {
    /// A name or an address literal.
    pub host: String,
    /// The TCP port.
    pub port: u16,
}

impl Target {
    /// A target from its parts.
    pub fn new(host: impl Into<String>, port: u16) -> Self {
        Self { host: host.into().to_ascii_lowercase(), port }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", bracketed(&self.host), self.port)
    }
}

/// The host as a URL writes it: an IPv6 literal in brackets.
pub fn bracketed(host: &str) -> String {
    if host.contains(':') { format!("[{host}]") } else { host.to_owned() }
}

/// Why a text is not an address of the kind asked for. One clear sentence each.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum AddressError {
    /// The URL names no host.
    #[error("`{0}` has no host: give for example https://gitlab.example.com")]
    NoHost(String),
    /// The URL has a scheme that the use does not know.
    #[error("`{0}` has the scheme `{1}`: {2} is meant")]
    Scheme(String, String, &'static str),
    /// The URL cannot be read at all.
    #[error("`{0}` is not a URL: {1}")]
    NotUrl(String, String),
    /// A password was found where none may stand.
    #[error("the instance URL carries a user or password: leave it out, a token goes into --token-file")]
    Credentials,
}

/// Whether the instance is spoken to over TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scheme {
    /// `http://`
    Http,
    /// `https://`
    Https,
}

impl Scheme {
    /// The scheme's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Scheme::Http => "http",
            Scheme::Https => "https",
        }
    }

    /// The port that goes without saying.
    pub fn default_port(self) -> u16 {
        match self {
            Scheme::Http => 80,
            Scheme::Https => 443,
        }
    }
}

/// The instance's URL: scheme, host, port and relative URL root (`""` or `/gitlab`).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct BaseUrl {
    /// https unless the URL says http.
    pub scheme: Scheme,
    /// Where the public door is.
    pub target: Target,
    /// The relative URL root without a final slash; empty at the top.
    pub root: String,
}

impl BaseUrl {
    /// The path below the relative URL root: `/-/cable` becomes `/gitlab/-/cable`.
    pub fn path(&self, path: &str) -> String {
        format!("{}{path}", self.root)
    }

    /// The `Host` header: without the default port.
    pub fn authority(&self) -> String {
        if self.target.port == self.scheme.default_port() {
            bracketed(&self.target.host)
        } else {
            self.target.to_string()
        }
    }

    /// The `Origin` header that a browser on this instance sends.
    pub fn origin(&self) -> String {
        format!("{}://{}", self.scheme.as_str(), self.authority())
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.origin(), self.root)
    }
}

impl FromStr for BaseUrl {
    type Err = AddressError;

    /// No scheme means https, a path is the relative URL root, a URL without a host is an error.
    fn from_str(text: &str) -> Result<Self, AddressError> {
        let text = text.trim();
        let url = parse(text, "https")?;
        let scheme = match url.scheme() {
            "https" => Scheme::Https,
            "http" => Scheme::Http,
            other => return Err(AddressError::Scheme(shown(text), other.to_owned(), "https")),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(AddressError::Credentials);
        }
        let target = Target::new(host_of(&url, text)?, url.port().unwrap_or(scheme.default_port()));
        Ok(Self { scheme, target, root: url.path().trim_end_matches('/').to_owned() })
    }
}

/// A forward proxy: how it is spoken to, where, and with which credentials.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ProxyUrl {
    /// Whether the proxy itself is spoken to over TLS.
    pub scheme: Scheme,
    /// Where the proxy listens.
    pub target: Target,
    /// `user:password`, percent-decoded.
    pub credentials: Option<Secret>,
}

impl FromStr for ProxyUrl {
    type Err = AddressError;

    /// No scheme means http, no port the scheme's own (80, 443), as curl does except for its 1080.
    fn from_str(text: &str) -> Result<Self, AddressError> {
        let text = text.trim();
        let url = parse(text, "http")?;
        let scheme = match url.scheme() {
            "http" => Scheme::Http,
            "https" => Scheme::Https,
            other => return Err(AddressError::Scheme(shown(text), other.to_owned(), "http or https")),
        };
        let target = Target::new(host_of(&url, text)?, url.port().unwrap_or(scheme.default_port()));
        let credentials = (!url.username().is_empty() || url.password().is_some()).then(|| {
            let decode = |s: &str| percent_decode(s);
            Secret::new(format!("{}:{}", decode(url.username()), decode(url.password().unwrap_or(""))))
        });
        Ok(Self { scheme, target, credentials })
    }
}

impl fmt::Display for ProxyUrl {
    /// The URL without its credentials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme.as_str(), self.target)
    }
}

impl Serialize for ProxyUrl {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ProxyUrl {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?.parse().map_err(serde::de::Error::custom)
    }
}

/// Parses with a default scheme. `host:port` without a scheme is a host and a port, not a scheme and a path.
fn parse(text: &str, default: &str) -> Result<url::Url, AddressError> {
    // A parser for browsers takes `https:///git` for the host `git`; here a host is missing.
    if text.split_once("://").is_some_and(|(_, rest)| rest.starts_with('/')) {
        return Err(AddressError::NoHost(shown(text)));
    }
    let whole = if text.contains("://") { text.to_owned() } else { format!("{default}://{text}") };
    url::Url::parse(&whole).map_err(|e| match e {
        url::ParseError::EmptyHost => AddressError::NoHost(shown(text)),
        e => AddressError::NotUrl(shown(text), e.to_string()),
    })
}

fn host_of(url: &url::Url, text: &str) -> Result<String, AddressError> {
    match url.host() {
        Some(url::Host::Domain(name)) if !name.is_empty() => Ok(name.trim_end_matches('.').to_owned()),
        Some(url::Host::Ipv4(address)) => Ok(address.to_string()),
        Some(url::Host::Ipv6(address)) => Ok(address.to_string()),
        Some(url::Host::Domain(_)) | None => Err(AddressError::NoHost(shown(text))),
    }
}

/// The text for an error message, without what may be a password.
fn shown(text: &str) -> String {
    let without = match (text.find("://"), text.rfind('@')) {
        (Some(start), Some(at)) if at > start => format!("{}://***@{}", &text[..start], &text[at + 1..]),
        (None, Some(at)) => format!("***@{}", &text[at + 1..]),
        (Some(_) | None, _) => text.to_owned(),
    };
    crate::text::foreign(&without)
}

/// Decodes `%40` and the like; what is no such triplet stays as it is.
pub fn percent_decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut i = 0;
    while i < bytes.len() {
        let hex = bytes.get(i + 1..i + 3).and_then(|h| std::str::from_utf8(h).ok());
        match (bytes[i], hex.and_then(|h| u8::from_str_radix(h, 16).ok())) {
            (b'%', Some(byte)) => {
                out.push(byte);
                i += 3;
            }
            (byte, _) => {
                out.push(byte);
                i += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instance(text: &str) -> Result<String, AddressError> {
        text.parse::<BaseUrl>().map(|u| u.to_string())
    }

    #[test]
    fn an_instance_url_is_read_as_an_administrator_means_it() {
        for (given, meant) in [
            ("gitlab.example.com", "https://gitlab.example.com"),
            ("https://GitLab.example.com/", "https://gitlab.example.com"),
            ("gitlab.example.com:8443", "https://gitlab.example.com:8443"),
            ("https://gitlab.example.com:443", "https://gitlab.example.com"),
            ("https://example.com/gitlab/", "https://example.com/gitlab"),
            ("http://gitlab.example.com", "http://gitlab.example.com"),
            ("https://[2001:db8::1]:8443/git", "https://[2001:db8::1]:8443/git"),
            ("[2001:db8::1]", "https://[2001:db8::1]"),
            ("https://10.0.0.5", "https://10.0.0.5"),
        ] {
            assert_eq!(instance(given), Ok(meant.to_owned()), "{given}");
        }
    }

    #[test]
    fn a_url_that_is_none_gives_one_clear_sentence() {
        assert!(matches!(instance("https://"), Err(AddressError::NoHost(_))));
        assert!(matches!(instance(""), Err(AddressError::NoHost(_))));
        assert!(matches!(instance("https:///git"), Err(AddressError::NoHost(_))));
        assert!(matches!(instance("ftp://gitlab.example.com"), Err(AddressError::Scheme(..))));
        assert!(matches!(instance("https://gitlab.example.com:99999"), Err(AddressError::NotUrl(..))));
        assert_eq!(instance("https://root:secret@gitlab.example.com"), Err(AddressError::Credentials));
    }

    #[test]
    fn a_proxy_url_keeps_its_password_to_itself() {
        let proxy: ProxyUrl = "http://user:p%40ss@squid.example.com:3128".parse().expect("a proxy URL");
        assert_eq!(proxy.to_string(), "http://squid.example.com:3128");
        assert_eq!(proxy.credentials.as_ref().map(Secret::expose), Some("user:p@ss"));
        assert!(!format!("{proxy:?}").contains("p@ss"));
        let error = "socks5://user:hidden@squid:1080".parse::<ProxyUrl>().expect_err("no http proxy");
        assert!(!error.to_string().contains("hidden"), "{error}");
    }

    #[test]
    fn a_proxy_without_a_scheme_is_http() {
        assert_eq!("squid:3128".parse::<ProxyUrl>().map(|p| p.to_string()), Ok("http://squid:3128".into()));
    }
}
