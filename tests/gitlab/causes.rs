//! The root causes that a report of GitLab's comes to, from the file alone: one fault, one cause.

use crate::{report, reports, run};
use duo_doctor::diagnosis::diagnose;
use duo_doctor::run::{Run, RunVerdict};

fn causes(run: &Run) -> Vec<&'static str> {
    diagnose(run).iter().map(|cause| cause.code.as_str()).collect()
}

#[test]
fn every_report_comes_to_its_cause() {
    #[rustfmt::skip]
    let expected: &[(&str, RunVerdict, &[&str])] = &[
        ("17.3-network", RunVerdict::Warn, &["gitlab-check-doubtful"]),
        ("17.5-token-expired", RunVerdict::Fail, &["sync-stale"]),
        ("18.10-rake", RunVerdict::Fail, &["tcp-timeout"]),
        ("18.9-graphql", RunVerdict::Fail, &["silent-mode-on"]),
        ("18.9-healthy", RunVerdict::Pass, &[]),
        ("18.9-intercepted", RunVerdict::Fail, &["tls-intercepted"]),
        ("18.9-proxy-denies", RunVerdict::Fail, &["proxy-denied"]),
        ("18.9-silent", RunVerdict::Fail, &["silent-mode-on"]),
        ("18.9-unlicensed", RunVerdict::Fail, &["license-missing"]),
        ("18.9-without-user", RunVerdict::Pass, &[]),
        ("19.2-flows", RunVerdict::Warn, &["runner-missing"]),
        ("19.3-hybrid", RunVerdict::Warn, &["gitlab-check-doubtful"]),
        ("19.3-self-hosted", RunVerdict::Fail, &["tls-unknown-issuer", "unneeded-way-fails", "unneeded-way-fails"]),
    ];
    let found: Vec<(String, Run)> = reports().into_iter().map(|(name, bytes)| (name, run(&bytes))).collect();
    let found: Vec<(&str, RunVerdict, Vec<&str>)> =
        found.iter().map(|(name, run)| (name.as_str(), run.verdict(), causes(run))).collect();
    let expected: Vec<(&str, RunVerdict, Vec<&str>)> =
        expected.iter().map(|(name, verdict, causes)| (*name, *verdict, causes.to_vec())).collect();
    assert_eq!(found, expected);
}

#[test]
fn a_cause_names_every_result_that_follows_from_it() {
    let run = run(&report("18.9-unlicensed"));
    let cause = &diagnose(&run)[0];
    let ids = |steps: &[usize]| steps.iter().map(|s| run.steps[*s].id()).collect::<Vec<_>>();
    assert_eq!(ids(&cause.shown_by), ["license_probe@instance"]);
    assert_eq!(
        ids(&cause.explains),
        [
            "access_probe@instance",
            "token_probe@instance",
            "end_to_end_probe@instance",
            "duo_agent_platform_probe@workflow"
        ]
    );
}
