//! Which logs are read: where each kind of installation keeps them, and what a line must hold to be looked at.

use crate::node::root::Root;
use crate::subject::Install;
use memchr::memmem::Finder;

/// A kind of log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// `llm.log`
    Llm,
    /// `exceptions_json.log`
    Exceptions,
    /// `application_json.log`
    Application,
    /// `production_json.log`
    ProductionJson,
    /// `production.log`
    Production,
    /// `api_json.log`
    Api,
    /// Sidekiq's jobs.
    Jobs,
    /// Workhorse's requests and errors.
    Workhorse,
    /// NGINX's `gitlab_access.log`.
    Access,
    /// NGINX's `gitlab_error.log`.
    Errors,
}

/// The logs of Rails by their names.
const RAILS: [(&str, Kind); 6] = [
    ("llm.log", Kind::Llm),
    ("exceptions_json.log", Kind::Exceptions),
    ("application_json.log", Kind::Application),
    ("production_json.log", Kind::ProductionJson),
    ("production.log", Kind::Production),
    ("api_json.log", Kind::Api),
];

/// Those of NGINX.
const NGINX: [(&str, Kind); 2] = [("gitlab_access.log", Kind::Access), ("gitlab_error.log", Kind::Errors)];

impl Kind {
    /// Of which words a line must hold one: nothing else is parsed. A word too many costs time, one too few a cause.
    fn words(self) -> &'static [&'static str] {
        match self {
            Kind::Llm => &["Error response from AI Gateway", "duo_chat_error_code"],
            Kind::Exceptions => &[
                "cloud.gitlab.com",
                "customers.gitlab.com",
                "runway.gitlab.net",
                "/llm/",
                "ai_",
                "duo_",
                "cloud_connector",
                "subscription_portal",
                "SubscriptionPortal",
                "code_suggestions",
                "seat_link",
                "SilentMode",
                "silent mode",
            ],
            Kind::Application => {
                &["cleanup_all", "Access catalog update failed", "Outbound HTTP request blocked"]
            }
            Kind::ProductionJson => {
                &["Request origin not allowed", "Failed to upgrade to WebSocket", "Rack::Timeout::"]
            }
            Kind::Production => &["/-/cable", "Request origin not allowed", "Failed to upgrade to WebSocket"],
            Kind::Api => &["code_suggestions/", "duo_workflows/"],
            Kind::Jobs => &["Llm::", "SyncSeatLink", "CloudConnector::"],
            Kind::Workhorse => &["/-/cable", "SendURL", "code_suggestions/", "duo_workflows/"],
            Kind::Access => &["/-/cable", "code_suggestions/", "duo_workflows/"],
            Kind::Errors => &["upstream", "too large body"],
        }
    }

    /// The searches for them.
    pub(super) fn finders(self) -> Vec<Finder<'static>> {
        self.words().iter().map(Finder::new).collect()
    }
}

/// The logs of this node, by the places of its installation (GitLab's page on its log system).
pub(super) fn sources(root: &Root, install: Install) -> Vec<(Kind, String)> {
    let below = |folder: &str, files: &[(&str, Kind)]| -> Vec<(Kind, String)> {
        files.iter().map(|(name, kind)| (*kind, format!("{folder}/{name}"))).collect()
    };
    match install {
        Install::Omnibus | Install::Docker => {
            let usual = "/var/log/gitlab/gitlab-rails";
            // Where `log_directory` names another place, the application's own link leads there.
            let linked = "/opt/gitlab/embedded/service/gitlab-rails/log";
            let rails = if !root.has(usual) && root.has(linked) { linked } else { usual };
            let of_service = |service, files: &[(&str, Kind)]| below(&folder(root, service), files);
            [
                below(rails, &RAILS),
                of_service("sidekiq", &[("current", Kind::Jobs)]),
                of_service("gitlab-workhorse", &[("current", Kind::Workhorse)]),
                of_service("nginx", &NGINX),
            ]
            .concat()
        }
        Install::Source => [
            below("/home/git/gitlab/log", &RAILS),
            below(
                "/home/git/gitlab/log",
                &[("sidekiq.log", Kind::Jobs), ("gitlab-workhorse.log", Kind::Workhorse)],
            ),
            below("/var/log/nginx", &NGINX),
        ]
        .concat(),
        // What is not copied to the container's output at once stands here.
        Install::Helm => below("/srv/gitlab/log", &RAILS),
    }
}

/// Where a service of the package logs: the folder that its svlogd is started with, else the usual one.
fn folder(root: &Root, service: &str) -> String {
    let run = root.text(&format!("/opt/gitlab/sv/{service}/log/run")).unwrap_or_default();
    let line = run.lines().filter(|line| !line.trim_start().starts_with('#')).find(|l| l.contains("svlogd"));
    let named = line.and_then(|line| line.split_whitespace().next_back());
    let named = named.map(|path| path.trim_matches(['"', '\'']).trim_end_matches('/'));
    let named = named.filter(|path| path.len() > 1 && path.starts_with('/'));
    named.map_or_else(|| format!("/var/log/gitlab/{service}"), str::to_owned)
}
