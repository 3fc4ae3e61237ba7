//! How it ends: by a key, by a signal, by a dropped line; how it is suspended. The terminal is as before.

use crate::pty::{PROGRAM, Terminal, command, program};
use rustix::process::Signal;
use std::time::Duration;

/// A short run with nothing wrong.
const HEALTHY: [&str; 4] = ["demo", "healthy", "--skip", "pings"];

/// The terminal is as it was before the program was started.
fn must_be_restored(terminal: &Terminal) {
    assert_eq!(terminal.is_taken_over(), (false, false), "main screen, and a cursor");
    assert!(terminal.has_its_modes_back(), "cooked, with echo");
}

fn must_be_taken_over(terminal: &Terminal) {
    assert_eq!(terminal.is_taken_over(), (true, true), "alternate screen, no cursor");
    assert!(!terminal.has_its_modes_back(), "raw");
}

#[test]
fn q_restores_the_terminal() {
    let mut terminal = program(&HEALTHY).start();
    terminal.wait_until_the_run_is_over();
    must_be_taken_over(&terminal);
    terminal.press("q");
    assert_eq!(terminal.exit_code(), 0);
    must_be_restored(&terminal);
}

#[test]
fn q_asks_while_a_run_goes_on_and_leaves_with_3() {
    let mut terminal = program(&["demo", "healthy"]).start();
    terminal.wait_until_it_shows("running");
    terminal.press("q");
    terminal.wait_until_it_shows("n stay");
    terminal.press("n");
    terminal.wait_until("goes on", |screen| !screen.contains("n stay"));
    terminal.press("q");
    terminal.wait_until_it_shows("n stay");
    terminal.press("y");
    assert_eq!(terminal.exit_code(), 3);
    must_be_restored(&terminal);
    assert!(terminal.screen().contains("not finished"), "{}", terminal.screen());
}

#[test]
fn control_c_stops_a_run_and_then_leaves() {
    let mut terminal = program(&["demo", "healthy"]).start();
    terminal.wait_until_it_shows("running");
    terminal.press("\x03");
    terminal.wait_until_it_shows("Stopped.");
    terminal.press("\x03");
    assert_eq!(terminal.exit_code(), 3);
    must_be_restored(&terminal);
}

#[test]
fn control_c_twice_leaves_at_once() {
    let mut terminal = program(&["demo", "healthy"]).start();
    terminal.wait_until_it_shows("running");
    terminal.press("\x03\x03");
    assert_eq!(terminal.exit_code(), 3);
    must_be_restored(&terminal);
}

#[test]
fn signals_restore_the_terminal_and_leave_with_128_and_their_number() {
    for (signal, code) in [(Signal::TERM, 143), (Signal::INT, 130), (Signal::HUP, 129)] {
        let mut terminal = program(&["demo", "healthy"]).start();
        terminal.wait_until_it_shows("running");
        must_be_taken_over(&terminal);
        terminal.signal(signal);
        assert_eq!(terminal.exit_code(), code, "{signal:?}");
        must_be_restored(&terminal);
    }
}

#[test]
fn a_signal_ends_an_idle_program_too() {
    let mut terminal = program(&HEALTHY).start();
    terminal.wait_until_the_run_is_over();
    terminal.signal(Signal::TERM);
    assert_eq!(terminal.exit_code(), 143);
    must_be_restored(&terminal);
}

/// The program is gone within a second after the line dropped.
fn must_leave_a_dropped_line(mut terminal: Terminal) {
    terminal.wait_until_it_shows("duo-doctor");
    let dropped = terminal.drop_the_line();
    let (code, gone) = terminal.wait_until_it_is_gone();
    assert_eq!(code, 129);
    let took = gone.saturating_duration_since(dropped);
    assert!(took < Duration::from_secs(1), "{took:?}");
}

#[test]
fn a_dropped_line_ends_it_within_a_second() {
    must_leave_a_dropped_line(program(&["demo", "healthy"]).start());
}

#[test]
fn a_dropped_line_ends_it_when_hang_ups_are_ignored() {
    let script = format!("trap '' HUP; exec '{PROGRAM}' demo healthy");
    must_leave_a_dropped_line(command("sh", &["-c", &script]).start());
}

#[test]
fn a_dropped_line_ends_it_when_only_the_shell_is_told() {
    // The hang-up goes to the leader of the session, here the shell, which ignores it and waits.
    let script = format!("trap '' HUP; '{PROGRAM}' demo healthy; exit $?");
    must_leave_a_dropped_line(command("sh", &["-c", &script]).start());
}

#[test]
fn a_dropped_line_ends_an_idle_program_that_is_not_told() {
    let script = format!("trap '' HUP; '{PROGRAM}' demo healthy --skip pings; exit $?");
    let terminal = command("sh", &["-c", &script]).start();
    terminal.wait_until_the_run_is_over();
    must_leave_a_dropped_line(terminal);
}

#[test]
fn control_z_gives_the_terminal_to_the_shell_and_fg_draws_again() {
    let script = format!("'{PROGRAM}' demo healthy --skip pings; echo stopped; read line; fg; exit $?");
    let mut terminal = command("sh", &["-m", "-c", &script]).start();
    let before = terminal.wait_until_the_run_is_over();
    terminal.press("\x1a");
    terminal.wait_until_it_shows("stopped");
    must_be_restored(&terminal);
    terminal.press("\n");
    // A frame may come in pieces: the same screen is waited for, not its first words.
    terminal.wait_until("draws the same screen again", |screen| screen == before);
    must_be_taken_over(&terminal);
    terminal.press("q");
    assert_eq!(terminal.exit_code(), 0);
    must_be_restored(&terminal);
}

#[test]
fn a_stopped_program_draws_again_when_it_continues() {
    let mut terminal = program(&HEALTHY).start();
    let before = terminal.wait_until_the_run_is_over();
    terminal.signal(Signal::STOP);
    terminal.wait_until_it_is_stopped();
    terminal.forget();
    terminal.signal(Signal::CONT);
    assert_eq!(terminal.wait_until_it_shows("? keys"), before);
    must_be_taken_over(&terminal);
    terminal.press("q");
    assert_eq!(terminal.exit_code(), 0);
    must_be_restored(&terminal);
}

#[test]
fn control_z_without_a_shell_brings_the_screen_back() {
    let mut terminal = program(&HEALTHY).start();
    let before = terminal.wait_until_the_run_is_over();
    terminal.forget();
    terminal.press("\x1a");
    assert_eq!(terminal.wait_until_it_shows("? keys"), before);
    must_be_taken_over(&terminal);
    terminal.press("q");
    assert_eq!(terminal.exit_code(), 0);
    must_be_restored(&terminal);
}
