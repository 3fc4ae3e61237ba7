//! The documents that are asked for, and the fields that are kept of each: an allow-list, for GitLab's answers carry the
//! names, companies and e-mail addresses of licence holders, decoded tokens, and tokens as such.

use super::graphql;
use super::version::Version;
use crate::probe::document::Inquiry;
use crate::probe::{Content, Request};
use crate::subject::address::BaseUrl;

/// How long GitLab's own health check may take, in seconds: Puma ends the request after 60
/// (`GITLAB_RAILS_RACK_TIMEOUT`), and its answer has to arrive.
pub const OWN_CHECK: u32 = 65;

fn get(url: &BaseUrl, path: &str, keep: &'static [&'static str]) -> Inquiry {
    Inquiry { request: Request::get(url.path(path)), keep, entries: Vec::new(), patience: 0 }
}

fn post(url: &BaseUrl, path: &str, content: Content, keep: &'static [&'static str]) -> Inquiry {
    Inquiry { request: Request::post(url.path(path), content), keep, entries: Vec::new(), patience: 0 }
}

/// A body without anything: GitLab answers a POST of another type than JSON with a redirect where it is read-only.
fn nothing() -> Content {
    Content::Json("{}".to_owned())
}

/// What every version has since 15.2: which GitLab this is (<https://docs.gitlab.com/api/metadata/>).
pub fn metadata(url: &BaseUrl) -> Inquiry {
    get(url, "/api/v4/metadata", &["version", "enterprise"])
}

/// The licence (<https://docs.gitlab.com/api/license/>); `null` without one. Administrators only.
pub fn license(url: &BaseUrl) -> Inquiry {
    get(url, "/api/v4/license", &["plan", "starts_at", "expires_at", "expired"])
}

/// The settings that concern Duo (<https://docs.gitlab.com/api/settings/>), of the outbound allow-list what concerns its
/// hosts. Administrators only.
pub fn settings(url: &BaseUrl, hosts: Vec<String>) -> Inquiry {
    Inquiry { entries: hosts, ..get(url, "/api/v4/application/settings", SETTINGS) }
}

/// The settings that are kept.
pub const SETTINGS: &[&str] = &[
    "duo_features_enabled",
    "lock_duo_features_enabled",
    "duo_availability",
    "instance_level_ai_beta_features_enabled",
    "disabled_direct_code_suggestions",
    "duo_agent_platform_enabled",
    "duo_remote_flows_enabled",
    "duo_foundational_flows_enabled",
    "silent_mode_enabled",
    "maintenance_mode",
    "deny_all_requests_except_allowed",
    "dns_rebinding_protection_enabled",
    "allow_local_requests_from_web_hooks_and_services",
    "outbound_local_requests_whitelist.|",
    "outbound_local_requests_allowlist_raw.|",
    "ai_gateway_url",
    "duo_agent_platform_service_url",
];

/// Queues and processes of Sidekiq (<https://docs.gitlab.com/api/sidekiq_metrics/>). Administrators only.
pub fn sidekiq(url: &BaseUrl) -> Inquiry {
    get(
        url,
        "/api/v4/sidekiq/compound_metrics",
        &["queues.*.backlog", "queues.*.latency", "processes.queues", "processes.concurrency"],
    )
}

/// One document with everything that GraphQL alone tells, made for a version; without fields that this instance has
/// already said not to have.
pub fn graphql(url: &BaseUrl, version: Version, without: &[graphql::Missing]) -> Inquiry {
    let query = graphql::document(version, without);
    let content = Content::Json(serde_json::json!({ "query": query }).to_string());
    post(url, "/api/graphql", content, GRAPHQL)
}

/// What is kept of the answer: no name, company or address of anybody.
const GRAPHQL: &[&str] = &[
    "data.currentLicense.type",
    "data.currentLicense.plan",
    "data.currentLicense.startsAt",
    "data.currentLicense.expiresAt",
    "data.currentLicense.blockChangesAt",
    "data.currentLicense.activatedAt",
    "data.currentLicense.lastSync",
    "data.currentLicense.trial",
    "data.addOnPurchases.name",
    "data.addOnPurchases.purchasedQuantity",
    "data.addOnPurchases.assignedQuantity",
    "data.duoSettings.aiGatewayUrl",
    "data.duoSettings.duoAgentPlatformServiceUrl",
    "data.duoSettings.duoCoreFeaturesEnabled",
    "data.currentUser.duoChatAvailable",
    "data.currentUser.duoCodeSuggestionsAvailable",
    "errors.message",
    "errors.path",
    "errors.extensions.code",
    "errors.extensions.typeName",
    "errors.extensions.fieldName",
];

/// GitLab's own health check, as the Admin page runs it: it sends one completion and may take up to a minute.
pub fn own_check(url: &BaseUrl, version: Version) -> Inquiry {
    let query = graphql::own_check(version);
    let content = Content::Json(serde_json::json!({ "query": query }).to_string());
    Inquiry { patience: OWN_CHECK, ..post(url, "/api/graphql", content, OWN_CHECK_FIELDS) }
}

/// What is kept of it. Its details hold the whole licence and the decoded token besides.
const OWN_CHECK_FIELDS: &[&str] = &[
    "data.cloudConnectorStatus.success",
    "data.cloudConnectorStatus.probeResults.name",
    "data.cloudConnectorStatus.probeResults.success",
    "data.cloudConnectorStatus.probeResults.message",
    "data.cloudConnectorStatus.probeResults.errors",
    "data.cloudConnectorStatus.probeResults.details.updated_at",
    "data.cloudConnectorStatus.probeResults.details.created_at",
    "data.cloudConnectorStatus.probeResults.details.expires_at",
    "data.cloudConnectorStatus.probeResults.details.expired",
    "data.cloudConnectorStatus.probeResults.details.decode",
    "data.cloudConnectorStatus.probeResults.details.gitlab_version",
    "data.cloudConnectorStatus.probeResults.details.license.plan",
    "data.cloudConnectorStatus.probeResults.details.license.expires_at",
    "data.cloudConnectorStatus.probeResults.details.license.trial",
    "data.cloudConnectorStatus.probeResults.details.license.grace_period_expired",
    "data.cloudConnectorStatus.probeResults.details.license.online_cloud_license",
    "data.cloudConnectorStatus.probeResults.details.license.cloud_licensing_enabled",
    "data.cloudConnectorStatus.probeResults.details.license.offline_cloud_licensing_enabled",
    "data.cloudConnectorStatus.probeResults.details.license.restrictions.plan",
    "data.cloudConnectorStatus.probeResults.details.license.restrictions.trial",
    "errors.message",
];

/// A user's token for direct connections to the gateway: Rails has to reach the gateway for it. The token that comes
/// back is dropped while parsing.
pub fn direct_access(url: &BaseUrl) -> Inquiry {
    post(url, "/api/v4/code_suggestions/direct_access", nothing(), &["base_url", "expires_at"])
}

/// What GitLab would tell an editor about the user, without a request to anybody else (since 18.3).
pub fn connection_details(url: &BaseUrl) -> Inquiry {
    post(
        url,
        "/api/v4/code_suggestions/connection_details",
        nothing(),
        &["instance_version", "realm", "feature_enablement_type"],
    )
}

/// What is kept of the document that Rails itself prints (`assets/node/facts.rb`).
pub const RAILS: &[&str] = &[
    "duo_doctor",
    "version",
    "enterprise",
    "license.present",
    "license.type",
    "license.plan",
    "license.starts_at",
    "license.expires_at",
    "license.block_changes_at",
    "license.expired",
    "license.grace_period_expired",
    "license.trial",
    "license.last_synced_at",
    "access.present",
    "access.has_catalog",
    "access.updated_at",
    "token.present",
    "token.decryptable",
    "token.decodes",
    "token.expires_at",
    "token.created_at",
    "token.subject_is_this_instance",
    "token.realm",
    "settings.duo_features_enabled",
    "settings.lock_duo_features_enabled",
    "settings.duo_availability",
    "settings.silent_mode_enabled",
    "settings.maintenance_mode",
    "settings.instance_level_ai_beta_features_enabled",
    "settings.disabled_direct_code_suggestions",
    "settings.deny_all_requests_except_allowed",
    "settings.dns_rebinding_protection_enabled",
    "settings.allow_local_requests_from_web_hooks_and_services",
    "settings.allowed_duo_hosts",
    "settings.duo_remote_flows_enabled",
    "settings.duo_foundational_flows_enabled",
    "ai.ai_gateway_url",
    "ai.duo_agent_platform_service_url",
    "ai.duo_core_features_enabled",
    "ai.duo_agent_platform_enabled",
    "ai.composite_identity",
    "ai.self_hosted_models",
    "ai.vendored_features",
    "add_ons.name",
    "add_ons.purchased",
    "add_ons.assigned",
    "add_ons.expires_on",
    "flags.ai_global_switch",
    "flags.ai_duo_code_suggestions_switch",
    "sidekiq.processes",
    "sidekiq.queues",
    "sidekiq.llm_queue",
    "sidekiq.llm_latency",
    "sidekiq.llm_size",
    "errors.*",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::document::kept;
    use serde_json::{Value, json};

    fn url() -> BaseUrl {
        "https://gitlab.example.com/git".parse().expect("a URL")
    }

    /// Everything that GitLab's answers hold beside what is wanted.
    #[test]
    fn nothing_of_a_person_or_a_secret_is_kept() {
        let canary = "canary";
        let licence = json!({ "id": 1, "plan": "premium", "licensee": { "Name": canary, "Email": canary, "Company": canary } });
        let answer = json!({ "data": {
            "currentLicense": { "type": "online_cloud", "name": canary, "email": canary, "company": canary },
            "currentUser": { "username": canary, "duoChatAvailable": true },
            "cloudConnectorStatus": { "probeResults": [{
                "name": "license_probe", "details": { "instance_id": canary, "license": licence, "token": { "sub": canary } }
            }] }
        } });
        let direct =
            json!({ "base_url": "https://cloud.gitlab.com/ai", "token": canary, "headers": { "a": canary } });
        let rows: [(&Value, Inquiry); 4] = [
            (&licence, license(&url())),
            (&answer, graphql(&url(), Version(18, 9), &[])),
            (&answer, own_check(&url(), Version(18, 9))),
            (&direct, direct_access(&url())),
        ];
        for (given, inquiry) in rows {
            let kept = kept(given, inquiry.keep, &inquiry.entries).to_string();
            assert!(!kept.contains(canary), "{kept}");
        }
        assert_eq!(kept(&direct, direct_access(&url()).keep, &[])["base_url"], "https://cloud.gitlab.com/ai");
    }

    #[test]
    fn documents_stand_below_the_relative_root() {
        assert_eq!(metadata(&url()).request.path, "/git/api/v4/metadata");
        assert_eq!(own_check(&url(), Version(18, 9)).patience, 65);
    }
}
