//! `direct-access`: GitLab gets a user's token from the gateway, as it does for an editor's direct connection. Rails asks
//! the gateway with the instance's own token for it, and no model is asked.

use super::refusal;
use crate::check::{Check, Group, Seen, Verdict, Want};
use crate::checks::api::{self, Doc, Why};
use crate::checks::knowledge;
use crate::checks::serves;
use crate::failure::Answer;
use crate::finding::Code;
use crate::gitlab::version::Version;
use crate::subject::Subject;
use crate::subject::place::Place;

/// GitLab gets a token for its user from the gateway.
pub(in crate::checks) static DIRECT_ACCESS: Check = Check {
    id: "direct-access",
    title: "gateway takes the token",
    group: Group::Exchange,
    about: "Asks GitLab for the token of a direct connection: Rails asks the gateway for it with the instance's own \
            credentials, so that their refusal shows without a completion. The token that comes is dropped unread.",
    codes: &[
        Code::InstanceMismatch,
        Code::GatewayRejectsInstance,
        Code::GatewayFailed,
        Code::TokenUserWithoutDuo,
        Code::QuotaExceeded,
        Code::NotEntitled,
        Code::RateLimited,
        Code::DuoOff,
        Code::MaintenanceModeOn,
    ],
    needs: &[],
    serves: serves::exchange,
    places: |_| vec![Place::Instance],
    ask: |subject, _, seen| api::ask(subject, seen, &[Doc::DirectAccess, Doc::ConnectionDetails]),
    judge: |subject, _, seen| judge(subject, seen),
};

/// Direct connections came with 17.2.
const SINCE: Version = Version(17, 2);

fn judge(subject: &Subject, seen: Seen) -> Verdict {
    let document = match api::raw(subject, seen, Doc::DirectAccess) {
        Ok(document) => document,
        Err(Why::NoToken) => {
            return Verdict::wants(Want::Token, "needs a token with the scope ai_features or api");
        }
        Err(why) => return why.verdict(),
    };
    if knowledge::version(subject, seen).is_some_and(|version| version < SINCE) {
        return Verdict::NotApplicable("direct connections came with GitLab 17.2".to_owned());
    }
    let answer: &Answer = &document.answer;
    match (answer.status, document.json()) {
        (200 | 201, Some(json)) if json.get("base_url").is_some() || json.get("expires_at").is_some() => {
            Verdict::pass_with("GitLab asked the gateway for a user's token and got one.", "201")
        }
        (200 | 201, _) => Verdict::Unknown(format!(
            "GitLab answered, but not as it does for direct connections: {}",
            api::quoted(answer)
        )),
        _ => match refusal::verdict(answer, "a token for direct connections") {
            // GitLab's 401 may also mean that the token lacks the user's seat; the next document knows.
            Verdict::Findings(found) if found.iter().any(|f| f.code == Code::TokenUserWithoutDuo) => {
                without_duo(subject, seen, Verdict::Findings(found))
            }
            verdict => verdict,
        },
    }
}

/// A user who gets connection details has Duo: then the 401 was about something else.
fn without_duo(subject: &Subject, seen: Seen, verdict: Verdict) -> Verdict {
    match api::document(subject, seen, Doc::ConnectionDetails) {
        Ok(details) if details.get("realm").is_some() => Verdict::Unknown(
            "GitLab refuses the direct connection with 401, and yet says that the token's user has Duo"
                .to_owned(),
        ),
        Ok(_) | Err(_) => verdict,
    }
}
