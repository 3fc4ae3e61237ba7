//! Which way out a component takes, by the rules of its own HTTP stack. Pure: environment in, decision out.
//!
//! The rules of four stacks disagree: which variable is read, how `no_proxy` matches, what a value that is no
//! URL does. Each stands in its own file and is held against the real program in `tests/egress.rs`. Which
//! decisions share one run of the checks is decided in `routes`.

mod curl;
pub mod routes;

use crate::subject::Via;
use crate::subject::address::{BaseUrl, ProxyUrl};
use crate::subject::environment::Environment;
use crate::subject::place::Stack;
use std::net::IpAddr;

/// The HTTP stack whose rules hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rules {
    /// Ruby's `Net::HTTP`: Puma, Sidekiq.
    Ruby,
    /// Go's net/http, and grpc-go with it: Workhorse.
    Go,
    /// gRPC C-core: Rails towards the workflow service.
    Grpc,
    /// curl: the administrator's shell.
    Curl,
}

impl Rules {
    /// The rules that a component follows.
    pub fn of(stack: Stack) -> Self {
        match stack {
            Stack::Rails | Stack::Sidekiq => Rules::Ruby,
            Stack::Workhorse => Rules::Go,
            Stack::Grpc => Rules::Grpc,
            Stack::Shell => Rules::Curl,
        }
    }

    /// What people call it.
    pub fn name(self) -> &'static str {
        match self {
            Rules::Ruby => "Ruby",
            Rules::Go => "Go",
            Rules::Grpc => "gRPC C-core",
            Rules::Curl => "curl",
        }
    }
}

/// Which way a stack goes, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The way.
    pub via: Via,
    /// The variable that names a proxy for this target, also where an exception or its own value keeps it from
    /// being used. `None`: none that these rules read is set.
    pub variable: Option<String>,
    /// The exception that took the target off that proxy.
    pub exception: Option<Exception>,
    /// Variables that name a proxy and are never read by these rules for this target.
    pub ignored: Vec<String>,
    /// Entries of the `no_proxy` list that these rules do not understand: they can match nothing, or not what
    /// their writer meant.
    pub unsupported: Vec<String>,
}

/// An entry of a `no_proxy` list that matches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exception {
    /// `no_proxy`, `NO_PROXY`, …; or the rule that needs no entry: `localhost`.
    pub variable: String,
    /// The entry as written.
    pub entry: String,
}

impl Decision {
    /// What decided, in a few words: `http_proxy`, `no_proxy has .gitlab.com`, `no proxy variable applies`.
    pub fn source(&self) -> String {
        match (&self.variable, &self.exception) {
            (_, Some(Exception { variable, entry })) => format!("{variable} has {entry}"),
            (Some(variable), None) => variable.clone(),
            (None, None) => "no proxy variable applies".to_owned(),
        }
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

/// Decides which way a stack takes to a service. `addresses` are those that the service's name is known to have
/// before anything was asked: Ruby holds networks in `no_proxy` against them.
pub fn decide(rules: Rules, service: &BaseUrl, environment: &Environment, addresses: &[IpAddr]) -> Decision {
    let _ = addresses;
    match rules {
        Rules::Ruby | Rules::Go | Rules::Grpc | Rules::Curl => curl::decide(service, environment),
    }
}
