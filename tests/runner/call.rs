//! The call, against stand-ins for `gitlab-rails`: what reaches the program, what comes back, and that nothing of it
//! is left when nobody waits any longer.

use duo_doctor::node::runner::{document, run};
use duo_doctor::subject::runner::{Call, Ending, Failed, SCRIPT};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use serde_json::json;
use std::fs;
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use tempfile::TempDir;

/// Far more than any stand-in needs; a machine may be busy.
const LONG: Duration = Duration::from_mins(1);

/// A stand-in for `gitlab-rails`: a shell script in a folder of its own.
struct Program {
    folder: TempDir,
}

impl Program {
    fn new(script: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("gitlab-rails");
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("a file");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("it may be run");
        Self { folder }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn call(&self) -> Call {
        let folder = Some(self.folder.path().to_owned());
        let program = self.file("gitlab-rails");
        Call { folder, ..Call::gently(&[&program.display().to_string(), "runner", "-"]) }
    }

    async fn run(&self) -> Result<Vec<u8>, Failed> {
        run(&self.call(), LONG).await
    }
}

/// A document as short as one can be.
const SHORT: &str = r#"printf '\nduo-doctor:begin\n{"duo_doctor":1}\nduo-doctor:end\n'"#;

#[tokio::test]
async fn the_script_reaches_the_program_whole_and_its_answer_comes_back() {
    let program = Program::new(&format!(
        "cat > script; echo \"$@\" > arguments; nice > niceness; env | sort > environment
        cat /proc/self/oom_score_adj > adjusted; echo noise; {SHORT}; echo noise >&2; echo more"
    ));
    let output = program.run().await.expect("an answer");
    assert_eq!(document(&output), Ok(json!({"duo_doctor": 1})));
    let read = |name: &str| fs::read_to_string(program.file(name)).expect("the program wrote it");
    assert_eq!(read("script"), SCRIPT);
    assert_eq!((read("arguments").as_str(), read("niceness").as_str()), ("runner -\n", "19\n"));
    let names: Vec<String> =
        read("environment").lines().filter_map(|line| Some(line.split_once('=')?.0.to_owned())).collect();
    let known = ["HOME", "LANG", "OLDPWD", "PATH", "PWD", "SHLVL", "_"];
    assert!(names.iter().all(|name| known.contains(&name.as_str())), "nothing of this program's: {names:?}");
    assert_eq!(read("adjusted"), "1000\n", "when memory gets short it goes first");
}

#[tokio::test]
async fn the_real_script_is_answered_by_a_stand_in_of_gitlab() {
    let stand_in = format!("{}/tests/runner/v18_9.rb", env!("CARGO_MANIFEST_DIR"));
    let program = Program::new(&format!("exec ruby -r {stand_in} -"));
    let facts = document(&program.run().await.expect("an answer")).expect("a document");
    assert_eq!(facts["version"], json!("18.9.1-ee"));
}

#[tokio::test]
async fn an_answer_counts_however_the_program_ends() {
    assert!(Program::new(&format!("{SHORT}; exit 3")).run().await.is_ok());
    assert!(Program::new(&format!("exec < /dev/null; {SHORT}")).run().await.is_ok(), "it reads nothing");
}

#[tokio::test]
async fn a_program_that_leaves_something_running_is_not_waited_for() {
    let program = Program::new(&format!("cat > /dev/null; sleep 1000 & {SHORT}"));
    assert!(program.run().await.is_ok());
}

#[tokio::test]
async fn a_failing_program_is_told_by_its_exit_code_and_the_class_of_its_exception() {
    let trace = "/opt/gitlab/embedded/lib/ruby/gems/pg.rb:58:in `initialize': connection to server at canary failed (PG::ConnectionBad)";
    let program = Program::new(&format!(
        "cat > /dev/null; echo \"{}\" >&2; i=0; while [ $i -lt 2000 ]; do echo '	from canary.rb:1' >&2; i=$((i+1)); done; exit 1",
        trace.replace('`', "\\`")
    ));
    let words = "PG::ConnectionBad".to_owned();
    assert_eq!(program.run().await, Err(Failed::Exited { ending: Ending::Code(1), words }));
    let refused = Program::new("echo 'chpst: fatal: unable to setgroups: permission denied' >&2; exit 111");
    let words = "chpst: fatal: unable to setgroups: permission denied".to_owned();
    assert_eq!(refused.run().await, Err(Failed::Exited { ending: Ending::Code(111), words }));
    let killed = Program::new("kill -9 $$").run().await;
    assert_eq!(killed, Err(Failed::Exited { ending: Ending::Signal(9), words: String::new() }));
    let silent = Program::new("cat > /dev/null; echo nothing of ours").run().await;
    assert_eq!(silent, Err(Failed::NoDocument));
}

#[tokio::test]
async fn a_program_that_is_not_there_or_may_not_be_run_is_said_so() {
    let call = |program: &Path| Call { program: program.display().to_string(), ..Call::default() };
    let program = Program::new("");
    let missing = program.file("nothing");
    let not_found = Failed::NotFound { program: missing.display().to_string() };
    assert_eq!(run(&call(&missing), LONG).await, Err(not_found));
    let folder = run(&call(program.folder.path()), LONG).await;
    let words = "permission denied".to_owned();
    assert_eq!(folder, Err(Failed::Exited { ending: Ending::NotStarted, words }));
}

/// A program that starts a child, one in a session of its own and one below that, then says their ids and hangs.
const HANGS: &str = "sleep 1000 & a=$!
    setsid sh -c 'sleep 1000 & echo $! > below; echo $$ > apart; kill -STOP $$' & b=$!
    while [ ! -s apart ]; do :; done
    echo $$ $a $b $(cat apart) $(cat below) > ids";

/// Opens the FIFO by which a hanging program says the ids of its processes, once they all run.
async fn processes(fifo: PathBuf) -> Vec<OwnedFd> {
    let text = tokio::fs::read_to_string(fifo).await.expect("the program says its ids");
    let pid = |text: &str| Pid::from_raw(text.parse().expect("a number")).expect("an id");
    let ids: Vec<Pid> = text.split_whitespace().map(pid).collect();
    assert_eq!(ids.len(), 5, "{text}");
    ids.into_iter().map(|id| pidfd_open(id, PidfdFlags::empty()).expect("it runs")).collect()
}

fn must_end(processes: &[OwnedFd]) {
    let limit = Timespec { tv_sec: 60, tv_nsec: 0 };
    for (place, process) in processes.iter().enumerate() {
        let ready = poll(&mut [PollFd::new(process, PollFlags::IN)], Some(&limit))
            .expect("a process can be waited for");
        assert_eq!(ready, 1, "process {place} of the family still runs");
    }
}

fn hanging() -> Program {
    let program = Program::new(&format!("{HANGS}; while :; do sleep 1000; done"));
    let made = Command::new("mkfifo").arg(program.file("ids")).status().expect("mkfifo is there");
    assert!(made.success());
    program
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_hangs_is_ended_with_all_that_it_started() {
    let program = hanging();
    let ids = tokio::spawn(processes(program.file("ids")));
    let after = Duration::from_secs(5);
    assert_eq!(run(&program.call(), after).await, Err(Failed::TimedOut { after }));
    must_end(&ids.await.expect("the ids were said before the limit"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_nobody_waits_for_any_longer_is_ended_too() {
    let program = hanging();
    let call = program.call();
    let asked = tokio::spawn(async move { run(&call, LONG).await });
    let processes = processes(program.file("ids")).await;
    asked.abort();
    assert!(asked.await.expect_err("it was given up").is_cancelled());
    must_end(&processes);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_prints_far_too_much_is_stopped_and_one_that_complains_is_not() {
    let flood = |stream: &str| format!("cat > /dev/null; head -c 2000000 /dev/zero | tr '\\0' x {stream}");
    let loud = Program::new(&format!("{}; while :; do sleep 1000; done", flood("")));
    assert_eq!(loud.run().await, Err(Failed::TooLarge));
    assert!(Program::new(&format!("{}; {SHORT}", flood(">&2"))).run().await.is_ok());
}
