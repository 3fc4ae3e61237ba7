//! Scenarios: situations of the lab as data, one file each under `assets/scenarios/`.
//!
//! The folder is the list: a file put there is a scenario, named by its stem. What its faults do on the wire is
//! decided by the rest of the lab; what must be found is held against the checks by the tests.

use super::fault::Fault;
use super::fault::gitlab::GitlabChange;
use super::fault::node::NodeChange;
use crate::finding::Code;
use crate::subject::logs::Trace;
use include_dir::{Dir, include_dir};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::Path;

static FILES: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/assets/scenarios");

/// Where scenarios belong, in wire order: the order in which they are listed.
pub const LAYERS: &[&str] = &[
    "none",
    "node",
    "dns",
    "tcp",
    "proxy",
    "tls",
    "http",
    "latency",
    "grpc",
    "instance",
    "websocket",
    "gitlab",
    "exchange",
    "several",
];

/// One situation: what is broken and what must be found. Keys that are not named here are passed over.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is a key of the file that may be there or not")]
pub struct Scenario {
    /// The file's stem: what `demo` takes.
    #[serde(skip)]
    pub name: String,
    /// A few words for a list.
    pub title: String,
    /// One of `LAYERS`.
    pub layer: String,
    /// What the situation is in the field, in a sentence or two.
    pub about: String,
    /// What is broken; empty where all is well.
    #[serde(default)]
    pub faults: Vec<Fault>,
    /// What a run must find.
    pub expect: Expect,
    /// What mending does, in one sentence.
    pub mend: String,
    /// For how many seconds a WebSocket is to be held open.
    #[serde(default)]
    pub hold: Option<u64>,
    /// A token that the run is given; `good` stands for the one that the lab's instance accepts.
    #[serde(default)]
    pub token: Option<String>,
    /// How the node differs from the lab's usual one. No fault: it stays when the fault is mended.
    #[serde(default)]
    pub node: NodeChange,
    /// How what GitLab knows differs from the lab's usual one. No fault: it stays when the fault is mended.
    #[serde(default)]
    pub gitlab: GitlabChange,
    /// What the node's logs show while it is broken: traces, each in how many lines of which file.
    #[serde(default)]
    pub logs: Vec<(Trace, String, u32)>,
    /// Whether Rails on the node may be asked, as `--rails-runner` allows it.
    #[serde(default)]
    pub rails_runner: bool,
    /// Whether Cloudflare's ranges are sampled, as `--only cloudflare-ranges` asks for it.
    #[serde(default)]
    pub sampled: bool,
    /// The instance's URL, where it is not the lab's usual one. No fault: it stays when the fault is mended.
    #[serde(default)]
    pub url: Option<String>,
    /// Whether one real completion may be asked for.
    #[serde(default)]
    pub completion: bool,
    /// Whether the node's way out leads through the lab's proxy. No fault: it stays when the fault is mended.
    #[serde(default)]
    pub proxy: bool,
}

/// What a run against a scenario must find.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Expect {
    /// The root causes in the order to mend them: failures first, each part in the order of the groups.
    pub root_causes: Vec<Code>,
    /// Arguments that the first of them must have: its hop, its product.
    #[serde(default)]
    pub args: BTreeMap<String, String>,
}

/// Every scenario: `healthy` first, then by layer in wire order, then by name.
///
/// # Panics
/// Never: every embedded file is read by a test.
pub fn scenarios() -> Vec<Scenario> {
    let mut all: Vec<Scenario> = FILES
        .files()
        .filter(|file| file.path().extension().is_some_and(|e| e == "json"))
        .map(|file| read(file.path(), file.contents()).expect("every embedded scenario is read by a test"))
        .collect();
    let rung = |s: &Scenario| LAYERS.iter().position(|l| *l == s.layer).unwrap_or(LAYERS.len());
    all.sort_by_cached_key(|s| (s.name != "healthy", rung(s), s.name.clone()));
    all
}

/// The scenario of that name.
pub fn scenario(name: &str) -> Option<Scenario> {
    let file = FILES.get_file(format!("{name}.json"))?;
    read(file.path(), file.contents()).ok()
}

/// The scenario to try a code with: the one of its name, else the first that ends with it alone.
pub fn provoking(code: Code) -> Option<String> {
    let all = scenarios();
    let named = all.iter().find(|s| s.name == code.as_str());
    named.or_else(|| all.iter().find(|s| s.expect.root_causes == [code])).map(|s| s.name.clone())
}

fn read(path: &Path, text: &[u8]) -> Result<Scenario, String> {
    let shown = path.display();
    let scenario: Scenario = serde_json::from_slice(text).map_err(|e| format!("{shown}: {e}"))?;
    let name = path.file_stem().and_then(|s| s.to_str()).ok_or_else(|| format!("{shown} has no name"))?;
    Ok(Scenario { name: name.to_owned(), ..scenario })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_embedded_file_is_a_scenario() {
        for file in FILES.files() {
            if let Err(why) = read(file.path(), file.contents()) {
                panic!("{why}");
            }
        }
        assert_eq!(scenarios().first().map(|s| s.name.as_str()), Some("healthy"));
        assert_eq!(scenario("healthy").map(|s| s.expect.root_causes), Some(vec![]));
        assert_eq!(scenario("no-such-thing"), None);
    }

    #[test]
    fn what_is_embedded_is_what_lies_in_the_folder() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/scenarios");
        let lying: BTreeSet<String> = std::fs::read_dir(folder)
            .expect("the folder of scenarios")
            .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
            .collect();
        let embedded: BTreeSet<String> = scenarios().iter().map(|s| format!("{}.json", s.name)).collect();
        assert_eq!(embedded, lying, "a new file needs the crate to be built anew");
    }

    #[test]
    fn every_scenario_says_what_it_is_and_where_it_belongs() {
        for s in scenarios() {
            assert!(LAYERS.contains(&s.layer.as_str()), "{}: layer {}", s.name, s.layer);
            assert!(s.title.len() > 5 && s.title.chars().count() <= 60, "{}: title {}", s.name, s.title);
            assert!(s.about.ends_with('.') && s.mend.ends_with('.'), "{}: sentences end with a stop", s.name);
            let broken = !s.faults.is_empty() || s.token.is_some();
            assert!(broken || s.expect.root_causes.is_empty(), "{}: found without a fault", s.name);
        }
    }

    #[test]
    fn every_code_has_a_scenario() {
        let provoked: BTreeSet<Code> = scenarios().into_iter().flat_map(|s| s.expect.root_causes).collect();
        let missing: Vec<&str> =
            Code::ALL.iter().filter(|c| !provoked.contains(c)).map(|c| c.as_str()).collect();
        assert!(missing.is_empty(), "no scenario provokes {missing:?}");
    }

    #[test]
    fn a_scenario_named_after_a_code_expects_it() {
        for s in scenarios() {
            if let Ok(code) = s.name.parse::<Code>() {
                assert_eq!(s.expect.root_causes, [code], "{}", s.name);
            }
        }
    }
}
