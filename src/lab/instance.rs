//! The instance: what its backend sees of a request behind the front end, and how GitLab answers it.

use super::cable::Opened;
use super::fault::http::{Backend, FrontEnd, PassedOn};
use super::fault::{Kind, On};
use super::http::{Body, Channel, plain, set};
use super::situation::{Situation, name_of};
use http::header::{
    AUTHORIZATION, CONNECTION, HOST, HeaderName, LOCATION, ORIGIN, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY,
    SEC_WEBSOCKET_PROTOCOL, SERVER, SET_COOKIE, UPGRADE,
};
use http::{Request, Response};
use hyper::body::Incoming;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

/// The sub-protocol that Action Cable speaks.
const PROTOCOL: &str = "actioncable-v1-json";

/// A request as the backend sees it.
struct Seen {
    proto: String,
    host: String,
    upgrade: bool,
}

/// GitLab's own NGINX: everything is passed on.
fn nginx() -> FrontEnd {
    FrontEnd {
        server: "nginx".into(),
        upgrade: PassedOn::Kept,
        tunnels: false,
        proto: None,
        host: None,
        backend: Backend::Workhorse,
    }
}

/// The answer, and the WebSocket behind it where one is opened.
pub(super) fn answer(
    request: Request<Incoming>,
    situation: &Situation,
    channel: Channel,
) -> (Response<Body>, Option<Opened>) {
    if channel == Channel::Plain && !situation.is_plain() {
        let to = format!("https://{}{}", name_of(On::Instance), request.uri().path());
        return (redirect(&to, "nginx", situation), None);
    }
    let front = situation.faults(On::Instance).find_map(|kind| {
        let Kind::FrontEnd(front) = kind else { return None };
        Some(front.clone())
    });
    let front = front.unwrap_or_else(nginx);
    let seen = seen(&request, &front, channel);
    let (mut answer, opened) = match request.uri().path() {
        "/-/cable" => cable(request, &seen, &front, situation),
        path => (page(path, &seen, situation), None),
    };
    let tunnelled = seen.upgrade && front.tunnels;
    if !tunnelled {
        set(&mut answer, SERVER, &front.server);
    }
    (answer, opened)
}

fn seen(request: &Request<Incoming>, front: &FrontEnd, channel: Channel) -> Seen {
    let header = |name: HeaderName| request.headers().get(name).and_then(|v| v.to_str().ok());
    let asked = header(HOST).or(request.uri().authority().map(http::uri::Authority::as_str));
    let scheme = match channel {
        Channel::Tls => "https",
        Channel::Plain => "http",
    };
    let wants = header(UPGRADE).is_some_and(|v| v.eq_ignore_ascii_case("websocket"))
        && header(CONNECTION).is_some_and(|v| v.to_ascii_lowercase().contains("upgrade"));
    Seen {
        proto: front.proto.clone().unwrap_or_else(|| scheme.to_owned()),
        host: front.host.clone().unwrap_or_else(|| asked.unwrap_or_default().to_owned()),
        upgrade: wants && front.upgrade == PassedOn::Kept,
    }
}

fn page(path: &str, seen: &Seen, situation: &Situation) -> Response<Body> {
    let id = situation.request_id();
    let mut answer = match path {
        "/users/sign_in" => plain(200, "text/html; charset=utf-8", SIGN_IN, situation),
        // The health addresses answer only those whom GitLab's allow-list names.
        path if path.starts_with("/-/") => {
            plain(404, "text/html; charset=utf-8", "<title>Not Found</title>\n", situation)
        }
        path if path.starts_with("/api/") => {
            plain(401, "application/json", r#"{"message":"401 Unauthorized"}"#, situation)
        }
        _ => {
            let to = format!("{}://{}/users/sign_in", seen.proto, seen.host);
            redirect(&to, "nginx", situation)
        }
    };
    set(&mut answer, HeaderName::from_static("x-request-id"), &id);
    set(&mut answer, HeaderName::from_static("x-runtime"), "0.031584");
    set(
        &mut answer,
        HeaderName::from_static("x-gitlab-meta"),
        &format!(r#"{{"correlation_id":"{id}","version":"1"}}"#),
    );
    if path == "/users/sign_in" {
        set(
            &mut answer,
            SET_COOKIE,
            "_gitlab_session=00000000000000000000000000000000; path=/; secure; HttpOnly; SameSite=None",
        );
    }
    answer
}

/// `/-/cable`, as Workhorse and Action Cable judge it: first the upgrade, then the origin.
fn cable(
    mut request: Request<Incoming>,
    seen: &Seen,
    front: &FrontEnd,
    situation: &Situation,
) -> (Response<Body>, Option<Opened>) {
    let not_found = || plain(404, "text/plain", "Page not found", situation);
    let header = |request: &Request<Incoming>, name: HeaderName| {
        request.headers().get(name).and_then(|v| v.to_str().ok()).map(str::to_owned)
    };
    let key = header(&request, SEC_WEBSOCKET_KEY);
    let (true, Some(key)) = (seen.upgrade, key) else {
        return match front.backend {
            Backend::Workhorse => {
                (plain(400, "text/plain; charset=utf-8", "websocket upgrade required\n", situation), None)
            }
            Backend::ActionCable => (not_found(), None),
        };
    };
    if header(&request, ORIGIN) != Some(format!("{}://{}", seen.proto, seen.host)) {
        return (not_found(), None);
    }
    let mut answer = plain(101, "", "", situation);
    answer.headers_mut().remove(http::header::CONTENT_TYPE);
    set(&mut answer, UPGRADE, "websocket");
    set(&mut answer, CONNECTION, "Upgrade");
    set(&mut answer, SEC_WEBSOCKET_ACCEPT, &derive_accept_key(key.as_bytes()));
    if header(&request, SEC_WEBSOCKET_PROTOCOL).is_some_and(|p| p.split(',').any(|p| p.trim() == PROTOCOL)) {
        set(&mut answer, SEC_WEBSOCKET_PROTOCOL, PROTOCOL);
    }
    let credential = header(&request, AUTHORIZATION);
    (answer, Some(Opened { upgrade: hyper::upgrade::on(&mut request), credential }))
}

fn redirect(to: &str, server: &str, situation: &Situation) -> Response<Body> {
    let mut answer = plain(302, "text/html; charset=utf-8", "", situation);
    set(&mut answer, LOCATION, to);
    set(&mut answer, SERVER, server);
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
