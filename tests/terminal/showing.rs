//! What is on the screen without a key: the first frame, the verdict, nothing when idle, other sizes.

use crate::pty::program;
use std::time::{Duration, Instant};

/// Every picture that the bytes go through, one for each byte, until `wanted` says that it has seen enough.
fn pictures(bytes: &[u8], mut wanted: impl FnMut(&str) -> bool) -> bool {
    let mut screen = vt100::Parser::default();
    bytes.iter().any(|byte| {
        screen.process(std::slice::from_ref(byte));
        wanted(&screen.screen().contents())
    })
}

#[test]
fn the_first_frame_comes_before_anything_is_found_out() {
    let mut terminal = program(&["demo", "healthy"]).start();
    terminal.wait_until_the_run_is_over();
    let mut early = String::new();
    let shown = pictures(&terminal.bytes(), |picture| {
        early = picture.to_owned();
        picture.contains("finding out about this node")
    });
    assert!(shown, "the first frame says what goes on");
    assert!(early.contains("duo-doctor") && early.contains("demo: Everything works"), "{early}");
    assert!(!early.contains("settled") && !early.contains("pass"), "{early}");
    terminal.press("q");
    terminal.exit_code();
}

#[test]
fn a_warning_leaves_with_2_only_where_that_was_asked_for() {
    let warned = ["demo", "http2-not-offered", "--skip", "pings"];
    for (more, code) in [(&[][..], 0), (&["--fail-on", "warn"][..], 2)] {
        let mut terminal = program(&[&warned[..], more].concat()).start();
        terminal.wait_until_the_run_is_over();
        terminal.press("q");
        assert_eq!(terminal.exit_code(), code);
    }
}

#[test]
fn a_healthy_demo_passes_and_leaves_with_0() {
    let mut terminal = program(&["demo", "healthy"]).start();
    let screen = terminal.wait_until_the_run_is_over();
    for text in ["PASS", "Every way that was walked is open.", "1 Instance", "2 Network", "3 Inbound"] {
        assert!(screen.contains(text), "{text}:\n{screen}");
    }
    terminal.press("q");
    assert_eq!(terminal.exit_code(), 0);
    assert!(terminal.screen().contains("duo-doctor  PASS"), "{}", terminal.screen());
}

#[test]
fn a_fault_stands_in_the_banner_and_leaves_with_1() {
    let mut terminal = program(&["demo", "tcp-refused-cloud", "--skip", "pings"]).start();
    let screen = terminal.wait_until_the_run_is_over();
    let banner: Vec<&str> = screen.lines().skip(2).take(6).collect();
    let banner = banner.join("\n");
    assert!(banner.contains("1 cause explains"), "{screen}");
    assert!(banner.contains("cloud.gitlab.com") && banner.contains("refuse"), "{screen}");
    assert!(screen.lines().next().is_some_and(|head| head.contains("FAIL")), "{screen}");
    terminal.press("q");
    assert_eq!(terminal.exit_code(), 1);
    assert!(terminal.screen().contains("1 cause: A tcp-refused"), "{}", terminal.screen());
}

#[test]
fn nothing_is_written_for_3_seconds_after_the_end_of_a_run() {
    let mut terminal = program(&["demo", "tcp-refused-cloud"]).start();
    terminal.wait_until_the_run_is_over();
    // A key and its answer: every frame of the run is behind us then.
    terminal.press("?");
    terminal.wait_until_it_shows("Keys here: overview");
    terminal.press("\x1b");
    terminal.wait_until("closes the help", |screen| screen.contains("1 cause explains"));
    let before = terminal.bytes();
    // Here a span of time is what the test is about.
    let until = Instant::now() + Duration::from_secs(3);
    while let Some(left) = until.checked_duration_since(Instant::now()) {
        std::thread::sleep(left);
    }
    let after = terminal.bytes();
    assert_eq!(String::from_utf8_lossy(&after[before.len()..]), "");
    terminal.press("q");
    terminal.exit_code();
}

#[test]
fn a_small_terminal_says_what_it_needs_and_the_old_size_brings_everything_back() {
    let mut terminal = program(&["demo", "tcp-refused-cloud", "--skip", "pings"]).start();
    let before = terminal.wait_until_the_run_is_over();
    terminal.resize(20, 5);
    let small = terminal.wait_until_it_shows("40 x 10");
    assert!(small.contains("20 x 5"), "{small}");
    terminal.forget();
    terminal.resize(80, 24);
    let after = terminal.wait_until("draws all of it again", |screen| screen.contains("? keys"));
    assert_eq!(after, before);
    terminal.resize(200, 60);
    terminal.wait_until("uses the room", |screen| screen.lines().count() > 40);
    terminal.press("q");
    assert_eq!(terminal.exit_code(), 1);
}

#[test]
fn one_cell_is_survived_while_a_run_goes_on() {
    let mut terminal = program(&["demo", "healthy"]).start();
    terminal.wait_until_it_shows("running");
    for (columns, lines) in [(1, 1), (2, 2), (1, 24), (80, 1), (8, 3), (1, 1)] {
        terminal.resize(columns, lines);
    }
    terminal.resize(80, 24);
    terminal.wait_until_the_run_is_over();
    terminal.press("q");
    assert_eq!(terminal.exit_code(), 0);
}

#[test]
fn it_starts_in_one_cell() {
    let mut terminal = program(&["demo", "healthy", "--skip", "pings"]).sized(1, 1).start();
    terminal.wait_for_bytes("takes the terminal", |bytes| bytes.starts_with(b"\x1b[?1049h"));
    terminal.resize(80, 24);
    terminal.wait_until_the_run_is_over();
    terminal.press("q");
    assert_eq!(terminal.exit_code(), 0);
}
