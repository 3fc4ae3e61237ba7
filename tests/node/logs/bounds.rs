//! Logs that somebody or something broke, logs of any length, and that no text of a log gets out.

use super::{AROUND, HOUR, JOBS, NGINX, RAILS, TEN, WORKHORSE, exception, look, package};
use crate::tree::Tree;
use duo_doctor::node::logs::scan;
use duo_doctor::subject::logs::{Scan, Trace};
use rustix::fs::{CWD, FileType, Mode, mknodat};
use std::fs::{File, FileTimes};
use std::time::{Duration, SystemTime};

/// What must never be seen.
const CANARY: &str = "canary";

/// Canaries at every place of a line where GitLab, a user or a peer may put a text.
fn poisoned() -> Vec<(String, String)> {
    let c = CANARY;
    let mut exceptions = Vec::new();
    for (class, message) in [
        (
            "Net::OpenTimeout",
            format!(
                "Failed to open TCP connection to {c}.cloud.gitlab.com:443 ({c} execution expired) cloud.gitlab.com.{c}.org customers.gitlab.com"
            ),
        ),
        ("OpenSSL::SSL::SSLError", format!("SSL_connect {c} certificate verify failed ({c})")),
        (
            "Net::HTTPClientException",
            format!("407 {c} Proxy Authentication Required http://{c}:{c}@{c}:3128"),
        ),
        ("Gitlab::SubscriptionPortal::Client::ResponseError", format!("{c} execution expired")),
        ("Gitlab::Llm::canary", format!("{c} execution expired")),
    ] {
        let line = exception(class, &message).replace("root", c).replace("01K", c).replace("net/http.rb", c);
        let extra = ["response_code", "status", "error", "error_code", "detail", "message", "body", "url", c];
        let extra = extra.map(|name| format!(r#""extra.{name}":"{c} Header mismatch 'X-Gitlab-Realm' {c}""#));
        exceptions.push(format!("{},{}}}", line.trim_end_matches('}'), extra.join(",")));
    }
    let json = |fields: &[(&str, &str)]| {
        let fields: Vec<String> =
            fields.iter().map(|(name, value)| format!("\"{name}\":\"{}\"", value.replace('@', c))).collect();
        format!(
            r#"{{"time":"2026-11-27T10:00:00Z",{},"{c}":"{c}","user.username":"{c}","remote_ip":"{c}","ua":"{c}","params":[{{"key":"{c}","value":"{c}"}}]}}"#,
            fields.join(",")
        )
    };
    let llm = json(&[
        ("message", "Error response from AI Gateway"),
        ("class", "@"),
        ("status", "401"),
        ("body", "@ Forbidden by auth provider @"),
        ("url", "@"),
        ("prompt", "@"),
    ]);
    let chat = json(&[
        ("message", "@ Net::ReadTimeout @"),
        ("duo_chat_error_code", "A1001"),
        ("error", "@"),
        ("llm_answer_content", "@"),
    ]);
    let event = json(&[("message", "Cloud Connector Access catalog update failed: @"), ("action", "@")]);
    let request =
        json(&[("message", "Request origin not allowed: https://@ HTTP_UPGRADE: @"), ("path", "@")]);
    let api = json(&[
        ("route", "/api/:version/code_suggestions/completions"),
        ("path", "/@/code_suggestions/completions?@"),
        ("status", "401"),
        ("host", "@"),
    ]);
    let job = json(&[
        ("class", "Llm::@"),
        ("job_status", "fail"),
        ("exception.class", "Net::ReadTimeout"),
        ("exception.message", "@"),
        ("args", "@"),
        ("message", "@"),
    ]);
    let sync = json(&[
        ("class", "CloudConnector::@"),
        ("job_status", "@"),
        ("extra.@.error_message", "@ HTTP status code: 403@"),
        ("meta.user", "@"),
    ]);
    let send = json(&[
        ("uri", "/@/code_suggestions/completions?token=@"),
        (
            "error",
            "SendURL: Do request: Post \\\"https://@:@@cloud.gitlab.com/@\\\": dial tcp: lookup @.cloud.gitlab.com: no such host @",
        ),
        ("msg", "@"),
    ]);
    let access = json(&[
        ("uri", "/@/-/cable?@"),
        ("msg", "access"),
        ("status", "404"),
        ("host", "@"),
        ("referrer", "@"),
        ("user_agent", "@"),
    ]);
    let nginx = format!(
        r#"{c} - {c} [27/Nov/2026:10:00:00 +0000] "GET /{c}/-/cable?{c} HTTP/1.1" 502 1 "https://{c}" "{c}""#
    );
    let error = format!(
        r#"2026/11/27 10:00:00 [{c}] 1#0: *2 {c} upstream timed out ({c}), client: {c}, server: {c}, request: "GET /{c}/-/cable?{c} HTTP/1.1", upstream: "{c}", host: "{c}""#
    );
    let text = format!(
        "Started GET \"/{c}/-/cable\" for {c} at 2026-11-27 10:00:00 UTC\nRequest origin not allowed: https://{c}\nFailed to upgrade to WebSocket (REQUEST_METHOD: {c}, HTTP_CONNECTION: {c}, HTTP_UPGRADE: {c})"
    );
    let rails = |name: &str| format!("{RAILS}/{name}");
    vec![
        (rails("exceptions_json.log"), exceptions.join("\n")),
        (rails("llm.log"), [llm, chat].join("\n")),
        (rails("application_json.log"), event),
        (rails("production_json.log"), request),
        (rails("production.log"), text),
        (rails("api_json.log"), api),
        (JOBS.to_owned(), [job, sync].join("\n")),
        (WORKHORSE.to_owned(), [send, access].join("\n")),
        (format!("{NGINX}/gitlab_access.log"), nginx),
        (format!("{NGINX}/gitlab_error.log"), error),
    ]
}

#[test]
fn nothing_that_stands_in_a_line_gets_out() {
    for (path, lines) in poisoned() {
        let found = look(&package(&path, &format!("{lines}\n")), &AROUND);
        let counted: u32 = found.seen.iter().map(|seen| seen.count).sum();
        assert!(counted as usize >= lines.lines().count().min(2), "{path}: its lines are read: {found:?}");
        let out = format!("{found:?} {}", serde_json::to_string(&found).expect("JSON"));
        assert!(!out.contains(CANARY), "{path}: {out}");
        for host in found.seen.iter().flat_map(|seen| &seen.hosts) {
            assert!(["cloud.gitlab.com", "customers.gitlab.com"].contains(&host.as_str()), "{host}");
        }
    }
}

#[test]
fn broken_huge_and_binary_lines_are_passed_over_and_the_rest_is_read() {
    let good = exception("Net::ReadTimeout", "Net::ReadTimeout");
    let mut bytes = Vec::new();
    for broken in [
        &good.as_bytes()[..good.len() / 2],
        exception("Net::ReadTimeout", &"x".repeat(1 << 20)).as_bytes(),
        b"\x00\x01\xff\xfe cloud.gitlab.com \x80",
        exception("Net::ReadTimeout", "\u{1}").as_bytes(),
        format!("{good}{good}").as_bytes(),
        b"",
        b"\r",
        format!("{{\"cloud.gitlab.com\":{}", "[".repeat(90_000)).as_bytes(),
        &exception("Net::ReadTimeout", "@")
            .into_bytes()
            .iter()
            .map(|b| if *b == b'@' { 0xff } else { *b })
            .collect::<Vec<u8>>(),
    ] {
        bytes.extend_from_slice(broken);
        bytes.push(b'\n');
        bytes.extend_from_slice(good.as_bytes());
        bytes.push(b'\n');
    }
    bytes.extend_from_slice(good.as_bytes());
    let tree = Tree::with_gitlab_rb("").write(&format!("{RAILS}/exceptions_json.log"), &bytes);
    let found = look(&tree, &AROUND);
    assert_eq!(found.seen[0].count, 9, "the last line is still being written");
    for path in [
        JOBS,
        WORKHORSE,
        &format!("{NGINX}/gitlab_access.log"),
        &format!("{NGINX}/gitlab_error.log"),
        &format!("{RAILS}/production.log"),
    ] {
        assert_eq!(look(&Tree::with_gitlab_rb("").write(path, &bytes), &AROUND).seen, [], "{path}");
    }
}

#[test]
fn the_ends_of_long_files_are_read_and_that_is_said() {
    let line = exception("Net::ReadTimeout", "Net::ReadTimeout") + "\n";
    let mut text = exception("EOFError", "end of file reached") + "\n";
    while text.len() < 5 << 20 {
        text += &line;
    }
    let found = look(&package(&format!("{RAILS}/exceptions_json.log"), &text), &AROUND);
    assert_eq!((found.read[0].bytes, found.read[0].whole), (4 << 20, false));
    assert_eq!(found.seen.len(), 1, "the beginning is not read");
    assert_eq!(found.seen[0].count as usize, (4 << 20) / line.len(), "half a line does not count");
}

#[test]
fn a_line_without_a_time_counts_if_its_file_was_changed_since() {
    let origin = "Request origin not allowed: https://gitlab.example.com\n";
    let name = format!("{RAILS}/production.log");
    let seen = |changed: i64| {
        let tree = package(&name, origin);
        let changed =
            SystemTime::UNIX_EPOCH + Duration::from_secs(u64::try_from(changed).expect("after 1970"));
        let file = File::options().write(true).open(tree.path(&name)).expect("a file");
        file.set_times(FileTimes::new().set_modified(changed)).expect("a time");
        look(&tree, &AROUND).seen.first().map(|seen| seen.last)
    };
    assert_eq!((seen(TEN), seen(TEN - 2 * HOUR)), (Some(TEN), None));
}

#[test]
fn what_may_not_be_read_is_said_with_its_command() {
    let line = exception("Net::ReadTimeout", "Net::ReadTimeout") + "\n";
    let llm = format!("{RAILS}/llm.log");
    let tree = package(&format!("{RAILS}/exceptions_json.log"), &line).write(&llm, "").lock(&llm);
    let found = tree.by_nobody(|root| scan(root, &AROUND));
    assert_eq!(found.seen[0].trace, Trace::ReadTimeout, "the others are read");
    assert_eq!((found.read.len(), found.unread.len()), (1, 1));
    let unread = &found.unread[0];
    let path = format!("/{llm}");
    assert_eq!((unread.what.as_str(), unread.why.as_str()), (path.as_str(), "permission denied"));
    assert_eq!(unread.command, format!("sudo tail -n 1000 {path}"));
    let found = tree.lock(RAILS).by_nobody(|root| scan(root, &AROUND));
    assert_eq!(
        (found.read.len(), found.unread.len()),
        (0, 6),
        "a folder is closed: nobody knows what is in it"
    );
}

#[test]
fn special_files_and_links_outside_are_not_read() {
    let outside = Tree::empty().write("log", exception("Net::ReadTimeout", "Net::ReadTimeout") + "\n");
    let tree = Tree::with_gitlab_rb("")
        .dir(&format!("{RAILS}/llm.log"))
        .link(&format!("{RAILS}/exceptions_json.log"), &outside.path("log").display().to_string())
        .link(WORKHORSE, "current");
    mknodat(CWD, tree.path(&format!("{RAILS}/api_json.log")), FileType::Fifo, Mode::from_raw_mode(0o666), 0)
        .expect("a FIFO");
    let found = look(&tree, &AROUND);
    assert_eq!((found.seen.len(), found.read.len()), (0, 0));
    let why: Vec<&str> = found.unread.iter().map(|unread| unread.why.as_str()).collect();
    assert_eq!(why, ["it is a directory", "it is no ordinary file", "its links lead in a circle"]);
}

#[test]
fn a_wrong_order_of_times_shows_nothing() {
    let line = exception("Net::ReadTimeout", "Net::ReadTimeout") + "\n";
    let tree = package(&format!("{RAILS}/exceptions_json.log"), &line);
    assert_eq!(look(&tree, &Scan { since: TEN + 1, until: TEN - 1 }).seen, []);
}
