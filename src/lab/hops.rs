//! The hops on the way in: what stands before the node, the node's NGINX, Workhorse, Puma; and what each does to the
//! requests and answers that pass it.
//!
//! What a hop does is said by the faults at it; the rest is as GitLab's own NGINX has it. What GitLab says to a
//! request that has come through is decided in `instance`.

use super::fault::http::{Backend, FixedAnswer, FrontEnd, PassedOn, Signs};
use super::fault::{ConnectEnd, Kind, On};
use super::http::{Body, Channel, fixed_answer, plain, set};
use super::situation::Situation;
use http::header::{
    CONNECTION, CONTENT_LENGTH, HOST, HeaderName, HeaderValue, SEC_WEBSOCKET_PROTOCOL, SERVER, UPGRADE,
};
use http::{Request, Response};

/// The hops, outermost first.
const HOPS: [On; 4] = [On::Instance, On::Nginx, On::Workhorse, On::Puma];

/// The hops that a request passes which enters at one of them.
pub(super) fn from(entered: On, situation: &Situation) -> impl Iterator<Item = On> {
    let has_nginx = super::node::has_nginx(situation);
    HOPS.into_iter().skip_while(move |hop| *hop != entered).filter(move |hop| has_nginx || *hop != On::Nginx)
}

/// A request as the backend sees it.
pub(super) struct Seen {
    pub(super) proto: String,
    pub(super) host: String,
    pub(super) upgrade: bool,
    pub(super) protocols: Vec<String>,
    pub(super) backend: Backend,
}

/// How a hop passes things on. `None`: nothing of it shows.
fn hop(situation: &Situation, part: On) -> Option<FrontEnd> {
    let changed = situation.faults(part).find_map(|kind| {
        let Kind::FrontEnd(front) = kind else { return None };
        Some(front.clone())
    });
    // The web server that stands outermost on the node's own side.
    let usual = if super::node::has_nginx(situation) { On::Nginx } else { On::Instance };
    changed
        .or_else(|| (part == usual).then(|| FrontEnd { server: "nginx".to_owned(), ..FrontEnd::default() }))
}

/// The request as it arrives at the backend.
pub(super) fn seen<B>(
    request: &Request<B>,
    path: &str,
    entered: On,
    situation: &Situation,
    channel: Channel,
) -> Seen {
    let header = |name: &str| request.headers().get(name).and_then(|v| v.to_str().ok());
    let asked = header(HOST.as_str()).or(request.uri().authority().map(http::uri::Authority::as_str));
    let told = header("x-forwarded-proto").unwrap_or("http").to_owned();
    // Whoever ends TLS says so; a plain listener passes on what it is told.
    let proto = match channel {
        Channel::Tls => "https".to_owned(),
        Channel::Plain => told.clone(),
    };
    let wants = header(UPGRADE.as_str()).is_some_and(|v| v.eq_ignore_ascii_case("websocket"))
        && header(CONNECTION.as_str()).is_some_and(|v| v.to_ascii_lowercase().contains("upgrade"));
    let protocols = header(SEC_WEBSOCKET_PROTOCOL.as_str()).unwrap_or_default();
    let mut seen = Seen {
        proto,
        host: asked.unwrap_or_default().to_owned(),
        upgrade: wants,
        protocols: protocols.split(',').map(|p| p.trim().to_owned()).filter(|p| !p.is_empty()).collect(),
        backend: Backend::Workhorse,
    };
    for front in from(entered, situation).filter_map(|part| hop(situation, part)) {
        let touched = front.paths.is_empty() || front.paths.iter().any(|p| path.starts_with(p.as_str()));
        seen.upgrade &= !(touched && front.upgrade == PassedOn::Dropped);
        if front.backend != Backend::default() {
            seen.backend = front.backend;
        }
        match front.proto.as_deref() {
            Some("as-told") => seen.proto.clone_from(&told),
            Some(proto) => proto.clone_into(&mut seen.proto),
            None => {}
        }
        if let Some(host) = &front.host {
            seen.host.clone_from(host);
        }
        if let Some(known) = &front.protocols {
            seen.protocols.retain(|p| known.contains(p));
        }
    }
    seen
}

/// An answer to a handshake whose upgrade came through is tunnelled by hops that tunnel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// Through a tunnel, where a hop has one.
    Tunnel,
    /// As every other answer.
    Answer,
}

/// Puts on an answer what the hops do that it passes on its way out, from the hop that wrote it.
pub(super) fn out(answer: &mut Response<Body>, writer: On, way: Way, entered: On, situation: &Situation) {
    let mut passed: Vec<On> = from(entered, situation).take_while(|part| *part != writer).collect();
    passed.reverse();
    for part in passed {
        let Some(front) = hop(situation, part) else { continue };
        if way == Way::Tunnel && front.tunnels {
            continue;
        }
        let is_signed = answer.headers().contains_key(SERVER);
        match front.signs {
            Signs::All => sign(answer, &front),
            Signs::Unsigned if !is_signed => sign(answer, &front),
            Signs::Beside if !front.server.is_empty() => {
                if let Ok(name) = HeaderValue::from_str(&front.server) {
                    answer.headers_mut().append(SERVER, name);
                }
            }
            Signs::Unsigned | Signs::Own | Signs::Beside => {}
        }
        add(answer, &front);
    }
}

fn sign(answer: &mut Response<Body>, front: &FrontEnd) {
    if !front.server.is_empty() {
        set(answer, SERVER, &front.server);
    }
}

fn add(answer: &mut Response<Body>, front: &FrontEnd) {
    for (name, value) in &front.adds {
        if let Ok(name) = HeaderName::from_bytes(name.as_bytes()) {
            set(answer, name, value);
        }
    }
}

/// What a hop answers by itself, as it leaves the door: fixed answers, bodies that are too large, hops behind it that
/// cannot be reached.
pub(super) fn stopped<B>(
    request: &Request<B>,
    path: &str,
    entered: On,
    situation: &Situation,
) -> Option<Response<Body>> {
    let length = request.headers().get(CONTENT_LENGTH).and_then(|v| v.to_str().ok()?.parse::<u64>().ok());
    let mut before = entered;
    for part in from(entered, situation) {
        let (writer, mut answer) = if part != entered && situation.faults(part).any(is_unreachable) {
            (before, unreachable(part, before, situation))
        } else if let Some(fixed) = fixed(part, path, situation) {
            (part, fixed_answer(fixed, request, situation))
        } else if let Some(status) = too_large(part, length, situation) {
            let title = if status == 413 { "413 Request Entity Too Large" } else { "Request rejected" };
            (part, own(status, title, part, situation))
        } else {
            before = part;
            continue;
        };
        out(&mut answer, writer, Way::Answer, entered, situation);
        return Some(answer);
    }
    None
}

fn fixed<'a>(part: On, path: &str, situation: &'a Situation) -> Option<&'a FixedAnswer> {
    situation.fixed_answer(part, path)
}

/// The status by which a hop refuses a body for its length, where it does.
fn too_large(part: On, length: Option<u64>, situation: &Situation) -> Option<u16> {
    situation.faults(part).find_map(|kind| {
        let Kind::BodyLimit { bytes, status } = kind else { return None };
        (length? > *bytes).then_some(status.unwrap_or(413))
    })
}

fn is_unreachable(kind: &Kind) -> bool {
    matches!(
        kind,
        Kind::Connect { how: ConnectEnd::Refused | ConnectEnd::Unreachable | ConnectEnd::Swallowed, .. }
    )
}

/// What the hop before says of one that it cannot reach.
fn unreachable(part: On, before: On, situation: &Situation) -> Response<Body> {
    match part {
        On::Puma => plain(502, "text/html; charset=utf-8", NOT_RESPONDING, situation),
        _ => own(502, "502 Bad Gateway", before, situation),
    }
}

/// A page of a hop's own.
fn own(status: u16, title: &str, part: On, situation: &Situation) -> Response<Body> {
    let front = hop(situation, part).unwrap_or_default();
    let rule = if front.server.is_empty() {
        String::new()
    } else {
        format!("<hr><center>{}</center>", front.server)
    };
    let body =
        format!("<html><head><title>{title}</title></head><body><h1>{title}</h1>{rule}</body></html>\n");
    let mut answer = plain(status, "text/html", body, situation);
    sign(&mut answer, &front);
    add(&mut answer, &front);
    answer
}

/// Whether a request is taken in by a hop and never answered.
pub(super) fn is_unanswered(path: &str, entered: On, situation: &Situation) -> bool {
    let touched =
        |targets: &[String]| targets.is_empty() || targets.iter().any(|t| path.starts_with(t.as_str()));
    from(entered, situation).any(|part| {
        situation.faults(part).any(|kind| matches!(kind, Kind::Unanswered { targets } if touched(targets)))
    })
}

/// What the first server behind a door says to a line that is no HTTP; empty where it ends the connection.
pub(super) fn to_nonsense(entered: On, situation: &Situation) -> String {
    let first = from(entered, situation).find_map(|part| hop(situation, part)).unwrap_or_default();
    if let Some(words) = first.nonsense {
        return words;
    }
    let server = first.server;
    if server.is_empty() {
        // As Go's `net/http` says it, which has no name.
        return "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n\
                400 Bad Request"
            .to_owned();
    }
    let body = format!(
        "<html><head><title>400 Bad Request</title></head><body><hr><center>{server}</center></body></html>"
    );
    let length = body.len();
    format!(
        "HTTP/1.1 400 Bad Request\r\nServer: {server}\r\nContent-Type: text/html\r\nContent-Length: {length}\r\n\
         Connection: close\r\n\r\n{body}"
    )
}

/// Workhorse's page where Puma does not answer it.
const NOT_RESPONDING: &str =
    "<!DOCTYPE html>\n<html><head><title>GitLab is not responding (502)</title></head></html>\n";
