//! Redaction: names, addresses, e-mail addresses and private issuers become stable words in everything that
//! came from outside, and the sentences are filled in again from what is left. Secrets go at every level.
//!
//! Our own words are never searched for names: a host called `proxy` must not turn every proxy of an article
//! into `host-2`.

mod keep;
mod names;

use super::{Redaction, Report, scrub};
use crate::run::event::Event;
use names::Names;
pub use names::is_hidden_host;
use serde_json::Value;
use std::net::{IpAddr, Ipv4Addr};

/// What was met in a report, and what stands for it.
#[derive(Clone, Debug)]
pub struct Hidden {
    level: Redaction,
    names: Names,
}

/// Keys whose texts are ours or of a closed set.
const OURS: [&str; 47] = [
    "schema",
    "tool",
    "started_at",
    "verdict",
    "ending",
    "id",
    "check",
    "place",
    "group",
    "title",
    "status",
    "skip",
    "phases",
    "code",
    "severity",
    "blocked_by",
    "needs",
    "evidence",
    "seen_at",
    "explains",
    "remedy",
    "stacks",
    "endpoint",
    "install",
    "roles",
    "edition",
    "gitlab_version",
    "layer",
    "kind",
    "via",
    "then",
    "alpn",
    "hello",
    "packets",
    "on_bad_certificate",
    "listen",
    "method",
    "how",
    "failed",
    "waited_for",
    "bad_certificate",
    "sha256",
    "event",
    "from",
    "until",
    "state",
    "want",
];

/// Keys whose texts are the name of a host, dotted or not.
const HOSTS: [&str; 5] = ["host", "hostname", "names", "proxy", "server"];

/// Findings whose issuer is not a public one.
const PRIVATE: [&str; 6] = [
    "tls-unknown-issuer",
    "tls-intercepted",
    "tls-intercepted-trusted",
    "tls-self-signed",
    "tls-chain-incomplete",
    "client-trust-unproven",
];

impl Hidden {
    /// Collects what a report holds. Instance, node and proxies come first and get the small numbers.
    pub fn of(report: &Report, level: Redaction) -> Hidden {
        let mut hidden = Hidden { level, names: Names::new() };
        if level == Redaction::Share {
            if let Some(name) = &report.node.hostname {
                hidden.names.add_node(name);
            }
            let mut value = super::build::value(report);
            scrub::scrub_value(&mut value);
            for part in [
                "instance",
                "node",
                "routes",
                "doors",
                "probes",
                "checks",
                "root_causes",
                "source",
                "features",
            ] {
                hidden.collect(&value[part], part);
            }
        }
        hidden
    }

    /// `3 hosts, 5 addresses, 2 issuers`; empty if nothing was hidden.
    pub fn counts(&self) -> String {
        let nouns = ["host", "address", "issuer", "e-mail address"];
        let count = |(n, noun): (usize, &str)| match (n, noun.ends_with('s')) {
            (0, _) => None,
            (n, true) if n > 1 => Some(format!("{n} {noun}es")),
            (n, _) => Some(crate::text::count(n, noun)),
        };
        self.names.counts().into_iter().zip(nouns).filter_map(count).collect::<Vec<_>>().join(", ")
    }

    /// Whether a snippet shows a word of ours in place of a name.
    pub fn changed(&self, snippet: &str) -> bool {
        self.level == Redaction::Share && self.names.shows_in(snippet)
    }

    fn collect(&mut self, value: &Value, key: &str) {
        match value {
            Value::String(text) if HOSTS.contains(&key) => self.collect_hosts(text),
            Value::String(text) if !OURS.contains(&key) => self.names.add_from(text),
            Value::Array(items) => items.iter().for_each(|item| self.collect(item, key)),
            Value::Object(fields) => {
                self.collect_issuers(fields);
                for (name, held) in fields {
                    self.collect(held, inner(key, name));
                }
            }
            Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    /// `a.corp`, `squid:3128`, `http://squid:3128`, `a.corp, b.corp and c.corp`
    fn collect_hosts(&mut self, text: &str) {
        for one in text.split(", ").flat_map(|part| part.split(" and ")) {
            let one = one.split_once("://").map_or(one, |(_, rest)| rest);
            let one = one.rsplit_once('@').map_or(one, |(_, rest)| rest);
            let one = one.split('/').next().unwrap_or(one);
            let one = match one.rsplit_once(':') {
                Some((host, port)) if port.chars().all(|c| c.is_ascii_digit()) => host,
                Some(_) | None => one,
            };
            self.names.add_host(one);
        }
    }

    /// Issuers of chains that do not end in a public root, and of findings that speak of such.
    fn collect_issuers(&mut self, fields: &serde_json::Map<String, Value>) {
        if let Some(Value::Array(chain)) = fields.get("chain")
            && fields.get("public") != Some(&Value::Bool(true))
        {
            for certificate in chain {
                self.collect_issuer(&certificate["issuer"]);
                if certificate["is_ca"] == Value::Bool(true)
                    || certificate["self_issued"] == Value::Bool(true)
                {
                    self.collect_issuer(&certificate["subject"]);
                }
            }
        }
        if let Some(Value::String(code)) = fields.get("code")
            && PRIVATE.contains(&code.as_str())
        {
            self.collect_issuer(&fields["args"]["issuer"]);
        }
    }

    fn collect_issuer(&mut self, issuer: &Value) {
        if let Some(text) = issuer.as_str() {
            self.names.add_issuer(text);
        }
    }

    /// Hides what a value holds, and its secrets.
    fn hide(&mut self, value: &mut Value, key: &str) {
        match value {
            Value::String(text) if !OURS.contains(&key) => *text = self.names.hide(text),
            Value::Array(items) => {
                for item in items {
                    match item.as_array_mut().map(Vec::as_mut_slice) {
                        // A header: its name is no secret.
                        Some([Value::String(_), held @ Value::String(_)]) => self.hide(held, ""),
                        Some(_) | None => self.hide(item, key),
                    }
                }
            }
            Value::Object(fields) => {
                for (name, held) in fields {
                    self.hide(held, inner(key, name));
                }
            }
            Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    /// A JSON value, redacted at this level.
    fn value(&mut self, mut value: Value) -> Value {
        scrub::scrub_value(&mut value);
        if self.level == Redaction::Share {
            self.collect(&value, "");
            self.hide(&mut value, "");
        }
        value
    }

    /// An event as JSON, redacted at this level.
    pub fn event(&mut self, event: &Event) -> Value {
        self.value(super::build::value(event))
    }

    /// A Markdown text whose snippets say so in a first line where names in them are hidden.
    pub fn note(&self, markdown: &str) -> String {
        let mut out: Vec<String> = Vec::new();
        let mut fence: Option<(usize, String)> = None;
        for line in markdown.lines() {
            let marker = line.trim_start();
            match (&fence, marker.strip_prefix("```")) {
                (None, Some(language)) => fence = Some((out.len() + 1, language.trim().to_owned())),
                (Some((first, language)), Some(_)) => {
                    if let (true, Some(note)) = (self.changed(&out[*first..].join("\n")), comment(language)) {
                        let indent = &line[..line.len() - marker.len()];
                        out.insert(*first, format!("{indent}{note}"));
                    }
                    fence = None;
                }
                (_, None) => {}
            }
            out.push(line.to_owned());
        }
        out.join("\n")
    }
}

/// The key by which a field is judged: among a finding's arguments no name is ours.
fn inner<'a>(outer: &str, name: &'a str) -> &'a str {
    if outer == "args" && OURS.contains(&name) { "" } else { name }
}

/// The line that says that a snippet was changed, as a comment of its language; JSON has none.
pub(super) fn comment(language: &str) -> Option<&'static str> {
    match language {
        "json" => None,
        "html" | "xml" => Some("<!-- names hidden by --redact share -->"),
        "sql" => Some("-- names hidden by --redact share"),
        _ => Some("# names hidden by --redact share"),
    }
}

/// The report with everything hidden that is to be hidden.
pub fn redacted(report: &Report, hidden: &mut Hidden) -> Report {
    let value = hidden.value(super::build::value(report));
    // Only texts that are free to say anything were touched, so it reads back; if a name defies that, what is
    // not redacted must not leave.
    let mut report: Report = match serde_json::from_value(value) {
        Ok(report) => report,
        Err(_) => Report::of(&crate::run::Run::default()),
    };
    report.put_words();
    for cause in &mut report.root_causes {
        for text in [
            &mut cause.remedy.cause,
            &mut cause.remedy.seen,
            &mut cause.remedy.fix,
            &mut cause.remedy.verify,
            &mut cause.remedy.not_it,
        ] {
            *text = hidden.note(text);
        }
    }
    report
}

/// The network that hidden addresses are read back as: reserved for ever, so never anybody's (RFC 1112, 4).
const PLACEHOLDERS: u32 = 0xf000_0000;

/// The number of a hidden address that was read back.
fn placeholder_number(address: IpAddr) -> Option<usize> {
    let IpAddr::V4(v4) = address else { return None };
    let number = v4.to_bits().checked_sub(PLACEHOLDERS).filter(|n| (1..0x1_0000).contains(n))?;
    usize::try_from(number).ok()
}

/// `address-3` and `address-3:443` as addresses that can be read: `240.0.0.3`.
pub fn placeholders(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::String(placeholder(text).unwrap_or_else(|| text.clone())),
        Value::Array(items) => items.iter().map(placeholders).collect(),
        Value::Object(fields) => fields.iter().map(|(k, v)| (k.clone(), placeholders(v))).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}

fn placeholder(text: &str) -> Option<String> {
    let rest = text.strip_prefix("address-")?;
    let (number, port) = rest.split_once(':').map_or((rest, None), |(n, p)| (n, Some(p)));
    let number: u32 = number.parse().ok().filter(|n| (1..0x1_0000).contains(n))?;
    let address = Ipv4Addr::from_bits(PLACEHOLDERS + number);
    match port {
        Some(port) => port.parse::<u16>().ok().map(|p| format!("{address}:{p}")),
        None => Some(address.to_string()),
    }
}
