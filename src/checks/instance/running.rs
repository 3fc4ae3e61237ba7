//! Processes that run with other proxies than their next start gets: their files were changed since, or somebody
//! started them by hand.

use crate::egress::{self, Rules};
use crate::finding::{Code, Finding};
use crate::subject::environment::{Environment, PROXY_VARIABLES};
use crate::subject::facts::{Component, Process, Running};
use crate::subject::place::Stack;
use crate::subject::{Subject, Via};
use crate::text;

/// The finding of all processes that run with other proxies than their next start gets: one restart was missed.
pub(super) fn not_applied(subject: &Subject) -> Option<Finding> {
    let (mut processes, mut differences, mut services) = (Vec::new(), Vec::new(), Vec::new());
    for component in &subject.facts.components {
        let Some(configured) = &component.configured else { continue };
        for process in &component.running {
            let Some(difference) = difference(subject, component, configured, process) else { continue };
            let since = process.started.map_or_else(|| "an unknown time".to_owned(), moment);
            processes.push(format!("{} (pid {}, since {since})", process.name, process.pid));
            if !differences.contains(&difference) {
                differences.push(difference);
            }
            if !services.contains(&service(component.stack)) {
                services.push(service(component.stack));
            }
        }
    }
    let restart: Vec<String> = services.iter().map(|s| format!("gitlab-ctl restart {s}")).collect();
    let args = [
        ("processes", text::list(&processes)),
        ("difference", differences.join("; ")),
        ("service", services.join(", ")),
        ("restart", String::new()),
    ];
    let finding = || Finding::new(Code::ProxyNotApplied, &args.each_ref().map(|(k, v)| (*k, v.as_str())));
    (!processes.is_empty()).then(|| finding().with_lines("restart", &restart))
}

/// Processes of which nothing can be said: neither what they run with nor how old they are.
pub(super) fn unknown(subject: &Subject) -> String {
    let is_unknown = |component: &Component, process: &Process| match &process.environment {
        Running::Known(_) => false,
        Running::Overwritten | Running::Unreadable => {
            process.started.is_none() || component.changed.is_none()
        }
    };
    let mut unknown: Vec<String> = Vec::new();
    for component in &subject.facts.components {
        let processes = component.running.iter().filter(|p| is_unknown(component, p));
        unknown.extend(processes.map(|p| format!("{} (pid {})", p.name, p.pid)));
    }
    if unknown.is_empty() {
        return String::new();
    }
    format!(" What {} runs with could not be read.", text::list(&unknown))
}

/// The unit that runs a component.
fn service(stack: Stack) -> &'static str {
    match stack {
        Stack::Workhorse => "gitlab-workhorse",
        Stack::Sidekiq => "sidekiq",
        Stack::Rails | Stack::Grpc | Stack::Shell => "puma",
    }
}

/// How a process differs from its next start, for the end of a sentence.
fn difference(
    subject: &Subject,
    component: &Component,
    configured: &Environment,
    process: &Process,
) -> Option<String> {
    match &process.environment {
        Running::Known(running) if running.has_the_same_proxies(configured) => None,
        Running::Known(running) => {
            let changed = PROXY_VARIABLES
                .into_iter()
                .filter(|name| running.value(name) != configured.value(name))
                .map(|name| match (running.value(name).is_some(), configured.value(name).is_some()) {
                    (false, _) => format!("without {name}"),
                    (true, false) => format!("with {name}, which is gone"),
                    (true, true) => format!("with another {name}"),
                });
            let (changed, way) = (text::list(&changed.collect::<Vec<_>>()), way(subject, component, running));
            Some(format!("{} runs {changed}, so {way}", component.stack.name()))
        }
        // A title was written over its environment: only its age can tell, and no more than that.
        Running::Overwritten | Running::Unreadable => (process.started? < component.changed?).then(|| {
            let name = component.stack.name();
            format!("{name} is older than its proxy settings, and what it runs with cannot be read")
        }),
    }
}

/// The way that a running process takes to the gateway that GitLab hosts.
fn way(subject: &Subject, component: &Component, running: &Environment) -> String {
    let cloud = &subject.services.cloud;
    let addresses = subject.node.hosts_for(&cloud.target.host);
    let via = egress::decide(Rules::of(component.stack), cloud, running, &addresses).via;
    match via {
        Via::Direct => "it goes out directly".to_owned(),
        Via::Proxy(proxy) => format!("it goes through {}", proxy.target),
        Via::Unusable { variable, .. } => format!("its {variable} is no proxy"),
    }
}

fn moment(seconds: i64) -> String {
    jiff::Timestamp::from_second(seconds)
        .map_or_else(|_| "an unknown time".to_owned(), |t| t.strftime("%Y-%m-%d %H:%M UTC").to_string())
}
