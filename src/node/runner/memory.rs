//! How much memory one more program could have: what the machine has left, or the container if that is less.

use crate::node::root::Root;

/// Limits of a container (control groups 2, then 1): the limit, what is used, and in which statistic how much of that
/// is files that can be dropped.
const GROUPS: [[&str; 4]; 2] = [
    ["memory.max", "memory.current", "memory.stat", "inactive_file"],
    [
        "memory/memory.limit_in_bytes",
        "memory/memory.usage_in_bytes",
        "memory/memory.stat",
        "total_inactive_file",
    ],
];

/// In bytes; `None`: `/proc/meminfo` could not be read.
pub(super) fn free(root: &Root) -> Option<u64> {
    let machine = number(&root.text("/proc/meminfo").ok()?, "MemAvailable:")?.checked_mul(1024)?;
    let groups = GROUPS.iter().filter_map(|group| of_container(root, group));
    groups.min().map_or(Some(machine), |container| Some(machine.min(container)))
}

/// What a container may still use; `None`: it has no limit.
fn of_container(root: &Root, [limit, used, statistic, droppable]: &[&str; 4]) -> Option<u64> {
    let read = |name: &str| root.text(&format!("/sys/fs/cgroup/{name}")).ok();
    let limit: u64 = read(limit)?.trim().parse().ok()?;
    let used: u64 = read(used)?.trim().parse().ok()?;
    let droppable = read(statistic).and_then(|text| number(&text, droppable)).unwrap_or(0);
    Some(limit.saturating_sub(used.saturating_sub(droppable)))
}

/// The number behind a word at the start of a line.
fn number(text: &str, name: &str) -> Option<u64> {
    let mut lines = text.lines().map(str::split_whitespace);
    lines.find_map(|mut words| (words.next() == Some(name)).then(|| words.next()?.parse().ok())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn free_with(files: &[(&str, &str)]) -> Option<u64> {
        let top = tempfile::tempdir().expect("a folder");
        for (path, text) in files {
            let path = top.path().join(path);
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
            std::fs::write(path, text).expect("a file");
        }
        free(&Root::open(top.path()).expect("a root"))
    }

    #[test]
    fn free_memory_is_the_machines_or_the_containers_whichever_is_less() {
        let machine = ("proc/meminfo", "MemTotal: 8000 kB\nMemFree: 10 kB\nMemAvailable:    5000 kB\n");
        assert_eq!(free_with(&[machine]), Some(5000 << 10));
        let of_two = |limit| ("sys/fs/cgroup/memory.max", limit);
        let used = ("sys/fs/cgroup/memory.current", "900000\n");
        let files = ("sys/fs/cgroup/memory.stat", "anon 5\ninactive_file 400000\n");
        assert_eq!(free_with(&[machine, of_two("max\n"), used, files]), Some(5000 << 10));
        assert_eq!(free_with(&[machine, of_two("1000000\n"), used, files]), Some(500_000));
        assert_eq!(free_with(&[machine, of_two("1000000\n"), used]), Some(100_000));
        let of_one = ("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
        let used = ("sys/fs/cgroup/memory/memory.usage_in_bytes", "900000\n");
        assert_eq!(free_with(&[machine, of_one, used]), Some(5000 << 10));
        assert_eq!(free_with(&[("proc/meminfo", "MemTotal: 8000 kB\n")]), None);
    }
}
