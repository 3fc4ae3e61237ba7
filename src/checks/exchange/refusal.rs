//! Why a request of Code Suggestions was not served, and who says so: GitLab itself, Workhorse, the gateway, Cloudflare, a
//! proxy (domain.md 3.3, 3.4; gateway.md).
//!
//! GitLab marks what it refuses by itself with `X-GitLab-Error-Origin: monolith`. What it passes on of the gateway's is in
//! the gateway's words.

use crate::check::Verdict;
use crate::checks::answerer::{self, Answerer, Word};
use crate::checks::api;
use crate::checks::instance::token::rate_limited;
use crate::checks::vendors;
use crate::failure::Answer;
use crate::finding::{Code, Finding};
use crate::text;
use serde_json::Value;

/// What a refusal comes to. `what` is the request, for people: `a token for direct connections`.
pub(super) fn verdict(answer: &Answer, what: &str) -> Verdict {
    let said: Value = serde_json::from_str(&answer.body).unwrap_or_default();
    let text = |name: &str| said.get(name).and_then(Value::as_str).unwrap_or_default();
    let everything = ["message", "error", "error_description", "error_code", "detail"].map(text).join(" ");
    let words = api::reason(answer);
    let one = |code: Code| Verdict::found(code, &[("words", &words)]);
    if let Some(verdict) = of_the_gateway(&everything) {
        return verdict;
    }
    let from_gitlab = answer.headers.get("x-gitlab-error-origin") == Some("monolith");
    match answer.status {
        401 if from_gitlab => one(Code::TokenUserWithoutDuo),
        401 => match answerer::who(answer) {
            Answerer::GitLab | Answerer::Rails if text("error").is_empty() => one(Code::TokenUserWithoutDuo),
            who @ (Answerer::GitLab
            | Answerer::Rails
            | Answerer::Gateway
            | Answerer::Cloudflare(_)
            | Answerer::Proxy(..)
            | Answerer::Firewall(_)
            | Answerer::Balancer(_)
            | Answerer::WebServer(_)
            | Answerer::Unknown) => rejected(&words, who.name().unwrap_or("the gateway")),
        },
        402 => one(Code::QuotaExceeded),
        403 if text("error") == "insufficient_scope" => {
            Verdict::NotAsked("the token lacks the scope ai_features or api".to_owned())
        }
        403 if everything.contains("Direct connections are disabled") => Verdict::NotApplicable(
            "direct connections are turned off: editors go through the instance, which is a setting and no fault"
                .to_owned(),
        ),
        403 if everything.contains("read-only") => {
            Verdict::NotApplicable("this site is read-only: the primary site of Geo would tell".to_owned())
        }
        403 if everything.contains("Unauthorized to") => one(Code::NotEntitled),
        403 => blocked(answer, what),
        404 if from_gitlab || said.is_object() => {
            let by = "a feature flag that stops Code Suggestions: GitLab answers 404 by itself";
            Verdict::found(Code::DuoOff, &[("by", by)])
        }
        422 if everything.contains("missing_default_duo_group") => Verdict::NotAsked(
            "the token's user has to choose a default namespace of GitLab Duo before this tells anything".to_owned(),
        ),
        429 => Verdict::Findings(vec![rate_limited(&api::limit(answer), what)]),
        503 if is_maintenance(answer, &everything) => {
            Verdict::found(Code::MaintenanceModeOn, &[("by", "the answer of the API")])
        }
        500..=599 => failed(answer, &words),
        _ => Verdict::Unknown(format!("{what} was answered with {}", api::quoted(answer))),
    }
}

/// What the gateway said, where GitLab passes its words on in an answer of its own (`Token creation failed`).
fn of_the_gateway(everything: &str) -> Option<Verdict> {
    let has = |words: &str| everything.contains(words);
    let quoted = text::escape(everything.trim(), 120);
    let one = |code: Code| Some(Verdict::found(code, &[("words", &quoted)]));
    if has("Header mismatch") {
        return one(Code::InstanceMismatch);
    }
    if has("USAGE_QUOTA_EXCEEDED") || has("insufficient_credits") {
        return one(Code::QuotaExceeded);
    }
    if has("USAGE_QUOTA_NOT_ENTITLED") || has("not_entitled") {
        return one(Code::NotEntitled);
    }
    let refuses = [
        "Forbidden by auth provider",
        "No authorization header",
        "Invalid authorization header",
        "only OIDC",
    ];
    refuses.iter().any(|words| has(words)).then(|| rejected(&quoted, "the AI gateway"))
}

fn rejected(words: &str, by: &str) -> Verdict {
    Verdict::found(Code::GatewayRejectsInstance, &[("words", words), ("by", by)])
}

/// Maintenance Mode answers 503 with the time to come back; so do others, in other words.
fn is_maintenance(answer: &Answer, everything: &str) -> bool {
    let is_gitlab = matches!(answerer::who(answer), Answerer::GitLab | Answerer::Rails);
    is_gitlab && answer.headers.get("retry-after").is_some() && !everything.contains("Token creation failed")
}

/// A 403 that is not GitLab's word: somebody's page on the way out of the instance.
fn blocked(answer: &Answer, what: &str) -> Verdict {
    match answerer::who(answer) {
        who @ (Answerer::Proxy(Word::Denies | Word::WantsCredentials | Word::CannotReach, _)
        | Answerer::Firewall(_)
        | Answerer::Cloudflare(_)) => failed_by(answer, who.name().unwrap_or("a filter on the way")),
        Answerer::GitLab
        | Answerer::Rails
        | Answerer::Gateway
        | Answerer::Balancer(_)
        | Answerer::WebServer(_)
        | Answerer::Unknown => Verdict::Unknown(format!("{what} was refused: {}", api::quoted(answer))),
    }
}

fn failed(answer: &Answer, words: &str) -> Verdict {
    let who = answerer::who(answer);
    let by = match who.name() {
        // GitLab's own words say that its request to the gateway failed.
        Some("GitLab") | None => "the request of GitLab to the gateway",
        Some(name) => name,
    };
    let status = answer.status.to_string();
    let args = [("status", status.as_str()), ("words", words), ("by", by)];
    Verdict::Findings(vec![Finding::new(Code::GatewayFailed, &args)])
}

fn failed_by(answer: &Answer, by: &str) -> Verdict {
    let (status, words) = (answer.status.to_string(), vendors::words_of(answer));
    Verdict::found(Code::GatewayFailed, &[("status", &status), ("words", &words), ("by", by)])
}

#[cfg(test)]
mod tests {
    use super::*;

    const MONOLITH: (&str, &str) = ("x-gitlab-error-origin", "monolith");
    const META: (&str, &str) = ("x-gitlab-meta", "{}");
    const RAY: (&str, &str) = ("cf-ray", "8c1f52a0773e0b94-FRA");

    /// What a verdict is: a code, or a way of not knowing.
    fn word(answer: &Answer) -> String {
        match verdict(answer, "it") {
            Verdict::Findings(found) => found[0].code.to_string(),
            Verdict::Pass(_) => "pass".to_owned(),
            Verdict::NotApplicable(_) => "n/a".to_owned(),
            Verdict::NotAsked(_) | Verdict::Wants(..) => "not asked".to_owned(),
            Verdict::Unknown(_) => "unknown".to_owned(),
        }
    }

    /// Status, headers, body, and what it comes to.
    type Row = (u16, Vec<(&'static str, &'static str)>, String, &'static str);

    #[test]
    fn every_refusal_is_traced_to_who_gave_it() {
        let token = |status: &str| format!(r#"{{"message":"Token creation failed","error":"{status}"}}"#);
        #[rustfmt::skip]
        let rows: Vec<Row> = vec![
            (401, vec![META, MONOLITH], r#"{"message":"401 Unauthorized"}"#.into(), "token-user-without-duo"),
            (401, vec![META], r#"{"message":"401 Unauthorized"}"#.into(), "token-user-without-duo"),
            (401, vec![META], r#"{"error":"Forbidden by auth provider"}"#.into(), "gateway-rejects-instance"),
            (401, vec![], r#"{"error":"No authorization header presented"}"#.into(), "gateway-rejects-instance"),
            (401, vec![META], r#"{"error":"Header mismatch 'X-Gitlab-Instance-Id'"}"#.into(), "instance-mismatch"),
            (503, vec![META], token("Header mismatch 'X-Gitlab-Realm'"), "instance-mismatch"),
            (503, vec![META], token("Forbidden by auth provider"), "gateway-rejects-instance"),
            (503, vec![META], token("timeout"), "gateway-failed"),
            (503, vec![META, ("retry-after", "60")], token("timeout"), "gateway-failed"),
            (402, vec![META], r#"{"error":"insufficient_credits","error_code":"USAGE_QUOTA_EXCEEDED"}"#.into(), "quota-exceeded"),
            (403, vec![META], r#"{"error":"not_entitled","error_code":"USAGE_QUOTA_NOT_ENTITLED"}"#.into(), "not-entitled"),
            (403, vec![META], r#"{"detail":"Unauthorized to access code completions"}"#.into(), "not-entitled"),
            (403, vec![META, MONOLITH], r#"{"message":"403 Forbidden - Direct connections are disabled"}"#.into(), "n/a"),
            (403, vec![META], r#"{"error":"insufficient_scope","scope":"api ai_features"}"#.into(), "not asked"),
            (403, vec![META], r#"{"message":"403 Forbidden - You cannot perform write operations on a read-only instance"}"#.into(), "n/a"),
            (403, vec![("x-squid-error", "ERR_ACCESS_DENIED 0")], "<h1>no</h1>".into(), "gateway-failed"),
            (403, vec![META], r#"{"message":"403 Forbidden"}"#.into(), "unknown"),
            (404, vec![META, MONOLITH], r#"{"message":"404 Not Found"}"#.into(), "duo-off"),
            (404, vec![], "<h1>nowhere</h1>".into(), "unknown"),
            (422, vec![META], r#"{"error":"missing_default_duo_group"}"#.into(), "not asked"),
            (429, vec![META, ("retry-after", "30")], r#"{"message":{"error":"x"}}"#.into(), "rate-limited"),
            (503, vec![META, ("retry-after", "600")], r#"{"message":"GitLab is in maintenance mode"}"#.into(), "maintenance-mode-on"),
            (503, vec![RAY], r#"{"detail":"Inference failed"}"#.into(), "gateway-failed"),
            (500, vec![], "Internal Server Error".into(), "gateway-failed"),
            (502, vec![("server", "nginx")], "<center>nginx</center>".into(), "gateway-failed"),
            (302, vec![], String::new(), "unknown"),
        ];
        for (status, headers, body, wanted) in rows {
            assert_eq!(word(&Answer::of(status, &headers, &body)), wanted, "{status} {headers:?} {body}");
        }
    }
}
