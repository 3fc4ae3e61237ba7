//! What one line is evidence of, and the counting of lines.
//!
//! What is shown of a line can hold only words of this program and a number: the types let nothing else in.

use super::words;
use crate::subject::logs::{Scan, Seen, Trace};
use std::collections::BTreeMap;

/// What a line shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Evidence {
    /// When, Unix seconds; `None`: no time could be read in it.
    pub(super) at: Option<i64>,
    /// What was the matter.
    pub(super) cause: Option<Trace>,
    /// What came of it, where the line says that as well.
    pub(super) outcome: Option<Trace>,
    /// What may be shown.
    pub(super) shown: Shown,
}

/// What of a line may be shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Shown {
    /// Classes and fragments from our own tables.
    pub(super) words: Vec<&'static str>,
    /// An HTTP status.
    pub(super) status: Option<u16>,
    /// Duo's own public hosts.
    pub(super) hosts: Vec<&'static str>,
}

impl Shown {
    /// These words, and the hosts that a text names.
    pub(super) fn new(words: &[&'static str], text: &str) -> Self {
        Self { words: words.to_vec(), status: None, hosts: words::hosts(text) }
    }

    fn sample(&self) -> String {
        let mut parts: Vec<String> = self.words.iter().map(|word| (*word).to_owned()).collect();
        parts.extend(self.status.map(|status| format!("status {status}")));
        parts.extend(self.hosts.iter().map(|host| (*host).to_owned()));
        parts.join(", ")
    }
}

/// The lines of a file, counted.
pub(super) struct Tally<'a> {
    scan: &'a Scan,
    file: &'a str,
    /// When the file was last changed: the time of lines that tell none.
    changed: i64,
    seen: BTreeMap<Trace, Seen>,
}

impl<'a> Tally<'a> {
    pub(super) fn new(scan: &'a Scan, file: &'a str, changed: i64) -> Self {
        Self { scan, file, changed, seen: BTreeMap::new() }
    }

    /// Counts a line, if it lies within the time that is asked for. One without a time lies there if the file was
    /// changed since.
    pub(super) fn count(&mut self, line: &Evidence) {
        let at = line.at.unwrap_or(self.changed.min(self.scan.until));
        if !(self.scan.since..=self.scan.until).contains(&at) {
            return;
        }
        for trace in line.cause.into_iter().chain(line.outcome) {
            let seen = self.seen.entry(trace).or_insert_with(|| Seen {
                trace,
                file: self.file.to_owned(),
                count: 0,
                first: at,
                last: at,
                hosts: Vec::new(),
                sample: String::new(),
            });
            seen.count = seen.count.saturating_add(1);
            seen.first = seen.first.min(at);
            if at >= seen.last {
                seen.last = at;
                seen.sample = line.shown.sample();
            }
            for host in &line.shown.hosts {
                if let Err(place) = seen.hosts.binary_search_by(|known| known.as_str().cmp(host)) {
                    seen.hosts.insert(place, (*host).to_owned());
                }
            }
        }
    }

    /// What was counted, causes first.
    pub(super) fn seen(self) -> impl Iterator<Item = Seen> {
        self.seen.into_values()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(at: Option<i64>, text: &str) -> Evidence {
        let cause = Some(Trace::DnsFailed);
        Evidence { at, cause, outcome: Some(Trace::SyncFailed), shown: Shown::new(&["getaddrinfo"], text) }
    }

    #[test]
    fn lines_are_counted_by_cause_and_outcome_with_their_times_and_hosts() {
        let scan = Scan { since: 100, until: 200 };
        let mut tally = Tally::new(&scan, "log", 0);
        for (at, text) in [(150, "customers.gitlab.com"), (120, "cloud.gitlab.com"), (150, "")] {
            tally.count(&line(Some(at), text));
        }
        let seen: Vec<Seen> = tally.seen().collect();
        assert_eq!([seen[0].trace, seen[1].trace], [Trace::DnsFailed, Trace::SyncFailed]);
        assert_eq!((seen[0].count, seen[0].first, seen[0].last), (3, 120, 150));
        assert_eq!(seen[0].hosts, ["cloud.gitlab.com", "customers.gitlab.com"]);
        assert_eq!(seen[0].sample, "getaddrinfo", "the last line's");
    }

    #[test]
    fn lines_outside_the_time_that_is_asked_for_are_passed_over() {
        let count = |at, changed| {
            let scan = Scan { since: 100, until: 200 };
            let mut tally = Tally::new(&scan, "log", changed);
            tally.count(&line(at, ""));
            tally.seen().map(|seen| (seen.first, seen.last)).next()
        };
        assert_eq!((count(Some(99), 150), count(Some(201), 150)), (None, None));
        assert_eq!((count(Some(100), 0), count(Some(200), 0)), (Some((100, 100)), Some((200, 200))));
        assert_eq!((count(None, 99), count(None, 150)), (None, Some((150, 150))), "the file's last change");
        assert_eq!(count(None, 250), Some((200, 200)), "it is still being written");
    }
}
