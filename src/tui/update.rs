//! What happens when something happened: the model before and a message give the model after and what the
//! shell is to do. Pure.

mod asking;
mod doors;
mod drill;
mod export;
mod guide;
mod matrix;
mod overview;
mod press;
mod routes;

pub use export::{FORMATS, beside};
pub use guide::{is_solved, next_cause};
pub use press::can;

use crate::diagnosis::RootCause;
use crate::diagnosis::features::{Standing, features};
use crate::remedy::Values;
use crate::run::event::Event;
use crate::run::{Run, RunVerdict, StepState};
use crate::tui::model::dialog::Dialog;
use crate::tui::model::list::{self, Selected};
use crate::tui::model::message::{Cmd, Mended, Msg, Rerun};
use crate::tui::model::{Fault, Guide, Model, Origin, Past, Phase, Screen};
use crate::tui::view::{figure, panes, words};
use jiff::Timestamp;
use std::time::Duration;

/// Takes a message in.
pub fn update(model: &mut Model, msg: Msg) -> Vec<Cmd> {
    let cmds = match msg {
        // What a run still says that was left for the list of scenarios.
        Msg::Event(_) | Msg::Ended(_) | Msg::Ready | Msg::Unready(_) if model.phase == Phase::Choosing => {
            Vec::new()
        }
        Msg::Key(key, now) => {
            model.now = now;
            press::press(model, key)
        }
        Msg::Paste(text, now) => {
            model.now = now;
            press::paste(model, &text);
            Vec::new()
        }
        Msg::Offered(offer) => {
            model.offer = offer;
            Vec::new()
        }
        Msg::Resize(columns, lines) => {
            model.size = (columns, lines);
            Vec::new()
        }
        Msg::Begun { title, mends } => {
            begun(model, title, mends);
            Vec::new()
        }
        Msg::Ready => {
            model.phase = Phase::Running(Duration::ZERO);
            Vec::new()
        }
        Msg::Unready(why) => {
            if model.run.steps.is_empty() {
                model.phase = Phase::Unready(why);
            } else {
                model.phase = Phase::Rest;
                model.note = Some(why);
            }
            Vec::new()
        }
        Msg::Event(event) => {
            take(model, &event);
            Vec::new()
        }
        Msg::Ended(now) => ended(model, now),
        Msg::Tick(elapsed) => {
            if let Phase::Running(since) = &mut model.phase {
                *since = elapsed;
            }
            Vec::new()
        }
        Msg::Rendered(text) => {
            if let Some(Dialog::Export(export)) = &mut model.dialog {
                export.text = Some(text);
            }
            Vec::new()
        }
        Msg::Saved(result) => {
            export::saved(model, result);
            Vec::new()
        }
        Msg::Copied(sentence) => {
            model.note = Some(sentence);
            Vec::new()
        }
        Msg::Fault(mended, now) => fault(model, mended, now),
    };
    settle(model);
    cmds
}

/// Opens a saved run.
pub fn open_saved(model: &mut Model, run: Run) {
    let started = run.about.as_ref().map(|a| a.started_at);
    model.values = Values::of(run.about.as_ref());
    model.title = run.about.as_ref().and_then(|a| a.demo.clone());
    let started = started.filter(|_| run.about.as_ref().is_none_or(|a| a.source.is_none()));
    model.ended = started.and_then(|s| s.checked_add(jiff::SignedDuration::try_from(run.at).ok()?).ok());
    model.run = run;
    model.phase = Phase::Rest;
    model.causes = model.letters.name(&model.run);
    model.letters.fix(&model.causes);
    model.users = users(model);
    select_first(model);
    settle(model);
}

/// Puts what depends on sizes right.
fn settle(model: &mut Model) {
    let rows = usize::from(panes::of(model).list.height);
    list::settle(model, rows);
}

fn begun(model: &mut Model, title: Option<String>, mends: Option<String>) {
    let demos = std::mem::take(&mut model.demos);
    let mut screens = std::mem::take(&mut model.screens);
    screens.retain(|s| matches!(s, Screen::Demos { .. }));
    screens.push(Screen::Overview);
    *model = Model { demos, screens, ..Model::new(model.size, model.look, model.origin.clone(), model.now) };
    model.phase = Phase::Discovering;
    model.title = title;
    model.fault = mends.map(|about| Fault { about, mended: false, touched: Vec::new() });
}

fn take(model: &mut Model, event: &Event) {
    if matches!(model.phase, Phase::Discovering | Phase::Rest) {
        model.phase = Phase::Running(Duration::ZERO);
    }
    model.run.apply(event);
    match event {
        Event::Planned { .. } => {
            model.values = Values::of(model.run.about.as_ref());
            model.round.clear();
            model.causes.clear();
            if !model.list.moved {
                let first = model.groups().first().copied();
                model.list.selected = first.map_or(model.list.selected, Selected::Group);
            }
        }
        Event::Restarted { steps, .. } => {
            model.round = steps.iter().copied().collect();
            model.causes = model.letters.name(&model.run);
        }
        Event::Started { step, .. } => model.newest = Some(*step),
        Event::Settled { step, how, .. } => {
            model.newest = Some(*step);
            asking::settled(model, *step, how);
            model.causes = model.letters.name(&model.run);
        }
        Event::Asked { .. } | Event::Sampled { .. } | Event::Finished { .. } => {}
    }
}

/// A round is over: letters are fixed, the first cause is selected unless a key chose something.
fn ended(model: &mut Model, now: Timestamp) -> Vec<Cmd> {
    model.now = now;
    model.phase = Phase::Rest;
    model.stopping = false;
    model.ended = Some(now);
    model.newest = None;
    model.causes = model.letters.name(&model.run);
    model.letters.fix(&model.causes);
    model.users = users(model);
    model.asked = None;
    let counts = Run::counts(&model.run.steps);
    let what = if model.round.is_empty() {
        format!("run of {}", crate::text::count(counts.all, "check"))
    } else {
        format!("{} again", crate::text::count(model.round.len(), "check"))
    };
    let letters: Vec<String> = model.causes.iter().map(|c| c.letter.to_string()).collect();
    let verdict = match model.run.verdict() {
        RunVerdict::Pass => "PASS".to_owned(),
        RunVerdict::Warn => "WARN".to_owned(),
        RunVerdict::Fail => format!("FAIL: {}", crate::text::list(&letters)),
        RunVerdict::Inconclusive => "INCONCLUSIVE".to_owned(),
    };
    model.session.push((now, format!("{what}: {verdict}")));
    guide::checked(model, now);
    if !model.list.moved {
        select_first(model);
    }
    if let Some(Dialog::Quit) = model.dialog {
        model.dialog = None;
    }
    Vec::new()
}

/// What is up for users; another program's report knows nothing of the ways.
fn users(model: &Model) -> Vec<Standing> {
    if model.run.about.as_ref().is_some_and(|about| about.source.is_some()) {
        return Vec::new();
    }
    let roots: Vec<&RootCause> = model.causes.iter().map(|c| &c.root).collect();
    features(&model.run, &roots)
}

fn select_first(model: &mut Model) {
    let first = model.causes.first().map(|c| Selected::Cause(c.letter));
    let group = model.groups().first().copied().map(Selected::Group);
    model.list.selected = first.or(group).unwrap_or(model.list.selected);
}

fn fault(model: &mut Model, mended: Mended, now: Timestamp) -> Vec<Cmd> {
    model.now = now;
    let open = not_pass(model);
    let Some(fault) = &mut model.fault else { return Vec::new() };
    let (words, steps) = match mended {
        Mended::Yes => {
            fault.touched.clone_from(&open);
            fault.mended = true;
            ("mended in the demo", open)
        }
        Mended::No => {
            fault.mended = false;
            let mut steps = open;
            steps.extend(&fault.touched);
            steps.sort_unstable();
            steps.dedup();
            ("broken again in the demo", steps)
        }
    };
    model.session.push((now, format!("f: {words}")));
    let rerun = if steps.is_empty() { Rerun::All } else { Rerun::Around(steps) };
    start(model, rerun)
}

/// Every step that is not a pass, or that means nothing here.
fn not_pass(model: &Model) -> Vec<usize> {
    use crate::run::Status;
    let open = |s: &StepState| !matches!(s.status, Status::Pass | Status::Skip);
    model.run.steps.iter().enumerate().filter(|(_, s)| open(s)).map(|(i, _)| i).collect()
}

/// Begins a round.
fn start(model: &mut Model, rerun: Rerun) -> Vec<Cmd> {
    if !model.can_run() {
        return Vec::new();
    }
    begin(model);
    vec![Cmd::Run(rerun)]
}

/// What is known now becomes the past.
fn begin(model: &mut Model) {
    let at = model.ended.unwrap_or(model.now);
    let past = model
        .run
        .steps
        .iter()
        .enumerate()
        .filter(|(i, s)| s.status.is_settled() && (model.round.is_empty() || model.round.contains(i)));
    let past: Vec<Past> = past
        .map(|(step, state)| Past {
            at,
            step,
            status: state.status,
            words: words::short(model, step),
            figure: figure::of(model, step),
        })
        .collect();
    model.past.extend(past);
    model.phase = Phase::Running(Duration::ZERO);
    model.stopping = false;
}

/// The steps that something selected stands for.
fn steps_of(model: &Model, selected: Selected) -> Vec<usize> {
    match selected {
        Selected::Step(step) => vec![step],
        Selected::Group(group) => model.run.group(group).map(|(i, _)| i).collect(),
        Selected::Cause(letter) => model
            .causes
            .iter()
            .find(|c| c.letter == letter)
            .map(|c| c.root.shown_by.clone())
            .unwrap_or_default(),
    }
}

/// Leaves the run for the list of scenarios, where it was started from there.
fn to_demos(model: &mut Model) -> Vec<Cmd> {
    if model.origin != Origin::Demos {
        return Vec::new();
    }
    let running = model.is_running();
    model.screens.retain(|s| matches!(s, Screen::Demos { .. }));
    model.phase = Phase::Choosing;
    model.run = Run::default();
    if running { vec![Cmd::Stop] } else { Vec::new() }
}

/// The guide, opened at the cause of what is selected.
fn guide_at(model: &Model, letter: Option<char>) -> Option<Guide> {
    let cause = (model.causes.iter().find(|c| Some(c.letter) == letter)).or(model.causes.first())?.clone();
    let step = guide::first_open(model, &cause);
    Some(Guide { cause, step, scroll: 0, checked: None })
}
