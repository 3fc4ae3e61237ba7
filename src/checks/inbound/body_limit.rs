//! `body-limit`: a request as large as Code Suggestions sends reaches GitLab.

use super::hop::{self, Blame, Fares, Hop, blame};
use super::{At, is_gitlab, public_door};
use crate::check::{Ask, Check, Group, Reached, Verdict};
use crate::checks::serves;
use crate::failure::{Answer, Failure, HttpKind, Layer};
use crate::finding::Code;
use crate::probe::{Alpn, Content, Probe, Reading, Request};
use crate::text;

/// Large bodies pass.
pub(in crate::checks) static BODY_LIMIT: Check = Check {
    id: "body-limit",
    title: "large requests pass",
    group: Group::Inbound,
    about: "A request of 600 kB, the most that Code Suggestions sends, reaches GitLab, which answers it unauthenticated.",
    codes: &[Code::BodyLimitLow],
    needs: &["reach", "certificate"],
    serves: serves::nothing,
    places: public_door,
    ask: |subject, place, seen| super::asked(subject, place, seen, ask),
    judge: |subject, place, seen| super::judged(subject, place, seen, judge),
};

/// The address that editors send code to.
pub(super) const COMPLETIONS: &str = "/api/v4/code_suggestions/completions";

/// The most that GitLab itself takes there (GitLab: `MAX_BODY_SIZE` of the API's Code Suggestions).
const LARGE: u32 = 600_000;

/// What nobody refuses for its size.
const SMALL: u32 = 64;

fn post(at: At, length: u32) -> Probe {
    at.request(Alpn::Both, Request::post(at.url.path(COMPLETIONS), Content::Filler(length)))
}

fn ask(at: At) -> Vec<Ask> {
    let large = post(at, LARGE);
    let mut asks = Vec::new();
    let refused = match at.answer(&large) {
        Some(answer) => !arrived(answer),
        None => at.seen.failure(&large).is_some(),
    };
    if refused {
        asks.push(Ask::layer(post(at, SMALL), Layer::Http));
        asks.extend(hop::ask(at));
        asks.extend(at.behind().flat_map(At::first));
        asks.extend(
            at.behind()
                .filter(|inner| inner.is_the_public_door() == Some(false))
                .map(|inner| Ask::layer(post(inner, LARGE), Layer::Http)),
        );
    }
    asks.push(Ask::layer(large, Layer::Http));
    asks
}

/// Whether GitLab itself has read the request: it answers in its own words, whatever it thinks of it.
fn arrived(answer: &Answer) -> bool {
    answer.status != 413 && (is_gitlab(answer) || answer.body.contains(r#""message":"401 Unauthorized""#))
}

fn fares(at: At) -> Fares {
    match at.seen.reached(&post(at, LARGE), Layer::Http) {
        Reached::Here(Reading::Answer(answer)) if arrived(answer) => Fares::Works,
        Reached::Failed(Failure::Http(http)) if http.kind == HttpKind::Timeout => Fares::Unknown,
        Reached::Here(_) | Reached::Failed(Failure::Http(_)) => Fares::Fails,
        Reached::Failed(_) | Reached::NotYet => Fares::Unknown,
    }
}

fn judge(at: At) -> Verdict {
    let small_arrives = || at.answer(&post(at, SMALL)).is_some_and(arrived);
    match at.seen.reached(&post(at, LARGE), Layer::Http) {
        Reached::Here(Reading::Answer(answer)) if arrived(answer) => {
            Verdict::pass_with("GitLab reads a request of 600 kB.", "600 kB")
        }
        Reached::Here(Reading::Answer(answer)) if answer.status == 413 || small_arrives() => {
            low(at, &answer.status.to_string(), Some(answer))
        }
        Reached::Here(Reading::Answer(answer)) => Verdict::NotApplicable(format!(
            "a request of any size is answered {} before GitLab reads it",
            answer.status
        )),
        Reached::Failed(Failure::Http(http)) if http.kind == HttpKind::Timeout => {
            let limit = text::duration(http.after);
            Verdict::NotApplicable(format!("600 kB were not answered in {limit}: too slow to tell"))
        }
        Reached::Failed(Failure::Http(_)) if small_arrives() => low(at, "cut", None),
        Reached::Failed(failure) => Verdict::Unknown(format!("the request was not answered: {failure}")),
        Reached::Here(_) | Reached::NotYet => Verdict::Unknown("the request ended without a word".to_owned()),
    }
}

fn low(at: At, status: &str, answer: Option<&Answer>) -> Verdict {
    let blamed = blame(at, &fares, answer.as_slice(), Hop::Workhorse);
    let Blame { hop, product } = match answer {
        Some(answer) => blamed.by_author(at, answer),
        None => blamed,
    };
    let url = at.url.to_string();
    let args = [
        ("url", url.as_str()),
        ("host", &at.url.target.host),
        ("hop", hop.as_str()),
        ("product", &product),
        ("status", status),
        ("sent", "600 kB"),
    ];
    Verdict::found(Code::BodyLimitLow, &args)
}
