//! GitLab's own hosts behind Cloudflare: the AI gateway and the customers portal, as they answer strangers.

use super::fault::{Kind, On};
use super::headers;
use super::http::{Body, plain, service, set};
use super::situation::Situation;
use http::header::LOCATION;
use http::{Method, Request, Response};

/// What `cloud.gitlab.com` answers: its health, and 401 to everything else, whatever path or method.
pub(super) fn gateway<B>(request: &Request<B>, situation: &Situation) -> Response<Body> {
    let mut answer = match (request.method(), request.uri().path()) {
        (&Method::GET, "/ai/monitoring/healthz" | "/monitoring/healthz") => {
            plain(200, "application/json", "{}", situation)
        }
        _ => unauthenticated(request, situation),
    };
    service(&mut answer, request, situation);
    answer
}

/// The gateway's answer to a request without a valid token. A token that nobody can check is a failure of its own.
fn unauthenticated<B>(request: &Request<B>, situation: &Situation) -> Response<Body> {
    let refusal = headers::refusal(request.headers());
    let checked = refusal == "Forbidden by auth provider";
    if checked
        && [On::Cloud, On::Gateway]
            .into_iter()
            .any(|part| situation.faults(part).any(|kind| *kind == Kind::NoKeys))
    {
        return plain(500, "text/plain; charset=utf-8", "Internal Server Error", situation);
    }
    plain(401, "application/json", format!(r#"{{"error":"{refusal}"}}"#), situation)
}

/// What `customers.gitlab.com` answers.
pub(super) fn customers<B>(request: &Request<B>, situation: &Situation) -> Response<Body> {
    let mut answer = match request.uri().path() {
        "/.well-known/openid-configuration" => plain(200, "application/json", OPENID, situation),
        "/" => {
            let mut answer = plain(302, "text/html; charset=utf-8", "", situation);
            set(&mut answer, LOCATION, "https://customers.gitlab.com/customers/sign_in");
            answer
        }
        _ => plain(404, "application/json", r#"{"status":404,"error":"Not Found"}"#, situation),
    };
    service(&mut answer, request, situation);
    answer
}

const OPENID: &str = r#"{"issuer":"https://customers.gitlab.com","authorization_endpoint":"https://customers.gitlab.com/oauth/authorize","token_endpoint":"https://customers.gitlab.com/oauth/token","jwks_uri":"https://customers.gitlab.com/oauth/discovery/keys","response_types_supported":["code"],"subject_types_supported":["public"],"id_token_signing_alg_values_supported":["RS256"]}"#;
