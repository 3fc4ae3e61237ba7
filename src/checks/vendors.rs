//! Which product stands behind an answer or a header: tables of words, not judgement.

use crate::failure::{Answer, Headers};

/// Words in `Server` or `Via` that name a web server or proxy.
const SERVERS: [(&str, &str); 16] = [
    ("squid", "squid"),
    ("tinyproxy", "tinyproxy"),
    ("apache", "Apache"),
    ("openresty", "OpenResty"),
    ("nginx", "NGINX"),
    ("haproxy", "HAProxy"),
    ("caddy", "Caddy"),
    ("varnish", "Varnish"),
    ("traefik", "Traefik"),
    ("microsoft-iis", "IIS"),
    ("awselb", "AWS load balancer"),
    ("microsoft-azure-application-gateway", "Azure Application Gateway"),
    ("bigip", "F5 BIG-IP"),
    ("big-ip", "F5 BIG-IP"),
    ("envoy", "Envoy"),
    ("cloudflare", "Cloudflare"),
];

/// The product that an answer's own headers name.
pub(super) fn server_product(headers: &Headers) -> Option<&'static str> {
    let words = ["server", "via", "proxy-agent", "x-squid-error", "x-varnish"]
        .iter()
        .filter_map(|name| headers.get(name).map(|value| format!("{name}: {value}").to_lowercase()))
        .collect::<Vec<_>>()
        .join("\n");
    SERVERS.iter().find(|(word, _)| words.contains(word)).map(|(_, product)| *product)
}

/// The product through which an answer says that it came, by `Via`.
pub(super) fn passed_through(answer: &Answer) -> Option<&'static str> {
    let via = answer.headers.get("via")?.to_lowercase();
    SERVERS.iter().find(|(word, _)| via.contains(word)).map(|(_, product)| *product)
}

/// Load balancers and content networks by a word in `Server`.
const BALANCERS: [(&str, &str); 9] = [
    ("awselb", "AWS load balancer"),
    ("microsoft-azure-application-gateway", "Azure Application Gateway"),
    ("bigip", "F5 BIG-IP"),
    ("big-ip", "F5 BIG-IP"),
    ("haproxy", "HAProxy"),
    ("envoy", "Envoy"),
    ("cloudfront", "Amazon CloudFront"),
    ("akamaighost", "Akamai"),
    ("traefik", "Traefik"),
];

/// The same by a header that no other product sets.
const BALANCER_HEADERS: [(&str, &str); 3] =
    [("x-iinfo", "Imperva"), ("x-sucuri-id", "Sucuri"), ("x-azure-ref", "Azure Front Door")];

/// The same by the words of the page that comes with the product.
const BALANCER_PAGES: [(&str, &str); 3] = [
    ("No server is available to handle this request", "HAProxy"),
    ("upstream connect error or disconnect/reset before headers", "Envoy"),
    ("no healthy upstream", "Envoy"),
];

fn server(answer: &Answer) -> String {
    answer.headers.get("server").unwrap_or_default().to_lowercase()
}

/// The load balancer or content network that wrote an answer.
pub(super) fn balancer(answer: &Answer) -> Option<&'static str> {
    let server = server(answer);
    let by_server = BALANCERS.iter().find(|(word, _)| server.contains(word));
    let by_header = || BALANCER_HEADERS.iter().find(|(name, _)| answer.headers.get(name).is_some());
    let by_page = || BALANCER_PAGES.iter().find(|(words, _)| answer.body.contains(words));
    by_server.or_else(by_header).or_else(by_page).map(|(_, product)| *product)
}

/// Forward proxies by a word in `Server` or `Proxy-Agent`.
const PROXIES: [(&str, &str); 6] = [
    ("squid", "squid"),
    ("tinyproxy", "tinyproxy"),
    ("mitmproxy", "mitmproxy"),
    ("privoxy", "Privoxy"),
    ("bluecoat", "Blue Coat ProxySG"),
    ("mcafee web gateway", "Skyhigh (McAfee)"),
];

/// The forward proxy that wrote an answer, by headers that it sets on answers of its own alone.
pub(super) fn proxy_product(answer: &Answer) -> Option<&'static str> {
    if answer.headers.get("x-squid-error").is_some() {
        return Some("squid");
    }
    let agent = answer.headers.get("proxy-agent").unwrap_or_default().to_lowercase();
    let words = format!("{} {agent}", server(answer));
    PROXIES.iter().find(|(word, _)| words.contains(word)).map(|(_, product)| *product)
}

/// The web server that wrote an answer, by `Server` or by the page that comes with it.
pub(super) fn web_server(answer: &Answer) -> Option<&'static str> {
    let server = server(answer);
    let named = SERVERS.iter().find(|(word, _)| *word != "cloudflare" && server.contains(word));
    let by_page = answer.body.contains("<center>nginx").then_some("NGINX");
    named.map(|(_, product)| *product).or(by_page)
}

/// Words on pages by which firewalls and proxies say no, with the product where the words tell it.
const BLOCK_PAGES: [(&str, &str); 23] = [
    ("fortiguard", "FortiGuard"),
    ("fortigate", "FortiGate"),
    ("zscaler", "Zscaler"),
    ("netskope", "Netskope"),
    ("palo alto networks", "Palo Alto Networks"),
    ("check point software", "Check Point"),
    ("blue coat", "Blue Coat ProxySG"),
    ("cisco umbrella", "Cisco Umbrella"),
    ("cloudflare gateway", "Cloudflare Gateway"),
    ("opendns", "Cisco Umbrella"),
    ("sophos", "Sophos"),
    ("mcafee web gateway", "Skyhigh (McAfee)"),
    ("skyhigh", "Skyhigh (McAfee)"),
    ("forcepoint", "Forcepoint"),
    ("websense", "Forcepoint"),
    ("barracuda", "Barracuda"),
    ("sonicwall", "SonicWall"),
    ("squid", "squid"),
    ("web page blocked", ""),
    ("url category", ""),
    ("has been blocked", ""),
    ("access denied", ""),
    ("blocked by", ""),
];

/// Who blocks, if an HTML page or its headers say that something does: a product, or `""` for an unnamed one.
pub(super) fn blocker(answer: &Answer) -> Option<&'static str> {
    let marked = |name: &str| answer.headers.0.iter().any(|(n, _)| n.starts_with(name));
    if marked("x-zscaler-") {
        return Some("Zscaler");
    }
    // It stands on answers that passed through, too; those of Cloudflare's have a mark of their own.
    if marked("x-bluecoat-via") && !marked("cf-ray") {
        return Some("Blue Coat ProxySG");
    }
    let html = answer.headers.get("content-type").is_none_or(|t| t.contains("html"));
    let body = answer.body.to_lowercase();
    let said = BLOCK_PAGES.iter().find(|(words, _)| body.contains(words)).map(|(_, product)| *product);
    if html { said } else { None }
}

/// The title of an HTML page, else its first words: what a person would quote of it.
pub(super) fn words_of(answer: &Answer) -> String {
    let lower = answer.body.to_ascii_lowercase();
    let title = lower.find("<title>").and_then(|start| {
        let end = lower[start..].find("</title>")? + start;
        answer.body.get(start + 7..end)
    });
    let text = title.unwrap_or(&answer.body).split_whitespace().collect::<Vec<_>>().join(" ");
    crate::text::escape(&text, 80)
}

/// Every product that is named here.
#[cfg(test)]
pub(super) fn products() -> impl Iterator<Item = &'static str> {
    let named = PROXIES.iter().chain(&BLOCK_PAGES).map(|(_, product)| *product);
    named.filter(|product| !product.is_empty())
}
