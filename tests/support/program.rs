//! The program run as an administrator runs it, and its JSON report read as another program would.

use crate::support::child;
use jsonschema::Validator;
use serde_json::Value;
use std::io::Read;
use std::process::{Command, Stdio};
use std::sync::{LazyLock, mpsc};
use std::thread;
use std::time::Duration;

/// Twice the program's own default deadline: reached only when it hangs.
const LIMIT: Duration = Duration::from_mins(1);

/// The program that cargo has built.
const PROGRAM: &str = env!("CARGO_BIN_EXE_duo-doctor");

/// A snippet of a remedy, as the report prints it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Snippet {
    /// `apache`
    pub(crate) language: String,
    /// Without the indentation of the step that it stands in.
    pub(crate) text: String,
}

/// What one run of the program left behind.
pub(crate) struct Report {
    json: Value,
    /// The exit code.
    pub(crate) exit: Option<i32>,
}

/// Runs `duo-doctor check --format json` with `arguments`, with nothing of this environment but `PATH`.
pub(crate) fn check<Argument: AsRef<str>>(arguments: &[Argument]) -> Report {
    check_by(child::command(PROGRAM), arguments)
}

/// The same by another program that starts it: `ip netns exec NAME`, `faketime`.
pub(crate) fn check_through<Argument: AsRef<str>>(mut wrapper: Command, arguments: &[Argument]) -> Report {
    wrapper.arg(PROGRAM);
    check_by(wrapper, arguments)
}

/// The outbound checks of the two services behind Cloudflare, as `--only` takes them. The workflow service, which
/// is somewhere else and asked by other rules, is left out.
pub(crate) fn services() -> Vec<String> {
    let checks = ["dns", "addresses", "address-range", "tcp", "proxy", "tls", "http", "latency"];
    let at = |place| move |check: &&str| ["--only".to_owned(), format!("{check}@{place}")];
    let customers = checks.iter().flat_map(at("customers"));
    customers.chain(checks.iter().flat_map(at("cloud"))).collect()
}

fn check_by<Argument: AsRef<str>>(mut command: Command, arguments: &[Argument]) -> Report {
    let home = tempfile::tempdir().expect("a temporary directory can be made");
    command
        .args(["check", "--format", "json", "--redact", "full"])
        .args(arguments.iter().map(AsRef::as_ref))
        .env("HOME", home.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().expect("cargo has built the program");
    let output = read_in_background(child.stdout.take().expect("stdout is piped"));
    let talk = read_in_background(child.stderr.take().expect("stderr is piped"));
    let Ok(stdout) = output.recv_timeout(LIMIT) else {
        child.kill().expect("a child that is not reaped can be killed");
        panic!("the program did not end within {LIMIT:?}: {command:?}\n{}", talk.recv().unwrap_or_default());
    };
    let stderr = talk.recv().unwrap_or_default();
    let exit = child.wait().expect("a child can be waited for").code();
    match serde_json::from_str(&stdout) {
        Ok(json) => {
            must_match_the_schema(&json);
            Report { json, exit }
        }
        Err(error) => panic!("not a JSON report ({error}), exit {exit:?}: {command:?}\n{stdout}\n{stderr}"),
    }
}

/// Ends the test if `report` is not of the shape that the program itself publishes.
pub(crate) fn must_match_the_schema(report: &Value) {
    static VALIDATOR: LazyLock<Validator> = LazyLock::new(|| {
        let output = Command::new(PROGRAM).args(["explain", "--schema"]).output();
        let schema = output.expect("cargo has built the program").stdout;
        let schema: Value = serde_json::from_slice(&schema).expect("`explain --schema` prints a JSON schema");
        jsonschema::validator_for(&schema).expect("the schema is a valid one")
    });
    let errors: Vec<String> =
        VALIDATOR.iter_errors(report).map(|e| format!("{}: {e}", e.instance_path())).collect();
    assert_eq!(errors, [""; 0], "{report:#}");
}

fn read_in_background(mut pipe: impl Read + Send + 'static) -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let _end = pipe.read_to_end(&mut bytes);
        sender.send(String::from_utf8_lossy(&bytes).into_owned())
    });
    receiver
}

impl Report {
    /// The codes of the root causes, in their order.
    pub(crate) fn root_causes(&self) -> Vec<&str> {
        self.list("root_causes").iter().filter_map(|cause| cause["code"].as_str()).collect()
    }

    /// The codes of the root causes whose own check failed, in their order: warnings are left out.
    pub(crate) fn failing_root_causes(&self) -> Vec<&str> {
        let failing = self.failing_checks();
        let causes = self.list("root_causes").iter();
        causes
            .filter(|cause| cause["check"].as_str().is_some_and(|check| failing.contains(&check)))
            .filter_map(|cause| cause["code"].as_str())
            .collect()
    }

    /// The ids of the checks that failed.
    pub(crate) fn failing_checks(&self) -> Vec<&str> {
        let checks = self.list("checks").iter();
        checks.filter(|check| check["status"] == "fail").filter_map(|check| check["id"].as_str()).collect()
    }

    /// The ids of the checks of this name that passed, at whatever place: `passing("http")`.
    pub(crate) fn passing(&self, check: &str) -> Vec<&str> {
        let checks = self.list("checks").iter();
        checks
            .filter(|step| step["check"] == check && step["status"] == "pass")
            .filter_map(|step| step["id"].as_str())
            .collect()
    }

    /// The status of a check, by its id.
    pub(crate) fn status(&self, id: &str) -> &str {
        self.find_check(id)["status"].as_str().unwrap_or_default()
    }

    /// An argument of the one finding with `code`, as text, wherever it stands.
    pub(crate) fn argument(&self, code: &str, name: &str) -> String {
        let findings = self.list("checks").iter().filter_map(|check| check["findings"].as_array()).flatten();
        let finding = findings.into_iter().find(|finding| finding["code"] == code);
        let finding = finding.unwrap_or_else(|| panic!("no finding {code} in {self}"));
        match &finding["args"][name] {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        }
    }

    /// The snippets of the first root cause's remedy, in their order.
    pub(crate) fn remedy(&self) -> Vec<Snippet> {
        let fix = self.json["root_causes"][0]["remedy"]["fix"].as_str();
        let fix = fix.unwrap_or_else(|| panic!("no remedy in {self}"));
        let mut snippets = Vec::new();
        let mut lines = fix.lines();
        while let Some(line) = lines.next() {
            let Some((indentation, language)) = line.split_once("```") else { continue };
            let inside = lines.by_ref().take_while(|line| line.trim() != "```");
            let text: Vec<&str> = inside.map(|line| line.strip_prefix(indentation).unwrap_or(line)).collect();
            snippets.push(Snippet { language: language.to_owned(), text: text.join("\n") });
        }
        snippets
    }

    /// The snippet of the first root cause's remedy that is in `language` and has `words` in its first line, which says
    /// where it goes.
    pub(crate) fn snippet(&self, language: &str, words: &str) -> String {
        let is = |s: &&Snippet| {
            s.language == language && s.text.lines().next().is_some_and(|first| first.contains(words))
        };
        let snippets = self.remedy();
        let found: Vec<&Snippet> = snippets.iter().filter(is).collect();
        let [snippet] = found.as_slice() else {
            panic!("{} snippets in {language} say {words:?}: {snippets:#?}", found.len());
        };
        snippet.text.clone()
    }

    fn find_check(&self, id: &str) -> &Value {
        let found = self.list("checks").iter().find(|check| check["id"] == id);
        found.unwrap_or_else(|| panic!("no check {id} in {self}"))
    }

    fn list(&self, name: &str) -> &[Value] {
        self.json[name].as_array().map(Vec::as_slice).unwrap_or_default()
    }
}

/// The whole report, for the message of a failing test.
impl std::fmt::Display for Report {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "exit {:?}\n{:#}", self.exit, self.json)
    }
}
