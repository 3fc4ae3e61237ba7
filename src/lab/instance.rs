//! The instance: how GitLab answers a request that has passed the hops on its way (`hops`).

use super::cable::{Opened, Talk};
use super::fault::http::Backend;
use super::fault::{Kind, On};
use super::headers::on_the_way;
use super::hops::{Seen, Way, from, out, seen, stopped};
use super::http::{Body, Channel, plain, set};
use super::situation::{GOOD_TOKEN, Situation, name_of};
use crate::subject::address::BaseUrl;
use http::header::{
    AUTHORIZATION, CONNECTION, HeaderName, LOCATION, ORIGIN, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY,
    SEC_WEBSOCKET_PROTOCOL, SET_COOKIE, UPGRADE,
};
use http::{Request, Response};
use hyper::body::Incoming;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

/// The sub-protocol that Action Cable speaks.
const PROTOCOL: &str = "actioncable-v1-json";

/// The Agent Platform's WebSocket.
const AGENT: &str = "/api/v4/ai/duo_workflows/ws";

/// The answer, and the WebSocket behind it where one is opened.
pub(super) fn answer(
    request: Request<Incoming>,
    entered: On,
    situation: &Situation,
    channel: Channel,
) -> (Response<Body>, Option<Opened>) {
    if entered == On::Instance && channel == Channel::Plain && !situation.is_plain() {
        let to = format!("https://{}{}", name_of(On::Instance), request.uri().path());
        let mut answer = redirect(&to, situation);
        out(&mut answer, On::Puma, Way::Answer, entered, situation);
        return (answer, None);
    }
    let path = below_root(situation, request.uri().path());
    if let Some(answer) = stopped(&request, &path, entered, situation) {
        return (answer, None);
    }
    // What the door itself does to headers was done before this, as by every other service.
    let behind = from(entered, situation).skip(1);
    let request = behind.fold(request, |request, part| on_the_way(request, part, situation));
    let seen = seen(&request, &path, entered, situation, channel);
    let (mut answer, opened) = match path.as_str() {
        "/-/cable" => cable(request, &seen, entered, situation),
        AGENT => agent(request, &seen, entered, situation),
        path => (page(path, &request, &seen, entered, situation), None),
    };
    let way = if seen.upgrade { Way::Tunnel } else { Way::Answer };
    out(&mut answer, On::Puma, way, entered, situation);
    (answer, opened)
}

/// The path without the instance's relative URL root.
fn below_root(situation: &Situation, path: &str) -> String {
    let url: Option<BaseUrl> = situation.scenario.url.as_ref().and_then(|url| url.parse().ok());
    let root = url.map(|url| url.root).unwrap_or_default();
    path.strip_prefix(root.as_str()).unwrap_or(path).to_owned()
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
        path if path.starts_with("/api/") => super::api::answer(path, request, entered, situation),
        _ => {
            let to = format!("{}://{}/users/sign_in", seen.proto, seen.host);
            redirect(&to, situation)
        }
    };
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
pub(super) fn completion(entered: On, situation: &Situation) -> Response<Body> {
    let pieces = ["def greet(name)\n", "  puts \"Hello, #{name}\"\n", "end\n", "def goodbye(name)\nend\n"];
    let collects =
        from(entered, situation).any(|part| situation.faults(part).any(|kind| *kind == Kind::Collects));
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
    if seen.upgrade && key.is_none() {
        // Action Cable's driver raises an exception.
        return (plain(500, "text/html; charset=utf-8", FAILED, situation), None);
    }
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
        return (plain(400, "text/plain", "Bad Request", situation), None);
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

fn redirect(to: &str, situation: &Situation) -> Response<Body> {
    let mut answer = plain(302, "text/html; charset=utf-8", "", situation);
    set(&mut answer, LOCATION, to);
    answer
}

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

/// What Rails says where something was raised.
const FAILED: &str = "<!DOCTYPE html>\n<html><head><title>Something went wrong (500)</title></head></html>\n";
