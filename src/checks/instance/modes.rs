//! `silent-mode` and `maintenance-mode`: modes in which GitLab by intention does not send, or does not take, changes.

use crate::check::{Ask, Check, Group, Seen, Verdict};
use crate::checks::api::{self, Doc};
use crate::checks::knowledge;
use crate::checks::serves;
use crate::finding::Code;
use crate::gitlab::facts::Settings;
use crate::subject::Subject;
use crate::subject::place::Place;

/// Silent Mode is off.
pub(in crate::checks) static SILENT_MODE: Check = Check {
    id: "silent-mode",
    title: "Silent Mode is off",
    group: Group::Instance,
    about: "In Silent Mode GitLab sends nothing that could change something elsewhere: every request of Duo is stopped, \
            while GitLab's own test of the network stays green.",
    codes: &[Code::SilentModeOn],
    needs: &[],
    serves: serves::chat,
    places: |_| vec![Place::Instance],
    ask,
    judge: |subject, _, seen| judge(subject, seen, "Silent Mode", Code::SilentModeOn, |s| s.silent),
};

/// Maintenance Mode is off.
pub(in crate::checks) static MAINTENANCE_MODE: Check = Check {
    id: "maintenance-mode",
    title: "Maintenance Mode is off",
    group: Group::Instance,
    about: "In Maintenance Mode GitLab is read-only: requests that change something end with 503, those of Duo among \
            them.",
    codes: &[Code::MaintenanceModeOn],
    needs: &[],
    serves: serves::everything,
    places: |_| vec![Place::Instance],
    ask,
    judge: |subject, _, seen| {
        judge(subject, seen, "Maintenance Mode", Code::MaintenanceModeOn, |s| s.maintenance)
    },
};

fn ask(subject: &Subject, _: Place, seen: Seen) -> Vec<Ask> {
    api::ask(subject, seen, &[Doc::Settings])
}

fn judge(
    subject: &Subject,
    seen: Seen,
    name: &str,
    code: Code,
    of: fn(&Settings) -> Option<bool>,
) -> Verdict {
    match knowledge::setting(subject, seen, &format!("whether {name} is on"), of) {
        Ok((true, source)) => Verdict::found(code, &[("by", source.as_str())]),
        Ok((false, source)) => Verdict::pass_with(format!("{name} is off, says {}.", source.as_str()), "off"),
        // Not every edition and version says it.
        Err(why) => knowledge::setting_absent(subject, seen, why),
    }
}
