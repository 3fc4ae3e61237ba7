//! The gate for secrets: whatever looks like a credential becomes `***`, in every output and at every level of
//! redaction. Probes never carry secrets into their samples; this catches what a peer echoes.

use serde_json::Value;

/// What stands where a secret stood.
const STARS: &str = "***";

/// What stands in an article where a proxy's user and password are to be filled in.
const PLACEHOLDER: &str = "USER:PASSWORD";

/// What stands in an article where a token is sent that is none.
const NONE: &str = "none";

/// Prefixes of GitLab's tokens (docs.gitlab.com, "Token overview").
const TOKENS: [&str; 16] = [
    "glpat-",
    "gloas-",
    "glsoat-",
    "gldt-",
    "glrt-",
    "glrtr-",
    "glcbt-",
    "glptt-",
    "glft-",
    "glimt-",
    "glagent-",
    "glwt-",
    "glffct-",
    "glduo-",
    "glsat-",
    "GR1348941",
];

/// Headers and keys whose values are credentials.
const NAMES: [&str; 12] = [
    "proxy-authorization",
    "authorization",
    "private-token",
    "job-token",
    "deploy-token",
    "x-gitlab-duo-token",
    "set-cookie",
    "cookie",
    "access_token",
    "refresh_token",
    "client_secret",
    "password",
];

/// The text without anything that looks like a credential.
pub fn scrub(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let taken = match userinfo(rest, &out) {
            0 => secret(rest, &mut out),
            taken => taken,
        };
        if taken > 0 {
            out.push_str(STARS);
            rest = &rest[taken..];
        } else {
            out.push(c);
            rest = &rest[c.len_utf8()..];
        }
    }
    out
}

/// Scrubs every text of a value; a header pair whose name is a credential's loses its value.
pub fn scrub_value(value: &mut Value) {
    match value {
        Value::String(text) => *text = scrub(text),
        Value::Array(items) => {
            if let [Value::String(name), Value::String(held)] = items.as_mut_slice()
                && is_name(name)
            {
                STARS.clone_into(held);
            }
            items.iter_mut().for_each(scrub_value);
        }
        Value::Object(fields) => {
            for (name, held) in fields {
                match held {
                    Value::String(text) if is_name(name) => STARS.clone_into(text),
                    held => scrub_value(held),
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn is_name(name: &str) -> bool {
    NAMES.iter().any(|n| n.eq_ignore_ascii_case(name))
}

/// How many bytes at the start are to be replaced; what introduces a secret (`Authorization: `) is written to
/// `out` and counted in. No boundary is asked for in front: an escaped line end ends in a letter.
fn secret(rest: &str, out: &mut String) -> usize {
    let run = |text: &str, also: &str| {
        text.find(|c: char| !c.is_ascii_alphanumeric() && !also.contains(c)).unwrap_or(text.len())
    };
    if let Some(prefix) = TOKENS.iter().find(|p| rest.starts_with(*p)) {
        let length = run(&rest[prefix.len()..], "-_.");
        // `glpat-…` in an article is a word, `glpat-` and eight more characters a token.
        return if length >= 8 { prefix.len() + length } else { 0 };
    }
    if rest.starts_with("eyJ") {
        let length = run(rest, "-_.=");
        return if length >= 20 { length } else { 0 };
    }
    for scheme in ["Bearer ", "Basic ", "bearer ", "basic "] {
        if let Some(value) = rest.strip_prefix(scheme) {
            let length = run(value, "-_.=+/~");
            let telling =
                value[..length].chars().any(|c| c.is_ascii_digit() || c.is_ascii_uppercase() || c == '=');
            if length >= 8 && telling {
                out.push_str(scheme);
                return scheme.len() + length;
            }
        }
    }
    named(rest, out)
}

/// `Authorization: …`, `"private-token": "…"`, `password=…`: the value behind a telling name.
fn named(rest: &str, out: &mut String) -> usize {
    let starts = |n: &&&str| rest.get(..n.len()).is_some_and(|start| start.eq_ignore_ascii_case(n));
    let Some(name) = NAMES.iter().find(starts) else { return 0 };
    let quote = usize::from(rest[name.len()..].starts_with('"'));
    let behind = &rest[name.len() + quote..];
    if !behind.starts_with([':', '=']) {
        return 0;
    }
    // `password: the one that …` is a sentence, `password=…` and `"password": "…"` are fields.
    if !name.contains('-') && !name.contains("authorization") && quote == 0 && behind.starts_with(": ") {
        return 0;
    }
    let gap = 1 + (behind[1..].len() - behind[1..].trim_start_matches([' ', '"']).len());
    let value = &behind[gap..];
    // A variable, a placeholder or stars are no secret: they stand in articles and snippets.
    let bare = ["Bearer ", "Basic "].iter().find_map(|scheme| value.strip_prefix(scheme)).unwrap_or(value);
    if bare.starts_with(['$', '<', '%', '*', '{', '\'']) || bare.starts_with(NONE) {
        return 0;
    }
    let end = value.find(['"', '\'', '\n', '\\', ',', '`', '<', '|']).unwrap_or(value.len());
    if end == 0 {
        return 0;
    }
    let head = name.len() + quote + gap;
    out.push_str(&rest[..head]);
    head + end
}

/// `user:password@` behind `://`.
fn userinfo(rest: &str, out: &str) -> usize {
    if !out.ends_with("://") {
        return 0;
    }
    let end = rest.find(['/', ' ', '\n', '"', '\'', '<', '>', '`', ')', '?', '#']).unwrap_or(rest.len());
    match rest[..end].rfind('@') {
        Some(at) if &rest[..at] != STARS && &rest[..at] != PLACEHOLDER => at,
        Some(_) | None => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn secrets_become_stars_and_what_introduces_them_stays() {
        for (given, left) in [
            ("token glpat-abcDEF123456_-x end", "token *** end"),
            ("gloas-0123456789abcdef", "***"),
            ("Authorization: Bearer abc.def\nHost: x", "Authorization: ***\nHost: x"),
            ("proxy-authorization: Basic dXNlcjpwYXNz", "proxy-authorization: ***"),
            ("{\"private-token\": \"hidden-thing\"}", "{\"private-token\": \"***\"}"),
            ("http://user:p@ss@squid:3128/", "http://***@squid:3128/"),
            ("eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln", "***"),
            ("Bearer AAAABBBBCCCC1", "Bearer ***"),
        ] {
            assert_eq!(scrub(given), left, "{given}");
            assert_eq!(scrub(left), left, "twice is once: {given}");
        }
    }

    #[test]
    fn what_articles_say_about_secrets_stays() {
        for text in [
            "proxy_set_header Authorization $http_authorization;",
            "a `glpat-` token",
            "Authorization: Bearer <token>",
            "Basic authentication is refused",
            "RequestHeader unset Authorization",
            "tls@cloud/rails at https://gitlab.example.com/a@b",
        ] {
            assert_eq!(scrub(text), text);
        }
    }

    proptest! {
        #[test]
        fn no_planted_secret_survives(before in "[ -~]{0,40}", after in "[ -~]{0,40}", tail in "[A-Za-z0-9]{12,40}") {
            let planted = [
                format!("{before} glpat-{tail} {after}"),
                format!("{before} Authorization: Bearer {tail}\n{after}"),
                format!("{before} http://me:{tail}@squid:1 {after}"),
                format!("{before} eyJ{tail}{tail} {after}"),
            ];
            for text in planted {
                prop_assert!(!before.contains(&tail) && !after.contains(&tail));
                prop_assert!(!scrub(&text).contains(&tail), "{text}");
            }
        }
    }
}
