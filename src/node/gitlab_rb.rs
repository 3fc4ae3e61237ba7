//! What `gitlab.rb` sets, read without running it; `GITLAB_OMNIBUS_CONFIG` comes first, the file wins.
//!
//! Decides which assignment holds and which were lost. Only settings that matter here are kept.

use super::env_history::EnvHistory;
use super::lexer::Broken;
use super::ruby::{Statement, Value, statements};
use crate::secret::Secret;
use crate::subject::environment::Environment;
use crate::subject::facts::{Bystander, EnvHash, EnvVariable, Repeated};
use std::collections::BTreeMap;

/// The text of one source and its name: `/etc/gitlab/gitlab.rb`, `GITLAB_OMNIBUS_CONFIG`.
pub(super) struct Source<'a> {
    pub(super) name: &'a str,
    pub(super) text: &'a str,
}

/// Where the file stands.
pub(super) const FILE: &str = "/etc/gitlab/gitlab.rb";

/// What all sources together set.
#[derive(Debug, Default)]
pub(super) struct Settings {
    top: BTreeMap<String, Setting>,
    /// Something may have set anything before this point: what is not set behind it is not known.
    is_opaque: bool,
    /// `['env']` hashes that were assigned more than once.
    pub(super) repeated: Vec<Repeated>,
    /// What assignments of these hashes said that a later one replaced.
    pub(super) replaced: Vec<Bystander>,
    /// Where `sidekiq['env']` is set.
    pub(super) sidekiq_env: Option<String>,
    /// What only Ruby can evaluate.
    pub(super) unevaluated: Vec<String>,
}

/// A setting as it stands in the end.
#[derive(Clone, Debug)]
enum Setting {
    /// `gitlab_rails`, `gitlab_rails['env']`: what is set below it, and whether that is all.
    Below(BTreeMap<String, Setting>),
    /// A value with its place.
    Is(Value, String),
    /// Only Ruby can tell.
    Unknown,
}

/// What is asked of a setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer<T> {
    /// It is set to this.
    Is(T),
    /// It is not set: GitLab's own default holds.
    Default,
    /// Only Ruby can tell.
    Unknown,
}

/// The settings that are kept, by the first name.
const KEPT: [&str; 38] = [
    "external_url",
    "roles",
    "gitlab_rails",
    "gitlab_workhorse",
    "gitlab_kas",
    "gitlab_pages",
    "gitaly",
    "registry",
    "sidekiq",
    "puma",
    "nginx",
    "postgresql",
    "redis",
    "praefect",
    "patroni",
    "consul",
    "pgbouncer",
    "sentinel",
    "redis_sentinel",
    "prometheus",
    "geo_secondary",
    "geo_postgresql",
    "geo_logcursor",
    "application_role",
    "sidekiq_role",
    "gitaly_role",
    "praefect_role",
    "postgres_role",
    "patroni_role",
    "pgbouncer_role",
    "consul_role",
    "redis_master_role",
    "redis_replica_role",
    "redis_sentinel_role",
    "geo_primary_role",
    "geo_secondary_role",
    "monitoring_role",
    "pages_role",
];

/// Settings below these that are worth a word when only Ruby can tell them.
fn is_asked_for(path: &[String]) -> bool {
    match path {
        // `external_url`, `roles`; or a hash of which a computed key is set.
        [_] => true,
        [_, key, ..] => ["env", "enable"].contains(&key.as_str()),
        [] => false,
    }
}

/// Reads all sources, in the order in which they are evaluated.
///
/// # Errors
/// One of them never ends; its name stands before the reason.
pub(super) fn read(sources: &[Source]) -> Result<Settings, String> {
    let mut settings = Settings::default();
    let mut envs: BTreeMap<String, EnvHistory> = BTreeMap::new();
    for source in sources {
        let found = statements(source.text)
            .map_err(|Broken { line, why }| format!("{} line {line}: {why}", source.name))?;
        for statement in found {
            match statement {
                Statement::Opaque { word, line } => settings.forget(&word, source.name, line),
                Statement::Set { path, line, value } => {
                    settings.set(&mut envs, source.name, &path, line, value);
                }
            }
        }
    }
    settings.replaced = envs.iter().flat_map(|(key, env)| env.replaced(key)).collect();
    settings.repeated = envs.into_iter().filter_map(|(key, env)| env.repeated(&key)).collect();
    settings.unevaluated.dedup();
    Ok(settings)
}

impl Settings {
    /// Another file was taken in: everything so far may have been replaced.
    fn forget(&mut self, word: &str, source: &str, line: usize) {
        self.top.clear();
        self.is_opaque = true;
        self.unevaluated.push(format!("{word} {}", at(source, line)));
    }

    fn set(
        &mut self,
        envs: &mut BTreeMap<String, EnvHistory>,
        source: &str,
        path: &[String],
        line: usize,
        value: Value,
    ) {
        let Some(first) = path.first().filter(|first| KEPT.contains(&first.as_str())) else { return };
        let place = format!("{source} line {line}");
        let shown = || path[1..].iter().fold(first.clone(), |shown, key| shown + "['" + key + "']");
        if value == Value::Unknown && is_asked_for(path) {
            self.unevaluated.push(format!("{} {}", shown(), at(source, line)));
        }
        if path.get(1).is_some_and(|key| key == "env") {
            if first == "sidekiq" {
                self.sidekiq_env.get_or_insert_with(|| place.clone());
            }
            if let Value::Hash(entries) = &value {
                for (key, line, _) in entries.iter().filter(|(_, _, value)| *value == Value::Unknown) {
                    self.unevaluated.push(format!("{}['{key}'] {}", shown(), at(source, *line)));
                }
            }
            envs.entry(format!("{first}['env']")).or_default().note(&path[2..], &value, &place);
        }
        place_below(&mut self.top, path, setting(value, source, line), self.is_opaque);
    }

    fn find(&self, path: &[&str]) -> Answer<&Setting> {
        let not_there = if self.is_opaque { Answer::Unknown } else { Answer::Default };
        let mut here = &self.top;
        for (i, key) in path.iter().enumerate() {
            match here.get(*key) {
                Some(Setting::Unknown) => return Answer::Unknown,
                Some(found) if i + 1 == path.len() => return Answer::Is(found),
                Some(Setting::Below(below)) => here = below,
                Some(Setting::Is(..)) => return Answer::Unknown,
                None => return not_there,
            }
        }
        not_there
    }

    /// A text.
    pub(super) fn text(&self, path: &[&str]) -> Answer<&Secret> {
        match self.find(path) {
            Answer::Is(Setting::Is(Value::Text(text), _)) => Answer::Is(text),
            Answer::Is(_) | Answer::Unknown => Answer::Unknown,
            Answer::Default => Answer::Default,
        }
    }

    /// A truth value.
    pub(super) fn truth(&self, path: &[&str]) -> Answer<bool> {
        match self.find(path) {
            Answer::Is(Setting::Is(Value::Truth(truth), _)) => Answer::Is(*truth),
            Answer::Is(_) | Answer::Unknown => Answer::Unknown,
            Answer::Default => Answer::Default,
        }
    }

    /// A text or a list of texts.
    pub(super) fn words(&self, path: &[&str]) -> Answer<Vec<&str>> {
        match self.find(path) {
            Answer::Is(Setting::Is(Value::Text(one), _)) => Answer::Is(vec![one.expose()]),
            Answer::Is(Setting::Is(Value::List(items), _)) => {
                items.iter().map(text_of).collect::<Option<_>>().map_or(Answer::Unknown, Answer::Is)
            }
            Answer::Is(_) | Answer::Unknown => Answer::Unknown,
            Answer::Default => Answer::Default,
        }
    }

    /// A port, as a number or a text.
    pub(super) fn port(&self, path: &[&str]) -> Answer<u16> {
        let port = match self.find(path) {
            Answer::Is(Setting::Is(Value::Number(number), _)) => u16::try_from(*number).ok(),
            Answer::Is(Setting::Is(Value::Text(text), _)) => text.expose().trim().parse().ok(),
            Answer::Is(_) | Answer::Unknown => None,
            Answer::Default => return Answer::Default,
        };
        port.map_or(Answer::Unknown, Answer::Is)
    }

    /// A hash of texts, in the order of its keys; what is `nil` has no text.
    pub(super) fn texts(&self, path: &[&str]) -> Answer<Vec<(&str, Option<&str>)>> {
        let below = match self.find(path) {
            Answer::Is(Setting::Below(below)) => below,
            Answer::Is(_) | Answer::Unknown => return Answer::Unknown,
            Answer::Default => return Answer::Default,
        };
        let mut texts = Vec::new();
        for (key, setting) in below {
            match setting {
                Setting::Is(Value::Text(text), _) => texts.push((key.as_str(), Some(text.expose()))),
                Setting::Is(Value::Nil, _) => texts.push((key.as_str(), None)),
                Setting::Is(..) | Setting::Below(_) | Setting::Unknown => return Answer::Unknown,
            }
        }
        Answer::Is(texts)
    }

    /// Whether a setting is given a value of its own, be it one that only Ruby can tell. `nil` is none.
    pub(super) fn is_given(&self, path: &[&str]) -> bool {
        match self.find(path) {
            Answer::Is(Setting::Is(Value::Nil, _)) | Answer::Default => false,
            Answer::Is(_) | Answer::Unknown => true,
        }
    }

    /// Where a setting stands: `/etc/gitlab/gitlab.rb line 12`.
    pub(super) fn place(&self, path: &[&str]) -> Option<&str> {
        match self.find(path) {
            Answer::Is(Setting::Is(_, place)) => Some(place),
            Answer::Is(_) | Answer::Default | Answer::Unknown => None,
        }
    }

    /// Whether anything is set below a name; `None`: only Ruby can tell.
    pub(super) fn is_touched(&self, name: &str) -> Option<bool> {
        match self.find(&[name]) {
            Answer::Is(_) => Some(true),
            Answer::Default => Some(false),
            Answer::Unknown => None,
        }
    }

    /// `NAME['env']` as it stands; `None`: it is not set.
    pub(super) fn env_hash(&self, name: &str) -> Option<EnvHash> {
        let variables = match self.find(&[name, "env"]) {
            Answer::Is(Setting::Below(below)) => {
                Some(below.iter().map(|(name, s)| env_variable(name, s)).collect())
            }
            Answer::Default => return None,
            Answer::Is(_) | Answer::Unknown => None,
        };
        Some(EnvHash { key: format!("{name}['env']"), variables })
    }

    /// The environment that `NAME['env']` gives. `None`: Ruby alone can tell a variable that matters.
    pub(super) fn environment(&self, name: &str) -> Option<Environment> {
        let below = match self.find(&[name, "env"]) {
            Answer::Is(Setting::Below(below)) => below,
            Answer::Default => return Some(Environment::default()),
            Answer::Is(_) | Answer::Unknown => return None,
        };
        let mut environment = Environment::default();
        for (key, setting) in below {
            match setting {
                Setting::Is(Value::Text(text), place) => environment.set(key, text.expose(), place.as_str()),
                Setting::Is(Value::Number(_) | Value::Nil | Value::Other, _) => {}
                Setting::Is(..) | Setting::Below(_) | Setting::Unknown => {
                    if Environment::keeps(key) {
                        return None;
                    }
                }
            }
        }
        Some(environment)
    }
}

fn env_variable(name: &str, setting: &Setting) -> EnvVariable {
    let (value, place) = match setting {
        Setting::Is(Value::Text(text), place) => (Some(text.clone()), place.clone()),
        Setting::Is(_, place) => (None, place.clone()),
        Setting::Below(_) | Setting::Unknown => (None, String::new()),
    };
    EnvVariable { name: name.to_owned(), value, place }
}

pub(super) fn text_of(value: &Value) -> Option<&str> {
    match value {
        Value::Text(text) => Some(text.expose()),
        Value::Truth(_)
        | Value::Number(_)
        | Value::Nil
        | Value::Other
        | Value::List(_)
        | Value::Hash(_)
        | Value::Unknown => None,
    }
}

fn at(source: &str, line: usize) -> String {
    if source == FILE { format!("(line {line})") } else { format!("({source} line {line})") }
}

/// A value with its place; hashes become settings below each other.
fn setting(value: Value, source: &str, line: usize) -> Setting {
    match value {
        Value::Unknown => Setting::Unknown,
        Value::Hash(entries) => {
            let below = entries.into_iter().map(|(key, line, value)| (key, setting(value, source, line)));
            Setting::Below(below.collect())
        }
        value @ (Value::Text(_)
        | Value::Truth(_)
        | Value::Number(_)
        | Value::Nil
        | Value::Other
        | Value::List(_)) => Setting::Is(value, format!("{source} line {line}")),
    }
}

/// Puts a setting where its path leads.
fn place_below(top: &mut BTreeMap<String, Setting>, path: &[String], setting: Setting, is_opaque: bool) {
    let Some((last, way)) = path.split_last() else { return };
    let mut here = top;
    for (depth, key) in way.iter().enumerate() {
        // Behind a file that was taken in, a hash of which one key is set may have others.
        let fresh = if is_opaque && depth > 0 { Setting::Unknown } else { Setting::Below(BTreeMap::new()) };
        match here.entry(key.clone()).or_insert(fresh) {
            Setting::Below(below) => here = below,
            // What is only partly known stays unknown.
            Setting::Unknown => return,
            other @ Setting::Is(..) => {
                *other = Setting::Unknown;
                return;
            }
        }
    }
    here.insert(last.clone(), setting);
}
