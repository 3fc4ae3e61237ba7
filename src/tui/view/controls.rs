//! How one lost upgrade is told from another: what else was asked, in words, and what follows from the answer.
//!
//! ```text
//!  how we tell it apart
//!    workhorse, Upgrade left out on purpose   400, in the very same words
//!    public, foreign Origin                   400 again: not the Origin
//!    nginx, the same request                  101: all behind Apache is well
//! ```

use super::lines::{self, Row};
use super::{hops, probes};
use crate::failure::{Answer, Layer};
use crate::finding::Code;
use crate::probe::{Probe, Reading, Request, Sample, Then, Upgrade, Version};
use crate::run::{ProbeState, Status, StepState};
use crate::subject::doors::Aim;
use crate::subject::place::{Door, Place};
use crate::text;
use crate::tui::model::{Model, doors};
use crate::tui::theme::Role;
use ratatui::text::Line;

/// Below this many columns the answer stands below the question.
const NARROW: usize = 60;

/// What was different from the handshake that is judged, the most telling first.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Control {
    /// A plain request, as if the upgrade had been lost.
    NoUpgrade,
    /// Another site's origin.
    ForeignOrigin,
    /// Nothing but the door.
    Door,
    /// This instance's own origin in other words; empty: none at all.
    OwnOrigin(String),
    /// A header that the hop before would add, said by ourselves.
    Told(String),
    /// No sub-protocol is offered.
    NoProtocol,
    /// No key, so that Action Cable stumbles if the upgrade arrives.
    NoKey,
    /// HTTP/2 in place of HTTP/1.1.
    Http2,
    /// A line that is no HTTP.
    Nonsense,
    /// Another WebSocket.
    Socket(String),
    /// A page.
    Page(String),
    /// Something else.
    Else(String),
}

/// The control requests of a step with their answers, in the order of asking; the other doors behind.
pub fn lines(model: &Model, state: &StepState, width: usize) -> Vec<Line<'static>> {
    let rows = rows(model, state);
    if rows.is_empty() {
        return Vec::new();
    }
    let look = model.look;
    let head = if is_failed(state) { "how we tell it apart" } else { "asked beside" };
    let mut lines = vec![lines::plain(look, width, 1, head, Role::Quiet)];
    let longest = rows.iter().map(|(asked, _)| text::width(asked)).max().unwrap_or(0);
    let at = (longest + 5).clamp(24, (width * 11 / 20).max(24));
    for (asked, came) in rows {
        if width < NARROW {
            lines.push(lines::plain(look, width, 3, asked, Role::Plain));
            lines.push(lines::plain(look, width, 5, came, Role::Plain));
        } else {
            let row = Row::new(look, width).to(3).fit(asked, at - 4, Role::Plain);
            lines.push(row.to(at).fit(came, width.saturating_sub(at + 1), Role::Plain).line());
        }
    }
    lines
}

/// The same in whole lines for the clipboard.
pub fn copied(model: &Model, state: &StepState) -> Vec<String> {
    rows(model, state).into_iter().map(|(asked, came)| format!("  {asked}: {came}")).collect()
}

fn rows(model: &Model, state: &StepState) -> Vec<(String, String)> {
    let Place::Door(own) = state.plan.place else { return Vec::new() };
    let Some(main) = hops::handshake(model, state) else { return Vec::new() };
    let Some((upgrade, aim)) = upgrade(main) else { return Vec::new() };
    let failed = is_failed(state);
    let beside = state.slices.iter().filter_map(|s| model.run.probes.get(s.probe));
    // A name that is looked up tells nothing of an upgrade.
    let is_control = |p: &&ProbeState| {
        !std::ptr::eq(*p, main) && !p.samples.is_empty() && !matches!(p.what, Probe::Resolve(_))
    };
    let mut asked: Vec<&ProbeState> = beside.filter(is_control).collect();
    let elsewhere = Door::ALL.iter().filter(|d| failed && **d != own).filter_map(|door| {
        let step = doors::step(&model.run, &state.plan.check, *door)?;
        hops::handshake(model, model.run.steps.get(step)?)
    });
    for probe in elsewhere.filter(is_control) {
        if !asked.iter().any(|a| std::ptr::eq(*a, probe)) {
            asked.push(probe);
        }
    }
    let front = hops::of(model, &state.plan.check)
        .and_then(|p| p.hops.into_iter().find(|h| h.door == Some(own)))
        .map(|h| h.name)
        .filter(|name| name != "?");
    let code = state.findings().first().map(|f| f.code);
    // The check that another door's own handshake was for.
    let passes = |probe: &ProbeState| {
        let door = hops::door_of(model, &probe.what).filter(|d| *d != own)?;
        let inner = model.run.steps.get(doors::step(&model.run, &state.plan.check, door)?)?;
        std::ptr::eq(hops::handshake(model, inner)?, probe).then_some(inner.status == Status::Pass)
    };
    let row = |(control, probe): (Control, &ProbeState)| {
        let door = hops::door_of(model, &probe.what).map(|d| format!("{d}, ")).unwrap_or_default();
        let refusal = main.samples.iter().find_map(hops::answer_of);
        let judged = Judged { refusal, code, passes: passes(probe) };
        let behind = hops::door_of(model, &probe.what).is_some_and(|d| d > own);
        let front = behind.then(|| front.clone().unwrap_or_else(|| format!("the {own} door")));
        let left = format!("{door}{}", said(&control));
        (text::foreign(&left), text::foreign(&came(&control, probe, &judged, front.as_deref())))
    };
    let mut asked: Vec<(Control, &ProbeState)> =
        asked.into_iter().map(|p| (control(p, upgrade, aim), p)).collect();
    asked.sort_by(|a, b| a.0.cmp(&b.0));
    let mut rows: Vec<(String, String)> = asked.into_iter().map(row).collect();
    rows.dedup();
    rows
}

fn is_failed(state: &StepState) -> bool {
    matches!(state.status, Status::Fail | Status::Warn | Status::Error)
}

fn upgrade(probe: &ProbeState) -> Option<(&Upgrade, &Aim)> {
    Some((probe.what.upgrade()?, &probe.what.walk()?.aim))
}

fn control(probe: &ProbeState, own: &Upgrade, aim: &Aim) -> Control {
    let other = || Control::Else(probes::asked(&probe.what));
    match &probe.what {
        Probe::Walk(walk) => match &walk.then {
            Then::Upgrade(up) if up.version == Version::Http2 => Control::Http2,
            Then::Upgrade(up) if up.path != own.path => Control::Socket(up.path.clone()),
            Then::Upgrade(up) if up.origin != own.origin => {
                if up.origin.is_empty() || host(&up.origin) == host(&own.origin) {
                    Control::OwnOrigin(up.origin.clone())
                } else {
                    Control::ForeignOrigin
                }
            }
            Then::Upgrade(up) if up.protocols.is_empty() && !own.protocols.is_empty() => Control::NoProtocol,
            Then::Upgrade(up) if walk.aim == *aim => {
                match up.headers.iter().find(|h| !own.headers.contains(h)) {
                    Some((name, value)) => Control::Told(format!("{name}: {value}")),
                    None => Control::Door,
                }
            }
            Then::Upgrade(_) => Control::Door,
            Then::Request(request) => plain(request, own),
            Then::Nonsense => Control::Nonsense,
            Then::Close | Then::Inquire(_) | Then::Grpc(_) => other(),
        },
        Probe::Fetch(fetch) => plain(&fetch.request, own),
        Probe::Resolve(_) | Probe::Connect { .. } | Probe::Knock(_) | Probe::Rails | Probe::Logs(_) => {
            other()
        }
    }
}

fn plain(request: &Request, own: &Upgrade) -> Control {
    let has = |name: &str| request.headers.iter().any(|(n, _)| n.eq_ignore_ascii_case(name));
    match (request.path == own.path, has("upgrade")) {
        (true, false) => Control::NoUpgrade,
        (true, true) if has("sec-websocket-key") => Control::Door,
        (true, true) => Control::NoKey,
        (false, _) => Control::Page(request.path.clone()),
    }
}

/// The host of an origin, without scheme and port.
fn host(origin: &str) -> &str {
    let rest = origin.split_once("://").map_or(origin, |(_, rest)| rest);
    match rest.rsplit_once(':') {
        Some((host, port)) if port.chars().all(|c| c.is_ascii_digit()) => host,
        Some(_) | None => rest,
    }
}

fn said(control: &Control) -> String {
    match control {
        Control::Door => "the same request".to_owned(),
        Control::ForeignOrigin => "foreign Origin".to_owned(),
        Control::OwnOrigin(origin) if origin.is_empty() => "no Origin".to_owned(),
        Control::OwnOrigin(origin) => format!("Origin {origin}"),
        Control::Told(header) => format!("told {header}"),
        Control::NoProtocol => "no sub-protocol".to_owned(),
        Control::NoKey => "an upgrade without its key".to_owned(),
        Control::NoUpgrade => "Upgrade left out on purpose".to_owned(),
        Control::Http2 => "by HTTP/2".to_owned(),
        Control::Nonsense => "a line that is no HTTP".to_owned(),
        Control::Socket(path) => format!("the WebSocket {path}"),
        Control::Page(path) => format!("the page {path}"),
        Control::Else(asked) => asked.clone(),
    }
}

/// What an answer is held against.
struct Judged<'a> {
    /// The answer to the handshake that is judged, where it was refused.
    refusal: Option<&'a Answer>,
    /// What was found.
    code: Option<Code>,
    /// Whether the same check passes at the door where this was asked. `None`: this is not that check's handshake.
    passes: Option<bool>,
}

/// The answer, and what follows from it. `front`: who is passed over, where this went to a door behind.
fn came(control: &Control, probe: &ProbeState, judged: &Judged, front: Option<&str>) -> String {
    let refusal = judged.refusal;
    let opened = probe.samples.iter().any(|s| s.layer == Layer::Upgrade && is_opened(s));
    let answer = probe.samples.iter().find_map(hops::answer_of);
    let code = match (opened, answer) {
        (true, _) if matches!(control, Control::Http2) => "200".to_owned(),
        (true, _) => "101".to_owned(),
        (false, Some(answer)) => answer.status.to_string(),
        (false, None) => probes::brought(probe),
    };
    let alike = match (refusal, answer) {
        (Some(refusal), Some(answer)) if refusal.status == answer.status => {
            Some(refusal.body.trim() == answer.body.trim())
        }
        _ => None,
    };
    let again = alike.is_some();
    match control {
        Control::Door => match (judged.passes, front, judged.code) {
            (Some(true), Some(front), Some(_)) => format!("{code}: all behind {front} is well"),
            (Some(false), Some(front), Some(_)) if again => format!("{code} as well: not {front} alone"),
            _ => code,
        },
        Control::ForeignOrigin if again && judged.code == Some(Code::WebsocketUpgradeStripped) => {
            format!("{code} again: not the Origin")
        }
        Control::ForeignOrigin if again => format!("{code} again"),
        Control::ForeignOrigin if refusal.is_some() => format!("{code}: the Origin counts"),
        Control::OwnOrigin(origin) if opened && refusal.is_some() && !origin.is_empty() => {
            format!("{code}: it takes this for {origin}")
        }
        Control::NoUpgrade => match alike {
            Some(true) => format!("{code}, in the very same words"),
            Some(false) => format!("{code}, in other words"),
            None if refusal.is_some() => format!("{code}: another answer"),
            None => code,
        },
        Control::Told(_) if opened && refusal.is_some() => format!("{code}: nobody on the way says that"),
        Control::NoProtocol if opened && refusal.is_some() => format!("{code}: the sub-protocol is refused"),
        Control::NoKey if code == "500" => format!("{code}: the upgrade arrives"),
        Control::OwnOrigin(_) | Control::Told(_) | Control::NoProtocol | Control::NoKey if again => {
            format!("{code} again")
        }
        Control::Http2 if opened => format!("{code}: taken"),
        Control::Nonsense | Control::Page(_) => match answer {
            Some(answer) => {
                let by = answer.headers.get("server").map(|s| format!(", written by {s}"));
                let to = answer.headers.get("location").map(|l| format!(", to {l}"));
                format!("{code}{}", to.or(by).unwrap_or_default())
            }
            None => code,
        },
        Control::ForeignOrigin
        | Control::OwnOrigin(_)
        | Control::Told(_)
        | Control::NoProtocol
        | Control::Socket(_)
        | Control::NoKey
        | Control::Http2
        | Control::Else(_) => code,
    }
}

fn is_opened(sample: &Sample) -> bool {
    matches!(sample.reading(), Some(Reading::Upgraded(_)))
}
