//! A server program as a child process: started with its own log, waited for, killed by its process group.
//!
//! What the server needs (configuration, ports) is written by the file of that server; here is only its life.

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use std::fs::{self, File};
use std::io::ErrorKind;
use std::net::{SocketAddr, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long a server may take until it accepts connections. Ruby and Apache need well under a second; the rest is
/// for a machine that compiles at the same time.
const START_LIMIT: Duration = Duration::from_mins(1);

/// The pause between two attempts to connect to a starting server.
const POLL_PAUSE: Duration = Duration::from_millis(20);

/// A running server. Dropping it ends the server and everything that it started in its process group.
pub(crate) struct Server {
    child: Child,
    packages: &'static str,
    log: PathBuf,
    /// Its id may belong to others by now.
    gone: bool,
}

/// A command for `program` with nothing of this environment but `PATH`: variables steer Ruby, Puma and TLS libraries.
pub(crate) fn command(program: &str) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("LANG", "C.UTF-8").env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command
}

/// Starts `command` with both outputs in `log`. A missing program ends the test and names `packages`.
pub(crate) fn start(mut command: Command, packages: &'static str, log: &Path) -> Server {
    let output =
        File::options().create(true).append(true).open(log).expect("the test's own directory is writable");
    let errors = output.try_clone().expect("an open file can be duplicated");
    command.stdout(Stdio::from(output)).stderr(Stdio::from(errors)).process_group(0);
    match command.spawn() {
        Ok(child) => Server { child, packages, log: log.to_owned(), gone: false },
        Err(error) if error.kind() == ErrorKind::NotFound => panic!("{}", missing(&command, packages)),
        Err(error) => panic!("{} did not start: {error}", command.get_program().display()),
    }
}

fn missing(command: &Command, packages: &str) -> String {
    let program = command.get_program().display();
    format!(
        "`{program}` is not installed; this test runs against the real server: apt-get install -y {packages}"
    )
}

impl Server {
    /// Waits until the server accepts a connection at `address`. Ends the test if it exits or takes too long.
    pub(crate) fn wait_until_it_accepts(&mut self, address: SocketAddr) {
        let started = Instant::now();
        while let Err(error) = TcpStream::connect_timeout(&address, START_LIMIT) {
            self.must_be_running();
            assert!(started.elapsed() < START_LIMIT, "{address}: {error}");
            std::thread::sleep(POLL_PAUSE);
        }
        self.must_be_running();
    }

    /// Waits until `done` says so. Ends the test if the server exits or it takes too long.
    pub(crate) fn wait_until(&mut self, what: &str, mut done: impl FnMut() -> bool) {
        let started = Instant::now();
        while !done() {
            self.must_be_running();
            assert!(started.elapsed() < START_LIMIT, "{what}: not within {START_LIMIT:?}");
            std::thread::sleep(POLL_PAUSE);
        }
        self.must_be_running();
    }

    /// Ends the server and everything in its process group.
    pub(crate) fn stop(&mut self) {
        if self.gone {
            return;
        }
        // The group keeps its id as long as one member lives; a group that is already gone is no error.
        let _gone = kill_process_group(Pid::from_child(&self.child), Signal::KILL);
        let _reaped = self.child.wait();
        self.gone = true;
    }

    /// Sends the server itself, not its workers, a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("the server runs");
    }

    /// Ends the test if the server has exited; its log follows when it is dropped.
    fn must_be_running(&mut self) {
        let exited = self.child.try_wait().expect("a child's state can be asked");
        assert!(exited.is_none(), "the server ended: {exited:?}");
    }

    /// What the server has written so far.
    pub(crate) fn log(&self) -> String {
        fs::read(&self.log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
    }

    /// The process id, which is also the id of its process group.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
        if std::thread::panicking() {
            #[expect(clippy::print_stderr, reason = "a failing test shows what its server said")]
            {
                eprintln!("--- log of the server (apt-get install -y {}) ---\n{}", self.packages, self.log());
            }
        }
    }
}
