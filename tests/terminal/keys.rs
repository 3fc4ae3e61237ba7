//! What keys do, seen on the screen, on the clipboard and in files.

use crate::pty::{Terminal, program};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

const ENTER: &str = "\r";
const ESC: &str = "\x1b";
const TAB: &str = "\t";
const RIGHT: &str = "\x1b[C";
const LEFT: &str = "\x1b[D";

/// A demo with one quick fault, at the end of its run: its cause is selected.
fn refused() -> Terminal {
    let terminal = program(&["demo", "tcp-refused-cloud", "--skip", "pings"]).start();
    terminal.wait_until_the_run_is_over();
    terminal
}

/// Presses keys one after the other, each when the text of the one before is on the screen.
fn walk(terminal: &mut Terminal, steps: &[(&str, &str)]) {
    for (keys, text) in steps {
        terminal.press(keys);
        terminal.wait_until_it_shows(text);
    }
}

fn leave_with(mut terminal: Terminal, code: u32) {
    terminal.press("q");
    assert_eq!(terminal.exit_code(), code);
}

/// The files in the program's working directory, in the order of their names.
fn files(terminal: &Terminal) -> Vec<PathBuf> {
    let entries = fs::read_dir(terminal.home.path()).expect("the directory is there");
    let mut files: Vec<PathBuf> = entries.filter_map(|e| e.ok().map(|e| e.path())).collect();
    files.sort();
    files
}

#[test]
fn enter_opens_the_cause_tab_turns_its_faces_and_esc_goes_back() {
    let mut terminal = refused();
    walk(
        &mut terminal,
        &[(ENTER, "[Seen]"), (TAB, "[Mend]"), (TAB, "[Before]"), (TAB, "[Seen]"), (ESC, "1 cause explains")],
    );
    leave_with(terminal, 1);
}

#[test]
fn o_shows_the_ways_out_arrows_go_from_way_to_way_and_enter_opens_a_check() {
    let mut terminal = refused();
    walk(
        &mut terminal,
        &[
            ("o", "rails, sidekiq → cloud.gitlab.com:443"),
            (LEFT, "rails, sidekiq → customers.gitlab.com:443"),
            (RIGHT, "rails, sidekiq → cloud.gitlab.com:443"),
            (ENTER, "[Seen]"),
            (ESC, "Routes out of gl-rails-01"),
            ("?", "Keys here: routes out"),
            (ESC, "Which way each part of GitLab takes"),
            (ESC, "1 cause explains"),
        ],
    );
    leave_with(terminal, 1);
}

#[test]
fn each_way_to_run_again_leaves_an_earlier_result_behind() {
    let mut terminal = refused();
    walk(&mut terminal, &[(ENTER, "[Seen]"), (TAB, "[Mend]"), (TAB, "[Before]")]);
    let results = |screen: &str| screen.matches("✗ FAIL").count();
    let before = results(&terminal.screen());
    for (n, key) in ["r", "R", "a"].iter().enumerate() {
        terminal.press(key);
        terminal.wait_until(&format!("shows an earlier result behind {key}"), |screen| {
            results(screen) == before + n + 1 && screen.contains("r run again")
        });
    }
    leave_with(terminal, 1);
}

#[test]
fn f_mends_and_the_run_turns_green_and_f_breaks_it_again() {
    let mut terminal = refused();
    terminal.press("f");
    terminal
        .wait_until("turns green", |screen| screen.lines().next().is_some_and(|head| head.contains("PASS")));
    terminal.wait_until_it_shows("Every way that was walked is open.");
    terminal.press("f");
    terminal
        .wait_until("turns red", |screen| screen.lines().next().is_some_and(|head| head.contains("FAIL")));
    terminal.press("f");
    terminal
        .wait_until("turns green", |screen| screen.lines().next().is_some_and(|head| head.contains("PASS")));
    leave_with(terminal, 0);
}

#[test]
fn the_guide_says_when_a_cause_is_solved() {
    let mut terminal = refused();
    walk(&mut terminal, &[("g", "Solved when"), (" ", "[x]"), ("r", "Not solved yet."), ("f", "Solved. Of")]);
    walk(&mut terminal, &[(ESC, "PASS")]);
    leave_with(terminal, 0);
}

#[test]
fn e_writes_the_json_report_for_its_owner_alone() {
    let mut terminal = refused();
    walk(&mut terminal, &[("e", "[Markdown]"), (RIGHT, "[HTML]"), (RIGHT, "[JSON]"), (ENTER, "Written to")]);
    let files = files(&terminal);
    let [file] = files.as_slice() else { panic!("one file is written: {files:?}") };
    assert_eq!(file.extension().and_then(|e| e.to_str()), Some("json"));
    let mode = fs::metadata(file).expect("the file is there").permissions().mode();
    assert_eq!(mode & 0o7777, 0o600);
    let text = fs::read_to_string(file).expect("the file can be read");
    let report: serde_json::Value = serde_json::from_str(&text).expect("the report is JSON");
    assert_eq!(report["schema"], "duo-doctor.report/1");
    assert_eq!(report["root_causes"][0]["code"], "tcp-refused");
    walk(&mut terminal, &[(ESC, "? keys")]);
    leave_with(terminal, 1);
}

#[test]
fn e_keeps_a_file_that_is_there() {
    let mut terminal = refused();
    let there = terminal.home.path().join("mine.json");
    fs::write(&there, "kept").expect("the directory is the test's own");
    walk(
        &mut terminal,
        &[
            ("e", "[Markdown]"),
            (RIGHT, "[HTML]"),
            (RIGHT, "[JSON]"),
            ("\t\t\x15mine.json", "mine.json_"),
            (ENTER, "keep it, write mine-2.json"),
            (ENTER, "Written to"),
        ],
    );
    assert_eq!(files(&terminal), [terminal.home.path().join("mine-2.json"), there.clone()]);
    assert_eq!(fs::read_to_string(&there).expect("the file is there"), "kept");
    walk(&mut terminal, &[(ESC, "? keys")]);
    leave_with(terminal, 1);
}

#[test]
fn a_place_that_cannot_be_written_keeps_the_dialog_and_its_input() {
    let mut terminal = refused();
    let path = "\t\t\x15nowhere/duo.md";
    walk(&mut terminal, &[("e", "[Markdown]"), (path, "nowhere/duo.md_"), (ENTER, "nowhere does not exist")]);
    let screen = terminal.screen();
    assert!(screen.contains("nowhere/duo.md_") && !screen.contains("Written"), "{screen}");
    walk(&mut terminal, &[(ESC, "? keys")]);
    leave_with(terminal, 1);
}

#[test]
fn a_filter_shows_what_it_finds_and_esc_shows_all_again() {
    let mut terminal = program(&["demo", "tcp-refused-cloud", "--skip", "pings"]).sized(80, 60).start();
    terminal.wait_until_the_run_is_over();
    terminal.press("v");
    terminal.press("v");
    terminal.press("v");
    terminal.wait_until_it_shows("clients trust the certificate");
    walk(&mut terminal, &[("/", "Enter keep")]);
    terminal.press("clock");
    terminal
        .wait_until("hides the others", |screen| screen.contains("clock") && !screen.contains("certificate"));
    walk(&mut terminal, &[(ENTER, "? keys"), (ESC, "clients trust the certificate")]);
    leave_with(terminal, 1);
}

#[test]
fn the_help_is_of_the_screen_it_was_called_on() {
    let mut terminal = refused();
    walk(
        &mut terminal,
        &[
            ("?", "Keys here: overview"),
            ("?", "1 cause explains"),
            (ENTER, "[Seen]"),
            ("?", "Keys here: a check"),
            (ESC, "[Seen]"),
        ],
    );
    leave_with(terminal, 1);
}

#[test]
fn y_puts_the_cause_on_the_clipboard() {
    let mut terminal = refused();
    terminal.press("y");
    terminal.wait_until_it_shows("Copied by OSC 52");
    let bytes = terminal.bytes();
    let text = String::from_utf8_lossy(&bytes);
    let (_, rest) = text.split_once("\x1b]52;c;").expect("the sequence is sent");
    let (coded, _) = rest.split_once('\x07').expect("the sequence ends");
    let copied = STANDARD.decode(coded).expect("base64 is sent");
    let copied = String::from_utf8(copied).expect("text is sent");
    assert!(copied.starts_with("A ") && copied.contains("(tcp-refused)"), "{copied}");
    leave_with(terminal, 1);
}

/// What stands on the clipboard of a terminal that got these bytes, by a sequence that begins and ends so.
fn copied(bytes: &[u8], begin: &str, end: &str) -> String {
    let text = String::from_utf8_lossy(bytes);
    let (_, rest) = text.split_once(begin).expect("the sequence is sent");
    let (coded, _) = rest.split_once(end).expect("the sequence ends");
    let copied = STANDARD.decode(coded).expect("base64 is sent");
    String::from_utf8(copied).expect("text is sent")
}

#[test]
fn y_reaches_the_clipboard_through_tmux_and_screen() {
    for (name, value, begin, end, said) in [
        ("TMUX", "/tmp/tmux-0/default,1,0", "\x1bPtmux;\x1b\x1b]52;c;", "\x07\x1b\\", "through tmux"),
        ("STY", "1234.pts-0.host", "\x1bP\x1b]52;c;", "\x07\x1b\\", "through screen"),
        ("TERM", "screen-256color", "\x1bP\x1b]52;c;", "\x07\x1b\\", "through screen"),
    ] {
        let mut terminal =
            program(&["demo", "tcp-refused-cloud", "--skip", "pings"]).with(name, value).start();
        terminal.wait_until_the_run_is_over();
        terminal.press("y");
        terminal.wait_until_it_shows(said);
        let text = copied(&terminal.bytes(), begin, end);
        assert!(text.starts_with("A ") && text.contains("(tcp-refused)"), "{name}: {text}");
        leave_with(terminal, 1);
    }
}

#[test]
fn w_writes_the_snippet_for_its_owner_alone_and_never_through_a_link() {
    let mut terminal = refused();
    walk(&mut terminal, &[(ENTER, "[Seen]"), (TAB, "[Mend]"), ("w", "duo-doctor-tcp-refused.sh_")]);
    let aim = terminal.home.path().join("aim");
    let name = terminal.home.path().join("duo-doctor-tcp-refused.sh");
    std::os::unix::fs::symlink(&aim, &name).expect("the directory is the test's own");
    walk(&mut terminal, &[(ENTER, "is a link to")]);
    assert!(
        !aim.exists() && terminal.screen().contains("duo-doctor-tcp-refused.sh_"),
        "{}",
        terminal.screen()
    );
    fs::remove_file(&name).expect("the link is the test's own");
    walk(&mut terminal, &[(ENTER, "Written to ")]);
    let mode = fs::metadata(&name).expect("the file is there").permissions().mode();
    assert_eq!(mode & 0o7777, 0o600);
    assert!(!fs::read_to_string(&name).expect("the file can be read").is_empty());
    walk(
        &mut terminal,
        &[(ESC, "[Mend]"), ("w", "Where"), (ENTER, "keep it, write duo-doctor-tcp-refused-2.sh")],
    );
    walk(&mut terminal, &[(ESC, "[Mend]")]);
    leave_with(terminal, 1);
}

#[test]
fn d_shows_the_doors_in_arrows_go_from_cell_to_cell_and_enter_opens_a_check() {
    let mut terminal = program(&["demo", "websocket-upgrade-stripped", "--skip", "pings"]).start();
    terminal.wait_until_the_run_is_over();
    walk(
        &mut terminal,
        &[
            ("d", "Doors into gitlab.example.com"),
            ("<", "public, GitLab answers"),
            (RIGHT, "public, HTTP/2"),
            (RIGHT, "public, health"),
            (RIGHT, "public, /-/cable takes the upgrade"),
            (ENTER, "[Seen]"),
            (ESC, "Doors into gitlab.example.com"),
            ("?", "Keys here: doors in"),
            (ESC, "Doors into gitlab.example.com"),
            (ESC, "1 cause explains"),
        ],
    );
    leave_with(terminal, 1);
}

#[test]
fn a_demo_without_a_name_offers_the_scenarios_and_enter_starts_one() {
    let mut terminal = program(&["demo", "--skip", "pings"]).start();
    terminal.wait_until_it_shows("Nothing leaves loopback.");
    walk(
        &mut terminal,
        &[("/", "Enter keep"), ("refuses cloud.gitlab.com alone", "1 of 1"), (ENTER, "Enter start")],
    );
    terminal.press(ENTER);
    terminal.wait_until_the_run_is_over();
    terminal.wait_until_it_shows("1 cause explains");
    walk(&mut terminal, &[(ESC, "Nothing leaves loopback.")]);
    terminal.press("q");
    terminal.exit_code();
}
