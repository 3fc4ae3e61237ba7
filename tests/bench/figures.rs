//! The figures that the program is held to, measured on this machine and printed beside their goals:
//! `cargo bench --bench figures`. Nothing is asserted: a figure depends on the machine, and on what else it does.
//!
//! Where they are installed, `trip` and `mtr` are measured in the same way in the same run, for comparison.

#[path = "doors.rs"]
mod doors;
#[path = "engine.rs"]
mod engine;
#[path = "logs.rs"]
mod logs;
#[path = "process.rs"]
mod process;
#[path = "../support/pty.rs"]
mod pty;
#[path = "ways.rs"]
mod ways;

use pty::{PROGRAM, Start, Terminal, command, program};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

const STARTS: usize = 15;
const KEYS: usize = 31;
const IDLE: Duration = Duration::from_secs(5);

fn main() {
    row("figure", "goal", "measured");
    ours();
    runs();
    for (name, arguments, marker) in [("trip", "127.0.0.1", "Hops"), ("mtr", "127.0.0.1", "Keys:")] {
        if is_installed(name) {
            let start = || command(name, &[arguments]);
            row(&format!("{name}: first frame"), "", &times(first_frames(start, marker)));
            let terminal = start().start();
            terminal.wait_until_it_shows(marker);
            idle(&format!("{name}: "), &terminal, ["", ""]);
        } else {
            row(&format!("{name}: first frame"), "", "not installed");
        }
    }
}

/// Prints a row of the table.
#[expect(clippy::print_stdout, reason = "a benchmark prints its figures")]
fn row(figure: &str, goal: &str, measured: &str) {
    println!("{figure:<42} {goal:<30} {measured}");
}

fn is_installed(name: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(name).is_file())
}

/// The UI.
fn ours() {
    let healthy = || program(&["demo", "healthy"]);
    row("first complete frame, 80x24", "median 10 ms", &times(first_frames(healthy, "q quit")));
    let mut terminal = healthy().start();
    terminal.wait_until_the_run_is_over();
    idle("", &terminal, ["0 bytes, 0 writes", "0.10 ms/s"]);
    row("key to paint, `?`", "median 0.6 ms", &times(key_to_paint(&mut terminal)));
    row("resident memory at its peak, UI", "20 MiB", &mib(process::peak_kib(terminal.id())));
    terminal.press("q");
    terminal.exit_code();
}

/// From the start to the end of the first frame, some times.
fn first_frames(start: impl Fn() -> Start, marker: &str) -> Vec<Duration> {
    let one = || {
        let terminal = start().start();
        terminal.wait_until_it_shows(marker);
        let bytes = terminal.bytes();
        let mut screen = vt100::Parser::default();
        let mut from = 0;
        for (at, until) in terminal.times() {
            screen.process(&bytes[from..until]);
            from = until;
            if screen.screen().contents().contains(marker) {
                return at.saturating_duration_since(terminal.started);
            }
        }
        unreachable!("the marker was on the screen")
    };
    (0..STARTS).map(|_| one()).collect()
}

/// What a terminal costs while nothing happens.
fn idle(whose: &str, terminal: &Terminal, goals: [&str; 2]) {
    // What the last event still causes is no idling.
    thread::sleep(Duration::from_secs(1));
    let id = terminal.id();
    let (bytes, writes, busy) = (terminal.bytes().len(), process::writes(id), process::busy_ns(id));
    thread::sleep(IDLE);
    let (bytes, writes, busy) =
        (terminal.bytes().len() - bytes, process::writes(id) - writes, process::busy_ns(id) - busy);
    let seconds = IDLE.as_secs();
    row(&format!("{whose}idle for {seconds} s"), goals[0], &format!("{bytes} bytes, {writes} writes"));
    let per_second = Duration::from_nanos(busy / seconds).as_secs_f64() * 1e3;
    row(&format!("{whose}processor while idle"), goals[1], &format!("{per_second:.3} ms/s"));
}

fn key_to_paint(terminal: &mut Terminal) -> Vec<Duration> {
    let mut times = Vec::new();
    for _ in 0..KEYS {
        let pressed = Instant::now();
        terminal.press("?");
        terminal.wait_until_it_shows("Keys here");
        let came = terminal.times().last().map_or(pressed, |(at, _)| *at);
        times.push(came.saturating_duration_since(pressed));
        terminal.press("?");
        terminal.wait_until("closes the help", |screen| !screen.contains("Keys here"));
    }
    times
}

/// Runs without a screen.
fn runs() {
    let [quiet, loud] = logs::quiet_and_loud();
    row("20 MB of logs, nothing to be found", "300 ms", &times(quiet));
    row("20 MB of logs, full of traces", "300 ms", &times(loud));
    let (wall, slowest) = engine::wall_and_slowest();
    let goal = slowest.mul_f64(1.05) + Duration::from_millis(20);
    row(
        "12 probes of 100 to 1000 ms, wall time",
        &format!("{} (1.05 x slowest + 20)", ms(goal)),
        &format!("{}, slowest probe {}", ms(wall), ms(slowest)),
    );
    // The first run also pays for what is made once in a process.
    let _warm = ways::all();
    let runs: Vec<ways::Ways> = (0..5).map(|_| ways::all()).collect();
    for w in &runs {
        let goal = w.chain.mul_f64(1.05) + Duration::from_millis(20);
        row(
            &format!("outbound checks by {} ways, wall time", w.count),
            &format!("{} (1.05 x chain + 20)", ms(goal)),
            &format!("{}, processor {} (lab included)", ms(w.wall), ms(w.busy)),
        );
    }
    for _ in 0..3 {
        let d = doors::all();
        let goal = d.ping.mul_f64(1.05) + Duration::from_millis(100);
        row(
            &format!("{} inbound checks over 3 doors, wall time", d.steps),
            &format!("{} (1.05 x ping + 100)", ms(goal)),
            &format!("{}, a ping {}", ms(d.wall), ms(d.ping)),
        );
    }
    row("finding out about a fixture node", "10 ms", &times(ways::discovery()));
    let healthy: Vec<_> = (0..7).map(|_| headless(&["--demo", "healthy", "--skip", "pings"]).0).collect();
    row("check --demo healthy without pings", "150 ms", &times(healthy));
    for scenario in ["two-faults-nothing-gets-through", "tcp-timeout", "tls-timeout", "dns-timeout"] {
        let (wall, _) = headless(&["--demo", scenario, "--timeout", "60", "--deadline", "2"]);
        let over = wall.saturating_sub(Duration::from_secs(2));
        row(&format!("over a deadline of 2 s, {scenario}"), "200 ms", &ms(over));
    }
    let (_, peak) = headless(&["--demo", "healthy"]);
    row("resident memory at its peak, check", "20 MiB", &mib(peak));
}

/// Runs `check`; gives its wall time and the most memory that was seen, in KiB.
fn headless(arguments: &[&str]) -> (Duration, Option<u64>) {
    let started = Instant::now();
    let mut child = Command::new(PROGRAM)
        .arg("check")
        .args(arguments)
        .env_clear()
        .env("LANG", "C.UTF-8")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("cargo has built the program");
    let id = child.id().cast_signed();
    let watch = thread::spawn(move || {
        let mut peak = None;
        while let Some(now) = process::peak_kib(id) {
            peak = Some(now);
            thread::sleep(Duration::from_millis(5));
        }
        peak
    });
    let status = child.wait().expect("a child can be waited for");
    let wall = started.elapsed();
    assert!(status.code().is_some_and(|code| code <= 3), "{arguments:?}: it ran, and came to a verdict");
    (wall, watch.join().expect("watching does not panic"))
}

fn ms(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1e3)
}

fn mib(kib: Option<u64>) -> String {
    kib.map_or_else(|| "unknown".to_owned(), |kib| format!("{}.{} MiB", kib / 1024, kib % 1024 * 10 / 1024))
}

/// The median, and the 95th of a hundred.
fn times(mut all: Vec<Duration>) -> String {
    all.sort_unstable();
    let at = |hundredth: usize| all[(all.len() * hundredth / 100).min(all.len() - 1)];
    format!("median {}, p95 {}, of {}", ms(at(50)), ms(at(95)), all.len())
}
