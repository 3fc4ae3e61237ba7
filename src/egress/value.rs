//! The value of a proxy variable: how it falls into parts, and what is wrong with one that a stack cannot use.
//! Which parts a stack accepts is decided in its own file. Deliberately absent from every sentence: the value.

use crate::secret::Secret;
use crate::subject::address::{ProxyUrl, Scheme, Target};
use std::net::Ipv6Addr;
use thiserror::Error;

/// What keeps a value from being used. Each reads on after `the variable: `.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(super) enum Fault {
    /// `http://user:p#ss@squid:3128`
    #[error("its user name or password has a character that is not percent-encoded")]
    Credentials,
    /// `"http://squid:3128"`
    #[error("it has a space, a quote or another character that no URL has")]
    Character,
    /// `squid:3128`, for those that need a scheme.
    #[error("it does not begin with `http://`")]
    NoScheme,
    /// `ftp://squid:3128`; with the schemes that the stack knows.
    #[error("its scheme is not one of those that this stack uses: {0}")]
    Scheme(&'static str),
    /// `socks5://squid:1080`, for those that would use it.
    #[error("it names a SOCKS proxy, which this program cannot walk through")]
    Socks,
    /// `http://`
    #[error("it names no host")]
    NoHost,
    /// `http//squid:3128`, `http://http://squid:3128`
    #[error("what stands for its host is a scheme")]
    SchemeForHost,
    /// `http://sq,uid:3128`
    #[error("its host is neither a name nor an address")]
    Host,
    /// `socks5://squid`, for Ruby, which knows no port for the scheme; `http://10.0.0.5`, for gRPC C-core.
    #[error("it names no port")]
    NoPort,
    /// `http://squid:99999`
    #[error("its port is not a number from 1 to 65535")]
    Port,
    /// Go and a plain http target, where `REQUEST_METHOD` is set.
    #[error("it is refused because REQUEST_METHOD is set, as in a CGI script")]
    Cgi,
}

/// The parts of `[scheme:]//[userinfo@]host[:port][rest]`, none of them judged.
pub(super) struct Parts<'a> {
    /// As written.
    pub(super) scheme: Option<&'a str>,
    /// Before the last `@` of the authority.
    pub(super) userinfo: Option<&'a str>,
    /// Without the brackets of an IPv6 literal; may be empty.
    pub(super) host: &'a str,
    /// Whether the host stood in brackets.
    pub(super) bracketed: bool,
    /// After the last `:` behind the host; may be empty.
    pub(super) port: Option<&'a str>,
    /// From the first `/`, `?` or `#` behind the authority.
    pub(super) rest: &'a str,
}

/// Cuts a value into its parts. `None`: it has no `//` where an authority begins.
pub(super) fn cut(value: &str) -> Option<Parts<'_>> {
    let (before, after) = value.split_once("//")?;
    let scheme = match before {
        "" => None,
        _ => Some(before.strip_suffix(':').filter(|s| is_scheme(s))?),
    };
    let (authority, rest) = after.split_at(after.find(['/', '?', '#']).unwrap_or(after.len()));
    let (userinfo, place) = match authority.rsplit_once('@') {
        Some((userinfo, place)) => (Some(userinfo), place),
        None => (None, authority),
    };
    if let Some((host, behind)) = place.strip_prefix('[').and_then(|p| p.split_once(']'))
        && (behind.is_empty() || behind.starts_with(':'))
    {
        return Some(Parts { scheme, userinfo, host, bracketed: true, port: behind.strip_prefix(':'), rest });
    }
    let (host, port) = match place.rsplit_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (place, None),
    };
    Some(Parts { scheme, userinfo, host, bracketed: false, port, rest })
}

/// Whether a text can be a scheme (RFC 3986, 3.1).
pub(super) fn is_scheme(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
}

/// Whether every `%` begins a triplet.
pub(super) fn escapes_are_whole(text: &str) -> bool {
    let whole = |after: &str| after.len() >= 2 && after.bytes().take(2).all(|b| b.is_ascii_hexdigit());
    text.split('%').skip(1).all(whole)
}

/// Whether a user's name or password reaches over the end of the authority, so that what seems to be the host is a
/// piece of it.
pub(super) fn is_torn(parts: &Parts) -> bool {
    parts.userinfo.is_none() && parts.rest.contains('@')
}

/// What is wrong with a value that a stack has refused as a whole.
pub(super) fn blame(value: &str) -> Fault {
    let after = value.split_once("//").map_or(value, |(_, after)| after);
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-._~!$&'()*+,;=:%".contains(c);
    if let Some((userinfo, _)) = after.rsplit_once('@')
        && !(userinfo.chars().all(allowed) && escapes_are_whole(userinfo))
    {
        return Fault::Credentials;
    }
    if value.contains(|c: char| c.is_whitespace() || c.is_control() || "\"'`<>{}|\\^".contains(c)) {
        return Fault::Character;
    }
    let Some(parts) = cut(value) else {
        let slashes_missing = value.split_once(":/").is_some_and(|(scheme, _)| is_scheme(scheme));
        return if slashes_missing { Fault::NoHost } else { Fault::NoScheme };
    };
    match parts.port.map(port) {
        _ if parts.host.is_empty() => Fault::NoHost,
        Some(Err(fault)) => fault,
        Some(Ok(_)) | None if parts.scheme.is_none() => Fault::NoScheme,
        Some(Ok(_)) | None => Fault::Host,
    }
}

/// The digits that a text begins with.
pub(super) fn leading_digits(text: &str) -> &str {
    text.split(|c: char| !c.is_ascii_digit()).next().unwrap_or_default()
}

/// A port that a connection can be made to.
pub(super) fn port(text: &str) -> Result<u16, Fault> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|port| digits && *port != 0).ok_or(Fault::Port)
}

/// A proxy from parts that a stack has accepted.
pub(super) fn proxy(
    scheme: Scheme,
    host: &str,
    port: u16,
    credentials: Option<String>,
) -> Result<ProxyUrl, Fault> {
    if host.is_empty() {
        return Err(Fault::NoHost);
    }
    let host = host.trim_end_matches('.');
    let named = host.chars().all(|c| c.is_ascii_alphanumeric() || "-._".contains(c));
    if ["http", "https"].contains(&host) {
        return Err(Fault::SchemeForHost);
    }
    if host.is_empty() || !(named || host.parse::<Ipv6Addr>().is_ok()) {
        return Err(Fault::Host);
    }
    Ok(ProxyUrl { scheme, target: Target::new(host, port), credentials: credentials.map(Secret::new) })
}
