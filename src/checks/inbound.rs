//! Group Inbound: from clients to the instance, through each door. In this version the public door.
//!
//! What a door answers is looked at without secrets even where its certificate is bad: the certificate has a
//! check of its own.

pub(super) mod cable;
pub(super) mod certificate;
pub(super) mod controls;
pub(super) mod pings;
pub(super) mod reach;

use crate::check::{Ask, Reached, Seen, Verdict};
use crate::failure::Layer;
use crate::probe::{Alpn, Probe, Reading, Request, Then, Tls, TlsAsk, Walk};
use crate::subject::address::{BaseUrl, Scheme};
use crate::subject::doors::Aim;
use crate::subject::place::{Door, Place};
use crate::subject::{Subject, Via};

/// The doors that are tried.
fn doors(_: &Subject) -> Vec<Place> {
    vec![Place::Door(Door::Public)]
}

/// The page that every visitor sees first.
const PAGE: &str = "/users/sign_in";

/// How TLS is spoken at the public door, where it is.
fn tls(url: &BaseUrl, alpn: Alpn) -> Option<TlsAsk> {
    (url.scheme == Scheme::Https).then_some(TlsAsk { alpn, ..TlsAsk::lenient(Subject::SHELL_STORE) })
}

/// The walk to the sign-in page that reach, certificate and HTTP/2 are judged by.
pub(super) fn page(subject: &Subject) -> Option<Probe> {
    request(subject, Alpn::Both, Request::get(subject.instance.as_ref()?.path(PAGE)))
}

/// A request at the public door.
fn request(subject: &Subject, alpn: Alpn, request: Request) -> Option<Probe> {
    let url = subject.instance.as_ref()?;
    Some(Probe::Walk(Walk {
        target: url.target.clone(),
        via: Via::Direct,
        tls: tls(url, alpn),
        then: Then::Request(request),
        aim: Aim::Name,
        nth: 1,
    }))
}

/// A slice of the walk to the sign-in page.
fn slice(subject: &Subject, from: Layer, until: Layer) -> Vec<Ask> {
    page(subject).map(|probe| Ask::layers(probe, from, until)).into_iter().collect()
}

/// Why there is nothing to check, where no instance is known.
fn no_instance() -> Verdict {
    Verdict::NotAsked("no instance is known: --instance-url names it".to_owned())
}

/// The channel of the walk to the sign-in page, if TLS stands there.
fn channel<'a>(subject: &Subject, seen: Seen<'a>) -> Option<&'a Tls> {
    match seen.reached(&page(subject)?, Layer::Tls) {
        Reached::Here(Reading::Tls(tls)) => Some(tls),
        Reached::Here(_) | Reached::Failed(_) | Reached::NotYet => None,
    }
}
