//! The lines that an article prints for `gitlab.rb`: the environment as it stands, with the proxy that is needed
//! and the exceptions that this node needs. Data for an article, not advice.

use crate::subject::Subject;
use crate::subject::address::ProxyUrl;
use crate::subject::environment::Environment;
use crate::subject::place::Stack;

/// The merged lines of a component's hash, and its `no_proxy`: empty where the hosts of this node that must be left
/// off a proxy are not all known, for a list that leaves out Gitaly can stop Git (`field-notes` 1).
pub(super) fn ready(subject: &Subject, stack: Stack, proxy: &ProxyUrl) -> (Vec<String>, Vec<String>) {
    let standing = subject.facts.component(stack).and_then(|c| c.configured.as_ref());
    let no_proxy = no_proxy(subject, standing);
    let url = with_blank_credentials(proxy);
    let mut lines: Vec<(String, String)> =
        vec![("http_proxy".to_owned(), url.clone()), ("https_proxy".to_owned(), url)];
    if !no_proxy.is_empty() {
        lines.push(("no_proxy".to_owned(), no_proxy.clone()));
    }
    if let Some(standing) = standing {
        let kept = standing.iter().filter(|(name, _)| !name.to_ascii_lowercase().ends_with("proxy"));
        let kept = kept.filter(|(name, _)| !["SSL_CERT_FILE", "SSL_CERT_DIR", "GODEBUG"].contains(name));
        lines.extend(kept.map(|(name, v)| (name.to_owned(), v.value.expose().to_owned())));
    }
    let line = |(name, value): &(String, String)| format!("\"{name}\" => \"{value}\",");
    let no_proxy = if no_proxy.is_empty() { Vec::new() } else { vec![no_proxy] };
    (lines.iter().map(line).collect(), no_proxy)
}

/// What stands, without entries that would take Duo off the proxy, and what was found to be internal.
fn no_proxy(subject: &Subject, standing: Option<&Environment>) -> String {
    let Some(internal) = &subject.facts.internal else { return String::new() };
    let own = standing.and_then(|e| e.value("no_proxy").or_else(|| e.value("NO_PROXY"))).unwrap_or_default();
    let duo = ["gitlab.com", "gitlab.net", "*"];
    let keeps =
        |entry: &&str| !entry.is_empty() && !duo.iter().any(|d| entry.trim_matches(['.', '*']).ends_with(d));
    let mut entries: Vec<String> =
        own.split([',', ' ']).map(str::trim).filter(keeps).map(str::to_owned).collect();
    for host in internal {
        if !entries.contains(&host.host) {
            entries.push(host.host.clone());
        }
    }
    entries.join(",")
}

/// The proxy's URL; where it has credentials, with placeholders in their place.
fn with_blank_credentials(proxy: &ProxyUrl) -> String {
    match &proxy.credentials {
        Some(_) => format!("{}://USER:PASSWORD@{}", proxy.scheme.as_str(), proxy.target),
        None => proxy.to_string(),
    }
}
