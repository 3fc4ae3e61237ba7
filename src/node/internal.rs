//! Hosts that must be reached without a proxy, from everything that was found (GitLab talks to Gitaly through a
//! stack that obeys proxy variables, so one that is missing here can stop Git).

use super::gitlab_yml::{GitlabYml, host_of};
use crate::subject::address::BaseUrl;
use crate::subject::facts::{Facts, Internal};

/// Domains of GitLab itself: these are what a proxy is for.
const GITLABS: [&str; 2] = ["gitlab.com", "gitlab.net"];

/// The list, each host once, in order. `None`: the storages could not be told, so no list would be whole.
pub(super) fn internal(yml: &GitlabYml, url: Option<&BaseUrl>, facts: &Facts) -> Option<Vec<Internal>> {
    let mut found = yml.internal()?;
    let mut add = |host: &str, what: &str| {
        found.push(Internal { host: host.to_owned(), what: what.to_owned() });
    };
    for loopback in ["localhost", "127.0.0.1"] {
        add(loopback, "this node");
    }
    if let Some(url) = url {
        add(&url.target.host, "this instance");
    }
    let gateways = [
        ("AI_GATEWAY_URL", facts.service("AI_GATEWAY_URL").map(|url| url.target.host)),
        ("workflow", facts.workflow_service.as_ref().and_then(|(at, _)| Some(host_of(at)?.host))),
    ];
    for (kind, host) in gateways {
        let what = if kind == "workflow" { "the own workflow service" } else { "the own AI gateway" };
        if let Some(host) = host.filter(|host| !is_gitlabs(host)) {
            add(&host, what);
        }
    }
    found.sort();
    found.dedup_by(|a, b| a.host == b.host);
    Some(found)
}

fn is_gitlabs(host: &str) -> bool {
    GITLABS.iter().any(|domain| host == *domain || host.ends_with(&format!(".{domain}")))
}
