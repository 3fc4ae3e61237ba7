//! Who answered an unauthenticated request: the right service, Cloudflare, a block page, a portal, another one.

use crate::check::Verdict;
use crate::checks::answerer::{self, Answerer, Edge, Word};
use crate::checks::vendors;
use crate::failure::Answer;
use crate::finding::Code;
use crate::subject::address::bracketed;
use crate::subject::place::Endpoint;

/// Judges an answer to the signature request of an endpoint.
pub(in crate::checks) fn judge(endpoint: Endpoint, host: &str, answer: &Answer) -> Verdict {
    if is_right(endpoint, answer) {
        let by = if is_cloudflare(answer) { ", behind Cloudflare" } else { "" };
        return Verdict::pass(format!("{host} answers {} in its own words{by}.", answer.status));
    }
    let status = answer.status.to_string();
    let words = words(answer);
    let ray = answer.headers.get("cf-ray").unwrap_or("none");
    let host_status = [("host", host), ("status", status.as_str())];
    let found = |code, more: &[(&str, &str)]| {
        let mut args = host_status.to_vec();
        args.extend(more);
        Verdict::found(code, &args)
    };
    let who = answerer::who(answer);
    let by = who.name();
    if let Answerer::Cloudflare(Edge::Challenge) = who {
        return found(Code::CloudflareChallenge, &[("ray", ray)]);
    }
    if let Some(location) = elsewhere(host, answer) {
        return found(Code::HttpRedirected, &[("location", &location)]);
    }
    let from_gateway =
        matches!(endpoint, Endpoint::Cloud | Endpoint::Gateway) && is_the_gateways(&who, answer);
    if from_gateway && (500..520).contains(&answer.status) {
        return found(Code::GatewayUnhealthy, &[("words", &words)]);
    }
    if let Answerer::Cloudflare(edge) = &who {
        match edge {
            Edge::Origin => return found(Code::CloudflareOriginError, &[("ray", ray)]),
            Edge::Refusal(error) => return found(Code::CloudflareBlocked, &[("error", error), ("ray", ray)]),
            Edge::UnnumberedRefusal => {
                return found(Code::CloudflareBlocked, &[("error", "without a number"), ("ray", ray)]);
            }
            Edge::Challenge | Edge::Other => {}
        }
    }
    // Cloudflare carried it, or the gateway wrote it: nothing proves that the wrong one answers.
    if (is_cloudflare(answer) || from_gateway) && !is_broken_off(answer) {
        let args = [("by", by.unwrap_or("unknown")), ("words", &words), ("ray", ray)];
        return found(Code::SignatureUnrecognised, &args);
    }
    let blocks =
        matches!(who, Answerer::Proxy(Word::Denies | Word::WantsCredentials, _) | Answerer::Firewall(_));
    if blocks && !is_cloudflare(answer) {
        return found(Code::HttpBlockPage, &[("by", by.unwrap_or("a proxy")), ("words", &words)]);
    }
    if is_broken_off(answer) {
        let words = format!("the answer breaks off after {} bytes", answer.body_bytes);
        return Verdict::found(Code::HttpMalformed, &[("host", host), ("words", &words)]);
    }
    found(Code::HttpUnexpected, &[("by", by.unwrap_or("another service")), ("words", &words)])
}

/// What a person would quote of an answer, and when to come back where it says so.
fn words(answer: &Answer) -> String {
    let words = vendors::words_of(answer);
    match (answer.status, answer.headers.get("retry-after")) {
        (429 | 503, Some(after)) => {
            let sep = if words.is_empty() { "" } else { "; " };
            format!("{words}{sep}Retry-After: {after}")
        }
        (_, Some(_) | None) => words,
    }
}

/// Whether an answer of a gateway's address is the gateway's own: by its marks, or as JSON through Cloudflare.
fn is_the_gateways(who: &Answerer, answer: &Answer) -> bool {
    let json = || serde_json::from_str::<serde_json::Value>(&answer.body).is_ok_and(|json| json.is_object());
    *who == Answerer::Gateway || (*who == Answerer::Unknown && is_cloudflare(answer) && json())
}

/// Whether an answer is the endpoint's own, by its signature (gateway.md; domain.md 3.5).
fn is_right(endpoint: Endpoint, answer: &Answer) -> bool {
    let json: Option<serde_json::Value> = serde_json::from_str(&answer.body).ok();
    let text = |key: &str| json.as_ref().and_then(|j| j.get(key)).and_then(|v| v.as_str());
    match endpoint {
        Endpoint::Cloud | Endpoint::Gateway => {
            answer.status == 401 && text("error") == Some("No authorization header presented")
        }
        Endpoint::Customers => answer.status == 200 && text("issuer").is_some() && text("jwks_uri").is_some(),
        Endpoint::Workflow | Endpoint::Instance => false,
    }
}

/// So much of a body is read at least, unless it ends or breaks off before.
const WHOLE: u64 = 64 * 1024;

/// Whether the body began and did not come to its end.
fn is_broken_off(answer: &Answer) -> bool {
    answer.cut && answer.body_bytes < WHOLE
}

/// Whether Cloudflare's edge passed the answer on.
fn is_cloudflare(answer: &Answer) -> bool {
    answer.headers.get("cf-ray").is_some()
}

/// Where the answer leads, if to another host.
pub(in crate::checks) fn elsewhere(host: &str, answer: &Answer) -> Option<String> {
    if !(300..400).contains(&answer.status) {
        return None;
    }
    let location = answer.headers.get("location")?;
    let url = url::Url::parse(location).ok()?;
    (url.host_str() != Some(bracketed(host).as_str())).then(|| {
        let port = url.port().map(|p| format!(":{p}")).unwrap_or_default();
        format!("{}://{}{port}{}", url.scheme(), url.host_str().unwrap_or(""), url.path())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn is(code: Option<Code>, answer: &Answer) {
        let found = match judge(Endpoint::Cloud, "cloud.gitlab.com", answer) {
            Verdict::Findings(findings) => Some(findings[0].code),
            Verdict::Pass(_) => None,
            other => panic!("{other:?}"),
        };
        assert_eq!(found, code);
    }

    const RAY: (&str, &str) = ("cf-ray", "8c1f52a0773e0b94-FRA");
    const HTML: (&str, &str) = ("content-type", "text/html");

    #[test]
    fn each_answerer_is_told_apart() {
        is(None, &Answer::of(401, &[RAY], r#"{"error":"No authorization header presented"}"#));
        is(
            Some(Code::CloudflareChallenge),
            &Answer::of(403, &[RAY, ("cf-mitigated", "challenge")], "Just a moment..."),
        );
        is(Some(Code::CloudflareBlocked), &Answer::of(403, &[RAY], "error code: 1020"));
        is(Some(Code::CloudflareOriginError), &Answer::of(522, &[RAY], "error code: 522"));
        is(Some(Code::SignatureUnrecognised), &Answer::of(418, &[RAY], "{}"));
        is(Some(Code::GatewayUnhealthy), &Answer::of(503, &[RAY], "{}"));
        is(
            Some(Code::HttpBlockPage),
            &Answer::of(200, &[HTML], "<title>Web Page Blocked!</title> FortiGuard"),
        );
        is(
            Some(Code::HttpBlockPage),
            &Answer::of(403, &[HTML, ("x-squid-error", "ERR_ACCESS_DENIED 0")], "x"),
        );
        is(
            Some(Code::HttpUnexpected),
            &Answer::of(503, &[HTML, ("x-squid-error", "ERR_CONNECT_FAIL 0")], "x"),
        );
        is(Some(Code::HttpBlockPage), &Answer::of(407, &[("proxy-authenticate", "Basic")], ""));
        is(Some(Code::SignatureUnrecognised), &Answer::of(502, &[RAY, HTML], "Bad gateway"));
        is(Some(Code::SignatureUnrecognised), &Answer::of(429, &[RAY, ("retry-after", "9")], "slow down"));
        is(Some(Code::HttpUnexpected), &Answer::of(429, &[("retry-after", "9")], "slow down"));
        is(
            Some(Code::SignatureUnrecognised),
            &Answer::of(401, &[], r#"{"error":"Invalid authorization header"}"#),
        );
        is(Some(Code::GatewayUnhealthy), &Answer::of(500, &[("server", "uvicorn")], "Internal Server Error"));
        is(
            Some(Code::HttpRedirected),
            &Answer::of(302, &[("location", "https://portal.hotel.example/login")], ""),
        );
        is(Some(Code::HttpUnexpected), &Answer::of(403, &[HTML, ("server", "nginx")], "403 Forbidden"));
        is(Some(Code::HttpUnexpected), &Answer::of(200, &[("server", "nginx")], "Welcome to nginx!"));
    }

    #[test]
    fn an_answer_that_breaks_off_is_not_taken_for_another_service() {
        let cut =
            |headers, bytes| Answer { cut: true, body_bytes: bytes, ..Answer::of(200, headers, "{\"iss") };
        is(Some(Code::HttpMalformed), &cut(&[], 5));
        is(Some(Code::HttpMalformed), &cut(&[RAY], 5));
        is(Some(Code::HttpUnexpected), &cut(&[], 64 * 1024));
    }

    #[test]
    fn who_answered_and_when_to_come_back_are_said() {
        let said = |answer: &Answer| match judge(Endpoint::Cloud, "cloud.gitlab.com", answer) {
            Verdict::Findings(found) => format!("{}: {}", found[0].arg("by"), found[0].arg("words")),
            other => panic!("{other:?}"),
        };
        let limited = |more: &[_]| said(&Answer::of(429, more, "Too many"));
        assert_eq!(
            limited(&[("server", "nginx"), ("retry-after", "60")]),
            "NGINX: Too many; Retry-After: 60"
        );
        assert_eq!(limited(&[RAY, ("retry-after", "60")]), "unknown: Too many; Retry-After: 60");
        assert_eq!(limited(&[]), "another service: Too many");
        let proxy = Answer::of(407, &[("proxy-authenticate", "Basic")], "");
        assert_eq!(said(&proxy), "a proxy: ");
    }

    #[test]
    fn a_redirect_leads_elsewhere_only_if_the_host_is_another() {
        let to = |host, location| elsewhere(host, &Answer::of(302, &[("location", location)], "")).is_some();
        assert!(!to("gitlab.example.com", "https://GitLab.example.com/users/sign_in"));
        assert!(!to("gitlab.example.com", "/users/sign_in"));
        assert!(!to("2001:db8::1", "https://[2001:db8::1]:8443/users/sign_in"));
        assert!(to("2001:db8::1", "https://[2001:db8::2]/"));
        assert!(to("gitlab.example.com", "https://login.example.com/"));
    }

    #[test]
    fn the_right_words_from_the_wrong_status_are_not_the_signature() {
        is(
            Some(Code::HttpUnexpected),
            &Answer::of(200, &[], r#"{"error":"No authorization header presented"}"#),
        );
    }
}
