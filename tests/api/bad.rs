//! Bad answers: each is a finding of its own or a clear unknown; none is a pass, and none ends the run.

use super::instance::{ALL, Bad, Instance};
use duo_doctor::finding::Code;
use duo_doctor::run::{Run, Status};

fn summary(run: &Run, check: &str) -> String {
    let step = run.steps.iter().find(|s| s.plan.check == check).expect("the step is planned");
    format!("{:?} {:?}", step.status, step.settled)
}

fn codes(run: &Run) -> Vec<Code> {
    run.steps.iter().flat_map(|s| s.findings().iter().map(|f| f.code)).collect()
}

fn status(run: &Run, check: &str) -> Status {
    run.steps.iter().find(|s| s.plan.check == check).expect("the step is planned").status
}

/// What is answered everywhere, and what of it shows at the check of the token.
fn rows() -> Vec<(&'static str, Bad, &'static str)> {
    let json = |status: u16, body: &str| Bad::new(status, "application/json", body);
    let limited = |mut bad: Bad| {
        bad.headers.push(("retry-after", "42".to_owned()));
        bad
    };
    let page = "<!DOCTYPE html><html><head><title>Sign in</title></head></html>";
    let half = r#"{"version":"18.9.1-ee","enterprise":tr"#;
    vec![
        ("refused", json(401, include_str!("../gitlab/rest/unauthorized.json")), "TokenRejected"),
        (
            "over",
            json(401, r#"{"error":"invalid_token","error_description":"Token is expired."}"#),
            "Token is expired",
        ),
        ("scope", json(403, include_str!("../gitlab/rest/insufficient_scope.json")), "TokenScopeMissing"),
        ("no administrator", json(403, include_str!("../gitlab/rest/forbidden.json")), "TokenNotAdmin"),
        ("limit", limited(Bad::new(429, "text/plain", "Retry later\n")), "RateLimited"),
        ("a page", Bad::new(200, "text/html", page), "did not answer in JSON"),
        ("a redirect", Bad::new(302, "text/html", ""), "did not answer in JSON"),
        ("another shape", json(200, r#"[1, 2, {"version": 7}]"#), "has no version"),
        ("nothing", json(200, "{}"), "has no version"),
        ("null", json(200, "null"), "has no version"),
        ("an empty body", json(200, ""), "did not answer in JSON"),
        ("half an answer", Bad { cut: Some(20), ..json(200, half) }, "cut before its end"),
        ("no whole document", json(200, half), "cut before its end"),
        ("too much", json(200, &format!(r#"{{"version":"{}"}}"#, "9".repeat(3 << 20))), "over 2 MB"),
        ("a failure", Bad::new(500, "text/html", "<h1>500</h1>"), "HTTP 500"),
        ("not text", Bad::new(200, "application/json", vec![0xff, 0xfe, 0x00]), "did not answer in JSON"),
    ]
}

#[tokio::test]
async fn a_bad_answer_to_the_first_question_is_said_once_and_nothing_else_is_asked() {
    for (name, bad, words) in rows() {
        let instance = Instance::of(18, 9).with("/api/v4/metadata", bad).start();
        let run = instance.check(&ALL).await;
        let said = summary(&run, "token");
        assert!(said.contains(words), "{name}: {said}");
        assert_eq!(instance.asked().len(), 1, "{name}: {:?}", instance.asked());
        let passed: Vec<&str> =
            run.steps.iter().filter(|s| s.status == Status::Pass).map(|s| s.plan.check.as_str()).collect();
        assert!(passed.is_empty(), "{name}: {passed:?}");
    }
}

#[tokio::test]
async fn a_bad_answer_to_one_question_leaves_what_it_tells_unknown() {
    let documents = [
        ("/api/v4/application/settings", "silent-mode"),
        ("/api/v4/sidekiq/compound_metrics", "sidekiq"),
        ("/api/graphql", "add-ons"),
        ("/api/graphql", "gitlab-check"),
        ("/api/v4/code_suggestions/direct_access", "direct-access"),
    ];
    for (path, check) in documents {
        for (name, bad, _) in rows() {
            let instance = Instance::of(18, 9).with(path, bad).start();
            let run = instance.check(&[check]).await;
            let status = status(&run, check);
            let is_told = matches!(status, Status::Warn | Status::Fail | Status::Error | Status::Skip);
            assert!(is_told, "{path}, {name}: {}", summary(&run, check));
            let accuses = codes(&run).into_iter().any(|code| {
                matches!(
                    code,
                    Code::SilentModeOn | Code::SidekiqDown | Code::AddOnMissing | Code::LicenseMissing
                )
            });
            assert!(!accuses, "{path}, {name}: {}", summary(&run, check));
        }
    }
}

#[tokio::test]
async fn an_instance_that_says_no_more_than_null_accuses_nobody() {
    let nothing = Bad::new(
        200,
        "application/json",
        r#"{"data":{"currentLicense":null,"addOnPurchases":[],"duoSettings":null,"currentUser":null}}"#,
    );
    let instance = Instance::of(18, 9)
        .with("/api/graphql", nothing)
        .with("/api/v4/license", Bad::new(403, "application/json", r#"{"message":"403 Forbidden"}"#))
        .with(
            "/api/v4/application/settings",
            Bad::new(403, "application/json", r#"{"message":"403 Forbidden"}"#),
        )
        .start();
    let run = instance.check(&["licence", "add-ons", "seats", "duo-settings"]).await;
    assert_eq!(codes(&run), [], "{}", summary(&run, "licence"));
}

#[tokio::test]
async fn a_health_check_that_graphql_ended_after_30_s_is_said_as_that() {
    let late = r#"{"data":{"cloudConnectorStatus":{"success":null,"probeResults":null}},
        "errors":[{"message":"Timeout on CloudConnectorStatus.probeResults"}]}"#;
    let instance = Instance::of(18, 9).with("/api/graphql", Bad::new(200, "application/json", late)).start();
    let run = instance.check(&["gitlab-check"]).await;
    assert!(summary(&run, "gitlab-check").contains("over 30 s"), "{}", summary(&run, "gitlab-check"));
}
