//! What Rails on the lab's node says to `assets/node/facts.rb`, from what the lab's GitLab knows.

use super::super::fault::gitlab::{Age, TokenChange};
use super::{CANARY, Gitlab, kind, plan};
use serde_json::{Value, json};

impl Gitlab<'_> {
    /// The document that Rails on the node prints (`assets/node/facts.rb`), with what it never should besides.
    pub(in crate::lab) fn rails(&self) -> Value {
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
