//! `completion`: one real completion comes back, by the way that an editor's request takes: Rails, Workhorse, gateway.
//!
//! It is the one that `streaming` listens to: only one is ever asked for, and only where that was allowed.

use super::{headers, refusal};
use crate::check::{Ask, Check, Group, Reached, Seen, Verdict, Want};
use crate::checks::inbound::streaming;
use crate::checks::{api, serves};
use crate::failure::{Answer, Failure, HttpKind, Layer};
use crate::finding::Code;
use crate::probe::Reading;
use crate::subject::limits::Completion;
use crate::subject::place::{Endpoint, Place, Stack};
use crate::subject::{Route, Subject};
use crate::text;

/// A completion comes.
pub(in crate::checks) static COMPLETION: Check = Check {
    id: "completion",
    title: "one completion comes back",
    group: Group::Exchange,
    about: "With a token and --allow-completion, one real completion is asked for by the way of an editor's request: it is \
            the only one that takes Workhorse's own way to the gateway. It counts as use of Duo.",
    codes: &[
        Code::WorkhorseEgressBroken,
        Code::InstanceMismatch,
        Code::GatewayRejectsInstance,
        Code::GatewayFailed,
        Code::TokenUserWithoutDuo,
        Code::QuotaExceeded,
        Code::NotEntitled,
        Code::RateLimited,
        Code::CompletionEmpty,
        Code::DuoOff,
        Code::MaintenanceModeOn,
    ],
    needs: &[],
    serves: serves::suggestions,
    places: |_| vec![Place::Instance],
    ask,
    judge: |subject, _, seen| judge(subject, seen),
};

fn ask(subject: &Subject, _: Place, seen: Seen) -> Vec<Ask> {
    let mut asks = streaming::asked_for(subject, seen);
    asks.extend(workhorses_way(subject).into_iter().flat_map(|place| headers::ask(subject, place, seen)));
    if subject.token.is_none() || subject.limits.completion == Completion::NotAsked {
        return Vec::new();
    }
    asks
}

/// Workhorse's own way to the gateway.
fn workhorses_way(subject: &Subject) -> Option<Place> {
    let place = |endpoint| {
        let takes = |r: &&Route| r.stacks.contains(&Stack::Workhorse) && r.endpoint == endpoint;
        subject.examined().find(takes).map(Route::place)
    };
    place(Endpoint::Gateway).or_else(|| place(Endpoint::Cloud))
}

/// The gateway, where it answers who asks it by that way with a made-up token in its own words: one that has no keys
/// would answer every token with the same plain 500 as Workhorse.
fn gateway_that_answers(subject: &Subject, seen: Seen) -> Option<String> {
    let place = workhorses_way(subject)?;
    let both = headers::both(subject, place)?;
    matches!(headers::said(seen, &both), headers::Said::Refusal(_))
        .then(|| subject.target(place.endpoint()?).map(|target| target.host))
        .flatten()
}

fn judge(subject: &Subject, seen: Seen) -> Verdict {
    if subject.limits.completion == Completion::NotAsked {
        let tells = "one real completion would tell: a token, and --allow-completion";
        return Verdict::wants(Want::Completion, tells);
    }
    if subject.token.is_none() {
        return Verdict::wants(Want::Token, "one real completion may be asked for, and needs a token");
    }
    let Some(probe) = streaming::probe_of(subject, seen) else {
        return Verdict::NotAsked(
            "the token is not sent at the public door: no verified https, or a proxy on the way".to_owned(),
        );
    };
    match seen.reached(&probe, Layer::Http) {
        Reached::Here(Reading::Answer(answer)) => answered(subject, seen, answer),
        Reached::Failed(Failure::Http(http)) if http.kind == HttpKind::Timeout => {
            let after = text::duration(http.after);
            let args =
                [("status", "none"), ("words", after.as_str()), ("by", "nobody: no answer came in time")];
            Verdict::found(Code::GatewayFailed, &args)
        }
        Reached::Failed(failure) => Verdict::Unknown(format!("the completion was not asked for: {failure}")),
        Reached::Here(_) | Reached::NotYet => Verdict::Unknown("the request ended without a word".to_owned()),
    }
}

fn answered(subject: &Subject, seen: Seen, answer: &Answer) -> Verdict {
    if answer.status == 200 {
        return completed(answer);
    }
    // Workhorse's own word for a request that it could not get through (`send-url`).
    let is_plain = answer.body.trim() == "Internal Server Error";
    if answer.status == 500
        && is_plain
        && let Some(host) = gateway_that_answers(subject, seen)
    {
        let args = [("host", host.as_str()), ("words", "500 Internal Server Error")];
        return Verdict::found(Code::WorkhorseEgressBroken, &args);
    }
    refusal::verdict(answer, "a completion")
}

fn completed(answer: &Answer) -> Verdict {
    let kind = answer.headers.get("content-type").unwrap_or_default();
    if kind.contains("html") {
        return Verdict::Unknown(format!("a page came in place of a completion: {}", api::quoted(answer)));
    }
    let json: Option<serde_json::Value> = serde_json::from_str(&answer.body).ok();
    let text = match &json {
        Some(json) => json.pointer("/choices/0/text").and_then(|t| t.as_str()).unwrap_or_default(),
        None => answer.body.as_str(),
    };
    if text.trim().is_empty() {
        return Verdict::found(Code::CompletionEmpty, &[("words", &api::quoted(answer))]);
    }
    Verdict::pass_with(
        format!("{} of code came back.", text::count(text.lines().count(), "line")),
        text::count(text.lines().count(), "line"),
    )
}
