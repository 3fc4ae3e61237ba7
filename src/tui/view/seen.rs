//! What was observed at a check: the way, the phases, lookups and addresses, the chain, the answer. Each part only
//! where something of it was seen. A WebSocket's way in is `path`, its handshake and what tells it apart are files of
//! their own.

use super::lines::{self, Row};
use super::{controls, evidence, figure, handshake, hops, path, probes, told, waterfall, words};
use crate::failure::certificate::Certificate;
use crate::failure::{Answer, Attempt, Failure, GrpcFailure, Headers, Lookup};
use crate::probe::{Probe, Reading, Sample};
use crate::run::event::Settled;
use crate::run::{ProbeState, Status, StepState};
use crate::subject::place::Place;
use crate::subject::{Route, Via};
use crate::text;
use crate::tui::model::Model;
use crate::tui::theme::Role;
use ratatui::text::Line;

/// Where values begin.
const VALUE: usize = 10;

/// The lines of the face Seen.
pub fn lines(model: &Model, step: usize, width: usize) -> Vec<Line<'static>> {
    let Some(state) = model.run.steps.get(step) else { return Vec::new() };
    let told = told::lines(model, step, width);
    if !told.is_empty() {
        return told;
    }
    let own_check = evidence::own_check(model, state, width);
    if !own_check.is_empty() {
        return own_check.into_iter().chain(evidence::logs(model, state, width)).collect();
    }
    let mut parts = vec![way(model, state, width), evidence::logs(model, state, width)];
    let shown = hops::handshake(model, state);
    match shown {
        None => parts.push(nothing(model, state, width)),
        Some(probe) => {
            let shaken = handshake::lines(model, probe, &state.plan.place.to_string(), width);
            let phases = waterfall::lines(model, probe, width);
            if shaken.is_empty() {
                parts.extend([phases, beside(model, state, width)]);
            } else {
                parts.extend([shaken, controls::lines(model, state, width), phases]);
            }
            parts.extend([
                lookups(model, probe, width),
                attempts(model, probe, width),
                chain(model, probe, width),
                answer(model, probe, width),
            ]);
        }
    }
    let mut lines = Vec::new();
    for part in parts.into_iter().filter(|p| !p.is_empty()) {
        gap(&mut lines);
        lines.extend(part);
    }
    lines.extend(more_findings(model, state, step, width));
    lines
}

fn gap(lines: &mut Vec<Line<'static>>) {
    if !lines.is_empty() {
        lines.push(Line::default());
    }
}

/// The way of a step: who goes, through what, whereto, and why so.
fn way(model: &Model, state: &StepState, width: usize) -> Vec<Line<'static>> {
    let look = model.look;
    let dash = look.pick("────", "----");
    let row = |label: &str, text: String| {
        Row::new(look, width).to(1).put(label, Role::Quiet).to(VALUE).put(text, Role::Plain).line()
    };
    match state.plan.place {
        Place::Way(endpoint, _) => {
            let Some(route) = model.run.route(state.plan.place) else { return Vec::new() };
            let target = target(model, state).unwrap_or_else(|| endpoint.to_string());
            let via = match &route.via {
                Via::Direct | Via::Unusable { .. } => dash.to_owned(),
                Via::Proxy(proxy) => format!("{dash} {} {dash}", proxy.target),
            };
            vec![row("way", format!("{} {via} {target}", stacks(route))), row("", route.source.clone())]
        }
        Place::Door(_) if hops::is_socket(&state.plan.check) => path::lines(model, &state.plan.check, width),
        Place::Door(door) => {
            let target = target(model, state).unwrap_or_default();
            vec![row("way", format!("client {dash} {door} {dash} {target}"))]
        }
        Place::Node | Place::Instance | Place::Endpoint(_) | Place::Stack(_) => Vec::new(),
    }
}

/// `rails, sidekiq`
pub fn stacks(route: &Route) -> String {
    let names: Vec<&str> = route.stacks.iter().map(|s| s.as_str()).collect();
    names.join(", ")
}

/// What a step's first probe goes to.
pub(super) fn target(model: &Model, state: &StepState) -> Option<String> {
    let probe = model.run.probes.get(state.slices.first()?.probe)?;
    Some(match &probe.what {
        Probe::Resolve(target) | Probe::Connect { target, .. } => target.to_string(),
        Probe::Walk(walk) => walk.target.to_string(),
        Probe::Knock(knock) => knock.target.to_string(),
        Probe::Fetch(fetch) => fetch.target.to_string(),
        Probe::Rails | Probe::Logs(_) => "this node".to_owned(),
    })
}

/// A step without a probe: why.
fn nothing(model: &Model, state: &StepState, width: usize) -> Vec<Line<'static>> {
    let words = match (&state.settled, state.status) {
        (Some(Settled::Blocked { .. }), _) => "Nothing was asked on the wire: what this needs did not hold.",
        (Some(Settled::Skip { .. }), _) => "Nothing was asked.",
        (None, Status::Pending) => "Nothing was asked yet.",
        _ => "Nothing was asked on the wire for this: it is judged by what other checks saw.",
    };
    lines::paragraph(model.look, width, 1, words, Role::Plain)
}

/// Questions to resolvers and what came.
fn lookups(model: &Model, probe: &ProbeState, width: usize) -> Vec<Line<'static>> {
    let found: Option<&[Lookup]> = probe.samples.iter().find_map(|s| match (s.reading(), s.failure()) {
        (Some(Reading::Resolved(r)), _) => Some(r.lookups.as_slice()),
        (_, Some(Failure::Dns(d))) => Some(d.lookups.as_slice()),
        _ => None,
    });
    let one = |(i, lookup): (usize, &Lookup)| {
        let label = if i == 0 { "lookups" } else { "" };
        let addresses: Vec<String> = lookup.addresses.iter().map(ToString::to_string).collect();
        let row = Row::new(model.look, width).to(1).put(label, Role::Quiet).to(VALUE);
        let row = row.fit(&lookup.asked, 12, Role::Plain).to(23).fit(&lookup.answer, 14, Role::Plain);
        let took = text::duration(lookup.took);
        let room = width.saturating_sub(42 + took.len());
        let row = row.to(38).fit(addresses.join(", "), room, Role::Plain);
        row.right(took, width - 1, Role::Quiet).line()
    };
    found.unwrap_or_default().iter().enumerate().map(one).collect()
}

/// Every address tried.
fn attempts(model: &Model, probe: &ProbeState, width: usize) -> Vec<Line<'static>> {
    let found: Option<&[Attempt]> = probe.samples.iter().find_map(|s| match (s.reading(), s.failure()) {
        (Some(Reading::Connected(c)), _) => Some(c.attempts.as_slice()),
        (_, Some(Failure::Tcp(t))) => Some(t.attempts.as_slice()),
        _ => None,
    });
    let one = |(i, attempt): (usize, &Attempt)| {
        let label = if i == 0 { "tried" } else { "" };
        let (sign, role) = match attempt.failed {
            None => (model.look.sign(Status::Pass), Role::Good),
            Some(_) => (model.look.sign(Status::Fail), Role::Bad),
        };
        let words = match attempt.failed {
            None => "connected".to_owned(),
            Some(kind) if attempt.words.is_empty() => probes::tcp_words(kind).to_owned(),
            Some(kind) => format!("{}: {}", probes::tcp_words(kind), attempt.words),
        };
        let row = Row::new(model.look, width)
            .to(1)
            .put(label, Role::Quiet)
            .to(VALUE - 2)
            .sign(sign, role)
            .to(VALUE);
        let took = text::duration(attempt.took);
        let at = if width < 64 { VALUE + 24 } else { 46 };
        let row = row.fit(attempt.address.to_string(), at - VALUE - 1, Role::Plain).to(at);
        let room = width.saturating_sub(at + took.len() + 3);
        row.fit(words, room, Role::Plain).right(took, width - 1, Role::Quiet).line()
    };
    found.unwrap_or_default().iter().enumerate().map(one).collect()
}

/// The certificates as sent, and what is said of their end.
fn chain(model: &Model, probe: &ProbeState, width: usize) -> Vec<Line<'static>> {
    let look = model.look;
    let tls = |s: &Sample| match (s.reading(), s.failure()) {
        (Some(Reading::Tls(t)), _) => {
            Some((t.chain.clone(), Some(t.public), t.bad_certificate, format!("{}, {}", t.version, t.cipher)))
        }
        (_, Some(Failure::Tls(t))) => Some((t.chain.clone(), t.public, Some(t.kind), t.words.clone())),
        _ => None,
    };
    let Some((chain, public, bad, words)) = probe.samples.iter().find_map(tls) else { return Vec::new() };
    let mut lines = Vec::new();
    for (i, certificate) in chain.iter().enumerate() {
        let label = if i == 0 { "chain" } else { "" };
        let dates = dates(certificate, width);
        let row = Row::new(look, width).to(1).put(label, Role::Quiet).to(VALUE);
        let row = row.put(format!("{} ", i + 1), Role::Plain);
        let room = width.saturating_sub(VALUE + 12 + text::width(&dates));
        let row = row.fit(&certificate.subject, room, Role::Plain);
        lines.push(row.right(format!("{dates}   sent"), width - 1, Role::Plain).line());
    }
    if let Some(last) = chain.last().filter(|c| !c.self_issued) {
        let lacks = matches!(
            bad,
            Some(crate::failure::TlsKind::UnknownIssuer | crate::failure::TlsKind::ChainIncomplete)
        );
        let row = Row::new(look, width);
        let row = if lacks { row.to(VALUE - 2).sign(look.sign(Status::Fail), Role::Bad) } else { row };
        let end = if lacks { "not sent, not trusted here" } else { "not sent, known here" };
        let row = row.to(VALUE).put(format!("{} ", chain.len() + 1), Role::Plain);
        let room = width.saturating_sub(VALUE + 6 + end.len());
        lines.push(row.fit(&last.issuer, room, Role::Plain).right(end, width - 1, Role::Plain).line());
    }
    let about = match public {
        Some(true) => "The chain ends in a public authority.",
        Some(false) => "No public certificate authority takes part.",
        None => "No certificate was seen.",
    };
    lines.extend(lines::paragraph(look, width, VALUE, about, Role::Plain));
    if let Some(leaf) = chain.first() {
        let names = format!("for {}", leaf.names.join(", "));
        if !leaf.names.is_empty() {
            lines.push(Row::new(look, width).to(VALUE).put(names, Role::Plain).line());
        }
    }
    if !words.is_empty() {
        lines.extend(lines::labelled(look, width, VALUE, "tls", &words));
    }
    lines
}

/// From when until when; in a narrow pane only the end.
fn dates(certificate: &Certificate, width: usize) -> String {
    if width < 64 {
        return format!("to {}", figure::day(certificate.not_after));
    }
    format!("{} – {}", figure::day(certificate.not_before), figure::day(certificate.not_after))
}

/// When the first certificate of the instance's own doors ends, Unix seconds.
pub fn first_end(model: &Model) -> Option<i64> {
    let doors = model.run.steps.iter().filter(|s| matches!(s.plan.place, Place::Door(_)));
    let tls = |s: &Sample| match s.reading() {
        Some(Reading::Tls(tls)) => tls.chain.first().map(|c| c.not_after),
        _ => None,
    };
    doors.filter_map(|s| model.run.samples(s).iter().find_map(tls)).min()
}

fn status_line(answer: &Answer) -> String {
    format!("{} {} {}", answer.version, answer.status, answer.reason).trim_end().to_owned()
}

/// An HTTP answer, or a proxy's: status, headers, the start of the body.
fn answer(model: &Model, probe: &ProbeState, width: usize) -> Vec<Line<'static>> {
    let look = model.look;
    let found: Option<(&str, String, &Headers, &str)> =
        probe.samples.iter().rev().find_map(|s| match (s.reading(), s.failure()) {
            (Some(Reading::Answer(a)), _) => Some(("answer", status_line(a), &a.headers, a.body.as_str())),
            (Some(Reading::Document(d)), _) => {
                Some(("answer", status_line(&d.answer), &d.answer.headers, d.answer.body.as_str()))
            }
            (Some(Reading::Grpc(g)), _) => {
                let status = g.status.map(|s| format!(", grpc-status {s}")).unwrap_or_default();
                let serving = g.serving.map(|s| format!(", {}", s.as_str())).unwrap_or_default();
                Some(("gRPC", format!("HTTP/2 {}{status}{serving}", g.http_status), &g.headers, ""))
            }
            (_, Some(Failure::Grpc(GrpcFailure::NotGrpc(a)))) => {
                Some(("answer", status_line(a), &a.headers, a.body.as_str()))
            }
            (_, Some(Failure::Proxy(p))) => {
                let status = p.status.map_or_else(|| "no status".to_owned(), |s| format!("{s} {}", p.reason));
                Some(("proxy", status, &p.headers, p.body.as_str()))
            }
            _ => None,
        });
    let Some((label, status, headers, body)) = found else { return Vec::new() };
    let mut lines =
        vec![Row::new(look, width).to(1).put(label, Role::Quiet).to(VALUE).put(status, Role::Strong).line()];
    for (name, value) in &headers.0 {
        let row = Row::new(look, width).to(VALUE).put(format!("{name}: "), Role::Quiet);
        lines.push(row.put(value, Role::Plain).line());
    }
    for (i, line) in body.lines().filter(|l| !l.trim().is_empty()).take(8).enumerate() {
        let row = Row::new(look, width).to(1).put(if i == 0 { "body" } else { "" }, Role::Quiet);
        lines.push(row.to(VALUE).put(text::foreign(line.trim_end()), Role::Plain).line());
    }
    lines
}

/// Further probes that the check asked for: other addresses, samples, control handshakes.
fn beside(model: &Model, state: &StepState, width: usize) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    for slice in state.slices.iter().skip(1) {
        let Some(probe) = model.run.probes.get(slice.probe) else { continue };
        if lines.is_empty() {
            lines.push(lines::plain(model.look, width, 1, "asked beside", Role::Quiet));
        }
        let took: std::time::Duration = probe.samples.iter().map(|s| s.took).sum();
        let half = (width / 2).saturating_sub(1);
        let row = Row::new(model.look, width).to(3).fit(probes::asked(&probe.what), half - 3, Role::Plain);
        let took = text::duration(took);
        let room = width.saturating_sub(half + 5 + took.len());
        let row = row.to(half + 2).fit(probes::brought(probe), room, Role::Plain);
        lines.push(row.right(took, width - 1, Role::Quiet).line());
    }
    lines
}

/// Findings behind the first.
fn more_findings(model: &Model, state: &StepState, step: usize, width: usize) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    let values = model.values.clone().at(&state.plan.place.to_string());
    for finding in state.findings().iter().skip(1) {
        lines.push(Line::default());
        let message = crate::remedy::message(finding.code, &finding.args, &values);
        lines.extend(lines::labelled(
            model.look,
            width,
            VALUE,
            "also",
            &format!("{message} ({})", finding.code),
        ));
    }
    if state.status == Status::Blocked {
        lines.push(Line::default());
        lines.extend(lines::paragraph(model.look, width, 1, &words::sentence(model, step), Role::Plain));
    }
    lines
}
