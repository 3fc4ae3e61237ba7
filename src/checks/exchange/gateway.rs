//! `gateway`: the AI gateway itself answers, and has keys to check a token with.

use super::headers::{Said, both, said};
use crate::check::{Check, Group, Reached, Seen, Verdict};
use crate::checks::network::{self, http};
use crate::checks::serves;
use crate::failure::Layer;
use crate::finding::Code;
use crate::probe::Reading;
use crate::subject::Subject;
use crate::subject::place::Place;

/// The gateway answers and could check a token.
pub(in crate::checks) static GATEWAY: Check = Check {
    id: "gateway",
    title: "AI gateway answers",
    group: Group::Exchange,
    about: "The gateway refuses a request without credentials in words that only it has, says that it is healthy, and can \
            tell a made-up token from a good one: for that it needs keys.",
    codes: &[Code::GatewayWithoutKeys],
    needs: &["http"],
    serves: serves::way,
    places: super::headers::places,
    ask: super::headers::ask,
    judge,
};

fn judge(subject: &Subject, place: Place, seen: Seen) -> Verdict {
    let (Some(bare), Some(both)) = (network::walk(subject, place), both(subject, place)) else {
        return Verdict::Unknown("the endpoint is not known here".to_owned());
    };
    let host = place.endpoint().and_then(|e| subject.target(e)).map(|t| t.host).unwrap_or_default();
    let Said::Refusal(words) = said(seen, &bare) else {
        return Verdict::NotApplicable("the gateway did not answer in words that are known here".to_owned());
    };
    let is_healthy = http::health(subject, place).is_some_and(|probe| {
        matches!(seen.reached(&probe, Layer::Http), Reached::Here(Reading::Answer(a)) if a.status == 200)
    });
    if said(seen, &both) == Said::NoKeys && is_healthy {
        return Verdict::found(Code::GatewayWithoutKeys, &[("host", &host)]);
    }
    Verdict::pass_with(format!("{host} answers \"{words}\", as the gateway does."), "401")
}
