//! The ways out of a node: who uses which service, which way each goes, and who shares one.
//!
//! Routes follow what the next restart gives. Stacks that would connect in the very same way (same proxy, same
//! trust) share one route, and the place carries the first of them.

use super::{Decision, Given, Rules, decide};
use crate::subject::address::BaseUrl;
use crate::subject::environment::Environment;
use crate::subject::facts::Facts;
use crate::subject::place::{Endpoint, Stack};
use crate::subject::services::Services;
use crate::subject::{Route, StoreId, Via};
use std::net::IpAddr;

/// What the routes of a node are made of.
pub struct Ways<'a> {
    /// Where the services are.
    pub services: &'a Services,
    /// The components with their environments.
    pub facts: &'a Facts,
    /// The administrator's shell.
    pub shell: &'a Environment,
    /// What takes the environments' place.
    pub given: Option<&'a Given>,
    /// Whose roots a stack trusts.
    pub trust: &'a dyn Fn(Stack) -> StoreId,
    /// The addresses that a name is known to have before anything was asked: from the hosts file or `--resolve`.
    pub addresses: &'a dyn Fn(&str) -> Vec<IpAddr>,
}

/// The stacks of GitLab that use an endpoint (contract, section 5).
pub fn users(endpoint: Endpoint) -> &'static [Stack] {
    match endpoint {
        Endpoint::Customers => &[Stack::Rails, Stack::Sidekiq],
        Endpoint::Cloud | Endpoint::Gateway => &[Stack::Rails, Stack::Sidekiq, Stack::Workhorse],
        Endpoint::Workflow => &[Stack::Workhorse, Stack::Grpc],
        Endpoint::Instance => &[],
    }
}

/// The endpoints that routes lead to, in order.
pub const ENDPOINTS: [Endpoint; 4] =
    [Endpoint::Customers, Endpoint::Cloud, Endpoint::Workflow, Endpoint::Gateway];

/// Every route of a node, the shell's last for each endpoint.
pub fn routes(ways: &Ways) -> Vec<Route> {
    let mut routes: Vec<Route> = Vec::new();
    for endpoint in ENDPOINTS {
        let Some(service) = ways.services.base(endpoint) else { continue };
        let first = routes.len();
        for stack in users(endpoint).iter().chain(&[Stack::Shell]) {
            let Some(route) = route(ways, endpoint, service, *stack) else { continue };
            let alike =
                |r: &&mut Route| r.via == route.via && r.trust == route.trust && *stack != Stack::Shell;
            match routes[first..].iter_mut().find(alike) {
                Some(shared) => shared.stacks.push(*stack),
                None => routes.push(route),
            }
        }
    }
    for (i, route) in routes.iter_mut().enumerate() {
        route.id = format!("r{}", i + 1);
    }
    routes
}

/// The route of one stack; `None`: the component does not run here, or what it gets could not be read.
fn route(ways: &Ways, endpoint: Endpoint, service: &BaseUrl, stack: Stack) -> Option<Route> {
    let environment = match stack {
        Stack::Shell => Some(ways.shell),
        Stack::Rails | Stack::Workhorse | Stack::Sidekiq | Stack::Grpc => {
            ways.facts.component(stack)?.configured.as_ref()
        }
    };
    let (via, source, and_not) = match ways.given {
        Some(Given::Direct) => (Via::Direct, "--proxy none".to_owned(), Vec::new()),
        Some(Given::Proxy(proxy)) => (Via::Proxy(proxy.clone()), "--proxy".to_owned(), Vec::new()),
        None => {
            let environment = environment?;
            let rules = Rules::of(stack);
            let decision = decide(rules, service, environment, &(ways.addresses)(&service.target.host));
            (decision.via.clone(), decided(&decision, environment), beside(rules, &decision))
        }
    };
    Some(Route {
        id: String::new(),
        stacks: vec![stack],
        endpoint,
        via,
        trust: (ways.trust)(stack),
        source,
        and_not,
        trusts: String::new(),
    })
}

/// What decided, with where it was read.
fn decided(decision: &Decision, environment: &Environment) -> String {
    let read = decision.exception.as_ref().map(|e| &e.variable).or(decision.variable.as_ref());
    let from = read.and_then(|name| environment.get(name)).map(|v| format!(", from {}", v.from));
    format!("{}{}", decision.source(), from.unwrap_or_default())
}

/// What is set as well and decides nothing.
fn beside(rules: Rules, decision: &Decision) -> Vec<String> {
    let ignored =
        decision.ignored.iter().map(|v| format!("{v} is set too, but {} never reads it here", rules.name()));
    let unsupported =
        decision.unsupported.iter().map(|e| format!("{} does not understand {e} in no_proxy", rules.name()));
    let passed_over =
        decision.passed_over.iter().map(|why| format!("{} passes over its value: {why}", rules.name()));
    passed_over.chain(ignored).chain(unsupported).collect()
}
