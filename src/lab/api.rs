//! The instance's API: who may ask, and what is answered, from what the lab's GitLab knows (`gitlab`).

use super::fault::On;
use super::fault::gitlab::Role;
use super::gitlab::Gitlab;
use super::http::{Body, plain, set};
use super::situation::{GOOD_TOKEN, Situation, name_of};
use super::{graphql, instance};
use bytes::Bytes;
use http::header::{AUTHORIZATION, HeaderName, RETRY_AFTER};
use http::{Method, Request, Response};
use serde_json::{Value, json};

/// What was sent with a request, as far as it is kept.
#[derive(Clone)]
pub(super) struct Sent(pub(super) Bytes);

/// The answer to a request below `/api/`.
pub(super) fn answer<B>(
    path: &str,
    request: &Request<B>,
    entered: On,
    situation: &Situation,
) -> Response<Body> {
    let gitlab = Gitlab::of(situation);
    let given = request.headers().get(AUTHORIZATION).and_then(|v| v.to_str().ok());
    if given != Some(&format!("Bearer {GOOD_TOKEN}")) {
        return says(401, &json!({ "message": "401 Unauthorized" }), situation);
    }
    if gitlab.is(|c| c.user.limited) {
        let body = json!({ "message": { "error": "This endpoint has been requested too many times. Try again later." } });
        let mut answer = says(429, &body, situation);
        set(&mut answer, RETRY_AFTER, "42");
        return answer;
    }
    let post = request.method() == Method::POST;
    match (path, post) {
        ("/api/graphql", true)
            if gitlab.is(|c| lacks(c.user.scopes.as_ref(), &["api", "read_api", "ai_features"])) =>
        {
            says(401, &json!({ "errors": [{ "message": "Invalid token" }] }), situation)
        }
        ("/api/graphql", true) => says(200, &query(request, &gitlab), situation),
        ("/api/v4/metadata", false) => {
            with_scope(&gitlab, &["api", "read_api", "read_user", "ai_features"], situation, || {
                json!({ "version": gitlab.version, "revision": "0123456", "kas": { "enabled": true, "externalUrl": "canary-4f1c" },
                        "enterprise": gitlab.is_ee() })
            })
        }
        ("/api/v4/license", false) if gitlab.is_ee() => {
            of_admin(&gitlab, situation, || gitlab.license_rest())
        }
        ("/api/v4/application/settings", false) => of_admin(&gitlab, situation, || gitlab.settings()),
        ("/api/v4/sidekiq/compound_metrics", false) => of_admin(&gitlab, situation, || gitlab.sidekiq()),
        ("/api/v4/code_suggestions/completions" | "/api/v4/code_suggestions/direct_access", true)
            if gitlab.is_in_maintenance() =>
        {
            let body = json!({ "message": "GitLab is undergoing maintenance" });
            let mut answer = says(503, &body, situation);
            set(&mut answer, RETRY_AFTER, "600");
            answer
        }
        ("/api/v4/code_suggestions/completions", true) => completion(&gitlab, entered, situation),
        ("/api/v4/code_suggestions/direct_access", true) if gitlab.minor() >= (17, 2) => {
            direct_access(&gitlab, situation)
        }
        ("/api/v4/code_suggestions/connection_details", true) if gitlab.user_has_duo() => says(
            201,
            &json!({ "instance_id": "canary-4f1c", "instance_version": gitlab.version, "realm": "self-managed",
                     "global_user_id": "canary-4f1c", "host_name": name_of(On::Instance), "feature_enablement_type": "add_on" }),
            situation,
        ),
        ("/api/v4/code_suggestions/connection_details", true) => refused(situation),
        _ => says(404, &json!({ "error": "404 Not Found" }), situation),
    }
}

/// Rails' own 401, marked as such.
fn refused(situation: &Situation) -> Response<Body> {
    let mut answer = says(401, &json!({ "message": "401 Unauthorized" }), situation);
    set(&mut answer, HeaderName::from_static("x-gitlab-error-origin"), "monolith");
    answer
}

fn says(status: u16, body: &Value, situation: &Situation) -> Response<Body> {
    plain(status, "application/json", body.to_string(), situation)
}

/// Whether a token with these scopes has none of those that will do.
fn lacks(scopes: Option<&Vec<String>>, any: &[&str]) -> bool {
    scopes.is_some_and(|has| !has.iter().any(|scope| any.contains(&scope.as_str())))
}

fn with_scope(
    gitlab: &Gitlab,
    any: &[&str],
    situation: &Situation,
    body: impl FnOnce() -> Value,
) -> Response<Body> {
    if gitlab.is(|c| lacks(c.user.scopes.as_ref(), any)) {
        let body = json!({
            "error": "insufficient_scope",
            "error_description": "The request requires higher privileges than provided by the access token.",
            "scope": any.join(" "),
        });
        return says(403, &body, situation);
    }
    says(200, &body(), situation)
}

fn of_admin(gitlab: &Gitlab, situation: &Situation, body: impl FnOnce() -> Value) -> Response<Body> {
    if gitlab.is(|c| c.user.role != Role::Administrator) {
        return says(403, &json!({ "message": "403 Forbidden" }), situation);
    }
    with_scope(gitlab, &["api", "read_api"], situation, body)
}

fn query<B>(request: &Request<B>, gitlab: &Gitlab) -> Value {
    let sent = request.extensions().get::<Sent>().map(|sent| sent.0.clone()).unwrap_or_default();
    let sent: Value = serde_json::from_slice(&sent).unwrap_or_default();
    let query = sent["query"].as_str().unwrap_or_default();
    // A token that may not read shows nothing, and no error.
    let shown = if gitlab.is(|c| lacks(c.user.scopes.as_ref(), &["api", "read_api"])) {
        json!({})
    } else {
        gitlab.graphql()
    };
    let mut answer = graphql::answer(query, gitlab.minor(), &shown);
    let refused = ["cloudConnectorStatus", "currentLicense"].into_iter().filter(|name| query.contains(name));
    if gitlab.is(|c| c.user.role == Role::Ordinary) {
        let error = |name: &str| {
            json!({
                "message": "The resource that you are attempting to access does not exist or you don't have permission to \
                            perform this action",
                "path": [name],
            })
        };
        answer["errors"] = refused.map(error).collect();
    }
    answer
}

/// A user's token: Rails asks the gateway for it.
fn direct_access(gitlab: &Gitlab, situation: &Situation) -> Response<Body> {
    if !gitlab.user_has_duo() {
        return refused(situation);
    }
    if gitlab.settings()["disabled_direct_code_suggestions"] == true {
        let mut answer =
            says(403, &json!({ "message": "403 Forbidden - Direct connections are disabled" }), situation);
        set(&mut answer, HeaderName::from_static("x-gitlab-error-origin"), "monolith");
        return answer;
    }
    match gitlab.exchange() {
        // Only the gateway's own words are passed on; whatever is raised before is a plain failure.
        Some(words) if words.starts_with('{') => {
            let said: Value = serde_json::from_str(&words).unwrap_or_default();
            let body = json!({ "message": "Token creation failed", "error": said["error"], "error_code": said["error_code"],
                               "error_description": said["message"] });
            says(if words.contains("QUOTA") { 402 } else { 401 }, &body, situation)
        }
        Some(_) => says(500, &json!({ "message": "500 Internal Server Error" }), situation),
        None => says(
            201,
            &json!({ "base_url": "https://cloud.gitlab.com/ai", "token": "canary-4f1c", "expires_at": 1_795_000_000,
                     "headers": { "X-Gitlab-Instance-Id": "canary-4f1c" } }),
            situation,
        ),
    }
}

/// A completion, streamed by Workhorse from the gateway.
fn completion(gitlab: &Gitlab, entered: On, situation: &Situation) -> Response<Body> {
    if !gitlab.user_has_duo() {
        return refused(situation);
    }
    if gitlab.is(|c| c.empty_completion) {
        return says(200, &json!({ "choices": [{ "text": "", "index": 0 }] }), situation);
    }
    // Workhorse asks the gateway by itself: Silent Mode and the outbound filter are Rails' alone.
    match gitlab.exchange().filter(|words| words.starts_with('{')) {
        Some(words) => {
            let body: Value = serde_json::from_str(&words).unwrap_or_default();
            says(if words.contains("QUOTA") { 402 } else { 401 }, &body, situation)
        }
        None => instance::completion(entered, situation),
    }
}
