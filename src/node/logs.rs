//! Looks through GitLab's own log files for the traces of Duo's troubles: the last few megabytes of each, in pieces.
//!
//! Decides what is read and what is counted. No text of a log leaves this room. Rotated files are not read.

mod evidence;
mod fields;
mod jobs;
mod lines;
mod nginx;
mod rails;
mod requests;
mod sources;
mod times;
mod words;
mod workhorse;

use super::install::{container, install};
use super::reading::Reading;
use super::root::{Root, Tail, Unreadable};
use crate::subject::Install;
use crate::subject::logs::{Found, Read, Scan};
use crate::text;
use evidence::{Evidence, Tally};
use fields::Fields;
use jiff::tz::TimeZone;
use lines::{Begin, each_line};
use sources::{Kind, sources};

/// How much of each file is read, from its end: on a busy instance the last minutes to hours.
const MOST: u64 = 4 << 20;

/// The longest line that is looked at. An exception with its backtrace has some 30 KiB; longer are prompts, which
/// are written out where AI logs are turned on.
const LONGEST: usize = 512 << 10;

/// Looks through the logs of this node.
pub fn scan(root: &Root, scan: &Scan) -> Found {
    let mut found = Found::default();
    let Some(install) = install(root, &container(root)) else { return found };
    let reading = Reading::new(root);
    let zone = times::zone(root);
    let mut buffer = vec![0; LONGEST];
    for (kind, path) in sources(root, install) {
        match root.tail(&path, MOST) {
            Ok(tail) => {
                let source = Source { kind, path, tail, zone: &zone };
                file(&reading, scan, source, &mut buffer, &mut found);
            }
            Err(why) => lost(&reading, &path, why),
        }
    }
    if install == Install::Helm && found.read.is_empty() {
        let why = "in a pod the logs go to the container's output";
        reading.note("GitLab's logs", why, "kubectl logs -l app=webservice --all-containers --since=24h");
    }
    found.unread = reading.into_unread();
    found
}

/// A log that was opened.
struct Source<'a> {
    kind: Kind,
    path: String,
    tail: Tail,
    zone: &'a TimeZone,
}

/// Reads one log and adds what it shows.
fn file(reading: &Reading, scan: &Scan, source: Source, buffer: &mut [u8], found: &mut Found) {
    let Source { kind, path, mut tail, zone } = source;
    let path = text::foreign(&path);
    let mut tally = Tally::new(scan, &path, tail.changed);
    let finders = kind.finders();
    let mut last = None;
    let begin = if tail.whole { Begin::Start } else { Begin::Middle };
    let (bytes, end) = each_line(&mut tail, begin, buffer, |line| {
        if finders.iter().any(|finder| finder.find(line).is_some())
            && let Some(evidence) = evidence(kind, line, zone, &mut last)
        {
            tally.count(&evidence);
        }
    });
    found.seen.extend(tally.seen());
    if end.is_err() {
        lost(reading, &path, Unreadable::Odd("it could not be read to its end"));
    }
    found.read.push(Read { path, bytes, whole: tail.whole && end.is_ok() });
}

/// Remembers a log that is there and could not be read.
fn lost(reading: &Reading, path: &str, why: Unreadable) {
    reading.lost(path, why, &format!("sudo tail -n 1000 {path}"));
}

/// What a line shows. `last` is the time that holds for lines without one of their own.
fn evidence(kind: Kind, line: &[u8], zone: &TimeZone, last: &mut Option<i64>) -> Option<Evidence> {
    match kind {
        Kind::Llm => of_json(line, rails::llm),
        Kind::Exceptions => of_json(line, rails::exception),
        Kind::Application => of_json(line, rails::event),
        Kind::ProductionJson => of_json(line, rails::request_line),
        Kind::Api => of_json(line, rails::api),
        Kind::Jobs => of_json(line, jobs::job),
        Kind::Workhorse => of_json(line, workhorse::line),
        Kind::Production => rails::text_line(std::str::from_utf8(line).ok()?, last),
        Kind::Access => nginx::access(std::str::from_utf8(line).ok()?),
        Kind::Errors => nginx::error(std::str::from_utf8(line).ok()?, zone),
    }
}

/// What a line of JSON shows, behind what svlogd may have put before it.
fn of_json(line: &[u8], judge: fn(&Fields) -> Option<Evidence>) -> Option<Evidence> {
    let (time, line) = times::svlogd(line);
    let evidence = judge(&Fields::read(line)?)?;
    Some(Evidence { at: evidence.at.or(time), ..evidence })
}
