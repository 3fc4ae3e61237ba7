//! NGINX's logs: what clients got, and what it says of what stands behind it.

use super::evidence::{Evidence, Shown};
use super::rails::told;
use super::requests::{Teller, request, verdict};
use super::times;
use super::words::holds;
use crate::subject::logs::Trace;
use jiff::tz::TimeZone;

/// What it says of what stands behind it, and of bodies.
const ERRORS: [(&str, Trace); 7] = [
    ("client intended to send too large body", Trace::NginxBodyLimit),
    ("while connecting to upstream", Trace::NginxConnect),
    ("upstream prematurely closed connection", Trace::NginxUpstream),
    ("upstream timed out", Trace::NginxUpstream),
    ("upstream sent invalid header", Trace::NginxUpstream),
    ("no live upstreams", Trace::NginxUpstream),
    ("while reading response header from upstream", Trace::NginxUpstream),
];

/// A line of the access log: `… [27/Nov/2026:10:00:00 +0000] "GET /-/cable HTTP/1.1" 101 …`, as GitLab's
/// `log_format` begins. NGINX writes a quote inside a field as `\x22`.
pub(super) fn access(line: &str) -> Option<Evidence> {
    let (_, rest) = line.split_once(" [")?;
    let (time, rest) = rest.split_once("] \"")?;
    let (asked, rest) = rest.split_once("\" ")?;
    let request = request(asked.split(' ').nth(1)?)?;
    let status = rest.split(' ').next().filter(|status| status.len() == 3)?.parse().ok()?;
    Some(told(times::access(time), verdict(request, status, Teller::Nginx)?, status))
}

/// A line of the error log: `2026/11/27 10:00:00 [error] 12#0: *34 upstream …, request: "GET /-/cable HTTP/1.1", …`.
pub(super) fn error(line: &str, zone: &TimeZone) -> Option<Evidence> {
    let at = line.get(..19).and_then(|time| times::error(time, zone));
    // What NGINX itself says stands before what the client sent.
    let (said, rest) = line.split_once(", client: ")?;
    let (fragment, trace) = ERRORS.iter().find(|(fragment, _)| holds(said, fragment))?;
    let asked = rest.split_once("request: \"").map(|(_, asked)| asked).unwrap_or_default();
    let request = request(asked.split([' ', '"']).nth(1).unwrap_or_default());
    // Without a connection nothing works; the rest counts for requests of GitLab Duo.
    let counts = request.is_some() || *trace == Trace::NginxConnect;
    counts.then(|| Evidence { at, cause: Some(*trace), outcome: None, shown: Shown::new(&[fragment], "") })
}
