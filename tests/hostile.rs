//! Peers that mean harm: whatever the instance's address sends, the run ends in time, the report is whole and
//! harmless, memory stays bounded, and nothing passes that should not.

mod support;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::Value;
use std::fmt::Write as _;
use std::fs;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};
use support::authority::{Authority, Identity};
use support::{child, program};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

const HOST: &str = "gitlab.example.com";

/// Far below the deadline of a run: a peer must not be able to use it up. The longest honest waits are the stage
/// limit of 2 s, a few times, and 7 s for the first ping.
const IN_TIME: Duration = Duration::from_secs(22);

/// The bound on resident memory, in KiB.
const MEMORY: u64 = 40 * 1024;

/// A second credential without a known prefix: only its value tells that it is one.
const TOKEN: &str = "planted-0123456789-credential";

type Tls = StreamOwned<ServerConnection, TcpStream>;

/// Listens on loopback and treats every connection by itself. How a connection ends is the client's affair.
fn listen(treat: impl Fn(TcpStream) -> io::Result<()> + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has free ports");
    let address = listener.local_addr().expect("a bound socket has an address");
    let treat = Arc::new(treat);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let treat = Arc::clone(&treat);
            thread::spawn(move || treat(stream));
        }
    });
    address
}

/// A TLS peer that gets the head of the first request and says what it likes.
fn tls(
    config: Arc<ServerConfig>,
    answer: impl Fn(&mut Tls, &str) -> io::Result<()> + Send + Sync + 'static,
) -> SocketAddr {
    listen(move |stream| {
        let session = ServerConnection::new(Arc::clone(&config)).map_err(io::Error::other)?;
        let mut stream = StreamOwned::new(session, stream);
        let head = head(&mut stream)?;
        answer(&mut stream, &head)?;
        stream.conn.send_close_notify();
        stream.flush()?;
        // The client closes: a reset must not overtake what was sent.
        io::copy(&mut stream, &mut io::sink()).map(drop)
    })
}

fn head(stream: &mut impl Read) -> io::Result<String> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && head.len() < 16 * 1024 && stream.read(&mut byte)? == 1 {
        head.push(byte[0]);
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}

/// The page by which GitLab is recognised.
fn page(stream: &mut impl Write) -> io::Result<()> {
    let body = "<title>Sign in · GitLab</title>";
    let length = body.len();
    write!(
        stream,
        "HTTP/1.1 200 OK\r\nx-gitlab-meta: {{}}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
    )
}

/// 101 as it should be.
fn switch(stream: &mut impl Write, head: &str) -> io::Result<()> {
    let key =
        head.lines().find_map(|l| l.to_ascii_lowercase().starts_with("sec-websocket-key:").then(|| &l[18..]));
    let accept = derive_accept_key(key.unwrap_or_default().trim().as_bytes());
    write!(
        stream,
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Protocol: actioncable-v1-json\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
    )
}

/// A frame of a WebSocket with at most 125 bytes.
fn frame(opcode: u8, text: &str) -> Vec<u8> {
    let length = u8::try_from(text.len()).expect("a short text");
    [&[0x80 | opcode, length], text.as_bytes()].concat()
}

const TEXT: u8 = 1;
const PING: u8 = 9;

/// Writes until the other side has had enough.
fn forever(stream: &mut impl Write, piece: &[u8]) -> io::Result<()> {
    loop {
        stream.write_all(piece)?;
    }
}

/// Whether a request is the handshake at `/-/cable`.
fn is_cable(head: &str) -> bool {
    head.starts_with("GET /-/cable ") && head.to_ascii_lowercase().contains("sec-websocket-key:")
}

/// A peer whose pages are GitLab's and whose WebSocket is not.
fn cable(
    identity: &Identity,
    answer: impl Fn(&mut Tls, &str) -> io::Result<()> + Send + Sync + 'static,
) -> SocketAddr {
    tls(identity.server(&["http/1.1"]), move |stream, head| {
        if is_cable(head) {
            answer(stream, head)
        } else if head.contains("/duo_workflows/") {
            no_agent_platform(stream)
        } else {
            page(stream)
        }
    })
}

/// What a GitLab without the Agent Platform says of its WebSocket.
fn no_agent_platform(stream: &mut Tls) -> io::Result<()> {
    let body = r#"{"error":"404 Not Found"}"#;
    let length = body.len();
    write!(
        stream,
        "HTTP/1.1 404 Not Found\r\nx-gitlab-meta: {{}}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
    )
}

/// What a run left behind.
struct Ended {
    report: Value,
    code: Option<i32>,
    out: String,
    err: String,
}

/// Runs the program against a peer. Every promise that holds for all peers is checked here.
#[track_caller]
fn run(authority: &Authority, peer: SocketAddr, more: &[&str]) -> Ended {
    let cacert = authority.root_file().display().to_string();
    let connect_to = format!("{HOST}:443:{peer}");
    let url = format!("https://{HOST}");
    let home = tempfile::tempdir().expect("a temporary directory can be made");
    let mut command = child::command(env!("CARGO_BIN_EXE_duo-doctor"));
    command
        .args(["check", "--instance-url", &url, "--connect-to", &connect_to, "--cacert", &cacert])
        .args(["--only", "inbound", "--proxy", "none", "--timeout", "2", "--format", "json"])
        .args(more)
        .env("HOME", home.path())
        .env("DUO_DOCTOR_TOKEN", TOKEN)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let began = Instant::now();
    let mut child = command.spawn().expect("cargo has built the program");
    let out = read_in_background(child.stdout.take().expect("stdout is piped"));
    let err = read_in_background(child.stderr.take().expect("stderr is piped"));
    let mut peak = 0;
    // A process that is gone has no figure any more, so it is looked at while it runs.
    let code = loop {
        peak = peak.max(resident(child.id()));
        if let Some(status) = child.try_wait().expect("a child can be waited for") {
            break status.code();
        }
        if began.elapsed() > 2 * IN_TIME {
            child.kill().expect("a child that is not reaped can be killed");
        }
        thread::sleep(Duration::from_millis(2));
    };
    let took = began.elapsed();
    let (out, err) = (out.join().expect("the reader ends"), err.join().expect("the reader ends"));
    assert!(took < IN_TIME, "the run took {took:?}\n{err}\n{out}");
    assert!(0 < peak && peak < MEMORY, "{peak} KiB at the peak");
    for text in [&out, &err] {
        let raw = text.chars().find(|c| c.is_control() && *c != '\n');
        assert_eq!(raw, None, "a control character in {text:?}");
        assert!(!text.contains(TOKEN), "the credential is in {text}");
    }
    let report = serde_json::from_str(&out).unwrap_or(Value::Null);
    Ended { report, code, out, err }
}

fn read_in_background(mut pipe: impl Read + Send + 'static) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let _end = pipe.read_to_end(&mut bytes);
        String::from_utf8(bytes).expect("the program writes UTF-8")
    })
}

/// The peak of a process's resident memory so far, in KiB.
fn resident(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
    line.and_then(|l| l.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

impl Ended {
    fn status(&self, check: &str) -> &str {
        let id = format!("{check}@public");
        let checks = self.report["checks"].as_array().map(Vec::as_slice).unwrap_or_default();
        let found = checks.iter().find(|c| c["id"] == id.as_str());
        found.unwrap_or_else(|| panic!("no {id} in {}", self.out))["status"].as_str().unwrap_or_default()
    }
}

/// Runs against a peer: `bad` is the check that sees the harm, with its status and the first root cause.
#[track_caller]
fn hostile(authority: &Authority, peer: SocketAddr, bad: &str, cause: &str, code: i32) -> Ended {
    let ended = run(authority, peer, &[]);
    program::must_match_the_schema(&ended.report);
    no_control_characters(&ended.report);
    let expected = if code == 1 { "fail" } else { "error" };
    assert_eq!(ended.status(bad), expected, "{}\n{}", ended.err, ended.out);
    assert_eq!(ended.code, Some(code), "{}", ended.out);
    let first = ended.report["root_causes"][0]["code"].as_str().unwrap_or("none");
    assert_eq!(first, cause, "{}", ended.out);
    let order = ["reach", "cable", "pings"];
    let after = order.iter().skip_while(|c| **c != bad).skip(1);
    for check in after {
        assert_eq!(ended.status(check), "blocked", "{}", ended.out);
    }
    ended
}

#[track_caller]
fn no_control_characters(value: &Value) {
    match value {
        Value::String(text) => {
            let raw = text.chars().find(|c| (c.is_control() && *c != '\n') || *c == '\u{202e}');
            assert_eq!(raw, None, "{text:?}");
        }
        Value::Array(items) => items.iter().for_each(no_control_characters),
        Value::Object(fields) => fields.values().for_each(no_control_characters),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn parties() -> (Authority, Identity) {
    let authority = Authority::new();
    let identity = authority.issue(&[HOST]);
    (authority, identity)
}

const UNREACHABLE: &str = "instance-unreachable";
const NO_WELCOME: &str = "websocket-no-welcome";

#[test]
fn endless_headers_are_no_answer() {
    let (authority, identity) = parties();
    let peer = tls(identity.server(&["http/1.1"]), |stream, _| {
        write!(stream, "HTTP/1.1 200 OK\r\nx-gitlab-meta: {{}}\r\n")?;
        forever(stream, b"x-gitlab-meta: {}\r\n")
    });
    hostile(&authority, peer, "reach", UNREACHABLE, 1);
}

#[test]
fn one_endless_header_is_no_answer() {
    let (authority, identity) = parties();
    let peer = tls(identity.server(&["http/1.1"]), |stream, _| {
        write!(stream, "HTTP/1.1 200 OK\r\nx-gitlab-meta: ")?;
        forever(stream, &[b'a'; 4096])
    });
    hostile(&authority, peer, "reach", UNREACHABLE, 1);
}

#[test]
fn a_body_of_a_gigabyte_is_read_no_further_than_needed() {
    let (authority, identity) = parties();
    let peer = tls(identity.server(&["http/1.1"]), |stream, _| {
        write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\n")?;
        forever(stream, &[b'a'; 16 * 1024])
    });
    hostile(&authority, peer, "reach", UNREACHABLE, 1);
}

#[test]
fn a_refused_handshake_with_a_gigabyte_behind_it_is_a_refusal() {
    let (authority, identity) = parties();
    let peer = cable(&identity, |stream, _| {
        write!(stream, "HTTP/1.1 403 No\r\ncontent-length: 1000000000\r\n\r\n")?;
        forever(stream, &[b'a'; 16 * 1024])
    });
    hostile(&authority, peer, "cable", "websocket-denied", 1);
}

#[test]
fn a_thousand_certificates_prove_nothing() {
    let (authority, identity) = parties();
    let leaf = CertificateDer::from_pem_slice(identity.chain_pem.as_bytes()).expect("a certificate");
    let key = PrivateKeyDer::from_pem_slice(identity.key_pem.as_bytes()).expect("a key");
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring has ciphers for both versions")
        .with_no_client_auth()
        .with_single_cert(vec![leaf; 1000], key)
        .expect("the key belongs to the certificate");
    let peer = tls(Arc::new(config), |stream, _| page(stream));
    hostile(&authority, peer, "reach", "none", 3);
}

#[test]
fn escape_sequences_in_headers_and_bodies_are_shown_and_not_printed() {
    let (authority, identity) = parties();
    let peer = tls(identity.server(&["http/1.1"]), |stream, _| {
        let evil = "\u{9b}31m\u{202e}gnp.exe\u{200b}";
        let body = format!("<title>\u{1b}[2J\u{1b}]0;owned\u{7}{evil}</title>");
        let length = body.len();
        write!(
            stream,
            "HTTP/1.1 502 {evil}\r\nserver: {evil}\r\nvia: 1.1 {evil}\r\nset-cookie: {evil}={evil}\r\n\
             content-length: {length}\r\n\r\n{body}"
        )
    });
    let ended = hostile(&authority, peer, "reach", UNREACHABLE, 1);
    assert!(ended.out.contains("x1b[2J"), "the page is quoted: {}", ended.out);
    for format in ["text", "markdown", "html", "jsonl"] {
        let ended = run(&authority, peer, &["--format", format, "--color", "never", "--redact", "full"]);
        assert_eq!(ended.code, Some(1), "{format}");
        assert!(!ended.out.contains('\u{202e}'), "{format}: {}", ended.out);
    }
}

#[test]
fn an_escape_byte_in_a_header_is_no_http() {
    let (authority, identity) = parties();
    let peer = tls(identity.server(&["http/1.1"]), |stream, _| {
        write!(stream, "HTTP/1.1 200 OK\r\nserver: \u{1b}[2J\r\nx-gitlab-meta: {{}}\r\n\r\n")
    });
    hostile(&authority, peer, "reach", UNREACHABLE, 1);
}

#[test]
fn a_peer_that_says_nothing_at_all_is_waited_for_no_longer_than_the_limit() {
    let (authority, identity) = parties();
    let mute = listen(|mut stream| io::copy(&mut stream, &mut io::sink()).map(drop));
    hostile(&authority, mute, "reach", "tls-timeout", 1);
    let after_tls =
        tls(identity.server(&["http/1.1"]), |stream, _| io::copy(stream, &mut io::sink()).map(drop));
    hostile(&authority, after_tls, "reach", UNREACHABLE, 1);
}

#[test]
fn half_an_answer_is_none() {
    let (authority, identity) = parties();
    let peer = tls(identity.server(&["http/1.1"]), |stream, _| {
        write!(stream, "HTTP/1.1 200 OK\r\nx-gitlab-meta: {{}}\r\nx-gitlab-")
    });
    hostile(&authority, peer, "reach", UNREACHABLE, 1);
}

#[test]
fn garbage_in_place_of_tls_or_of_http_is_named() {
    let (authority, identity) = parties();
    let noise = listen(|mut stream| forever(&mut stream, b"\x1b[2Jnoise\r\n"));
    hostile(&authority, noise, "reach", "tls-not-spoken", 1);
    let noise = tls(identity.server(&["http/1.1"]), |stream, _| forever(stream, b"\x1b[2Jnoise\r\n"));
    hostile(&authority, noise, "reach", UNREACHABLE, 1);
}

#[test]
fn http2_garbage_is_no_answer() {
    let (authority, identity) = parties();
    // The preface of a client ends in an empty line twice; what comes then is not looked at.
    let garbage = tls(identity.server(&["h2"]), |stream, _| forever(stream, &[0xff; 1024]));
    hostile(&authority, garbage, "reach", UNREACHABLE, 1);
    // Empty settings without end: a correct frame each, and never an answer.
    let settings = tls(identity.server(&["h2"]), |stream, _| {
        let mut read = stream.sock.try_clone()?;
        thread::spawn(move || io::copy(&mut read, &mut io::sink()));
        forever(stream, &[0, 0, 0, 4, 0, 0, 0, 0, 0])
    });
    hostile(&authority, settings, "reach", UNREACHABLE, 1);
}

#[test]
fn a_redirect_to_itself_is_not_followed_and_not_gitlab() {
    let (authority, identity) = parties();
    let peer = tls(identity.server(&["http/1.1"]), |stream, _| {
        let path = "/users/sign_in";
        write!(stream, "HTTP/1.1 302 Found\r\nlocation: https://{HOST}{path}\r\ncontent-length: 0\r\n\r\n")
    });
    hostile(&authority, peer, "reach", UNREACHABLE, 1);
}

#[test]
fn a_broken_101_is_no_open_socket() {
    let (authority, identity) = parties();
    for broken in [
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: \x1b[2J\r\n\r\n",
        "101\r\n\r\n",
    ] {
        let peer = cable(&identity, move |stream, _| stream.write_all(broken.as_bytes()));
        hostile(&authority, peer, "cable", NO_WELCOME, 1);
    }
}

#[test]
fn endless_frames_are_no_welcome() {
    let (authority, identity) = parties();
    let words = cable(&identity, |stream, head| {
        switch(stream, head)?;
        forever(stream, &frame(TEXT, "{\"type\":\"\\u001b[2J\"}").repeat(100))
    });
    hostile(&authority, words, "cable", NO_WELCOME, 1);
    let pings = cable(&identity, |stream, head| {
        switch(stream, head)?;
        forever(stream, &frame(PING, "").repeat(100))
    });
    hostile(&authority, pings, "cable", NO_WELCOME, 1);
}

#[test]
fn endless_frames_behind_the_welcome_are_no_ping() {
    let (authority, identity) = parties();
    let peer = cable(&identity, |stream, head| {
        switch(stream, head)?;
        stream.write_all(&frame(TEXT, "{\"type\":\"welcome\"}"))?;
        forever(stream, &frame(TEXT, "{\"message\":1}").repeat(100))
    });
    hostile(&authority, peer, "pings", "websocket-buffered", 1);
}

#[test]
fn a_message_of_ten_megabytes_is_no_welcome_and_no_ping() {
    let (authority, identity) = parties();
    let large = |stream: &mut Tls| {
        stream.write_all(&[0x81, 127, 0, 0, 0, 0, 0, 0x98, 0x96, 0x80])?;
        (0..1000).try_for_each(|_| stream.write_all(&[b'a'; 10_000]))
    };
    let peer = cable(&identity, move |stream, head| {
        switch(stream, head)?;
        large(stream)
    });
    hostile(&authority, peer, "cable", NO_WELCOME, 1);
    let peer = cable(&identity, move |stream, head| {
        switch(stream, head)?;
        stream.write_all(&frame(TEXT, "{\"type\":\"welcome\"}"))?;
        large(stream)
    });
    hostile(&authority, peer, "pings", "http2-not-offered", 3);
}

#[test]
fn a_stream_that_falls_silent_while_it_is_held_does_not_pass() {
    let (authority, identity) = parties();
    let peer = cable(&identity, |stream, head| {
        switch(stream, head)?;
        stream.write_all(&frame(TEXT, "{\"type\":\"welcome\"}"))?;
        stream.write_all(&frame(TEXT, "{\"type\":\"ping\",\"message\":1}"))?;
        io::copy(stream, &mut io::sink()).map(drop)
    });
    let ended = run(&authority, peer, &["--hold", "7"]);
    assert_eq!(ended.status("pings"), "fail", "{}", ended.out);
    assert_eq!(ended.report["root_causes"][0]["code"], "websocket-buffered", "{}", ended.out);
}

#[test]
fn a_credential_that_was_held_back_is_not_called_refused() {
    let (stranger, identity) = parties();
    let authority = Authority::new();
    let peer = cable(&identity, |stream, head| {
        switch(stream, head)?;
        let why = if head.contains("Bearer") { "leaked" } else { "unauthorized" };
        let why = format!("{{\"type\":\"disconnect\",\"reason\":\"{why}\"}}");
        stream.write_all(&frame(TEXT, &why))
    });
    let node = tempfile::tempdir().expect("a temporary directory can be made");
    fs::create_dir_all(node.path().join("etc/gitlab")).expect("the test's own directory is writable");
    fs::write(node.path().join("etc/gitlab/gitlab.rb"), "").expect("the test's own directory is writable");
    let node = node.path().display().to_string();
    // On a GitLab node an unknown issuer is a warning, and the socket is tried without the credential.
    let ended = run(&authority, peer, &["--sysroot", &node]);
    assert_eq!(ended.status("certificate"), "warn", "{}", ended.out);
    assert_eq!(ended.status("cable"), "pass", "{}", ended.out);
    // Where the certificate is good, the credential is sent: the peer says so.
    let ended = run(&stranger, peer, &["--sysroot", &node]);
    assert!(ended.out.contains("leaked"), "{}", ended.out);
}

#[test]
fn a_credential_that_the_peer_repeats_stands_in_no_report() {
    let (authority, identity) = parties();
    let came = Arc::new(AtomicBool::new(false));
    let note = Arc::clone(&came);
    let peer = cable(&identity, move |stream, head| {
        note.fetch_or(head.contains(TOKEN), Ordering::Relaxed);
        let mut body = String::new();
        for line in head.lines() {
            let _ = writeln!(body, "{line}");
        }
        let length = body.len();
        let token = head.lines().find_map(|l| l.split_once("Bearer ")).map_or("none was sent", |(_, t)| t);
        write!(
            stream,
            "HTTP/1.1 403 {token}\r\nserver: {token}\r\nwww-authenticate: Bearer realm=\"{token}\"\r\n\
             x-request-id: {token}\r\ncontent-length: {length}\r\n\r\n{body}"
        )
    });
    for format in ["json", "text", "markdown", "html", "jsonl"] {
        let ended = run(&authority, peer, &["--format", format, "--redact", "full"]);
        assert_eq!(ended.code, Some(1), "{format}: {}", ended.out);
        assert!(came.swap(false, Ordering::Relaxed), "{format}: the handshake carried no credential");
    }
}
