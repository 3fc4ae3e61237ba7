//! The README says what the program says.

use duo_doctor::checks::CHECKS;
use duo_doctor::lab::scenario::{Scenario, scenarios};
use duo_doctor::report::explain;

#[test]
fn the_table_of_checks_is_the_programs_own() {
    let readme = include_str!("../README.md");
    let table = readme.split("<!-- checks -->\n").nth(1).and_then(|t| t.split("<!-- /checks -->").next());
    assert_eq!(table, Some(explain::table(CHECKS).as_str()), "write it anew: duo-doctor explain --table");
}

#[test]
fn the_two_commands_of_the_first_minute_are_named() {
    let readme = include_str!("../README.md");
    assert!(readme.contains("\ncargo run --release -- demo\n") && readme.contains("\ntests/run\n"));
}

#[test]
fn the_table_of_who_finds_what_speaks_of_every_fault() {
    let readme = include_str!("../README.md");
    let outbound = |s: &Scenario| {
        !["none", "instance", "websocket", "several", "gitlab", "exchange"].contains(&s.layer.as_str())
    };
    let faults = scenarios().into_iter().filter(outbound);
    let faults = faults.filter(|s| !s.faults.is_empty() && !s.expect.root_causes.is_empty()).count();
    let row = format!("\n| all | {faults} | {faults} | ");
    assert!(
        faults >= 60 && readme.contains(&row),
        "{row}: write it anew, cargo bench --bench who_finds_what"
    );
}
