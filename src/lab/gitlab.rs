//! What the lab's GitLab knows: licence, settings, synchronisation, Sidekiq, as one state from which its API, its own
//! health check and Rails itself answer alike.
//!
//! Every text that names a person, a company or a secret is a canary: none of it may show anywhere.

use super::fault::gitlab::{Age, GitlabChange, LicenseChange, Role, TokenChange};
use super::fault::{Kind, On};
use super::situation::Situation;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

/// What stands wherever GitLab's answers have something of a person or a secret.
const CANARY: &str = "canary-4f1c";

/// The state as it is now.
pub(super) struct Gitlab<'a> {
    situation: &'a Situation,
    changes: Vec<&'a GitlabChange>,
    /// `18.9.1-ee`
    pub(super) version: String,
}

impl<'a> Gitlab<'a> {
    pub(super) fn of(situation: &'a Situation) -> Self {
        let faults = situation.faults(On::Puma).filter_map(|kind| match kind {
            Kind::Gitlab(change) => Some(&**change),
            _ => None,
        });
        let changes = std::iter::once(&situation.scenario.gitlab).chain(faults).collect();
        Self { situation, changes, version: super::node::version(situation) }
    }

    fn last<T>(&self, of: impl Fn(&'a GitlabChange) -> Option<T>) -> Option<T> {
        self.changes.iter().rev().find_map(|change| of(change))
    }

    pub(super) fn is(&self, of: impl Fn(&GitlabChange) -> bool) -> bool {
        self.changes.iter().any(|change| of(change))
    }

    /// Major and minor.
    pub(super) fn minor(&self) -> (u32, u32) {
        let mut parts = self.version.split(['.', '-']).map(|part| part.parse().unwrap_or(0));
        (parts.next().unwrap_or(0), parts.next().unwrap_or(0))
    }

    pub(super) fn is_ee(&self) -> bool {
        !self.version.contains("ce")
    }

    fn at(&self, hours: i64) -> Timestamp {
        let now = self.situation.now();
        now.checked_add(SignedDuration::from_hours(hours)).unwrap_or(now)
    }

    fn time(&self, hours: i64) -> String {
        self.at(hours).strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
    }

    fn day(&self, days: i64) -> String {
        self.at(days * 24).strftime("%Y-%m-%d").to_string()
    }

    fn license(&self) -> Option<LicenseChange> {
        let license = self.last(|c| c.license.clone()).unwrap_or_default();
        (!license.absent && self.is_ee()).then_some(license)
    }

    /// `GET /license`, and `currentLicense` beside it.
    pub(super) fn license_rest(&self) -> Value {
        let Some(license) = self.license() else { return Value::Null };
        let (ends, expired) = self.end(&license);
        json!({
            "id": 2, "plan": plan(&license), "created_at": self.time(-2000), "starts_at": self.day(-60),
            "expires_at": ends, "historical_max": 40, "maximum_user_count": 40, "expired": expired, "overage": 0,
            "user_limit": 100, "active_users": 40,
            "licensee": { "Name": CANARY, "Company": CANARY, "Email": format!("{CANARY}@acme.corp") },
            "add_ons": { "GitLab_FileLocks": 1 },
        })
    }

    fn end(&self, license: &LicenseChange) -> (Value, bool) {
        if license.endless {
            return (Value::Null, false);
        }
        let days = license.ends_in_days.unwrap_or(300);
        (Value::String(self.day(days)), days < 0)
    }

    /// The licence as GitLab's own check puts it into its details.
    fn license_details(&self) -> Value {
        let Some(license) = self.license() else { return Value::Null };
        let mut details = self.license_rest();
        details["cloud_licensing_enabled"] = json!(kind(&license) != "legacy_license");
        details["offline_cloud_licensing_enabled"] = json!(kind(&license) == "offline_cloud");
        details
    }

    fn license_graphql(&self) -> Value {
        let Some(license) = self.license() else { return Value::Null };
        let (ends, _) = self.end(&license);
        let blocks = license.ends_in_days.unwrap_or(300) + license.grace_days.unwrap_or(14);
        let synced = match license.last_sync.unwrap_or(Age::Hours(9)) {
            Age::Hours(hours) => Value::String(self.time(-hours)),
            Age::Never => Value::Null,
        };
        json!({
            "id": format!("gid://gitlab/License/{CANARY}"),
            "type": kind(&license), "plan": plan(&license), "startsAt": self.day(-60), "expiresAt": ends,
            "blockChangesAt": if license.endless { Value::Null } else { Value::String(self.day(blocks)) },
            "activatedAt": self.day(-60), "lastSync": synced, "trial": license.trial,
            "name": CANARY, "email": format!("{CANARY}@acme.corp"), "company": CANARY,
        })
    }

    /// `GET /application/settings`.
    pub(super) fn settings(&self) -> Value {
        let mut settings = json!({
            "id": 1, "signup_enabled": false, "home_page_url": CANARY, "admin_notification_email": CANARY,
            "akismet_api_key": CANARY, "recaptcha_private_key": CANARY, "health_check_access_token": CANARY,
            "duo_features_enabled": true, "lock_duo_features_enabled": false, "duo_availability": "default_on",
            "instance_level_ai_beta_features_enabled": false, "disabled_direct_code_suggestions": false,
            "silent_mode_enabled": false, "maintenance_mode": false, "maintenance_mode_message": CANARY,
            "deny_all_requests_except_allowed": false, "dns_rebinding_protection_enabled": true,
            "allow_local_requests_from_web_hooks_and_services": false, "outbound_local_requests_allowlist_raw": "",
        });
        let newer = [
            ((18, 2), "duo_agent_platform_enabled", json!(true)),
            ((18, 4), "duo_remote_flows_enabled", json!(true)),
            ((18, 7), "duo_foundational_flows_enabled", json!(true)),
        ];
        let Value::Object(fields) = &mut settings else { return Value::Null };
        for (since, name, value) in newer {
            if self.minor() >= since {
                fields.insert(name.to_owned(), value);
            }
        }
        for (name, value) in self.changes.iter().flat_map(|change| &change.settings) {
            if value.is_null() {
                fields.remove(name);
            } else {
                fields.insert(name.clone(), value.clone());
            }
        }
        if fields.get("duo_availability") != Some(&json!("default_on")) {
            let locked = fields.get("duo_availability") == Some(&json!("never_on"));
            if fields.contains_key("duo_availability") {
                fields.insert("duo_features_enabled".to_owned(), json!(false));
                fields.insert("lock_duo_features_enabled".to_owned(), json!(locked));
            }
        }
        settings
    }

    fn setting(&self, name: &str) -> bool {
        self.settings().get(name) == Some(&Value::Bool(true))
    }

    fn add_ons(&self) -> Vec<(String, u64, u64)> {
        let core = (self.minor() >= (18, 0)).then(|| ("duo_core".to_owned(), 1, 0));
        let usual = core.into_iter().chain([("code_suggestions".to_owned(), 50, 12)]).collect();
        self.last(|c| c.add_ons.clone()).unwrap_or(usual)
    }

    fn ai(&self) -> Map<String, Value> {
        let mut ai = Map::new();
        let own = super::node::variable(self.situation, "AI_GATEWAY_URL");
        ai.insert("aiGatewayUrl".to_owned(), own.map_or(Value::Null, Value::String));
        ai.insert("duoAgentPlatformServiceUrl".to_owned(), Value::Null);
        ai.insert("duoCoreFeaturesEnabled".to_owned(), json!(true));
        for (name, value) in self.changes.iter().flat_map(|change| &change.ai) {
            ai.insert(name.clone(), value.clone());
        }
        ai
    }

    /// What the root fields of GraphQL hold for the token's user.
    pub(super) fn graphql(&self) -> Value {
        let names = self.add_ons().into_iter();
        let add_ons: Vec<Value> = names
            .map(|(name, purchased, assigned)| {
                json!({ "id": CANARY, "name": name.to_uppercase(), "purchasedQuantity": purchased, "assignedQuantity": assigned })
            })
            .collect();
        let user = json!({
            "username": CANARY, "name": CANARY, "publicEmail": CANARY,
            "duoChatAvailable": !self.is(|c| c.user.without_duo),
            "duoCodeSuggestionsAvailable": !self.is(|c| c.user.without_duo),
        });
        if self.is(|c| c.user.role == Role::Ordinary) {
            let nothing = json!({ "aiGatewayUrl": null, "duoAgentPlatformServiceUrl": null, "duoCoreFeaturesEnabled": null });
            return json!({ "currentUser": user, "addOnPurchases": [], "duoSettings": nothing });
        }
        let results = self.own_check();
        let success = results.iter().all(|r| r["success"] == true);
        json!({
            "currentLicense": self.license_graphql(), "addOnPurchases": add_ons, "duoSettings": self.ai(),
            "currentUser": user,
            "cloudConnectorStatus": { "success": success, "probeResults": results },
        })
    }

    fn has_own_gateway(&self) -> bool {
        self.ai()["aiGatewayUrl"].as_str().is_some_and(|url| !url.is_empty())
    }

    fn token(&self) -> TokenChange {
        self.last(|c| c.token).unwrap_or(TokenChange::Left(63))
    }

    fn access(&self) -> Age {
        self.last(|c| c.access).unwrap_or(Age::Hours(9))
    }

    /// `GET /sidekiq/compound_metrics`.
    pub(super) fn sidekiq(&self) -> Value {
        let mut queues =
            json!({ "default": { "backlog": 0, "latency": 0 }, "mailers": { "backlog": 0, "latency": 0 } });
        for (name, (size, latency)) in self.changes.iter().flat_map(|change| &change.waiting) {
            queues[name] = json!({ "backlog": size, "latency": latency });
        }
        let process = |queues: &Vec<String>| {
            json!({
                "hostname": CANARY, "pid": 5649, "tag": "gitlab", "started_at": self.time(-30), "queues": queues,
                "labels": [], "concurrency": 20, "busy": 0,
            })
        };
        json!({
            "queues": queues, "processes": self.processes().iter().map(process).collect::<Vec<_>>(),
            "jobs": { "processed": 2, "failed": 0, "enqueued": 0, "dead": 0 },
        })
    }

    fn processes(&self) -> Vec<Vec<String>> {
        self.last(|c| c.processes.clone()).unwrap_or(vec![vec!["default".to_owned(), "mailers".to_owned()]])
    }

    /// What Rails' request to the gateway ends with: the gateway's words, or Rails' own; `None`: it goes through.
    pub(super) fn exchange(&self) -> Option<String> {
        if let Some(words) = self.last(|c| c.exchange.clone()) {
            return Some(words);
        }
        if self.setting("silent_mode_enabled") {
            return Some("only get, head, options, and trace methods are allowed in silent mode".to_owned());
        }
        if self.setting("deny_all_requests_except_allowed") && !self.allows("cloud.gitlab.com") {
            let words = "URL is blocked: Requests to hosts and IP addresses not on the Allow List are denied";
            return Some(words.to_owned());
        }
        if self.license().is_some_and(|l| l.kind.as_deref() == Some("offline_cloud")) {
            return None;
        }
        match self.token() {
            TokenChange::Left(left) if left > 0 => None,
            TokenChange::Left(_)
            | TokenChange::Absent
            | TokenChange::Undecryptable
            | TokenChange::Invalid => Some(r#"{"error":"Forbidden by auth provider"}"#.to_owned()),
            TokenChange::Foreign => Some(r#"{"error":"Header mismatch 'X-Gitlab-Instance-Id'"}"#.to_owned()),
        }
    }

    fn allows(&self, host: &str) -> bool {
        let settings = self.settings();
        let names = ["outbound_local_requests_allowlist_raw", "outbound_local_requests_whitelist"];
        names.iter().any(|name| settings[*name].to_string().contains(host))
    }

    /// Whether the instance is read-only.
    pub(super) fn is_in_maintenance(&self) -> bool {
        self.setting("maintenance_mode")
    }

    /// Whether the token's user may use Duo at all.
    pub(super) fn user_has_duo(&self) -> bool {
        let settings = self.settings();
        let off = settings.get("duo_availability") == Some(&json!("never_on"));
        let seat = self
            .add_ons()
            .iter()
            .any(|(name, ..)| name != "duo_core" || self.ai()["duoCoreFeaturesEnabled"] == true);
        !off && seat && !self.is(|c| c.user.without_duo) && self.license().is_some()
    }

    /// The results of GitLab's own health check, in its order.
    pub(super) fn own_check(&self) -> Vec<Value> {
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

    /// The document that Rails on the node prints (`assets/node/facts.rb`), with what it never should besides.
    pub(super) fn rails(&self) -> Value {
        let settings = self.settings();
        let license = self.license();
        let graphql = self.license_graphql();
        let ai = self.ai();
        let token = self.token();
        let left = if let TokenChange::Left(left) = token { left } else { 63 };
        let waiting = self.changes.iter().flat_map(|c| &c.waiting).next();
        let queues: Vec<String> = self.processes().concat();
        json!({
            "duo_doctor": 1, "version": self.version, "enterprise": self.is_ee(), "canary": CANARY,
            "license": match &license {
                None => json!({ "present": false }),
                Some(license) => json!({
                    "present": true, "type": kind(license), "plan": plan(license), "starts_at": self.day(-60),
                    "expires_at": self.end(license).0, "block_changes_at": graphql["blockChangesAt"],
                    "expired": self.end(license).1, "trial": license.trial, "last_synced_at": graphql["lastSync"],
                    "email": CANARY,
                }),
            },
            "access": match self.access() {
                Age::Never => json!({ "present": false }),
                Age::Hours(hours) => json!({ "present": true, "has_catalog": true, "updated_at": self.time(-hours) }),
            },
            "token": match token {
                TokenChange::Absent => json!({ "present": false }),
                TokenChange::Undecryptable => json!({ "present": true, "decryptable": false }),
                TokenChange::Invalid => json!({ "present": true, "decryptable": true, "decodes": false }),
                TokenChange::Left(_) | TokenChange::Foreign => json!({
                    "present": true, "decryptable": true, "decodes": true, "expires_at": self.time(left),
                    "created_at": self.time(left - 72), "subject_is_this_instance": token != TokenChange::Foreign,
                    "realm": "self-managed", "token": CANARY,
                }),
            },
            "settings": rails_settings(&settings),
            "ai": {
                "ai_gateway_url": ai["aiGatewayUrl"], "duo_agent_platform_service_url": ai["duoAgentPlatformServiceUrl"],
                "duo_core_features_enabled": ai["duoCoreFeaturesEnabled"],
                "duo_agent_platform_enabled": settings.get("duo_agent_platform_enabled"),
                "composite_identity": self.last(|c| c.composite_identity).unwrap_or(false),
            },
            "add_ons": self.add_ons().iter().map(|(name, purchased, assigned)| {
                json!({ "name": name, "purchased": purchased, "assigned": assigned })
            }).collect::<Vec<_>>(),
            "flags": self.changes.iter().flat_map(|c| c.flags.clone()).collect::<std::collections::BTreeMap<_, _>>(),
            "sidekiq": {
                "processes": self.processes().len(), "queues": queues,
                "llm_queue": waiting.map_or("default", |(name, _)| name.as_str()),
                "llm_size": waiting.map_or(0, |(_, (size, _))| *size),
                "llm_latency": waiting.map_or(0.0, |(_, (_, latency))| *latency),
            },
            "errors": {},
        })
    }
}

/// The settings as the script says them: of the allow-list only what concerns Duo.
fn rails_settings(settings: &Value) -> Value {
    let mut said = settings.clone();
    let raw = settings["outbound_local_requests_allowlist_raw"].as_str().unwrap_or_default();
    let hosts: Vec<&str> = raw.lines().filter(|entry| entry.contains("gitlab.com")).collect();
    said["allowed_duo_hosts"] = json!(hosts);
    if let Value::Object(fields) = &mut said {
        fields.remove("outbound_local_requests_allowlist_raw");
    }
    said
}

fn kind(license: &LicenseChange) -> &str {
    license.kind.as_deref().unwrap_or("online_cloud")
}

fn plan(license: &LicenseChange) -> &str {
    license.plan.as_deref().unwrap_or("premium")
}
