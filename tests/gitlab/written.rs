//! Runs written in GitLab's shape: GitLab's own come back as they were, ours have GitLab's names where both look at the
//! same.

use crate::{reports, run};
use duo_doctor::check::{Group, Note};
use duo_doctor::finding::{Code, Finding};
use duo_doctor::gitlab::health_check::{ProbeResult, read};
use duo_doctor::report::import;
use duo_doctor::report::{Format, Options, Redaction, render};
use duo_doctor::run::event::{Planned, Settled, Skip};
use duo_doctor::run::{Run, StepState};
use duo_doctor::subject::{About, Node};
use serde_json::{Value, json};
use std::time::Duration;

fn written(run: &Run, redaction: Redaction) -> Value {
    let text = render(run, None, Format::Gitlab, redaction, &Options::default());
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text}"))
}

/// Names, success and messages.
fn told(results: &[ProbeResult]) -> Vec<(String, Option<bool>, String)> {
    results.iter().map(|r| (r.name.clone(), r.success, r.message.clone())).collect()
}

#[test]
fn a_report_of_gitlabs_comes_back_with_its_names_success_and_messages() {
    for (name, bytes) in reports() {
        let value: Value = serde_json::from_slice(&bytes).expect("JSON");
        let before = read(&value).expect("a report");
        let run = run(&bytes);
        let after = read(&written(&run, Redaction::Full)).expect("a report again");
        assert_eq!(told(&after), told(&before), "{name}");
        let errors = |all: &[ProbeResult]| all.iter().map(|r| r.errors.clone()).collect::<Vec<_>>();
        assert_eq!(errors(&after), errors(&before), "{name}");
        // Also by way of a saved report of ours.
        for format in [Format::Json, Format::Jsonl] {
            let saved = render(&run, None, format, Redaction::Full, &Options::default());
            let loaded = import::read(saved.as_bytes()).unwrap_or_else(|e| panic!("{name} {format} {e}")).run;
            let again = read(&written(&loaded, Redaction::Full)).expect("a report again");
            assert_eq!(told(&again), told(&before), "{name} by {format}");
        }
    }
}

fn step(check: &str, place: &str, group: Group, how: &Settled) -> StepState {
    let plan = Planned {
        check: check.to_owned(),
        place: place.parse().expect("a place"),
        group,
        title: format!("{check} holds"),
        needs: Vec::new(),
    };
    let mut state = StepState::of(plan);
    state.settle(how, Duration::ZERO);
    state
}

fn ours() -> Run {
    let pass = |summary: &str| Settled::Pass(Note { summary: summary.to_owned(), ..Note::default() });
    let denied = Finding::new(
        Code::ProxyDenied,
        &[
            ("proxy", "squid.acme.corp:3128"),
            ("host", "cloud.gitlab.com"),
            ("status", "403"),
            ("words", "Forbidden"),
            ("product", "squid"),
        ],
    );
    let slow = Finding::new(
        Code::LatencyHigh,
        &[("host", "customers.gitlab.com"), ("figure", "400 ms"), ("limit", "300 ms")],
    );
    let node = Node {
        hostname: Some("gl-rails-01".into()),
        gitlab_version: Some("18.9.1".into()),
        ..Node::default()
    };
    let started_at = "2026-11-22T02:47:05Z".parse().expect("a time");
    Run {
        about: Some(About { node, started_at, ..About::default() }),
        steps: vec![
            step("http", "customers/rails", Group::Network, &pass("the portal answers")),
            step("proxy", "cloud/rails", Group::Network, &Settled::Findings(vec![denied])),
            step("http", "cloud/rails", Group::Network, &Settled::Blocked { by: 1 }),
            step("latency", "customers/rails", Group::Network, &Settled::Findings(vec![slow])),
            step(
                "licence",
                "instance",
                Group::Synchronization,
                &Settled::Skip { kind: Skip::NotAsked, why: "needs a token".into(), want: None },
            ),
            step("silent-mode", "instance", Group::Instance, &pass("off")),
        ],
        ..Run::default()
    }
}

#[test]
fn a_run_of_ours_has_gitlabs_fields_and_says_unknown_as_unknown() {
    let rows = written(&ours(), Redaction::Full);
    let brief: Vec<Value> =
        rows.as_array().expect("an array").iter().map(|r| json!([r["name"], r["success"]])).collect();
    assert_eq!(
        json!(brief),
        json!([
            ["host_probe", true],
            ["proxy_probe", false],
            ["host_probe", null],
            ["latency_probe", true],
            ["license_probe", null],
            ["silent_mode_probe", true]
        ])
    );
    let denied = &rows[1];
    let message = "The proxy squid.acme.corp:3128 does not let gl-rails-01 connect to cloud.gitlab.com (403 Forbidden).";
    assert_eq!(denied["message"], message);
    assert_eq!(denied["errors"], json!([message]));
    assert_eq!(
        denied["details"],
        json!({
            "id": "proxy@cloud/rails", "status": "fail", "place": "cloud/rails", "codes": ["proxy-denied"],
            "started_at": "2026-11-22T02:47:05Z", "host": "gl-rails-01", "version": "18.9.1"
        })
    );
    assert_eq!(rows[3]["errors"], json!([]), "a warning is no error");
    let fields: Vec<&str> = denied.as_object().expect("an object").keys().map(String::as_str).collect();
    assert_eq!(fields, ["name", "success", "message", "errors", "details"]);
}

#[test]
fn names_are_hidden_as_in_every_other_format() {
    let text = written(&ours(), Redaction::Share).to_string();
    assert!(!text.contains("acme") && !text.contains("gl-rails-01"), "{text}");
    assert!(
        text.contains("host-1") && text.contains("node-1") && text.contains("cloud.gitlab.com"),
        "{text}"
    );
}

#[test]
fn what_is_written_is_read_as_gitlabs() {
    let text = render(&ours(), None, Format::Gitlab, Redaction::Share, &Options::default());
    let loaded = import::read(text.as_bytes()).expect("a report in GitLab's shape");
    assert_eq!(loaded.run.steps.len(), 6);
}
