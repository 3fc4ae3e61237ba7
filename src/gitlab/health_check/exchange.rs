//! Why GitLab's test of the exchange failed: what the gateway answered, or why nothing came. Its label, "Authentication …
//! failed", stands before every reason, whether it is one of authentication or not.

use super::ProbeResult;
use super::exception::{self, Owner, UNKNOWN, Way, found};
use super::meaning::{Meaning, Setting};
use crate::finding::{Code, Finding};
use crate::subject::services::Deployment;
use serde_json::Value;

/// What stands before the reason, by version: 17.3, 17.4 and later, Amazon Q, a model's test of its own.
const LABELS: [&str; 4] = [
    "Authentication with GitLab Cloud services failed: ",
    "Authentication with the AI gateway services failed: ",
    "Amazon Q connectivity check failed: ",
    "Self-hosted model test request failed: ",
];

/// What a failed test of the exchange means.
pub(super) fn of(result: &ProbeResult, setting: &Setting) -> Option<Meaning> {
    let said = result.said();
    let reason = |text: &str| {
        let label = LABELS.iter().find_map(|label| Some(text.split_once(label)?.1));
        label.unwrap_or(text).to_owned()
    };
    said.iter().find_map(|text| one(&reason(text), result, setting)).map(Meaning::Found)
}

fn one(reason: &str, result: &ProbeResult, setting: &Setting) -> Option<Finding> {
    let way = way(setting);
    // What Amazon met on its way to the instance is no way of ours.
    if reason.contains("Amazon Q could not call") {
        return None;
    }
    if let Some(answer) = reason.split_once("AI Gateway returned code ").map(|(_, rest)| rest) {
        let (status, body) = answer.split_once(':').unwrap_or((answer, ""));
        let status: u16 = status.trim().trim_end_matches('.').parse().ok()?;
        return answered(status, body.trim(), &way, result, setting);
    }
    if reason.contains("contain a completion") {
        return Some(found(Code::CompletionEmpty, &[("words", reason)]));
    }
    let known = exception::finding(reason, &way);
    match known {
        // The test gives up after 3 s, whatever takes so long.
        Some(finding) if says_more_than_late(&finding, reason) => Some(finding),
        Some(_) | None if exception::is_timeout(reason) => {
            Some(found(Code::ExchangeSlow, &[("words", reason)]))
        }
        known => known,
    }
}

/// Whether a finding tells more than that something was late.
fn says_more_than_late(finding: &Finding, reason: &str) -> bool {
    finding.code == Code::ProxyUnreachable || reason.contains("URL is blocked")
}

/// The gateway that the test asks.
fn way(setting: &Setting) -> Way<'_> {
    match (setting.deployment, &setting.gateway) {
        (Deployment::SelfHosted, gateway) => {
            Way { host: gateway.as_deref().unwrap_or_default(), port: None, owner: Owner::Oneself }
        }
        (Deployment::Unknown | Deployment::Cloud | Deployment::Hybrid | Deployment::Dedicated, _) => {
            Way { host: "cloud.gitlab.com", port: Some(443), owner: Owner::GitLab }
        }
    }
}

/// What an answer other than 200 means (domain.md 3.4, gateway.md).
fn answered(status: u16, body: &str, way: &Way, result: &ProbeResult, setting: &Setting) -> Option<Finding> {
    let has = |words: &str| body.contains(words);
    let number = status.to_string();
    let words = format!("{status} {body}");
    let one = |code: Code| Some(found(code, &[("words", words.trim())]));
    if has("Header mismatch") {
        return one(Code::InstanceMismatch);
    }
    if has("USAGE_QUOTA_EXCEEDED") || has("insufficient_credits") || status == 402 {
        return one(Code::QuotaExceeded);
    }
    if has("USAGE_QUOTA_NOT_ENTITLED") || has("not_entitled") || has("Unauthorized to ") {
        return one(Code::NotEntitled);
    }
    let page = || page(status, body, way);
    match status {
        401 => Some(rejected(body, &words, way, result, setting)),
        403 => page().or_else(|| Some(unexpected(&number, body, way))),
        407 => Some(exception::refused(status, "Proxy Authentication Required", way)),
        429 => Some(found(Code::RateLimited, &[("what", "the request of GitLab's own health check")])),
        520..=530 => Some(found(Code::CloudflareOriginError, &[("host", way.host), ("status", &number)])),
        // 500 and 503 of the gateway are words or JSON; a page is somebody's on the way, and says so.
        500..=519 => {
            Some(found(Code::GatewayFailed, &[("status", &number), ("words", body), ("by", UNKNOWN)]))
        }
        200..=399 => Some(unexpected(&number, body, way)),
        _ if is_page(body) => Some(unexpected(&number, body, way)),
        _ => None,
    }
}

/// A 401: the gateway's word on the token or on a header, or somebody else's page.
fn rejected(body: &str, words: &str, way: &Way, result: &ProbeResult, setting: &Setting) -> Finding {
    let has = |words: &str| body.contains(words);
    // GitLab always sends both headers: where the gateway misses one, it got lost on the way.
    if has("No authorization header presented") {
        return found(Code::AuthHeaderStripped, &[("host", way.host), ("by", UNKNOWN), ("answer", words)]);
    }
    if has("only OIDC is supported") {
        let header = ("header", "X-Gitlab-Authentication-Type");
        return found(
            Code::GitlabHeaderStripped,
            &[("host", way.host), header, ("by", UNKNOWN), ("answer", words)],
        );
    }
    if is_page(body) {
        return unexpected("401", body, way);
    }
    let is_own = matches!(setting.deployment, Deployment::SelfHosted | Deployment::Hybrid);
    if is_own && has("Forbidden by auth provider") {
        let why = "with a gateway of one's own the test takes another token or address than the features do \
                   (gitlab-org/gitlab issues 509801 and 517097)";
        return found(Code::GitlabCheckDoubtful, &[("probe", &result.name), ("words", words), ("why", why)]);
    }
    found(Code::GatewayRejectsInstance, &[("words", words), ("by", "the AI gateway")])
}

fn is_page(body: &str) -> bool {
    let low = body.to_ascii_lowercase();
    let is_json = serde_json::from_str::<Value>(body).is_ok_and(|value| value.is_object());
    !is_json && ["<html", "<!doctype", "<head", "<h1", "<center"].iter().any(|mark| low.contains(mark))
}

/// Words of a page that says that the request is blocked.
const BLOCKS: [&str; 6] = ["blocked", "access denied", "web filter", "policy", "not permitted", "category"];

/// Somebody's page in place of the gateway's answer, where it says whose, or why.
fn page(status: u16, body: &str, way: &Way) -> Option<Finding> {
    let low = body.to_ascii_lowercase();
    let number = status.to_string();
    let at = [("host", way.host), ("status", number.as_str())];
    if low.contains("just a moment") || low.contains("cf-challenge") || low.contains("challenge-platform") {
        return Some(found(Code::CloudflareChallenge, &at));
    }
    if let Some(error) = low.split_once("error code: ").map(|(_, rest)| rest) {
        let error: String = error.chars().take_while(char::is_ascii_digit).collect();
        return Some(found(Code::CloudflareBlocked, &[at[0], at[1], ("error", &error)]));
    }
    let blocks = is_page(body) && BLOCKS.iter().any(|words| low.contains(words));
    blocks.then(|| found(Code::HttpBlockPage, &[at[0], at[1], ("by", UNKNOWN), ("words", body)]))
}

fn unexpected(status: &str, body: &str, way: &Way) -> Finding {
    let args = [("host", way.host), ("status", status), ("by", UNKNOWN), ("words", body)];
    found(Code::HttpUnexpected, &args)
}
