//! A WebSocket's handshake, row by row: left what was sent, right what came; ✗ marks what should have come.
//!
//! ```text
//!  sent to public                          answered after 48 ms
//!  GET /-/cable HTTP/1.1                 ✗ HTTP/1.1 400 Bad Request       101 due
//!  Host: gitlab.example.com                Server: Apache/2.4.57 (Debian)
//!  Upgrade: websocket                    ✗ –                              missing
//!  Connection: Upgrade                   ✗ Connection: close
//! ```

use super::hops;
use super::lines::{self, Row};
use super::probes;
use crate::failure::{Headers, Layer};
use crate::probe::{Probe, Reading, Sample, Then, Upgrade, Version};
use crate::run::ProbeState;
use crate::run::Status;
use crate::text;
use crate::tui::model::Model;
use crate::tui::theme::Role;
use ratatui::text::Line;

/// Below this many columns what came stands below what was sent.
const NARROW: usize = 60;

/// A row of the answer.
struct Came {
    text: String,
    /// What should have come in its place: `101 due`, `missing`. Empty beside ✗: it is seen at a glance.
    due: Option<&'static str>,
}

impl Came {
    fn well(text: String) -> Self {
        Self { text, due: None }
    }

    fn wrong(text: String, due: &'static str) -> Self {
        Self { text, due: Some(due) }
    }
}

/// The handshake of a probe; empty where it is none.
pub fn lines(model: &Model, probe: &ProbeState, place: &str, width: usize) -> Vec<Line<'static>> {
    let Some((sent, came, after)) = rows(probe) else { return Vec::new() };
    let look = model.look;
    let heads = [format!("sent to {place}"), after];
    let right = |row: Row, came: &Came, at: usize| {
        let end = width.saturating_sub(1);
        let due = came.due.unwrap_or_default();
        let row =
            if came.due.is_some() { row.to(at - 2).sign(look.sign(Status::Fail), Role::Bad) } else { row };
        let gap = if due.is_empty() { 0 } else { due.len() + 2 };
        let row = row.to(at).fit(&came.text, end.saturating_sub(at + gap), Role::Plain);
        if due.is_empty() { row.line() } else { row.right(due, end, Role::Quiet).line() }
    };
    let head = |text: &str, at: usize| Row::new(look, width).to(at).put(text, Role::Quiet);
    if width < NARROW {
        let mut lines = vec![head(&heads[1], 3).line()];
        lines.extend(
            came.iter().filter(|c| !c.text.is_empty()).map(|c| right(Row::new(look, width).to(1), c, 3)),
        );
        lines.push(head(&heads[0], 3).line());
        lines.extend(sent.iter().map(|s| lines::plain(look, width, 3, s, Role::Plain)));
        return lines;
    }
    let middle = width / 2 + 1;
    let mut lines = vec![head(&heads[0], 1).to(middle).put(&heads[1], Role::Quiet).line()];
    let nothing = Came::well(String::new());
    for i in 0..sent.len().max(came.len()) {
        let row = Row::new(look, width).to(1);
        let row = row.fit(sent.get(i).map_or("", String::as_str), middle - 4, Role::Plain);
        lines.push(right(row, came.get(i).unwrap_or(&nothing), middle));
    }
    lines
}

/// The same for the clipboard, in whole lines: `>` was sent, `<` came.
pub fn copied(probe: &ProbeState) -> Vec<String> {
    let Some((sent, came, after)) = rows(probe) else { return Vec::new() };
    let sent = sent.into_iter().map(|s| format!("  > {s}"));
    let came = came.into_iter().filter(|c| !c.text.is_empty()).map(|c| match c.due {
        Some(due) if !due.is_empty() => format!("  < {} ({due})", c.text),
        Some(_) | None => format!("  < {}", c.text),
    });
    sent.chain(std::iter::once(format!("  {after}:"))).chain(came).collect()
}

/// What was sent, what came, and when.
fn rows(probe: &ProbeState) -> Option<(Vec<String>, Vec<Came>, String)> {
    let Probe::Walk(walk) = &probe.what else { return None };
    let Then::Upgrade(upgrade) = &walk.then else { return None };
    let took = probe.samples.iter().find(|s| s.layer == Layer::Upgrade).map(|s| text::duration(s.took));
    let after = match took {
        Some(took) => format!("answered after {took}"),
        None => "answered".to_owned(),
    };
    Some((sent(upgrade), came(upgrade, &probe.samples), after))
}

fn sent(upgrade: &Upgrade) -> Vec<String> {
    let header = |name: &str, value: &str| format!("{name}: {value}");
    let mut sent = match upgrade.version {
        Version::Http1 => vec![
            format!("GET {} HTTP/1.1", upgrade.path),
            header("Host", &upgrade.authority),
            header("Upgrade", "websocket"),
            header("Connection", "Upgrade"),
        ],
        Version::Http2 => vec![
            format!("CONNECT {} HTTP/2", upgrade.path),
            header(":authority", &upgrade.authority),
            header(":protocol", "websocket"),
        ],
    };
    sent.push(header("Origin", &upgrade.origin));
    if !upgrade.protocols.is_empty() {
        sent.push(header("Sec-WebSocket-Protocol", &upgrade.protocols.join(", ")));
    }
    sent.push(header("Sec-WebSocket-Version", "13"));
    if upgrade.credential.is_some() {
        sent.push(header("Authorization", "the token, not shown"));
    }
    sent.extend(upgrade.headers.iter().map(|(name, value)| header(name, value)));
    sent.iter().map(|s| text::foreign(s)).collect()
}

fn came(upgrade: &Upgrade, samples: &[Sample]) -> Vec<Came> {
    let came = |s| {
        if let Some(Reading::Upgraded(up)) = Sample::reading(s) {
            return Some(("HTTP/1.1 101 Switching Protocols".to_owned(), true, &up.headers, ""));
        }
        let answer = hops::answer_of(s)?;
        let line = format!("{} {} {}", answer.version, answer.status, answer.reason);
        Some((text::foreign(line.trim_end()), false, &answer.headers, answer.body.as_str()))
    };
    let answer = samples.iter().find_map(came);
    let Some((line, opened, headers, body)) = answer else {
        let failed = samples.iter().find(|s| s.failure().is_some());
        let words = failed.map_or_else(|| "nothing yet".to_owned(), probes::remark);
        return vec![Came::wrong(text::foreign(&words), if failed.is_some() { "101 due" } else { "" })];
    };
    if upgrade.version == Version::Http2 {
        let line = if opened { "HTTP/2 200".to_owned() } else { line };
        let first = if opened { Came::well(line) } else { Came::wrong(line, "200 due") };
        return std::iter::once(first).chain(others(headers, &[])).chain(quoted(body)).collect();
    }
    // The rows of `Host`, `Upgrade` and `Connection` stand beside what was sent.
    let mut rows = vec![if opened { Came::well(line) } else { Came::wrong(line, "101 due") }];
    let beside_host = ["server", "via"].into_iter().find(|n| headers.get(n).is_some());
    rows.push(Came::well(beside_host.and_then(|n| one(headers, n)).unwrap_or_default()));
    rows.push(hop_by_hop(headers, "upgrade", "websocket"));
    rows.push(hop_by_hop(headers, "connection", "upgrade"));
    let shown = ["upgrade", "connection", beside_host.unwrap_or("upgrade")];
    rows.extend(others(headers, &shown));
    rows.extend(quoted(body));
    rows
}

/// A header that belongs to the upgrade: there, wrong or missing.
fn hop_by_hop(headers: &Headers, name: &str, token: &str) -> Came {
    match headers.get(name) {
        None => Came::wrong("–".to_owned(), "missing"),
        Some(value) => {
            let has = value.split(',').any(|t| t.trim().eq_ignore_ascii_case(token));
            let text = one(headers, name).unwrap_or_default();
            if has { Came::well(text) } else { Came::wrong(text, "") }
        }
    }
}

fn one(headers: &Headers, name: &str) -> Option<String> {
    headers.get(name).map(|value| text::foreign(&format!("{}: {value}", titled(name))))
}

/// The other headers; when and how long says nothing about an upgrade.
fn others(headers: &Headers, shown: &[&str]) -> Vec<Came> {
    let telling = |name: &str| !shown.contains(&name) && name != "date" && name != "content-length";
    let rest = headers.0.iter().filter(|(n, _)| telling(n));
    rest.map(|(n, v)| Came::well(text::foreign(&format!("{}: {v}", titled(n))))).collect()
}

/// The first words of a body, in quotes.
fn quoted(body: &str) -> Option<Came> {
    let first = body.lines().find(|l| !l.trim().is_empty())?;
    Some(Came::well(format!("\"{}\"", text::foreign(first.trim()))))
}

/// `X-Request-Id`: names were kept in lower case, people know them like this.
pub fn titled(name: &str) -> String {
    let part = |part: &str| {
        let mut letters = part.chars();
        letters.next().map_or_else(String::new, |c| c.to_ascii_uppercase().to_string() + letters.as_str())
    };
    name.split('-').map(part).collect::<Vec<_>>().join("-").replace("Websocket", "WebSocket")
}
