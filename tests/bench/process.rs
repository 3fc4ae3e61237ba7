//! What the system counts for a process: memory, time on a processor, calls that write.

use std::fs;
use std::path::PathBuf;

fn file(id: i32, name: &str) -> String {
    // A process that is gone has no files, and counts nothing.
    fs::read_to_string(format!("/proc/{id}/{name}")).unwrap_or_default()
}

/// The number behind a name, in a file of `name: number` lines.
fn number(text: &str, name: &str) -> Option<u64> {
    let rest = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    rest.split_whitespace().next()?.parse().ok()
}

/// The most resident memory so far, in KiB; `None`: the process is gone.
pub(crate) fn peak_kib(id: i32) -> Option<u64> {
    number(&file(id, "status"), "VmHWM")
}

/// How many calls that write were made.
pub(crate) fn writes(id: i32) -> u64 {
    number(&file(id, "io"), "syscw").unwrap_or(0)
}

/// Time on a processor of all threads, in nanoseconds.
pub(crate) fn busy_ns(id: i32) -> u64 {
    let threads = fs::read_dir(PathBuf::from(format!("/proc/{id}/task"))).into_iter().flatten().flatten();
    let busy = threads.filter_map(|thread| {
        let text = fs::read_to_string(thread.path().join("schedstat")).ok()?;
        text.split_whitespace().next()?.parse::<u64>().ok()
    });
    busy.sum()
}
