//! Faults of the node: what its files and processes say, and what they should.

use crate::subject::Install;
use crate::subject::place::Stack;
use crate::subject::services::Deployment;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// Variables with their values.
pub type Variables = BTreeMap<String, String>;

/// How a node differs from the lab's usual one: a Linux package with Rails, Workhorse and Sidekiq, no proxy.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NodeChange {
    /// Another kind of installation.
    pub install: Option<Install>,
    /// Another version.
    pub version: Option<String>,
    /// Another edition.
    pub edition: Option<String>,
    /// Other roles; the components follow them.
    pub roles: Option<Vec<String>>,
    /// Variables of what the next start of a component gets, put over those that stand. An empty value takes one
    /// away. `rails` stands for Sidekiq too.
    pub environment: BTreeMap<Stack, Variables>,
    /// Variables that a running process has in place of its files' ones.
    pub running: BTreeMap<Stack, Variables>,
    /// A running process whose environment was written over by its title and that is older than its files.
    pub outdated: Option<Stack>,
    /// Variables at places from which no component gets them.
    pub bystanders: BTreeMap<String, Variables>,
    /// An `['env']` that is assigned twice: its name, and the variables that get lost.
    pub repeated: BTreeMap<String, Vec<String>>,
    /// Where `sidekiq['env']` stands.
    pub sidekiq_env: Option<String>,
    /// Whether the node belongs to a Geo secondary site.
    pub geo_secondary: Option<bool>,
    /// Whether the storages could be read; if not, no list of internal hosts is complete.
    pub storages_unreadable: bool,
    /// What `--deployment` says.
    #[serde(deserialize_with = "deployment")]
    pub deployment: Option<Deployment>,
    /// Whether the Agent Platform is used; not said: it is.
    pub agent_platform: Option<bool>,
    /// Another web server on the node.
    pub nginx: Option<NginxChange>,
    /// Whether its files could be read; if not, what listens is not known to be GitLab's own.
    pub nginx_unreadable: bool,
    /// The port at which Workhorse listens, in place of its socket.
    pub workhorse_port: Option<u16>,
    /// Origins that Action Cable accepts beside the instance's own.
    pub allowed_origins: Vec<String>,
    /// The node's own addresses; not said: the lab's usual one.
    pub addresses: Option<Vec<IpAddr>>,
}

/// How the node's own web server differs from the lab's usual one: NGINX with TLS on port 443.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NginxChange {
    /// There is none.
    pub off: bool,
    /// It speaks plain text: a balancer ends TLS before it.
    pub plain: bool,
    /// It listens at this port.
    pub port: Option<u16>,
    /// Every connection has to begin with the header of the PROXY protocol.
    pub proxy_protocol: bool,
}

fn deployment<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Deployment>, D::Error> {
    let word = String::deserialize(from)?;
    word.parse().map(Some).map_err(|()| D::Error::custom(format!("`{word}` is no deployment")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_that_means_nothing_is_refused_and_not_passed_over() {
        let read = |text: &str| serde_json::from_str::<NodeChange>(text).map_err(|e| e.to_string());
        assert_eq!(read(r#"{"deployment": "hybrid"}"#).map(|c| c.deployment), Ok(Some(Deployment::Hybrid)));
        assert!(read(r#"{"deployment": "hybird"}"#).is_err_and(|e| e.contains("no deployment")));
        assert!(read(r#"{"deploiment": "hybrid"}"#).is_err_and(|e| e.contains("unknown field")));
    }
}
