//! `reach`: https answers at a door, and it is GitLab.

use super::hop::{self, Blame, Fares, Hop, blame};
use super::{At, PAGE, all_doors, is_gitlab, quoted, unresolved};
use crate::check::{Ask, Check, Group, Reached, Seen, Verdict};
use crate::checks::network::addresses::how;
use crate::checks::network::answer::elsewhere;
use crate::checks::serves;
use crate::checks::{handshake, vendors};
use crate::failure::{Answer, Failure, HttpKind, Layer, SocketFailure, SocketKind, TlsKind};
use crate::finding::Code;
use crate::probe::Reading;
use crate::subject::Subject;
use crate::subject::address::{BaseUrl, Scheme};
use crate::subject::doors::{Certainty, WebServer};
use crate::subject::place::{Door, Place};
use crate::text;
use std::net::IpAddr;

/// GitLab answers at the door.
pub(in crate::checks) static REACH: Check = Check {
    id: "reach",
    title: "GitLab answers over https",
    group: Group::Inbound,
    about: "At each door the name resolves, the port or socket connects, https answers, and what answers is GitLab.",
    codes: &[
        Code::InstanceUrlNotHttps,
        Code::InstanceUnreachable,
        Code::PublicDoorNotSeenFromHere,
        Code::WorkhorseDown,
        Code::RailsDown,
        Code::FrontEndRequiresLogin,
        Code::ClientCertificateRequired,
        Code::TlsVersionUnsupported,
        Code::TlsNoCommonCipher,
        Code::TlsNotSpoken,
        Code::TlsReset,
        Code::TlsTimeout,
    ],
    needs: &[],
    serves: serves::everything,
    places: all_doors,
    ask: |subject, place, seen| super::asked(subject, place, seen, ask),
    judge,
};

fn ask(at: At) -> Vec<Ask> {
    let mut asks = at.slice(Layer::Dns, Layer::Http);
    let failure = at.seen.failure(&at.page());
    let is_odd = at.answer(&at.page()).is_some_and(|a| !is_gitlab(a) || a.status >= 500);
    if failure.is_some() || is_odd {
        asks.extend(at.behind().flat_map(|inner| inner.slice(Layer::Dns, Layer::Http)));
    }
    // Who answers a page with silence may still say who he is to a line that is no HTTP.
    if is_odd || matches!(failure, Some(Failure::Http(_))) {
        asks.extend(hop::ask(at));
    }
    asks
}

fn judge(subject: &Subject, place: Place, seen: Seen) -> Verdict {
    let at = match At::of(subject, place, seen) {
        Ok(at) => at,
        Err(verdict) => return verdict,
    };
    if let (Some(true), Some(verdict)) = (at.is_the_public_door(), at.out_of_sight()) {
        return verdict;
    }
    if let Some(why) = at.is_none() {
        return Verdict::NotApplicable(why);
    }
    if at.url.scheme == Scheme::Http && at.door() == Door::Public {
        let args = [("url", at.url.to_string()), ("host", at.url.target.host.clone())];
        return Verdict::found(Code::InstanceUrlNotHttps, &args.each_ref().map(|(k, v)| (*k, v.as_str())));
    }
    match seen.reached(&at.page(), Layer::Http) {
        Reached::Here(Reading::Answer(answer)) => answered(at, answer),
        Reached::Failed(failure) => failed(at, failure),
        Reached::Here(_) | Reached::NotYet => Verdict::Unknown("the request ended without a word".to_owned()),
    }
}

fn answered(at: At, answer: &Answer) -> Verdict {
    let location = elsewhere(&at.url.target.host, answer)
        .or_else(|| own_login(at.url, answer))
        .or_else(|| own_password(answer));
    if let Some(location) = location {
        let (url, host) = (at.url.to_string(), at.url.target.host.as_str());
        let args = [("url", url.as_str()), ("host", host), ("location", &location)];
        return Verdict::found(Code::FrontEndRequiresLogin, &args);
    }
    let by = super::hop::recognised(at, &[answer]);
    if is_gitlab(answer) && answer.status < 500 {
        let by = by.map(|r| format!(" through {r}")).unwrap_or_default();
        let shown = &at.entrance.shown;
        return Verdict::pass(format!("GitLab answers {}{by}, at {shown}.{}", answer.status, also(at)));
    }
    if at.says_that_it_wants_a_certificate() {
        return certificate_wanted(at);
    }
    if at.door() == Door::Workhorse && answer.status >= 500 {
        return rails_down(at, PAGE, &quoted(answer));
    }
    let author = hop::author(at, answer).or(by.map(|first| first.product));
    let by = author.map(|author| format!(" by {author}")).unwrap_or_default();
    let words = vendors::words_of(answer);
    let said = if words.is_empty() { String::new() } else { format!(": \"{words}\"") };
    let words = format!("{PAGE} is answered {}{by}, not as GitLab does{said}", answer.status);
    unreachable(at, "http", &words, Some(answer))
}

/// What else a reader has to know of a door that works.
fn also(at: At) -> String {
    match at.door() {
        Door::Public => match at.seen.reached(&at.page(), Layer::Dns) {
            Reached::Here(Reading::Resolved(found)) if found.addresses.iter().all(IpAddr::is_loopback) => {
                let name = &at.url.target.host;
                format!(" Here {name} leads to this machine itself: the way of its clients was not seen.")
            }
            Reached::Here(_) | Reached::Failed(_) | Reached::NotYet => String::new(),
        },
        Door::Nginx => match &at.subject.facts.ways_in.web_server {
            WebServer::Bundled(nginx) => {
                let names: Vec<&str> = nginx.set_headers.iter().map(|(name, _)| name.as_str()).collect();
                let names = text::escape(&names.join(", "), 120);
                let asks = nginx.client_certificates == Some(true);
                let asks = if asks { " It asks for client certificates." } else { "" };
                if names.is_empty() {
                    asks.to_owned()
                } else {
                    format!(" Its settings replace headers: {names}.{asks}")
                }
            }
            WebServer::Unknown | WebServer::None(_) => String::new(),
        },
        Door::Workhorse => String::new(),
    }
}

/// Parts of a path at which a front end logs people in.
const LOGINS: [&str; 7] = ["oauth2", "login", "signin", "auth", "saml", "sso", "cdn-cgi/access"];

/// What a front end asks for by itself: GitLab's sign-in page never answers 401.
fn own_password(answer: &Answer) -> Option<String> {
    let scheme = answer.headers.get("www-authenticate")?.split_whitespace().next()?;
    (answer.status == 401 && !is_gitlab(answer)).then(|| format!("its own {scheme} authentication (401)"))
}

/// Where a front end sends people to log in on the instance's own name. GitLab's sign-in page sends nobody anywhere.
fn own_login(url: &BaseUrl, answer: &Answer) -> Option<String> {
    let page = url::Url::parse(&url.origin()).ok()?.join(&url.path(PAGE)).ok()?;
    let to = page.join(answer.headers.get("location")?).ok()?;
    let is_login = LOGINS.iter().any(|part| to.path().to_lowercase().contains(part));
    let sends = (300..400).contains(&answer.status) && !is_gitlab(answer) && !to.path().ends_with(PAGE);
    (sends && is_login).then(|| format!("{}{}", url.origin(), to.path()))
}

fn certificate_wanted(at: At) -> Verdict {
    let port = at.url.target.port.to_string();
    let args = [("host", at.url.target.host.as_str()), ("port", port.as_str())];
    Verdict::found(Code::ClientCertificateRequired, &args)
}

/// The finding of a Puma that does not answer Workhorse, or not well.
pub(super) fn rails_down(at: At, path: &str, answer: &str) -> Verdict {
    let args = [
        ("host", at.url.target.host.as_str()),
        ("door", at.entrance.shown.as_str()),
        ("path", path),
        ("answer", answer),
    ];
    Verdict::found(Code::RailsDown, &args)
}

fn failed(at: At, failure: &Failure) -> Verdict {
    match failure {
        Failure::Dns(dns) => not_connected(at, "dns", unresolved(dns.kind)),
        Failure::Tcp(tcp) => {
            let limit = text::duration(tcp.after);
            let words = format!("the connection {} (after {limit})", how(tcp.kind));
            match at.door() {
                Door::Workhorse => workhorse_down(at, &words),
                Door::Public | Door::Nginx => not_connected(at, "tcp", &words),
            }
        }
        Failure::Socket(socket) => no_socket(at, socket),
        Failure::Proxy(proxy) => {
            let status = proxy.status.map(|s| format!(" ({s} {})", proxy.reason)).unwrap_or_default();
            let words = format!("this machine's proxy {} does not let it through{status}", proxy.proxy);
            unreachable(at, "proxy", &words, None)
        }
        Failure::Tls(tls) if tls.kind == TlsKind::ClientCertificateWanted => certificate_wanted(at),
        Failure::Tls(tls) => handshake::judge(tls, at.url.target.port, "this node's store"),
        Failure::Http(http) => match http.kind {
            HttpKind::ClientCertificateWanted => certificate_wanted(at),
            HttpKind::Timeout => {
                let words = format!("no answer to the request in {}", text::duration(http.after));
                silent(at, &words)
            }
            HttpKind::Malformed => {
                unreachable(at, "http", &format!("what answers is no HTTP: {}", http.words), None)
            }
            HttpKind::Closed => {
                unreachable(at, "http", &format!("the request is cut before an answer: {}", http.words), None)
            }
        },
        Failure::Grpc(_) | Failure::WebSocket(_) | Failure::Rails(_) | Failure::Other { .. } => {
            Verdict::Unknown(format!("the request failed in an unknown way: {failure}"))
        }
    }
}

/// A request that is taken in and not answered: at Workhorse's own door it is Puma that does not.
fn silent(at: At, words: &str) -> Verdict {
    match at.door() {
        Door::Workhorse => rails_down(at, PAGE, words),
        Door::Public | Door::Nginx => unreachable(at, "http", words, None),
    }
}

fn no_socket(at: At, socket: &SocketFailure) -> Verdict {
    match socket.kind {
        SocketKind::Denied => {
            let shown = &at.entrance.shown;
            Verdict::NotAsked(format!("only root may open {shown}: sudo would tell"))
        }
        SocketKind::Absent | SocketKind::Refused | SocketKind::Timeout | SocketKind::Other => {
            workhorse_down(at, &socket.words)
        }
    }
}

fn workhorse_down(at: At, how: &str) -> Verdict {
    let shown = at.entrance.shown.as_str();
    let args = [("host", at.url.target.host.as_str()), ("door", shown), ("how", how)];
    Verdict::found(Code::WorkhorseDown, &args)
}

/// A door that does not connect: the public one may stand where this node cannot see it (`field-notes` 17).
fn not_connected(at: At, layer: &str, words: &str) -> Verdict {
    let is_well = |inner: &At| fares(*inner) == Fares::Works;
    let inner = at.behind().find(is_well).filter(|_| at.door() == Door::Public && !super::is_proxied(at));
    let Some(inner) = inner else { return unreachable(at, layer, words, None) };
    let (url, port) = (at.url.to_string(), at.url.target.port.to_string());
    let name = match inner.door() {
        Door::Nginx => "this node's NGINX",
        Door::Workhorse | Door::Public => "Workhorse",
    };
    let behind = format!("{name} ({})", inner.entrance.shown);
    let args = [
        ("url", url.as_str()),
        ("host", &at.url.target.host),
        ("port", &port),
        ("layer", layer),
        ("words", words),
        ("inner", &behind),
    ];
    Verdict::found(Code::PublicDoorNotSeenFromHere, &args)
}

/// How the sign-in page is answered at a door.
fn fares(at: At) -> Fares {
    match at.seen.reached(&at.page(), Layer::Http) {
        Reached::Here(Reading::Answer(answer)) if is_gitlab(answer) && answer.status < 500 => Fares::Works,
        Reached::Here(_) | Reached::Failed(Failure::Http(_)) => Fares::Fails,
        Reached::Failed(Failure::Tcp(_) | Failure::Socket(_))
            if at.entrance.certainty == Certainty::Configured =>
        {
            Fares::Fails
        }
        Reached::Failed(_) | Reached::NotYet => Fares::Unknown,
    }
}

fn unreachable(at: At, layer: &str, words: &str, answer: Option<&Answer>) -> Verdict {
    let (url, port) = (at.url.to_string(), at.url.target.port.to_string());
    let blamed = blame(at, &fares, answer.as_slice(), Hop::Workhorse);
    let Blame { hop, product } = match answer {
        Some(answer) => blamed.by_author(at, answer),
        None => blamed,
    };
    let args = [
        ("url", url.as_str()),
        ("host", &at.url.target.host),
        ("port", &port),
        ("layer", layer),
        ("words", words),
        ("door", &at.entrance.shown),
        ("hop", hop.as_str()),
        ("product", &product),
    ];
    Verdict::found(Code::InstanceUnreachable, &args)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_that_somebody_asks_for_before_gitlab_is_a_login() {
        let of = |headers: &[(&str, &str)]| own_password(&Answer::of(401, headers, ""));
        let wanted = [("www-authenticate", "Basic realm=\"staff\"")];
        assert_eq!(of(&wanted).as_deref(), Some("its own Basic authentication (401)"));
        assert_eq!((of(&[]), of(&[wanted[0], ("x-gitlab-meta", "{}")])), (None, None));
    }

    #[test]
    fn a_login_on_the_instances_own_name_is_a_front_ends_and_not_gitlabs() {
        let url: BaseUrl = "https://gitlab.example.com:8443/gitlab".parse().expect("a URL");
        let of = |status, headers: &[(&str, &str)]| own_login(&url, &Answer::of(status, headers, ""));
        let to = |location| of(302, &[("location", location)]);
        assert_eq!(
            to("/oauth2/start?rd=%2F").as_deref(),
            Some("https://gitlab.example.com:8443/oauth2/start"),
            "its query may hold more than a reader needs"
        );
        assert!(to("https://gitlab.example.com:8443/saml/login").is_some());
        assert_eq!(to("https://gitlab.example.com:8443/gitlab/users/sign_in"), None);
        assert_eq!(to("/maintenance.html"), None);
        assert_eq!(of(200, &[("location", "/login")]), None);
        assert_eq!(of(302, &[("location", "/users/auth/saml"), ("x-gitlab-meta", "{}")]), None);
    }
}
