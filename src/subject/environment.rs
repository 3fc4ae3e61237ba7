//! The environment of a component, as a file, a process or a shell gives it: the variables that decide which way
//! out is taken and whom it trusts, each with where it was read.

use crate::secret::Secret;
use std::collections::BTreeMap;

/// The variables of one environment that matter here. Values may carry passwords, so they cannot be printed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Environment(BTreeMap<String, Variable>);

/// One variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variable {
    /// Its value, as written.
    pub value: Secret,
    /// Where it was read: `/opt/gitlab/etc/gitlab-rails/env/http_proxy`, `the environment of pid 2114`.
    pub from: String,
}

/// The variables that any HTTP stack reads to choose a proxy. `REQUEST_METHOD` makes Ruby and Go distrust
/// `HTTP_PROXY`, as in a CGI script; Ruby then reads `CGI_HTTP_PROXY` in its place.
pub const PROXY_VARIABLES: [&str; 14] = [
    "http_proxy",
    "HTTP_PROXY",
    "https_proxy",
    "HTTPS_PROXY",
    "all_proxy",
    "ALL_PROXY",
    "no_proxy",
    "NO_PROXY",
    "grpc_proxy",
    "no_grpc_proxy",
    "GRPC_PROXY",
    "NO_GRPC_PROXY",
    "REQUEST_METHOD",
    "CGI_HTTP_PROXY",
];

/// Other variables that change what a component does on the wire, or which hosts it needs (GitLab's
/// `config/initializers/1_settings.rb`, `ee/lib/gitlab/ai_gateway.rb`; OpenSSL's and Go's manuals).
pub const OTHER_VARIABLES: [&str; 8] = [
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "GODEBUG",
    "AI_GATEWAY_URL",
    "CLOUD_CONNECTOR_BASE_URL",
    "CUSTOMER_PORTAL_URL",
    "CLOUD_CONNECTOR_SELF_SIGN_TOKENS",
    "DUO_AGENT_PLATFORM_SERVICE_SECURE",
];

impl Environment {
    /// Keeps what matters of some variables that were all read at one place.
    pub fn of(variables: impl IntoIterator<Item = (String, String)>, from: &str) -> Self {
        let mut environment = Self::default();
        for (name, value) in variables {
            environment.set(&name, value, from);
        }
        environment
    }

    /// Whether a variable matters here.
    pub fn keeps(name: &str) -> bool {
        PROXY_VARIABLES.contains(&name) || OTHER_VARIABLES.contains(&name)
    }

    /// Takes a variable out, as an empty file in an environment directory does.
    pub fn unset(&mut self, name: &str) {
        self.0.remove(name);
    }

    /// Sets a variable, if it is one that matters.
    pub fn set(&mut self, name: &str, value: impl Into<String>, from: impl Into<String>) {
        if Self::keeps(name) {
            let variable = Variable { value: Secret::new(value), from: from.into() };
            self.0.insert(name.to_owned(), variable);
        }
    }

    /// A variable that is set, if only to nothing.
    pub fn get(&self, name: &str) -> Option<&Variable> {
        self.0.get(name)
    }

    /// The value of a variable that is set and not blank, for the rule that reads it.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.get(name).map(|v| v.value.expose().trim()).filter(|v| !v.is_empty())
    }

    /// The variables in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Variable)> {
        self.0.iter().map(|(name, variable)| (name.as_str(), variable))
    }

    /// Whether any variable that names a proxy is set to something.
    pub fn names_a_proxy(&self) -> bool {
        let names = |name: &&str| name.to_ascii_lowercase().ends_with("_proxy");
        let not = |name: &&str| name.to_ascii_lowercase().starts_with("no_");
        PROXY_VARIABLES.iter().any(|n| names(n) && !not(n) && self.value(n).is_some())
    }

    /// Whether both choose proxies by the same values.
    pub fn has_the_same_proxies(&self, other: &Environment) -> bool {
        PROXY_VARIABLES.iter().all(|name| self.value(name) == other.value(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pairs: &[(&str, &str)]) -> Environment {
        Environment::of(pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())), "a test")
    }

    #[test]
    fn only_variables_that_matter_are_kept() {
        let environment = of(&[("http_proxy", " http://a:1 "), ("HOME", "/root"), ("no_proxy", "")]);
        assert_eq!(environment.iter().map(|(n, _)| n).collect::<Vec<_>>(), ["http_proxy", "no_proxy"]);
        assert_eq!(
            (environment.value("http_proxy"), environment.value("no_proxy")),
            (Some("http://a:1"), None)
        );
    }

    #[test]
    fn an_exception_alone_names_no_proxy() {
        assert!(!of(&[("no_proxy", "a"), ("http_proxy", " ")]).names_a_proxy());
        assert!(of(&[("HTTPS_PROXY", "a:1")]).names_a_proxy());
    }

    #[test]
    fn a_value_never_shows_in_debug_output() {
        assert!(!format!("{:?}", of(&[("http_proxy", "http://u:hidden@a:1")])).contains("hidden"));
    }
}
