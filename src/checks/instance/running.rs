//! Processes that run with other proxies than their next start gets: their files were changed since, or somebody
//! started them by hand.

use crate::egress::{self, Rules};
use crate::finding::{Code, Finding};
use crate::subject::environment::{Environment, PROXY_VARIABLES};
use crate::subject::facts::{Component, Process, Running};
use crate::subject::place::Stack;
use crate::subject::{Subject, Via};
use crate::text;

/// The finding of the first process that runs with other proxies than its next start gets.
pub(super) fn not_applied(subject: &Subject, component: &Component) -> Option<Finding> {
    let configured = component.configured.as_ref()?;
    component.running.iter().find_map(|process| differs(subject, component, configured, process))
}

fn differs(
    subject: &Subject,
    component: &Component,
    configured: &Environment,
    process: &Process,
) -> Option<Finding> {
    let difference = match &process.environment {
        Running::Known(running) if running.has_the_same_proxies(configured) => return None,
        Running::Known(running) => {
            let changed = PROXY_VARIABLES
                .into_iter()
                .filter(|name| running.value(name) != configured.value(name))
                .map(|name| match (running.value(name).is_some(), configured.value(name).is_some()) {
                    (false, _) => format!("without {name}"),
                    (true, false) => format!("with {name}, which is gone"),
                    (true, true) => format!("with another {name}"),
                });
            format!("{}; {}", text::list(&changed.collect::<Vec<_>>()), way(subject, component, running))
        }
        // A title was written over its environment: only its age can tell.
        Running::Overwritten | Running::Unreadable => {
            let older = process.started? < component.changed?;
            if !older {
                return None;
            }
            "with what stood there before the last change".to_owned()
        }
    };
    let since = process.started.map_or_else(|| "an unknown time".to_owned(), moment);
    let service = match component.stack {
        Stack::Workhorse => "gitlab-workhorse",
        Stack::Sidekiq => "sidekiq",
        Stack::Rails | Stack::Grpc | Stack::Shell => "puma",
    };
    let args = [
        ("process", process.name.as_str()),
        ("pid", &process.pid.to_string()),
        ("since", &since),
        ("difference", &difference),
        ("service", service),
    ];
    Some(Finding::new(Code::ProxyNotApplied, &args))
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
