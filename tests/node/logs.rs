//! What the log files of a node show: lines in the shape in which GitLab 18.9 writes them, counting, the time that is
//! asked for, and where each kind of installation keeps its logs.

mod bounds;
mod exceptions;
mod rails;
mod services;

use crate::tree::Tree;
use duo_doctor::finding::Code;
use duo_doctor::node::logs::scan;
use duo_doctor::node::root::Root;
use duo_doctor::subject::logs::{Found, Scan, Seen, Trace};

/// 2026-11-27 10:00:00 UTC, at which every line below was written.
const TEN: i64 = 1_795_773_600;
const HOUR: i64 = 3_600;
const AROUND: Scan = Scan { since: TEN - HOUR, until: TEN + HOUR };

const RAILS: &str = "var/log/gitlab/gitlab-rails";
const JOBS: &str = "var/log/gitlab/sidekiq/current";
const WORKHORSE: &str = "var/log/gitlab/gitlab-workhorse/current";
const NGINX: &str = "var/log/gitlab/nginx";

/// A Linux package whose log of this name holds this.
fn package(path: &str, text: &str) -> Tree {
    Tree::with_gitlab_rb("").write(path, text)
}

fn look(tree: &Tree, asked: &Scan) -> Found {
    scan(&Root::open(&tree.path("")).expect("a directory"), asked)
}

/// What a log with this line shows: traces and the sample.
fn shows(path: &str, line: &str) -> (Vec<Trace>, String) {
    let found = look(&package(path, &format!("{line}\n")), &AROUND);
    assert!(found.unread.is_empty(), "{:?}", found.unread);
    assert!(found.seen.iter().all(|seen| (seen.count, seen.first, seen.last) == (1, TEN, TEN)), "{found:?}");
    let traces = found.seen.iter().map(|seen| seen.trace).collect();
    (traces, found.seen.first().map(|seen| seen.sample.clone()).unwrap_or_default())
}

fn check(path: &str, rows: &[(&str, &[Trace], &str)]) {
    for (line, traces, sample) in rows {
        assert_eq!(shows(path, line), (traces.to_vec(), (*sample).to_owned()), "{path}: {line}");
    }
}

/// A line of `exceptions_json.log`, from Duo's own code.
fn exception(class: &str, message: &str) -> String {
    format!(
        r#"{{"severity":"ERROR","time":"2026-11-27T10:00:00.123Z","correlation_id":"01K","exception.class":"{class}","exception.message":"{message}","exception.backtrace":["/opt/gitlab/embedded/lib/ruby/3.3.0/net/http.rb:1665:in `initialize'","ee/lib/gitlab/llm/ai_gateway/client.rb:98:in `perform_completion_request'"],"user.username":"root","tags.program":"sidekiq","tags.feature_category":"ai_abstraction_layer"}}"#
    )
}

#[test]
fn lines_are_counted_by_file_with_their_first_and_last_time() {
    let line = |minute: u8, host: &str| {
        exception(
            "Net::OpenTimeout",
            &format!("Failed to open TCP connection to {host}:443 (execution expired)"),
        )
        .replace("10:00:00", &format!("10:{minute:02}:00"))
    };
    let text =
        [line(7, "cloud.gitlab.com"), line(3, "customers.gitlab.com"), line(5, "10.0.0.5")].join("\n") + "\n";
    let found = look(&package(&format!("{RAILS}/exceptions_json.log"), &text), &AROUND);
    let seen = Seen {
        trace: Trace::ConnectTimeout,
        file: format!("/{RAILS}/exceptions_json.log"),
        count: 3,
        first: TEN + 180,
        last: TEN + 420,
        hosts: vec!["cloud.gitlab.com".into(), "customers.gitlab.com".into()],
        sample: "Net::OpenTimeout, execution expired, cloud.gitlab.com".into(),
    };
    assert_eq!(found.seen, [seen]);
    assert_eq!((found.read[0].bytes, found.read[0].whole), (text.len() as u64, true));
    let of = |scan| look(&package(&format!("{RAILS}/exceptions_json.log"), &text), &scan).seen[0].count;
    assert_eq!(of(Scan { since: TEN + 240, ..AROUND }), 2);
    assert_eq!(of(Scan { until: TEN + 240, ..AROUND }), 1, "what our own run leaves behind does not count");
}

#[test]
fn each_kind_of_installation_has_its_places() {
    let line = exception("Net::ReadTimeout", "Net::ReadTimeout") + "\n";
    let read = |tree: &Tree| -> Vec<String> {
        let found = look(tree, &AROUND);
        assert_eq!(found.seen.len(), 1, "{found:?}");
        found.read.into_iter().map(|read| read.path).collect()
    };
    let source = Tree::of("source").write("home/git/gitlab/log/exceptions_json.log", &line);
    assert_eq!(read(&source), ["/home/git/gitlab/log/exceptions_json.log"]);
    let moved = Tree::with_gitlab_rb("")
        .write("data/logs/exceptions_json.log", &line)
        .link("opt/gitlab/embedded/service/gitlab-rails/log", "/data/logs")
        .write("opt/gitlab/sv/sidekiq/log/run", "#!/bin/sh\nexec svlogd -tt /data/sidekiq/\n")
        .write("data/sidekiq/current", "");
    assert_eq!(
        read(&moved),
        ["/opt/gitlab/embedded/service/gitlab-rails/log/exceptions_json.log", "/data/sidekiq/current"]
    );
}

#[test]
fn in_a_pod_it_is_said_where_the_logs_are() {
    let found = look(&Tree::of("helm-webservice"), &AROUND);
    assert_eq!((found.seen.len(), found.read.len(), found.unread.len()), (0, 0, 1));
    assert!(found.unread[0].command.starts_with("kubectl logs"), "{:?}", found.unread);
    let copied = exception("Net::ReadTimeout", "Net::ReadTimeout") + "\n";
    let found =
        look(&Tree::of("helm-webservice").write("srv/gitlab/log/exceptions_json.log", copied), &AROUND);
    assert_eq!((found.seen.len(), found.read.len(), found.unread.len()), (1, 1, 0));
}

#[test]
fn without_gitlab_or_its_logs_nothing_is_said() {
    assert_eq!(look(&Tree::empty(), &AROUND), Found::default());
    assert_eq!(look(&Tree::with_gitlab_rb(""), &AROUND), Found::default());
}

#[test]
fn every_code_that_a_trace_supports_is_a_finding() {
    for trace in Trace::ALL {
        for code in trace.supports() {
            assert!(code.parse::<Code>().is_ok(), "{trace} supports {code}, which is no finding code");
        }
    }
}
