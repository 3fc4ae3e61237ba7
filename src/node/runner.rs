//! Asks Rails by one `gitlab-rails runner` call: finds the program, runs it bounded in time and size, ends all of it
//! when the limit passes or nobody waits any longer, and picks the document out of what it printed.
//!
//! Runs nothing unless it is called: whoever calls has the user's word. What the document means is decided elsewhere.

mod family;
mod memory;
mod words;

use super::install;
use super::root::Root;
use crate::subject::Install;
use crate::subject::runner::{BEGIN, Call, END, Ending, Failed, SCRIPT, Surroundings};
use family::Family;
use serde_json::Value;
use std::io::ErrorKind;
use std::os::unix::process::ExitStatusExt;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};

/// An answer has some 3 KiB; warnings around it seldom more.
const MOST_OUTPUT: u64 = 256 << 10;

/// As much of the error output as is looked at: an exception stands at its top, the backtrace below.
const MOST_ERRORS: u64 = 8 << 10;

/// Where wrappers and the programs that they start are looked for.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// What a call would run on this node. Looks, and runs nothing.
///
/// # Errors
/// This user may not start Rails, or it is not found where this kind of installation has it.
pub fn call(root: &Root, install: Install) -> Result<Call, Failed> {
    let user = rustix::process::geteuid().as_raw();
    let is_root = user == 0;
    let is_git = uid_of(root, "git") == Some(user);
    let find = |path: &str| {
        let found = root.real(path).filter(|_| root.has(path));
        found.ok_or_else(|| Failed::NotFound { program: path.to_owned() })
    };
    let rails = install::rails(install);
    match install {
        Install::Omnibus | Install::Docker if is_root || is_git => {
            let program = find("/opt/gitlab/bin/gitlab-rails").or_else(|_| find("/usr/bin/gitlab-rails"))?;
            Ok(Call::gently(&[&program.to_string_lossy(), "runner", "-"]))
        }
        Install::Source if is_root || is_git => {
            find(&format!("{rails}/bin/rails"))?;
            let as_git: &[&str] = if is_git { &[] } else { &["sudo", "-n", "-u", "git", "-H"] };
            let words = ["env", "RAILS_ENV=production", "bundle", "exec", "rails", "runner", "-"];
            Ok(Call { folder: Some(find(rails)?), ..Call::gently(&[as_git, &words].concat()) })
        }
        Install::Omnibus | Install::Docker | Install::Source => Err(Failed::NotRoot),
        // The container's user, whoever it is, is GitLab's.
        Install::Helm => {
            let program = find(&format!("{rails}/bin/rails"))?;
            let call = Call::gently(&[&program.to_string_lossy(), "runner", "-"]);
            Ok(Call { folder: Some(find(rails)?), surroundings: Surroundings::Container, ..call })
        }
    }
}

/// The number of a user in `/etc/passwd`.
fn uid_of(root: &Root, name: &str) -> Option<u32> {
    let users = root.text("/etc/passwd").ok()?;
    let mut lines = users.lines().map(|line| line.split(':').collect::<Vec<_>>());
    lines.find(|fields| fields.first() == Some(&name))?.get(2)?.parse().ok()
}

/// The memory that a call could have, in bytes; `None`: it could not be read.
pub fn free_memory(root: &Root) -> Option<u64> {
    memory::free(root)
}

/// Runs the script and waits at most `limit` for its end. What it printed has a document in it.
///
/// Dropping the future ends the program and everything that it started.
///
/// # Errors
/// It could not be started, took longer, printed too much, or ended without a document.
pub async fn run(call: &Call, limit: Duration) -> Result<Vec<u8>, Failed> {
    let mut child = start(call)?;
    let mut family = Family::of(&child);
    let (input, output, errors) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let ask = async {
        if let Some(mut input) = input {
            // A program that ends without reading says why by other means.
            input.write_all(SCRIPT.as_bytes()).await.ok();
        }
        Ok(())
    };
    let end = async {
        let status = child.wait().await;
        // What it left running would hold the pipes open.
        family.end();
        status.map_err(|e| not_started(call, &e))
    };
    let said = async { Ok(first(errors, MOST_ERRORS).await) };
    let all = async { tokio::try_join!(ask, end, all(output), said) };
    let ((), status, output, said) =
        tokio::time::timeout(limit, all).await.map_err(|_| Failed::TimedOut { after: limit })??;
    match document(&output) {
        Ok(_) => Ok(output),
        Err(_) if !status.success() => {
            Err(Failed::Exited { ending: ending(status), words: words::of(&String::from_utf8_lossy(&said)) })
        }
        Err(why) => Err(why),
    }
}

/// The last whole document between the two marker lines.
///
/// # Errors
/// There is none, or it is not one that this program knows.
pub fn document(stdout: &[u8]) -> Result<Value, Failed> {
    let lines: Vec<&[u8]> = stdout.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).collect();
    let last = |lines: &[&[u8]], marker: &str| lines.iter().rposition(|line| *line == marker.as_bytes());
    let between = || {
        let end = last(&lines, END)?;
        let begin = last(&lines[..end], BEGIN)?;
        let document: Value = serde_json::from_slice(&lines[begin + 1..end].concat()).ok()?;
        (document.get("duo_doctor").and_then(Value::as_u64) == Some(1)).then_some(document)
    };
    between().ok_or(Failed::NoDocument)
}

/// Starts the program at the head of a process group of its own.
fn start(call: &Call) -> Result<Child, Failed> {
    let mut command = Command::new(&call.program);
    command.args(&call.arguments).process_group(0).kill_on_drop(true);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    match call.surroundings {
        Surroundings::Clean => {
            command.env_clear().env("PATH", PATH).env("HOME", "/").env("LANG", "C.UTF-8");
        }
        Surroundings::Container => {
            command.env_remove("DUO_DOCTOR_TOKEN");
        }
    }
    if let Some(folder) = &call.folder {
        command.current_dir(folder);
    }
    command.spawn().map_err(|e| not_started(call, &e))
}

fn not_started(call: &Call, error: &std::io::Error) -> Failed {
    match error.kind() {
        ErrorKind::NotFound => Failed::NotFound { program: call.program.clone() },
        kind => Failed::Exited { ending: Ending::NotStarted, words: kind.to_string() },
    }
}

fn ending(status: ExitStatus) -> Ending {
    match (status.code(), status.signal()) {
        (Some(code), _) => Ending::Code(code),
        (None, Some(signal)) => Ending::Signal(signal),
        (None, None) => Ending::NotStarted,
    }
}

/// Everything that comes out of a pipe.
async fn all(pipe: Option<impl AsyncRead + Unpin>) -> Result<Vec<u8>, Failed> {
    let read = first(pipe.map(|pipe| pipe.take(MOST_OUTPUT + 1)), MOST_OUTPUT + 1).await;
    if read.len() as u64 > MOST_OUTPUT { Err(Failed::TooLarge) } else { Ok(read) }
}

/// The beginning of what comes out of a pipe; the rest is read and forgotten, so that nobody waits at a full pipe.
async fn first(pipe: Option<impl AsyncRead + Unpin>, most: u64) -> Vec<u8> {
    let mut read = Vec::new();
    if let Some(mut pipe) = pipe {
        // A pipe that breaks ends as one that is closed.
        (&mut pipe).take(most).read_to_end(&mut read).await.ok();
        tokio::io::copy(&mut pipe, &mut tokio::io::sink()).await.ok();
    }
    read
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::path::Path;

    fn text(stdout: &str) -> Result<Value, Failed> {
        document(stdout.as_bytes())
    }

    #[test]
    fn the_document_stands_between_its_markers_whatever_is_around_it() {
        let whole = "warning\n\nduo-doctor:begin\n{\"duo_doctor\":1,\"version\":\"18.9.1-ee\"}\nduo-doctor:end\nbye\n";
        assert_eq!(text(whole), Ok(json!({"duo_doctor": 1, "version": "18.9.1-ee"})));
        assert_eq!(text(&whole.replace('\n', "\r\n")), text(whole));
        assert_eq!(text(&format!("duo-doctor:begin\n{whole}")), text(whole));
        assert_eq!(document(&[b"\xff\xfe\n", whole.as_bytes()].concat()), text(whole));
    }

    #[test]
    fn half_a_document_or_a_foreign_one_is_none() {
        for stdout in [
            "",
            "duo-doctor:begin\n{\"duo_doctor\":1}",
            "{\"duo_doctor\":1}\nduo-doctor:end\n",
            "duo-doctor:end\n{\"duo_doctor\":1}\nduo-doctor:begin\n",
            "duo-doctor:begin\n{\"duo_doctor\":1\nduo-doctor:end\n",
            "duo-doctor:begin\n{\"duo_doctor\":2}\nduo-doctor:end\n",
            "duo-doctor:begin\n[1]\nduo-doctor:end\n",
            "puts 'duo-doctor:begin'\n{\"duo_doctor\":1}\nputs 'duo-doctor:end'\n",
        ] {
            assert_eq!(text(stdout), Err(Failed::NoDocument), "{stdout}");
        }
    }

    /// A machine with these files, all for the user who runs the tests.
    fn machine(files: &[&str]) -> tempfile::TempDir {
        let top = tempfile::tempdir().expect("a folder");
        let write = |path: &str, text: &str| {
            let path = top.path().join(path);
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
            std::fs::write(path, text).expect("a file");
        };
        let user = rustix::process::geteuid().as_raw();
        write(
            "etc/passwd",
            &format!("root:x:0:0::/root:/bin/sh\ngit:x:{user}:998::/var/opt/gitlab:/bin/sh\n"),
        );
        for path in files {
            write(path, "");
        }
        top
    }

    fn command(top: &Path, install: Install) -> Result<String, Failed> {
        let root = Root::open(top).expect("a root");
        call(&root, install).map(|call| call.to_string().replace(&top.display().to_string(), ""))
    }

    #[test]
    fn each_kind_of_installation_has_its_own_way_to_rails() {
        let at = |path: &str, install| command(machine(&[path]).path(), install);
        let is = |text: &str| Ok(text.to_owned());
        let package = at("opt/gitlab/bin/gitlab-rails", Install::Omnibus);
        assert_eq!(package, is("nice -n 19 /opt/gitlab/bin/gitlab-rails runner -"));
        let link = at("usr/bin/gitlab-rails", Install::Docker);
        assert_eq!(link, is("nice -n 19 /usr/bin/gitlab-rails runner -"));
        let pod = at("srv/gitlab/bin/rails", Install::Helm);
        assert_eq!(pod, is("nice -n 19 /srv/gitlab/bin/rails runner -"));
        let source = at("home/git/gitlab/bin/rails", Install::Source);
        assert_eq!(source, is("nice -n 19 env RAILS_ENV=production bundle exec rails runner -"));
        let program = "/usr/bin/gitlab-rails".to_owned();
        assert_eq!(at("etc/gitlab/gitlab.rb", Install::Omnibus), Err(Failed::NotFound { program }));
    }
}
