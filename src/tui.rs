//! The terminal UI's shell: owns the terminal and the runtime, carries out what `update` asks for, and draws
//! when something changed and only then.
//!
//! The first frame is on its way before the runtime is built and before anything is found out. Idle, every
//! thread sleeps: no wake-up, no byte.

pub mod clipboard;
pub mod keys;
pub mod model;
pub mod paint;
pub mod theme;
pub mod update;
pub mod view;

mod input;
mod rounds;
mod shell;
mod signals;
mod terminal;
mod writer;

use crate::engine::Rig;
use crate::report::file::{Overwrite, SaveError, Saved};
use crate::report::{Format, Redaction};
use crate::run::Run;
use crate::run::event::Event;
use crate::secret::Secret;
use crate::subject::limits::RailsRunner;
use jiff::Timestamp;
use model::DemoEntry;
use model::asking::Offer;
use shell::Shell;
use std::fmt;
use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;
use theme::Look;
use tokio::runtime::Runtime;

/// Makes the text of a report.
pub type Render = Arc<dyn Fn(&Run, Format, Redaction) -> String + Send + Sync>;
/// Writes a text to a file: mode 0600, whole or not at all.
pub type Save = Arc<dyn Fn(&Path, &str, Overwrite) -> Result<Saved, SaveError> + Send + Sync>;
/// Starts a scenario of the demo, by its name.
pub type Choose = Box<dyn Fn(&str) -> Live + Send>;
/// Finds out what is to be examined, with what was given on the screen so far. Called before every round, for a
/// mended node may look different.
pub type Discover =
    Arc<dyn Fn(Given) -> Pin<Box<dyn Future<Output = Result<Found, String>> + Send>> + Send + Sync>;

/// What was given on the screen, on top of the options.
#[derive(Clone, Debug, Default)]
pub struct Given {
    /// A personal access token.
    pub token: Option<Secret>,
    /// The word to ask Rails on this node.
    pub rails: RailsRunner,
}

/// What is to be examined, and what could be asked for more.
pub struct Found {
    /// What a round needs.
    pub rig: Rig,
    /// What could be asked for more.
    pub offer: Offer,
}

/// What the UI is started with.
pub struct Setup {
    /// Where the run comes from.
    pub source: Source,
    /// How this terminal is drawn to.
    pub look: Look,
    /// The wall clock.
    pub clock: fn() -> Timestamp,
    /// Makes the text of a report.
    pub render: Render,
    /// Writes a text to a file.
    pub save: Save,
}

/// Where the run comes from.
pub enum Source {
    /// It is made here.
    Live(Live),
    /// It was saved: the run and its file's name.
    Saved(Box<Run>, String),
    /// One of these is chosen and started.
    Choose(Vec<DemoEntry>, Choose),
}

/// A run that is made here.
#[derive(Clone)]
pub struct Live {
    /// Finds out what is to be examined.
    pub discover: Discover,
    /// The fault of the demo, where there is one.
    pub mend: Option<Mend>,
    /// The title of the demo's scenario.
    pub title: Option<String>,
}

/// The fault of the demo.
#[derive(Clone)]
pub struct Mend {
    /// What mending does, in words.
    pub about: String,
    /// Mends (`true`) or breaks it.
    pub set: Arc<dyn Fn(bool) + Send + Sync>,
}

impl fmt::Debug for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Found").field("offer", &self.offer).finish_non_exhaustive()
    }
}

impl fmt::Debug for Setup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Setup").field("look", &self.look).finish_non_exhaustive()
    }
}

/// What wakes the loop.
enum Wake {
    /// A key or another size.
    Input(input::Input),
    /// A frame went out; it took so long.
    Written(Duration),
    /// The program was stopped and goes on.
    Continued,
    /// What is to be examined is known, in the run of that number, and what could be asked for more.
    Ready(u64, Offer),
    /// It is not, and why.
    Unready(u64, String),
    /// The engine says something, in the run of that number.
    Event(u64, Box<Event>),
    /// The round is over, in the run of that number.
    Ended(u64),
}

/// Runs the UI to its end; gives the exit code of the run that was shown.
///
/// # Errors
/// There is no terminal, or no thread or runtime can be had. The terminal is restored.
pub fn run(setup: Setup, runtime: impl FnOnce() -> std::io::Result<Runtime>) -> std::io::Result<u8> {
    let result = start(setup, runtime);
    terminal::restore();
    let (code, farewell) = result?;
    let mut text = farewell.join("\n");
    if !text.is_empty() {
        text.push('\n');
        // The line may be gone; the exit code still tells.
        let _ = terminal::write_all(text.as_bytes());
    }
    Ok(code)
}

fn start(
    setup: Setup,
    runtime: impl FnOnce() -> std::io::Result<Runtime>,
) -> std::io::Result<(u8, Vec<String>)> {
    let (tx, rx) = channel();
    let wakes = tx.clone();
    signals::watch(move || drop(wakes.send(Wake::Continued)))?;
    terminal::guard_panics();
    terminal::enter()?;
    let wakes = tx.clone();
    let frames = writer::start(move |took| drop(wakes.send(Wake::Written(took))))?;
    let size = crossterm::terminal::size()?;
    let mut shell = Shell::new(setup, size, tx.clone(), frames);
    shell.draw();
    let wakes = tx;
    input::start(size, move |input| drop(wakes.send(Wake::Input(input))))?;
    let runtime = runtime()?;
    shell.begin(&runtime);
    while !shell.leaving {
        shell.turn(&rx, &runtime);
    }
    let end = (shell.model.exit_code(), view::farewell::lines(&shell.model));
    shell.rounds.stop();
    runtime.shutdown_background();
    Ok(end)
}
