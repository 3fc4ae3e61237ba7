//! The terminal UI as the options want it: what is examined, found out after the first frame.

use super::Options;
use super::inputs::{Inputs, Unfit};
use super::subject::{limits, of_node, rig, selection};
use crate::lab::Lab;
use crate::lab::scenario::{Scenario, scenario, scenarios};
use crate::node;
use crate::node::root::Root;
use crate::plan::Selection;
use crate::report::file::{Overwrite, SaveError, Saved};
use crate::report::{self, Charset, Colour};
use crate::run::Run;
use crate::save::save;
use crate::subject::Subject;
use crate::subject::environment::Environment;
use crate::subject::limits::{Limits, RailsRunner};
use crate::tui::model::DemoEntry;
use crate::tui::model::asking::{Call, Offer};
use crate::tui::theme::{self, Glyphs, Look};
use crate::tui::{Found, Given, Live, Mend, Setup, Source};
use jiff::Timestamp;
use std::path::Path;
use std::sync::Arc;
use tokio::sync::OnceCell;

/// The UI on this node.
///
/// # Errors
/// A selection that names nothing.
pub fn node(
    options: &Options,
    inputs: Inputs,
    environment: Environment,
    clock: fn() -> Timestamp,
) -> Result<Source, Unfit> {
    let selection = selection(options)?;
    let what = Arc::new((options.clone(), inputs, environment, selection));
    let discover = move |given: Given| {
        let what = what.clone();
        let find = move || {
            let (options, inputs, environment, selection) = &*what;
            let mut subject = of_node(options, inputs, environment, clock()).map_err(|e| e.to_string())?;
            if given.rails == RailsRunner::Allowed {
                subject.limits.rails = given.rails;
            }
            if given.token.is_some() {
                subject.token = given.token;
            }
            let offer = Offer { runner: runner(options, &subject), token: None };
            Ok::<Found, String>(Found { rig: rig(subject, selection), offer })
        };
        // Reading files blocks, and the screen goes on meanwhile.
        let found = async { tokio::task::spawn_blocking(find).await.map_err(|e| e.to_string())? };
        Box::pin(found) as std::pin::Pin<Box<dyn Future<Output = _> + Send>>
    };
    Ok(Source::Live(Live { discover: Arc::new(discover), mend: None, title: None }))
}

/// The question to Rails that could be asked on this node: where this user may start Rails, and nobody said yes yet. A
/// Rails below `--sysroot` is never started.
fn runner(options: &Options, subject: &Subject) -> Option<Call> {
    let can_be_asked = subject.limits.rails == RailsRunner::NotAsked && options.sysroot.is_none();
    let install = subject.node.install.filter(|_| can_be_asked)?;
    let root = Root::open(Path::new("/")).ok()?;
    let call = node::runner::call(&root, install).ok()?;
    Some(Call { command: call.to_string(), free: node::runner::free_memory(&root) })
}

/// The UI on a scenario of the lab.
///
/// # Errors
/// A selection that names nothing.
pub fn demo(options: &Options, scenario: Scenario, clock: fn() -> Timestamp) -> Result<Source, Unfit> {
    Ok(Source::Live(live(scenario, limits(options), selection(options)?, clock)))
}

/// The UI on the list of scenarios.
///
/// # Errors
/// A selection that names nothing.
pub fn choose(options: &Options, clock: fn() -> Timestamp) -> Result<Source, Unfit> {
    let entry = |s: Scenario| DemoEntry {
        expects: s.expect.root_causes.len(),
        name: s.name,
        title: s.title,
        layer: if s.layer == "none" { String::new() } else { s.layer },
        about: s.about,
    };
    let entries = scenarios().into_iter().map(entry).collect();
    let (limits, selection) = (limits(options), selection(options)?);
    let start = move |name: &str| {
        let chosen = scenario(name).unwrap_or_else(|| unreachable!("the list was made of scenarios"));
        live(chosen, limits, selection.clone(), clock)
    };
    Ok(Source::Choose(entries, Box::new(start)))
}

/// A lab that starts when it is first looked at, and whose fault can be mended.
fn live(scenario: Scenario, limits: Limits, selection: Selection, clock: fn() -> Timestamp) -> Live {
    let title = Some(scenario.title.clone());
    let about = scenario.mend.clone();
    let breakable = !scenario.faults.is_empty();
    let lab: Arc<OnceCell<Lab>> = Arc::default();
    let shared = lab.clone();
    let what = Arc::new((scenario, selection));
    let discover = move |given: Given| {
        let (lab, what) = (lab.clone(), what.clone());
        let find = async move {
            let started = lab.get_or_try_init(|| Lab::start(&what.0, clock())).await;
            let started = started.map_err(|e| format!("the lab does not start: {e}"))?;
            let mut subject = started.subject(limits, clock());
            if given.token.is_some() {
                subject.token = given.token;
            }
            let token = Some(format!("The demo's own is {}", Lab::TOKEN));
            Ok::<Found, String>(Found { rig: rig(subject, &what.1), offer: Offer { runner: None, token } })
        };
        Box::pin(find) as std::pin::Pin<Box<dyn Future<Output = _> + Send>>
    };
    let set = move |mended: bool| match shared.get() {
        Some(lab) if mended => lab.mend(),
        Some(lab) => lab.break_again(),
        None => {}
    };
    let mend = breakable.then(|| Mend { about, set: Arc::new(set) });
    Live { discover: Arc::new(discover), mend, title }
}

/// What the UI is started with.
pub fn setup(
    source: Source,
    options: report::Options,
    redaction: report::Redaction,
    clock: fn() -> Timestamp,
) -> Setup {
    let look = Look {
        glyphs: match options.charset {
            Charset::Unicode => Glyphs::Unicode,
            Charset::Ascii => Glyphs::Ascii,
        },
        colour: match options.colour {
            Colour::Always => theme::Colour::On,
            Colour::Never => theme::Colour::Off,
        },
        redaction,
        fail_on: options.fail_on,
    };
    // An exported text is for others: in all characters and without colours.
    let plain = report::Options { fail_on: options.fail_on, ..report::Options::default() };
    let render = move |run: &Run, format, redaction| report::render(run, None, format, redaction, &plain);
    Setup { source, look, clock, render: Arc::new(render), save: Arc::new(write) }
}

fn write(path: &Path, text: &str, over: Overwrite) -> Result<Saved, SaveError> {
    let saved = save(path, text.as_bytes(), over)?;
    // The path as it can be pasted elsewhere.
    let path = std::path::absolute(&saved.path).unwrap_or(saved.path);
    Ok(Saved { path, ..saved })
}
