//! `streaming`: a streamed answer arrives piece by piece, as it is written.
//!
//! Only a real completion is streamed, so this asks for one, and only where that was allowed.

use super::body_limit::COMPLETIONS;
use super::handshake::{self, Credential, carrying, credential};
use super::hop::{self, Blame, Fares, Hop, blame};
use super::{At, public_door, quoted};
use crate::check::Want;
use crate::check::{Ask, Check, Group, Reached, Seen, Verdict};
use crate::checks::serves;
use crate::failure::{Answer, Failure, Layer};
use crate::finding::Code;
use crate::probe::{Alpn, Content, Probe, Reading, Request, Then};
use crate::subject::Subject;
use crate::subject::limits::Completion;
use crate::subject::place::{Door, Place};
use crate::text;
use std::time::Duration;

/// Streamed answers are not held back.
pub(in crate::checks) static STREAMING: Check = Check {
    id: "streaming",
    title: "streamed answers are not held back",
    group: Group::Inbound,
    about: "With a token and --allow-completion, one streamed completion arrives in pieces, as it is written.",
    codes: &[Code::StreamBuffered],
    needs: &["reach", "certificate"],
    serves: serves::nothing,
    places: public_door,
    ask: |subject, place, seen| super::asked(subject, place, seen, ask),
    judge: |subject, place, seen| super::judged(subject, place, seen, judge),
};

/// An answer that took so long and then came whole was written in pieces, and collected on the way.
const WRITTEN: Duration = Duration::from_millis(500);

/// Pieces within this time of each other came in one lump.
const LUMP: u32 = 50;

/// An answer of fewer lines may well have been written in one go.
const SHORT: usize = 3;

fn probe(at: At) -> Option<Probe> {
    if credential(at) != Credential::Token {
        return None;
    }
    // Editors ask in HTTP/1.1, where NGINX collects small pieces that it passes on at once over HTTP/2.
    let (tls, token) = carrying(at, Credential::Token, Alpn::Http1);
    let asked = serde_json::json!({
        "current_file": {
            "file_name": "greeting.rb",
            "content_above_cursor": "# A method that greets a person by name, and one that says goodbye\n",
            "content_below_cursor": "",
        },
        "intent": "generation",
        "stream": true,
    });
    let content = Content::Json(asked.to_string());
    let request = Request { credential: token, ..Request::post(at.url.path(COMPLETIONS), content) };
    Some(at.walk(tls, Then::Request(request)))
}

/// The completion as it is asked for at the public door; `None`: the token may not be sent there.
pub(in crate::checks) fn probe_of(subject: &Subject, seen: Seen) -> Option<Probe> {
    At::of(subject, Place::Door(Door::Public), seen).ok().and_then(probe)
}

/// What is asked for it at the public door.
pub(in crate::checks) fn asked_for(subject: &Subject, seen: Seen) -> Vec<Ask> {
    super::asked(subject, Place::Door(Door::Public), seen, |at| {
        let mut asks = handshake::first(at);
        asks.extend(probe(at).map(|probe| Ask::layer(probe, Layer::Http)));
        asks
    })
}

fn ask(at: At) -> Vec<Ask> {
    if at.subject.token.is_none() || at.subject.limits.completion == Completion::NotAsked {
        return Vec::new();
    }
    let mut asks = handshake::first(at);
    if let Some(probe) = probe(at) {
        if at.answer(&probe).is_some_and(|answer| came_in_one_lump(at, &probe, answer)) {
            asks.extend(hop::ask(at));
        }
        asks.push(Ask::layer(probe, Layer::Http));
    }
    asks
}

fn took(at: At, probe: &Probe) -> Duration {
    at.seen.sample(probe, Layer::Http).map(|s| s.took).unwrap_or_default()
}

fn came_in_one_lump(at: At, probe: &Probe, answer: &Answer) -> bool {
    let span = answer.pieces.last().unwrap_or(&0) - answer.pieces.first().unwrap_or(&0);
    is_long(answer) && span <= LUMP && took(at, probe) >= WRITTEN
}

/// Whether the answer is a stream, and long enough to have been written piece by piece.
fn is_long(answer: &Answer) -> bool {
    let kind = answer.headers.get("content-type").unwrap_or_default();
    answer.status == 200 && kind.starts_with("text/event-stream") && answer.body.lines().count() >= SHORT
}

fn judge(at: At) -> Verdict {
    if at.subject.limits.completion == Completion::NotAsked {
        let tells = "one real completion would tell: a token, and --allow-completion";
        return Verdict::wants(Want::Completion, tells);
    }
    if at.subject.token.is_none() {
        return Verdict::wants(Want::Token, "one real completion may be asked for, and needs a token");
    }
    let Some(probe) = probe(at) else {
        return Verdict::NotAsked(
            "the token is not sent here: no verified https, or a proxy on the way".to_owned(),
        );
    };
    match at.seen.reached(&probe, Layer::Http) {
        Reached::Here(Reading::Answer(answer)) if answer.status != 200 => {
            Verdict::NotApplicable(format!("no completion came: {}", quoted(answer)))
        }
        Reached::Here(Reading::Answer(answer)) if came_in_one_lump(at, &probe, answer) => {
            buffered(at, took(at, &probe), answer)
        }
        Reached::Here(Reading::Answer(answer)) if !is_long(answer) || answer.pieces.len() < 2 => {
            Verdict::NotApplicable("the completion was too short to tell, or no stream".to_owned())
        }
        Reached::Here(Reading::Answer(answer)) => Verdict::pass_with(
            format!("A streamed completion came in {}.", text::count(answer.pieces.len(), "piece")),
            text::count(answer.pieces.len(), "piece"),
        ),
        Reached::Failed(Failure::Http(http)) => {
            Verdict::NotApplicable(format!("no completion came: {}", http.words))
        }
        Reached::Failed(failure) => Verdict::Unknown(format!("the request was not sent: {failure}")),
        Reached::Here(_) | Reached::NotYet => Verdict::Unknown("the request ended without a word".to_owned()),
    }
}

fn buffered(at: At, held: Duration, answer: &Answer) -> Verdict {
    // The doors behind are not asked: that would be a second completion.
    let Blame { hop, product } = blame(at, &|_| Fares::Unknown, &[answer], Hop::FrontEnd);
    let (url, held) = (at.url.to_string(), text::duration(held));
    let args = [
        ("url", url.as_str()),
        ("host", &at.url.target.host),
        ("hop", hop.as_str()),
        ("product", &product),
        ("held", &held),
    ];
    Verdict::found(Code::StreamBuffered, &args)
}
