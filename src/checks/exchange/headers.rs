//! `headers`: what GitLab sends to the gateway arrives as it was sent.
//!
//! The gateway looks at one header after the other and says which one it misses (gateway.md): three requests with
//! made-up credentials show how far each header comes. Only its own words accuse anybody.

use crate::check::{Ask, Check, Group, Reached, Seen, Verdict};
use crate::checks::network::{self, http};
use crate::checks::serves;
use crate::checks::{answerer, interception, vendors};
use crate::failure::{Answer, Layer};
use crate::finding::Code;
use crate::probe::{Probe, Reading, Request};
use crate::subject::place::{Endpoint, Place};
use crate::subject::{Route, Subject};

/// Headers arrive as sent.
pub(in crate::checks) static HEADERS: Check = Check {
    id: "headers",
    title: "headers arrive unchanged",
    group: Group::Exchange,
    about: "Sends made-up credentials and compares the gateway's own words: `Authorization` and GitLab's own \
            headers arrive as they were sent.",
    codes: &[Code::AuthHeaderStripped, Code::GitlabHeaderStripped],
    needs: &["http"],
    serves: serves::way,
    places,
    ask,
    judge,
};

/// A credential that nobody issued.
const MADE_UP: (&str, &str) = ("authorization", "Bearer duo-doctor-made-this-up");
/// The header that says of which kind the credential is; its value counts to the letter.
const KIND: (&str, &str) = ("x-gitlab-authentication-type", "oidc");
/// How GitLab writes that header's name.
const KIND_NAME: &str = "X-Gitlab-Authentication-Type";

/// Without a credential.
const NONE: &str = "No authorization header presented";
/// With one that is no bearer token.
const NO_BEARER: &str = "Invalid authorization header";
/// With one whose kind is not said, or said otherwise.
const NO_KIND: &str = "Invalid authentication token type - only OIDC is supported";
/// With everything, and a token that is not valid.
const NOT_VALID: &str = "Forbidden by auth provider";

pub(super) fn places(subject: &Subject) -> Vec<Place> {
    let gateway = |r: &&Route| matches!(r.endpoint, Endpoint::Cloud | Endpoint::Gateway);
    subject.examined().filter(gateway).map(Route::place).collect()
}

/// The signature request with headers of our own.
///
/// Where the way is direct all further requests share the connection on which the gateway's health was asked.
fn with(subject: &Subject, place: Place, headers: &[(&str, &str)]) -> Option<Probe> {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let request = Request { headers, ..network::signature(place.endpoint()?) };
    http::further(subject, place, request)
}

fn bearer(subject: &Subject, place: Place) -> Option<Probe> {
    with(subject, place, &[MADE_UP])
}

/// The request with a made-up token and everything that belongs to it.
pub(super) fn both(subject: &Subject, place: Place) -> Option<Probe> {
    with(subject, place, &[MADE_UP, KIND])
}

pub(super) fn ask(subject: &Subject, place: Place, seen: Seen) -> Vec<Ask> {
    let Some(bare) = network::walk(subject, place) else { return Vec::new() };
    let mut asks = vec![Ask::layer(bare.clone(), Layer::Http)];
    if !matches!(said(seen, &bare), Said::Refusal(words) if words == NONE) {
        return asks;
    }
    let health = http::health(subject, place);
    let waits = health.as_ref().is_some_and(|p| seen.samples(p).is_empty());
    asks.extend(health.map(|p| Ask::layer(p, Layer::Http)));
    if !waits {
        let more = [bearer(subject, place), both(subject, place)];
        asks.extend(more.into_iter().flatten().map(|p| Ask::layer(p, Layer::Http)));
    }
    asks
}

/// What came back to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// The gateway's 401 with its words.
    Refusal(String),
    /// The plain 500 of a gateway that has no keys to check a token with: the headers did arrive.
    NoKeys,
    /// Something else, with its status.
    Other(u16),
    /// No answer, and why.
    Nothing(String),
}

pub(super) fn said(seen: Seen, probe: &Probe) -> Said {
    match seen.reached(probe, Layer::Http) {
        Reached::Here(Reading::Answer(answer)) => of(answer),
        Reached::Failed(failure) => Said::Nothing(failure.to_string()),
        Reached::Here(_) | Reached::NotYet => Said::Nothing("it ended without a word".to_owned()),
    }
}

fn of(answer: &Answer) -> Said {
    if answer.status == 500 && answer.body.trim() == "Internal Server Error" {
        return Said::NoKeys;
    }
    answerer::refusal(answer).map_or(Said::Other(answer.status), Said::Refusal)
}

/// What three answers come to.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Outcome {
    /// All headers arrive.
    Arrive(&'static str),
    /// `Authorization` does not, and the words that say so.
    NoAuthorization(String),
    /// GitLab's header does not, or not as sent.
    NoKind(String),
    /// Nothing is shown, and why.
    Nothing(String),
    /// A request got no answer.
    Unanswered(String),
}

fn compare(bare: &Said, bearer: &Said, both: &Said) -> Outcome {
    let words = |said: &Said| match said {
        Said::Refusal(words) => words.clone(),
        Said::NoKeys => "500 Internal Server Error".to_owned(),
        Said::Other(status) => format!("HTTP {status}"),
        Said::Nothing(why) => why.clone(),
    };
    for said in [bare, bearer, both] {
        if let Said::Nothing(why) = said {
            return Outcome::Unanswered(why.clone());
        }
    }
    match [bare, bearer, both].map(words).each_ref().map(String::as_str) {
        // Both requests carried one: a single loss may be another server's answer.
        [NONE, lost @ (NONE | NO_BEARER), NONE | NO_BEARER] => Outcome::NoAuthorization(lost.to_owned()),
        [NONE, NO_KIND, NO_KIND] => Outcome::NoKind(NO_KIND.to_owned()),
        [NONE, NO_KIND, NOT_VALID] => Outcome::Arrive("the gateway sees each of them"),
        [NONE, NO_KIND, _] if *both == Said::NoKeys => {
            Outcome::Arrive("the gateway sees each of them, and has no keys to check a token with (HTTP 500)")
        }
        [bare, bearer, both] => {
            Outcome::Nothing(format!("the answers show nothing about headers: {bare}; {bearer}; {both}"))
        }
    }
}

fn judge(subject: &Subject, place: Place, seen: Seen) -> Verdict {
    let probes = (network::walk(subject, place), bearer(subject, place), both(subject, place));
    let (Some(bare), Some(bearer), Some(both)) = probes else {
        return Verdict::Unknown("the endpoint is not known here".to_owned());
    };
    let first = said(seen, &bare);
    if !matches!(&first, Said::Refusal(words) if words == NONE) {
        return Verdict::NotApplicable("the gateway did not answer in words that are known here".to_owned());
    }
    let host = place.endpoint().and_then(|e| subject.target(e)).map(|t| t.host).unwrap_or_default();
    let host = ("host", host.as_str());
    match compare(&first, &said(seen, &bearer), &said(seen, &both)) {
        Outcome::Arrive(how) => Verdict::pass(format!("Headers arrive as they are sent: {how}.")),
        Outcome::NoAuthorization(words) => {
            let by = by(place, seen, &bare, &bearer);
            Verdict::found(Code::AuthHeaderStripped, &[host, ("by", &by), ("answer", &words)])
        }
        Outcome::NoKind(words) => {
            let by = by(place, seen, &bare, &both);
            let args = [host, ("header", KIND_NAME), ("by", &by), ("answer", &words)];
            Verdict::found(Code::GitlabHeaderStripped, &args)
        }
        Outcome::Nothing(why) => Verdict::NotApplicable(why),
        Outcome::Unanswered(why) => Verdict::Unknown(format!("a request with made-up credentials: {why}")),
    }
}

/// Who changes headers: the product that opened TLS, or the one that the answer says it came through.
fn by(place: Place, seen: Seen, bare: &Probe, changed: &Probe) -> String {
    let product = match seen.reached(bare, Layer::Tls) {
        Reached::Here(Reading::Tls(tls)) => interception::inspecting_product(&tls.chain),
        Reached::Here(_) | Reached::Failed(_) | Reached::NotYet => None,
    };
    let through = || match seen.reached(changed, Layer::Http) {
        Reached::Here(Reading::Answer(answer)) => vendors::passed_through(&answer.headers),
        Reached::Here(_) | Reached::Failed(_) | Reached::NotYet => None,
    };
    let before = match place.endpoint() {
        Some(Endpoint::Gateway) => "what stands before the gateway",
        Some(Endpoint::Customers | Endpoint::Cloud | Endpoint::Workflow | Endpoint::Instance) | None => {
            "something that opens the connection"
        }
    };
    product.or_else(through).unwrap_or(before).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(words: &str) -> Said {
        Said::Refusal(words.to_owned())
    }

    /// What is expected of an outcome.
    type Is = fn(&Outcome) -> bool;

    #[test]
    fn only_the_gateways_own_words_accuse_anybody() {
        let arrive = |outcome: &Outcome| matches!(outcome, Outcome::Arrive(_));
        let nothing = |outcome: &Outcome| matches!(outcome, Outcome::Nothing(_));
        let auth = |outcome: &Outcome| matches!(outcome, Outcome::NoAuthorization(_));
        let kind = |outcome: &Outcome| matches!(outcome, Outcome::NoKind(_));
        let unanswered = |outcome: &Outcome| matches!(outcome, Outcome::Unanswered(_));
        let rows: Vec<(Said, Said, Is)> = vec![
            (refusal(NO_KIND), refusal(NOT_VALID), arrive),
            (refusal(NO_KIND), Said::NoKeys, arrive),
            (refusal(NONE), refusal(NONE), auth),
            (refusal(NO_BEARER), refusal(NO_BEARER), auth),
            (refusal(NO_KIND), refusal(NO_KIND), kind),
            // One of two got lost: two servers, or two ways.
            (refusal(NONE), refusal(NOT_VALID), nothing),
            (refusal(NO_KIND), refusal(NONE), nothing),
            // Words that are not known, and answers of others.
            (refusal("unauthorized"), refusal("unauthorized"), nothing),
            (refusal(NO_KIND), refusal("only oidc"), nothing),
            (refusal(NO_KIND), Said::Other(403), nothing),
            (Said::NoKeys, Said::NoKeys, nothing),
            (refusal(NOT_VALID), refusal(NOT_VALID), nothing),
            (Said::Nothing("cut".into()), refusal(NOT_VALID), unanswered),
        ];
        for (bearer, both, is) in rows {
            let outcome = compare(&refusal(NONE), &bearer, &both);
            assert!(is(&outcome), "{bearer:?} {both:?}: {outcome:?}");
        }
    }
}
