//! `token`: the instance takes the token that was given, and tells it what the other checks need.

use crate::check::{Check, Group, Seen, Verdict};
use crate::checks::api::{self, Doc, Limit, Why};
use crate::checks::knowledge;
use crate::checks::serves;
use crate::finding::{Code, Finding};
use crate::gitlab::facts::Source;
use crate::subject::Subject;
use crate::subject::place::Place;

/// The token is taken.
pub(in crate::checks) static TOKEN: Check = Check {
    id: "token",
    title: "token is accepted",
    group: Group::Instance,
    about: "Asks the instance's API who it is and for its settings: whether the token is taken, has the scope read_api, \
            and belongs to an administrator.",
    codes: &[Code::TokenRejected, Code::TokenScopeMissing, Code::TokenNotAdmin, Code::RateLimited],
    needs: &[],
    serves: serves::nothing,
    places: |_| vec![Place::Instance],
    ask: |subject, _, seen| api::ask(subject, seen, &[Doc::Settings, Doc::Graphql]),
    judge: |subject, _, seen| judge(subject, seen),
};

/// What an administrator's token would tell.
const UNREAD: &str = "licence, settings, synchronisation and GitLab's own health check";

fn judge(subject: &Subject, seen: Seen) -> Verdict {
    let version = match knowledge::metadata(subject, seen) {
        // Rails speaks for itself, and the token is another matter.
        Ok((_, Source::Rails | Source::OwnCheck)) => return api_said(subject, seen),
        Ok(((version, _), Source::Api)) => version,
        Err(why) => return refused(subject, why),
    };
    match api::document(subject, seen, Doc::Settings) {
        Ok(_) => Verdict::pass_with(
            format!("The instance takes it: GitLab {version}, an administrator, scope read_api."),
            version,
        ),
        // Admin Mode: REST wants another scope of an administrator, and GraphQL does not.
        Err(Why::NotAdmin) if api::is_admin_by_graphql(subject, seen) => {
            let unread = "settings and Sidekiq: Admin Mode is on, and the user is an administrator";
            Verdict::found(Code::TokenScopeMissing, &[("wanted", "admin_mode"), ("unread", unread)])
        }
        Err(why) => refused(subject, why),
    }
}

/// Why the API said nothing, where Rails did.
fn api_said(subject: &Subject, seen: Seen) -> Verdict {
    match api::document(subject, seen, Doc::Settings) {
        Ok(_) => Verdict::pass("The instance takes it."),
        Err(Why::NoToken) => {
            Verdict::NotApplicable("no token was given: Rails on this node was asked instead".to_owned())
        }
        Err(why) => refused(subject, why),
    }
}

/// What a refusal of the API comes to.
fn refused(subject: &Subject, why: Why) -> Verdict {
    match why {
        Why::Rejected(words) => {
            let host = subject.instance.as_ref().map(|url| url.target.host.as_str()).unwrap_or_default();
            Verdict::found(Code::TokenRejected, &[("host", host), ("words", &words)])
        }
        Why::NoScope(wanted) => {
            Verdict::found(Code::TokenScopeMissing, &[("wanted", &wanted), ("unread", UNREAD)])
        }
        Why::NotAdmin => Verdict::found(Code::TokenNotAdmin, &[("unread", UNREAD)]),
        Why::Limited(limit) => Verdict::Findings(vec![rate_limited(&limit, "the instance's API")]),
        why @ (Why::NoToken
        | Why::Unsent(_)
        | Why::TooOld(_)
        | Why::Skipped(_)
        | Why::Absent
        | Why::Elsewhere(_)
        | Why::Unanswered(_)) => why.verdict_of_the_api(),
    }
}

/// The finding of a limit that was reached.
pub(in crate::checks) fn rate_limited(limit: &Limit, what: &str) -> Finding {
    let by = if limit.by.is_empty() { "somebody on the way" } else { limit.by.as_str() };
    Finding::new(Code::RateLimited, &[("by", by), ("after", &limit.after), ("what", what)])
}
