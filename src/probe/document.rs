//! JSON documents of the instance: a request, and which fields of its answer are kept. Everything else is dropped where
//! it arrives, so that neither a report nor a screen can show what was never wanted.

use super::Request;
use crate::failure::Answer;
use crate::text;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A request whose answer is a JSON document.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Inquiry {
    /// The request.
    pub request: Request,
    /// The fields that are kept, as paths: `data.currentLicense.type`. An array is passed through, `*` is any key, and of
    /// a list of entries whose path ends in `|` those alone that contain one of `entries`.
    #[serde(skip)]
    pub keep: &'static [&'static str],
    /// Which entries of such a list are of interest: names of Duo's hosts.
    #[serde(default)]
    pub entries: Vec<String>,
    /// How long the answer may take, in seconds; 0: as long as any step of a connection.
    pub patience: u32,
}

/// What came back to an inquiry.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Document {
    /// The answer. Its body is empty where it was JSON: what is kept of that stands in `content`.
    pub answer: Answer,
    /// Its content.
    pub content: Content,
}

/// What the body of an answer is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Content {
    /// JSON: the fields that are kept, in their places.
    Json(Value),
    /// Something else: a page of somebody on the way, most likely.
    Foreign,
    /// More than any such document has.
    TooLarge,
    /// It ended, or was cut, before it was whole.
    Cut,
}

impl Document {
    /// The fields that are kept, where the answer is JSON.
    pub fn json(&self) -> Option<&Value> {
        match &self.content {
            Content::Json(value) => Some(value),
            Content::Foreign | Content::TooLarge | Content::Cut => None,
        }
    }
}

/// The longest document that is read, in bytes: `application/settings` has some 30 kB.
pub const LONGEST: usize = 2 * 1024 * 1024;

/// How many elements of an array are kept, and how many keys where any is.
const MOST: usize = 200;

/// The fields by which GitLab and its gateway say why they refuse (`lib/api/helpers.rb`; gateway.md).
pub const REASONS: &[&str] =
    &["message", "error", "error_description", "error_code", "scope", "detail", "errors.message"];

/// What is kept of a document: the fields that `keep` names, texts escaped and bounded.
pub fn kept(value: &Value, keep: &[&str], entries: &[String]) -> Value {
    let paths: Vec<Vec<&str>> = keep.iter().map(|path| path.split('.').collect()).collect();
    let paths: Vec<&[&str]> = paths.iter().map(Vec::as_slice).collect();
    at(value, &paths, entries)
}

/// What marks a path that leads to a list of entries.
const LIST: &str = "|";

/// Of a list of entries, written as a text or as an array, those of interest: nobody else's hosts are kept.
fn of_interest(list: &Value, entries: &[String]) -> Value {
    let text = match list {
        Value::String(text) => text.clone(),
        Value::Array(all) => all.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" "),
        Value::Null => String::new(),
        Value::Bool(_) | Value::Number(_) | Value::Object(_) => return Value::Null,
    };
    let text = text.to_lowercase();
    let meant = |entry: &&str| entries.iter().any(|wanted| entry.contains(wanted.as_str()));
    let found = text.split([',', ';', ' ', '\n', '\r', '\t']).filter(meant).take(MOST);
    Value::Array(found.map(|entry| Value::String(text::foreign(entry))).collect())
}

/// `paths`: what is left of every path that leads through here.
fn at(value: &Value, paths: &[&[&str]], entries: &[String]) -> Value {
    if paths.iter().any(|path| *path == [LIST]) {
        return of_interest(value, entries);
    }
    match value {
        Value::Array(all) => Value::Array(all.iter().take(MOST).map(|v| at(v, paths, entries)).collect()),
        Value::Object(all) => {
            let below = |key: &str| -> Vec<&[&str]> {
                let leads =
                    |path: &&&[&str]| path.first().is_some_and(|first| *first == key || *first == "*");
                paths.iter().filter(leads).map(|path| &path[1..]).collect()
            };
            let fields = all.iter().map(|(key, value)| (key, value, below(key)));
            let fields = fields.filter(|(_, _, below)| !below.is_empty()).take(MOST);
            Value::Object(
                fields.map(|(key, value, below)| (text::foreign(key), at(value, &below, entries))).collect(),
            )
        }
        // A path ends here, or leads to something that is not there.
        _ if !paths.iter().any(|path| path.is_empty()) => Value::Null,
        Value::String(text) => Value::String(text::escape(text, 600)),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_named_fields_are_kept_in_their_places() {
        let given = json!({
            "data": { "license": { "plan": "premium", "email": "canary", "deep": { "plan": "canary" } } },
            "list": [{ "name": "a", "secret": "canary" }, "canary", 7],
            "queues": { "default": { "latency": 1, "canary": "canary" } },
            "plan": { "name": "canary" },
            "canary": "canary"
        });
        let keep = ["data.license.plan", "data.license.absent", "list.name", "queues.*.latency", "plan"];
        assert_eq!(
            kept(&given, &keep, &[]),
            json!({
                "data": { "license": { "plan": "premium" } },
                "list": [{ "name": "a" }, null, null],
                "queues": { "default": { "latency": 1 } },
                "plan": {}
            })
        );
        assert_eq!(kept(&json!(null), &keep, &[]), json!(null));
    }

    #[test]
    fn of_a_list_of_hosts_only_those_of_interest_are_kept() {
        let long = format!("jira.acme.corp\nCloud.gitlab.com:443\n{}", "a.acme.corp ".repeat(500));
        for given in [json!({ "l": long }), json!({ "l": ["jira.acme.corp", "cloud.gitlab.com:443"] })] {
            let kept = kept(&given, &["l.|"], &["cloud.gitlab.com".to_owned()]);
            assert_eq!(kept, json!({ "l": ["cloud.gitlab.com:443"] }));
        }
        assert_eq!(kept(&json!({ "l": null }), &["l.|"], &[]), json!({ "l": [] }));
    }

    #[test]
    fn texts_are_escaped_and_bounded_and_so_are_lists() {
        let given = json!({ "a": format!("\u{1b}[2J{}", "x".repeat(2000)), "l": vec![1; 5000] });
        let kept = kept(&given, &["a", "l"], &[]);
        let text = kept["a"].as_str().expect("a text");
        assert!(text.starts_with("\\x1b[2J") && text.chars().count() < 620, "{text}");
        assert_eq!(kept["l"].as_array().map(Vec::len), Some(MOST));
    }
}
