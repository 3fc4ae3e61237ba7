//! `licence`: there is one, it synchronises, its plan has Duo, and it is not over.

use super::{HOUR, day, length, now, pass_until};
use crate::check::{Check, Group, Seen, Verdict};
use crate::checks::api::{self, Doc};
use crate::checks::knowledge;
use crate::checks::serves;
use crate::finding::{Code, Finding};
use crate::gitlab::facts::{Ends, Kind, License, Source};
use crate::subject::Subject;
use crate::subject::place::Place;
use crate::subject::services::Deployment;
use crate::text;

/// The licence holds.
pub(in crate::checks) static LICENCE: Check = Check {
    id: "licence",
    title: "licence is online and valid",
    group: Group::Synchronization,
    about: "An activation code brings a licence that synchronises; Duo needs such a one, of Premium or Ultimate, that is \
            not over. With a gateway of one's own an offline licence will do.",
    codes: &[
        Code::LicenseMissing,
        Code::LicenseLegacy,
        Code::LicenseOffline,
        Code::LicenseExpired,
        Code::LicensePlanTooLow,
        Code::LicenseWithoutEnd,
        Code::LicenseInGrace,
        Code::LicenseExpiresSoon,
    ],
    needs: &[],
    serves: serves::everything,
    places: |_| vec![Place::Instance],
    ask: |subject, _, seen| api::ask(subject, seen, &[Doc::License, Doc::Graphql, Doc::Settings]),
    judge: |subject, _, seen| judge(subject, seen),
};

/// How long a licence that is over still does its work (`License::GRACE_PERIOD`), in seconds.
const GRACE: i64 = 14 * 24 * HOUR;

/// From here on an end is worth a warning (contract).
const SOON: i64 = 15 * 24 * HOUR;

/// Plans without Duo.
const TOO_LOW: [&str; 3] = ["starter", "free", "bronze"];

fn judge(subject: &Subject, seen: Seen) -> Verdict {
    let (license, source) = match knowledge::license(subject, seen) {
        Ok(known) => known,
        Err(why) => return why.verdict(),
    };
    let Some(license) = license else {
        return Verdict::found(Code::LicenseMissing, &[("by", source.as_str())]);
    };
    let plan = license.plan.clone().unwrap_or_else(|| "an unknown plan".to_owned());
    match kind(subject, seen, &license) {
        Ok(None) => {}
        Ok(Some(code)) => return Verdict::found(code, &[("plan", &plan)]),
        Err(verdict) => return verdict,
    }
    if let Some(found) = end(&license, now(subject)) {
        return Verdict::Findings(vec![found]);
    }
    if TOO_LOW.contains(&plan.as_str()) {
        return Verdict::found(Code::LicensePlanTooLow, &[("plan", &plan)]);
    }
    // A licence passes by what is known of it, and not by what is left unsaid.
    let untold = [
        ("its plan", license.plan.is_none()),
        ("whether it synchronises", license.kind.is_none()),
        ("when it ends", license.ends == Ends::Unknown),
    ];
    let untold: Vec<&str> =
        untold.iter().filter(|(_, is_untold)| *is_untold).map(|(what, _)| *what).collect();
    if !untold.is_empty() {
        return Verdict::Unknown(format!(
            "there is a licence, and the instance does not say {}",
            text::list(&untold)
        ));
    }
    pass(&license, &plan, source)
}

/// What is wrong with the way in which the licence came here.
fn kind(subject: &Subject, seen: Seen, license: &License) -> Result<Option<Code>, Verdict> {
    match license.kind {
        Some(Kind::Legacy) => Ok(Some(Code::LicenseLegacy)),
        Some(Kind::Online) | None => Ok(None),
        Some(Kind::Offline) => match has_own_gateway(subject, seen) {
            Some(true) => Ok(None),
            Some(false) => Ok(Some(Code::LicenseOffline)),
            None => Err(Verdict::Unknown(
                "an offline licence, and whether there is a gateway of one's own is not known".to_owned(),
            )),
        },
    }
}

/// Whether a gateway of one's own is used; `None`: not known.
fn has_own_gateway(subject: &Subject, seen: Seen) -> Option<bool> {
    match subject.deployment {
        Deployment::SelfHosted | Deployment::Hybrid => return Some(true),
        Deployment::Cloud => return Some(false),
        Deployment::Unknown | Deployment::Dedicated => {}
    }
    if subject.services.gateway.is_some() {
        return Some(true);
    }
    let (ai, _) = knowledge::ai(subject, seen).ok()?;
    ai.gateway.map(|url| !url.is_empty())
}

/// What its end comes to.
fn end(license: &License, now: i64) -> Option<Finding> {
    let ends = match license.ends {
        Ends::Unknown => return None,
        // The portal refuses to synchronise such a licence; an offline one may have none.
        Ends::Never => {
            let plan = license.plan.as_deref().unwrap_or_default();
            let is_online = license.kind == Some(Kind::Online);
            return is_online.then(|| Finding::new(Code::LicenseWithoutEnd, &[("plan", plan)]));
        }
        Ends::At(ends) => ends,
    };
    // The last day is over at its end, and is said as that day.
    let last = day(ends - 1);
    if ends > now {
        let days = (ends - now) / (24 * HOUR);
        return (ends - now <= SOON).then(|| {
            Finding::new(Code::LicenseExpiresSoon, &[("until", &last), ("days", &days.to_string())])
        });
    }
    let grace = license.blocks.unwrap_or(ends + GRACE).max(ends);
    if license.trial != Some(true) && grace > now {
        return Some(Finding::new(Code::LicenseInGrace, &[("ended", &last), ("until", &day(grace))]));
    }
    let kind = if license.trial == Some(true) { "trial" } else { "subscription" };
    let args = [("ended", last.as_str()), ("ago", &length(now - ends)), ("kind", kind)];
    Some(Finding::new(Code::LicenseExpired, &args))
}

fn pass(license: &License, plan: &str, source: Source) -> Verdict {
    let kind = match license.kind {
        Some(Kind::Online) => "an online licence",
        Some(Kind::Offline) => "an offline licence, as it should be with a gateway of one's own",
        Some(Kind::Legacy) | None => "a licence",
    };
    let until = match license.ends {
        Ends::At(at) => format!(", until {}", day(at - 1)),
        Ends::Never | Ends::Unknown => String::new(),
    };
    let words = format!("{plan}, {kind}{until}, says {}.", source.as_str());
    match license.ends {
        Ends::At(at) => pass_until(words, plan, at),
        Ends::Never | Ends::Unknown => Verdict::pass_with(words, plan),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 24 * HOUR;
    const NOW: i64 = 1_795_000_000;

    #[test]
    fn the_end_of_a_licence_is_judged_with_its_grace() {
        let of = |ends, blocks, trial| {
            let license =
                License { kind: Some(Kind::Online), ends, blocks, trial: Some(trial), ..License::default() };
            end(&license, NOW).map(|f| f.code)
        };
        let rows = [
            (Ends::At(NOW + 16 * DAY), None, false, None),
            (Ends::At(NOW + 14 * DAY), None, false, Some(Code::LicenseExpiresSoon)),
            (Ends::At(NOW - DAY), None, false, Some(Code::LicenseInGrace)),
            (Ends::At(NOW - DAY), Some(NOW + 5 * DAY), false, Some(Code::LicenseInGrace)),
            (Ends::At(NOW - 15 * DAY), None, false, Some(Code::LicenseExpired)),
            (Ends::At(NOW - 5 * DAY), Some(NOW - DAY), false, Some(Code::LicenseExpired)),
            (Ends::At(NOW - DAY), None, true, Some(Code::LicenseExpired)),
            (Ends::Never, None, false, Some(Code::LicenseWithoutEnd)),
            (Ends::Unknown, None, false, None),
        ];
        for (ends, blocks, trial, code) in rows {
            assert_eq!(of(ends, blocks, trial), code, "{ends:?} {blocks:?} {trial}");
        }
    }
}
