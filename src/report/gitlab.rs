//! The report in the shape of GitLab's own health check: an array of results, so that tooling for it keeps working.
//! GitLab's names stand where a check of ours looks at the same; all others are named after the check. A run that was read
//! from GitLab's own report is written with GitLab's words again.
//!
//! `success` is null where no verdict was reached: GitLab knows no word for that, and false would be wrong.

use super::Report;
use super::shape::CheckReport;
use crate::finding::Severity;
use crate::gitlab::health_check::ProbeResult;
use crate::run::Status;
use serde::Serialize;
use serde_json::{Map, Value, json};

/// A result, its fields in GitLab's order.
#[derive(Serialize)]
struct Row {
    name: String,
    success: Option<bool>,
    message: String,
    errors: Vec<String>,
    details: Map<String, Value>,
}

/// Checks of ours that look at what a test of GitLab's looks at.
const NAMES: &[(&str, &str)] = &[
    ("http", "host_probe"),
    ("licence", "license_probe"),
    ("access-data", "access_probe"),
    ("access-token", "token_probe"),
    ("completion", "end_to_end_probe"),
    ("workflow", "duo_agent_platform_probe"),
    ("flows", "allow_flow_execution_probe"),
    ("runner", "compatible_runner_probe"),
];

/// The report as an array, indented, with a final line end.
pub fn gitlab(report: &Report) -> String {
    let rows: Vec<Row> = report.checks.iter().enumerate().map(|(i, check)| row(report, i, check)).collect();
    let mut text =
        serde_json::to_string_pretty(&rows).unwrap_or_else(|e| format!("[{{\"error\": \"{e}\"}}]"));
    text.push('\n');
    text
}

fn row(report: &Report, number: usize, check: &CheckReport) -> Row {
    let kept = report.source.as_ref().and_then(|source| source.results.get(number));
    let own: Option<ProbeResult> = kept.and_then(|result| serde_json::from_value(result.clone()).ok());
    let mut details = details(report, check);
    match own {
        Some(own) => {
            if let Ok(Value::Object(kept)) = serde_json::to_value(&own.details) {
                details.extend(kept);
            }
            Row { name: own.name, success: own.success, message: own.message, errors: own.errors, details }
        }
        None => Row {
            name: name(&check.check),
            success: success(check.status),
            message: if check.summary.is_empty() { check.title.clone() } else { check.summary.clone() },
            errors: errors(check),
            details,
        },
    }
}

/// `tls` is `tls_probe`, `silent-mode` is `silent_mode_probe`, and one of GitLab's keeps its own.
fn name(check: &str) -> String {
    if let Some((_, name)) = NAMES.iter().find(|(ours, _)| *ours == check) {
        return (*name).to_owned();
    }
    // A second result of one name has its number behind it.
    let plain = check.trim_end_matches(|c: char| c.is_ascii_digit()).trim_end_matches('-');
    if plain.ends_with("_probe") { plain.to_owned() } else { format!("{}_probe", check.replace('-', "_")) }
}

fn success(status: Status) -> Option<bool> {
    match status {
        Status::Pass | Status::Warn => Some(true),
        Status::Fail => Some(false),
        Status::Pending
        | Status::Running
        | Status::Skip
        | Status::Blocked
        | Status::Error
        | Status::Cancelled => None,
    }
}

/// GitLab counts a result with an error as failed: warnings are none.
fn errors(check: &CheckReport) -> Vec<String> {
    let fails = check.findings.iter().filter(|f| f.severity == Severity::Fail);
    fails.map(|f| f.message.clone()).collect()
}

fn details(report: &Report, check: &CheckReport) -> Map<String, Value> {
    let codes: Vec<&str> = check.findings.iter().map(|f| f.code.as_str()).collect();
    let (host, version) = (&report.node.hostname, &report.node.gitlab_version);
    let started_at = report.source.is_none().then_some(report.started_at);
    let all = json!({
        "id": check.id,
        "status": check.status,
        "place": check.place,
        "codes": codes,
        "started_at": started_at,
        "host": host,
        "version": version,
    });
    match all {
        Value::Object(fields) => fields.into_iter().filter(|(_, value)| !value.is_null()).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => Map::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_gitlabs_where_both_look_at_the_same() {
        for (check, wanted) in [
            ("http", "host_probe"),
            ("access-token", "token_probe"),
            ("tls", "tls_probe"),
            ("silent-mode", "silent_mode_probe"),
            ("http2-kept", "http2_kept_probe"),
            ("host_probe", "host_probe"),
            ("end_to_end_probe-2", "end_to_end_probe"),
        ] {
            assert_eq!(name(check), wanted);
        }
    }
}
