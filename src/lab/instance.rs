//! The instance: what its backend sees of a request behind the hops on its way, and how GitLab answers it.
//!
//! A request enters at a door and passes every hop behind it: what stands before the node, the node's NGINX, Workhorse,
//! Puma. What a hop does is said by the faults at it.

use super::cable::{Opened, Talk};
use super::fault::http::{Backend, FrontEnd, PassedOn};
use super::fault::{ConnectEnd, Kind, On};
use super::http::{Body, Channel, plain, set};
use super::situation::{GOOD_TOKEN, Situation, name_of};
use crate::subject::address::BaseUrl;
use http::header::{
    AUTHORIZATION, CONNECTION, CONTENT_LENGTH, HOST, HeaderName, LOCATION, ORIGIN, SEC_WEBSOCKET_ACCEPT,
    SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, SERVER, SET_COOKIE, UPGRADE,
};
use http::{Method, Request, Response};
use hyper::body::Incoming;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

/// The sub-protocol that Action Cable speaks.
const PROTOCOL: &str = "actioncable-v1-json";

/// The Agent Platform's WebSocket.
const AGENT: &str = "/api/v4/ai/duo_workflows/ws";

/// The hops of the way in, outermost first.
const HOPS: [On; 4] = [On::Instance, On::Nginx, On::Workhorse, On::Puma];

/// The hops that a request passes which enters at one of them.
pub(super) fn from(entered: On) -> impl Iterator<Item = On> {
    HOPS.into_iter().skip_while(move |hop| *hop != entered)
}

/// A request as the backend sees it.
struct Seen {
    proto: String,
    host: String,
    upgrade: bool,
    protocols: Vec<String>,
    /// The `server` header that the client sees, and whether it stands on answers to handshakes too.
    server: String,
    tunnels: bool,
    backend: Backend,
}

/// What one hop does to the requests that pass it.
fn hop(situation: &Situation, part: On) -> Option<FrontEnd> {
    situation.faults(part).find_map(|kind| {
        let Kind::FrontEnd(front) = kind else { return None };
        Some(front.clone())
    })
}

/// The answer, and the WebSocket behind it where one is opened.
pub(super) fn answer(
    request: Request<Incoming>,
    entered: On,
    situation: &Situation,
    channel: Channel,
) -> (Response<Body>, Option<Opened>) {
    if entered == On::Instance && channel == Channel::Plain && !situation.is_plain() {
        let to = format!("https://{}{}", name_of(On::Instance), request.uri().path());
        return (redirect(&to, "nginx", situation), None);
    }
    let path = below_root(situation, request.uri().path());
    if let Some(answer) = refused(&request, &path, entered, situation) {
        return (answer, None);
    }
    let seen = seen(&request, &path, entered, situation, channel);
    let (mut answer, opened) = match path.as_str() {
        "/-/cable" => cable(request, &seen, entered, situation),
        AGENT => agent(request, &seen, entered, situation),
        path => (page(path, &request, &seen, entered, situation), None),
    };
    let tunnelled = seen.upgrade && seen.tunnels;
    if !tunnelled && !seen.server.is_empty() {
        set(&mut answer, SERVER, &seen.server);
    }
    (answer, opened)
}

/// What the first server at a door says to a line that is no HTTP.
pub(super) fn nonsense(entered: On, situation: &Situation) -> String {
    let front = hop(situation, entered);
    if let Some(words) = front.as_ref().and_then(|front| front.nonsense.clone()) {
        return words;
    }
    let own = if entered == On::Workhorse { "" } else { "nginx" };
    let server = front.map_or(own.to_owned(), |front| front.server);
    if server.is_empty() {
        return "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n400 Bad Request"
            .to_owned();
    }
    let body = format!(
        "<html><head><title>400 Bad Request</title></head><body><hr><center>{server}</center></body></html>"
    );
    let length = body.len();
    format!(
        "HTTP/1.1 400 Bad Request\r\nServer: {server}\r\nContent-Type: text/html\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
}

/// The path without the instance's relative URL root.
fn below_root(situation: &Situation, path: &str) -> String {
    let url: Option<BaseUrl> = situation.scenario.url.as_ref().and_then(|url| url.parse().ok());
    let root = url.map(|url| url.root).unwrap_or_default();
    path.strip_prefix(root.as_str()).unwrap_or(path).to_owned()
}

/// What a hop answers by itself: fixed answers, bodies that are too large, hops behind it that cannot be reached.
fn refused(
    request: &Request<Incoming>,
    path: &str,
    entered: On,
    situation: &Situation,
) -> Option<Response<Body>> {
    let length = request.headers().get(CONTENT_LENGTH).and_then(|v| v.to_str().ok()?.parse::<u64>().ok());
    for part in from(entered) {
        let server = hop(situation, part).map_or("nginx".to_owned(), |front| front.server);
        if part != entered && situation.faults(part).any(|kind| is_unreachable(kind)) {
            return Some(match part {
                On::Puma => plain(502, "text/html; charset=utf-8", NOT_RESPONDING, situation),
                _ => bad_gateway(&server, situation),
            });
        }
        // The door's own fixed answers are given before this, as those of every other service.
        if part != entered
            && let Some(fixed) = situation.fixed_answer(part, path)
        {
            return Some(super::http::fixed_answer(fixed, request, situation));
        }
        let limit = situation.faults(part).find_map(|kind| {
            let Kind::BodyLimit { bytes } = kind else { return None };
            Some(*bytes)
        });
        if limit.is_some_and(|most| length.is_some_and(|length| length > most)) {
            let body = "<html><head><title>413 Request Entity Too Large</title></head></html>";
            let mut answer = plain(413, "text/html", body, situation);
            set(&mut answer, SERVER, &server);
            return Some(answer);
        }
    }
    None
}

fn is_unreachable(kind: &Kind) -> bool {
    matches!(
        kind,
        Kind::Connect { how: ConnectEnd::Refused | ConnectEnd::Unreachable | ConnectEnd::Swallowed, .. }
    )
}

fn bad_gateway(server: &str, situation: &Situation) -> Response<Body> {
    let body = format!(
        "<html><head><title>502 Bad Gateway</title></head><body><hr><center>{server}</center></body></html>"
    );
    let mut answer = plain(502, "text/html", body, situation);
    set(&mut answer, SERVER, server);
    answer
}

fn seen(
    request: &Request<Incoming>,
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
        server: if entered == On::Workhorse { String::new() } else { "nginx".to_owned() },
        tunnels: false,
        backend: Backend::Workhorse,
    };
    // From the inside outwards, so that the outermost hop has the last word on what the client sees.
    let passed: Vec<FrontEnd> = from(entered).filter_map(|part| hop(situation, part)).collect();
    for front in passed.iter().rev() {
        let touched = front.paths.is_empty() || front.paths.iter().any(|p| path.starts_with(p.as_str()));
        seen.upgrade &= !(touched && front.upgrade == PassedOn::Dropped);
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
        if !front.server.is_empty() {
            seen.server.clone_from(&front.server);
        }
        seen.tunnels = front.tunnels;
        seen.backend = front.backend;
    }
    seen
}

/// GitLab's health addresses, and what they say.
const HEALTH: [(&str, &str); 3] = [
    ("/-/health", "GitLab OK"),
    ("/-/liveness", r#"{"status":"ok"}"#),
    ("/-/readiness", r#"{"status":"ok","master_check":[{"status":"ok"}]}"#),
];

fn page(
    path: &str,
    request: &Request<Incoming>,
    seen: &Seen,
    entered: On,
    situation: &Situation,
) -> Response<Body> {
    let id = situation.request_id();
    let health = HEALTH.iter().find(|(own, _)| *own == path).filter(|_| entered != On::Instance);
    let mut answer = match path {
        "/users/sign_in" => plain(200, "text/html; charset=utf-8", SIGN_IN, situation),
        _ if health.is_some() => plain(200, "text/plain", health.map_or("", |(_, body)| body), situation),
        // The health addresses answer only those whom GitLab's allow-list names.
        path if path.starts_with("/-/") => {
            plain(404, "text/html; charset=utf-8", "<title>Not Found</title>\n", situation)
        }
        "/api/v4/code_suggestions/completions" if is_known(request) && request.method() == Method::POST => {
            completion(entered, situation)
        }
        path if path.starts_with("/api/") => {
            plain(401, "application/json", r#"{"message":"401 Unauthorized"}"#, situation)
        }
        _ => {
            let to = format!("{}://{}/users/sign_in", seen.proto, seen.host);
            redirect(&to, "nginx", situation)
        }
    };
    if seen.server.is_empty() {
        answer.headers_mut().remove(SERVER);
    }
    marks(&mut answer, &id);
    if path == "/users/sign_in" {
        set(
            &mut answer,
            SET_COOKIE,
            "_gitlab_session=00000000000000000000000000000000; path=/; secure; HttpOnly; SameSite=None",
        );
    }
    answer
}

/// A streamed completion, as it arrives: piece by piece, or collected by a hop.
fn completion(entered: On, situation: &Situation) -> Response<Body> {
    let pieces = ["def greet(name)\n", "  puts \"Hello, #{name}\"\n", "end\n", "def goodbye(name)\nend\n"];
    let collects = from(entered).any(|part| situation.faults(part).any(|kind| *kind == Kind::Collects));
    let mut answer = plain(200, "text/event-stream", "", situation);
    *answer.body_mut() = super::http::streamed(&pieces, collects);
    answer
}

/// What Rails adds to every answer.
fn marks(answer: &mut Response<Body>, id: &str) {
    set(answer, HeaderName::from_static("x-request-id"), id);
    set(answer, HeaderName::from_static("x-runtime"), "0.031584");
    let meta = format!(r#"{{"correlation_id":"{id}","version":"1"}}"#);
    set(answer, HeaderName::from_static("x-gitlab-meta"), &meta);
}

/// Whether a request carries the token that the instance accepts.
fn is_known<B>(request: &Request<B>) -> bool {
    request
        .headers()
        .get(AUTHORIZATION)
        .is_some_and(|v| v.as_bytes() == format!("Bearer {GOOD_TOKEN}").as_bytes())
}

fn text_of<B>(request: &Request<B>, name: HeaderName) -> Option<String> {
    request.headers().get(name).and_then(|v| v.to_str().ok()).map(str::to_owned)
}

/// The answer that opens a WebSocket, and the stream behind it.
fn open(
    mut request: Request<Incoming>,
    key: &str,
    talk: Talk,
    entered: On,
    situation: &Situation,
) -> (Response<Body>, Option<Opened>) {
    let mut answer = plain(101, "", "", situation);
    answer.headers_mut().remove(http::header::CONTENT_TYPE);
    set(&mut answer, UPGRADE, "websocket");
    set(&mut answer, CONNECTION, "Upgrade");
    set(&mut answer, SEC_WEBSOCKET_ACCEPT, &derive_accept_key(key.as_bytes()));
    let credential = text_of(&request, AUTHORIZATION);
    let upgrade = hyper::upgrade::on(&mut request);
    (answer, Some(Opened { upgrade, credential, talk, entered }))
}

/// `/-/cable`, as Workhorse and Action Cable judge it: first the upgrade, then the origin.
fn cable(
    request: Request<Incoming>,
    seen: &Seen,
    entered: On,
    situation: &Situation,
) -> (Response<Body>, Option<Opened>) {
    let not_found = || plain(404, "text/plain", "Page not found", situation);
    let key = text_of(&request, SEC_WEBSOCKET_KEY);
    let (true, Some(key)) = (seen.upgrade, key) else {
        let answer = match seen.backend {
            Backend::Workhorse => {
                plain(400, "text/plain; charset=utf-8", "websocket upgrade required\n", situation)
            }
            Backend::OldWorkhorse => {
                plain(500, "text/plain; charset=utf-8", "Internal Server Error\n", situation)
            }
            Backend::ActionCable => not_found(),
        };
        return (answer, None);
    };
    if seen.protocols.is_empty() && text_of(&request, SEC_WEBSOCKET_PROTOCOL).is_some() {
        let mut answer = plain(400, "text/plain", "Bad Request", situation);
        set(&mut answer, SERVER, &seen.server);
        return (answer, None);
    }
    let origin = text_of(&request, ORIGIN).unwrap_or_default();
    let allowed = super::node::allowed_origins(situation);
    if origin != format!("{}://{}", seen.proto, seen.host) && !allowed.contains(&origin) {
        return (not_found(), None);
    }
    let speaks = seen.protocols.iter().any(|p| p == PROTOCOL);
    let (mut answer, opened) = open(request, &key, Talk::Cable, entered, situation);
    if speaks {
        set(&mut answer, SEC_WEBSOCKET_PROTOCOL, PROTOCOL);
    }
    (answer, opened)
}

/// The Agent Platform's WebSocket: Rails decides who may, Workhorse whether the page is the instance's own.
fn agent(
    request: Request<Incoming>,
    seen: &Seen,
    entered: On,
    situation: &Situation,
) -> (Response<Body>, Option<Opened>) {
    let id = situation.request_id();
    let says = |status, body: &str| {
        let mut answer = plain(status, "application/json", body.to_owned(), situation);
        marks(&mut answer, &id);
        answer
    };
    if !is_known(&request) {
        return (says(401, r#"{"message":"401 Unauthorized"}"#), None);
    }
    let key = text_of(&request, SEC_WEBSOCKET_KEY);
    let (true, Some(key)) = (seen.upgrade, key) else {
        return (says(403, r#"{"message":"403 Forbidden"}"#), None);
    };
    let origin = text_of(&request, ORIGIN).filter(|o| !o.is_empty());
    let is_own = |origin: String| origin.split_once("://").is_some_and(|(_, host)| host == seen.host);
    if origin.is_some_and(|origin| !is_own(origin)) {
        return (plain(403, "text/plain; charset=utf-8", "Forbidden\n", situation), None);
    }
    open(request, &key, Talk::Agent, entered, situation)
}

fn redirect(to: &str, server: &str, situation: &Situation) -> Response<Body> {
    let mut answer = plain(302, "text/html; charset=utf-8", "", situation);
    set(&mut answer, LOCATION, to);
    set(&mut answer, SERVER, server);
    answer
}

/// Workhorse's page where Puma does not answer it.
const NOT_RESPONDING: &str =
    "<!DOCTYPE html>\n<html><head><title>GitLab is not responding (502)</title></head></html>\n";

const SIGN_IN: &str = r#"<!DOCTYPE html>
<html class="gl-light ui-neutral" lang="en">
<head>
<meta content="GitLab" property="og:site_name">
<meta content="GitLab Enterprise Edition" name="description">
<title>Sign in · GitLab</title>
</head>
<body class="login-page" data-page="sessions:new"><h1>GitLab</h1></body>
</html>
"#;
