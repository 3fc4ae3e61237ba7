//! The outbound filter's settings (Admin > Settings > Network > Outbound requests): whether hosts that are not on a list
//! are denied and Duo's are not on it, and whether rebinding protection makes Rails ask a proxy for an address.

use crate::check::{Ask, Seen, Verdict};
use crate::checks::api::{self, Doc};
use crate::checks::knowledge;
use crate::finding::{Code, Finding};
use crate::gitlab::facts::Settings;
use crate::subject::address::BaseUrl;
use crate::subject::place::{Endpoint, Stack};
use crate::subject::services::Requirement;
use crate::subject::{Subject, Via};
use crate::text;
use serde_json::Value;

pub(super) fn ask(subject: &Subject, seen: Seen) -> Vec<Ask> {
    api::ask(subject, seen, &[Doc::Settings, Doc::Graphql, Doc::OwnCheck])
}

pub(super) fn judge(subject: &Subject, seen: Seen) -> Verdict {
    let (settings, source) = match knowledge::settings(subject, seen) {
        Ok(known) => known,
        Err(why) => return why.verdict(),
    };
    if settings.denies == Some(true) && settings.allowed.is_none() {
        return Verdict::Unknown(
            "all requests but those to a list are denied, and the list is not told".to_owned(),
        );
    }
    let allowed = settings.allowed.as_deref().unwrap_or_default();
    let as_url = |url: &BaseUrl| !is_allowed(url, allowed) && is_written_as_url(url, allowed);
    if let Some(url) = needed(subject).iter().find(|url| settings.denies == Some(true) && as_url(url)) {
        return Verdict::Unknown(format!(
            "the allow-list has {} as a URL, and GitLab compares names: write {0} alone",
            url.target.host
        ));
    }
    let mut found: Vec<Finding> = denied(subject, &settings).into_iter().collect();
    if found.is_empty() {
        found.extend(rebinding(subject, seen, &settings));
    }
    match (found.is_empty(), settings.denies) {
        (false, _) => Verdict::Findings(found),
        (true, Some(true)) => {
            Verdict::pass("All requests are denied but those to hosts on a list, and Duo's are on it.")
        }
        (true, Some(false)) => Verdict::pass(format!("No public host is denied, says {}.", source.as_str())),
        (true, None) => {
            Verdict::NotApplicable("this version has no list that could deny Duo's hosts".to_owned())
        }
    }
}

/// The hosts that Duo needs here and Rails asks by its own client.
fn needed(subject: &Subject) -> Vec<BaseUrl> {
    let mut needed: Vec<BaseUrl> = [Endpoint::Customers, Endpoint::Cloud]
        .into_iter()
        .filter(|e| subject.requirement(*e) == Requirement::Needed || subject.is_client())
        .filter_map(|e| subject.services.base(e).cloned())
        .collect();
    needed.extend(subject.services.gateway.clone());
    needed
}

/// The hosts that the list lacks, where it denies all others.
fn denied(subject: &Subject, settings: &Settings) -> Option<Finding> {
    let allowed = settings.allowed.as_deref().filter(|_| settings.denies == Some(true))?;
    let lacking: Vec<BaseUrl> = needed(subject).into_iter().filter(|url| !is_allowed(url, allowed)).collect();
    if lacking.is_empty() {
        return None;
    }
    let hosts: Vec<&str> = lacking.iter().map(|url| url.target.host.as_str()).collect();
    let entries: Vec<String> =
        lacking.iter().map(|url| format!("{}:{}", url.target.host, url.target.port)).collect();
    let found = Finding::new(Code::OutboundFilterBlocks, &[("hosts", &text::list(&hosts)), ("entries", "")]);
    Some(found.with_lines("entries", &entries))
}

/// Whether a list has a host as a URL. GitLab's documentation writes one, and its code compares names
/// (`domain_allowlist_entry.rb`): whether that ever matches is not known.
fn is_written_as_url(url: &BaseUrl, allowed: &[String]) -> bool {
    let host = |entry: &String| {
        let (_, rest) = entry.split_once("://")?;
        Some(rest.split(['/', ':']).next().unwrap_or_default().to_owned())
    };
    allowed.iter().filter_map(host).any(|host| host == url.target.host)
}

/// Whether a list has a host, as `Gitlab::UrlBlockers::UrlAllowlist` reads it: a name, with a port that is its own, or
/// none.
fn is_allowed(url: &BaseUrl, allowed: &[String]) -> bool {
    let host = url.target.host.to_lowercase();
    let fits = |entry: &String| {
        let entry = entry.trim();
        match entry.rsplit_once(':') {
            Some((name, port)) if port.chars().all(|c| c.is_ascii_digit()) => {
                name == host && port.parse() == Ok(url.target.port)
            }
            Some(_) | None => entry == host,
        }
    };
    allowed.iter().any(fits)
}

/// Rails resolves a name itself and asks the proxy for the address, and the proxy refuses that. Current versions do not
/// where a proxy variable applies: only evidence counts (`field-notes` 3).
pub(in crate::checks) fn rebinding(subject: &Subject, seen: Seen, settings: &Settings) -> Option<Finding> {
    if settings.rebinding != Some(true) {
        return None;
    }
    let ruby = |route: &&crate::subject::Route| route.stacks.contains(&Stack::Rails);
    let proxied = |route: &crate::subject::Route| match &route.via {
        Via::Proxy(proxy) => Some(proxy.target.to_string()),
        Via::Direct | Via::Unusable { .. } => None,
    };
    let proxy = subject.routes.iter().filter(ruby).find_map(proxied)?;
    let results = knowledge::own_results(subject, seen).ok()?;
    let said = |result: &Value| {
        let message = result.get("message")?.as_str()?;
        let host = message.split_whitespace().next()?.trim_end_matches(':').to_owned();
        message
            .contains("URL is blocked: Host cannot be resolved or invalid")
            .then(|| (host, "URL is blocked: Host cannot be resolved or invalid".to_owned()))
    };
    let all: Vec<(String, String)> = results.iter().filter_map(said).collect();
    let (_, words) = all.first()?;
    let hosts: Vec<&str> = all.iter().map(|(host, _)| host.as_str()).collect();
    let args = [("hosts", text::list(&hosts)), ("proxy", proxy), ("words", words.clone())];
    let args: Vec<(&str, &str)> = args.iter().map(|(name, value)| (*name, value.as_str())).collect();
    Some(Finding::new(Code::DnsRebindingBehindProxy, &args))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_on_the_list_by_its_name_or_with_its_own_port() {
        let is = |entry: &str| {
            let url: BaseUrl = "https://cloud.gitlab.com".parse().expect("a URL");
            is_allowed(&url, &[entry.to_owned()])
        };
        for entry in ["cloud.gitlab.com", "cloud.gitlab.com:443"] {
            assert!(is(entry), "{entry}");
        }
        for entry in [
            "gitlab.com",
            "*.gitlab.com",
            "cloud.gitlab.com:80",
            "10.0.0.0/8",
            "fd00::1",
            "",
            "https://cloud.gitlab.com",
        ] {
            assert!(!is(entry), "{entry}");
        }
    }
}
