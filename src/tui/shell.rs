//! The loop that waits, tells the model, carries out what it asks for, and draws when it is time.

use super::clipboard::{self, Between};
use super::model::message::{Cmd, Mended, Msg};
use super::model::{Model, Origin};
use super::paint::{self, paint};
use super::rounds::Rounds;
use super::{Choose, Live, Render, Save, Setup, Source, Wake, input, terminal, update, view};
use jiff::Timestamp;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

/// Between two frames that nobody asked for by a key.
const FRAME: Duration = Duration::from_millis(250);
/// Between two frames while the terminal is being resized.
const RESIZE: Duration = Duration::from_millis(33);
/// From here on a line counts as slow, and its clock ticks every 5 s.
const SLOW: Duration = Duration::from_millis(50);
/// So long after our own suspending the signal to continue is no news.
const RESUMED: Duration = Duration::from_millis(200);

/// How soon a change is to be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Dirty {
    No,
    /// With the next frame of a run.
    Soon,
    /// A resize: joined with the ones that follow at once.
    Resized,
    /// A key was pressed.
    Now,
}

/// The loop: model, rounds, and what the terminal shows.
pub(super) struct Shell {
    pub(super) model: Model,
    choose: Option<Choose>,
    pub(super) rounds: Rounds,
    clock: fn() -> Timestamp,
    render: Render,
    save: Save,
    frames: Sender<Vec<u8>>,
    /// What the terminal shows; `None`: nobody knows.
    shown: Option<Buffer>,
    /// Bytes to send beside the next frame.
    beside: Vec<u8>,
    busy: bool,
    dirty: Dirty,
    drawn: Instant,
    ticked: Instant,
    slow: bool,
    /// When our own suspending was over.
    resumed: Option<Instant>,
    pub(super) leaving: bool,
}

impl Shell {
    pub(super) fn new(setup: Setup, size: (u16, u16), tx: Sender<Wake>, frames: Sender<Vec<u8>>) -> Self {
        let now = Instant::now();
        let clock = (setup.clock)();
        let mut rounds = Rounds::new(tx);
        let (origin, choose) = match &setup.source {
            Source::Live(_) => (Origin::Live, None),
            Source::Saved(_, file) => (Origin::Saved(crate::text::foreign(file)), None),
            Source::Choose(..) => (Origin::Demos, Some(())),
        };
        let mut model = Model::new(size, setup.look, origin, clock);
        let choose = match setup.source {
            Source::Live(live) => {
                model.title.clone_from(&live.title);
                rounds.live = Some(live);
                None
            }
            Source::Saved(run, _) => {
                update::open_saved(&mut model, *run);
                None
            }
            Source::Choose(demos, start) => {
                model.demos = demos;
                choose.map(|()| start)
            }
        };
        Self {
            model,
            choose,
            rounds,
            clock: setup.clock,
            render: setup.render,
            save: setup.save,
            frames,
            shown: None,
            beside: Vec::new(),
            busy: false,
            dirty: Dirty::Now,
            drawn: now,
            ticked: now,
            slow: false,
            resumed: None,
            leaving: false,
        }
    }

    /// Starts what the program was started for.
    pub(super) fn begin(&mut self, runtime: &Runtime) {
        if let Some(live) = self.rounds.live.clone() {
            self.launch(live, runtime);
        }
    }

    fn launch(&mut self, live: Live, runtime: &Runtime) {
        let mends = live.mend.as_ref().map(|m| m.about.clone());
        self.tell(Msg::Begun { title: live.title.clone(), mends }, Dirty::Now, runtime);
        self.rounds.begin(live, runtime);
    }

    /// Waits for something, takes everything in that is there, draws if it is time.
    pub(super) fn turn(&mut self, rx: &Receiver<Wake>, runtime: &Runtime) {
        let first = match self.wait() {
            None => rx.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some(wait) => rx.recv_timeout(wait),
        };
        let mut next = match first {
            Ok(wake) => Some(wake),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => {
                self.leaving = true;
                None
            }
        };
        while let Some(wake) = next {
            self.take(wake, runtime);
            next = rx.try_recv().ok();
        }
        if self.model.is_running() && self.ticked.elapsed() >= self.tick() {
            self.ticked = Instant::now();
            let elapsed = self.rounds.elapsed();
            self.tell(Msg::Tick(elapsed), Dirty::Soon, runtime);
        }
        if self.due().is_some_and(|due| due <= Instant::now()) {
            self.draw();
        }
    }

    /// How long to wait at most; `None`: until something comes.
    fn wait(&self) -> Option<Duration> {
        let tick = self.model.is_running().then(|| self.ticked + self.tick());
        let next = [tick, self.due()].into_iter().flatten().min()?;
        Some(next.saturating_duration_since(Instant::now()))
    }

    fn tick(&self) -> Duration {
        Duration::from_secs(if self.slow { 5 } else { 1 })
    }

    /// When the next frame is due; `None`: nothing changed, or one is on its way.
    fn due(&self) -> Option<Instant> {
        if self.busy {
            return None;
        }
        match self.dirty {
            Dirty::No => None,
            Dirty::Soon => Some(self.drawn + FRAME),
            Dirty::Resized => Some(self.drawn + RESIZE),
            Dirty::Now => Some(self.drawn),
        }
    }

    fn take(&mut self, wake: Wake, runtime: &Runtime) {
        match wake {
            Wake::Input(input::Input::Key(key)) => {
                let now = (self.clock)();
                self.tell(Msg::Key(key, now), Dirty::Now, runtime);
            }
            Wake::Input(input::Input::Paste(text)) => {
                let now = (self.clock)();
                self.tell(Msg::Paste(text, now), Dirty::Now, runtime);
            }
            Wake::Input(input::Input::Resize(columns, lines)) => {
                self.shown = None;
                self.tell(Msg::Resize(columns, lines), Dirty::Resized, runtime);
            }
            Wake::Written(took) => {
                self.busy = false;
                self.slow = took > SLOW;
            }
            // After our own suspending the screen is drawn anew already.
            Wake::Continued if self.resumed.is_some_and(|at| at.elapsed() < RESUMED) => {}
            Wake::Continued => self.reenter(),
            Wake::Ready(run, offer) if self.rounds.is_current(run) => {
                self.ticked = Instant::now();
                self.tell(Msg::Offered(offer), Dirty::Soon, runtime);
                self.tell(Msg::Ready, Dirty::Soon, runtime);
            }
            Wake::Unready(run, why) if self.rounds.is_current(run) => {
                self.tell(Msg::Unready(why), Dirty::Now, runtime);
            }
            Wake::Event(run, event) if self.rounds.is_current(run) => {
                self.tell(Msg::Event(event), Dirty::Soon, runtime);
            }
            Wake::Ended(run) if self.rounds.is_current(run) => {
                let now = (self.clock)();
                self.tell(Msg::Ended(now), Dirty::Now, runtime);
            }
            Wake::Ready(..) | Wake::Unready(..) | Wake::Event(..) | Wake::Ended(_) => {}
        }
    }

    /// Tells the model, and does what it asks for.
    fn tell(&mut self, msg: Msg, dirty: Dirty, runtime: &Runtime) {
        self.dirty = self.dirty.max(dirty);
        for cmd in update::update(&mut self.model, msg) {
            self.carry_out(cmd, runtime);
        }
    }

    fn carry_out(&mut self, cmd: Cmd, runtime: &Runtime) {
        match cmd {
            Cmd::Start(name) => {
                if let Some(live) = self.choose.as_ref().map(|start| start(&name)) {
                    self.launch(live, runtime);
                }
            }
            Cmd::Run(rerun) => {
                self.ticked = Instant::now();
                self.rounds.again(&rerun, &self.model.run, runtime);
            }
            Cmd::UseToken(token) => {
                self.ticked = Instant::now();
                self.rounds.use_token(token, runtime);
            }
            Cmd::AskRails => {
                self.ticked = Instant::now();
                self.rounds.ask_rails(runtime);
            }
            Cmd::Stop => self.rounds.stop(),
            Cmd::Fault(mended) => {
                if let Some(mend) = self.rounds.live.as_ref().and_then(|l| l.mend.as_ref()) {
                    (mend.set)(mended == Mended::Yes);
                }
                let now = (self.clock)();
                self.tell(Msg::Fault(mended, now), Dirty::Now, runtime);
            }
            Cmd::Render(format, redaction) => {
                let text = (self.render)(&self.model.run, format, redaction);
                self.tell(Msg::Rendered(text), Dirty::Now, runtime);
            }
            Cmd::Save { path, text, over } => {
                let result = (self.save)(&expanded(&path), &text, over);
                self.tell(Msg::Saved(result), Dirty::Now, runtime);
            }
            Cmd::Copy(text) => {
                let between = Between::of(|name| std::env::var(name).ok());
                let said = if let Some(bytes) = clipboard::sequence(&text, between) {
                    self.beside.extend(bytes);
                    clipboard::said(&text, between)
                } else {
                    "Too long for the terminal's clipboard: w or e writes a file.".to_owned()
                };
                self.tell(Msg::Copied(said), Dirty::Now, runtime);
            }
            Cmd::Suspend => {
                terminal::restore();
                // The system ignores this where no shell could continue the program (`ssh host duo-doctor`): then
                // the screen comes back at once, which is better than a line that hangs.
                let own = rustix::process::getpid();
                let _ = rustix::process::kill_process(own, rustix::process::Signal::TSTP);
                self.reenter();
                self.resumed = Some(Instant::now());
            }
            Cmd::Redraw => {
                self.shown = None;
                self.dirty = Dirty::Now;
            }
            Cmd::Quit => self.leaving = true,
        }
    }

    /// Takes the terminal over again, whatever happened to it.
    fn reenter(&mut self) {
        terminal::restore();
        if terminal::enter().is_err() {
            self.leaving = true;
        }
        if let Ok((columns, lines)) = crossterm::terminal::size() {
            self.model.size = (columns, lines);
        }
        self.shown = None;
        self.dirty = Dirty::Now;
    }

    /// Makes the newest picture and hands the difference over.
    pub(super) fn draw(&mut self) {
        self.dirty = Dirty::No;
        self.drawn = Instant::now();
        let (width, height) = self.model.size;
        let area = Rect::new(0, 0, width, height);
        let mut picture = Buffer::empty(area);
        view::draw(&self.model, &mut picture);
        let mut bytes = std::mem::take(&mut self.beside);
        let before = self.shown.take().filter(|b| *b.area() == area).unwrap_or_else(|| {
            bytes.extend_from_slice(paint::CLEAR.as_bytes());
            Buffer::empty(area)
        });
        bytes.extend(paint(&before, &picture));
        self.shown = Some(picture);
        if !bytes.is_empty() {
            self.busy = self.frames.send(bytes).is_ok();
        }
    }
}

/// A path as typed: `~/` is the home.
fn expanded(path: &str) -> PathBuf {
    let home = std::env::var_os("HOME").filter(|h| !h.is_empty());
    match (path.strip_prefix("~/"), home) {
        (Some(rest), Some(home)) => PathBuf::from(home).join(rest),
        (Some(_) | None, _) => PathBuf::from(path),
    }
}
