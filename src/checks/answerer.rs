//! Who wrote an answer, by the marks that only its writer leaves: GitLab's services, Cloudflare, a proxy, a
//! firewall, a load balancer, a web server. What an answer merely passed through is not its writer: `Via`, `cf-ray`
//! and `X-Cache` stand on answers of others too. Where nothing tells, nobody is named.

use super::{front_end, vendors};
use crate::failure::Answer;

/// Who wrote an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answerer {
    /// GitLab's AI gateway.
    Gateway,
    /// GitLab itself: Rails, by its own headers.
    GitLab,
    /// A Rails application, as GitLab and its customers portal are.
    Rails,
    /// Cloudflare's edge.
    Cloudflare(Edge),
    /// A forward proxy, and its product or `""`.
    Proxy(Word, &'static str),
    /// A page that says that something is blocked, and whose or `""`.
    Firewall(&'static str),
    /// A load balancer or content network.
    Balancer(&'static str),
    /// A web server.
    WebServer(&'static str),
    /// Nobody who can be told.
    Unknown,
}

/// What Cloudflare's edge says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Edge {
    /// A browser is to prove itself.
    Challenge,
    /// No, with the number of its page: `1020`.
    Refusal(String),
    /// No, on a page without a number.
    UnnumberedRefusal,
    /// The service behind it cannot be reached: 520 to 530.
    Origin,
    /// Something else on a page of its own.
    Other,
}

/// What a proxy says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Word {
    /// No.
    Denies,
    /// Not without credentials.
    WantsCredentials,
    /// The other side cannot be reached.
    CannotReach,
}

impl Answerer {
    /// What people call it; `None`: nobody is named.
    pub(super) fn name(&self) -> Option<&'static str> {
        let named = |product: &'static str, kind| if product.is_empty() { kind } else { product };
        Some(match self {
            Answerer::Gateway => "the AI gateway",
            Answerer::GitLab => "GitLab",
            Answerer::Rails => "a Rails application, as GitLab's are",
            Answerer::Cloudflare(_) => "Cloudflare",
            Answerer::Proxy(_, product) => named(product, "a proxy"),
            Answerer::Firewall(product) => named(product, "a firewall or proxy"),
            Answerer::Balancer(product) | Answerer::WebServer(product) => product,
            Answerer::Unknown => return None,
        })
    }
}

/// Who wrote an answer.
pub(super) fn who(answer: &Answer) -> Answerer {
    if is_gateway(answer) {
        return Answerer::Gateway;
    }
    if let Some(edge) = edge(answer) {
        return Answerer::Cloudflare(edge);
    }
    if let Some(proxy) = proxy(answer) {
        return proxy;
    }
    if let Some(product) = vendors::blocker(answer) {
        return Answerer::Firewall(product);
    }
    let has = |name: &str| answer.headers.get(name).is_some();
    if has("x-gitlab-meta") || has("x-gitlab-feature-category") || has("x-gitlab-error-origin") {
        return Answerer::GitLab;
    }
    if has("x-runtime") && has("x-request-id") {
        return Answerer::Rails;
    }
    if let Some(product) = front_end::balancer(answer) {
        return Answerer::Balancer(product);
    }
    // Whoever took `cf-ray` away or wrote `server: cloudflare` in its place is not known by it.
    match front_end::web_server(answer) {
        Some(product) => Answerer::WebServer(product),
        None => Answerer::Unknown,
    }
}

/// The gateway's words to a request without valid credentials (gateway.md).
const REFUSALS: [&str; 4] = [
    "No authorization header presented",
    "Invalid authorization header",
    "Invalid authentication token type - only OIDC is supported",
    "Forbidden by auth provider",
];

/// The text of the gateway's 401, `{"error": …}`, if that is what the body is.
pub(super) fn refusal(answer: &Answer) -> Option<String> {
    let json: serde_json::Value = serde_json::from_str(&answer.body).ok()?;
    let error = json.get("error")?.as_str()?;
    (answer.status == 401).then(|| error.to_owned())
}

fn is_gateway(answer: &Answer) -> bool {
    let known =
        |error: String| REFUSALS.contains(&error.as_str()) || error.starts_with("Header mismatch 'X-Gitlab-");
    if refusal(answer).is_some_and(known) {
        return true;
    }
    // Cloudflare puts its own name into `server`; a 400 or 500 of the gateway has no `x-process-time`.
    answer.headers.get("server") == Some("uvicorn")
        || (answer.headers.get("x-process-time").is_some()
            && serde_json::from_str::<serde_json::Value>(&answer.body).is_ok_and(|json| json.is_object()))
}

/// What Cloudflare's edge says, where it is the writer and not just the way.
fn edge(answer: &Answer) -> Option<Edge> {
    let said = |marks: &[&str]| marks.iter().any(|m| answer.body.contains(m));
    // The documented mark of a challenge is the header; the others stand in the page itself.
    if answer.headers.get("cf-mitigated") == Some("challenge")
        || said(&["_cf_chl_opt", "/cdn-cgi/challenge-platform/"])
    {
        return Some(Edge::Challenge);
    }
    answer.headers.get("cf-ray")?;
    let page = said(&["cf-error-details", "Cloudflare Ray ID", "<center>cloudflare</center>"]);
    match answer.status {
        520..=530 => Some(Edge::Origin),
        403 | 429 => match error_number(answer) {
            Some(number) => Some(Edge::Refusal(number)),
            None => page.then_some(Edge::UnnumberedRefusal),
        },
        _ => page.then_some(Edge::Other),
    }
}

/// The number on Cloudflare's own page of refusal: 1020, 1015, …
fn error_number(answer: &Answer) -> Option<String> {
    let lower = answer.body.to_lowercase();
    let number = lower.split("error code: ").nth(1).or_else(|| lower.split("error ").nth(1));
    let digits: String = number?.chars().take_while(char::is_ascii_digit).collect();
    (digits.len() == 4 && digits.starts_with('1')).then_some(digits)
}

/// A forward proxy, by what only a proxy writes. Such a page may also come inside a tunnel that it allowed, where
/// it opens TLS.
fn proxy(answer: &Answer) -> Option<Answerer> {
    let product = vendors::proxy_product(answer).unwrap_or("");
    let squid = answer.headers.get("x-squid-error");
    // 407 is a proxy's alone (RFC 9110, 15.5.8).
    if answer.status == 407 || answer.headers.get("proxy-authenticate").is_some() {
        return Some(Answerer::Proxy(Word::WantsCredentials, product));
    }
    if squid.is_none() && product.is_empty() {
        return None;
    }
    let denied = squid.is_some_and(|s| s.starts_with("ERR_ACCESS_DENIED"));
    let word = match answer.status {
        500..=599 if !denied => Word::CannotReach,
        _ => Word::Denies,
    };
    Some(Answerer::Proxy(word, product))
}

#[cfg(test)]
mod tests {
    use super::*;

    const RAY: (&str, &str) = ("cf-ray", "8c1f52a0773e0b94-FRA");
    const CF: (&str, &str) = ("server", "cloudflare");
    const HTML: (&str, &str) = ("content-type", "text/html; charset=utf-8");
    const JSON: (&str, &str) = ("content-type", "application/json");
    const TOOK: (&str, &str) = ("x-process-time", "0.0012");

    /// Status, headers, body, and who wrote them.
    type Row = (u16, &'static [(&'static str, &'static str)], &'static str, Answerer);

    #[test]
    fn the_writer_of_an_answer_is_known_by_marks_that_only_it_leaves() {
        use Answerer::{Balancer, Cloudflare, Firewall, Gateway, GitLab, Proxy, Rails, Unknown, WebServer};
        use Word::{CannotReach, Denies, WantsCredentials};
        let no = |n: &str| Cloudflare(Edge::Refusal(n.to_owned()));
        #[rustfmt::skip]
        let rows: Vec<Row> = vec![
            // The gateway, in its own words, with and without Cloudflare before it.
            (401, &[RAY, CF, JSON], r#"{"error":"No authorization header presented"}"#, Gateway),
            (401, &[JSON], r#"{"error":"Forbidden by auth provider"}"#, Gateway),
            (401, &[JSON], r#"{"error":"Header mismatch 'X-Gitlab-Instance-Id'"}"#, Gateway),
            (403, &[RAY, CF, JSON, TOOK], r#"{"detail":"Unauthorized to access code completions"}"#, Gateway),
            (429, &[RAY, CF, JSON, TOOK], r#"{"detail":"Too many requests. Please try again later."}"#, Gateway),
            (503, &[RAY, CF, JSON, TOOK], r#"{"detail":"Inference failed"}"#, Gateway),
            (503, &[("server", "uvicorn"), JSON], "{}", Gateway),
            (500, &[("server", "uvicorn"), ("content-type", "text/plain")], "Internal Server Error", Gateway),
            // Workhorse and a gateway behind Cloudflare write the same plain text.
            (500, &[RAY, CF, ("content-type", "text/plain")], "Internal Server Error", Unknown),
            (401, &[JSON], r#"{"error":"unauthorized"}"#, Unknown),
            (403, &[RAY, CF, TOOK, HTML], "<h1>no</h1>", Unknown),
            // GitLab.
            (401, &[("x-gitlab-meta", "{}"), JSON], r#"{"message":"401 Unauthorized"}"#, GitLab),
            (401, &[("x-gitlab-error-origin", "monolith"), JSON], r#"{"message":"401 Unauthorized"}"#, GitLab),
            (502, &[("server", "nginx"), HTML, ("x-gitlab-feature-category", "x")], "", GitLab),
            (500, &[RAY, CF, ("x-runtime", "0.02"), ("x-request-id", "a")], "{}", Rails),
            (500, &[("x-request-id", "a")], "{}", Unknown),
            // Cloudflare itself, not just on the way.
            (403, &[RAY, CF, ("cf-mitigated", "challenge")], "Just a moment...", Cloudflare(Edge::Challenge)),
            (503, &[RAY, CF, HTML], "<script src=\"/cdn-cgi/challenge-platform/x\">", Cloudflare(Edge::Challenge)),
            (403, &[RAY, CF], "error code: 1020", no("1020")),
            (429, &[RAY, CF], "error code: 1015", no("1015")),
            (429, &[RAY, CF, ("retry-after", "60")], "error code: 1015", no("1015")),
            (403, &[RAY, CF, HTML], "Sorry, you have been blocked. Cloudflare Ray ID: 8c", Cloudflare(Edge::UnnumberedRefusal)),
            (522, &[RAY, CF], "error code: 522", Cloudflare(Edge::Origin)),
            (400, &[RAY, CF, HTML], "<center>400 Bad Request</center><hr><center>cloudflare</center>", Cloudflare(Edge::Other)),
            (429, &[RAY, CF, ("retry-after", "60")], "slow down", Unknown),
            (429, &[RAY, CF], "", Unknown),
            (429, &[("retry-after", "60")], "slow down", Unknown),
            (403, &[CF], "error code: 1020", Unknown),
            // Proxies, also inside a tunnel that they allowed.
            (407, &[("proxy-authenticate", "Basic realm=\"x\"")], "", Proxy(WantsCredentials, "")),
            (407, &[("x-squid-error", "ERR_CACHE_ACCESS_DENIED 0"), HTML], "squid", Proxy(WantsCredentials, "squid")),
            (401, &[("proxy-authenticate", "NTLM"), ("server", "tinyproxy/1.11")], "", Proxy(WantsCredentials, "tinyproxy")),
            (403, &[("x-squid-error", "ERR_ACCESS_DENIED 0"), HTML], "x", Proxy(Denies, "squid")),
            (503, &[("x-squid-error", "ERR_CONNECT_FAIL 110"), ("server", "squid/5.7"), HTML], "x", Proxy(CannotReach, "squid")),
            (503, &[("x-squid-error", "ERR_DNS_FAIL 0"), HTML], "x", Proxy(CannotReach, "squid")),
            (403, &[("server", "squid/6.6"), HTML], "x", Proxy(Denies, "squid")),
            (500, &[("proxy-agent", "tinyproxy/1.11.1"), HTML], "x", Proxy(CannotReach, "tinyproxy")),
            // It only passed through squid.
            (404, &[("via", "1.1 fw (squid/6.6)"), ("server", "nginx")], "", WebServer("NGINX")),
            (401, &[("via", "1.1 fw (squid/6.6)")], "{}", Unknown),
            // Firewalls.
            (200, &[HTML], "<title>Web Page Blocked!</title> FortiGuard", Firewall("FortiGuard")),
            (403, &[("x-zscaler-blocked", "1")], "", Firewall("Zscaler")),
            (503, &[HTML], "Access Denied by policy", Firewall("")),
            (403, &[JSON], "access denied", Unknown),
            (401, &[RAY, CF, ("x-bluecoat-via", "a1"), JSON], "{}", Unknown),
            (403, &[("x-bluecoat-via", "a1")], "", Firewall("Blue Coat ProxySG")),
            // Load balancers and content networks.
            (502, &[("server", "awselb/2.0"), HTML], "<center>502 Bad Gateway</center>", Balancer("AWS Application Load Balancer")),
            (502, &[("server", "Microsoft-Azure-Application-Gateway/v2"), HTML], "x", Balancer("Azure Application Gateway")),
            (503, &[HTML], "<h1>503 Service Unavailable</h1>\nNo server is available to handle this request.", Balancer("HAProxy")),
            (503, &[("server", "envoy")], "no healthy upstream", Balancer("Envoy")),
            (503, &[], "upstream connect error or disconnect/reset before headers", Balancer("Envoy")),
            (503, &[("server", "BigIP")], "", Balancer("F5 BIG-IP")),
            (403, &[("x-iinfo", "1-2")], "", Balancer("Imperva")),
            (403, &[("server", "CloudFront"), HTML], "x", Balancer("Amazon CloudFront")),
            // Web servers.
            (403, &[("server", "nginx"), HTML], "403 Forbidden", WebServer("NGINX")),
            (502, &[HTML], "<hr><center>nginx</center>", WebServer("NGINX")),
            (503, &[("server", "Apache/2.4.62"), HTML], "x", WebServer("Apache")),
            (401, &[("server", "Microsoft-IIS/10.0")], "", WebServer("IIS")),
            (403, &[("content-type", "text/plain")], "Forbidden", Unknown),
            (500, &[], "", Unknown),
        ];
        for (status, headers, body, wanted) in rows {
            assert_eq!(who(&Answer::of(status, headers, body)), wanted, "{status} {headers:?} {body}");
        }
    }

    #[test]
    fn nobody_is_named_where_nobody_is_known() {
        assert_eq!(Answerer::Unknown.name(), None);
        assert_eq!(Answerer::Proxy(Word::Denies, "").name(), Some("a proxy"));
        assert_eq!(Answerer::Firewall("").name(), Some("a firewall or proxy"));
    }

    #[test]
    fn a_refusal_is_a_401_with_its_words() {
        let body = r#"{"error":"Forbidden by auth provider"}"#;
        assert_eq!(refusal(&Answer::of(401, &[], body)).as_deref(), Some("Forbidden by auth provider"));
        assert_eq!(refusal(&Answer::of(403, &[], body)), None);
        assert_eq!(refusal(&Answer::of(401, &[], "<html>")), None);
    }
}
