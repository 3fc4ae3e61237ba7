//! Bad input from an administrator's hand: one clear sentence on stderr, the right exit code, nothing lost, nothing
//! printed raw. What hostile peers send is in `hostile.rs`.

use serde_json::{Value, json};
use std::fs::{self, Permissions};
use std::io::Read;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// An escape sequence and a C1 control, as a terminal would obey them.
const RAW: &str = "\u{1b}[2J\u{9b}31m";

/// A quick run that needs no network.
const QUICK: [&str; 5] = ["check", "--demo", "healthy", "--only", "clock"];

/// What a run of the program left behind.
struct Ended {
    code: Option<i32>,
    out: String,
    err: String,
}

/// A folder of its own for each test; the program's home, too.
struct Place(TempDir);

impl Place {
    fn new() -> Place {
        Place(tempfile::tempdir().expect("a temporary directory can be made"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// A file that only its owner can read.
    fn file(&self, name: &str, contents: impl AsRef<[u8]>) -> String {
        let path = self.path(name);
        fs::write(&path, contents).expect("the test's own directory is writable");
        fs::set_permissions(&path, Permissions::from_mode(0o600)).expect("the test's own file");
        path.display().to_string()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_duo-doctor"));
        command.args(arguments).env_clear().env("LANG", "C.UTF-8").env("HOME", self.0.path());
        command.current_dir(self.0.path()).stdin(Stdio::null());
        command
    }

    fn run(&self, arguments: &[&str]) -> Ended {
        let output = self.command(arguments).output().expect("cargo has built the program");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("the program writes UTF-8");
        Ended { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }

    /// The program must refuse: this exit code, nothing on stdout, one line on stderr with each of these words.
    #[track_caller]
    fn refuses(&self, arguments: &[&str], code: i32, words: &[&str]) -> String {
        let Ended { code: ended, out, err } = self.run(arguments);
        assert_eq!(ended, Some(code), "{arguments:?}: {err}");
        assert_eq!(out, "", "{arguments:?}");
        assert_eq!(err.lines().count(), 1, "{arguments:?} is answered by one sentence, not by: {err}");
        for word in words {
            assert!(err.contains(word), "{arguments:?}: `{word}` is missing in: {err}");
        }
        harmless(&err);
        err
    }
}

#[track_caller]
fn harmless(text: &str) {
    let raw = text.chars().find(|c| c.is_control() && *c != '\n');
    assert_eq!(raw, None, "a control character in {text:?}");
}

/// The instance of a report about a run on an empty node.
fn instance(place: &Place, url: &str) -> Value {
    let root = place.path("node");
    fs::create_dir_all(&root).expect("the test's own directory is writable");
    let root = root.display().to_string();
    let arguments = ["check", "--sysroot", &root, "--instance-url", url, "--only", "gitlab"];
    let ended = place.run(&[&arguments[..], &["--redact", "full", "--format", "json"]].concat());
    let report: Value = serde_json::from_str(&ended.out).unwrap_or_else(|e| panic!("{e}: {}", ended.err));
    report["instance"]["url"].clone()
}

#[test]
fn an_instance_url_is_understood_without_a_scheme_with_a_path_a_port_and_as_an_ipv6_literal() {
    let place = Place::new();
    for (given, meant) in [
        ("gitlab.example.com", "https://gitlab.example.com"),
        ("gitlab.example.com:8443", "https://gitlab.example.com:8443"),
        ("https://gitlab.example.com/git/", "https://gitlab.example.com/git"),
        ("https://GitLab.Example.com:443/", "https://gitlab.example.com"),
        ("[2001:db8::1]:8443/git", "https://[2001:db8::1]:8443/git"),
        ("http://gitlab.example.com", "http://gitlab.example.com"),
    ] {
        assert_eq!(instance(&place, given), meant, "{given}");
    }
}

#[test]
fn an_instance_url_that_names_no_host_is_wrong_usage() {
    let place = Place::new();
    for (url, word) in [
        ("", "has no host"),
        ("https://", "has no host"),
        (":443", "has no host"),
        ("https://[zz]", "is not a URL"),
        ("https://gitlab.example.com:99999", "invalid port"),
        ("ftp://gitlab.example.com", "the scheme `ftp`"),
    ] {
        place.refuses(&["check", "--instance-url", url], 64, &["--instance-url", word]);
    }
}

#[test]
fn a_password_in_an_address_is_not_repeated() {
    let place = Place::new();
    let said =
        place.refuses(&["check", "--instance-url", "https://root:hunter2@a.example"], 64, &["--token-file"]);
    assert!(!said.contains("hunter2"), "{said}");
    let said = place.refuses(&["check", "--proxy", "http://u:hunter2@"], 64, &["--proxy", "has no host"]);
    assert!(!said.contains("hunter2"), "{said}");
    let config = place.file("config.toml", "proxy = \"socks5://u:hunter2@proxy:1080\"");
    let said = place.refuses(&["check", "--config", &config], 78, &["config.toml", "--proxy", "socks5"]);
    assert!(!said.contains("hunter2"), "{said}");
}

#[test]
fn options_that_do_not_parse_are_wrong_usage_and_named() {
    let place = Place::new();
    for (option, value, word) in [
        ("--connect-to", "gitlab.example.com", "HOST1:PORT1:HOST2:PORT2"),
        ("--connect-to", "a:b:c:d", "`b` is not a port"),
        ("--resolve", "gitlab.example.com", "HOST:PORT:ADDRESS"),
        ("--resolve", "gitlab.example.com:443:here", "`here`"),
        ("--nameserver", "resolver", "is not IP:PORT"),
        ("--proxy", "socks5://proxy:1080", "`socks5`"),
        ("--timeout", "soon", "`soon` is no number of seconds"),
        ("--timeout", "0", "above 0"),
        ("--timeout", "nan", "`nan` is no number of seconds"),
        ("--deadline", "1e99", "`1e99` is no number of seconds"),
        ("--format", "pdf", "`pdf` is not text"),
        ("--redact", "some", "share or full"),
        ("--fail-on", "never", "fail or warn"),
        ("--color", "pink", "pink"),
    ] {
        place.refuses(&["check", &format!("{option}={value}")], 64, &[option, word]);
    }
    for (selection, word) in [("nosuch", "`nosuch`"), ("tls@mars", "`tls@mars`"), ("", "``")] {
        place.refuses(&["check", "--only", selection], 64, &[word, "is no group, check or check at a place"]);
        place.refuses(&["check", "--skip", selection], 64, &[word, "is no group, check or check at a place"]);
    }
    place.refuses(&["check", "--nosuch"], 64, &["--nosuch"]);
    place.refuses(&["check", "--instance-url"], 64, &["--instance-url"]);
    place.refuses(&["nosuch"], 64, &["nosuch"]);
}

#[test]
fn escape_sequences_in_arguments_are_shown_and_not_sent_to_the_terminal() {
    let place = Place::new();
    for arguments in [
        vec!["check".to_owned(), format!("--nosuch{RAW}")],
        vec!["check".to_owned(), format!("--instance-url=https://a{RAW}")],
        vec!["check".to_owned(), format!("--nameserver={RAW}")],
        vec!["check".to_owned(), format!("--color={RAW}")],
        vec!["check".to_owned(), "--only".to_owned(), RAW.to_owned()],
        vec!["check".to_owned(), "--demo".to_owned(), RAW.to_owned()],
        vec!["demo".to_owned(), RAW.to_owned()],
        vec!["explain".to_owned(), RAW.to_owned()],
    ] {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        place.refuses(&arguments, 64, &[]);
    }
    for option in ["--token-file", "--cacert"] {
        place.refuses(&["check", option, RAW], 65, &["No such file"]);
    }
    place.refuses(&["view", RAW], 65, &["No such file"]);
}

#[test]
fn unknown_scenarios_and_codes_are_wrong_usage_and_the_list_is_named() {
    let place = Place::new();
    place.refuses(&["check", "--demo", "nosuch"], 64, &["`nosuch`", "duo-doctor demo --list"]);
    place.refuses(&["demo", "nosuch"], 64, &["`nosuch`", "duo-doctor demo --list"]);
    place.refuses(&["explain", "nosuch"], 64, &["`nosuch`", "`duo-doctor explain` lists them"]);
}

#[test]
fn a_token_file_that_cannot_be_used_stops_before_the_run() {
    let place = Place::new();
    let folder = place.0.path().display().to_string();
    for (file, word) in [
        (place.path("missing").display().to_string(), "No such file"),
        (folder, "Is a directory"),
        (place.file("empty", ""), "it is empty"),
        (place.file("blank", " \n"), "it is empty"),
        (place.file("two", "glpat-one glpat-two"), "more than one word"),
        (place.file("binary", [0xff, 0xfe]), "it is no text"),
        ("/dev/zero".to_owned(), "larger than 1 MiB"),
    ] {
        let arguments = [&QUICK[..], &["--token-file", &file]].concat();
        let said = place.refuses(&arguments, 65, &["token file", word]);
        assert!(!said.contains("glpat-"), "{said}");
    }
}

#[test]
fn a_token_file_that_others_can_read_is_warned_about_and_used() {
    let place = Place::new();
    let token = place.file("token", "glpat-planted0123456789\n");
    fs::set_permissions(&token, Permissions::from_mode(0o644)).expect("the test's own file");
    let ended = place.run(&[&QUICK[..], &["--token-file", &token]].concat());
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    assert!(ended.err.contains("can be read by others (mode 0644): chmod 600 it"), "{}", ended.err);
    assert!(!ended.err.contains("planted") && !ended.out.contains("planted"));
}

#[test]
fn a_ca_file_that_is_none_stops_before_the_run() {
    let place = Place::new();
    let pem = |body: &str| format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n");
    for (file, word) in [
        (place.path("missing").display().to_string(), "No such file"),
        (place.file("empty.pem", ""), "no certificate in PEM form"),
        (place.file("der.pem", [0x30, 0x82, 0x01]), "no certificate in PEM form"),
        (place.file("torn.pem", pem("ZZ!!")), "not in PEM form"),
        (place.file("cut.pem", "-----BEGIN CERTIFICATE-----\nQUJD\n"), "CA file"),
        (place.file("other.pem", pem("QUJD")), "certificate 1 in it is none"),
    ] {
        place.refuses(&[&QUICK[..], &["--cacert", &file]].concat(), 65, &["CA file", word]);
    }
}

#[test]
fn a_configuration_file_that_cannot_be_used_is_named() {
    let place = Place::new();
    for (text, word) in [
        ("tiemout = 5", "`tiemout` is no option"),
        ("ascii = 5", "the value of `ascii` is of the wrong kind"),
        ("timeout = [5]", "`timeout` wants texts"),
        ("timeout = ", "c.toml"),
        ("timeout = \"soon\"", "`soon`"),
        ("only = \"\\u001b[2J\"\nonly = 1", "c.toml"),
        ("[network]\ntimeout = 5", "`network` is no option"),
        ("\"\\u001b[2J\" = 1", "is no option"),
    ] {
        let file = place.file("c.toml", text);
        place.refuses(&[&QUICK[..], &["--config", &file]].concat(), 78, &["configuration file", word]);
    }
    for (file, word) in [("missing.toml", "No such file"), (".", "Is a directory"), ("/dev/zero", "1 MiB")] {
        place.refuses(&[&QUICK[..], &["--config", file]].concat(), 78, &["configuration file", word]);
    }
    let file = place.file("latin.toml", [b'#', 0xe4]);
    place.refuses(&[&QUICK[..], &["--config", &file]].concat(), 78, &["latin.toml"]);
}

/// A report of a healthy run, and the file that a test makes of it.
fn report(place: &Place) -> Value {
    let ended = place.run(&["check", "--demo", "healthy", "--skip", "inbound", "--format", "json"]);
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    serde_json::from_str(&ended.out).expect("a report is JSON")
}

#[test]
fn a_report_that_is_none_is_told_in_one_sentence() {
    let place = Place::new();
    let good = report(&place);
    let text = good.to_string();
    let changed = |change: fn(&mut Value)| {
        let mut report = good.clone();
        change(&mut report);
        report.to_string()
    };
    let other = "comes from another version of duo-doctor or was changed";
    for (contents, word) in [
        (String::new(), "is empty"),
        (" \n".to_owned(), "is empty"),
        (text[..text.len() / 2].to_owned(), "it was cut"),
        ("hello".to_owned(), "is not a report of duo-doctor"),
        ("{\"a\":1}".to_owned(), "is not a report of duo-doctor"),
        ("[".repeat(200_000), "is not a report of duo-doctor"),
        (changed(|r| r["schema"] = json!("duo-doctor.report/9")), "has the schema `duo-doctor.report/9`"),
        (changed(|r| r["schema"] = json!(format!("duo-doctor.report/{RAW}"))), "has the schema"),
        (changed(|r| r["duration_ms"] = json!(1e300)), other),
        (changed(|r| r["duration_ms"] = json!(-1)), other),
        (changed(|r| r["started_at"] = json!("soon")), other),
        (changed(|r| r["checks"][0]["status"] = json!("fine")), other),
        (changed(|r| r["checks"] = json!({})), other),
        (
            changed(|r| {
                r["checks"][0]["findings"] =
                    json!([{"code": RAW, "severity": "fail", "args": {}, "message": ""}]);
            }),
            other,
        ),
    ] {
        let file = place.file("report.json", contents);
        place.refuses(&["view", &file], 65, &["report.json", word]);
        place.refuses(&["diff", &file, &file], 65, &["report.json", word]);
    }
    let file = place.file("report.json", [0xff, 0xfe, 0x00]);
    place.refuses(&["view", &file], 65, &["is not text"]);
    place.refuses(&["view", "missing.json"], 65, &["missing.json", "No such file"]);
    place.refuses(&["view", "."], 65, &["Is a directory"]);
    place.refuses(&["view", "/dev/zero"], 65, &["is larger than 64 MiB"]);
}

#[test]
fn huge_numbers_and_escape_sequences_in_a_report_do_no_harm() {
    let place = Place::new();
    let mut report = report(&place);
    report["checks"][0]["started_ms"] = json!(1e300);
    report["checks"][0]["duration_ms"] = json!(1e300);
    report["checks"][0]["phases"] = json!([{"name": "tls", "ms": 1e308}]);
    report["checks"][0]["summary"] = json!(format!("{RAW}\u{202e}summary"));
    report["node"]["hostname"] = json!(RAW);
    let file = place.file("report.json", report.to_string());
    for format in ["text", "json", "markdown", "html", "jsonl"] {
        let ended = place.run(&["view", &file, "--format", format]);
        assert_eq!(ended.code, Some(0), "{format}: {}", ended.err);
        assert!(!ended.out.is_empty(), "{format}");
        harmless(&ended.out);
        harmless(&ended.err);
        assert!(!ended.out.contains('\u{202e}'), "{format}");
    }
}

#[test]
fn a_report_is_not_written_over_a_file_through_a_link_or_into_nowhere() {
    let place = Place::new();
    let kept = place.file("kept.json", "mine");
    symlink(&kept, place.path("link.json")).expect("the test's own directory is writable");
    for (file, more, word) in [
        ("kept.json", &[][..], "kept.json exists"),
        ("link.json", &["--force"][..], "Reports are not written through links"),
        ("missing/report.json", &[][..], "missing does not exist"),
        ("kept.json/report.json", &[][..], "kept.json is no folder"),
    ] {
        let ended = place.run(&[&QUICK[..], &["--output", file], more].concat());
        assert_eq!(ended.code, Some(73), "{file}: {}", ended.err);
        assert!(ended.err.contains(word), "{file}: {}", ended.err);
        let report: Value = serde_json::from_str(&ended.out).expect("the report is on stdout, not lost");
        assert_eq!(report["verdict"], "pass");
    }
    assert_eq!(fs::read_to_string(&kept).expect("the file is still there"), "mine");
    let arguments = [&QUICK[..], &["--output", "report.pdf"]].concat();
    place.refuses(&arguments, 64, &["report.pdf", "--format names one"]);
    assert_eq!(names(place.0.path()), ["kept.json", "link.json"], "no part is left");
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("the test's own directory can be read");
    let mut names: Vec<String> =
        entries.map(|e| e.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    names.sort_unstable();
    names
}

#[test]
fn a_reader_that_leaves_early_does_not_change_the_exit_code() {
    let place = Place::new();
    for (arguments, code) in [
        (&["explain"][..], 0),
        (&["explain", "--schema"][..], 0),
        (&["--help"][..], 0),
        (&["check", "--demo", "healthy", "--skip", "inbound", "--format", "json"][..], 0),
        (&["check", "--demo", "tls-expired", "--skip", "inbound", "--format", "html"][..], 1),
    ] {
        let mut command = place.command(arguments);
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("cargo has built the program");
        drop(child.stdout.take());
        let mut said = String::new();
        let mut stderr = child.stderr.take().expect("stderr is piped");
        stderr.read_to_string(&mut said).expect("the program writes UTF-8");
        let ended = child.wait().expect("a child can be waited for").code();
        assert_eq!(ended, Some(code), "{arguments:?}: {said}");
        assert!(!said.contains("Broken pipe") && !said.contains("panicked"), "{arguments:?}: {said}");
    }
}

#[test]
fn the_token_of_the_environment_stands_in_no_report() {
    let place = Place::new();
    let token = "planted-secret-without-a-prefix";
    for format in ["text", "json", "jsonl", "markdown", "html"] {
        let arguments =
            ["check", "--demo", "healthy", "--skip", "pings", "--format", format, "--redact", "full"];
        let output = place.command(&arguments).env("DUO_DOCTOR_TOKEN", token).output();
        let output = output.expect("cargo has built the program");
        let all = [output.stdout, output.stderr].concat();
        assert!(all.len() > 300, "{format}");
        assert!(!String::from_utf8_lossy(&all).contains(token), "{format}");
    }
}

/// A certificate and its key in PEM form.
fn identity() -> (String, String) {
    let key = rcgen::KeyPair::generate().expect("a key");
    let params = rcgen::CertificateParams::new(vec!["client".to_owned()]).expect("a name");
    (params.self_signed(&key).expect("a certificate").pem(), key.serialize_pem())
}

#[test]
fn a_client_certificate_that_cannot_be_used_stops_before_the_run() {
    let place = Place::new();
    let ((cert, key), (_, other)) = (identity(), identity());
    let encrypted = key.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY");
    let missing = place.path("missing").display().to_string();
    let (cert, key) = (place.file("cert.pem", cert), place.file("key.pem", key));
    place.refuses(&[&QUICK[..], &["--cert", &cert]].concat(), 64, &["--key"]);
    place.refuses(&[&QUICK[..], &["--key", &key]].concat(), 64, &["--cert"]);
    for (cert, key, words) in [
        (&missing, &key, ["client certificate", "No such file"]),
        (&key, &key, ["client certificate", "no certificate in PEM form"]),
        (&cert, &missing, ["client key", "No such file"]),
        (&cert, &cert, ["client key", "no private key in PEM form"]),
        (&cert, &place.file("encrypted.pem", encrypted), ["client key", "passphrase"]),
        (&cert, &place.file("other.pem", other), ["client key", "does not belong"]),
        (&cert, &place.file("binary.pem", [0xff, 0xfe]), ["client key", "not in PEM form"]),
    ] {
        place.refuses(&[&QUICK[..], &["--cert", cert, "--key", key]].concat(), 65, &words);
    }
    let ended = place.run(&[&QUICK[..], &["--cert", &cert, "--key", &key]].concat());
    assert_eq!(ended.code, Some(0), "{}", ended.err);
}

#[test]
fn reports_that_are_not_a_clients_and_a_nodes_are_told_in_one_sentence() {
    let place = Place::new();
    let mut node = report(&place);
    let mut other = node.clone();
    other["node"]["install"] = json!(null);
    let hidden = [("hidden-node.json", &node), ("hidden.json", &other)]
        .map(|(name, report)| place.file(name, report.to_string()));
    node["instance"]["url"] = json!("https://gitlab.example.com");
    other["instance"]["url"] = json!(format!("https://git.example.org/{RAW}"));
    let (node, other) =
        (place.file("node.json", node.to_string()), place.file("other.json", other.to_string()));
    place.refuses(&["view", &hidden[0], &hidden[1]], 65, &["hide the instance's name", "--redact full"]);
    place.refuses(&["view", &node, &node], 65, &["a client's report and a node's"]);
    place.refuses(&["view", &node, &other], 65, &["different instances"]);
    place.refuses(&["view", &node, "missing.json"], 65, &["missing.json"]);
    place.refuses(&["view", &node, &node, &node], 64, &["no more were expected"]);
}
