//! What a result of GitLab's own health check means, in the codes of our own checks: a table of GitLab's sentences since
//! 17.3, and three families of tests whose reasons come from elsewhere (`exception`, `exchange`, `grpc`).
//!
//! A passing result passes, whatever it did not look at: a host is reachable by any answer, the licence is not asked for
//! its end. Those limits are said where the results are shown.

use super::details::{License, shown};
use super::exception::{self, Owner, Way, found};
use super::{ProbeResult, exchange, grpc, place};
use crate::finding::{Code, Finding};
use crate::gitlab::facts::reading::moment;
use crate::gitlab::version::Version;
use crate::subject::place::{Endpoint, Place};
use crate::subject::services::Deployment;

/// Who says it, in sentences.
pub(super) const BY: &str = "GitLab's own health check";

/// What a result means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// The test passed.
    Passed,
    /// It did not, and for this reason.
    Found(Finding),
    /// It tells nothing, and why.
    Unknown(String),
}

/// What is known of the instance beside a result.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Setting {
    /// Which services it needs.
    pub deployment: Deployment,
    /// The host of a gateway of one's own; `None`: there is none, or it is not known.
    pub gateway: Option<String>,
    /// GitLab's version, major and minor.
    pub version: Option<(u32, u32)>,
    /// Whether the Agent Platform is turned on; `None`: not known, which is on from 18.8.
    pub platform: Option<bool>,
    /// Whether the exchange passed in the same report.
    pub exchange: Option<bool>,
    /// The moment of the results, Unix seconds; `None`: not known, as of a file.
    pub now: Option<i64>,
}

impl Setting {
    /// What the results tell of the instance themselves.
    pub fn of(results: &[ProbeResult]) -> Self {
        let named = |name: &str| results.iter().find(|r| r.name == name);
        let has = |name: &str| named(name).is_some();
        let version = results.iter().find_map(|r| Version::of(r.details.gitlab_version.as_deref()?));
        let version = version.map(|v| (v.0, v.1));
        let presence = named("ai_gateway_url_presence_probe").filter(|r| r.success == Some(true));
        let own = |r: &&ProbeResult| r.name == "host_probe" && place(r) == Place::Endpoint(Endpoint::Gateway);
        let gateway = presence.or_else(|| results.iter().find(own)).map(ProbeResult::host);
        let gateway = gateway.filter(|host| !host.is_empty());
        let cloud = has("license_probe") || has("access_probe");
        let deployment = match (&gateway, cloud) {
            (Some(_), true) => Deployment::Hybrid,
            (Some(_), false) => Deployment::SelfHosted,
            // Older versions ran the tests of the cloud for every online licence, whatever gateway was used.
            (None, _) if version.is_some_and(|v| v >= (17, 9)) || has("duo_agent_platform_probe") => {
                Deployment::Cloud
            }
            (None, _) => Deployment::Unknown,
        };
        // Texts and tests that 19 brought.
        let is_19 = |r: &ProbeResult| {
            r.message.contains("GitLab Duo Agent Platform service at")
                || matches!(r.name.as_str(), "allow_flow_execution_probe" | "compatible_runner_probe")
        };
        let version = version.or_else(|| results.iter().any(is_19).then_some((19, 0)));
        Self {
            deployment,
            gateway,
            version,
            platform: None,
            exchange: named("end_to_end_probe").and_then(|r| r.success),
            now: None,
        }
    }

    /// Why what is found of the workflow service may not matter; `None`: it does (`field-notes` 22).
    pub(super) fn platform_unused(&self) -> Option<&'static str> {
        match (self.platform, self.version) {
            (Some(false), _) => Some("the Agent Platform is off"),
            (None, Some(version)) if version < (18, 8) => {
                Some("the Agent Platform is a beta before GitLab 18.8")
            }
            (Some(true), _) | (None, Some(_)) => None,
            (None, None) => Some("whether the Agent Platform is used is not known"),
        }
    }
}

/// What a result means.
pub fn meaning(result: &ProbeResult, setting: &Setting) -> Meaning {
    match result.success {
        Some(true) => passed(result, setting),
        Some(false) => failed(result, setting),
        None => Meaning::Unknown("GitLab does not say how it ended".to_owned()),
    }
}

/// A licence whose grace is over still passes at GitLab, and older versions say so in the details.
fn passed(result: &ProbeResult, setting: &Setting) -> Meaning {
    let license = result.details.license.as_ref().filter(|_| result.name == "license_probe");
    match license.filter(|l| l.grace_period_expired == Some(true)) {
        Some(license) => {
            Meaning::Found(license_expired(license, result.details.expires_at.as_ref(), setting))
        }
        None => Meaning::Passed,
    }
}

fn license_expired(license: &License, older: Option<&String>, setting: &Setting) -> Finding {
    let ended = license.expires_at.as_ref().or(older).cloned().unwrap_or_default();
    let kind = if license.trial == Some(true) { "trial" } else { "subscription" };
    let ago = ago(&format!("{ended}T00:00:00Z"), setting);
    found(Code::LicenseExpired, &[("ended", &ended), ("ago", &ago), ("kind", kind)])
}

/// How long ago a moment was: `73 h`; empty where that is not known.
fn ago(at: &str, setting: &Setting) -> String {
    let at = moment(at);
    match at.zip(setting.now).map(|(at, now)| now - at) {
        Some(seconds) if seconds >= 96 * 3600 => format!("{} days", seconds / 86_400),
        Some(seconds) if seconds >= 0 => format!("{} h", seconds / 3600),
        Some(_) | None => String::new(),
    }
}

fn failed(result: &ProbeResult, setting: &Setting) -> Meaning {
    let said = result.said();
    if let Some(meaning) = said.iter().find_map(|text| fixed(text, result, setting)) {
        return meaning;
    }
    let at = place(result);
    match (result.name.as_str(), at.endpoint()) {
        (_, Some(Endpoint::Workflow)) => optional(grpc::of(result, setting), result),
        (_, Some(endpoint)) => optional(network(result, endpoint, setting), result),
        ("end_to_end_probe", None) => {
            exchange::of(result, setting).unwrap_or_else(|| Meaning::Found(nothing_better(result, None)))
        }
        (_, None) => Meaning::Found(nothing_better(result, None)),
    }
}

/// A sentence of GitLab's own.
struct Sentence {
    /// What stands in it.
    words: &'static str,
    /// What it means.
    means: fn(&ProbeResult, &Setting) -> Meaning,
}

/// One argument in a finding.
fn one(code: Code, name: &str, value: &str) -> Meaning {
    Meaning::Found(found(code, &[(name, value)]))
}

/// GitLab's own sentences since 17.3.
const SENTENCES: &[Sentence] = &[
    Sentence { words: "User not provided", means: |_, _| Meaning::Unknown(NO_USER.to_owned()) },
    Sentence {
        words: "Contact GitLab customer support to obtain a license",
        means: |_, _| one(Code::LicenseMissing, "by", BY),
    },
    Sentence { words: "Contact GitLab customer support to upgrade your license", means: wrong_license },
    Sentence {
        words: "Subscription has not yet been synchronized",
        means: |_, _| one(Code::SyncNever, "by", BY),
    },
    Sentence { words: "Subscription has not been synchronized recently", means: stale },
    Sentence { words: "Access credentials not found", means: |_, _| one(Code::AccessTokenMissing, "by", BY) },
    Sentence { words: "Invalid access credentials", means: invalid },
    Sentence { words: "Access credentials expired", means: expired },
    Sentence {
        words: "you lack the necessary permissions to use this feature",
        means: |result, _| one(Code::TokenUserWithoutDuo, "words", &result.sentence()),
    },
    Sentence {
        words: "License does not provide access to Code Suggestions",
        means: |_, _| one(Code::AddOnMissing, "by", BY),
    },
    Sentence {
        words: "allow flow execution setting is disabled",
        means: |_, _| one(Code::FlowsDisabled, "setting", "duo_remote_flows_enabled"),
    },
    Sentence {
        words: "allow foundational flows setting is disabled",
        means: |_, _| one(Code::FlowsDisabled, "setting", "duo_foundational_flows_enabled"),
    },
    Sentence { words: "No instance runner with", means: runner },
    Sentence { words: "All instance runners with", means: runner },
];

const NO_USER: &str = "GitLab ran it without a user: the name of one, given to the rake task, would tell";

fn fixed(text: &str, result: &ProbeResult, setting: &Setting) -> Option<Meaning> {
    SENTENCES.iter().find(|s| text.contains(s.words)).map(|s| (s.means)(result, setting))
}

fn runner(result: &ProbeResult, _: &Setting) -> Meaning {
    one(Code::RunnerMissing, "words", &result.sentence())
}

/// A licence that does not synchronise: an offline one, or one of the old kind.
fn wrong_license(result: &ProbeResult, setting: &Setting) -> Meaning {
    let license = result.details.license.clone().unwrap_or_default();
    let plan = license.plan.unwrap_or_default();
    match (license.offline_cloud_licensing_enabled, setting.deployment) {
        (Some(true), Deployment::SelfHosted) => {
            Meaning::Unknown("an offline licence, as it should be with a gateway of one's own".to_owned())
        }
        (
            Some(true),
            Deployment::Unknown | Deployment::Cloud | Deployment::Hybrid | Deployment::Dedicated,
        ) => one(Code::LicenseOffline, "plan", &plan),
        (Some(false) | None, _) => one(Code::LicenseLegacy, "plan", &plan),
    }
}

fn stale(result: &ProbeResult, setting: &Setting) -> Meaning {
    let at = result.details.updated_at.clone().unwrap_or_default();
    Meaning::Found(found(Code::SyncStale, &[("ago", &ago(&at, setting)), ("at", &shown(&at))]))
}

fn expired(result: &ProbeResult, setting: &Setting) -> Meaning {
    let at = result.details.expires_at.clone().unwrap_or_default();
    Meaning::Found(found(Code::AccessTokenExpired, &[("ended", &shown(&at)), ("ago", &ago(&at, setting))]))
}

fn invalid(result: &ProbeResult, _: &Setting) -> Meaning {
    let words = result.details.decode.clone().unwrap_or_else(|| result.sentence());
    one(Code::AccessTokenInvalid, "words", &words)
}

/// A test of a host.
fn network(result: &ProbeResult, endpoint: Endpoint, setting: &Setting) -> Meaning {
    let host = result.host();
    let owner = match endpoint {
        Endpoint::Customers | Endpoint::Cloud | Endpoint::Workflow => Owner::GitLab,
        Endpoint::Gateway | Endpoint::Instance => Owner::Oneself,
    };
    let port = (owner == Owner::GitLab).then_some(443);
    let way = Way { host: &host, port, owner };
    let known = result.said().iter().find_map(|text| exception::finding(reason(text), &way));
    if let Some(finding) = known {
        return Meaning::Found(finding);
    }
    // Before it became a request of HTTP, the test connected directly, whatever proxy was set.
    if result.message.contains("could not be reached") && setting.exchange == Some(true) {
        let why =
            "older versions connect to the host without the proxy, and the exchange in this report works";
        let words = result.sentence();
        let args = [("probe", result.name.as_str()), ("words", &words), ("why", why)];
        return Meaning::Found(found(Code::GitlabCheckDoubtful, &args));
    }
    Meaning::Found(nothing_better(result, None))
}

/// The exception in a message: without the host before it and the advice behind it.
fn reason(text: &str) -> &str {
    let behind = text.split_once(" connection failed: ").map_or(text, |(_, rest)| rest);
    behind.split(" If you use firewalls").next().unwrap_or(behind).trim_end_matches('.')
}

/// What only billing needs is a warning; the portal stays needed (`field-notes` 10).
fn optional(meaning: Meaning, result: &ProbeResult) -> Meaning {
    let is_optional = result.name.starts_with("billing_") && !result.name.contains("customers");
    match meaning {
        Meaning::Found(finding) if is_optional => {
            let inner = finding.arg("finding").to_owned();
            let name = if inner.is_empty() { finding.code.as_str() } else { inner.as_str() };
            let (host, words) = (result.host(), result.sentence());
            let reason = "it is needed for the billing of a workflow service of one's own";
            let args = [("host", host.as_str()), ("finding", name), ("words", &words), ("reason", reason)];
            Meaning::Found(found(Code::UnneededWayFails, &args))
        }
        meaning @ (Meaning::Found(_) | Meaning::Passed | Meaning::Unknown(_)) => meaning,
    }
}

/// A failure for which no better code exists; `near` is the one that its message comes closest to.
pub(super) fn nothing_better(result: &ProbeResult, near: Option<Code>) -> Finding {
    let (host, words) = (result.host(), result.said().join(" "));
    let args = [
        ("probe", result.name.as_str()),
        ("words", words.as_str()),
        ("host", &host),
        ("means", near.map_or("", Code::as_str)),
    ];
    found(Code::GitlabCheckFailed, &args)
}
