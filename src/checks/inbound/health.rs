//! `health`: Workhorse and Puma are alive, by GitLab's own health addresses at the innermost door.

use super::reach::rails_down;
use super::{At, is_gitlab, is_without_rails, quoted};
use crate::check::{Ask, Check, Group, Reached, Seen, Verdict};
use crate::checks::serves;
use crate::failure::{Answer, Failure, Layer};
use crate::finding::Code;
use crate::probe::Reading;
use crate::subject::Subject;
use crate::subject::place::{Door, Place};
use serde_json::Value;

/// Puma is alive and ready.
pub(in crate::checks) static HEALTH: Check = Check {
    id: "health",
    title: "Workhorse and Puma are alive",
    group: Group::Inbound,
    about: "GitLab's health addresses answer at the innermost door: Puma lives, and its databases are ready.",
    codes: &[Code::RailsDown],
    needs: &["reach"],
    serves: serves::everything,
    places: |subject| vec![Place::Door(subject.doors.innermost().unwrap_or(Door::Public))],
    ask: |subject, place, seen| {
        super::asked(subject, place, seen, |at| PATHS.iter().map(|p| ask(at, p)).collect())
    },
    judge,
};

/// GitLab's health addresses: whether Rails answers, is ready for requests, lives (`doc/administration/monitoring`).
const PATHS: [&str; 3] = ["/-/readiness", "/-/health", "/-/liveness"];

fn ask(at: At, path: &str) -> Ask {
    Ask::layer(at.get(path), Layer::Http)
}

fn judge(subject: &Subject, place: Place, seen: Seen) -> Verdict {
    super::judged(subject, place, seen, alive)
}

fn alive(at: At) -> Verdict {
    let mut ready = false;
    let mut hidden = 0;
    for path in PATHS {
        match at.seen.reached(&at.get(path), Layer::Http) {
            Reached::Here(Reading::Answer(answer)) => match answer.status {
                200 => ready |= path == PATHS[0],
                // GitLab answers so to whoever is not on its allow-list, and only to them.
                404 => hidden += 1,
                500.. if is_gitlabs(at, answer) => return down(at, path, answer),
                _ => return Verdict::NotApplicable(odd(path, answer)),
            },
            Reached::Failed(Failure::Http(http)) if at.door() != Door::Public => {
                return rails_down(at, path, &http.words);
            }
            Reached::Failed(Failure::Http(http)) => {
                let words = format!("{path} is not answered ({}): a front end may decide so", http.words);
                return Verdict::NotApplicable(words);
            }
            Reached::Failed(failure) => {
                return Verdict::Unknown(format!("{path} was not asked: {failure}"));
            }
            Reached::Here(_) | Reached::NotYet => {
                return Verdict::Unknown(format!("{path} ended without a word"));
            }
        }
    }
    match (hidden, ready) {
        (0, true) => Verdict::pass_with("Puma lives, and is ready for requests.", "ready"),
        (3, _) => Verdict::NotApplicable(
            "GitLab's allow-list for monitoring does not name this machine: 404 at its health addresses"
                .to_owned(),
        ),
        _ => Verdict::NotApplicable(
            "GitLab's health addresses answer in part only, as a front end may decide".to_owned(),
        ),
    }
}

/// Whether GitLab says so itself: at the public door a front end may fail in its place.
fn is_gitlabs(at: At, answer: &Answer) -> bool {
    at.door() != Door::Public
        || is_gitlab(answer)
        || is_without_rails(answer)
        || !failing(&answer.body).is_empty()
}

fn odd(path: &str, answer: &Answer) -> String {
    format!("{path} is answered {}: a front end decides who may ask", quoted(answer))
}

fn down(at: At, path: &str, answer: &Answer) -> Verdict {
    let failing = failing(&answer.body);
    let words = if is_without_rails(answer) || failing.is_empty() {
        quoted(answer)
    } else {
        format!("HTTP {}: not ready: {failing}", answer.status)
    };
    rails_down(at, path, &words)
}

/// The checks that `/-/readiness` says have failed: `db_check, redis_check`.
fn failing(body: &str) -> String {
    let Ok(Value::Object(checks)) = serde_json::from_str(body) else { return String::new() };
    let is_failed = |results: &Value| {
        let all = results.as_array().map(Vec::as_slice).unwrap_or_default();
        all.iter().any(|result| result.get("status").and_then(Value::as_str) == Some("failed"))
    };
    let names: Vec<&str> =
        checks.iter().filter(|(_, r)| is_failed(r)).map(|(name, _)| name.as_str()).collect();
    crate::text::escape(&names.join(", "), 120)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readiness_names_what_is_not_ready() {
        let body = r#"{"status":"failed","db_check":[{"status":"failed","message":"x"}],"redis_check":[{"status":"ok"}]}"#;
        assert_eq!(failing(body), "db_check");
        assert_eq!((failing("GitLab OK"), failing("[1]")), (String::new(), String::new()));
    }
}
