//! Less than a terminal with colours and every character: no colours, no characters, no terminal.

use crate::pty::{PROGRAM, command, program};
use std::process::{Command, Stdio};

/// The numbers in the `m` sequences (colours and weights) of an output.
fn styles(bytes: &[u8]) -> Vec<u32> {
    let text = String::from_utf8_lossy(bytes);
    let sequences = text.split("\x1b[").skip(1).filter_map(|rest| {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != ';')?;
        rest[end..].starts_with('m').then(|| rest[..end].to_owned())
    });
    sequences.flat_map(|s| s.split(';').filter_map(|n| n.parse().ok()).collect::<Vec<_>>()).collect()
}

fn is_colour(style: u32) -> bool {
    matches!(style, 30..=49 | 90..=107)
}

#[test]
fn no_color_sends_no_colour_and_says_the_same() {
    let sessions = [("NO_COLOR", "1"), ("COLUMNS", "80")].map(|(name, value)| {
        let mut terminal =
            program(&["demo", "tcp-refused-cloud", "--skip", "pings"]).with(name, value).start();
        let screen = terminal.wait_until_the_run_is_over();
        terminal.press("q");
        terminal.exit_code();
        (screen.contains("✗ FAIL"), styles(&terminal.bytes()).into_iter().any(is_colour))
    });
    assert_eq!(sessions, [(true, false), (true, true)], "words, colours: with NO_COLOR, and without");
}

#[test]
fn a_locale_without_utf_8_gets_no_byte_over_127() {
    let mut terminal = program(&["demo", "tcp-refused-cloud", "--skip", "pings"]).with("LANG", "C").start();
    terminal.wait_until_the_run_is_over();
    for (key, text) in [("\r", "Seen"), ("\t", "Mend"), ("?", "Keys here"), ("\x1b", "Mend")] {
        terminal.press(key);
        terminal.wait_until_it_shows(text);
    }
    terminal.press("q");
    assert_eq!(terminal.exit_code(), 1);
    let bytes = terminal.bytes();
    let over: Vec<u8> = bytes.iter().copied().filter(|byte| *byte > 127).collect();
    assert_eq!(String::from_utf8_lossy(&over), "");
}

#[test]
fn a_terminal_that_is_dumb_or_unknown_gets_the_report_without_escapes() {
    for name in ["dumb", ""] {
        let demo = program(&["demo", "tcp-refused-cloud", "--skip", "pings"]);
        let mut terminal = demo.with("TERM", name).sized(120, 200).start();
        assert_eq!(terminal.exit_code(), 1);
        let text = String::from_utf8_lossy(&terminal.bytes()).into_owned();
        assert!(text.contains("tcp-refused"), "{text}");
        assert!(!text.contains('\x1b'), "TERM={name}: {text:?}");
    }
}

#[test]
fn a_pipe_gets_the_report_without_escapes() {
    let output = Command::new(PROGRAM)
        .args(["demo", "tcp-refused-cloud", "--skip", "pings"])
        .env_clear()
        .env("LANG", "C.UTF-8")
        .env("TERM", "xterm-256color")
        .stdin(Stdio::null())
        .output()
        .expect("cargo has built the program");
    assert_eq!(output.status.code(), Some(1));
    let (text, talk) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(text.contains("tcp-refused"), "{text}");
    assert!(!text.contains('\x1b') && !talk.contains('\x1b'), "{text}\n{talk}");
}

#[test]
fn a_pipe_on_stdout_of_a_terminal_takes_nothing_over() {
    let script =
        format!("'{PROGRAM}' demo tcp-refused-cloud --skip pings | cat >report; cat report; echo done");
    let mut terminal = command("sh", &["-c", &script]).sized(120, 200).start();
    assert_eq!(terminal.exit_code(), 0);
    let bytes = terminal.bytes();
    let text = String::from_utf8_lossy(&bytes);
    assert!(text.contains("tcp-refused") && text.contains("done"), "{text}");
    assert!(!text.contains("\x1b[?"), "{text:?}");
    assert!(!styles(&bytes).into_iter().any(is_colour), "{text:?}");
}

#[test]
fn keys_come_from_the_terminal_when_stdin_is_none() {
    let script = format!("'{PROGRAM}' demo tcp-refused-cloud --skip pings </dev/null; exit $?");
    let mut terminal = command("sh", &["-c", &script]).start();
    terminal.wait_until_the_run_is_over();
    terminal.press("q");
    assert_eq!(terminal.exit_code(), 1);
}
