//! NGINX's `proxy_set_header`: which of them somebody put in place of the package's own.

use crate::subject::address::{BaseUrl, Scheme};
use crate::text;

/// Headers of NGINX's own that must not be missing: it would put others in their place (NGINX: `proxy_set_header`).
const NEEDED: [&str; 3] = ["Host", "Upgrade", "Connection"];

/// Whether the package sets this by itself (Omnibus: `Nginx.parse_proxy_headers`).
fn is_own(name: &str, value: &str, url: Option<&BaseUrl>) -> bool {
    let is_https = url.map(|url| url.scheme == Scheme::Https);
    match name.to_ascii_lowercase().as_str() {
        "host" => value == "$http_host_with_default",
        "x-real-ip" => ["$remote_addr", "$proxy_protocol_addr"].contains(&value),
        "x-forwarded-for" => {
            ["$remote_addr", "$proxy_add_x_forwarded_for", "$proxy_protocol_addr"].contains(&value)
        }
        "upgrade" => value == "$http_upgrade",
        "connection" => value == "$connection_upgrade",
        "x-forwarded-proto" => match is_https {
            Some(true) => value == "https",
            Some(false) => value == "http",
            None => ["http", "https"].contains(&value),
        },
        "x-forwarded-ssl" => value == "on" && is_https != Some(false),
        _ => false,
    }
}

/// The headers of the file that are not the package's own; those that are missing have an empty value.
pub(super) fn replaced_in_file(headers: &[(String, String)], url: Option<&BaseUrl>) -> Vec<(String, String)> {
    let is_missing = |name: &&&str| !headers.iter().any(|(set, _)| set.eq_ignore_ascii_case(name));
    let missing: Vec<_> = NEEDED.iter().filter(is_missing).map(|name| shown(name, "")).collect();
    let set = headers.iter().filter(|(name, value)| !is_own(name, value, url));
    set.map(|(name, value)| shown(name, value)).chain(missing).collect()
}

/// The same of `gitlab.rb`, where a header without a value is left out.
pub(super) fn replaced_in_settings(headers: &[(&str, Option<&str>)], url: &BaseUrl) -> Vec<(String, String)> {
    let is_needed = |name: &str| NEEDED.iter().any(|needed| needed.eq_ignore_ascii_case(name));
    let mut replaced = Vec::new();
    for (name, value) in headers {
        match value.filter(|value| !value.is_empty()) {
            Some(value) if is_own(name, value, Some(url)) => {}
            Some(value) => replaced.push(shown(name, value)),
            None if is_needed(name) => replaced.push(shown(name, "")),
            None => {}
        }
    }
    replaced
}

fn shown(name: &str, value: &str) -> (String, String) {
    (text::foreign(name), text::foreign(value))
}
