//! The shape: the schema, the contract's fields, the way back to a run, the exit code.

use crate::story::{Story, failing, found, inconclusive, passing, written};
use duo_doctor::check::Group;
use duo_doctor::finding::Code;
use duo_doctor::report::{FailOn, Format, JSON_SCHEMA, Options, Redaction, Report, exit_code, render};
use duo_doctor::run::Run;
use duo_doctor::run::event::{Ending, Event};
fn valid(json: &str) -> serde_json::Value {
    let schema: serde_json::Value = serde_json::from_str(JSON_SCHEMA).expect("the schema is JSON");
    let validator = jsonschema::validator_for(&schema).expect("the schema is one");
    let report: serde_json::Value = serde_json::from_str(json).expect("a report is JSON");
    let errors: Vec<String> =
        validator.iter_errors(&report).map(|e| format!("{}: {e}", e.instance_path())).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    report
}

#[test]
fn every_report_obeys_the_schema() {
    for events in [failing(), passing(), inconclusive()] {
        for redaction in [Redaction::Full, Redaction::Share] {
            valid(&written(&events, Format::Json, redaction));
        }
        let unfinished = &events[..events.len() - 2];
        let report = valid(&written(unfinished, Format::Json, Redaction::Full));
        assert_ne!(report["verdict"], "pass");
    }
    valid(&render(&Run::default(), None, Format::Json, Redaction::Share, &Options::default()));
}

#[test]
fn the_schema_refuses_what_the_contract_does_not_know() {
    let schema: serde_json::Value = serde_json::from_str(JSON_SCHEMA).expect("the schema is JSON");
    let validator = jsonschema::validator_for(&schema).expect("the schema is one");
    let mut report = valid(&written(&failing(), Format::Json, Redaction::Full));
    report["added_later"] = 1.into();
    assert!(validator.is_valid(&report), "adding is free");
    report["checks"][0]["status"] = "pending".into();
    assert!(!validator.is_valid(&report));
}

#[test]
fn the_features_stand_with_the_causes_that_stop_them_and_what_would_tell() {
    let report = valid(&written(&failing(), Format::Json, Redaction::Full));
    let features = report["features"].as_array().expect("features");
    let ids: Vec<_> = features.iter().filter_map(|f| f["id"].as_str()).collect();
    assert_eq!(ids, ["code-suggestions", "chat", "agentic-chat", "flows"]);
    assert_eq!(features[1]["state"], "stopped");
    assert_eq!(features[1]["stopped_by"], serde_json::json!([0, 1]));
    assert_eq!(features[2]["state"], "unknown");
    assert!(features[2]["tells"].as_str().is_some_and(|tells| !tells.is_empty()));
    let mut older = report.clone();
    older.as_object_mut().expect("an object").remove("features");
    let back: Report = serde_json::from_value(older).expect("an older report reads");
    let run = back.to_run().expect("it becomes a run");
    assert_eq!(Report::of(&run).features.len(), 4, "they are found anew");
}

#[test]
fn the_contracts_fields_stand_where_the_contract_says() {
    let report = valid(&written(&failing(), Format::Json, Redaction::Full));
    assert_eq!(
        report["coverage"],
        serde_json::json!({ "nodes_checked": 1, "rails_seen": true, "sidekiq_seen": true })
    );
    let tls = report["checks"]
        .as_array()
        .expect("checks")
        .iter()
        .find(|c| c["id"] == "tls@cloud/rails")
        .expect("tls");
    assert_eq!(tls["status"], "fail");
    assert_eq!(tls["duration_ms"], 20.0);
    assert_eq!(tls["phases"][2]["name"], "tls");
    assert_eq!(tls["findings"][0]["args"]["host"], "cloud.gitlab.com");
    let route = &report["routes"][0];
    assert_eq!(route["stacks"], serde_json::json!(["rails", "sidekiq"]));
    assert_eq!(route["trusts"], "the roots of pki.acme.corp, 142 roots");
    assert!(route["and_not"].is_array());
    let first = &report["root_causes"][0];
    assert_eq!(first["code"], "tls-unknown-issuer");
    assert_eq!(first["check"], "tls@customers/rails");
    assert_eq!(first["seen_at"], serde_json::json!(["tls@customers/rails", "tls@cloud/rails"]));
    assert_eq!(first["explains"], serde_json::json!(["http@customers/rails", "http@cloud/rails"]));
    assert_eq!(report["root_causes"].as_array().map(Vec::len), Some(2));
    assert_eq!(report["routes"][0]["via"]["proxy"], "http://squid.acme.corp:3128");
}

#[test]
fn a_report_becomes_the_run_again() {
    for events in [failing(), passing(), inconclusive()] {
        let run = Run::of(&events);
        let mut again = Report::of(&run).to_run().expect("a run");
        // A proxy's password is in no report.
        let mut plain = run.clone();
        let about = again.about.as_mut().expect("a plan");
        for (route, before) in about.routes.iter().zip(&mut plain.about.as_mut().expect("a plan").routes) {
            before.via = route.via.clone();
        }
        assert_eq!(again, plain);
        assert_eq!(Report::of(&again), Report::of(&plain));
    }
}

#[test]
fn the_exit_code_follows_the_verdict() {
    let code = |events: &[Event], fail_on| exit_code(&Run::of(events), fail_on);
    assert_eq!(code(&failing(), FailOn::Fail), 1);
    assert_eq!(code(&passing(), FailOn::Warn), 0);
    assert_eq!(code(&inconclusive(), FailOn::Fail), 3);
    assert_eq!(exit_code(&Run::default(), FailOn::Fail), 3);
    let mut story = Story::new();
    let args = [("host", "cloud.gitlab.com"), ("figure", "400 ms"), ("limit", "300 ms")];
    story.step("latency", "cloud/rails", Group::Network, &[], found(Code::LatencyHigh, &args));
    let warning = story.end(Ending::Complete);
    assert_eq!((code(&warning, FailOn::Fail), code(&warning, FailOn::Warn)), (0, 2));
}
