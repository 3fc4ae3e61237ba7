//! Which hop is at fault: the doors compared. What fails at a door and works at one behind it breaks between them.

use super::At;
use crate::check::Ask;
use crate::checks::front_end::{self, Recognised, Signs};
use crate::failure::{Answer, Layer};
use crate::finding::Code;
use crate::subject::doors::WebServer;
use crate::subject::place::Door;

/// A hop on the way from a client to Rails (contract, section 6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hop {
    /// What stands before this node's web server, or whatever answers at the public door.
    FrontEnd,
    /// Nothing shows of what stands there.
    BeforeNginx,
    /// The web server on this node.
    Nginx,
    /// Workhorse.
    Workhorse,
    /// Puma, with Rails in it.
    Puma,
}

impl Hop {
    /// The word of the contract.
    pub fn as_str(self) -> &'static str {
        match self {
            Hop::FrontEnd => "front end",
            Hop::BeforeNginx => "between DNS and this node's NGINX",
            Hop::Nginx => "this node's NGINX",
            Hop::Workhorse => "Workhorse",
            Hop::Puma => "Puma",
        }
    }
}

/// How the same attempt went at a door.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fares {
    /// It worked.
    Works,
    /// It failed in the same way.
    Fails,
    /// It was not tried, or what came says nothing of this.
    Unknown,
}

/// What is known of a server before this node's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Before {
    /// Another server answers at the public door.
    Another,
    /// The public door is this node's own web server.
    Nobody,
    /// Nothing tells.
    Unknown,
}

/// The hop between the innermost door at which it fails and the next one at which it works. `behind` are the doors
/// behind the one that failed, outermost first; `last` is the hop to blame where it fails at Workhorse's own door.
pub(super) fn blamed(failed_at: Door, behind: &[(Door, Fares)], before: Before, last: Hop) -> Hop {
    let mut failed_at =
        if failed_at == Door::Public && before == Before::Nobody { Door::Nginx } else { failed_at };
    let mut works_at = None;
    for (door, fares) in behind {
        match fares {
            Fares::Fails => failed_at = *door,
            Fares::Works => {
                works_at = Some(*door);
                break;
            }
            Fares::Unknown => {}
        }
    }
    match (failed_at, works_at) {
        (Door::Public, Some(Door::Nginx)) if before == Before::Unknown => Hop::BeforeNginx,
        (Door::Public, _) => Hop::FrontEnd,
        (Door::Nginx, _) => Hop::Nginx,
        (Door::Workhorse, _) => last,
    }
}

/// The hop at fault for what another machine found at the public door, by how the same check went at the doors behind.
/// `product`: what that machine saw of the server that answered it.
pub fn between(code: Code, behind: &[(Door, Fares)], product: &str) -> Hop {
    let before = if ["", "unknown", NGINX].contains(&product) { Before::Unknown } else { Before::Another };
    let last = match code {
        Code::WebsocketUpgradeStripped | Code::InstanceUnreachable | Code::BodyLimitLow => Hop::Workhorse,
        Code::Http2NotOffered => Hop::Nginx,
        _ => Hop::Puma,
    };
    blamed(Door::Public, behind, before, last)
}

/// A hop, and who stands there.
pub(super) struct Blame {
    pub(super) hop: Hop,
    pub(super) product: String,
}

/// Blames a hop for what failed at a door. `fares` says how the same went at a door behind it, `answers` are those
/// that the failure brought.
pub(super) fn blame(at: At, fares: &dyn Fn(At) -> Fares, answers: &[&Answer], last: Hop) -> Blame {
    // What only may be a door, and is none, says nothing.
    let fares = |inner: At| if inner.is_none().is_some() { Fares::Unknown } else { fares(inner) };
    let behind: Vec<(Door, Fares)> = at.behind().map(|inner| (inner.door(), fares(inner))).collect();
    let hop = blamed(at.door(), &behind, before(at, answers), last);
    Blame { hop, product: product(at, hop, answers) }
}

/// Whether another server than this node's own answers at the public door.
fn before(at: At, answers: &[&Answer]) -> Before {
    let nginx = at.behind().find(|inner| inner.door() == Door::Nginx);
    match nginx {
        Some(nginx) if nginx.is_the_public_door() == Some(true) => Before::Nobody,
        Some(_) if named(at, answers).is_some_and(|product| product != NGINX) => Before::Another,
        Some(nginx) => match front_end::same_server(&signs(at, &[]), &signs(nginx, &[])) {
            Some(false) => Before::Another,
            // It looks like this node's own, and does not act like it: whatever is between leaves no sign.
            Some(true) | None => Before::Unknown,
        },
        None => Before::Unknown,
    }
}

/// What has to be seen to tell which server it is, and whether it is this node's own.
pub(super) fn ask(at: At) -> Vec<Ask> {
    let nginx = at.behind().filter(|inner| inner.door() == Door::Nginx);
    let asked = |at: At| [Ask::layers(at.page(), Layer::Tls, Layer::Http), Ask::whole(at.nonsense())];
    let mut asks: Vec<Ask> = asked(at).into();
    for nginx in nginx {
        asks.extend(nginx.first());
        if nginx.is_the_public_door() == Some(false) {
            asks.extend(asked(nginx));
        }
    }
    asks
}

/// What was seen of the server at a door: its own answers before those that a failure brought.
fn signs<'a>(at: At<'a>, answers: &[&'a Answer]) -> Signs<'a> {
    Signs {
        answers: at.answer(&at.page()).into_iter().chain(answers.iter().copied()).collect(),
        nonsense: at.answer(&at.nonsense()).or_else(|| at.answer(&at.nonsense_by_http2())),
        tls: at.channel(),
    }
}

/// The server that answers at a door, by everything that was seen there.
pub(super) fn recognised(at: At, answers: &[&Answer]) -> Option<Recognised> {
    front_end::recognise(&signs(at, answers))
}

/// The server before this node's own that lost an upgrade.
pub(super) fn lost_upgrade(at: At, answers: &[&Answer], refusal: &Answer) -> Option<&'static str> {
    front_end::lost_upgrade(&signs(at, answers), refusal)
}

/// GitLab brings it along, and it signs whatever it passes on.
const NGINX: &str = "NGINX";

/// The server before this node's own: the first one, or one behind an NGINX that wrote an answer itself.
fn named(at: At, answers: &[&Answer]) -> Option<&'static str> {
    let first = recognised(at, answers).map(|r| r.product);
    first.filter(|product| *product != NGINX).or_else(|| wrote(answers)).or(first)
}

/// The server other than NGINX that wrote one of these answers.
fn wrote(answers: &[&Answer]) -> Option<&'static str> {
    let writer = |answer: &&Answer| front_end::balancer(answer).or_else(|| front_end::web_server(answer));
    answers.iter().filter_map(writer).find(|product| *product != NGINX)
}

/// The server that wrote an answer by itself, as far as it stands before this node's own.
pub(super) fn author(at: At, answer: &Answer) -> Option<&'static str> {
    front_end::author(&signs(at, &[answer]), answer)
}

impl Blame {
    /// The same, where what failed is an answer by the server that failed: behind the first one there may be others.
    pub(super) fn by_author(self, at: At, answer: &Answer) -> Blame {
        let author = author(at, answer);
        let product = match self.hop {
            Hop::FrontEnd => author.map_or(self.product, str::to_owned),
            // An NGINX before this node's own, or this one: its page does not tell.
            Hop::BeforeNginx => author.filter(|name| *name != NGINX).map_or(self.product, str::to_owned),
            Hop::Nginx | Hop::Workhorse | Hop::Puma => self.product,
        };
        Blame { product, ..self }
    }
}

/// Who stands at a hop.
fn product(at: At, hop: Hop, answers: &[&Answer]) -> String {
    let unknown = || "unknown".to_owned();
    match hop {
        Hop::FrontEnd => named(at, answers).map_or_else(unknown, str::to_owned),
        // What shows there is this node's own NGINX: who stands between leaves no sign.
        Hop::BeforeNginx => {
            named(at, answers).filter(|name| *name != NGINX).map_or_else(unknown, str::to_owned)
        }
        Hop::Nginx => match &at.subject.facts.ways_in.web_server {
            WebServer::Bundled(_) => "bundled NGINX".to_owned(),
            WebServer::Unknown | WebServer::None(_) => {
                let nginx = std::iter::once(at).chain(at.behind()).find(|a| a.door() == Door::Nginx);
                nginx.and_then(|nginx| recognised(nginx, &[])).map_or_else(unknown, |r| r.product.to_owned())
            }
        },
        Hop::Workhorse | Hop::Puma => hop.as_str().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Fares::{Fails, Unknown, Works};

    #[test]
    fn a_page_of_a_balancer_behind_nginx_names_the_balancer() {
        let haproxy =
            "<html><body><h1>503 Service Unavailable</h1>\nNo server is available to handle this request.\n";
        let page = Answer::of(503, &[("server", "nginx")], haproxy);
        let own = Answer::of(502, &[("server", "nginx")], "<center>nginx</center>");
        assert_eq!(wrote(&[&own, &page]), Some("HAProxy"));
        assert_eq!((wrote(&[&own]), wrote(&[])), (None, None));
    }

    #[test]
    fn what_fails_outside_and_works_inside_breaks_between() {
        let (p, n, w) = (Door::Public, Door::Nginx, Door::Workhorse);
        for (at, behind, before, hop) in [
            (p, &[][..], Before::Unknown, Hop::FrontEnd),
            (p, &[(n, Works), (w, Works)], Before::Another, Hop::FrontEnd),
            (p, &[(n, Works), (w, Works)], Before::Unknown, Hop::BeforeNginx),
            (p, &[(n, Fails), (w, Works)], Before::Another, Hop::Nginx),
            (p, &[(n, Unknown), (w, Works)], Before::Unknown, Hop::FrontEnd),
            (p, &[(w, Works)], Before::Unknown, Hop::FrontEnd),
            (p, &[(n, Fails), (w, Fails)], Before::Another, Hop::Puma),
            (p, &[(n, Fails), (w, Unknown)], Before::Unknown, Hop::Nginx),
            (p, &[(n, Unknown), (w, Works)], Before::Nobody, Hop::Nginx),
            (n, &[(w, Works)], Before::Unknown, Hop::Nginx),
            (n, &[(w, Fails)], Before::Unknown, Hop::Puma),
            (w, &[], Before::Unknown, Hop::Puma),
        ] {
            assert_eq!(blamed(at, behind, before, Hop::Puma), hop, "{at} {behind:?} {before:?}");
        }
    }
}
