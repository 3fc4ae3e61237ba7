//! GitLab's own health check in the lab: its results, from what the lab's GitLab knows (domain.md 1).

use super::super::fault::gitlab::{Age, TokenChange};
use super::{CANARY, Gitlab, kind};
use serde_json::{Value, json};

impl Gitlab<'_> {
    /// The results of GitLab's own health check, in its order.
    pub(in crate::lab) fn own_check(&self) -> Vec<Value> {
        let own = self.has_own_gateway();
        let names: &[&str] = if own {
            &["ai_gateway_url_presence_probe", "host_probe", "code_suggestions_license_probe"]
        } else {
            &["license_probe", "host_probe", "host_probe ", "access_probe", "token_probe", "end_to_end_probe"]
        };
        let platform = (!own && self.minor() >= (18, 6)).then_some("duo_agent_platform_probe");
        let flows =
            ["allow_flow_execution_probe", "allow_foundational_flows_probe", "compatible_runner_probe"];
        let flows = flows.into_iter().filter(|_| !own && self.minor() >= (19, 1));
        // With models of GitLab beside one's own, both sets are run.
        let both =
            (own && self.is(|c| c.own_check.contains_key("end_to_end_probe"))).then_some("end_to_end_probe");
        let names = names.iter().copied().filter(|name| self.minor() >= (17, 4) || *name != "token_probe");
        names.chain(platform).chain(flows).chain(both).map(|name| self.result(name)).collect()
    }

    fn result(&self, name: &str) -> Value {
        let written = self.last(|c| c.own_check.get(name).cloned());
        let license = self.license();
        let (good, details, failed) = match name {
            "license_probe" => {
                let kind = license.as_ref().map(kind);
                let failed = match kind {
                    Some("online_cloud") => None,
                    Some(_) => Some("Subscription for this instance cannot be synchronized. Contact GitLab customer support to upgrade your license."),
                    None => Some("Subscription for this instance cannot be synchronized. Contact GitLab customer support to obtain a license."),
                };
                let details = json!({ "instance_id": CANARY, "gitlab_version": self.version, "license": self.license_details() });
                ("Subscription can be synchronized.".to_owned(), details, failed.map(str::to_owned))
            }
            "host_probe" if self.has_own_gateway() => {
                ("ai-gateway.example.com reachable.".to_owned(), json!({}), None)
            }
            "host_probe" => ("customers.gitlab.com reachable.".to_owned(), json!({}), None),
            "host_probe " => ("cloud.gitlab.com reachable.".to_owned(), json!({}), None),
            "access_probe" => match self.access() {
                Age::Never => (String::new(), json!({}), Some("Subscription has not yet been synchronized. Synchronize your subscription.".to_owned())),
                Age::Hours(hours) => {
                    let stale = (hours > 72).then(|| "Subscription has not been synchronized recently. Synchronize your subscription.".to_owned());
                    let details = json!({ "updated_at": self.time(-hours), "catalog": { "services": CANARY } });
                    ("Subscription synchronized successfully.".to_owned(), details, stale)
                }
            },
            "token_probe" => self.token_result(),
            "end_to_end_probe" => {
                let failed = self.exchange().map(|words| {
                    let words = if words.starts_with('{') { format!("AI Gateway returned code 401: {words}") } else { words };
                    format!("Authentication with the AI gateway services failed: {words}")
                });
                ("Authentication with the AI gateway services succeeded.".to_owned(), json!({}), failed)
            }
            "duo_agent_platform_probe" => {
                ("GitLab Duo Workflow Service at duo-workflow-svc.runway.gitlab.net:443 is operational.".to_owned(), json!({}), None)
            }
            "allow_flow_execution_probe" => self.flow("flow execution", "duo_remote_flows_enabled"),
            "allow_foundational_flows_probe" => self.flow("foundational flows", "duo_foundational_flows_enabled"),
            "compatible_runner_probe" => {
                let missing = "No instance runner with the 'gitlab--duo' tag is registered. Register one with that tag.";
                let used = self.is(|c| c.flow_runner);
                ("A compatible runner is available.".to_owned(), json!({}), (!used).then(|| missing.to_owned()))
            }
            "code_suggestions_license_probe" => {
                ("License includes access to Code Suggestions.".to_owned(), json!({ "license": self.license_rest() }), None)
            }
            _ => ("Self hosted AI Gateway URL is set to https://ai-gateway.example.com. It can be changed in the Gitlab Duo configuration.".to_owned(), json!({}), None),
        };
        let failed = written.or(failed);
        // What the page shows, and behind it what only the errors say.
        let (message, error) = match &failed {
            Some(words) => words.split_once(" || ").unwrap_or((words, words)),
            None => (good.as_str(), ""),
        };
        json!({
            "name": name.trim(), "success": failed.is_none(), "message": message,
            "errors": failed.iter().map(|_| error).collect::<Vec<_>>(), "details": details,
        })
    }

    fn flow(&self, what: &str, setting: &str) -> (String, Value, Option<String>) {
        let off = (!self.setting(setting)).then(|| format!("The allow {what} setting is disabled."));
        (format!("The allow {what} setting is enabled."), json!({}), off)
    }

    fn token_result(&self) -> (String, Value, Option<String>) {
        let good = "Access credentials are valid.".to_owned();
        let details = |hours: i64| {
            json!({ "decode": "Successful", "expired": hours <= 0, "expires_at": self.time(hours), "created_at": self.time(hours - 72),
                    "token": { "sub": CANARY, "aud": ["gitlab-ai-gateway"], "gitlab_realm": "self-managed" } })
        };
        match self.token() {
            TokenChange::Left(hours) if hours > 0 => (good, details(hours), None),
            TokenChange::Left(hours) => (
                good,
                details(hours),
                Some("Access credentials expired. Synchronize your subscription.".to_owned()),
            ),
            TokenChange::Foreign => (good, details(63), None),
            TokenChange::Absent => (
                good,
                json!({}),
                Some("Access credentials not found. Synchronize your subscription.".to_owned()),
            ),
            TokenChange::Undecryptable | TokenChange::Invalid => (
                good,
                json!({}),
                Some("Invalid access credentials. Synchronize your subscription.".to_owned()),
            ),
        }
    }
}
