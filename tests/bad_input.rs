//! Every bad input gives one clear sentence and the exit code of the contract, loses nothing and prints nothing raw.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// Runs the program with nothing of this environment but `PATH`.
fn run(dir: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_duo-doctor"))
        .args(arguments)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", dir)
        .current_dir(dir)
        .stdin(Stdio::null())
        .output()
        .expect("cargo has built the program")
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary directory")
}

/// A quick run against the lab: what is asked of the network alone.
const QUICK: [&str; 5] = ["check", "--demo", "healthy", "--only", "dns"];

fn quick<'a>(more: &[&'a str]) -> Vec<&'a str> {
    QUICK.iter().copied().chain(more.iter().copied()).collect()
}

#[track_caller]
fn says(output: &Output, code: i32, sentence: &str) {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{stderr}");
    assert!(stderr.contains(sentence), "{sentence:?} is not in:\n{stderr}");
    let control = |c: char| c.is_control() && c != '\n';
    assert!(!stderr.contains(control), "raw characters in {stderr:?}");
}

#[test]
fn options_that_do_not_parse_are_wrong_usage() {
    let dir = folder();
    for (arguments, sentence) in [
        (&["--instance-url", "https://"][..], "has no host"),
        (&["--instance-url", "ftp://gitlab.example.com"], "has the scheme `ftp`"),
        (&["--instance-url", "https://gitlab.example.com:99999"], "is not a URL"),
        (&["--instance-url", "https://root:geheim@gitlab.example.com"], "carries a user or password"),
        (&["--connect-to", "gitlab.example.com:443"], "it has 2 parts, not 4"),
        (&["--connect-to", "[::1:443:a:1"], "a bracket is not closed"),
        (&["--resolve", "cloud.gitlab.com:443:nowhere"], "is not HOST:PORT:ADDRESS"),
        (&["--nameserver", "resolver"], "invalid socket address"),
        (&["--proxy", "socks5://squid:1080"], "has the scheme `socks5`"),
        (&["--timeout", "soon"], "is no number of seconds"),
        (&["--deadline", "0"], "is no number of seconds"),
        (&["--only", "everything"], "is no group, check or check at a place"),
        (&["--skip", "tls@moon"], "is no group, check or check at a place"),
        (&["--format", "pdf"], "is not text, json, jsonl, markdown or html"),
        (&["--redact", "some"], "is not share or full"),
        (&["--no-such-option"], "--no-such-option"),
        (&["--output", "report.doc"], "does not tell a format by its ending"),
    ] {
        let all: Vec<&str> = ["check", "--demo", "healthy"].iter().chain(arguments).copied().collect();
        let output = run(dir.path(), &all);
        says(&output, 64, sentence);
        assert!(output.stdout.is_empty(), "{arguments:?} printed a report");
        assert!(!String::from_utf8_lossy(&output.stderr).contains("geheim"), "a password was shown");
    }
    says(&run(dir.path(), &["check", "--demo", "a\x1b[2Jb"]), 64, "there is no scenario");
    says(&run(dir.path(), &["explain", "tls-\x1b[2J"]), 64, "is no finding code and no check");
}

#[test]
fn an_instance_url_is_understood_as_it_is_meant() {
    let dir = folder();
    for (given, meant) in [
        ("gitlab.example.com", "https://gitlab.example.com"),
        ("gitlab.example.com:8443/gitlab/", "https://gitlab.example.com:8443/gitlab"),
        ("[::1]:8443", "https://[::1]:8443"),
    ] {
        // Only what this node's files say: nothing is sent.
        let arguments =
            ["check", "--only", "gitlab", "--format", "json", "--redact", "full", "--instance-url", given];
        let output = run(dir.path(), &arguments);
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("a JSON report");
        assert_eq!(report["instance"]["url"], meant);
    }
}

#[test]
fn a_token_file_is_checked_before_anything_is_asked() {
    let dir = folder();
    let token = |text: &str, mode: u32| {
        let path = dir.path().join("token");
        fs::write(&path, text).expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("set");
    };
    says(&run(dir.path(), &quick(&["--token-file", "missing"])), 65, "token file missing: No such file");
    token("", 0o600);
    says(&run(dir.path(), &quick(&["--token-file", "token"])), 65, "token file token: it is empty");
    token("one two", 0o600);
    says(&run(dir.path(), &quick(&["--token-file", "token"])), 65, "it holds more than one word");
    token("glpat-abcdefghijklmnopqrst", 0o644);
    let output = run(dir.path(), &quick(&["--token-file", "token"]));
    says(&output, 0, "can be read by others (mode 0644): chmod 600 it");
    assert!(!String::from_utf8_lossy(&output.stdout).contains("glpat-"));
}

#[test]
fn a_ca_file_that_is_none_is_said_to_be_none() {
    let dir = folder();
    fs::write(dir.path().join("ca.pem"), "no certificate").expect("written");
    fs::write(dir.path().join("cut.pem"), "-----BEGIN CERTIFICATE-----\nMIIB").expect("written");
    says(&run(dir.path(), &quick(&["--cacert", "missing.pem"])), 65, "CA file missing.pem: No such file");
    says(&run(dir.path(), &quick(&["--cacert", "ca.pem"])), 65, "it holds no certificate in PEM form");
    says(&run(dir.path(), &quick(&["--cacert", "cut.pem"])), 65, "CA file cut.pem");
}

#[test]
fn a_saved_file_that_is_no_report_is_said_to_be_none() {
    let dir = folder();
    let made = run(dir.path(), &quick(&["--output", "good.json"]));
    assert_eq!(made.status.code(), Some(0), "{}", String::from_utf8_lossy(&made.stderr));
    let good = fs::read_to_string(dir.path().join("good.json")).expect("the report");
    for (text, sentence) in [
        (String::new(), "is empty"),
        (good[..good.len() / 2].to_owned(), "it was cut"),
        ("{\"a\": 1}".to_owned(), "is not a report of duo-doctor"),
        ("\u{1b}[2J".to_owned(), "is not a report of duo-doctor"),
        (good.replace("duo-doctor.report/1", "duo-doctor.report/9"), "duo-doctor.report/9"),
        (
            good.replace("\"dns@cloud\"", "\"dns@moon\"")
                .replace("\"place\": \"cloud\"", "\"place\": \"moon\""),
            "moon",
        ),
    ] {
        fs::write(dir.path().join("bad.json"), &text).expect("written");
        says(&run(dir.path(), &["view", "bad.json"]), 65, sentence);
        says(&run(dir.path(), &["diff", "good.json", "bad.json"]), 65, sentence);
    }
    fs::write(dir.path().join("bad.json"), [0xff, 0xfe, 0x00]).expect("written");
    says(&run(dir.path(), &["view", "bad.json"]), 65, "is not text");
    says(&run(dir.path(), &["view", "missing.json"]), 65, "missing.json: No such file");
    assert_eq!(run(dir.path(), &["view", "good.json"]).status.code(), Some(0));
}

#[test]
fn a_report_replaces_nothing_goes_through_no_link_and_is_never_lost() {
    let dir = folder();
    fs::write(dir.path().join("there.json"), "mine").expect("written");
    symlink(dir.path().join("there.json"), dir.path().join("link.json")).expect("a link");
    for (path, sentence) in [
        ("there.json", "exists: 4 bytes"),
        ("link.json", "is a link to"),
        ("no/folder.json", "does not exist"),
    ] {
        let output = run(dir.path(), &quick(&["--output", path]));
        says(&output, 73, sentence);
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("the report on stdout");
        assert_eq!(report["verdict"], "pass");
    }
    assert_eq!(fs::read_to_string(dir.path().join("there.json")).expect("there"), "mine");
    let forced = run(dir.path(), &quick(&["--output", "there.json", "--force"]));
    assert_eq!(forced.status.code(), Some(0));
    let mode = fs::metadata(dir.path().join("there.json")).expect("there").permissions().mode();
    assert_eq!(mode & 0o7777, 0o600);
    let left: Vec<_> =
        fs::read_dir(dir.path()).expect("the folder").flatten().map(|e| e.file_name()).collect();
    assert_eq!(left.len(), 2, "nothing is left behind: {left:?}");
}

#[test]
fn a_configuration_file_that_is_wrong_is_named() {
    let dir = folder();
    for (text, sentence) in [
        ("tiemout = 5", "`tiemout` is no option"),
        ("ascii = 5", "the value of `ascii` is of the wrong kind"),
        ("timeout = ", "configuration file c.toml"),
        ("timeout = \"soon\"", "is no number of seconds"),
    ] {
        fs::write(dir.path().join("c.toml"), text).expect("written");
        says(&run(dir.path(), &quick(&["--config", "c.toml"])), 78, sentence);
    }
    says(&run(dir.path(), &quick(&["--config", "missing.toml"])), 78, "missing.toml");
}

#[test]
fn a_reader_that_has_read_enough_is_no_error() {
    let dir = folder();
    let script = format!("'{}' {} | head -c 10", env!("CARGO_BIN_EXE_duo-doctor"), QUICK.join(" "));
    let output = Command::new("sh").args(["-c", &script]).env("HOME", dir.path()).output().expect("a shell");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && !stderr.contains("panicked"), "{stderr}");
    assert_eq!(output.stdout.len(), 10);
}

#[test]
fn a_token_appears_in_no_format() {
    let dir = folder();
    for format in ["text", "json", "jsonl", "markdown", "html"] {
        let arguments = [
            "check",
            "--demo",
            "websocket-unauthorized",
            "--redact",
            "full",
            "--format",
            format,
            "--hold",
            "1",
        ];
        let output = run(dir.path(), &arguments);
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(text.contains("websocket-unauthorized"), "{format}: {text}");
        assert!(!text.contains("glpat-"), "{format} shows the token");
    }
}
