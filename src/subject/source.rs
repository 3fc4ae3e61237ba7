//! Where a run comes from that this program did not make: whose report it is, and what is kept of it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A report of another program, as far as it is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Source {
    /// Whose.
    pub kind: Kind,
    /// Its results in the order of the steps. Untyped here: what they are is known further up.
    #[serde(default)]
    pub results: Vec<Value>,
}

/// Whose report it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// GitLab's own health check.
    #[serde(rename = "gitlab-health-check")]
    HealthCheck,
}

impl Kind {
    /// Whose, in few words.
    pub fn title(self) -> &'static str {
        match self {
            Kind::HealthCheck => "GitLab's own report",
        }
    }

    /// What such a report does not say of itself.
    pub fn silent_about(self) -> &'static str {
        match self {
            Kind::HealthCheck => "It does not say when, or on which node, it was made.",
        }
    }

    /// What such a report does not look at.
    pub fn lacks(self) -> &'static str {
        match self {
            Kind::HealthCheck => "Workhorse, Sidekiq, inbound, WebSocket, proxies, trust",
        }
    }
}
