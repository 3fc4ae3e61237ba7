//! What runs on this node: from runit's links, from the processes, from what `gitlab.rb` asks for.

use super::gitlab_rb::{Answer, Settings};
use super::reading::Reading;

/// A service: its name in runit, the role's name, its name in `gitlab.rb`.
type Service = (&'static str, &'static str, &'static str);

/// The services that tell what a node is for, in the order in which roles are listed.
const SERVICES: [Service; 18] = [
    ("puma", "rails", "puma"),
    ("gitlab-workhorse", "workhorse", "gitlab_workhorse"),
    ("sidekiq", "sidekiq", "sidekiq"),
    ("gitaly", "gitaly", "gitaly"),
    ("praefect", "praefect", "praefect"),
    ("postgresql", "postgresql", "postgresql"),
    ("patroni", "patroni", "patroni"),
    ("redis", "redis", "redis"),
    ("nginx", "nginx", "nginx"),
    ("pgbouncer", "pgbouncer", "pgbouncer"),
    ("consul", "consul", "consul"),
    ("sentinel", "sentinel", "sentinel"),
    ("registry", "registry", "registry"),
    ("gitlab-kas", "kas", "gitlab_kas"),
    ("gitlab-pages", "pages", "gitlab_pages"),
    ("prometheus", "prometheus", "prometheus"),
    ("geo-postgresql", "geo-postgresql", "geo_postgresql"),
    ("geo-logcursor", "geo-logcursor", "geo_logcursor"),
];

/// What a role of `gitlab.rb` starts (Omnibus: "Omnibus GitLab roles").
const ROLES: [(&str, &[&str]); 12] = [
    ("application_role", &["rails", "workhorse", "sidekiq", "nginx"]),
    ("sidekiq_role", &["sidekiq"]),
    ("gitaly_role", &["gitaly"]),
    ("praefect_role", &["praefect"]),
    ("postgres_role", &["postgresql"]),
    ("patroni_role", &["patroni", "consul"]),
    ("pgbouncer_role", &["pgbouncer"]),
    ("consul_role", &["consul"]),
    ("redis_master_role", &["redis"]),
    ("redis_replica_role", &["redis"]),
    ("redis_sentinel_role", &["sentinel"]),
    ("monitoring_role", &["prometheus"]),
];

/// What else may stand as a role: it starts nothing by itself, or nothing that matters here.
const OTHER_ROLES: [&str; 4] = ["geo_primary_role", "geo_secondary_role", "pages_role", "spamcheck_role"];

/// What a node without roles runs, as far as it matters here.
const ALL: [&str; 7] = ["rails", "workhorse", "sidekiq", "gitaly", "postgresql", "redis", "nginx"];

/// The roles of a Linux package's node. Empty: not known.
pub(super) fn of_package(reading: &Reading, settings: Option<&Settings>, running: &[&str]) -> Vec<String> {
    let linked = reading.list("/opt/gitlab/service").unwrap_or_default();
    let by_runit: Vec<&str> = of_services(&linked);
    let mut known =
        if by_runit.is_empty() { settings.and_then(wanted).unwrap_or_default() } else { by_runit };
    // runit's links say what belongs to GitLab here; a process of that name may be somebody else's.
    if known.is_empty() {
        known.extend(running);
    }
    if known.is_empty() {
        // Folders stay when a service is taken off the node, so they tell least.
        known = of_services(&reading.root.list("/opt/gitlab/sv").unwrap_or_default());
    }
    in_order(&known)
}

/// Roles in the order of the list, each once.
pub(super) fn in_order(roles: &[&str]) -> Vec<String> {
    let known = SERVICES.iter().map(|(_, role, _)| *role);
    known.filter(|role| roles.contains(role)).map(str::to_owned).collect()
}

fn of_services(names: &[String]) -> Vec<&'static str> {
    SERVICES.iter().filter(|(name, ..)| names.iter().any(|n| n == name)).map(|(_, role, _)| *role).collect()
}

/// The roles that `gitlab.rb` names: the list, and the older form of a key for each. `None`: only Ruby can tell.
fn named(settings: &Settings) -> Option<Vec<String>> {
    let mut named: Vec<String> = match settings.words(&["roles"]) {
        Answer::Is(words) => words.iter().map(|word| (*word).to_owned()).collect(),
        Answer::Default => Vec::new(),
        Answer::Unknown => return None,
    };
    for role in ROLES.iter().map(|(role, _)| *role).chain(OTHER_ROLES) {
        match settings.truth(&[role, "enable"]) {
            Answer::Is(true) => named.push(role.to_owned()),
            Answer::Is(false) | Answer::Default => {}
            Answer::Unknown => return None,
        }
    }
    Some(named)
}

/// What `gitlab.rb` asks for. `None`: only Ruby can tell.
pub(super) fn wanted(settings: &Settings) -> Option<Vec<&'static str>> {
    let named = named(settings)?;
    // Geo's roles add to what else stands there (Omnibus: they manage no services).
    let is_plain = named.iter().all(|role| role.starts_with("geo_"));
    let mut wanted: Vec<&str> = if is_plain { ALL.to_vec() } else { Vec::new() };
    for role in &named {
        match ROLES.iter().find(|(name, _)| name == role) {
            Some((_, services)) => wanted.extend(*services),
            None if OTHER_ROLES.contains(&role.as_str()) => {}
            None => return None,
        }
    }
    for (_, role, key) in SERVICES {
        match settings.truth(&[key, "enable"]) {
            Answer::Is(true) => wanted.push(role),
            Answer::Is(false) => wanted.retain(|r| *r != role),
            Answer::Default => {}
            Answer::Unknown => return None,
        }
    }
    match settings.truth(&["gitlab_rails", "enable"]) {
        Answer::Is(false) => wanted.retain(|role| !["rails", "workhorse", "sidekiq"].contains(role)),
        Answer::Is(true) | Answer::Default => {}
        Answer::Unknown => return None,
    }
    Some(wanted)
}

/// Whether this node belongs to a Geo secondary site: it runs Geo's services, its `database.yml` knows a tracking
/// database, or `gitlab.rb` says so. `None`: neither could be read.
pub(super) fn geo_secondary(
    roles: &[String],
    settings: Option<&Settings>,
    database_yml: Option<&str>,
) -> Option<bool> {
    let geo_services = ["geo-postgresql", "geo-logcursor"];
    if roles.iter().any(|role| geo_services.contains(&role.as_str())) {
        return Some(true);
    }
    // The key stands below `production`, at any indentation; nothing else of the file is looked at.
    let has_tracking =
        database_yml.map(|text| text.lines().any(|line| line.trim_end().trim_start() == "geo:"));
    let by_role = settings.and_then(|settings| {
        let is_named = named(settings)?.iter().any(|role| role == "geo_secondary_role");
        Some(is_named || settings.is_touched("geo_secondary")?)
    });
    match (has_tracking, by_role) {
        (Some(true), _) | (_, Some(true)) => Some(true),
        (Some(false), _) | (_, Some(false)) => Some(false),
        (None, None) => None,
    }
}
