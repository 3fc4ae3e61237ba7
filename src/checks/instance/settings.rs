//! The lines that an article prints for `gitlab.rb`: the environment as it stands, with the proxy that is needed
//! and the exceptions that this node needs. Data for an article, not advice.

use crate::subject::Subject;
use crate::subject::address::ProxyUrl;
use crate::subject::environment::{Environment, OTHER_VARIABLES};
use crate::subject::facts::EnvVariable;
use crate::subject::place::{Endpoint, Stack};

/// The merged lines of a component's hash, and its `no_proxy`: none where the hosts of this node that must be left
/// off a proxy are not all known, for a list that leaves out Gitaly can stop Git (`field-notes` 1).
pub(super) fn ready(subject: &Subject, stack: Stack, proxy: &ProxyUrl) -> (Vec<String>, Vec<String>) {
    let standing = subject.facts.component(stack).and_then(|c| c.configured.as_ref());
    let no_proxy: Vec<String> = no_proxy(subject, standing).into_iter().collect();
    let url = with_blank_credentials(proxy);
    let line = |name: &str, value: &str| format!("\"{name}\" => \"{}\",", quoted(value));
    let mut lines = vec![line("http_proxy", &url), line("https_proxy", &url)];
    lines.extend(no_proxy.iter().map(|list| line("no_proxy", list)));
    let key = if stack == Stack::Workhorse { "gitlab_workhorse['env']" } else { "gitlab_rails['env']" };
    match subject.facts.env_hashes.iter().find(|hash| hash.key == key).map(|hash| &hash.variables) {
        Some(Some(variables)) => lines.extend(variables.iter().filter(|v| !is_replaced(v)).map(kept)),
        Some(None) => lines.push(format!("# and the lines that {key} has now: only Ruby can tell them")),
        None => {}
    }
    (lines, no_proxy)
}

/// Whether the lines before say it anew: of two spellings the lower one counts for every component.
fn is_replaced(variable: &EnvVariable) -> bool {
    ["http_proxy", "https_proxy", "no_proxy"].contains(&variable.name.to_ascii_lowercase().as_str())
}

/// A line that stands and is kept; a value that may be a secret is not repeated.
fn kept(variable: &EnvVariable) -> String {
    let EnvVariable { name, value, place } = variable;
    match value.as_ref().map(crate::secret::Secret::expose) {
        Some(value) if is_plain(name) && !value.contains('@') => {
            format!("\"{name}\" => \"{}\",", quoted(value))
        }
        Some(_) | None => format!("# \"{name}\" => keep it as it stands, {place}"),
    }
}

/// Names whose values are known to hold no secret: every other may.
fn is_plain(name: &str) -> bool {
    const PLAIN: [&str; 12] = [
        "TZ",
        "LANG",
        "LC_ALL",
        "LC_CTYPE",
        "RAILS_ENV",
        "ICU_DATA",
        "MALLOC_CONF",
        "MALLOC_ARENA_MAX",
        "LD_PRELOAD",
        "BUNDLE_GEMFILE",
        "HOME",
        "PATH",
    ];
    PLAIN.contains(&name) || OTHER_VARIABLES.contains(&name)
}

/// A value inside Ruby's double quotes.
fn quoted(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('#', "\\#")
}

/// What stands, without entries that would take Duo off the proxy, and what was found to be internal. `None`: not
/// all of it is known.
fn no_proxy(subject: &Subject, standing: Option<&Environment>) -> Option<String> {
    let internal = subject.facts.internal.as_ref()?;
    let own = standing.and_then(|e| e.value("no_proxy").or_else(|| e.value("NO_PROXY"))).unwrap_or_default();
    let mut entries: Vec<&str> =
        own.split([',', ' ']).map(str::trim).filter(|e| keeps_duo(subject, e)).collect();
    entries.extend(internal.iter().map(|i| i.host.as_str()));
    let mut once: Vec<&str> = Vec::new();
    for entry in entries {
        if !once.contains(&entry) {
            once.push(entry);
        }
    }
    Some(once.join(","))
}

/// Whether an entry of a `no_proxy` list leaves Duo's hosts on the proxy.
fn keeps_duo(subject: &Subject, entry: &str) -> bool {
    let name = entry.trim_matches(['.', '*']).to_ascii_lowercase();
    let duo = [Endpoint::Customers, Endpoint::Cloud, Endpoint::Workflow].into_iter();
    let hosts: Vec<String> = duo.filter_map(|e| subject.target(e)).map(|t| t.host).collect();
    let takes_off = |host: &String| *host == name || host.ends_with(&format!(".{name}"));
    !name.is_empty() && !hosts.iter().any(takes_off)
}

/// The proxy's URL; where it has credentials, with placeholders in their place.
fn with_blank_credentials(proxy: &ProxyUrl) -> String {
    match &proxy.credentials {
        Some(_) => format!("{}://USER:PASSWORD@{}", proxy.scheme.as_str(), proxy.target),
        None => proxy.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;
    use crate::subject::facts::{Component, EnvHash, Facts, Internal};

    fn subject(standing: &[(&str, &str)], internal: Option<&[&str]>) -> Subject {
        let pairs = || standing.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
        let variable =
            |(name, value)| EnvVariable { name, value: Some(Secret::new(value)), place: "line 3".into() };
        let component = Component {
            stack: Stack::Rails,
            configured: Some(Environment::of(pairs(), "a test")),
            configured_in: String::new(),
            changed: None,
            running: Vec::new(),
        };
        let hash =
            EnvHash { key: "gitlab_rails['env']".into(), variables: Some(pairs().map(variable).collect()) };
        let internal = internal.map(|all| {
            all.iter().map(|host| Internal { host: (*host).into(), what: "Gitaly".into() }).collect()
        });
        let facts =
            Facts { components: vec![component], env_hashes: vec![hash], internal, ..Facts::default() };
        Subject { facts, ..Subject::default() }
    }

    fn lines(standing: &[(&str, &str)], internal: Option<&[&str]>) -> Vec<String> {
        let proxy = "http://u:hidden@squid.example.com:3128".parse().expect("a proxy");
        ready(&subject(standing, internal), Stack::Rails, &proxy).0
    }

    #[test]
    fn keys_that_stand_are_kept_and_the_list_is_built_from_what_was_found() {
        let standing =
            [("no_proxy", "localhost, gitlab.com,git.mygitlab.com"), ("TZ", "UTC"), ("https_proxy", "x")];
        assert_eq!(
            lines(&standing, Some(&["10.0.0.7", "localhost"])),
            [
                "\"http_proxy\" => \"http://USER:PASSWORD@squid.example.com:3128\",",
                "\"https_proxy\" => \"http://USER:PASSWORD@squid.example.com:3128\",",
                "\"no_proxy\" => \"localhost,git.mygitlab.com,10.0.0.7\",",
                "\"TZ\" => \"UTC\",",
            ]
        );
    }

    #[test]
    fn no_list_is_offered_where_the_storages_are_unknown() {
        assert!(!lines(&[("no_proxy", "localhost")], None).iter().any(|l| l.contains("no_proxy")));
    }

    #[test]
    fn what_may_be_secret_is_kept_without_being_repeated() {
        let shown = lines(&[("AWS_SECRET_ACCESS_KEY", "canary"), ("TZ", "#{x}\"")], Some(&[])).join("\n");
        assert!(shown.contains("# \"AWS_SECRET_ACCESS_KEY\" => keep it as it stands, line 3"), "{shown}");
        assert!(!shown.contains("canary") && shown.contains("\"TZ\" => \"\\#{x}\\\"\","), "{shown}");
    }
}
