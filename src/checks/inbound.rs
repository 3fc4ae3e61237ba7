//! Group Inbound: from clients to the instance, through each door. The same is tried at every door that this machine
//! has; what works at an inner door and fails at an outer one names the hop between (`hop`).
//!
//! What a door answers is looked at without secrets even where its certificate is bad: the certificate has a
//! check of its own.

pub(super) mod body_limit;
pub(super) mod cable;
pub(super) mod certificate;
mod controls;
pub(super) mod handshake;
pub(super) mod health;
pub(super) mod hop;
pub(super) mod pings;
pub(super) mod reach;
mod refusal;
pub(super) mod streaming;
mod upstream;
pub(super) mod workflow_socket;

use crate::check::{Ask, Reached, Seen, Verdict};
use crate::checks::vendors;
use crate::failure::{Answer, DnsKind, Failure, HttpKind, Layer, SocketKind, TlsKind};
use crate::probe::document::Inquiry;
use crate::probe::{Alpn, Probe, Reading, Request, Then, Tls, TlsAsk, Walk, WhoWeAre};
use crate::subject::address::{BaseUrl, Scheme};
use crate::subject::doors::{Aim, Certainty, Entrance, WebServer};
use crate::subject::place::{Door, Place};
use crate::subject::{Subject, Via};
use crate::text;
use handshake::{Credential, carrying, credential};
use std::net::IpAddr;

/// Every door that this machine has.
fn open_doors(subject: &Subject) -> Vec<Place> {
    match subject.doors.open.as_slice() {
        [] => vec![Place::Door(Door::Public)],
        open => open.iter().map(|e| Place::Door(e.door)).collect(),
    }
}

/// Every door: one that this machine does not have says why.
fn all_doors(subject: &Subject) -> Vec<Place> {
    let absent = subject.doors.absent.iter().map(|(door, _)| Place::Door(*door));
    let mut all: Vec<Place> = open_doors(subject).into_iter().chain(absent).collect();
    all.sort();
    all
}

/// The door that clients use.
fn public_door(_: &Subject) -> Vec<Place> {
    vec![Place::Door(Door::Public)]
}

/// The page that every visitor sees first.
const PAGE: &str = "/users/sign_in";

/// A door at which something is tried, and what has been seen so far.
#[derive(Clone, Copy)]
pub(super) struct At<'a> {
    pub(super) subject: &'a Subject,
    pub(super) url: &'a BaseUrl,
    entrance: &'a Entrance,
    pub(super) seen: Seen<'a>,
}

impl<'a> At<'a> {
    /// The door of a place; else why nothing can be tried there.
    pub(super) fn of(subject: &'a Subject, place: Place, seen: Seen<'a>) -> Result<Self, Verdict> {
        let Some(url) = &subject.instance else {
            return Err(Verdict::NotAsked("no instance is known: --instance-url names it".to_owned()));
        };
        let Place::Door(door) = place else {
            return Err(Verdict::Unknown(format!("{place} is no door")));
        };
        let Some(entrance) = subject.doors.get(door) else {
            let why = subject.doors.why_absent(door).unwrap_or("this machine has no such door");
            return Err(Verdict::NotApplicable(why.to_owned()));
        };
        Ok(Self { subject, url, entrance, seen })
    }

    fn door(self) -> Door {
        self.entrance.door
    }

    /// The doors behind this one, outermost first.
    fn behind(self) -> impl Iterator<Item = At<'a>> {
        self.subject.doors.behind(self.door()).map(move |entrance| At { entrance, ..self })
    }

    /// The public door.
    fn public(self) -> Option<At<'a>> {
        Some(At { entrance: self.subject.doors.get(Door::Public)?, ..self })
    }

    /// Whether the public name leads to this node's own web server, so that both doors are one. `None`: not known yet.
    fn is_the_public_door(self) -> Option<bool> {
        let public = self.public().filter(|_| self.door() == Door::Nginx);
        let (Some(public), Some(own)) = (public, &self.subject.facts.ways_in.addresses) else {
            return Some(false);
        };
        // Whoever wants to be told who comes is none that clients meet.
        let Aim::Address(met) = self.entrance.aim else { return Some(false) };
        if public.entrance.scheme != self.entrance.scheme
            || public.url.target.port != met.port()
            || self.subject.dial.is_connect_to(&self.url.target)
        {
            return Some(false);
        }
        let listens = match &self.subject.facts.ways_in.web_server {
            WebServer::Bundled(nginx) => nginx.listens.as_slice(),
            WebServer::Unknown | WebServer::None(_) => &[],
        };
        let takes = |address: &IpAddr| {
            let any = |listen: &IpAddr| listen.is_unspecified() && listen.is_ipv4() == address.is_ipv4();
            listens.is_empty() || listens.iter().any(|listen| listen == address || any(listen))
        };
        let is_own = |address: &IpAddr| (address.is_loopback() || own.contains(address)) && takes(address);
        match self.seen.reached(&Probe::Resolve(self.url.target.clone()), Layer::Dns) {
            Reached::Here(Reading::Resolved(found)) => {
                Some(!found.addresses.is_empty() && found.addresses.iter().all(is_own))
            }
            Reached::Here(_) | Reached::Failed(_) => Some(false),
            Reached::NotYet => None,
        }
    }

    /// What has to be known before anything is tried at this door.
    fn first(self) -> Vec<Ask> {
        match (self.door(), &self.subject.facts.ways_in.addresses) {
            (Door::Nginx, Some(_)) => vec![Ask::whole(Probe::Resolve(self.url.target.clone()))],
            (Door::Public | Door::Nginx | Door::Workhorse, _) => Vec::new(),
        }
    }

    /// How TLS is spoken here, where it is.
    fn tls(self, alpn: Alpn) -> Option<TlsAsk> {
        let lenient = TlsAsk::lenient(Subject::SHELL_STORE);
        (self.entrance.scheme == Scheme::Https).then_some(TlsAsk {
            alpn,
            identity: WhoWeAre::GivenIdentity,
            ..lenient
        })
    }

    fn walk(self, tls: Option<TlsAsk>, then: Then) -> Probe {
        Probe::Walk(Walk {
            target: self.url.target.clone(),
            via: self.entrance.via.clone(),
            tls,
            then,
            aim: self.entrance.aim.clone(),
            nth: 1,
        })
    }

    /// A request as it comes to this door: with what the hop before it would add.
    fn request(self, alpn: Alpn, mut request: Request) -> Probe {
        if self.entrance.scheme != self.url.scheme {
            request.headers.push(("Host".to_owned(), self.url.authority()));
        }
        request.headers.extend(self.entrance.headers.iter().cloned());
        self.walk(self.tls(alpn), Then::Request(request))
    }

    /// An inquiry with the token, where that may be sent.
    pub(super) fn inquire(self, mut inquiry: Inquiry) -> Option<Probe> {
        if credential(self) != Credential::Token {
            return None;
        }
        if self.entrance.scheme != self.url.scheme {
            inquiry.request.headers.push(("Host".to_owned(), self.url.authority()));
        }
        inquiry.request.headers.extend(self.entrance.headers.iter().cloned());
        let (tls, token) = carrying(self, Credential::Token, Alpn::Both);
        inquiry.request.credential = token;
        Some(self.walk(tls, Then::Inquire(inquiry)))
    }

    /// A GET of an address of the instance.
    fn get(self, path: &str) -> Probe {
        self.request(Alpn::Both, Request::get(self.url.path(path)))
    }

    /// The walk to the sign-in page that reach, certificate and HTTP/2 are judged by.
    fn page(self) -> Probe {
        self.get(PAGE)
    }

    /// What a line that is no HTTP is answered with: the first server's own words.
    fn nonsense(self) -> Probe {
        self.walk(self.tls(Alpn::Http1), Then::Nonsense)
    }

    /// The same where only HTTP/2 is spoken: the words by which the server ends the connection.
    fn nonsense_by_http2(self) -> Probe {
        self.walk(self.tls(Alpn::Http2), Then::Nonsense)
    }

    /// The channel of the walk to the sign-in page, if TLS stands there.
    fn channel(self) -> Option<&'a Tls> {
        match self.seen.reached(&self.page(), Layer::Tls) {
            Reached::Here(Reading::Tls(tls)) => Some(tls),
            Reached::Here(_) | Reached::Failed(_) | Reached::NotYet => None,
        }
    }

    /// The answer to a request.
    fn answer(self, probe: &Probe) -> Option<&'a Answer> {
        match self.seen.reached(probe, Layer::Http) {
            Reached::Here(Reading::Answer(answer)) => Some(answer),
            Reached::Here(_) | Reached::Failed(_) | Reached::NotYet => None,
        }
    }

    /// Whether the door is this node's own, reached without leaving it. A port that is only supposed to be GitLab's
    /// may be anybody's.
    pub(super) fn is_local(self) -> bool {
        match &self.entrance.aim {
            Aim::Socket(_) => true,
            Aim::Address(address) | Aim::Announced(address) => {
                address.ip().is_loopback() && self.entrance.certainty == Certainty::Configured
            }
            Aim::Name => false,
        }
    }

    /// Why a door that is only supposed to be there is none: nothing of GitLab's answers there.
    fn is_none(self) -> Option<String> {
        if self.door() == Door::Public || self.entrance.certainty == Certainty::Configured {
            return None;
        }
        let (shown, from) = (&self.entrance.shown, &self.entrance.from);
        match self.seen.reached(&self.page(), Layer::Http) {
            Reached::Here(Reading::Answer(a)) if !is_gitlab(a) && !is_without_rails(a) => {
                Some(format!("what answers at {shown}, supposed by {from}, is not GitLab"))
            }
            // Whether it is there, only root can tell.
            Reached::Failed(Failure::Socket(socket)) if socket.kind == SocketKind::Denied => None,
            Reached::Failed(_) => Some(format!("nothing of GitLab's answers at {shown}, supposed by {from}")),
            Reached::Here(_) | Reached::NotYet => None,
        }
    }

    /// Why a check behind `reach` means nothing here: nothing listens, the node cannot see it, or it is another door.
    fn out_of_sight(self) -> Option<Verdict> {
        if self.is_the_public_door() == Some(true) {
            let name = &self.url.target.host;
            return Some(Verdict::NotApplicable(format!(
                "{name} leads to this node itself: the public door is this one"
            )));
        }
        if let Some(why) = self.is_none() {
            return Some(Verdict::NotApplicable(why));
        }
        let wanted = "a client certificate would tell (--cert and --key)";
        if self.says_that_it_wants_a_certificate() {
            return Some(Verdict::NotAsked(wanted.to_owned()));
        }
        let unseen = match self.seen.failure(&self.page())? {
            Failure::Tls(tls) if tls.kind == TlsKind::ClientCertificateWanted => {
                return Some(Verdict::NotAsked(wanted.to_owned()));
            }
            Failure::Http(http) if http.kind == HttpKind::ClientCertificateWanted => {
                return Some(Verdict::NotAsked(wanted.to_owned()));
            }
            Failure::Dns(_) | Failure::Tcp(_) => match self.door() {
                Door::Public => "the public door is not seen from here",
                Door::Nginx | Door::Workhorse => "nothing listens at this door",
            },
            Failure::Socket(_) => "nothing listens at this door",
            Failure::Proxy(_)
            | Failure::Tls(_)
            | Failure::Http(_)
            | Failure::Grpc(_)
            | Failure::WebSocket(_)
            | Failure::Rails(_)
            | Failure::Other { .. } => return None,
        };
        Some(Verdict::NotApplicable(unseen.to_owned()))
    }

    /// Whether the page is refused with words about a certificate that was asked for and not given. NGINX lets the
    /// handshake pass and then says 400 `No required SSL certificate was sent`, or its own 495 and 496.
    fn says_that_it_wants_a_certificate(self) -> bool {
        let was_asked = self.channel().is_some_and(|tls| tls.client_certificate_asked);
        was_asked
            && self.subject.identity.is_none()
            && self.answer(&self.page()).is_some_and(|answer| {
                let words = vendors::words_of(answer).to_lowercase();
                matches!(answer.status, 495 | 496)
                    || ((400..500).contains(&answer.status) && words.contains("certificate"))
            })
    }

    /// A slice of the walk to the sign-in page, once it is known to be of use.
    fn slice(self, from: Layer, until: Layer) -> Vec<Ask> {
        let mut asks = self.first();
        if self.is_the_public_door() == Some(false) {
            asks.push(Ask::layers(self.page(), from, until));
        }
        asks
    }
}

/// The walk to the sign-in page at the public door.
pub(super) fn public_page(subject: &Subject, seen: Seen) -> Option<Probe> {
    At::of(subject, Place::Door(Door::Public), seen).ok().map(At::page)
}

/// What a check asks at the door of a place, if there is one.
fn asked(
    subject: &Subject,
    place: Place,
    seen: Seen,
    ask: impl for<'a> FnOnce(At<'a>) -> Vec<Ask>,
) -> Vec<Ask> {
    At::of(subject, place, seen).map(ask).unwrap_or_default()
}

/// What a check judges at the door of a place, or why there is nothing to judge.
fn judged(
    subject: &Subject,
    place: Place,
    seen: Seen,
    judge: impl for<'a> FnOnce(At<'a>) -> Verdict,
) -> Verdict {
    match At::of(subject, place, seen) {
        Ok(at) => at.out_of_sight().unwrap_or_else(|| judge(at)),
        Err(verdict) => verdict,
    }
}

/// GitLab's marks: its own headers, its session cookie, its name on the page.
fn is_gitlab(answer: &Answer) -> bool {
    let cookie = |(n, v): &(String, String)| n == "set-cookie" && v.contains("_gitlab_session");
    answer.headers.get("x-gitlab-meta").is_some()
        || answer.headers.get("x-gitlab-feature-category").is_some()
        || answer.headers.0.iter().any(cookie)
        || (answer.status == 200
            && answer.body.contains("GitLab")
            && answer.headers.get("x-request-id").is_some())
}

/// GitLab's own page where nothing answers behind: Workhorse has it for Puma, and the bundled NGINX for Workhorse
/// (GitLab: `public/502.html`).
fn is_without_rails(answer: &Answer) -> bool {
    answer.status == 502 && answer.body.contains("GitLab is not responding")
}

/// Why a name did not become an address, in words.
fn unresolved(kind: DnsKind) -> &'static str {
    match kind {
        DnsKind::NoSuchHost => "the name does not exist",
        DnsKind::NoAddress => "the name has no address",
        DnsKind::ServerFailed => "the resolver fails for this name",
        DnsKind::Timeout => "no resolver answers",
    }
}

/// An answer in a few words: its status and what a person would quote of it.
fn quoted(answer: &Answer) -> String {
    let words = vendors::words_of(answer);
    let said = if words.is_empty() { String::new() } else { format!(": {}", text::escape(&words, 80)) };
    format!("HTTP {}{said}", answer.status)
}

/// Whether the public door is reached through this machine's own proxy.
fn is_proxied(at: At) -> bool {
    matches!(at.entrance.via, Via::Proxy(_))
}
