//! `logs`: what GitLab's own log files on this node show. They accuse nobody by themselves: what they have stands beside
//! the cause that it is evidence for.

use crate::check::{Ask, Check, Group, Reached, Verdict};
use crate::checks::serves;
use crate::failure::Layer;
use crate::probe::{Probe, Reading};
use crate::subject::Subject;
use crate::subject::logs::{Found, Scan};
use crate::subject::place::Place;
use crate::text;

/// The logs are read.
pub(in crate::checks) static LOGS: Check = Check {
    id: "logs",
    title: "logs are read for evidence",
    group: Group::Instance,
    about: "Reads the last few megabytes of GitLab's log files on this node, counts lines that show a trouble of Duo, and \
            sets them beside the cause that they are evidence for. No text of a log is kept. --since says how far back.",
    codes: &[],
    needs: &[],
    serves: serves::nothing,
    places: |subject| if subject.node.install.is_some() { vec![Place::Node] } else { Vec::new() },
    ask: |subject, _, _| vec![Ask::whole(probe(subject))],
    judge: |subject, _, seen| match seen.reached(&probe(subject), Layer::Node) {
        Reached::Here(Reading::Logs(found)) => judge(subject, found),
        Reached::Here(_) | Reached::Failed(_) | Reached::NotYet => {
            Verdict::Unknown("the log files were not read".to_owned())
        }
    },
};

fn probe(subject: &Subject) -> Probe {
    let until = subject.started_at.as_second();
    let back = i64::try_from(subject.limits.since.as_secs()).unwrap_or(i64::MAX);
    Probe::Logs(Scan { since: until.saturating_sub(back), until })
}

fn judge(subject: &Subject, found: &Found) -> Verdict {
    let unread: Vec<String> =
        found.unread.iter().map(|u| format!("{} ({}; `{}` would tell)", u.what, u.why, u.command)).collect();
    let not = if unread.is_empty() { String::new() } else { format!(" Not read: {}.", text::list(&unread)) };
    let since = text::duration(subject.limits.since);
    match (found.read.is_empty(), found.seen.is_empty()) {
        (true, _) if !unread.is_empty() => Verdict::NotAsked(format!("not read: {}", text::list(&unread))),
        (true, true) => Verdict::NotApplicable("there are no log files of GitLab here".to_owned()),
        (_, true) => {
            let files = text::count(found.read.len(), "file");
            Verdict::pass_with(
                format!("Nothing of Duo's troubles in {files} of the last {since}.{not}"),
                files,
            )
        }
        (_, false) => {
            let lines: usize = found.seen.iter().map(|s| s.count as usize).sum();
            let mut told: Vec<&str> = found.seen.iter().map(|s| s.trace.words()).collect();
            told.dedup();
            told.truncate(3);
            Verdict::pass_with(
                format!(
                    "{} of the last {since} show a trouble of Duo: {}.{not}",
                    text::count(lines, "line"),
                    text::list(&told)
                ),
                text::count(lines, "line"),
            )
        }
    }
}
