//! The shape of the crate: the ladder of modules, where I/O, the clock and printing may stand, and that words
//! and codes belong together. The ladder is data; read it as the map of the crate.

use duo_doctor::finding::Code;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// A module may use those on lower rungs, and itself. In the order of the data's way through the program.
const LADDER: &[(u8, &[&str])] = &[
    (0, &["secret", "text", "millis"]),
    (1, &["subject"]),
    (2, &["failure"]),
    (3, &["probe", "finding", "egress"]),
    (4, &["remedy", "gitlab"]),
    (5, &["check"]),
    (6, &["checks"]),
    (7, &["plan", "run"]),
    (8, &["diagnosis", "engine"]),
    (9, &["report"]),
    (10, &["tui", "save"]),
    (11, &["headless"]),
    (12, &["cli"]),
    (13, &["config"]),
    (14, &["main", "lib"]),
];

/// Modules beside the ladder, with the highest rung that each may use: the wire, the node's files, the lab.
const BESIDE: &[(&str, u8)] = &[("net", 3), ("node", 1), ("lab", 3)];

/// Who may use the modules beside the ladder.
const FROM: u8 = 12;

/// Where files and sockets may be touched.
const TOUCHES_THE_WORLD: &[&str] = &["net", "node", "lab", "save", "cli", "config", "main"];

/// Where something may be written to the standard streams or the terminal.
const SPEAKS: &[&str] =
    &["headless", "main", "src/tui.rs", "src/tui/terminal.rs", "src/tui/writer.rs", "src/tui/signals.rs"];

struct File {
    path: String,
    module: String,
    /// Without comments and tests.
    code: String,
    lines: usize,
}

fn files() -> Vec<File> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    let mut open = vec![root.join("src")];
    while let Some(dir) = open.pop() {
        for entry in fs::read_dir(&dir).expect("a directory of the crate") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                found.push(file(root, &path));
            }
        }
    }
    assert!(found.len() > 30, "the crate was found");
    found
}

fn file(root: &Path, path: &PathBuf) -> File {
    let text = fs::read_to_string(path).expect("a source file");
    let path = path.strip_prefix(root).expect("below the root").display().to_string();
    let module =
        path.trim_start_matches("src/").trim_end_matches(".rs").split('/').next().unwrap_or_default();
    let production = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let code: Vec<&str> = production.lines().filter(|l| !l.trim_start().starts_with("//")).collect();
    File { module: module.to_owned(), code: code.join("\n"), lines: text.lines().count(), path }
}

fn rung(module: &str) -> Option<u8> {
    LADDER.iter().find(|(_, modules)| modules.contains(&module)).map(|(rung, _)| *rung)
}

/// The crate's own modules that a text names: `crate::x` and the members of `crate::{x, y::z}`.
fn uses(code: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for prefix in ["crate::", "duo_doctor::"] {
        for part in code.split(prefix).skip(1) {
            let name = |text: &str| -> String {
                text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
            };
            match part.strip_prefix('{') {
                None => found.extend([name(part)]),
                Some(list) => {
                    let mut depth = 0;
                    let mut start = true;
                    for (i, c) in list.char_indices() {
                        if start && c.is_alphabetic() {
                            found.insert(name(&list[i..]));
                            start = false;
                        }
                        match c {
                            '{' => depth += 1,
                            '}' if depth == 0 => break,
                            '}' => depth -= 1,
                            ',' if depth == 0 => start = true,
                            _ => {}
                        }
                    }
                }
            }
        }
    }
    found
}

fn may_use(module: &str, other: &str) -> bool {
    let beside = |name: &str| BESIDE.iter().find(|(m, _)| *m == name).map(|(_, most)| *most);
    match (rung(module), beside(module), rung(other), beside(other)) {
        _ if module == other => true,
        (Some(own), None, Some(other), None) => other < own,
        (Some(own), None, None, Some(_)) => own >= FROM,
        (None, Some(most), Some(other), None) => other <= most,
        // The lab may stand on the wire's module; nothing else beside the ladder knows its neighbours.
        (None, Some(_), None, Some(_)) => module == "lab" && other == "net",
        _ => false,
    }
}

#[test]
fn no_module_reaches_up_the_ladder() {
    let mut wrong = Vec::new();
    for file in files() {
        for other in uses(&file.code) {
            // `crate::x` in lower case is a module; macros and items of the root are not.
            let known = rung(&other).is_some() || BESIDE.iter().any(|(m, _)| *m == other);
            if known && !may_use(&file.module, &other) {
                wrong.push(format!("{} uses {other}", file.path));
            }
        }
    }
    assert_eq!(wrong, [""; 0]);
}

#[test]
fn every_module_has_its_place_on_the_ladder() {
    for file in files() {
        let placed = rung(&file.module).is_some() || BESIDE.iter().any(|(m, _)| *m == file.module);
        assert!(placed, "{} is on no rung", file.path);
    }
}

#[test]
fn the_pure_part_of_the_ui_does_no_io_and_knows_no_runtime() {
    for file in files().iter().filter(|f| f.path.starts_with("src/tui/")) {
        let pure = ["model", "update", "keys", "theme", "view"]
            .iter()
            .any(|part| file.path.starts_with(&format!("src/tui/{part}")));
        for word in ["tokio::", "std::fs", "std::thread", "std::io", "std::env"] {
            assert!(!pure || !file.code.contains(word), "{} uses {word}", file.path);
        }
    }
}

#[test]
fn the_wall_clock_is_read_in_main_alone() {
    for file in files() {
        let reads = ["Timestamp::now", "SystemTime::now", "Zoned::now"].iter().any(|w| file.code.contains(w));
        assert!(!reads || file.module == "main", "{} reads the wall clock", file.path);
    }
}

#[test]
fn the_environment_is_read_in_main_alone() {
    for file in files() {
        let reads = file.code.contains("env::var");
        let allowed = ["main"].contains(&file.module.as_str()) || file.path == "src/tui/shell.rs";
        assert!(!reads || allowed, "{} reads the environment", file.path);
    }
}

#[test]
fn files_and_sockets_are_touched_by_the_rooms_for_it() {
    const WORDS: [&str; 7] =
        ["std::fs", "tokio::fs", "tokio::net", "std::net::Tcp", "std::net::Udp", "File::open", "rustix::fs"];
    for file in files() {
        let touches = WORDS.iter().any(|w| file.code.contains(w));
        assert!(
            !touches || TOUCHES_THE_WORLD.contains(&file.module.as_str()),
            "{} touches the world",
            file.path
        );
    }
}

#[test]
fn only_the_shells_speak() {
    const WORDS: [&str; 6] = ["println!", "print!(", "eprintln!", "eprint!", "io::stdout", "io::stderr"];
    for file in files() {
        let speaks = WORDS.iter().any(|w| file.code.contains(w));
        let allowed = SPEAKS.contains(&file.module.as_str()) || SPEAKS.contains(&file.path.as_str());
        assert!(!speaks || allowed, "{} writes to a standard stream", file.path);
    }
}

/// Where the variants of articles are compiled in.
const REMEDY: &str = include_str!("../src/remedy/variants.rs");

#[test]
fn every_article_belongs_to_a_code() {
    let remedies = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/remedies");
    for entry in fs::read_dir(remedies).expect("the articles") {
        let path = entry.expect("an entry").path();
        let stem = path.file_stem().and_then(|s| s.to_str()).unwrap_or_default().to_owned();
        // `code.variant.md` stands in for `code.md`; the ones that are read are named in `variants.rs`.
        let (code, variant) = stem.split_once('.').map_or((stem.as_str(), None), |(c, v)| (c, Some(v)));
        assert!(code.parse::<Code>().is_ok(), "assets/remedies/{stem}.md belongs to no code");
        let read = variant.is_none() || REMEDY.contains(&format!("\"{stem}.md\""));
        assert!(read, "assets/remedies/{stem}.md is read by nobody");
    }
}

#[test]
fn no_file_has_grown_past_reading() {
    for file in files() {
        assert!(file.lines <= 600, "{} has {} lines", file.path, file.lines);
    }
}

#[test]
fn modules_are_files_beside_their_folders() {
    for file in files() {
        assert!(!file.path.ends_with("/mod.rs"), "{}", file.path);
    }
}

#[test]
fn the_top_level_holds_what_the_design_names() {
    const TOP: [&str; 7] = ["Cargo.toml", "Cargo.lock", "README.md", "assets", "src", "tests", "target"];
    for entry in fs::read_dir(env!("CARGO_MANIFEST_DIR")).expect("the top level") {
        let name = entry.expect("an entry").file_name().to_string_lossy().into_owned();
        assert!(name.starts_with('.') || TOP.contains(&name.as_str()), "{name} does not belong at the top");
    }
}
