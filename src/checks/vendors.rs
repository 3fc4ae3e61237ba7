//! Which forward proxy or firewall stands behind an answer: tables of words, not judgement. Servers that stand before
//! GitLab are `front_end`'s.

use super::front_end;
use crate::failure::{Answer, Headers};

/// Forward proxies by a word in `Server`, `Proxy-Agent` or `Via`.
const PROXIES: [(&str, &str); 6] = [
    ("squid", "squid"),
    ("tinyproxy", "tinyproxy"),
    ("mitmproxy", "mitmproxy"),
    ("privoxy", "Privoxy"),
    ("bluecoat", "Blue Coat ProxySG"),
    ("mcafee web gateway", "Skyhigh (McAfee)"),
];

fn proxy_in(words: &str) -> Option<&'static str> {
    let words = words.to_lowercase();
    PROXIES.iter().find(|(word, _)| words.contains(word)).map(|(_, product)| *product)
}

/// The forward proxy that headers name, by those that it sets on answers of its own alone.
fn own_words(headers: &Headers) -> Option<&'static str> {
    let said = |name| headers.get(name).and_then(proxy_in);
    let squid = || headers.get("x-squid-error").map(|_| "squid");
    squid().or_else(|| said("server")).or_else(|| said("proxy-agent"))
}

/// The forward proxy that wrote an answer.
pub(super) fn proxy_product(answer: &Answer) -> Option<&'static str> {
    own_words(&answer.headers)
}

/// The product through which headers say that they came, by `Via`: a forward proxy, or a server on the way.
pub(super) fn passed_through(headers: &Headers) -> Option<&'static str> {
    headers.get("via").and_then(proxy_in).or_else(|| front_end::passed_through(headers))
}

/// The product that headers name: a forward proxy, or a server on the way.
pub(super) fn server_product(headers: &Headers) -> Option<&'static str> {
    own_words(headers).or_else(|| passed_through(headers)).or_else(|| front_end::named(headers))
}

/// Words on pages by which firewalls and proxies say no, with the product where the words tell it.
const BLOCK_PAGES: [(&str, &str); 24] = [
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
    ("the requested url was rejected. please consult with your administrator.", "F5 BIG-IP"),
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
