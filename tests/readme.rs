//! The README says what the program says.

use duo_doctor::checks::CHECKS;
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
