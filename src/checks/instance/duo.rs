//! `duo-settings` and `composite-identity`: Duo is turned on where somebody wants to use it.

use crate::check::{Check, Group, Seen, Verdict, Want};
use crate::checks::api::{self, Doc};
use crate::checks::knowledge;
use crate::checks::serves;
use crate::finding::{Code, Finding};
use crate::gitlab::facts::{Availability, Settings};
use crate::gitlab::version::Version;
use crate::subject::Subject;
use crate::subject::place::Place;

/// Duo is on.
pub(in crate::checks) static DUO_SETTINGS: Check = Check {
    id: "duo-settings",
    title: "Duo is turned on",
    group: Group::Instance,
    about: "GitLab Duo's availability for the instance, the switch of Duo Core, beta features where the Agent Platform \
            needs them.",
    codes: &[Code::DuoOff, Code::DuoOffByDefault, Code::DuoCoreOff, Code::BetaFeaturesOff],
    needs: &[],
    serves: serves::everything,
    places: |_| vec![Place::Instance],
    ask: |subject, _, seen| api::ask(subject, seen, &[Doc::Settings, Doc::Graphql]),
    judge: |subject, _, seen| settings(subject, seen),
};

/// Flows have the identity that they need.
pub(in crate::checks) static COMPOSITE_IDENTITY: Check = Check {
    id: "composite-identity",
    title: "composite identity is on",
    group: Group::Instance,
    about: "Flows act for a user and for themselves at once: without composite identity GitLab refuses to start them. \
            Agentic Chat does not need it.",
    codes: &[Code::CompositeIdentityOff],
    needs: &[],
    serves: serves::nothing,
    places: |_| vec![Place::Instance],
    ask: |subject, _, seen| api::ask(subject, seen, &[Doc::Settings, Doc::OwnCheck]),
    judge: |subject, _, seen| composite_identity(subject, seen),
};

/// Since when the Agent Platform is there at all, and since when it is no beta.
const PLATFORM: Version = Version(18, 2);
const PLATFORM_GA: Version = Version(18, 8);

fn settings(subject: &Subject, seen: Seen) -> Verdict {
    let (settings, source) = match knowledge::settings(subject, seen) {
        Ok(known) => known,
        Err(why) => return why.verdict(),
    };
    let by = source.as_str();
    let mut found = Vec::new();
    match settings.availability {
        Some(Availability::NeverOn) => found.push(Finding::new(Code::DuoOff, &[("by", by)])),
        Some(Availability::DefaultOff) => found.push(Finding::new(Code::DuoOffByDefault, &[("by", by)])),
        Some(Availability::DefaultOn) | None => {}
    }
    // What stops all of Duo says all.
    if settings.availability != Some(Availability::NeverOn) {
        found.extend(core(subject, seen));
        found.extend(beta(subject, seen, &settings));
    }
    match (found.is_empty(), settings.availability) {
        (false, _) => Verdict::Findings(found),
        (true, Some(_)) => Verdict::pass_with(format!("Duo is on, says {by}.{}", note(&settings)), "on"),
        // The settings of Duo are shown only where the licence has AI features.
        (true, None) => Verdict::NotApplicable(
            "the settings say nothing of Duo: the licence has no AI features, or this version no such setting"
                .to_owned(),
        ),
    }
}

/// Duo Core is the only add-on, and its switch is off: nobody has any of Duo (`field-notes` 21).
fn core(subject: &Subject, seen: Seen) -> Option<Finding> {
    let (add_ons, _) = knowledge::purchases(subject, seen).ok()?;
    let only_core = add_ons.iter().all(|a| a.name == "duo_core") && !add_ons.is_empty();
    let (ai, source) = knowledge::ai(subject, seen).ok()?;
    (only_core && ai.core == Some(false)).then(|| Finding::new(Code::DuoCoreOff, &[("by", source.as_str())]))
}

/// Beta features are off by default, and that matters only where the Agent Platform is used while it is one.
fn beta(subject: &Subject, seen: Seen, settings: &Settings) -> Option<Finding> {
    let version = knowledge::version(subject, seen)?;
    let is_used = subject.agent_platform == Some(true) && settings.platform != Some(false);
    let is_beta = (PLATFORM..PLATFORM_GA).contains(&version);
    (is_used && is_beta && settings.beta == Some(false))
        .then(|| Finding::new(Code::BetaFeaturesOff, &[("version", &version.to_string())]))
}

/// What is worth knowing and no fault.
fn note(settings: &Settings) -> &'static str {
    match settings.beta {
        Some(false) => " Beta and experimental features are off, as they are unless turned on.",
        Some(true) => " Beta and experimental features are on.",
        None => "",
    }
}

fn composite_identity(subject: &Subject, seen: Seen) -> Verdict {
    let flows = match knowledge::settings(subject, seen) {
        Ok((settings, _)) => settings,
        Err(why) => return why.verdict(),
    };
    let can_run = flows.remote_flows == Some(true) || flows.foundational_flows == Some(true);
    if !can_run || flows.platform == Some(false) || flows.availability == Some(Availability::NeverOn) {
        return Verdict::NotApplicable("flows are not turned on, and only they need it".to_owned());
    }
    if knowledge::version(subject, seen).is_none_or(|version| version < PLATFORM_GA) {
        return Verdict::NotApplicable("flows need it from GitLab 18.8 on".to_owned());
    }
    match knowledge::composite_identity(subject, seen) {
        Ok((true, _)) => Verdict::pass_with("Composite identity is on.", "on"),
        Ok((false, _)) if knowledge::uses_flows(subject, seen) != Some(true) => Verdict::NotApplicable(
            "composite identity is off, and no runner shows that flows are used".to_owned(),
        ),
        Ok((false, source)) => Verdict::found(Code::CompositeIdentityOff, &[("by", source.as_str())]),
        Err(_) => Verdict::wants(Want::Runner, "only Rails tells: --rails-runner"),
    }
}
