//! What becomes of a request's headers on their way to a service, and how the gateway answers those that arrive.

use super::fault::{Kind, On};
use super::situation::Situation;
use http::header::{AUTHORIZATION, HeaderName, HeaderValue};
use http::{HeaderMap, Request};

/// The request as the service sees it, with the faults as they are now.
pub(super) fn on_the_way<B>(mut request: Request<B>, part: On, situation: &Situation) -> Request<B> {
    for kind in situation.faults(part) {
        let Kind::Header { name, becomes } = kind else { continue };
        let Ok(name) = HeaderName::from_bytes(name.as_bytes()) else { continue };
        let sent = request.headers_mut().remove(&name).is_some();
        // A hop that rewrites a header does so where one was sent.
        if let (true, Some(Ok(value))) = (sent, becomes.as_deref().map(HeaderValue::from_str)) {
            request.headers_mut().insert(name, value);
        }
    }
    request
}

/// The gateway's words to somebody without a valid token: it looks at one header after the other.
pub(super) fn refusal(headers: &HeaderMap) -> &'static str {
    let Some(given) = headers.get(AUTHORIZATION) else { return "No authorization header presented" };
    let bearer = |text: &str| text.get(..6).is_some_and(|start| start.eq_ignore_ascii_case("bearer"));
    if !given.to_str().is_ok_and(bearer) {
        return "Invalid authorization header";
    }
    let kinds: Vec<&[u8]> =
        headers.get_all("x-gitlab-authentication-type").iter().map(HeaderValue::as_bytes).collect();
    if kinds == [b"oidc"] {
        "Forbidden by auth provider"
    } else {
        "Invalid authentication token type - only OIDC is supported"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gateway_says_which_header_it_misses() {
        let kind = "x-gitlab-authentication-type";
        for (headers, wanted) in [
            (&[][..], "No authorization header presented"),
            (&[(kind, "oidc")], "No authorization header presented"),
            (&[("authorization", "Basic abc")], "Invalid authorization header"),
            (&[("authorization", "")], "Invalid authorization header"),
            (&[("authorization", "Bearer x")], "Invalid authentication token type - only OIDC is supported"),
            (
                &[("authorization", "Bearer x"), (kind, "OIDC")],
                "Invalid authentication token type - only OIDC is supported",
            ),
            (
                &[("authorization", "Bearer x"), (kind, "oidc"), (kind, "oidc")],
                "Invalid authentication token type - only OIDC is supported",
            ),
            (&[("authorization", "bearer x"), (kind, "oidc")], "Forbidden by auth provider"),
            (&[("authorization", "Bearer"), (kind, "oidc")], "Forbidden by auth provider"),
        ] {
            let mut map = HeaderMap::new();
            for (name, value) in headers {
                map.append(*name, HeaderValue::from_static(value));
            }
            assert_eq!(refusal(&map), wanted, "{headers:?}");
        }
    }
}
