//! The processes of GitLab that run now, from `/proc`: which they are, since when, with what environment.

use super::assignments::of_environ;
use super::reading::Reading;
use super::root::Unreadable;
use crate::subject::environment::Environment;
use crate::subject::facts::{Process, Running};
use crate::subject::place::Stack;

/// A process of one of GitLab's components.
pub(super) struct Found {
    pub(super) stack: Stack,
    pub(super) process: Process,
}

/// Clock ticks a second in `/proc/PID/stat`: `USER_HZ`, which Linux fixes at 100 on every common architecture
/// (`proc_pid_stat(5)`, `time(7)`).
const TICKS: i64 = 100;

/// The processes of puma, Sidekiq and Workhorse. Puma's workers have the environment of their master, so they count
/// only where no master is seen.
pub(super) fn processes(reading: &Reading) -> Vec<Found> {
    let boot = reading.root.text("/proc/stat").ok().and_then(|text| boot_time(&text));
    let names = reading.root.list("/proc").unwrap_or_default();
    let mut pids: Vec<u32> = names.iter().filter_map(|name| name.parse().ok()).collect();
    pids.sort_unstable();
    let mut found: Vec<(bool, Found)> = Vec::new();
    for pid in pids {
        let Ok(cmdline) = reading.root.read(&format!("/proc/{pid}/cmdline")) else { continue };
        let Some((stack, name, is_worker)) = component(&cmdline.bytes) else { continue };
        let environment = running(reading, pid, name);
        let started = boot.zip(reading.root.text(&format!("/proc/{pid}/stat")).ok());
        let started = started.and_then(|(boot, stat)| Some(boot + ticks(&stat)? / TICKS));
        let process = Process { pid, name: name.to_owned(), started, environment };
        found.push((is_worker, Found { stack, process }));
    }
    let has_master = found.iter().any(|(is_worker, f)| !is_worker && f.stack == Stack::Rails);
    found.into_iter().filter(|(is_worker, _)| !(*is_worker && has_master)).map(|(_, f)| f).collect()
}

/// The environment that a process was started with, whole. `None`: overwritten.
pub(super) fn environ(reading: &Reading, pid: &str) -> Result<Option<Vec<(String, String)>>, Unreadable> {
    reading.root.read(&format!("/proc/{pid}/environ")).map(|contents| of_environ(&contents.bytes))
}

/// The command that shows a process's proxy variables.
pub(super) fn command(pid: &str) -> String {
    format!("sudo sh -c \"tr '\\\\0' '\\\\n' < /proc/{pid}/environ | grep -i proxy\"")
}

fn running(reading: &Reading, pid: u32, name: &str) -> Running {
    match environ(reading, &pid.to_string()) {
        Ok(Some(variables)) => {
            Running::Known(Environment::of(variables, &format!("the environment of pid {pid}")))
        }
        Ok(None) => Running::Overwritten,
        Err(why) => {
            reading.lost(&format!("the environment of {name} (pid {pid})"), why, &command(&pid.to_string()));
            Running::Unreadable
        }
    }
}

/// Which component a command line belongs to, what people call it, and whether it is a worker of another process.
fn component(cmdline: &[u8]) -> Option<(Stack, &'static str, bool)> {
    let mut arguments = cmdline.split(|b| *b == 0).map(String::from_utf8_lossy);
    let title = arguments.next()?;
    let program = title.split_whitespace().next()?.rsplit('/').next()?;
    let is_ruby_script = |name: &str| {
        let mut script = arguments.clone().find(|a| !a.starts_with('-')).into_iter();
        program.starts_with("ruby") && script.any(|a| a.rsplit('/').next() == Some(name))
    };
    match program {
        // Titles: `puma 6.6.0 (unix://…) [gitlab-puma-worker]`, `puma: cluster worker 0: 321 [gitlab-puma-worker]`.
        // Other applications run under Puma too: GitLab's carries its tag or its socket in the title.
        "puma:" if title.contains("gitlab") => Some((Stack::Rails, "puma", true)),
        "puma" if title.contains("gitlab") => Some((Stack::Rails, "puma", false)),
        "gitlab-workhorse" => Some((Stack::Workhorse, "gitlab-workhorse", false)),
        "sidekiq" => Some((Stack::Sidekiq, "sidekiq", false)),
        "sidekiq-cluster" => Some((Stack::Sidekiq, "sidekiq-cluster", false)),
        _ if is_ruby_script("puma") => Some((Stack::Rails, "puma", false)),
        _ if is_ruby_script("sidekiq") => Some((Stack::Sidekiq, "sidekiq", false)),
        _ if is_ruby_script("sidekiq-cluster") => Some((Stack::Sidekiq, "sidekiq-cluster", false)),
        _ => None,
    }
}

/// When the machine was started, Unix seconds.
fn boot_time(stat: &str) -> Option<i64> {
    stat.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse().ok()
}

/// The start of a process in ticks since the machine's: the 22nd field, counted behind the name in brackets, in
/// which anything may stand.
fn ticks(stat: &str) -> Option<i64> {
    stat.rsplit_once(')')?.1.split_whitespace().nth(19)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn components_are_known_by_their_titles() {
        let of = |text: &str| component(text.as_bytes()).map(|(stack, name, _)| (stack, name));
        assert_eq!(of("puma 6.6.0 (unix:///x) [gitlab-puma-worker]\0\0"), Some((Stack::Rails, "puma")));
        assert_eq!(of("puma 6.4.2 (tcp://127.0.0.1:3000) [blog]"), None);
        assert_eq!(of("sidekiq 7.3.9 queues:default [0 of 20 busy]"), Some((Stack::Sidekiq, "sidekiq")));
        let cluster = "ruby\0-rx\0/opt/gitlab/embedded/service/gitlab-rails/bin/sidekiq-cluster\0*\0";
        assert_eq!(of(cluster), Some((Stack::Sidekiq, "sidekiq-cluster")));
        assert_eq!(
            of("/opt/gitlab/embedded/bin/gitlab-workhorse\0-listenNetwork\0unix\0").map(|f| f.0),
            Some(Stack::Workhorse)
        );
        assert_eq!((of(""), of("grep\0puma\0"), of("vi\0/etc/puma\0")), (None, None, None));
    }

    #[test]
    fn a_name_with_brackets_and_blanks_does_not_shift_the_fields() {
        let fields: Vec<String> = (4..=30).map(|n| n.to_string()).collect();
        assert_eq!(ticks(&format!("7 (a) b (c) S {}", fields.join(" "))), Some(22));
        assert_eq!((ticks(""), ticks("7 (a) S 1")), (None, None));
    }
}
