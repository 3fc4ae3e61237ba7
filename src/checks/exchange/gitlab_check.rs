//! `gitlab-check`: GitLab's own health check, run as its Admin page runs it, and held against what was seen here.
//!
//! It asks less than ours, and elsewhere: one Rails node, whichever takes the request; any answer to a HEAD counts as a
//! reachable host; three seconds for a completion. Where the two differ, the words say which of these it may be.

use crate::check::{Ask, Check, Group, Reached, Seen, Verdict};
use crate::checks::api::{self, Doc, Why};
use crate::checks::instance::allow_list;
use crate::checks::knowledge;
use crate::checks::serves;
use crate::checks::{GITLAB_CHECK, network};
use crate::failure::Layer;
use crate::finding::{Code, Finding, Severity};
use crate::gitlab::health_check::{self, Heading, Meaning, ProbeResult, Setting, meaning, place};
use crate::probe::Reading;
use crate::subject::place::{Endpoint, Place, Stack};
use crate::subject::services::Deployment;
use crate::subject::{Route, Subject};
use crate::text;

/// GitLab's own health check passes.
pub(in crate::checks) static CHECK: Check = Check {
    id: GITLAB_CHECK,
    title: "GitLab's own check passes",
    group: Group::Exchange,
    about: "Runs the health check of Admin > GitLab Duo through GraphQL, as that page does: it sends one completion, asks \
            its questions one after the other, and holds one thread of Puma for up to a minute. --skip gitlab-check \
            leaves it out.",
    codes: &[
        Code::GitlabCheckFailed,
        Code::GitlabCheckDoubtful,
        Code::ExchangeSlow,
        Code::LicenseMissing,
        Code::LicenseLegacy,
        Code::LicenseOffline,
        Code::LicenseExpired,
        Code::SyncNever,
        Code::SyncStale,
        Code::AccessTokenMissing,
        Code::AccessTokenInvalid,
        Code::AccessTokenExpired,
        Code::AddOnMissing,
        Code::SilentModeOn,
        Code::OutboundFilterBlocks,
        Code::InstanceMismatch,
        Code::GatewayRejectsInstance,
        Code::GatewayFailed,
        Code::TokenUserWithoutDuo,
        Code::QuotaExceeded,
        Code::NotEntitled,
        Code::RateLimited,
        Code::CompletionEmpty,
        Code::WorkflowUnauthenticated,
        Code::WorkflowNotReachableUnused,
        Code::FlowsDisabled,
        Code::RunnerMissing,
    ],
    needs: &[],
    serves: serves::exchange,
    places: |_| vec![Place::Instance],
    ask,
    judge: |subject, _, seen| judge(subject, seen),
};

fn ask(subject: &Subject, _: Place, seen: Seen) -> Vec<Ask> {
    let mut asks = api::ask(subject, seen, &[Doc::OwnCheck, Doc::Settings]);
    if subject.token.is_some() {
        let walks = ways_of_rails(subject).filter_map(|(_, place)| network::walk(subject, place));
        asks.extend(walks.map(|walk| Ask::layer(walk, Layer::Http)));
    }
    asks
}

/// The ways that Rails takes to the hosts that GitLab's check asks.
fn ways_of_rails(subject: &Subject) -> impl Iterator<Item = (Endpoint, Place)> {
    let of_rails = |r: &&Route| r.stacks.contains(&Stack::Rails) && network::ENDPOINTS.contains(&r.endpoint);
    subject.examined().filter(of_rails).map(|r| (r.endpoint, r.place()))
}

/// How the same host did when it was asked from here by Rails' way.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ours {
    Answers,
    Fails,
    Unknown,
}

fn ours(subject: &Subject, seen: Seen, endpoint: Endpoint) -> Ours {
    let way = ways_of_rails(subject).find(|(to, _)| *to == endpoint);
    let Some(walk) = way.and_then(|(_, place)| network::walk(subject, place)) else { return Ours::Unknown };
    match seen.reached(&walk, Layer::Http) {
        Reached::Here(Reading::Answer(answer)) => {
            let right = matches!(
                network::answer::judge(endpoint, &host(subject, endpoint), answer),
                Verdict::Pass(_)
            );
            if right { Ours::Answers } else { Ours::Fails }
        }
        Reached::Failed(_) => Ours::Fails,
        Reached::Here(_) | Reached::NotYet => Ours::Unknown,
    }
}

fn host(subject: &Subject, endpoint: Endpoint) -> String {
    subject.target(endpoint).map(|t| t.host).unwrap_or_default()
}

fn judge(subject: &Subject, seen: Seen) -> Verdict {
    let document = match api::document(subject, seen, Doc::OwnCheck) {
        Ok(document) => document,
        Err(why) => return why.verdict_of_the_api(),
    };
    match knowledge::own_results(subject, seen) {
        Ok(_) => {}
        Err(Why::Unanswered(words)) if words == knowledge::OVER_30_S => {
            let args = [("probe", "every probe"), ("words", words.as_str()), ("host", ""), ("means", "")];
            return Verdict::found(Code::GitlabCheckFailed, &args);
        }
        Err(why) => return why.verdict_of_the_api(),
    }
    let results = match health_check::read(document) {
        Ok(results) => results,
        Err(error) => return Verdict::Unknown(format!("GitLab's own health check {error}")),
    };
    let setting = setting(subject, seen, &results);
    let mut found: Vec<Finding> = Vec::new();
    let mut unknown: Vec<String> = Vec::new();
    for result in &results {
        match meaning(result, &setting) {
            Meaning::Passed => {}
            Meaning::Found(finding) => match beside_the_point(subject, seen, result, &finding) {
                Some(why) => unknown.push(why.to_owned()),
                None => found.push(as_seen_here(subject, seen, result, finding)),
            },
            Meaning::Unknown(why) => unknown.push(why),
        }
    }
    if !found.is_empty() {
        return Verdict::Findings(found);
    }
    let passed = results.iter().filter(|r| r.success == Some(true)).count();
    if passed == 0 || results.iter().any(|r| r.success.is_none()) {
        return Verdict::Unknown(format!(
            "GitLab's own health check does not say how it ended: {}",
            headings(&results)
        ));
    }
    let mut words = format!("{}.", headings(&results));
    for endpoint in [Endpoint::Customers, Endpoint::Cloud, Endpoint::Gateway] {
        if let Some(differs) = differs(subject, seen, &results, endpoint) {
            words.push_str(&differs);
        }
    }
    let unknown: String = unknown.iter().flat_map(|why| [" ", why, "."]).collect();
    words.push_str(&unknown);
    Verdict::pass_with(words, format!("{passed} of {}", results.len()))
}

/// Why a failure says nothing here: flows are not used, or the outbound filter's own check has the same words.
fn beside_the_point(
    subject: &Subject,
    seen: Seen,
    result: &ProbeResult,
    finding: &Finding,
) -> Option<&'static str> {
    let settings = knowledge::settings(subject, seen).ok().map(|(settings, _)| settings).unwrap_or_default();
    let is_about_flows = matches!(finding.code, Code::FlowsDisabled | Code::RunnerMissing);
    if is_about_flows && knowledge::uses_flows(subject, seen) != Some(true) {
        return Some("Nothing shows that flows are used, so that what only they need does not matter");
    }
    let is_host = result.name == "host_probe" && result.message.contains("cannot be resolved or invalid");
    (is_host && allow_list::rebinding(subject, seen, &settings).is_some())
        .then_some("What it says of hosts is judged by outbound-filter@instance")
}

fn setting(subject: &Subject, seen: Seen, results: &[ProbeResult]) -> Setting {
    let told = Setting::of(results);
    let version = knowledge::version(subject, seen).map(|v| (v.0, v.1));
    let deployment = match subject.deployment {
        Deployment::Unknown => told.deployment,
        known @ (Deployment::Cloud | Deployment::SelfHosted | Deployment::Hybrid | Deployment::Dedicated) => {
            known
        }
    };
    Setting {
        deployment,
        version: version.or(told.version),
        platform: subject.agent_platform.or(told.platform),
        now: Some(subject.started_at.as_second()),
        ..told
    }
}

/// What a result found, as it stands beside what was seen from here. For the ways to the hosts our own checks are the
/// better evidence: GitLab's word then says only that its test failed, and what it comes closest to.
fn as_seen_here(subject: &Subject, seen: Seen, result: &ProbeResult, finding: Finding) -> Finding {
    let Place::Endpoint(endpoint) = place(result) else { return finding };
    let is_its_own = matches!(
        finding.code,
        Code::WorkflowUnauthenticated
            | Code::GitlabCheckFailed
            | Code::OutboundFilterBlocks
            | Code::SilentModeOn
            | Code::DnsRebindingBehindProxy
    );
    if is_its_own || finding.code.severity() == Severity::Warn {
        return finding;
    }
    let elsewhere = match ours(subject, seen, endpoint) {
        Ours::Answers => " (from this node it is reached: another Rails node may have been asked)",
        Ours::Fails | Ours::Unknown => "",
    };
    let words = format!("{}{elsewhere}", text::cut(&result.sentence(), 110));
    let args = [
        ("probe", result.name.as_str()),
        ("words", &words),
        ("host", &result.host()),
        ("means", finding.code.as_str()),
    ];
    Finding::new(Code::GitlabCheckFailed, &args)
}

/// Why a host that GitLab calls reachable is not: its test takes any answer for one.
fn differs(subject: &Subject, seen: Seen, results: &[ProbeResult], endpoint: Endpoint) -> Option<String> {
    let is_host = |r: &&ProbeResult| {
        r.name == "host_probe" && r.success == Some(true) && place(r) == Place::Endpoint(endpoint)
    };
    let result = results.iter().find(is_host)?;
    (ours(subject, seen, endpoint) == Ours::Fails).then(|| {
        format!(
            " {} passes there and fails here: GitLab takes any answer to a HEAD for a reachable host, whoever \
             gives it.",
            result.host()
        )
    })
}

/// `Network 2 of 2, Synchronization 3 of 3`, under GitLab's own headings.
fn headings(results: &[ProbeResult]) -> String {
    let mut order: Vec<Heading> = results.iter().map(|r| Heading::of(&r.name)).collect();
    order.sort_unstable();
    order.dedup();
    let count = |heading: &Heading| {
        let all = || results.iter().filter(|r| Heading::of(&r.name) == *heading);
        let passed = all().filter(|r| r.success == Some(true)).count();
        format!("{} {passed} of {}", heading.title(), all().count())
    };
    order.iter().map(count).collect::<Vec<_>>().join(", ")
}
