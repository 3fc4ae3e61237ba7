//! GitLab's own health check as data: its results, how the Admin page groups them, where each of them looks.
//!
//! (What GitLab calls a probe is called a check here; its results keep GitLab's names.) What the results mean is in
//! `meaning`, how a file or an answer is read in `reading`, what is kept of the details in `details`.

mod details;
mod exception;
mod exchange;
mod grpc;
mod meaning;
mod reading;

pub use details::{Details, License};
pub use meaning::{Meaning, Setting, meaning};
pub use reading::{MAX_BYTES, MAX_RESULTS, ReadError, is_one, read};

use crate::subject::place::{Endpoint, Place};
use serde::{Deserialize, Serialize};

/// A result of GitLab's own health check. Texts are escaped and bounded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProbeResult {
    /// `host_probe`: lower case, digits and `_` alone.
    pub name: String,
    /// Whether it passed; `None`: not said.
    pub success: Option<bool>,
    /// What the Admin page shows, with its line ends.
    #[serde(default)]
    pub message: String,
    /// Every error. The page does not show them, and they may say more than the message.
    #[serde(default)]
    pub errors: Vec<String>,
    /// What is kept of the details.
    #[serde(default)]
    pub details: Details,
}

impl ProbeResult {
    /// The message in one line.
    pub fn sentence(&self) -> String {
        one_line(&self.message)
    }

    /// The message, then every error that says something else, each in one line.
    fn said(&self) -> Vec<String> {
        let mut said = vec![self.sentence()];
        for error in self.errors.iter().map(|error| one_line(error)) {
            if !error.is_empty() && !said.contains(&error) {
                said.push(error);
            }
        }
        said
    }

    /// The host that the message speaks of; empty where it names none.
    pub fn host(&self) -> String {
        let message = self.sentence();
        let named = ["URL is set to ", "AI_GATEWAY_URL is set to ", " at "];
        let behind = named.iter().find_map(|mark| Some(message.split_once(mark)?.1));
        let first = behind.unwrap_or(&message).split(' ').next().unwrap_or_default();
        let is_host = behind.is_some() || HOST_FIRST.iter().any(|mark| message.contains(mark));
        if is_host { host_of(first.trim_end_matches('.')) } else { String::new() }
    }
}

/// What stands behind a host at the start of a message.
const HOST_FIRST: [&str; 4] =
    [" reachable.", " connection failed:", " could not be reached.", " is not a valid URL."];

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The host of a URL, of `host:port`, or of a name alone.
fn host_of(text: &str) -> String {
    let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
    let rest = rest.rsplit_once('@').map_or(rest, |(_, rest)| rest);
    let rest = rest.split(['/', '?', '#']).next().unwrap_or_default();
    match rest.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') && port.chars().all(|c| c.is_ascii_digit()) => {
            host.to_owned()
        }
        Some(_) | None => rest.to_owned(),
    }
}

/// The headings of the Admin page, in its order (`DUO_HEALTH_CHECK_CATEGORIES`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Heading {
    /// Whether a gateway of one's own is set.
    AiGateway,
    /// Hosts.
    Network,
    /// Licence, access data, token.
    Synchronization,
    /// Whether the licence has Code Suggestions.
    CodeSuggestions,
    /// The workflow service.
    AgentPlatform,
    /// One completion.
    SystemExchange,
    /// Settings and a runner (19.1).
    Flows,
    /// What the billing of a workflow service of one's own needs (19).
    Billing,
    /// The page does not show it, and its verdict counts it all the same.
    NotShown,
}

impl Heading {
    /// The heading of a result, by its name.
    pub fn of(name: &str) -> Self {
        match name {
            "ai_gateway_url_presence_probe" => Heading::AiGateway,
            "host_probe" => Heading::Network,
            "license_probe" | "access_probe" | "token_probe" => Heading::Synchronization,
            "code_suggestions_license_probe" => Heading::CodeSuggestions,
            "duo_agent_platform_probe" => Heading::AgentPlatform,
            "end_to_end_probe" => Heading::SystemExchange,
            "allow_flow_execution_probe" | "allow_foundational_flows_probe" | "compatible_runner_probe" => {
                Heading::Flows
            }
            billing if billing.starts_with("billing_") => Heading::Billing,
            _ => Heading::NotShown,
        }
    }

    /// As the page has it.
    pub fn title(self) -> &'static str {
        match self {
            Heading::AiGateway => "AI Gateway",
            Heading::Network => "Network",
            Heading::Synchronization => "Synchronization",
            Heading::CodeSuggestions => "Code Suggestions",
            Heading::AgentPlatform => "GitLab Duo Agent Platform",
            Heading::SystemExchange => "System exchange",
            Heading::Flows => "Foundational flows",
            Heading::Billing => "Self-hosted GitLab Duo usage billing prerequisites",
            Heading::NotShown => "Not shown",
        }
    }
}

/// Where a result looks. Two results of one name are told apart by the host in their messages.
pub fn place(result: &ProbeResult) -> Place {
    match result.name.as_str() {
        "host_probe" => Place::Endpoint(endpoint(&result.host())),
        "billing_customers_dot_probe" => Place::Endpoint(Endpoint::Customers),
        "billing_cloud_ai_gateway_probe" => Place::Endpoint(Endpoint::Cloud),
        "duo_agent_platform_probe" | "billing_duo_workflow_service_probe" => {
            Place::Endpoint(Endpoint::Workflow)
        }
        _ => Place::Instance,
    }
}

/// The service behind a host's name: GitLab's own by theirs, any other is a gateway of one's own.
fn endpoint(host: &str) -> Endpoint {
    let host = host.to_ascii_lowercase();
    let is_gitlabs = host.ends_with(".gitlab.com");
    match host.split('.').next() {
        Some(first) if first.starts_with("customers") => Endpoint::Customers,
        Some(first) if is_gitlabs && first.starts_with("cloud") => Endpoint::Cloud,
        Some(_) | None => Endpoint::Gateway,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn result(name: &str, message: &str) -> ProbeResult {
        ProbeResult { name: name.to_owned(), message: message.to_owned(), ..ProbeResult::default() }
    }

    #[test]
    fn a_result_looks_where_its_message_says() {
        for (name, message, host, at) in [
            ("host_probe", "customers.gitlab.com reachable.", "customers.gitlab.com", "customers"),
            (
                "host_probe",
                "customers.staging.gitlab.com reachable.",
                "customers.staging.gitlab.com",
                "customers",
            ),
            (
                "host_probe",
                "cloud.gitlab.com connection failed: execution expired.",
                "cloud.gitlab.com",
                "cloud",
            ),
            ("host_probe", "ai.acme.corp could not be reached. If", "ai.acme.corp", "gateway"),
            ("host_probe", "http://ai.acme.corp:5052/x is not a valid URL.", "ai.acme.corp", "gateway"),
            ("host_probe", "Cannot validate connection to host because the URL is empty.", "", "gateway"),
            ("license_probe", "Subscription can be synchronized.", "", "instance"),
            (
                "duo_agent_platform_probe",
                "GitLab Duo Workflow Service at duo-workflow-svc.runway.gitlab.net:443 is operational.",
                "duo-workflow-svc.runway.gitlab.net",
                "workflow",
            ),
            (
                "ai_gateway_url_presence_probe",
                "Self hosted AI Gateway URL is set to http://ai.acme.corp:5052. It can be changed",
                "ai.acme.corp",
                "instance",
            ),
            ("martian_probe", "no", "", "instance"),
        ] {
            let result = result(name, message);
            assert_eq!(
                (result.host().as_str(), place(&result).to_string().as_str()),
                (host, at),
                "{message}"
            );
        }
    }

    #[test]
    fn headings_are_those_of_the_page() {
        for (name, title) in [
            ("ai_gateway_url_presence_probe", "AI Gateway"),
            ("host_probe", "Network"),
            ("token_probe", "Synchronization"),
            ("code_suggestions_license_probe", "Code Suggestions"),
            ("duo_agent_platform_probe", "GitLab Duo Agent Platform"),
            ("end_to_end_probe", "System exchange"),
            ("compatible_runner_probe", "Foundational flows"),
            ("billing_customers_dot_probe", "Self-hosted GitLab Duo usage billing prerequisites"),
            ("martian_probe", "Not shown"),
        ] {
            assert_eq!(Heading::of(name).title(), title);
        }
    }

    #[test]
    fn what_the_errors_add_is_said_once() {
        let mut result = result("host_probe", "a\n\nb");
        result.errors = vec!["a b".into(), "c".into(), String::new()];
        assert_eq!(result.said(), ["a b", "c"]);
    }
}
