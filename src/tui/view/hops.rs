//! Who stands on the way in for one check, what each door answered, and where the upgrade was lost. Words and places
//! in a list; `path`, `inward` and `ribbon` draw it.
//!
//! A hop that is not known is a `?`. A door that this node lacks is left out.

use super::lost::{self, Lost, Piece};
use super::{figure, lines, probes, product};
use crate::failure::{Answer, Failure, Layer, WebSocketFailure};
use crate::probe::{Connected, Probe, Reading, Sample, Then, Version};
use crate::run::{ProbeState, Status, StepState};
use crate::subject::doors::Aim;
use crate::subject::place::Door;
use crate::subject::{Install, Via};
use crate::text;
use crate::tui::model::Model;
use crate::tui::model::doors;
use crate::tui::theme::Look;

/// The way in as one check saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    /// From the client to Puma.
    pub hops: Vec<Hop>,
    /// Where the upgrade was lost.
    pub lost: Option<Lost>,
}

/// A hop.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hop {
    /// What people call it; `?`: nobody knows.
    pub name: String,
    /// What stands below the name: a version, `bundled`, what is asked there.
    pub about: String,
    /// The door behind which it stands. `None`: it is not tried by itself.
    pub door: Option<Door>,
    /// What came when it was tried.
    pub answer: Option<(Status, String)>,
}

impl Path {
    /// How the piece that leads to a hop is broken, if it is.
    pub fn break_before(&self, hop: usize) -> Option<Status> {
        self.lost.filter(|lost| lost.on == Piece::Before(hop)).map(|lost| lost.how)
    }

    /// How the last hop refused, if it did.
    pub fn break_at_the_end(&self) -> Option<Status> {
        self.lost.filter(|lost| lost.on == Piece::AtTheEnd).map(|lost| lost.how)
    }
}

/// The way in for a check; `None`: it is asked at no door.
pub fn of(model: &Model, check: &str) -> Option<Path> {
    let run = &model.run;
    let open: Vec<Door> = Door::ALL.iter().copied().filter(|d| doors::takes_part(run, check, *d)).collect();
    let answer = |door: Door| doors::step(run, check, door).map(|step| answer(model, step));
    let hop = |name: &str, about: String, door: Option<Door>| Hop {
        name: name.to_owned(),
        about,
        door,
        answer: door.and_then(answer),
    };
    let mut hops = vec![hop("client", String::new(), None)];
    if open.is_empty() {
        return None;
    }
    let inner = open.iter().any(|d| *d > Door::Public);
    let nginx = open.contains(&Door::Nginx);
    let straight = nginx && leads_to_this_node(model);
    if !open.contains(&Door::Public) {
        hops.push(hop("?", String::new(), None));
    } else if !straight {
        let front = product::of(model, Door::Public).filter(|p| !(nginx && p.is_guess && p.name == "NGINX"));
        let known = front.is_some();
        let (name, version) = front.map_or_else(|| ("?".to_owned(), String::new()), |p| (p.name, p.version));
        // This node's NGINX, where the name leads straight to it and it is not tried once more.
        let is_ours = || !nginx && names_hop(model, lost::NGINX);
        let (name, version) = match name.as_str() {
            "?" | "NGINX" if is_ours() => ("NGINX".to_owned(), about_nginx(model)),
            _ => (name, version),
        };
        hops.push(hop(&name, version, Some(Door::Public)));
        if known && !inner {
            hops.push(hop("?", String::new(), None));
        }
    }
    if nginx {
        let door = if straight { Door::Public } else { Door::Nginx };
        hops.push(hop("NGINX", about_nginx(model), Some(door)));
    }
    if inner {
        let version = model.run.about.as_ref().and_then(|a| a.node.gitlab_version.clone());
        let door = open.contains(&Door::Workhorse).then_some(Door::Workhorse);
        hops.push(hop("Workhorse", text::foreign(&version.unwrap_or_default()), door));
    }
    let (name, about) = end_of(model, check);
    hops.push(Hop { answer: puma(model, check), ..hop(name, about.to_owned(), None) });
    let lost = lost::of(model, check, &hops);
    let mut path = Path { hops, lost };
    if path.break_at_the_end() == Some(Status::Fail) {
        // What the innermost door brought is Puma's own word.
        let said = path.hops.iter().rev().find_map(|h| h.answer.clone());
        if let Some(last) = path.hops.last_mut() {
            last.answer = said;
        }
    }
    Some(path)
}

/// Whether a finding at the public door blames a hop.
fn names_hop(model: &Model, hop: &str) -> bool {
    let found = doors::steps(&model.run, Door::Public).flat_map(|(_, s)| s.findings());
    found.map(|f| f.arg("hop")).any(|named| named == hop)
}

/// Who stands at the end, and what is asked there. Once Rails has let an agent's socket in, Workhorse connects it with
/// the workflow service.
fn end_of(model: &Model, check: &str) -> (&'static str, &'static str) {
    if check != "workflow-socket" {
        return ("Puma", "cable");
    }
    let is_open = |door: &Door| {
        let state = model.run.steps.get(doors::step(&model.run, check, *door)?)?;
        let opened = |s: &Sample| matches!(s.reading(), Some(Reading::Upgraded(_)));
        handshake(model, state)?.samples.iter().any(opened).then_some(())
    };
    match Door::ALL.iter().find_map(is_open) {
        Some(()) => ("service", "workflow"),
        None => ("Puma", "API"),
    }
}

/// The checks of a WebSocket, which have a way in to be drawn.
pub fn is_socket(check: &str) -> bool {
    matches!(check, "cable" | "pings" | "workflow-socket")
}

/// What Puma itself said: Action Cable's words come from nobody else.
fn puma(model: &Model, check: &str) -> Option<(Status, String)> {
    let mut said = Door::ALL.iter().filter_map(|d| doors::step(&model.run, check, *d));
    let has = |step: usize, wanted: &dyn Fn(&Reading) -> bool| {
        let probe = model.run.steps.get(step).and_then(|s| handshake(model, s));
        probe.is_some_and(|p| p.samples.iter().filter_map(Sample::reading).any(wanted))
    };
    match check {
        "cable" => said
            .any(|s| has(s, &|r| matches!(r, Reading::Welcome)))
            .then(|| (Status::Pass, "welcome".to_owned())),
        "pings" => said
            .any(|s| has(s, &|r| matches!(r, Reading::Ping { .. })))
            .then(|| (Status::Pass, "ping".to_owned())),
        _ => None,
    }
}

fn about_nginx(model: &Model) -> String {
    match model.run.about.as_ref().and_then(|a| a.node.install) {
        Some(Install::Omnibus | Install::Docker) => "bundled".to_owned(),
        Some(Install::Helm | Install::Source) | None => String::new(),
    }
}

/// The probe that a step's handshake was, else its first.
pub fn handshake<'a>(model: &'a Model, state: &StepState) -> Option<&'a ProbeState> {
    let mut probes = state.slices.iter().filter_map(|s| model.run.probes.get(s.probe));
    let is_handshake = |p: &&ProbeState| matches!(&p.what, Probe::Walk(walk) if matches!(&walk.then, Then::Upgrade(u) if u.version == Version::Http1));
    probes.clone().find(is_handshake).or_else(|| probes.next())
}

/// What a door answered, in a few words: `400`, `101, 9 ms`, `no welcome in 7 s`.
fn answer(model: &Model, step: usize) -> (Status, String) {
    let Some(state) = model.run.steps.get(step) else { return (Status::Error, String::new()) };
    let status = state.status;
    let samples = handshake(model, state).map_or(&[][..], |p| p.samples.as_slice());
    let upgrade = samples.iter().find(|s| s.layer == Layer::Upgrade);
    let failure = samples.iter().find_map(Sample::failure);
    let code = match (upgrade.and_then(Sample::reading), failure) {
        (Some(Reading::Upgraded(_)), _) => Some("101".to_owned()),
        (_, Some(Failure::WebSocket(WebSocketFailure::Refused(a)))) => Some(a.status.to_string()),
        _ => None,
    };
    let words = match (status, code) {
        (Status::Pass, Some(code)) if state.plan.check != "pings" => {
            let took = upgrade.map(|s| text::duration(s.took)).unwrap_or_default();
            format!("{code}, {took}")
        }
        (Status::Pass, _) => figure::of(model, step),
        (Status::Fail | Status::Warn | Status::Error, Some(code)) if code != "101" => code,
        (Status::Fail | Status::Warn | Status::Error, code) => {
            let why = samples.iter().find(|s| s.failure().is_some()).map(broken);
            let late = || {
                let seconds = state.findings().iter().map(|f| f.arg("seconds")).find(|s| !s.is_empty());
                seconds.map(|s| format!("101, {s} s late"))
            };
            let given = || status_given(state).unwrap_or_else(|| status.as_str().to_owned());
            why.or_else(late).or(code).unwrap_or_else(given)
        }
        (Status::Running, _) => super::words::awaited(model, step).0.to_owned(),
        (Status::Pending | Status::Skip | Status::Blocked | Status::Cancelled, _) => {
            crate::tui::theme::word(status).to_owned()
        }
    };
    (status, text::foreign(&words))
}

/// How a socket broke, in the few columns below a hop.
fn broken(sample: &Sample) -> String {
    match sample.failure() {
        Some(Failure::WebSocket(WebSocketFailure::Cut { after, .. })) => {
            format!("cut at {}", text::duration(*after))
        }
        Some(Failure::WebSocket(WebSocketFailure::Silent { waited_for, .. })) => {
            format!("no {}", waited_for.as_str())
        }
        Some(Failure::WebSocket(WebSocketFailure::NoAnswer { .. })) => "no answer".to_owned(),
        Some(Failure::WebSocket(WebSocketFailure::BadHandshake { .. })) => "broken 101".to_owned(),
        Some(Failure::WebSocket(WebSocketFailure::Foreign { .. })) => "foreign words".to_owned(),
        Some(_) | None => probes::remark(sample),
    }
}

/// The HTTP status that a finding names.
pub fn status_given(state: &StepState) -> Option<String> {
    state.findings().iter().map(|f| f.arg("status")).find(|s| !s.is_empty()).map(str::to_owned)
}

/// The probes of a door's checks that knocked at this very door.
pub fn probes_at(model: &Model, door: Door) -> impl Iterator<Item = &ProbeState> {
    let slices = doors::steps(&model.run, door).flat_map(|(_, state)| &state.slices);
    let probes = slices.filter_map(|s| model.run.probes.get(s.probe));
    probes.filter(move |p| door_of(model, &p.what) == Some(door))
}

/// The whole answer over HTTP, where one came that did not open a WebSocket.
pub fn answer_of(sample: &Sample) -> Option<&Answer> {
    match (sample.reading(), sample.failure()) {
        (Some(Reading::Answer(answer)), _)
        | (_, Some(Failure::WebSocket(WebSocketFailure::Refused(answer)))) => Some(answer),
        _ => None,
    }
}

/// Whether the name leads straight to this node's NGINX: then there is no front end.
fn leads_to_this_node(model: &Model) -> bool {
    let public = connected(model, Door::Public);
    public.is_some() && public == connected(model, Door::Nginx)
}

/// Where the connection to a door was made.
fn connected(model: &Model, door: Door) -> Option<String> {
    let address = |s: &Sample| match s.reading()? {
        Reading::Connected(Connected { address, .. }) => Some(address.to_string()),
        _ => None,
    };
    // Through a proxy the connection is one to the proxy.
    let direct = |p: &&ProbeState| matches!(&p.what, Probe::Walk(walk) if walk.via == Via::Direct);
    probes_at(model, door).filter(direct).flat_map(|p| &p.samples).find_map(address)
}

/// Where a door stands, in whole: the address of the connection, else what is known beforehand.
pub fn address(model: &Model, door: Door) -> Option<String> {
    let known = || doors::about(&model.run, door).and_then(|a| a.address.clone());
    let meant = || {
        let walk = probes_at(model, door).next()?.what.walk()?;
        (walk.aim == Aim::Name).then(|| walk.target.to_string())
    };
    connected(model, door).or_else(known).or_else(meant).map(|a| text::foreign(&a))
}

/// The same in at most so many columns: without the port that goes without saying, a socket as `its socket`.
pub fn short_address(model: &Model, door: Door, look: Look, room: usize) -> String {
    let Some(address) = address(model, door) else { return String::new() };
    if address.starts_with('/') {
        return "its socket".to_owned();
    }
    let bare = address.strip_suffix(":443").or_else(|| address.strip_suffix(":80")).unwrap_or(&address);
    lines::middle(look, bare, room)
}

/// At which door a probe knocked; `None`: at none.
pub fn door_of(model: &Model, probe: &Probe) -> Option<Door> {
    let Probe::Walk(walk) = probe else { return None };
    let shown = |a: &std::net::SocketAddr| {
        let at = |door: &&Door| {
            doors::about(&model.run, **door).and_then(|d| d.address.as_deref())
                == Some(a.to_string().as_str())
        };
        [Door::Nginx, Door::Workhorse].iter().find(at).copied().unwrap_or(Door::Nginx)
    };
    match &walk.aim {
        Aim::Name => Some(Door::Public),
        Aim::Address(address) | Aim::Announced(address) => Some(shown(address)),
        Aim::Socket(_) => Some(Door::Workhorse),
    }
}
