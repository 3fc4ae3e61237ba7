//! `gitlab`, `edition`, `version`: what is installed here, and which part of the instance this node is.

use crate::check::{Ask, Check, Group, Seen, Verdict};
use crate::checks::{api, knowledge, serves};
use crate::finding::{Code, Finding};
use crate::gitlab::version::Version;
use crate::subject::Subject;
use crate::subject::facts::Unread;
use crate::subject::place::{Place, Stack};
use crate::subject::services::Deployment;
use crate::text;

/// GitLab is installed here.
pub(in crate::checks) static GITLAB: Check = Check {
    id: "gitlab",
    title: "GitLab runs on this node",
    group: Group::Instance,
    about: "Looks for GitLab on this machine, and which part of it runs here: the others are not checked from here.",
    codes: &[
        Code::GitlabNotFound,
        Code::OtherNodesUnchecked,
        Code::SelfSignedTokensSet,
        Code::SelfSignedTokensUnneeded,
    ],
    needs: &[],
    serves: serves::nothing,
    places: |_| vec![Place::Node],
    ask: |_, _, _| Vec::new(),
    judge: |subject, _, _| gitlab(subject),
};

/// GitLab here is an Enterprise Edition.
pub(in crate::checks) static EDITION: Check = Check {
    id: "edition",
    title: "edition has Duo",
    group: Group::Instance,
    about: "GitLab Duo is part of the Enterprise Edition: the Community Edition has none of it.",
    codes: &[Code::EditionNotEnterprise],
    needs: &[],
    serves: serves::everything,
    places: told,
    ask,
    judge: |subject, place, seen| match place {
        Place::Instance => edition_by_api(subject, seen),
        Place::Node | Place::Endpoint(_) | Place::Stack(_) | Place::Way(..) | Place::Door(_) => {
            edition(subject)
        }
    },
};

/// GitLab here is new enough.
pub(in crate::checks) static VERSION: Check = Check {
    id: "version",
    title: "version is 17.2 or later",
    group: Group::Instance,
    about: "GitLab Duo wants GitLab 17.2 or later; the Agent Platform wants 18.2, its flows 18.8.",
    codes: &[Code::VersionOld],
    needs: &[],
    serves: serves::nothing,
    places: told,
    ask,
    judge: |subject, place, seen| match place {
        Place::Instance => version_by_api(subject, seen),
        Place::Node | Place::Endpoint(_) | Place::Stack(_) | Place::Way(..) | Place::Door(_) => {
            version(subject)
        }
    },
};

/// The node's files tell, or from a client's machine the instance's API.
fn told(subject: &Subject) -> Vec<Place> {
    match (subject.node.install, &subject.instance) {
        (Some(_), _) => vec![Place::Node],
        (None, Some(_)) => vec![Place::Instance],
        (None, None) => Vec::new(),
    }
}

fn ask(subject: &Subject, place: Place, seen: Seen) -> Vec<Ask> {
    if place == Place::Instance { api::ask(subject, seen, &[]) } else { Vec::new() }
}

fn edition_by_api(subject: &Subject, seen: Seen) -> Verdict {
    match knowledge::metadata(subject, seen) {
        Ok(((version, Some(false)), _)) => {
            Verdict::found(Code::EditionNotEnterprise, &[("edition", "ce"), ("version", &version)])
        }
        Ok(((_, Some(true)), _)) => Verdict::pass_with("The instance is GitLab EE.", "ee"),
        Ok(((_, None), _)) => Verdict::Unknown("the instance does not say which edition it is".to_owned()),
        Err(why) => why.verdict(),
    }
}

fn version_by_api(subject: &Subject, seen: Seen) -> Verdict {
    match knowledge::metadata(subject, seen) {
        Ok(((version, _), _)) => version_of(&version),
        Err(why) => why.verdict(),
    }
}

fn gitlab(subject: &Subject) -> Verdict {
    let node = &subject.node;
    if node.install.is_none() {
        let hostname = node.hostname.as_deref().unwrap_or("this machine");
        return Verdict::found(Code::GitlabNotFound, &[("hostname", hostname)]);
    }
    let found: Vec<Finding> = self_signed(subject).into_iter().chain(elsewhere(subject)).collect();
    if !found.is_empty() {
        return Verdict::Findings(found);
    }
    let unread = unread(subject);
    match (&node.gitlab_version, &node.edition) {
        (Some(version), edition) => {
            let name = format!("{version}{}", edition.as_ref().map(|e| format!("-{e}")).unwrap_or_default());
            Verdict::pass_with(format!("GitLab {name} is installed here.{unread}"), name)
        }
        (None, _) => {
            Verdict::pass(format!("GitLab is installed here; its version could not be read.{unread}"))
        }
    }
}

/// What of this node could not be read, with the command that would tell, for the end of a sentence.
fn unread(subject: &Subject) -> String {
    const SHOWN: usize = 3;
    let all = &subject.facts.unread;
    let one = |u: &Unread| format!("{} ({}; `{}` would tell)", u.what, u.why, u.command);
    let mut shown: Vec<String> = all.iter().take(SHOWN).map(one).collect();
    if all.len() > SHOWN {
        shown.push(format!("{} more", all.len() - SHOWN));
    }
    if shown.is_empty() { String::new() } else { format!(" Not read: {}.", text::list(&shown)) }
}

/// The parts that use Duo's services, as roles are called.
const PARTS: [(&str, &str); 2] = [("rails", "Rails"), ("sidekiq", "Sidekiq")];

/// What of the instance runs on other nodes, where this node is known to run a part only (`field-notes` 28).
fn elsewhere(subject: &Subject) -> Option<Finding> {
    let roles = &subject.node.roles;
    let part = |here: bool| {
        let names: Vec<&str> =
            PARTS.iter().filter(|(r, _)| roles.iter().any(|o| o == r) == here).map(|(_, n)| *n).collect();
        names
    };
    let missing = part(false);
    if roles.is_empty() || missing.is_empty() {
        return None;
    }
    let here = if part(true).is_empty() { text::list(roles) } else { text::list(&part(true)) };
    Some(Finding::new(Code::OtherNodesUnchecked, &[("here", &here), ("elsewhere", &text::list(&missing))]))
}

/// The switch that makes an instance sign its own tokens, which only GitLab's own services may do.
fn self_signed(subject: &Subject) -> Option<Finding> {
    const NAME: &str = "CLOUD_CONNECTOR_SELF_SIGN_TOKENS";
    let environments = subject.facts.components.iter().filter(|c| c.stack != Stack::Workhorse);
    let set = environments.filter_map(|c| c.configured.as_ref()?.get(NAME)).find(|v| {
        // As `Gitlab::Utils.to_boolean` reads it.
        ["true", "t", "yes", "y", "1", "on"].contains(&v.value.expose().trim().to_ascii_lowercase().as_str())
    })?;
    let own_gateway = matches!(subject.deployment, Deployment::SelfHosted | Deployment::Hybrid);
    let code = if own_gateway { Code::SelfSignedTokensUnneeded } else { Code::SelfSignedTokensSet };
    Some(Finding::new(code, &[("value", set.value.expose()), ("from", &set.from)]))
}

fn edition(subject: &Subject) -> Verdict {
    match subject.node.edition.as_deref() {
        None => Verdict::Unknown("the edition could not be read".to_owned()),
        Some("ce") => {
            let version = subject.node.gitlab_version.as_deref().unwrap_or("an unknown version");
            Verdict::found(Code::EditionNotEnterprise, &[("edition", "ce"), ("version", version)])
        }
        Some("jh") => Verdict::NotApplicable("JiHu GitLab uses services of its own".to_owned()),
        Some(edition) => Verdict::pass_with(format!("This is GitLab {}.", edition.to_uppercase()), edition),
    }
}

fn version(subject: &Subject) -> Verdict {
    let Some(version) = subject.node.gitlab_version.as_deref() else {
        return Verdict::Unknown("the version could not be read".to_owned());
    };
    version_of(version)
}

fn version_of(version: &str) -> Verdict {
    match Version::of(version) {
        None => Verdict::Unknown(format!("{version} is no version that could be compared")),
        Some(old) if old < Version(17, 2) => Verdict::found(Code::VersionOld, &[("version", version)]),
        Some(known) => {
            let platform = if known < Version(18, 2) { " The Agent Platform begins with 18.2." } else { "" };
            Verdict::pass_with(format!("{version} is 17.2 or later.{platform}"), version)
        }
    }
}
