//! What the lab's GitLab knows: licence, settings, synchronisation, Sidekiq, as one state from which its API, its own
//! health check and Rails itself answer alike.
//!
//! Every text that names a person, a company or a secret is a canary: none of it may show anywhere.

mod own_check;
mod rails;

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
}

fn kind(license: &LicenseChange) -> &str {
    license.kind.as_deref().unwrap_or("online_cloud")
}

fn plan(license: &LicenseChange) -> &str {
    license.plan.as_deref().unwrap_or("premium")
}
