//! `add-ons` and `seats`: what of Duo was bought, and who may use it.

use crate::check::{Ask, Check, Group, Seen, Verdict};
use crate::checks::api::{self, Doc, Why};
use crate::checks::knowledge;
use crate::checks::serves;
use crate::finding::{Code, Finding};
use crate::gitlab::facts::AddOn;
use crate::gitlab::version::Version;
use crate::subject::Subject;
use crate::subject::place::Place;
use crate::text;

/// There is an add-on.
pub(in crate::checks) static ADD_ONS: Check = Check {
    id: "add-ons",
    title: "a Duo add-on is active",
    group: Group::Synchronization,
    about: "Duo Core comes with Premium and Ultimate from 18.0 on; Pro and Enterprise are bought. All arrive with the \
            synchronisation.",
    codes: &[Code::AddOnMissing],
    needs: &[],
    serves: serves::everything,
    places: |_| vec![Place::Instance],
    ask,
    judge: |subject, _, seen| add_ons(subject, seen),
};

/// Seats are assigned.
pub(in crate::checks) static SEATS: Check = Check {
    id: "seats",
    title: "seats are assigned",
    group: Group::Synchronization,
    about: "Duo Pro and Enterprise are used by those to whom a seat is assigned; Duo Core has no seats.",
    codes: &[Code::SeatsUnassigned],
    needs: &[],
    serves: serves::nothing,
    places: |_| vec![Place::Instance],
    ask,
    judge: |subject, _, seen| seats(subject, seen),
};

fn ask(subject: &Subject, _: Place, seen: Seen) -> Vec<Ask> {
    api::ask(subject, seen, &[Doc::Graphql, Doc::License])
}

/// What stands for "none" before the API could list them.
fn too_old(subject: &Subject, seen: Seen, why: Why) -> Verdict {
    match (knowledge::version(subject, seen), why) {
        (Some(version), Why::TooOld(_)) if version < Version(17, 3) => {
            Verdict::NotApplicable("the API lists add-ons from GitLab 17.3 on".to_owned())
        }
        (Some(_) | None, why) => why.verdict(),
    }
}

fn add_ons(subject: &Subject, seen: Seen) -> Verdict {
    match knowledge::purchases(subject, seen) {
        Err(why) => too_old(subject, seen, why),
        Ok((list, source)) if list.is_empty() => {
            // Without a licence there can be none, and that is said there.
            match knowledge::license(subject, seen) {
                Ok((None, _)) => Verdict::NotApplicable("without a licence there are no add-ons".to_owned()),
                Ok((Some(_), _)) | Err(_) => Verdict::found(Code::AddOnMissing, &[("by", source.as_str())]),
            }
        }
        Ok((list, source)) => {
            let names: Vec<&str> = list.iter().map(AddOn::title).collect();
            Verdict::pass_with(
                format!("Active: {}, says {}.", text::list(&names), source.as_str()),
                text::count(list.len(), "add-on"),
            )
        }
    }
}

fn seats(subject: &Subject, seen: Seen) -> Verdict {
    let list = match knowledge::purchases(subject, seen) {
        Err(why) => return too_old(subject, seen, why),
        Ok((list, _)) => list,
    };
    let with_seats: Vec<&AddOn> =
        list.iter().filter(|a| a.has_seats() && a.purchased.is_some_and(|n| n > 0)).collect();
    if with_seats.is_empty() {
        return Verdict::NotApplicable("no add-on here has seats".to_owned());
    }
    let empty: Vec<Finding> = with_seats
        .iter()
        .filter(|a| a.assigned == Some(0))
        .map(|a| {
            let purchased = a.purchased.unwrap_or_default().to_string();
            Finding::new(Code::SeatsUnassigned, &[("add_on", a.title()), ("purchased", &purchased)])
        })
        .collect();
    if !empty.is_empty() {
        return Verdict::Findings(empty);
    }
    if with_seats.iter().any(|a| a.assigned.is_none()) {
        return Verdict::NotAsked("the instance does not say how many seats are assigned".to_owned());
    }
    let figure = |a: &&AddOn| {
        let (assigned, purchased) = (a.assigned.unwrap_or_default(), a.purchased.unwrap_or_default());
        format!("{assigned} of {purchased}")
    };
    let said: Vec<String> =
        with_seats.iter().map(|a| format!("{}: {} seats assigned", a.title(), figure(a))).collect();
    Verdict::pass_with(format!("{}.", text::list(&said)), with_seats.first().map(figure).unwrap_or_default())
}
