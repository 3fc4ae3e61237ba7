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

/// Words on pages by which firewalls and proxies say no, with the product where the words tell it.
const BLOCK_PAGES: [(&str, &str); 22] = [
    ("fortiguard", "FortiGuard"),
    ("fortigate", "FortiGate"),
    ("zscaler", "Zscaler"),
    ("netskope", "Netskope"),
    ("palo alto networks", "Palo Alto Networks"),
    ("check point", "Check Point"),
    ("blue coat", "Blue Coat ProxySG"),
    ("cisco umbrella", "Cisco Umbrella"),
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
    if answer.headers.get("x-squid-error").is_some() {
        return Some("squid");
    }
    let marked = |name: &str| answer.headers.0.iter().any(|(n, _)| n.starts_with(name));
    if marked("x-zscaler-") {
        return Some("Zscaler");
    }
    if marked("x-bluecoat-via") {
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
