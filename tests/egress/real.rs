//! The table, asked of the real programs. A program that is missing ends its test and names its package.

use crate::child;
use crate::must_agree;
use crate::rows::{COLUMNS, NOBODY, Row, SOCKS, rows};
use serde_json::{Value, json};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Where the scripts are.
fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/egress").join(name)
}

/// What a program says, given some input. Ends the test if it cannot be started or fails.
fn output(mut command: Command, input: &str, packages: &str) -> String {
    let program = command.get_program().display().to_string();
    let missing = format!("`{program}` is not there; this test asks the real program: {packages}");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|error| panic!("{missing} ({error})"));
    let input = input.to_owned();
    let mut stdin = child.stdin.take().expect("standard input is piped");
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output().expect("a child can be waited for");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} failed, needs: {packages}\n{said}");
    writer.join().expect("the writer does not panic").expect("the program reads its input");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The rows as the scripts read them.
fn as_json(rows: &[Row]) -> String {
    let row = |row: &Row| {
        let service = row.service();
        let environment: serde_json::Map<String, Value> =
            row.environment.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
        json!({
            "environment": environment,
            "url": format!("{}/", row.url),
            "scheme": service.scheme.as_str(),
            "host": service.target.host,
            "port": service.target.port,
            "addresses": row.addresses,
        })
    };
    Value::Array(rows.iter().map(row).collect()).to_string()
}

fn answers(text: &str) -> Vec<String> {
    let ways: Vec<String> =
        serde_json::from_str(text).unwrap_or_else(|error| panic!("not a list of ways ({error}): {text}"));
    ways.into_iter().map(slips_lead_nowhere).collect()
}

fn column(name: &str) -> usize {
    COLUMNS.iter().position(|column| *column == name).expect("a column")
}

#[test]
fn ruby_goes_as_the_table_says() {
    let mut ruby = child::command("ruby");
    ruby.arg(script("net_http.rb"));
    let ways = answers(&output(ruby, &as_json(&rows()), "apt-get install -y ruby"));
    must_agree("Ruby", column("ruby"), &ways);
}

#[test]
fn go_goes_as_the_table_says() {
    const PACKAGES: &str = "apt-get install -y golang-go";
    let folder = tempfile::tempdir().expect("a temporary directory can be made");
    let program = folder.path().join("http_proxy");
    // The compiled standard library is kept between runs; a first build of net/http takes many seconds.
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("go-build");
    let mut build = child::command("go");
    build.args(["build", "-o"]).arg(&program).arg(script("http_proxy.go"));
    build.env("GOCACHE", cache).env("GO111MODULE", "off").env("GOPATH", folder.path()).env("GOFLAGS", "");
    output(build, "", PACKAGES);
    let way = |row: &Row| {
        let mut go = Command::new(&program);
        go.env_clear().envs(row.environment.iter().cloned()).arg(&row.url);
        go_way(row, &output(go, "", PACKAGES))
    };
    let ways: Vec<String> = rows().iter().map(way).collect();
    must_agree("Go", column("go"), &ways);
}

/// Go's answer in the words of the table. A proxy that nobody can connect to is `nobody`: no host, a port that is
/// none, a host with what no name has, or a scheme taken for the host.
fn go_way(row: &Row, answer: &str) -> String {
    let lines: Vec<&str> = answer.lines().collect();
    let [scheme, host, port, credentials] = lines[..] else {
        return if answer == "error\n" { NOBODY.to_owned() } else { answer.trim().to_owned() };
    };
    let value = row.environment.iter().find(|(name, _)| name == "https_proxy").map_or("", |(_, value)| value);
    let scheme_is_host = port.is_empty() && value.starts_with(&format!("{host}://"));
    let leads_nowhere = host.is_empty()
        || host.contains(['"', '\'', ',', ' '])
        || scheme_is_host
        || host == "http"
        || port.parse::<u16>().map_or(!port.is_empty(), |port| port == 0);
    let own_port = match scheme {
        "http" => "80",
        "https" => "443",
        "socks5" => return SOCKS.to_owned(),
        _ => return NOBODY.to_owned(),
    };
    if leads_nowhere {
        return NOBODY.to_owned();
    }
    let host = if host.contains(':') { format!("[{host}]") } else { host.to_lowercase() };
    let credentials = if credentials.is_empty() { String::new() } else { format!("{credentials}@") };
    format!("{scheme}://{credentials}{host}:{}", if port.is_empty() { own_port } else { port })
}

/// The ways of a program on the wire of a namespace where everything is this machine.
fn on_the_wire(python: &Path, mode: &str, packages: &str) -> Vec<String> {
    let mut unshare = child::command("unshare");
    unshare.arg("--net").arg(python).arg(script("wire.py")).arg(mode);
    answers(&output(unshare, &as_json(&rows()), packages))
}

/// A proxy that is called like a scheme is a slip of the pen: outside this test, its name leads nowhere.
fn slips_lead_nowhere(way: String) -> String {
    if way.starts_with("http://http:") { NOBODY.to_owned() } else { way }
}

#[test]
fn curl_goes_as_the_table_says() {
    let ways = on_the_wire(
        Path::new("python3"),
        "curl",
        "root, apt-get install -y curl python3 iproute2 util-linux",
    );
    must_agree("curl", column("curl"), &ways);
}

#[test]
fn grpc_core_goes_as_the_table_says() {
    let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/grpcio/bin/python");
    let ways = on_the_wire(
        &python,
        "grpc",
        "root, apt-get install -y python3-venv iproute2 util-linux; \
         python3 -m venv target/grpcio && target/grpcio/bin/pip install grpcio==1.76.0",
    );
    must_agree("gRPC C-core", column("grpc"), &ways);
}
