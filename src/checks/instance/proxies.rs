//! The proxies that anything on this node names, and whether one of them reaches what a component does not.

use crate::check::{Reached, Seen, Verdict};
use crate::checks::network::{self, answer};
use crate::failure::{Failure, Layer};
use crate::probe::{Probe, Reading};
use crate::subject::address::ProxyUrl;
use crate::subject::environment::{Environment, PROXY_VARIABLES};
use crate::subject::{Route, Subject, Via};

/// A proxy that somebody set on this node.
pub(super) struct Known {
    /// Where it is.
    pub(super) proxy: ProxyUrl,
    /// Where it was read.
    pub(super) from: String,
}

/// Every proxy that a component, the shell or a bystander names, each once, GitLab's own components first.
pub(super) fn known(subject: &Subject) -> Vec<Known> {
    let of_components = subject.facts.components.iter().filter_map(|c| c.configured.as_ref());
    let of_bystanders = subject.facts.bystanders.iter().map(|b| &b.environment);
    let mut known: Vec<Known> = Vec::new();
    let named = of_components.chain(of_bystanders).flat_map(proxies);
    let walked = subject.routes.iter().filter_map(|r| match &r.via {
        Via::Proxy(proxy) => Some(Known { proxy: proxy.clone(), from: r.source.clone() }),
        Via::Direct | Via::Unusable { .. } => None,
    });
    for one in named.chain(walked) {
        if !known.iter().any(|k| k.proxy == one.proxy) {
            known.push(one);
        }
    }
    known
}

fn proxies(environment: &Environment) -> impl Iterator<Item = Known> {
    let names = |name: &str| {
        let lower = name.to_ascii_lowercase();
        PROXY_VARIABLES.contains(&name) && lower.ends_with("_proxy") && !lower.starts_with("no_")
    };
    environment.iter().filter(move |(name, _)| names(name)).filter_map(|(name, variable)| {
        let proxy = variable.value.expose().parse().ok()?;
        Some(Known { proxy, from: format!("{name}, from {}", variable.from) })
    })
}

/// The walk of a route through another proxy.
pub(super) fn detour(subject: &Subject, route: &Route, proxy: &ProxyUrl) -> Option<Probe> {
    network::walk_by(subject, route, &Via::Proxy(proxy.clone()))
}

/// How far a walk comes, for comparing two ways to the same service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Reaches {
    /// Not as far as a certificate, or to somebody else.
    Nothing,
    /// A certificate was shown that this component does not trust.
    Certificate,
    /// The service answers.
    Service,
}

/// How far a walk came; `None`: it is not over.
pub(super) fn reaches(subject: &Subject, route: &Route, probe: &Probe, seen: Seen) -> Option<Reaches> {
    match seen.reached(probe, Layer::Http) {
        Reached::Here(Reading::Answer(found)) => {
            let host = subject.target(route.endpoint).map(|t| t.host).unwrap_or_default();
            let right = match answer::judge(route.endpoint, &host, found) {
                Verdict::Pass(_) => true,
                Verdict::Findings(findings) => {
                    findings.iter().all(|f| f.code.severity() == crate::finding::Severity::Warn)
                }
                Verdict::NotApplicable(_)
                | Verdict::NotAsked(_)
                | Verdict::Wants(..)
                | Verdict::Unknown(_) => false,
            };
            Some(if right { Reaches::Service } else { Reaches::Nothing })
        }
        Reached::Failed(Failure::Tls(tls)) if tls.kind.is_about_the_certificate() => {
            Some(Reaches::Certificate)
        }
        Reached::Failed(_) => Some(Reaches::Nothing),
        Reached::Here(_) | Reached::NotYet => None,
    }
}
