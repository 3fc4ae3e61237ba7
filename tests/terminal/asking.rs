//! A token is asked for on the screen: what it leads to, and that no trace of it stays anywhere.

use crate::pty::{Terminal, program};
use std::fs;

const ENTER: &str = "\r";
const ESC: &str = "\x1b";
const RIGHT: &str = "\x1b[C";

/// A token that no instance of the lab takes.
const CANARY: &str = "glpat-canary-0123456789";
/// The one that it takes.
const GOOD: &str = "glpat-lab-0000000000good";

/// A demo in which nothing is wrong, at the end of its run, with the field for a token open.
fn asking() -> Terminal {
    let mut terminal = program(&["demo", "healthy", "--skip", "pings"]).start();
    terminal.wait_until_the_run_is_over();
    terminal.wait_until_it_shows("Agentic Chat, Flows ? not known");
    terminal.press("t");
    terminal.wait_until_it_shows("A token tells more");
    terminal
}

/// What a terminal sends for a text that is pasted whole.
fn pasted(text: &str) -> String {
    format!("\x1b[200~{text}\x1b[201~")
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

#[test]
fn a_pasted_token_is_used_for_a_new_run_and_leaves_no_trace() {
    let mut terminal = asking();
    terminal.press(&pasted(&format!("{CANARY}\n")));
    terminal.wait_until_it_shows("********************_");
    terminal.press(ENTER);
    terminal.wait_until("says that the token is refused", |screen| {
        let head = screen.lines().next().unwrap_or_default();
        head.contains("FAIL") && screen.contains("refuses the given token")
    });
    for (keys, text) in
        [("e", "[Markdown]"), (RIGHT, "[HTML]"), (RIGHT, "[JSON]"), (ENTER, "Written to"), (ESC, "? keys")]
    {
        terminal.press(keys);
        terminal.wait_until_it_shows(text);
    }
    let entries = fs::read_dir(terminal.home.path()).expect("the directory is there");
    let files: Vec<_> = entries.filter_map(|e| e.ok().map(|e| e.path())).filter(|p| p.is_file()).collect();
    let [file] = files.as_slice() else { panic!("one file is written: {files:?}") };
    let report = fs::read(file).expect("the report can be read");
    assert!(holds(&report, "token-rejected"), "the token was used");
    assert!(!holds(&report, "canary"), "the report holds the token");
    terminal.press("q");
    terminal.exit_code();
    assert!(!holds(&terminal.bytes(), "canary"), "the screen showed the token");
}

#[test]
fn a_token_that_is_taken_tells_what_was_not_known() {
    let mut terminal = asking();
    // A terminal that knows no marks around what is pasted sends it as keys.
    terminal.press(GOOD);
    terminal.wait_until_it_shows("********************_");
    terminal.press(ENTER);
    terminal.wait_until_it_shows("Agentic Chat ✓   Flows ✓");
    terminal.wait_until_it_shows("Duo is ready on this node.");
    terminal.press("q");
    assert_eq!(terminal.exit_code(), 0);
}

#[test]
fn esc_goes_on_without_a_token_and_a_paste_elsewhere_is_no_row_of_keys() {
    let mut terminal = asking();
    terminal.press(&pasted("not one word"));
    terminal.wait_until_it_shows("More than one word was pasted");
    terminal.press(&pasted(CANARY));
    terminal.wait_until_it_shows("********************_");
    terminal.press("\x15");
    terminal.wait_until("clears the field", |screen| screen.contains("Token   _"));
    terminal.press(ESC);
    let screen = terminal.wait_until_it_shows("Agentic Chat, Flows ? not known");
    assert!(screen.lines().next().is_some_and(|head| head.contains("PASS")), "{screen}");
    // As keys this would leave.
    terminal.press(&pasted("q"));
    terminal.press("?");
    terminal.wait_until_it_shows("Keys here: overview");
    terminal.press(ESC);
    terminal.wait_until_it_shows("Agentic Chat, Flows ? not known");
    terminal.press("q");
    assert_eq!(terminal.exit_code(), 0);
    assert!(!holds(&terminal.bytes(), "canary"));
}

#[test]
fn the_terminal_marks_what_is_pasted_while_the_program_has_it_and_no_longer() {
    let mut terminal = asking();
    terminal.press(ESC);
    terminal.wait_until_it_shows("? keys");
    terminal.press("q");
    terminal.exit_code();
    let bytes = terminal.bytes();
    assert!(holds(&bytes, "\x1b[?2004h") && holds(&bytes, "\x1b[?2004l"));
}
