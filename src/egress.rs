//! Which way out a component takes, by the rules of its own HTTP stack. Pure: environment in, decision out.
//!
//! The rules of four stacks disagree: which variable is read, how `no_proxy` matches, what a value that is no
//! URL does. Each stands in its own file and is held against the real program in `tests/egress/`. Which
//! decisions share one run of the checks is decided in `routes`.
//!
//! Values are read as they are written, blanks included: some stacks refuse them, others do not.

mod curl;
mod go;
mod grpc;
mod list;
pub mod routes;
mod ruby;
mod value;

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
    /// Why these rules pass over the value of `variable` without an error and go direct: Go where nothing of it
    /// can be parsed, gRPC C-core for anything but `http://host`. `None`: they did not.
    pub passed_over: Option<String>,
    /// Variables that name a proxy and are never read by these rules for this target, or that an empty variable
    /// hides. `grpc_proxy` is meant for gRPC alone and is not missed elsewhere.
    pub ignored: Vec<String>,
    /// Entries of the `no_proxy` list that these rules do not understand: they can match nothing, or not what
    /// their writer meant. Empty where no list was consulted.
    pub unsupported: Vec<String>,
}

/// An entry of a `no_proxy` list that matches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exception {
    /// `no_proxy`, `NO_PROXY`, …; or the rule that needs no entry: `the loopback rule`.
    pub variable: String,
    /// The entry as written; for the loopback rule, the target's host.
    pub entry: String,
}

impl Decision {
    /// What decided, in a few words: `http_proxy`, `no_proxy has .gitlab.com`, `no proxy variable applies`,
    /// `https_proxy is passed over`.
    pub fn source(&self) -> String {
        match (&self.variable, &self.exception, &self.passed_over) {
            (_, Some(Exception { variable, entry }), _) => format!("{variable} has {entry}"),
            (Some(variable), None, None) => variable.clone(),
            (Some(variable), None, Some(_)) => format!("{variable} is passed over"),
            (None, None, _) => "no proxy variable applies".to_owned(),
        }
    }

    /// Straight to the target, because nothing that is read names a proxy.
    fn direct(ignored: Vec<String>) -> Self {
        Self {
            via: Via::Direct,
            variable: None,
            exception: None,
            passed_over: None,
            ignored,
            unsupported: Vec::new(),
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
/// before anything was asked, the resolver's first choice first: Ruby resolves the name itself and holds the first
/// address against loopback and the networks in `no_proxy`. Where none is known, Ruby is taken to find an address
/// in none of them.
pub fn decide(rules: Rules, service: &BaseUrl, environment: &Environment, addresses: &[IpAddr]) -> Decision {
    match rules {
        Rules::Ruby => ruby::decide(service, environment, addresses),
        Rules::Go => go::decide(service, environment),
        Rules::Grpc => grpc::decide(service, environment),
        Rules::Curl => curl::decide(service, environment),
    }
}

/// The variables that any of the stacks reads for http and https targets, in the order in which they are listed.
const NAME_A_PROXY: [&str; 6] =
    ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];

/// A variable with its value.
type Set<'a> = (&'static str, &'a str);

/// The first of some variables that is set at all, if only to nothing.
fn first_set<'a>(environment: &'a Environment, names: &[&'static str]) -> Option<Set<'a>> {
    names.iter().find_map(|name| Some((*name, environment.get(name)?.value.expose())))
}

/// The first of some variables that is set to something, be it a blank.
fn first_filled<'a>(environment: &'a Environment, names: &[&'static str]) -> Option<Set<'a>> {
    let filled =
        |name: &&'static str| first_set(environment, &[*name]).filter(|(_, value)| !value.is_empty());
    names.iter().find_map(filled)
}

/// The variables that name a proxy and are not among those that are read.
fn never_read(environment: &Environment, read: &[&str]) -> Vec<String> {
    let names = |name: &&&str| !read.contains(*name) && environment.value(name).is_some();
    NAME_A_PROXY.iter().filter(names).map(|name| (*name).to_owned()).collect()
}

/// The way that a value gives, if nothing takes the target off it.
fn way(variable: &str, value: Result<ProxyUrl, value::Fault>) -> Via {
    match value {
        Ok(proxy) => Via::Proxy(proxy),
        Err(fault) => Via::Unusable { variable: variable.to_owned(), why: fault.to_string() },
    }
}

/// The exception of hosts that are never asked through a proxy, by Ruby and Go.
fn loopback_rule(service: &BaseUrl) -> Exception {
    Exception { variable: "the loopback rule".to_owned(), entry: service.target.host.clone() }
}
