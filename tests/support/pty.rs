//! The program in a real pseudo-terminal, seen through a terminal emulator: what a person sees and presses.
//!
//! Each terminal is its own. Waiting is always for something that is to be seen, with a limit that only a program
//! that hangs reaches. Deliberately absent: assertions about what the program shows.

#![allow(dead_code, reason = "tests and benchmarks use their own parts of it")]

use portable_pty::{CommandBuilder, MasterPty, PtySize, native_pty_system};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};
use std::io::{ErrorKind, Read, Write};
use std::num::NonZeroU16;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long anything on the screen may take: reached only by a program that hangs, or that is wrong.
pub(crate) const LIMIT: Duration = Duration::from_secs(45);

/// The program that is tested.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_duo-doctor");

/// What came out of a terminal so far.
#[derive(Default)]
struct Seen {
    bytes: Vec<u8>,
    /// When which number of bytes had come.
    times: Vec<(Instant, usize)>,
    screen: vt100::Parser,
    /// Nothing more comes.
    ended: bool,
    /// Nobody wants more.
    enough: bool,
}

/// A program in a terminal of its own.
pub(crate) struct Terminal {
    /// Home and working directory of the program.
    pub(crate) home: TempDir,
    /// When it was started.
    pub(crate) started: Instant,
    master: Option<Box<dyn MasterPty + Send>>,
    keys: Option<Box<dyn Write + Send>>,
    seen: Arc<(Mutex<Seen>, Condvar)>,
    reader: Option<thread::JoinHandle<()>>,
    end: Receiver<(u32, Instant)>,
    /// Its end was waited for.
    gone: bool,
    pid: Pid,
    modes: String,
}

/// What is to be started, and in which terminal.
pub(crate) struct Start {
    command: CommandBuilder,
    home: TempDir,
    size: (u16, u16),
}

/// The program with these arguments, 80×24, in UTF-8 and with nothing of this environment but `PATH`.
pub(crate) fn program(arguments: &[&str]) -> Start {
    command(PROGRAM, arguments)
}

/// Any command, started as the program is.
pub(crate) fn command(name: &str, arguments: &[&str]) -> Start {
    let home = tempfile::tempdir().expect("a temporary directory can be made");
    let mut command = CommandBuilder::new(name);
    command.args(arguments);
    command.env_clear();
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.env("HOME", home.path());
    command.env("LANG", "C.UTF-8");
    command.env("TERM", "xterm-256color");
    command.cwd(home.path());
    Start { command, home, size: (80, 24) }
}

impl Start {
    /// With a variable in the environment.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    /// In a terminal of so many columns and lines.
    pub(crate) fn sized(mut self, columns: u16, lines: u16) -> Self {
        self.size = (columns, lines);
        self
    }

    /// Starts it.
    pub(crate) fn start(self) -> Terminal {
        let pair = native_pty_system().openpty(size(self.size)).expect("the system has pseudo-terminals");
        let modes = modes(&*pair.master);
        let seen: Arc<(Mutex<Seen>, Condvar)> = Arc::default();
        lock(&seen).screen.screen_mut().set_size(cells(self.size.1), cells(self.size.0));
        let output = pair.master.try_clone_reader().expect("a terminal can be read");
        let keys = pair.master.take_writer().expect("a terminal can be written to");
        let shared = seen.clone();
        let reader = thread::spawn(move || read(output, &shared));
        let started = Instant::now();
        let mut child = pair.slave.spawn_command(self.command).expect("cargo has built the program");
        drop(pair.slave);
        let pid = child.process_id().and_then(|id| Pid::from_raw(id.cast_signed()));
        let (ended, end) = channel();
        thread::spawn(move || {
            let code = child.wait().map_or(u32::MAX, |status| status.exit_code());
            // A test that has seen enough does not ask.
            let _ = ended.send((code, Instant::now()));
        });
        Terminal {
            home: self.home,
            started,
            master: Some(pair.master),
            keys: Some(keys),
            seen,
            reader: Some(reader),
            end,
            gone: false,
            pid: pid.expect("a child has an id"),
            modes,
        }
    }
}

fn size((cols, rows): (u16, u16)) -> PtySize {
    PtySize { rows, cols, pixel_width: 0, pixel_height: 0 }
}

fn cells(number: u16) -> NonZeroU16 {
    NonZeroU16::new(number).expect("a terminal has at least one line and column")
}

fn lock(seen: &(Mutex<Seen>, Condvar)) -> MutexGuard<'_, Seen> {
    seen.0.lock().expect("nobody panics with the screen in hand")
}

fn modes(master: &dyn MasterPty) -> String {
    let modes = master.get_termios().expect("a terminal has modes");
    format!("{:?} {:?} {:?}", modes.input_flags, modes.output_flags, modes.local_flags)
}

/// What is to be read: a cell that was cleared and one with a space in it look the same.
fn text(screen: &vt100::Screen) -> String {
    let contents = screen.contents();
    let lines: Vec<&str> = contents.lines().map(str::trim_end).collect();
    lines.join("\n")
}

fn read(mut output: impl Read, seen: &(Mutex<Seen>, Condvar)) {
    let mut chunk = [0; 8192];
    loop {
        let got = match output.read(&mut chunk) {
            Ok(got) => got,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            // This is how Linux says that nobody has the terminal open any more.
            Err(_) => 0,
        };
        let mut state = lock(seen);
        if got > 0 {
            state.bytes.extend_from_slice(&chunk[..got]);
            let all = state.bytes.len();
            state.times.push((Instant::now(), all));
            state.screen.process(&chunk[..got]);
        }
        state.ended = got == 0 || state.enough;
        seen.1.notify_all();
        if state.ended {
            return;
        }
    }
}

impl Terminal {
    /// Waits until the screen is as wanted; gives it. Ends the test if it does not become so.
    pub(crate) fn wait_until(&self, what: &str, wanted: impl Fn(&str) -> bool) -> String {
        self.wait_for(what, |screen, _| wanted(&text(screen))).0
    }

    /// Waits until the screen shows a text; gives the screen.
    pub(crate) fn wait_until_it_shows(&self, text: &str) -> String {
        self.wait_until(&format!("shows `{text}`"), |screen| screen.contains(text))
    }

    /// Waits until the run that goes on is over; gives the screen.
    pub(crate) fn wait_until_the_run_is_over(&self) -> String {
        self.wait_until("shows a verdict", |screen| {
            let head = screen.lines().next().unwrap_or_default();
            ["PASS", "WARN", "FAIL", "INCONCLUSIVE"].iter().any(|verdict| head.contains(verdict))
        })
    }

    /// Waits until so much came out as is wanted; gives it.
    pub(crate) fn wait_for_bytes(&self, what: &str, wanted: impl Fn(&[u8]) -> bool) -> Vec<u8> {
        self.wait_for(what, |_, bytes| wanted(bytes)).1
    }

    fn wait_for(&self, what: &str, wanted: impl Fn(&vt100::Screen, &[u8]) -> bool) -> (String, Vec<u8>) {
        let until = Instant::now() + LIMIT;
        let mut state = lock(&self.seen);
        while !wanted(state.screen.screen(), &state.bytes) {
            let left = until.saturating_duration_since(Instant::now());
            assert!(
                !state.ended && !left.is_zero(),
                "it never {what}{}:\n{}",
                if state.ended { ", and it ended" } else { "" },
                text(state.screen.screen())
            );
            state = self.seen.1.wait_timeout(state, left).expect("nobody panics with the screen in hand").0;
        }
        (text(state.screen.screen()), state.bytes.clone())
    }

    /// The screen as it is now.
    pub(crate) fn screen(&self) -> String {
        text(lock(&self.seen).screen.screen())
    }

    /// Everything that came so far.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        lock(&self.seen).bytes.clone()
    }

    /// What came when: times, and the number of bytes until then.
    pub(crate) fn times(&self) -> Vec<(Instant, usize)> {
        lock(&self.seen).times.clone()
    }

    /// Forgets what the screen shows: only what is drawn from now on is seen.
    pub(crate) fn forget(&self) {
        let mut state = lock(&self.seen);
        let (rows, columns) = state.screen.screen().size();
        state.screen = vt100::Parser::new(rows, columns, 0);
    }

    /// Whether the alternate screen is shown, and whether the cursor is hidden.
    pub(crate) fn is_taken_over(&self) -> (bool, bool) {
        let state = lock(&self.seen);
        (state.screen.screen().alternate_screen(), state.screen.screen().hide_cursor())
    }

    /// Whether the terminal's modes are those from before the start.
    pub(crate) fn has_its_modes_back(&self) -> bool {
        self.master.as_ref().is_some_and(|master| modes(&**master) == self.modes)
    }

    /// Presses keys.
    pub(crate) fn press(&mut self, keys: &str) {
        let line = self.keys.as_mut().expect("the line has not been dropped");
        line.write_all(keys.as_bytes()).and_then(|()| line.flush()).expect("the terminal takes keys");
    }

    /// Gives the terminal another size.
    pub(crate) fn resize(&self, columns: u16, lines: u16) {
        // The emulator first: what the program draws for the new size must find it in that size.
        lock(&self.seen).screen.screen_mut().set_size(cells(lines), cells(columns));
        let master = self.master.as_ref().expect("the line has not been dropped");
        master.resize(size((columns, lines))).expect("a terminal can be resized");
    }

    /// Sends a signal to the process that was started.
    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(self.pid, signal).expect("the program runs");
    }

    /// The process id.
    pub(crate) fn id(&self) -> i32 {
        self.pid.as_raw_nonzero().get()
    }

    /// Drops the line, as a lost connection does. Nothing is seen from now on.
    pub(crate) fn drop_the_line(&mut self) -> Instant {
        lock(&self.seen).enough = true;
        // The reader holds the line too; the answer to this key (draw anew) lets it go.
        self.press("\x0c");
        let reader = self.reader.take().expect("the line is dropped once");
        reader.join().expect("reading does not panic");
        self.keys = None;
        self.master = None;
        Instant::now()
    }

    /// Waits until the process that was started is stopped.
    pub(crate) fn wait_until_it_is_stopped(&self) {
        let (stopped, stop) = channel();
        let pid = self.pid;
        thread::spawn(move || stopped.send(waitid(WaitId::Pid(pid), WaitIdOptions::STOPPED).is_ok()));
        assert_eq!(stop.recv_timeout(LIMIT), Ok(true), "it does not stop:\n{}", self.screen());
    }

    /// Waits until the program is gone; gives its exit code and when that was.
    pub(crate) fn wait_until_it_is_gone(&mut self) -> (u32, Instant) {
        let end = self.end.recv_timeout(LIMIT);
        let end = end.unwrap_or_else(|error| panic!("it does not end ({error}):\n{}", self.screen()));
        self.gone = true;
        if let Some(reader) = self.reader.take() {
            reader.join().expect("reading does not panic");
        }
        end
    }

    /// Waits until the program is gone; gives its exit code.
    pub(crate) fn exit_code(&mut self) -> u32 {
        self.wait_until_it_is_gone().0
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        if !self.gone && self.end.try_recv().is_err() {
            // It may go by itself in this moment.
            let _ = kill_process(self.pid, Signal::KILL);
        }
    }
}
