//! Reading GitLab's own health check: the report that the Admin page offers, the one that the rake task writes (its
//! errors are an object of arrays), and the answer of GraphQL. Bounded; anything else is one clear sentence.

use super::{Details, ProbeResult};
use crate::text;
use serde_json::Value;
use thiserror::Error;

/// The largest report that is read, in bytes. A real one has some 20 kB: the licence is in it.
pub const MAX_BYTES: usize = 2 * 1024 * 1024;

/// The most results. GitLab has some 15 tests.
pub const MAX_RESULTS: usize = 100;

/// The most characters of a line of a message or an error; a gateway's whole answer may stand in one.
const LINE: usize = 600;

/// The most lines of a message, and the most errors.
const LINES: usize = 20;

/// The most characters of a name.
const NAME: usize = 60;

/// Why it is no such report: a sentence to stand behind the file's name.
#[derive(Debug, PartialEq, Eq, Error)]
pub enum ReadError {
    /// Larger than `MAX_BYTES`.
    #[error("is larger than 2 MiB: no health check report of GitLab's is")]
    TooLarge,
    /// More than `MAX_RESULTS`.
    #[error("has {0} results: no health check report of GitLab's has more than {MAX_RESULTS}")]
    TooMany(usize),
    /// None at all.
    #[error("is a health check report of GitLab's without a result")]
    Empty,
    /// GitLab did not run its check.
    #[error("holds no results: GitLab answered \"{0}\"")]
    Refused(String),
    /// Another shape.
    #[error("is not a health check report of GitLab's: {0}")]
    Shape(String),
}

/// The results of a JSON value, wherever they stand in it; `None`: it is nothing of the kind.
fn results(value: &Value) -> Option<&Value> {
    if value.is_array() {
        return Some(value);
    }
    let status = value.pointer("/data/cloudConnectorStatus").or_else(|| value.get("cloudConnectorStatus"));
    let holder = status.unwrap_or(value);
    ["probeResults", "probe_results"].iter().find_map(|name| holder.get(*name)).or(status)
}

/// Whether a JSON value is a health check of GitLab's, whole or not.
pub fn is_one(value: &Value) -> bool {
    let is_result = |v: &Value| v.get("name").is_some() && v.get("success").is_some();
    match results(value) {
        Some(Value::Array(all)) => all.is_empty() || all.iter().any(is_result),
        // GraphQL's answer where it was refused.
        Some(_) => true,
        None => false,
    }
}

/// Reads the results in their order.
///
/// # Errors
/// It has another shape, too many results, or none.
pub fn read(value: &Value) -> Result<Vec<ProbeResult>, ReadError> {
    let Some(Value::Array(all)) = results(value) else {
        let said = value.pointer("/errors/0/message").and_then(Value::as_str);
        return Err(match said {
            Some(said) => ReadError::Refused(text::foreign(said)),
            None => ReadError::Shape("it holds no array of results".to_owned()),
        });
    };
    if all.len() > MAX_RESULTS {
        return Err(ReadError::TooMany(all.len()));
    }
    if all.is_empty() {
        return Err(ReadError::Empty);
    }
    all.iter().enumerate().map(|(i, value)| result(i + 1, value)).collect()
}

fn result(number: usize, value: &Value) -> Result<ProbeResult, ReadError> {
    let wrong = |what: &str| ReadError::Shape(format!("result {number} {what}"));
    let name = value.get("name").and_then(Value::as_str).map(name).unwrap_or_default();
    if name.is_empty() {
        return Err(wrong("has no name"));
    }
    let success = match value.get("success") {
        Some(Value::Bool(success)) => Some(*success),
        Some(Value::Null) => None,
        Some(Value::Number(_) | Value::String(_) | Value::Array(_) | Value::Object(_)) => {
            return Err(wrong("says neither true nor false"));
        }
        None => return Err(wrong("does not say whether it passed")),
    };
    let message = match value.get("message") {
        Some(Value::String(message)) => lines(message),
        Some(Value::Null) | None => String::new(),
        Some(Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
            return Err(wrong("has a message that is no text"));
        }
    };
    Ok(ProbeResult {
        name,
        success,
        message,
        errors: errors(value.get("errors").unwrap_or(&Value::Null)),
        details: value.get("details").map(Details::of).unwrap_or_default(),
    })
}

/// A name as GitLab forms them; what else stands in it becomes `_`.
fn name(text: &str) -> String {
    let letter = |c: char| if c.is_ascii_lowercase() || c.is_ascii_digit() { c } else { '_' };
    text.trim().to_ascii_lowercase().chars().take(NAME).map(letter).collect()
}

/// A text with its line ends, each line escaped and bounded.
fn lines(text: &str) -> String {
    text.lines()
        .take(LINES)
        .map(|line| text::escape(line, LINE))
        .collect::<Vec<_>>()
        .join("\n")
        .trim()
        .to_owned()
}

/// An array of texts, or an object of such arrays.
fn errors(value: &Value) -> Vec<String> {
    let texts = |value: &Value| -> Vec<String> {
        match value {
            Value::String(text) => vec![lines(text)],
            Value::Array(all) => all.iter().filter_map(Value::as_str).map(lines).collect(),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => Vec::new(),
        }
    };
    let mut all = match value {
        Value::Object(fields) => fields.values().flat_map(texts).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => texts(value),
    };
    all.truncate(LINES);
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::{any, prop_assert, proptest};
    use serde_json::json;

    #[test]
    fn the_same_is_read_from_all_three_shapes() {
        let page = json!([{ "name": "host_probe", "success": false, "message": "no", "errors": ["a", "b"], "details": {} }]);
        let rake = json!([{ "name": "host_probe", "success": false, "message": "no", "errors": { "base": ["a", "b"] } }]);
        let graphql =
            json!({ "data": { "cloudConnectorStatus": { "success": false, "probeResults": page } } });
        for shape in [&page, &rake, &graphql] {
            let read = read(shape).expect("a report");
            assert!(is_one(shape));
            assert_eq!(
                (read[0].name.as_str(), read[0].success, read[0].errors.len()),
                ("host_probe", Some(false), 2)
            );
        }
    }

    #[test]
    fn anything_else_is_a_sentence() {
        let one = |value: Value| json!([value]);
        let refused =
            json!({ "data": { "cloudConnectorStatus": null }, "errors": [{ "message": "may not" }] });
        for (given, says) in [
            (json!([]), "without a result"),
            (json!({}), "holds no array of results"),
            (refused, "GitLab answered \"may not\""),
            (one(json!(7)), "result 1 has no name"),
            (one(json!({ "name": "a" })), "result 1 does not say whether it passed"),
            (one(json!({ "name": "a", "success": "yes" })), "neither true nor false"),
            (one(json!({ "name": "a", "success": true, "message": [] })), "a message that is no text"),
            (json!(vec![json!({ "name": "a", "success": true }); 101]), "has 101 results"),
        ] {
            let said = read(&given).expect_err("no report").to_string();
            assert!(said.contains(says), "{said:?} does not say {says:?}");
        }
    }

    #[test]
    fn texts_are_escaped_and_bounded_and_keep_their_line_ends() {
        let long = "x".repeat(5_000);
        let given = json!([{
            "name": "Host\u{1b}[2J Probe", "success": null,
            "message": format!("a\u{1b}[2J.\n\nb {long}"), "errors": vec![long; 500]
        }]);
        let read = &read(&given).expect("a report")[0];
        assert_eq!(read.name, "host__2j_probe");
        assert!(
            read.message.starts_with("a\\x1b[2J.\n\nb xxx") && read.message.len() < 700,
            "{}",
            read.message
        );
        assert_eq!((read.errors.len(), read.errors[0].chars().count()), (LINES, LINE + 1));
    }

    proptest! {
        #[test]
        fn no_text_is_kept_raw(text in any::<String>()) {
            let read = read(&json!([{ "name": "a", "success": false, "message": text, "errors": [text] }]));
            let read = &read.expect("a report")[0];
            prop_assert!(read.message.chars().chain(read.errors[0].chars()).all(|c| c == '\n' || !c.is_control()));
        }
    }
}
