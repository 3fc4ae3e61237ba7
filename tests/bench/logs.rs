//! Looking through 20 MB of logs: lines of every day, and logs in which every line is a trace.

use duo_doctor::node::logs::scan;
use duo_doctor::node::root::Root;
use duo_doctor::subject::logs::Scan;
use std::fs;
use std::time::{Duration, Instant};

/// Each is read to its whole length; five make 20 MB.
const LENGTH: usize = 4 << 20;
const FILES: [&str; 5] =
    ["exceptions_json.log", "llm.log", "production_json.log", "api_json.log", "application_json.log"];
const TIMES: usize = 5;

const EVERY_DAY: &str = r#"{"severity":"INFO","time":"2026-11-27T10:00:00.123Z","status":200,"method":"GET","path":"/api/v4/projects/12","params":[{"key":"id","value":"12"}],"host":"gitlab.example.com","route":"/api/:version/projects/:id","user_id":1,"username":"root","redis_calls":115,"correlation_id":"O1SdybnnIq7"}"#;
const TRACE: &str = r#"{"severity":"ERROR","time":"2026-11-27T10:00:00.123Z","exception.class":"Net::ReadTimeout","exception.message":"Net::ReadTimeout","exception.backtrace":["ee/lib/gitlab/llm/ai_gateway/client.rb:98:in `x'"]}"#;

/// How long it takes where nothing is to be found, and where every line of one log is.
pub(crate) fn quiet_and_loud() -> [Vec<Duration>; 2] {
    [EVERY_DAY, TRACE].map(|line| {
        let node = tempfile::tempdir().expect("a directory");
        let logs = node.path().join("var/log/gitlab/gitlab-rails");
        fs::create_dir_all(&logs).expect("directories");
        fs::create_dir_all(node.path().join("etc/gitlab")).expect("directories");
        fs::write(node.path().join("etc/gitlab/gitlab.rb"), "").expect("a file");
        for file in FILES {
            fs::write(logs.join(file), format!("{line}\n").repeat(LENGTH / line.len())).expect("a log");
        }
        let root = Root::open(node.path()).expect("a directory");
        let one = || {
            let begin = Instant::now();
            let found = scan(&root, &Scan { since: 0, until: i64::MAX });
            assert_eq!(found.read.len(), FILES.len());
            begin.elapsed()
        };
        (0..TIMES).map(|_| one()).collect()
    })
}
