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

/// A saved report of a demo, in a folder.
fn saved(folder: &std::path::Path, scenario: &str) -> std::path::PathBuf {
    let file = folder.join(format!("{scenario}.json"));
    let place = file.display().to_string();
    let arguments = [
        "check", "--demo", scenario, "--redact", "full", "--only", "inbound", "--only", "gitlab", "--output",
        &place,
    ];
    let ended =
        Command::new(PROGRAM).args(arguments).env_clear().output().expect("cargo has built the program");
    assert!(file.is_file(), "{}", String::from_utf8_lossy(&ended.stderr));
    file
}

#[test]
fn a_clients_report_and_a_nodes_are_read_together() {
    let folder = tempfile::tempdir().expect("a folder");
    // The laptop sees Apache drop the upgrade; the node does not see the public door, and all behind it is well.
    let client = saved(folder.path(), "websocket-upgrade-stripped-laptop");
    let node = saved(folder.path(), "public-door-not-seen-from-here");
    for files in [[&client, &node], [&node, &client]] {
        let view = Command::new(PROGRAM).args(["view", "--format", "json"]).args(files).env_clear().output();
        let view = view.expect("cargo has built the program");
        let report: serde_json::Value = serde_json::from_slice(&view.stdout).expect("a report is JSON");
        let causes: Vec<&str> = report["root_causes"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|c| c["code"].as_str())
            .collect();
        assert_eq!(causes, ["websocket-upgrade-stripped"], "{report:#}");
        let check = |id: &str| {
            let checks = report["checks"].as_array().expect("checks");
            checks.iter().find(|c| c["id"] == id).unwrap_or_else(|| panic!("{id}")).clone()
        };
        assert_eq!(check("cable@public")["findings"][0]["args"]["hop"], "front end");
        assert_eq!(check("cable@nginx")["status"], "pass");
        assert_eq!(check("pings@public")["blocked_by"], "cable@public");
        assert_eq!(view.status.code(), Some(1));
    }
}
