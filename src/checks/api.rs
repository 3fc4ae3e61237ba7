//! How the instance is asked what it knows: by which door the API is spoken to, in which order, and what stands in for it;
//! and why something is not known, so that unknown is never said as no.
//!
//! On a node Workhorse's own listener is asked first: it does not leave the node, and no front end stands before it. The
//! version is asked for first of all: it says whether the token is taken, and the GraphQL document is made for it.

use super::answerer;
use super::inbound::At;
use super::inbound::handshake::{Credential, credential, first};
use super::vendors;
use crate::check::{Ask, Reached, Seen, Verdict, Want};
use crate::failure::{Answer, Layer};
use crate::gitlab::facts::Source;
use crate::gitlab::version::Version;
use crate::gitlab::{documents, graphql};
use crate::probe::document::{Content, Document};
use crate::probe::{Probe, Reading};
use crate::subject::Subject;
use crate::subject::limits::{OwnCheck, RailsRunner};
use crate::subject::place::{Door, Endpoint, Place};
use crate::text;
use serde_json::Value;

/// Why something is not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// No token was given.
    NoToken,
    /// A token was given and not sent, and why.
    Unsent(String),
    /// The token is refused.
    Rejected(String),
    /// The token lacks a scope: which.
    NoScope(String),
    /// Only an administrator may know.
    NotAdmin,
    /// This version does not have it: since when it is there.
    TooOld(&'static str),
    /// This edition or version does not have it.
    Absent,
    /// Nobody asked for it.
    Skipped(&'static str),
    /// Too many requests: who limits, and for how long.
    Limited(Limit),
    /// Whoever was asked does not look at it here; what would tell.
    Elsewhere(String),
    /// It should have been told, and was not.
    Unanswered(String),
}

/// A limit on requests that was reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Limit {
    /// Who limits; `""`: not known.
    pub(super) by: String,
    /// `Retry-After`, in seconds; `""`: not said.
    pub(super) after: String,
}

impl Why {
    /// The same, where Rails cannot stand in for the API.
    pub(super) fn verdict_of_the_api(self) -> Verdict {
        let words = "needs an administrator's token";
        if self == Why::NoToken { Verdict::wants(Want::Token, words) } else { self.verdict() }
    }

    /// What a check says that learns nothing for this reason. What one check finds, the others do not repeat.
    pub(super) fn verdict(self) -> Verdict {
        match self {
            Why::NoToken => Verdict::wants(Want::TokenOrRunner, "needs an administrator's token"),
            Why::Unsent(why) => Verdict::NotAsked(why),
            Why::Rejected(_) => {
                Verdict::NotAsked("the token was not accepted: see token@instance".to_owned())
            }
            Why::NoScope(scope) => Verdict::NotAsked(format!("the token lacks the scope {scope}")),
            Why::NotAdmin => Verdict::NotAsked("only an administrator's token tells".to_owned()),
            Why::TooOld(since) => Verdict::NotApplicable(format!("this came with GitLab {since}")),
            Why::Absent => Verdict::NotApplicable("this edition or version does not have it".to_owned()),
            Why::Skipped(what) => Verdict::NotAsked(format!("{what} would tell, and was left out")),
            Why::Limited(_) => {
                Verdict::NotAsked("the instance limits requests: see token@instance".to_owned())
            }
            Why::Elsewhere(what) => Verdict::NotAsked(what),
            Why::Unanswered(why) => Verdict::Unknown(why),
        }
    }
}

/// What is known of one thing, and by whom.
pub(super) type Known<T> = Result<(T, Source), Why>;

/// A document of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Doc {
    License,
    Settings,
    Graphql,
    OwnCheck,
    Sidekiq,
    DirectAccess,
    ConnectionDetails,
}

/// How the API can be asked now.
enum Way<'a> {
    /// At this door.
    At(At<'a>),
    /// That is known only once these are answered.
    First(Vec<Ask>),
    /// Not at all.
    Never(Why),
}

/// The doors in the order in which they are tried.
const DOORS: [Door; 2] = [Door::Workhorse, Door::Public];

fn way<'a>(subject: &'a Subject, seen: Seen<'a>) -> Way<'a> {
    if subject.token.is_none() {
        return Way::Never(Why::NoToken);
    }
    if subject.instance.is_none() {
        return Way::Never(Why::Unsent("no instance is known: --instance-url names it".to_owned()));
    }
    let mut why = Why::Unsent("this machine has no door of the instance".to_owned());
    for door in DOORS {
        let Ok(at) = At::of(subject, Place::Door(door), seen) else { continue };
        if door == Door::Workhorse && !at.is_local() {
            continue;
        }
        match credential(at) {
            Credential::NotYet => return Way::First(first(at)),
            Credential::None => {
                why =
                    Why::Unsent("the token is not sent: no verified https, or a proxy on the way".to_owned());
            }
            Credential::Token => match below(at) {
                None => return Way::At(at),
                Some(failure) => why = Why::Unanswered(format!("the API was not reached: {failure}")),
            },
        }
    }
    Way::Never(why)
}

/// The failure below HTTP that ends the first inquiry at a door: the next door is tried then.
fn below(at: At) -> Option<String> {
    let probe = at.inquire(documents::metadata(at.url))?;
    let failed = at.seen.samples(&probe).iter().find(|s| s.layer < Layer::Http && s.failure().is_some())?;
    failed.failure().map(ToString::to_string)
}

/// What is asked for some documents, as far as it can be asked by now: the version first.
pub(super) fn ask(subject: &Subject, seen: Seen, docs: &[Doc]) -> Vec<Ask> {
    let mut asks: Vec<Ask> = rails(subject).into_iter().map(Ask::whole).collect();
    match way(subject, seen) {
        Way::Never(_) => {}
        Way::First(more) => asks.extend(more),
        Way::At(at) => {
            let http = |probe: Probe| Ask::layer(probe, Layer::Http);
            asks.extend(at.inquire(documents::metadata(at.url)).map(http));
            if version_at(at).is_ok() {
                asks.extend(docs.iter().flat_map(|doc| probes(at, *doc)).map(http));
            }
        }
    }
    asks
}

/// The call of Rails, where it is allowed.
fn rails(subject: &Subject) -> Option<Probe> {
    (subject.limits.rails == RailsRunner::Allowed).then_some(Probe::Rails)
}

/// The requests for a document: a second one only where the first says which of its fields are not there.
fn probes(at: At, doc: Doc) -> Vec<Probe> {
    let Ok(version) = version_at(at) else { return Vec::new() };
    let inquiry = match doc {
        Doc::License => documents::license(at.url),
        Doc::Settings => documents::settings(at.url, hosts(at.subject)),
        Doc::Sidekiq => documents::sidekiq(at.url),
        Doc::DirectAccess => documents::direct_access(at.url),
        Doc::ConnectionDetails if version < Version(18, 3) => return Vec::new(),
        Doc::ConnectionDetails => documents::connection_details(at.url),
        Doc::Graphql => documents::graphql(at.url, version, &[]),
        Doc::OwnCheck if at.subject.limits.own_check == OwnCheck::Skipped => return Vec::new(),
        Doc::OwnCheck if !graphql::has_own_check(version) => return Vec::new(),
        Doc::OwnCheck => documents::own_check(at.url, version),
    };
    let mut all: Vec<Probe> = at.inquire(inquiry).into_iter().collect();
    // GitLab names at most five fields at a time that it does not have.
    let mut missing: Vec<graphql::Missing> = Vec::new();
    while let Some(probe) = all.last().filter(|_| doc == Doc::Graphql && all.len() < TRIES) {
        let Ok(document) = answer(at.seen, probe) else { break };
        let more = document.json().map(graphql::missing).unwrap_or_default();
        if more.is_empty() {
            break;
        }
        missing.extend(more);
        all.extend(at.inquire(documents::graphql(at.url, version, &missing)));
    }
    all
}

/// The hosts that Duo needs, as far as they are known beforehand.
fn hosts(subject: &Subject) -> Vec<String> {
    let all = [Endpoint::Customers, Endpoint::Cloud, Endpoint::Gateway].into_iter();
    all.filter_map(|e| subject.target(e)).map(|target| target.host.to_lowercase()).collect()
}

/// How often the GraphQL document is asked for at most, each time without the fields that the instance does not have.
const TRIES: usize = 3;

/// What came back to an inquiry, whatever its status.
pub(super) fn answer<'a>(seen: Seen<'a>, probe: &Probe) -> Result<&'a Document, Why> {
    match seen.reached(probe, Layer::Http) {
        Reached::Here(Reading::Document(document)) => Ok(document),
        Reached::Failed(failure) => Err(Why::Unanswered(format!("the API did not answer: {failure}"))),
        Reached::Here(_) | Reached::NotYet => {
            Err(Why::Unanswered("the API ended without an answer".to_owned()))
        }
    }
}

/// The JSON of an answer that is one, with a status that says so.
pub(super) fn good(document: &Document) -> Result<&Value, Why> {
    let Document { answer, content } = document;
    if let Some(why) = refusal(answer) {
        return Err(why);
    }
    match content {
        Content::Json(value) if (200..300).contains(&answer.status) => Ok(value),
        Content::TooLarge => {
            Err(Why::Unanswered("the API's answer is over 2 MB and was not read".to_owned()))
        }
        Content::Cut => Err(Why::Unanswered("the API's answer was cut before its end".to_owned())),
        Content::Json(_) | Content::Foreign => {
            Err(Why::Unanswered(format!("the API did not answer in JSON{}: {}", by(answer), quoted(answer))))
        }
    }
}

/// Why an answer of the API is a refusal, as far as that is known.
fn refusal(answer: &Answer) -> Option<Why> {
    let said: Value = serde_json::from_str(&answer.body).unwrap_or_default();
    let word = |name: &str| said.get(name).and_then(Value::as_str).unwrap_or_default();
    match answer.status {
        401 if said.is_object() => Some(Why::Rejected(reason(answer))),
        403 if word("error") == "insufficient_scope" => Some(Why::NoScope(match word("scope") {
            "" => "read_api".to_owned(),
            scope => scope.split_whitespace().collect::<Vec<_>>().join(" or "),
        })),
        403 if said.is_object() => Some(Why::NotAdmin),
        404 if said.is_object() => Some(Why::Absent),
        429 => Some(Why::Limited(limit(answer))),
        _ => None,
    }
}

/// Who limits requests, and for how long.
pub(super) fn limit(answer: &Answer) -> Limit {
    let by = answerer::who(answer).name().unwrap_or_default().to_owned();
    Limit { by, after: answer.headers.get("retry-after").unwrap_or_default().to_owned() }
}

/// Who wrote an answer, for the middle of a sentence.
fn by(answer: &Answer) -> String {
    answerer::who(answer).name().map(|name| format!(", {name} did")).unwrap_or_default()
}

/// The words of a refusal.
pub(super) fn reason(answer: &Answer) -> String {
    let said: Value = serde_json::from_str(&answer.body).unwrap_or_default();
    let word = |name: &&str| said.get(*name).and_then(Value::as_str).filter(|w| !w.is_empty());
    let found = ["error_description", "error", "message", "detail"].iter().find_map(word);
    match found {
        Some(words) => text::escape(words, 120),
        None => quoted(answer),
    }
}

/// A status and what a person would quote.
pub(super) fn quoted(answer: &Answer) -> String {
    let words = vendors::words_of(answer);
    let said = if words.is_empty() { String::new() } else { format!(": {}", text::escape(&words, 80)) };
    format!("HTTP {}{said}", answer.status)
}

/// The version, as the instance says it at a door.
fn version_at(at: At) -> Result<Version, Why> {
    let probe = at.inquire(documents::metadata(at.url)).ok_or(Why::NoToken)?;
    let value = good(answer(at.seen, &probe)?)?;
    let said = value.get("version").and_then(Value::as_str).unwrap_or_default();
    Version::of(said).ok_or_else(|| Why::Unanswered("the API's metadata has no version".to_owned()))
}

/// The door at which the API answers, once it does.
pub(super) fn door<'a>(subject: &'a Subject, seen: Seen<'a>) -> Result<At<'a>, Why> {
    match way(subject, seen) {
        Way::At(at) => version_at(at).map(|_| at),
        Way::First(_) => Err(Why::Unsent("the token is not sent: no verified https".to_owned())),
        Way::Never(why) => Err(why),
    }
}

/// A document of the API, whatever its status.
pub(super) fn raw<'a>(subject: &'a Subject, seen: Seen<'a>, doc: Doc) -> Result<&'a Document, Why> {
    let at = door(subject, seen)?;
    match (doc, probes(at, doc).pop()) {
        (_, Some(probe)) => answer(seen, &probe),
        (Doc::OwnCheck, None) if at.subject.limits.own_check == OwnCheck::Skipped => {
            Err(Why::Skipped("GitLab's own health check"))
        }
        (Doc::OwnCheck, None) => Err(Why::TooOld("17.3")),
        (Doc::ConnectionDetails, None) => Err(Why::TooOld("18.3")),
        (Doc::License | Doc::Settings | Doc::Graphql | Doc::Sidekiq | Doc::DirectAccess, None) => {
            Err(Why::NoToken)
        }
    }
}

/// The JSON of a document of the API.
pub(super) fn document<'a>(subject: &'a Subject, seen: Seen<'a>, doc: Doc) -> Result<&'a Value, Why> {
    good(raw(subject, seen, doc)?)
}

/// A root field of the GraphQL document. `null` says no more than that nobody tells.
pub(super) fn root<'a>(subject: &'a Subject, seen: Seen<'a>, name: &str) -> Result<Option<&'a Value>, Why> {
    let value = document(subject, seen, Doc::Graphql)?;
    let Some(data) = value.get("data").filter(|data| data.is_object()) else {
        let words = value.pointer("/errors/0/message").and_then(Value::as_str).unwrap_or("no data");
        return Err(Why::Unanswered(format!("GraphQL answered with an error: {}", text::escape(words, 120))));
    };
    // A token without the scope is shown nothing at all, and no error.
    if data.get("currentUser").is_none_or(Value::is_null) {
        return Err(Why::NoScope("read_api".to_owned()));
    }
    let errors = value.get("errors").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let is_refused = errors.iter().any(|e| e.pointer("/path/0").and_then(Value::as_str) == Some(name));
    match data.get(name) {
        Some(Value::Null) if is_refused => Err(Why::NotAdmin),
        Some(Value::Null) => Ok(None),
        Some(found) => Ok(Some(found)),
        None => Err(Why::TooOld("a later version")),
    }
}

/// Whether the API shows what only administrators may see, by GraphQL: it does so in Admin Mode too, which REST heeds.
pub(super) fn is_admin_by_graphql(subject: &Subject, seen: Seen) -> bool {
    root(subject, seen, "currentLicense").is_ok()
}

/// What Rails on this node says.
pub(super) fn of_rails<'a>(subject: &'a Subject, seen: Seen<'a>) -> Result<&'a Value, Why> {
    let probe = rails(subject).ok_or(Why::NoToken)?;
    match seen.reached(&probe, Layer::Node) {
        Reached::Here(Reading::Rails(value)) => Ok(value),
        Reached::Failed(failure) => Err(Why::Unanswered(format!("Rails did not answer: {failure}"))),
        Reached::Here(_) | Reached::NotYet => {
            Err(Why::Unanswered("Rails ended without an answer".to_owned()))
        }
    }
}

/// The API's word, or Rails' where the API says nothing; where neither does, the API's reason, unless only Rails was
/// asked.
pub(super) fn either<T>(api: Result<T, Why>, rails: Result<T, Why>) -> Known<T> {
    match (api, rails) {
        (Ok(known), _) => Ok((known, Source::Api)),
        (Err(_), Ok(known)) => Ok((known, Source::Rails)),
        (Err(Why::NoToken), Err(why)) | (Err(why), Err(_)) => Err(why),
    }
}

/// What is not in a document that was read.
pub(super) fn absent(what: &str) -> Why {
    Why::Unanswered(format!("the instance does not say {what}"))
}
