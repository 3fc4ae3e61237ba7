//! The dial table: where connections really go. Data that `--connect-to`, `--resolve`, `--nameserver` and the
//! lab fill alike; `net` obeys it for every protocol.

use super::address::Target;
use super::logs::Found;
use super::runner::{Call, Failed};
use serde::{Deserialize, Serialize};
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use thiserror::Error;

/// The rules, the first that matches wins, and the resolver to ask in place of the system's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dial {
    /// Rules on names, asked before a name is resolved.
    pub names: Vec<NameRule>,
    /// Rules on addresses, asked when a connection to one is about to start.
    pub addresses: Vec<AddressRule>,
    /// Rules on Unix sockets: what happens to a connection to one, by its path.
    pub sockets: Vec<(PathBuf, AddressTo)>,
    /// What becomes of the question to Rails on this node; `None`: there is nobody to ask.
    pub rails: Option<Rails>,
    /// Where the log files are.
    pub logs: Logs,
    /// Asked for every name in place of `resolv.conf`; `getaddrinfo` is then not asked.
    pub nameserver: Option<SocketAddr>,
}

/// Where the log files of this node are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Logs {
    /// Nowhere: there is no GitLab here.
    #[default]
    Nowhere,
    /// Below this directory, as the node has them below `/`.
    Below(PathBuf),
    /// They are not read: this is what they show.
    Say(Box<Found>),
}

/// What becomes of the question to Rails on this node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rails {
    /// This is run for it.
    Ask(Call),
    /// It cannot be asked here, and why.
    Cannot(Failed),
    /// It is not asked: this is the document, as JSON text.
    Says(String),
}

/// What happens to connections meant for a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameRule {
    /// The host that the rule is for; `None` matches any.
    pub host: Option<String>,
    /// The port that the rule is for; `None` matches any.
    pub port: Option<u16>,
    /// What to do.
    pub to: NameTo,
}

/// Where a name leads instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NameTo {
    /// `--connect-to`: resolve and connect this in its place. `None` keeps the part asked for.
    Connect {
        /// The host to resolve instead.
        host: Option<String>,
        /// The port to connect to instead.
        port: Option<u16>,
    },
    /// `--resolve`: these addresses are the answer of DNS.
    Addresses(Vec<IpAddr>),
    /// The hosts file below `--sysroot` has these addresses, and the system's would not be asked there.
    Hosts(Vec<IpAddr>),
}

/// What happens to a connection to an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddressRule {
    /// The address that the rule is for; `None` matches any.
    pub address: Option<IpAddr>,
    /// The port that the rule is for; `None` matches any.
    pub port: Option<u16>,
    /// What to do.
    pub to: AddressTo,
}

/// Where a connection to an address goes, or how it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressTo {
    /// To this address instead.
    Connect(SocketAddr),
    /// To nothing: refused at once, as a closed port does.
    Refuse,
    /// To nothing: host or network unreachable.
    Unreachable,
    /// To nothing: packets vanish, only our own timeout ends it.
    Swallow,
}

impl Dial {
    /// The rule for a name, if any.
    pub fn name(&self, target: &Target) -> Option<&NameTo> {
        let matches = |r: &&NameRule| {
            r.host.as_ref().is_none_or(|h| *h == target.host) && r.port.is_none_or(|p| p == target.port)
        };
        self.names.iter().find(matches).map(|r| &r.to)
    }

    /// The rule for an address, if any.
    pub fn address(&self, to: SocketAddr) -> Option<AddressTo> {
        let matches = |r: &&AddressRule| {
            r.address.is_none_or(|a| a == to.ip()) && r.port.is_none_or(|p| p == to.port())
        };
        self.addresses.iter().find(matches).map(|r| r.to)
    }

    /// The rule for a Unix socket, if any.
    pub fn socket(&self, path: &Path) -> Option<AddressTo> {
        self.sockets.iter().find(|(p, _)| p == path).map(|(_, to)| *to)
    }

    /// Whether `--connect-to` sends this target elsewhere, so that its name and addresses mean nothing.
    pub fn is_connect_to(&self, target: &Target) -> bool {
        matches!(self.name(target), Some(NameTo::Connect { .. }))
    }
}

/// Why a `--connect-to` or `--resolve` does not parse.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{given}` is not {form}: {why}")]
pub struct DialError {
    given: String,
    form: &'static str,
    why: String,
}

/// One `--connect-to HOST1:PORT1:HOST2:PORT2`, as curl's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectTo(pub NameRule);

/// One `--resolve HOST:PORT:ADDRESS[,ADDRESS…]`, as curl's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResolveTo(pub NameRule);

impl FromStr for ConnectTo {
    type Err = DialError;

    fn from_str(text: &str) -> Result<Self, DialError> {
        let fail = |why: &str| DialError {
            given: crate::text::foreign(text),
            form: "HOST1:PORT1:HOST2:PORT2",
            why: why.to_owned(),
        };
        let parts = split(text).ok_or_else(|| fail("a bracket is not closed"))?;
        let [host, port, host2, port2] = parts.as_slice() else {
            return Err(fail(&format!("it has {} parts, not 4", parts.len())));
        };
        let port = port_of(port).map_err(|e| fail(&e))?;
        let port2 = port_of(port2).map_err(|e| fail(&e))?;
        let to = NameTo::Connect { host: name_of(host2), port: port2 };
        Ok(Self(NameRule { host: name_of(host), port, to }))
    }
}

impl FromStr for ResolveTo {
    type Err = DialError;

    fn from_str(text: &str) -> Result<Self, DialError> {
        let fail =
            |why: String| DialError { given: crate::text::foreign(text), form: "HOST:PORT:ADDRESS", why };
        let (host, rest) = text.split_once(':').ok_or_else(|| fail("it has no port".into()))?;
        let (port, addresses) = rest.split_once(':').ok_or_else(|| fail("it has no address".into()))?;
        let port = port_of(port).map_err(fail)?;
        let addresses = addresses
            .split(',')
            .map(|a| a.trim_matches(['[', ']', ' ']).parse::<IpAddr>())
            .collect::<Result<Vec<_>, _>>()
            .map_err(|e| fail(format!("`{addresses}`: {e}")))?;
        let host = if host == "*" { None } else { name_of(host) };
        Ok(Self(NameRule { host, port, to: NameTo::Addresses(addresses) }))
    }
}

/// Splits at colons outside brackets.
fn split(text: &str) -> Option<Vec<String>> {
    let mut parts = vec![String::new()];
    let mut inside = false;
    for c in text.chars() {
        match c {
            '[' if !inside => inside = true,
            ']' if inside => inside = false,
            ':' if !inside => parts.push(String::new()),
            c => parts.last_mut()?.push(c),
        }
    }
    (!inside).then_some(parts)
}

fn name_of(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_ascii_lowercase())
}

fn port_of(text: &str) -> Result<Option<u16>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|_| format!("`{text}` is not a port"))
}

/// Where a resolved name came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NameSource {
    /// The system's own way: `getaddrinfo`, with `/etc/hosts` and `nsswitch.conf`.
    System,
    /// The resolver given with `--nameserver`.
    Nameserver(SocketAddr),
    /// `--resolve`.
    Given,
    /// It was an address already.
    Literal,
    /// `--connect-to` led to another host.
    ConnectTo(Target),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connect_to_reads_as_curl_does() {
        let rule = "gitlab.example.com:443:[::1]:8443".parse::<ConnectTo>().expect("a rule").0;
        assert_eq!(rule.host.as_deref(), Some("gitlab.example.com"));
        assert_eq!(rule.to, NameTo::Connect { host: Some("::1".into()), port: Some(8443) });
        let any = "::127.0.0.1:".parse::<ConnectTo>().expect("a rule").0;
        assert_eq!((any.host, any.port), (None, None));
        assert_eq!(any.to, NameTo::Connect { host: Some("127.0.0.1".into()), port: None });
    }

    #[test]
    fn what_does_not_parse_says_why() {
        for (text, why) in [
            ("gitlab.example.com:443", "it has 2 parts, not 4"),
            ("a:b:c:1", "`b` is not a port"),
            ("[::1:443:a:1", "a bracket is not closed"),
        ] {
            let error = text.parse::<ConnectTo>().expect_err(text).to_string();
            assert!(error.ends_with(why), "{error}");
        }
        assert!("cloud.gitlab.com:443:nowhere".parse::<ResolveTo>().is_err());
    }

    #[test]
    fn the_first_rule_that_matches_wins() {
        let rule = |text: &str| text.parse::<ConnectTo>().expect("a rule").0;
        let dial = Dial { names: vec![rule("a:443:b:1"), rule("::c:2")], ..Dial::default() };
        assert_eq!(
            dial.name(&Target::new("A", 443)),
            Some(&NameTo::Connect { host: Some("b".into()), port: Some(1) })
        );
        assert_eq!(
            dial.name(&Target::new("a", 80)),
            Some(&NameTo::Connect { host: Some("c".into()), port: Some(2) })
        );
    }
}
