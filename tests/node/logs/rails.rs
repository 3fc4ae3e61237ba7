//! The other logs of Rails, one line for each trace.

use super::{RAILS, check};
use duo_doctor::subject::logs::Trace;

#[test]
fn the_ai_log_tells_what_the_gateway_answered() {
    let answer = |status: &str, body: &str| {
        format!(
            r#"{{"severity":"ERROR","time":"2026-11-27T10:00:00.123Z","correlation_id":"01K","message":"Error response from AI Gateway","class":"Gitlab::Llm::AiGateway::Client","ai_event_name":"error_response_received","ai_component":"abstraction_layer","status":{status},"body":{body}}}"#
        )
    };
    let says = "Error response from AI Gateway";
    check(
        &format!("{RAILS}/llm.log"),
        &[
            (&answer("401", "null"), &[Trace::Gateway401], &format!("{says}, status 401")),
            (
                &answer("401", r#""Header mismatch 'X-Gitlab-Instance-Id'""#),
                &[Trace::GatewayHeaderMismatch],
                &format!("{says}, Header mismatch 'X-Gitlab-Instance-Id', status 401"),
            ),
            (&answer("402", "null"), &[Trace::Gateway402], &format!("{says}, status 402")),
            (
                &answer("403", r#""Unauthorized to access""#),
                &[Trace::Gateway403],
                &format!("{says}, status 403"),
            ),
            (&answer("429", "null"), &[Trace::Gateway429], &format!("{says}, status 429")),
            (&answer("503", r#"{"a":1}"#), &[Trace::Gateway5xx], &format!("{says}, status 503")),
            (&answer("422", r#""Validation error""#), &[], ""),
            (
                r#"{"severity":"ERROR","time":"2026-11-27T10:00:00Z","message":"Net::ReadTimeout","ai_event_name":"error_returned","duo_chat_error_code":"A1000","error":"I'm sorry"}"#,
                &[Trace::ReadTimeout, Trace::ChatJobFailed],
                "A1000, Net::ReadTimeout",
            ),
            (
                r#"{"severity":"ERROR","time":"2026-11-27T10:00:00Z","message":"Error","ai_event_name":"error_returned","duo_chat_error_code":"A1001"}"#,
                &[Trace::ChatJobFailed],
                "A1001",
            ),
        ],
    );
}

#[test]
fn events_and_requests_of_rails_are_told() {
    let event = |rest: &str| {
        format!(r#"{{"severity":"INFO","time":"2026-11-27T10:00:00.123Z","correlation_id":null,{rest}}}"#)
    };
    check(
        &format!("{RAILS}/application_json.log"),
        &[
            (
                &event(r#""message":"service_access_tokens","action":"cleanup_all""#),
                &[Trace::TokensDeleted],
                "service_access_tokens, cleanup_all",
            ),
            (&event(r#""message":"service_access_tokens","action":"cleanup_expired""#), &[], ""),
            (
                &event(r#""message":"Cloud Connector Access catalog update failed: x""#),
                &[Trace::SyncFailed],
                "Cloud Connector Access catalog update failed",
            ),
            (
                &event(
                    r#""message":"Outbound HTTP request blocked","outbound_http_request_method":"Net::HTTP::Post","silent_mode_enabled":true"#,
                ),
                &[Trace::SilentMode],
                "Outbound HTTP request blocked",
            ),
        ],
    );
    let api = |status: u16, route: &str| {
        format!(
            r#"{{"time":"2026-11-27T10:00:00.123Z","severity":"INFO","duration_s":0.1,"status":{status},"method":"POST","path":"/api/v4/x","params":[{{"key":"a","value":"b"}}],"host":"gitlab.example.com","remote_ip":"10.0.0.9","route":"/api/:version{route}","user_id":1,"username":"root"}}"#
        )
    };
    check(
        &format!("{RAILS}/api_json.log"),
        &[
            (&api(200, "/code_suggestions/completions"), &[], ""),
            (&api(401, "/code_suggestions/completions"), &[Trace::InstanceRefused], "status 401"),
            (&api(429, "/code_suggestions/completions"), &[Trace::Instance429], "status 429"),
            (&api(503, "/code_suggestions/direct_access"), &[Trace::TokenCreationFailed], "status 503"),
            (&api(402, "/code_suggestions/direct_access"), &[Trace::Gateway402], "status 402"),
            (&api(403, "/ai/duo_workflows/direct_access"), &[Trace::InstanceRefused], "status 403"),
            (&api(403, "/projects/:id/issues"), &[], ""),
        ],
    );
    let slow = r#"{"method":"POST","path":"/api/graphql","controller":"GraphqlController","action":"execute","status":500,"time":"2026-11-27T10:00:00.123Z","exception.class":"Rack::Timeout::RequestTimeoutException","exception.message":"Request ran for longer than 60000ms","exception.backtrace":["ee/app/services/cloud_connector/status_checks/status_service.rb:20:in `x'"]}"#;
    let other = slow.replace("cloud_connector", "security");
    check(
        &format!("{RAILS}/production_json.log"),
        &[(slow, &[Trace::RequestTimeout], "Rack::Timeout::RequestTimeoutException"), (&other, &[], "")],
    );
}

#[test]
fn action_cables_refusals_have_the_time_of_their_request() {
    let begin = r#"Started GET "/-/cable"[WebSocket] for 10.0.0.9 at 2026-11-27 10:00:00 UTC"#;
    let failed = |upgrade: &str| {
        format!(
            "{begin}\nFailed to upgrade to WebSocket (REQUEST_METHOD: GET, HTTP_CONNECTION: x, HTTP_UPGRADE: {upgrade})"
        )
    };
    let origin = format!(
        "{begin}\nRequest origin not allowed: https://gitlab.example.com\nFailed to upgrade to WebSocket (REQUEST_METHOD: GET, HTTP_CONNECTION: Upgrade, HTTP_UPGRADE: websocket)"
    );
    check(
        &format!("{RAILS}/production.log"),
        &[
            (&origin, &[Trace::CableOrigin], "Request origin not allowed"),
            (&failed(""), &[Trace::CableUpgrade], "Failed to upgrade to WebSocket"),
            (&failed("websocket"), &[], ""),
        ],
    );
}
