//! What is known of one door and one question: where it stands and how that is known, what is sent there beside the
//! usual, certificate, answer, product; then the door's other checks, the doors that are left out, every wss address
//! that was tried, and the handshake of a WebSocket.
//!
//! ```text
//!  at        203.0.113.20:443, known by external_url
//!  tls       TLS 1.3, h2; gitlab.example.com by CN=R11, to 22 Jan 2027
//!  answer    HTTP/1.1 400 Bad Request after 48 ms: "websocket upgrade required"
//!  product   Apache 2.4.57, by its Server header
//! ```

use super::lines::{self, Row};
use super::{controls, figure, handshake, hops, probes, product, words};
use crate::probe::{Reading, Sample, Then};
use crate::run::{ProbeState, Status};
use crate::subject::doors::Aim;
use crate::subject::place::Door;
use crate::text;
use crate::tui::model::Model;
use crate::tui::model::doors::{self, At};
use crate::tui::theme::{self, Role};
use ratatui::text::Line;

/// A label and its text.
type Fact = (&'static str, String);

/// Where values begin: in a narrow terminal one column behind the longest label.
fn value(width: usize) -> usize {
    if width < 60 { 10 } else { 11 }
}

/// The longest text of a file or an answer that is shown here.
const LONGEST: usize = 600;

/// Lines longer than this are hard to follow.
const WIDEST: usize = 120;

/// The lines below the matrix.
pub fn lines(model: &Model, at: At, width: usize) -> Vec<Line<'static>> {
    let labelled = |facts: Vec<Fact>| {
        let line =
            |(label, text): Fact| lines::labelled(model.look, width.min(WIDEST), value(width), label, &text);
        facts.into_iter().flat_map(line)
    };
    let mut page: Vec<Line<'static>> = labelled(of_the_cell(model, at)).collect();
    page.extend(checks(model, at.door, width.min(WIDEST)));
    page.extend(labelled(of_all(model)));
    page.extend(of_the_socket(model, at, width.min(WIDEST)));
    page
}

/// What was sent and what came at the WebSocket of the cell, and what tells it apart.
fn of_the_socket(model: &Model, at: At, width: usize) -> Vec<Line<'static>> {
    let Some(state) = at.worst(&model.run).and_then(|s| model.run.steps.get(s)) else { return Vec::new() };
    let Some(probe) = hops::handshake(model, state) else { return Vec::new() };
    let shaken = handshake::lines(model, probe, at.door.as_str(), width);
    let parts = [shaken, controls::lines(model, state, width)].into_iter().filter(|p| !p.is_empty());
    parts.flat_map(|part| std::iter::once(Line::default()).chain(part)).collect()
}

/// The same in whole lines.
pub fn copied(model: &Model, at: At) -> Vec<String> {
    let checks =
        doors::steps(&model.run, at.door).map(|(_, s)| format!("{} {}", theme::word(s.status), s.id()));
    let checks = ("checks", checks.collect::<Vec<_>>().join(", "));
    let facts = of_the_cell(model, at).into_iter().chain([checks]).chain(of_all(model));
    facts.map(|(label, text)| format!("  {label:<8} {text}")).collect()
}

fn of_the_cell(model: &Model, at: At) -> Vec<Fact> {
    let mut facts = Vec::new();
    let about = doors::about(&model.run, at.door);
    let address = hops::address(model, at.door);
    let name = about.and_then(|a| a.address.as_deref()).map(text::foreign);
    let where_ = match (address, name) {
        (Some(address), Some(name)) if address != name => format!("{address}, the address of {name}"),
        (Some(address), _) => address,
        (None, name) => name.unwrap_or_else(|| "not known".to_owned()),
    };
    facts.push(("at", where_));
    if let Some(source) = about.map(|a| text::escape(&a.source, LONGEST)).filter(|s| !s.is_empty()) {
        facts.push(("known by", source));
    }
    let worst = at.worst(&model.run);
    let state = worst.and_then(|s| model.run.steps.get(s));
    let probe = state.and_then(|s| hops::handshake(model, s));
    facts.extend(probe.and_then(added).map(|headers| ("headers", headers)));
    facts.extend(probe.and_then(channel).or_else(|| any_channel(model, at.door)).map(|tls| ("tls", tls)));
    facts.extend(probe.and_then(answered).map(|answer| ("answer", answer)));
    if let Some(product) = product::of(model, at.door) {
        let name = format!("{} {}", product.name, product.version);
        // What passes through may be the mark of this node's own, which stands behind.
        let inner = at.door == Door::Public && doors::about(&model.run, Door::Nginx).is_some();
        let doubt =
            if inner && product.is_guess && product.name == "NGINX" { "; it may be this node's" } else { "" };
        facts.push(("product", format!("{}, {}{doubt}", name.trim_end(), product.by)));
    }
    if let (Some(step), Some(state)) = (worst, state) {
        let label = match state.status {
            Status::Fail | Status::Warn | Status::Error => "found",
            Status::Pass => "proven",
            Status::Pending | Status::Running => "awaits",
            Status::Skip | Status::Blocked | Status::Cancelled => "why not",
        };
        facts.push((label, words::sentence(model, step)));
    } else {
        facts.push(("why not", "this is not asked at this door".to_owned()));
    }
    facts
}

/// Which headers a probe carries that the hop before this door would add.
fn added(probe: &ProbeState) -> Option<String> {
    let walk = probe.what.walk()?;
    let headers = match &walk.then {
        Then::Upgrade(upgrade) => &upgrade.headers,
        Then::Request(request) => &request.headers,
        Then::Inquire(inquiry) => &inquiry.request.headers,
        Then::Close | Then::Nonsense | Then::Grpc(_) => return None,
    };
    let forwarded = headers.iter().filter(|(name, _)| name.to_ascii_lowercase().starts_with("x-"));
    let said: Vec<String> = forwarded.map(|(name, value)| format!("{name}: {value}")).collect();
    (!said.is_empty())
        .then(|| format!("{}, as the hop before would add", text::escape(&said.join(", "), LONGEST)))
}

/// The TLS channel and the certificate that was shown.
fn channel(probe: &ProbeState) -> Option<String> {
    let tls = probe.samples.iter().find_map(|s| match s.reading() {
        Some(Reading::Tls(tls)) => Some(tls),
        _ => None,
    })?;
    let alpn = tls.alpn.as_ref().map(|a| format!(", {a}")).unwrap_or_default();
    let shown = tls.chain.first().map(|leaf| {
        let (subject, issuer) = (text::foreign(&leaf.subject), text::foreign(&leaf.issuer));
        format!("; {subject} by {issuer}, to {}", figure::day(leaf.not_after))
    });
    let bad = tls.bad_certificate.map(|kind| format!("; {}", probes::tls_words(kind))).unwrap_or_default();
    Some(format!("{}{alpn}{}{bad}", text::foreign(&tls.version), shown.unwrap_or_default()))
}

/// The channel of any check at a door, where the own one brought none.
fn any_channel(model: &Model, door: Door) -> Option<String> {
    let states = doors::steps(&model.run, door).map(|(_, s)| s);
    states.filter_map(|s| model.run.probes.get(s.slices.first()?.probe)).find_map(channel)
}

/// What came: the status line with the first words of the body, else the last layer in words.
fn answered(probe: &ProbeState) -> Option<String> {
    let last = probe.samples.iter().find(|s| s.failure().is_some()).or(probe.samples.last())?;
    let after = text::duration(last.took);
    let Some(answer) = probe.samples.iter().find_map(hops::answer_of) else {
        let said: Vec<String> = probe.samples.iter().filter(|s| is_said(s)).map(probes::remark).collect();
        return (!said.is_empty()).then(|| text::escape(&said.join(", "), LONGEST));
    };
    let line = format!("{} {} {}", answer.version, answer.status, answer.reason);
    let first = answer.body.lines().find(|l| !l.trim().is_empty());
    let words = first.map(|l| format!(": \"{}\"", text::escape(l.trim(), 80))).unwrap_or_default();
    Some(format!("{} after {after}{words}", text::foreign(line.trim_end())))
}

/// Samples above the connection.
fn is_said(sample: &Sample) -> bool {
    sample.failure().is_some() || sample.layer > crate::failure::Layer::Tls
}

/// Every check at the door, in the order of the plan.
fn checks(model: &Model, door: Door, width: usize) -> Vec<Line<'static>> {
    let look = model.look;
    let mut lines = Vec::new();
    let mut row = Row::new(look, width);
    for (_, state) in doors::steps(&model.run, door) {
        if row.used() == 0 {
            row = row.to(1).put("checks", Role::Quiet).to(value(width));
        } else if row.used() + state.plan.check.len() + 3 > width {
            lines.push(std::mem::replace(&mut row, Row::new(look, width).to(value(width))).line());
        }
        row = row.sign(look.sign(state.status), theme::role(state.status)).put(" ", Role::Plain);
        row = row.put(&state.plan.check, Role::Plain).put("   ", Role::Plain);
    }
    if row.used() > 0 {
        lines.push(row.line());
    }
    lines
}

/// What holds for every door: those left out, and the wss addresses.
fn of_all(model: &Model) -> Vec<Fact> {
    let absent = doors::missing(&model.run, "cable").into_iter().enumerate().map(|(i, (doors, why))| {
        let names: Vec<&str> = doors.iter().map(|d| d.as_str()).collect();
        let label = if i == 0 { "left out" } else { "" };
        (label, format!("{}: {}", names.join(", "), text::escape(&why, LONGEST)))
    });
    let mut facts: Vec<Fact> = absent.collect();
    let tried = tried(model);
    if !tried.is_empty() {
        let tried = tried.join(", ");
        facts.push(("tried", format!("{tried}. No other wss address of this instance is known.")));
    }
    facts
}

/// The addresses at which a client would open a WebSocket, as tried at the public door.
pub fn tried(model: &Model) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for walk in model.run.probes.iter().filter_map(|p| p.what.walk()).filter(|w| w.aim == Aim::Name) {
        if let Then::Upgrade(upgrade) = &walk.then {
            let scheme = if walk.tls.is_some() { "wss" } else { "ws" };
            let address = text::foreign(&format!("{scheme}://{}{}", upgrade.authority, upgrade.path));
            if !found.contains(&address) {
                found.push(address);
            }
        }
    }
    found
}
