//! `check`: a run without a screen. Progress on stderr, the report on stdout or in a file, an exit code.
//!
//! A shell: it writes to the standard streams and reads signals. What is written is decided by `report`.

use crate::check::Group;
use crate::diagnosis::diagnose;
use crate::engine::{Rig, Round, run};
use crate::report::file::Overwrite;
use crate::report::{self, Format, Redaction};
use crate::run::event::Event;
use crate::run::{Run, RunVerdict, Status};
use crate::save::{save, size};
use crate::text;
use jiff::Timestamp;
use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, MissedTickBehavior, interval};

/// Where the report goes and how it looks.
#[derive(Clone, Debug)]
pub struct Output {
    /// The format.
    pub format: Format,
    /// What is hidden.
    pub redaction: Redaction,
    /// Presentation, and what makes the exit code.
    pub options: report::Options,
    /// A file in place of stdout.
    pub file: Option<PathBuf>,
    /// Whether a file that exists may be replaced.
    pub overwrite: Overwrite,
}

/// How progress is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Talk {
    /// One line on a terminal, rewritten at most once a second, gone at the end.
    Line,
    /// A line when a group settles, and every 10 s while waiting.
    Log,
}

/// `EX_CANTCREAT`: the report could not be written.
const NOT_WRITTEN: u8 = 73;

/// Runs the whole plan and writes the report. Gives the exit code of the contract, section 3.
pub async fn check(rig: &Rig, output: &Output, talk: Talk, clock: fn() -> Timestamp) -> u8 {
    let (stopper, stop) = watch::channel(false);
    let (tx, events) = mpsc::unbounded_channel();
    let signals = tokio::spawn(stop_on_signal(stopper));
    let emit = move |event| {
        // The teller listens until this end is dropped.
        let _ = tx.send(event);
    };
    let ((), mut teller) = tokio::join!(run(rig, Round::Whole, emit, stop), tell(events, talk, clock));
    let signal = if signals.is_finished() { signals.await.unwrap_or(None) } else { None };
    teller.clear();
    let written = write(&teller.run, Some(&teller.events), output);
    teller.end(&written);
    match (written, signal) {
        (Err(_), _) => NOT_WRITTEN,
        (Ok(_), Some(number)) => 128 + number,
        (Ok(_), None) => report::exit_code(&teller.run, output.options.fail_on),
    }
}

/// Waits for a signal that ends the program, then stops the run; gives the signal's number.
async fn stop_on_signal(stopper: watch::Sender<bool>) -> Option<u8> {
    let mut interrupt = signal(SignalKind::interrupt()).ok()?;
    let mut terminate = signal(SignalKind::terminate()).ok()?;
    let mut hangup = signal(SignalKind::hangup()).ok()?;
    let number = tokio::select! {
        _ = interrupt.recv() => 2,
        _ = terminate.recv() => 15,
        _ = hangup.recv() => 1,
    };
    stopper.send_replace(true);
    Some(number)
}

/// Writes a report to its file or to stdout. Gives what there is to say about it.
///
/// # Errors
/// The sentence that says why it could not be written.
pub fn write(run: &Run, events: Option<&[Event]>, output: &Output) -> Result<Option<String>, String> {
    let text = report::render(run, events, output.format, output.redaction, &output.options);
    match &output.file {
        Some(path) => {
            let saved = save(path, text.as_bytes(), output.overwrite).map_err(|why| {
                // The run is not lost for a wrong path.
                let _ = print(&text);
                format!("{why}; it stands on stdout instead")
            })?;
            let path = text::foreign(&saved.path.display().to_string());
            Ok(Some(format!("written to {path} ({}, mode 0600)", size(text.len() as u64))))
        }
        None => match print(&text) {
            // Whoever reads has read enough: `| head`.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(None),
            Err(error) => Err(format!("stdout: {error}")),
            Ok(()) => Ok(None),
        },
    }
}

/// Puts a text on stdout.
///
/// # Errors
/// Those of the stream.
pub fn print(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    stdout.flush()
}

/// Says a line on stderr.
pub fn say(line: &str) {
    // Nobody is left to be told that stderr is gone.
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// Folds the events and tells how far the run is.
struct Teller {
    run: Run,
    events: Vec<Event>,
    talk: Talk,
    clock: fn() -> Timestamp,
    told: Vec<Group>,
    shown: bool,
    last_word: Instant,
}

/// How long a log may be silent while something is awaited.
const SILENCE: Duration = Duration::from_secs(10);

async fn tell(mut events: mpsc::UnboundedReceiver<Event>, talk: Talk, clock: fn() -> Timestamp) -> Teller {
    let mut teller = Teller {
        run: Run::default(),
        events: Vec::new(),
        talk,
        clock,
        told: Vec::new(),
        shown: false,
        last_word: Instant::now(),
    };
    let mut second = interval(Duration::from_secs(1));
    second.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // The first tick comes at once, and there is nothing to tell yet.
    second.tick().await;
    loop {
        tokio::select! {
            event = events.recv() => match event {
                Some(event) => teller.take(event),
                None => return teller,
            },
            _ = second.tick() => teller.tick(),
        }
    }
}

impl Teller {
    fn take(&mut self, event: Event) {
        self.run.apply(&event);
        if let (Event::Planned { about, steps }, Talk::Log) = (&event, self.talk) {
            let node = about.node.hostname.as_deref().unwrap_or("this machine");
            let limit = text::duration(about.deadline);
            self.log(&format!("{} on {node}, at most {limit}", text::count(steps.len(), "check")));
        }
        let settled = matches!(event, Event::Settled { .. });
        self.events.push(event);
        if settled && self.talk == Talk::Log {
            self.tell_groups();
        }
    }

    fn tell_groups(&mut self) {
        for group in Group::ALL {
            let counts = Run::counts(self.run.group(group).map(|(_, s)| s));
            if counts.all == 0 || counts.settled < counts.all || self.told.contains(&group) {
                continue;
            }
            self.told.push(group);
            let parts: Vec<String> = [
                (counts.fail, "fail"),
                (counts.warn, "warn"),
                (counts.blocked, "blocked"),
                (counts.error, "error"),
                (counts.cancelled, "cancelled"),
            ]
            .iter()
            .filter(|(n, _)| *n > 0)
            .map(|(n, word)| format!("{n} {word}"))
            .collect();
            let line = format!(
                "{:<16} {:>2} of {:<2}   {}",
                group.as_str(),
                counts.settled,
                counts.all,
                parts.join(", ")
            );
            self.log(line.trim_end());
        }
    }

    fn tick(&mut self) {
        let counts = Run::counts(&self.run.steps);
        match self.talk {
            Talk::Line => {
                let line = format!("{} of {} settled, {}", counts.settled, counts.all, self.awaited());
                // As in `say`.
                let _ = write!(io::stderr().lock(), "\r\x1b[K{}", text::cut(&line, 79));
                let _ = io::stderr().flush();
                self.shown = true;
            }
            Talk::Log if self.last_word.elapsed() >= SILENCE => {
                let line = self.awaited();
                self.log(&line);
            }
            Talk::Log => {}
        }
    }

    /// What is awaited: the steps that run, in their own words.
    fn awaited(&self) -> String {
        let running = self.run.steps.iter().filter(|s| s.status == Status::Running);
        let mut names: Vec<String> =
            running.map(|s| format!("{} at {}", s.plan.title, s.plan.place)).collect();
        let more = names.len().saturating_sub(2);
        names.truncate(2);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        format!("waiting: {}{more}", names.join(", "))
    }

    fn log(&mut self, line: &str) {
        self.last_word = Instant::now();
        say(&format!("{} {line}", (self.clock)().strftime("%H:%M:%S")));
    }

    /// Takes the progress line away.
    fn clear(&mut self) {
        if std::mem::take(&mut self.shown) {
            let _ = write!(io::stderr().lock(), "\r\x1b[K");
        }
    }

    fn end(&mut self, written: &Result<Option<String>, String>) {
        let causes = diagnose(&self.run).len();
        let verdict = match self.run.verdict() {
            RunVerdict::Pass => "PASS",
            RunVerdict::Warn => "WARN",
            RunVerdict::Fail => "FAIL",
            RunVerdict::Inconclusive => "INCONCLUSIVE",
        };
        match written {
            Err(why) => say(&format!("the report was not written: {why}")),
            Ok(Some(place)) => self.log(&format!("{verdict}: {}, {place}", text::count(causes, "cause"))),
            Ok(None) if self.talk == Talk::Log => {
                self.log(&format!("{verdict}: {}", text::count(causes, "cause")));
            }
            Ok(None) => {}
        }
    }
}
