//! What this node is, read from its files and `/proc`: GitLab's kind and version, how each component goes out and
//! whom it trusts, names and resolvers.
//!
//! Reads only, everything below one directory, bounded. What cannot be read is `None`, never "no", and is said.

mod assignments;
mod bystanders;
mod components;
mod env_history;
mod gitlab_rb;
mod gitlab_yml;
mod install;
mod internal;
mod lexer;
mod listeners;
mod literals;
pub mod logs;
mod nginx_conf;
mod nginx_headers;
mod nginx_listen;
mod pem;
mod processes;
mod reading;
mod resolver;
mod roles;
pub mod root;
mod ruby;
pub mod runner;
mod trust;
mod ways_in;
mod web_server;

use crate::subject::address::BaseUrl;
use crate::subject::facts::{Bystander, Facts};
use crate::subject::place::Stack;
use crate::subject::{Install, Node, Store};
use crate::text;
use components::role;
use gitlab_rb::{Answer, FILE, Settings, Source};
use gitlab_yml::GitlabYml;
use install::{Container, Release, container, release};
use processes::processes;
use reading::Reading;
use root::{Root, Unreadable};
use trust::{Certificates, Environments};

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// The node's facts.
    pub node: Node,
    /// How its components go out.
    pub facts: Facts,
    /// The instance's URL: from `gitlab.yml`, else from `external_url` where it is written as a plain text.
    pub external_url: Option<BaseUrl>,
    /// Whose roots its components trust.
    pub trust: Trust,
}

/// The roots that each kind of component trusts; `None`: the store is there and could not be read, or GitLab is
/// not installed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trust {
    /// Rails, Sidekiq, and gRPC inside Rails: GitLab's own store.
    pub rails: Option<Store>,
    /// Workhorse: GitLab's folder and the operating system's bundle.
    pub workhorse: Option<Store>,
    /// curl in a shell: the operating system's bundle.
    pub shell: Store,
}

/// Reads the node's files.
pub fn discover(root: &Root) -> Found {
    let reading = Reading::new(root);
    let container = container(root);
    let install = install::install(root, &container);
    let mut found = Found {
        node: Node { install, ..names(&reading) },
        facts: Facts {
            bystanders: bystanders::bystanders(&reading, install, &container),
            name_order: resolver::name_order(
                reading.text("/etc/nsswitch.conf").as_deref(),
                reading.text("/etc/gai.conf").as_deref(),
            ),
            resolver_pace: reading.text("/etc/resolv.conf").map(|text| resolver::pace(&text)),
            ..Facts::default()
        },
        ..Found::default()
    };
    if let Some(install) = install {
        gitlab(&reading, install, &container, &mut found);
    }
    let certificates = Certificates::new(&reading);
    let configured = |stack| found.facts.component(stack).and_then(|c| c.configured.as_ref());
    let environments = Environments {
        rails: configured(Stack::Rails).or_else(|| configured(Stack::Sidekiq)),
        workhorse: configured(Stack::Workhorse),
    };
    found.trust = certificates.trust(install, &environments);
    found.facts.company_roots = certificates.company_roots();
    found.facts.trusted_certs = match install {
        Some(Install::Omnibus | Install::Docker) => certificates.trusted_certs(),
        Some(Install::Helm | Install::Source) | None => None,
    };
    found.facts.unread = reading.into_unread();
    found
}

/// What any machine has.
fn names(reading: &Reading) -> Node {
    let hostname = ["/proc/sys/kernel/hostname", "/etc/hostname"].iter().find_map(|path| reading.text(path));
    Node {
        hostname: hostname.map(|name| text::foreign(name.trim())).filter(|name| !name.is_empty()),
        hosts: reading.text("/etc/hosts").map(|text| resolver::hosts(&text)).unwrap_or_default(),
        nameservers: reading
            .text("/etc/resolv.conf")
            .map(|text| resolver::nameservers(&text))
            .unwrap_or_default(),
        ..Node::default()
    }
}

/// What GitLab's own files and processes say.
fn gitlab(reading: &Reading, install: Install, container: &Container, found: &mut Found) {
    let (node, facts) = (&mut found.node, &mut found.facts);
    let Release { version, edition, fips } = release(reading, install, container);
    (node.gitlab_version, node.edition, facts.fips) = (version, edition, fips);
    let processes = processes(reading);
    let running: Vec<&str> = processes.iter().filter_map(|found| role(found.stack)).collect();
    let settings = match install {
        Install::Omnibus | Install::Docker => settings(reading, install, container, facts),
        Install::Helm | Install::Source => None,
    };
    let (mut config, mut database) = (format!("{}/config/gitlab.yml", install::rails(install)), None);
    match install {
        Install::Omnibus | Install::Docker => {
            node.roles = roles::of_package(reading, settings.as_ref(), &running);
            facts.components = components::of_package(reading, settings.as_ref(), &node.roles, &processes);
            "/var/opt/gitlab/gitlab-rails/etc/gitlab.yml".clone_into(&mut config);
            database = reading.root.text("/var/opt/gitlab/gitlab-rails/etc/database.yml").ok();
        }
        Install::Helm => {
            node.roles = roles::in_order(&running);
            if node.roles.is_empty() && is_toolbox(reading, container) {
                node.roles = vec!["toolbox".to_owned()];
            }
            facts.components = components::of_pod(reading, container, &processes);
        }
        Install::Source => {
            facts.components = components::of_source(reading, &processes);
            let stacks: Vec<&str> = facts.components.iter().filter_map(|c| role(c.stack)).collect();
            node.roles = roles::in_order(&stacks);
        }
    }
    let yml = gitlab_yml(reading, &config);
    facts.geo_secondary = roles::geo_secondary(&node.roles, settings.as_ref(), database.as_deref());
    facts.workflow_service = yml.as_ref().and_then(GitlabYml::workflow_service);
    found.external_url = yml.as_ref().and_then(GitlabYml::external_url).or_else(|| {
        match settings.as_ref()?.text(&["external_url"]) {
            Answer::Is(url) => url.expose().parse().ok(),
            Answer::Default | Answer::Unknown => None,
        }
    });
    let url = found.external_url.as_ref();
    facts.ways_in = ways_in::ways_in(reading, install, node, url, settings.as_ref(), yml.as_ref());
    facts.internal = yml.and_then(|yml| internal::internal(&yml, url, facts));
    if let Some(settings) = settings {
        let hashes =
            ["gitlab_rails", "gitlab_workhorse"].into_iter().filter_map(|name| settings.env_hash(name));
        facts.env_hashes = hashes.collect();
        if let (Some(place), Some(environment)) = (&settings.sidekiq_env, settings.environment("sidekiq")) {
            let place = format!("sidekiq['env'], {place}");
            facts.bystanders.push(Bystander { place, environment });
        }
        facts.bystanders.extend(settings.replaced);
        facts.repeated = settings.repeated;
        facts.sidekiq_env = settings.sidekiq_env;
        facts.unevaluated = settings.unevaluated;
    }
}

/// `GITLAB_OMNIBUS_CONFIG` and `gitlab.rb`. `None`: the file could not be read, or Ruby would refuse it.
fn settings(
    reading: &Reading,
    install: Install,
    container: &Container,
    facts: &mut Facts,
) -> Option<Settings> {
    let of_container = container.iter().flatten().filter(|_| install == Install::Docker);
    let of_container =
        of_container.filter(|(name, _)| name == "GITLAB_OMNIBUS_CONFIG").map(|(_, v)| v.as_str());
    let file = match reading.try_text(FILE) {
        Ok(text) => Some(text),
        // No file: GitLab's defaults and the container's variable hold.
        Err(Unreadable::Absent) => None,
        Err(Unreadable::Denied | Unreadable::NoFile(_) | Unreadable::Odd(_)) => return None,
    };
    let sources = of_container.map(|text| Source { name: "GITLAB_OMNIBUS_CONFIG", text });
    let sources: Vec<Source> =
        sources.chain(file.as_deref().map(|text| Source { name: FILE, text })).collect();
    match gitlab_rb::read(&sources) {
        Ok(settings) if !sources.is_empty() => Some(settings),
        Ok(_) => None,
        Err(why) => {
            reading.note(FILE, &why, "sudo /opt/gitlab/embedded/bin/ruby -c /etc/gitlab/gitlab.rb");
            facts.unevaluated.push(why);
            None
        }
    }
}

fn gitlab_yml(reading: &Reading, path: &str) -> Option<GitlabYml> {
    match GitlabYml::parse(&reading.text(path)?, path) {
        Ok(yml) => Some(yml),
        Err(why) => {
            reading.note(path, why, &format!("sudo cat {path}"));
            None
        }
    }
}

/// Whether this container is the pod for tasks, in which nothing of GitLab serves requests.
fn is_toolbox(reading: &Reading, container: &Container) -> bool {
    let is_named = |value: &str| value.contains("-toolbox-");
    container.iter().flatten().any(|(name, value)| name == "HOSTNAME" && is_named(value))
        || reading.root.has("/usr/local/bin/backup-utility")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_linux_package_is_recognised_by_its_files() {
        let root = tempfile::tempdir().expect("a directory");
        let write = |path: &str, text: &str| {
            let path = root.path().join(path);
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("directories");
            std::fs::write(path, text).expect("a file");
        };
        write("opt/gitlab/embedded/service/gitlab-rails/VERSION", "18.9.1-ee\n");
        write(
            "etc/gitlab/gitlab.rb",
            "# external_url 'https://no'\nexternal_url 'https://git.example.com/x'\n",
        );
        write("etc/hosts", "10.0.0.1 Cloud.gitlab.com # pinned\nbroken\n");
        write("etc/resolv.conf", "search a\nnameserver 10.0.0.2\nnameserver fe80::1%eth0\n");
        let found = discover(&Root::open(root.path()).expect("a directory"));
        assert_eq!(found.node.install, Some(Install::Omnibus));
        assert_eq!(found.node.gitlab_version.as_deref(), Some("18.9.1"));
        assert_eq!(found.node.edition.as_deref(), Some("ee"));
        assert_eq!(found.external_url.map(|u| u.to_string()).as_deref(), Some("https://git.example.com/x"));
        assert_eq!(found.node.hosts_for("cloud.gitlab.com").len(), 1);
        assert_eq!(found.node.nameservers.len(), 2);
    }

    #[test]
    fn an_empty_machine_has_no_gitlab_and_nothing_is_guessed() {
        let root = tempfile::tempdir().expect("a directory");
        let root = Root::open(root.path()).expect("a directory");
        assert_eq!(discover(&root).node, Node::default());
    }

    #[test]
    fn absolute_links_stay_below_the_directory() {
        let root = tempfile::tempdir().expect("a directory");
        let etc = root.path().join("etc");
        std::fs::create_dir(&etc).expect("a directory");
        std::os::unix::fs::symlink("/etc/passwd", etc.join("hostname")).expect("a link");
        std::os::unix::fs::symlink("../../../../../../etc/passwd", etc.join("hosts")).expect("a link");
        let opened = Root::open(root.path()).expect("a directory");
        assert_eq!((opened.text("/etc/hostname").ok(), opened.text("/etc/hosts").ok()), (None, None));
        std::fs::write(etc.join("passwd"), "inside").expect("a file");
        assert_eq!(opened.text("/etc/hostname").as_deref(), Ok("inside"));
    }
}
