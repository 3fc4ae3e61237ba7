//! Faults of the node: what its files and processes say, and what they should.

use crate::subject::Install;
use crate::subject::place::Stack;
use serde::Deserialize;
use std::collections::BTreeMap;

/// Variables with their values.
pub type Variables = BTreeMap<String, String>;

/// How a node differs from the lab's usual one: a Linux package with Rails, Workhorse and Sidekiq, no proxy.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
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
    pub deployment: Option<String>,
    /// Whether the Agent Platform is used; not said: it is.
    pub agent_platform: Option<bool>,
}
