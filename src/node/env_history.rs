//! The history of an `['env']` hash of `gitlab.rb`: what each assignment set, and what a later one lost.

use super::gitlab_rb::text_of;
use super::ruby::Value;
use crate::subject::environment::Environment;
use crate::subject::facts::{Bystander, Repeated};
use std::collections::BTreeSet;

/// The history of one `['env']` hash.
#[derive(Default)]
pub(super) struct EnvHistory {
    /// Where the whole hash was assigned.
    places: Vec<String>,
    /// Every variable that was ever set.
    ever: Vec<String>,
    /// Those that are set in the end; `None`: only Ruby can tell.
    now: Option<Vec<String>>,
    /// What each assignment of the whole hash set, as far as it is plain text.
    assigned: Vec<Environment>,
}

impl EnvHistory {
    /// Takes one assignment in: of the whole hash, or of a variable below it.
    pub(super) fn note(&mut self, below: &[String], value: &Value, place: &str) {
        let (replaces, names) = match (below, value) {
            ([], Value::Hash(entries)) => (true, Some(entries.iter().map(|(key, ..)| key.clone()).collect())),
            (
                [],
                Value::Unknown
                | Value::Text(_)
                | Value::Truth(_)
                | Value::Number(_)
                | Value::Nil
                | Value::Other
                | Value::List(_),
            ) => (false, None),
            ([name, ..], _) => (false, Some(vec![name.clone()])),
        };
        let Some(names): Option<Vec<String>> = names else {
            self.now = None;
            return;
        };
        self.ever.extend(names.iter().cloned());
        if let ([], Value::Hash(entries)) = (below, value) {
            let texts =
                entries.iter().filter_map(|(key, _, value)| Some((key.clone(), text_of(value)?.to_owned())));
            self.assigned.push(Environment::of(texts, place));
        }
        if replaces {
            self.places.push(place.to_owned());
            self.now = Some(names);
        } else if self.places.is_empty() && self.now.is_none() {
            self.now = Some(names);
        } else if let Some(now) = &mut self.now {
            now.extend(names);
        }
    }

    /// Every assignment but the last: no component gets what it says.
    pub(super) fn replaced(&self, key: &str) -> Vec<Bystander> {
        let earlier = self.assigned.len().saturating_sub(1);
        let bystander = |(place, environment): (&String, &Environment)| Bystander {
            place: format!("an assignment of {key} that a later one replaces, {place}"),
            environment: environment.clone(),
        };
        self.places.iter().zip(&self.assigned).take(earlier).map(bystander).collect()
    }

    /// What is to be said where the whole hash was assigned more than once.
    pub(super) fn repeated(self, key: &str) -> Option<Repeated> {
        let mut lost: Vec<String> = match self.now {
            Some(now) => {
                let now: BTreeSet<String> = now.into_iter().collect();
                self.ever.into_iter().filter(|name| !now.contains(name)).collect()
            }
            None => Vec::new(),
        };
        lost.sort();
        lost.dedup();
        (self.places.len() > 1).then(|| Repeated { key: key.to_owned(), places: self.places, lost })
    }
}
