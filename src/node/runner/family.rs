//! A program with everything that it starts: ended together, also when nobody waits for it any longer.

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use tokio::process::Child;

/// What a program may have started at once, at most; Rails starts a handful.
const MOST: usize = 1000;

/// A program at the head of its own process group. Dropping it ends the group and all descendants.
pub(super) struct Family {
    head: Option<Pid>,
}

impl Family {
    /// Takes charge of a program that has just been started.
    pub(super) fn of(child: &Child) -> Self {
        let head = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        if let Some(head) = head {
            // When memory gets short, this is what the kernel may take, and not Puma or PostgreSQL. Its children
            // inherit it. Where that is refused nothing is lost.
            std::fs::write(format!("/proc/{}/oom_score_adj", head.as_raw_nonzero()), "1000").ok();
        }
        Self { head }
    }

    /// Ends what is left of it. Who is already gone is no error.
    pub(super) fn end(&mut self) {
        let Some(head) = self.head.take() else { return };
        // Those in a group or session of their own, as below `sudo` with a terminal of its own.
        let elsewhere = descendants(head);
        kill_process_group(head, Signal::KILL).ok();
        for pid in elsewhere {
            kill_process(pid, Signal::KILL).ok();
        }
    }
}

impl Drop for Family {
    fn drop(&mut self) {
        self.end();
    }
}

/// The children of a process, their children, and so on.
fn descendants(head: Pid) -> Vec<Pid> {
    let mut found = vec![head];
    let mut next = 0;
    while next < found.len() && found.len() < MOST {
        found.extend(children(found[next]));
        next += 1;
    }
    found.split_off(1)
}

fn children(parent: Pid) -> Vec<Pid> {
    let threads = std::fs::read_dir(format!("/proc/{}/task", parent.as_raw_nonzero()));
    let lists = threads.into_iter().flatten().flatten();
    let lists = lists.filter_map(|thread| std::fs::read_to_string(thread.path().join("children")).ok());
    lists.flat_map(|list| list.split_whitespace().filter_map(pid).collect::<Vec<_>>()).collect()
}

fn pid(text: &str) -> Option<Pid> {
    Pid::from_raw(text.parse().ok()?)
}
