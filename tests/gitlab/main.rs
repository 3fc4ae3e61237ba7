//! GitLab's own health check: what its sentences mean, what a saved report comes to, and runs written in its shape.
//!
//! The reports under `reports/` are made from GitLab's texts of each version, with words in the licence and the token that
//! must come out nowhere.

mod causes;
mod rows;
mod viewed;
mod written;

use duo_doctor::report::import;
use duo_doctor::run::Run;
use std::fs;
use std::path::{Path, PathBuf};

/// Every report, by its name.
fn reports() -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/gitlab/reports");
    let entries = fs::read_dir(folder).expect("the reports");
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("a report").path()).collect();
    paths.sort();
    let read = |path: PathBuf| {
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        (name, fs::read(path).expect("a report"))
    };
    paths.into_iter().map(read).collect()
}

/// One of them.
fn report(name: &str) -> Vec<u8> {
    reports().into_iter().find(|(n, _)| n == name).unwrap_or_else(|| panic!("there is no report {name}")).1
}

/// The run that a file is read into.
fn run(bytes: &[u8]) -> Run {
    import::read(bytes).expect("a report of GitLab's").run
}
