//! Tables of situations: each row is one configuration of a real server, and what one run of the program has to find.

use crate::support::program::Report;
use std::fmt::Debug;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// How many rows of a table run at the same time. Most of a run is a wait for Action Cable's ping.
pub(crate) const AT_ONCE: usize = 12;

/// What a run has to find: these root causes and no others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Finds {
    codes: &'static [&'static str],
    hop: &'static str,
    product: &'static str,
}

/// Nothing at all: no root cause, no failing check, and the WebSocket opens and is pinged.
pub(crate) const NOTHING: Finds = Finds { codes: &[], hop: "", product: "" };

/// One root cause, at the web server that clients meet.
pub(crate) const fn at_the_front_end(codes: &'static [&'static str], product: &'static str) -> Finds {
    Finds { codes, hop: "front end", product }
}

/// One root cause at GitLab's own NGINX on the node.
pub(crate) const fn at_the_nodes_nginx(codes: &'static [&'static str]) -> Finds {
    Finds { codes, hop: "this node's NGINX", product: "bundled NGINX" }
}

/// One root cause that has no hop.
pub(crate) const fn alone(codes: &'static [&'static str]) -> Finds {
    Finds { codes, hop: "", product: "" }
}

impl Finds {
    /// Whether nothing is wrong in the situation.
    pub(crate) fn is_healthy(&self) -> bool {
        self.codes.iter().all(|code| HARMLESS.contains(code))
    }
}

/// Warnings about what is true of the server and hurts nobody: everything else passes.
const HARMLESS: &[&str] = &["http2-not-offered"];

/// Why a report is not what a row says; `None`: it is.
pub(crate) fn wrong(report: &Report, finds: Finds) -> Option<String> {
    let causes = report.root_causes();
    if causes != finds.codes {
        return Some(format!("{causes:?} in place of {:?}", finds.codes));
    }
    for code in finds.codes {
        let named = if finds.hop.is_empty() {
            (String::new(), String::new())
        } else {
            (report.argument(code, "hop"), report.argument(code, "product"))
        };
        if (named.0.as_str(), named.1.as_str()) != (finds.hop, finds.product) {
            return Some(format!("{code}: {named:?} in place of {:?}", (finds.hop, finds.product)));
        }
    }
    let failing = report.failing_checks();
    if finds.is_healthy() {
        let statuses = (report.status("cable@public"), report.status("pings@public"));
        if !failing.is_empty() || statuses != ("pass", "pass") {
            return Some(format!("{failing:?} fail, {statuses:?} of cable and pings"));
        }
    }
    let exit = Some(i32::from(!failing.is_empty()));
    (report.exit != exit).then(|| format!("exit {:?} in place of {exit:?}", report.exit))
}

/// Ends the test unless every row is right.
#[track_caller]
pub(crate) fn each<Site: Copy + Debug + Sync>(rows: &[(Site, Finds)], run: impl Fn(Site) -> Report + Sync) {
    let next = AtomicUsize::new(0);
    let wrongs = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..AT_ONCE.min(rows.len()) {
            scope.spawn(|| {
                while let Some((site, finds)) = rows.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let report = run(*site);
                    if let Some(why) = wrong(&report, *finds) {
                        let mut wrongs = wrongs.lock().expect("no row panics while it writes");
                        wrongs.push((format!("{site:?}: {why}"), report.to_string()));
                    }
                }
            });
        }
    });
    let wrongs = wrongs.into_inner().expect("no row panics while it writes");
    let summary: Vec<&str> = wrongs.iter().map(|(why, _)| why.as_str()).collect();
    let report = wrongs.first().map_or("", |(_, report)| report);
    assert!(wrongs.is_empty(), "{} of {} rows are wrong: {summary:#?}\n{report}", wrongs.len(), rows.len());
}
