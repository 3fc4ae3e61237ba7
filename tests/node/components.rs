//! What each component gets at its next start, what the running ones got, and what stands beside them.

use crate::tree::{PROXY, Tree, component, configured, found, pairs};
use duo_doctor::subject::facts::{Facts, Running};
use duo_doctor::subject::place::Stack;

const WITH_PASSWORD: &str = "http://user:hidden-1@proxy.example.com:3128";

#[test]
fn the_environment_directory_is_what_the_next_start_gets() {
    let facts = found("package").facts;
    let rails = configured(&facts, Stack::Rails).expect("it was read");
    assert_eq!(
        rails,
        [
            "AI_GATEWAY_URL=https://aigw.internal:5052".to_owned(),
            "SSL_CERT_DIR=/opt/gitlab/embedded/ssl/certs/".to_owned(),
            "SSL_CERT_FILE=/opt/gitlab/embedded/ssl/cert.pem".to_owned(),
            // The first line, without blanks at its end; an empty file takes its variable out.
            format!("http_proxy={WITH_PASSWORD}"),
            format!("https_proxy={WITH_PASSWORD}"),
            "no_proxy=gitlab.example.com,.internal".to_owned(),
        ]
    );
    assert_eq!(component(&facts, Stack::Rails).configured_in, "/opt/gitlab/etc/gitlab-rails/env");
    assert_eq!(configured(&facts, Stack::Sidekiq), Some(rails));
    let workhorse = configured(&facts, Stack::Workhorse).expect("it was read");
    assert!(
        workhorse.contains(&"GODEBUG=tlsmlkem=0".to_owned())
            && workhorse.contains(&format!("https_proxy={WITH_PASSWORD}"))
    );
    let environment = component(&facts, Stack::Rails).configured.as_ref().expect("it was read");
    let from = environment.get("http_proxy").map(|v| v.from.as_str());
    assert_eq!(from, Some("/opt/gitlab/etc/gitlab-rails/env/http_proxy"));
    assert!(component(&facts, Stack::Rails).changed.is_some_and(|seconds| seconds > 1_600_000_000));
}

#[test]
fn a_node_without_proxies_has_environments_without_proxies() {
    let facts = found("package-direct").facts;
    assert_eq!(configured(&facts, Stack::Workhorse), Some(vec!["GODEBUG=tlsmlkem=0".to_owned()]));
    assert!(!component(&facts, Stack::Rails).configured.as_ref().expect("read").names_a_proxy());
    assert_eq!((facts.bystanders.len(), facts.repeated.len(), facts.unread.len()), (0, 0, 0));
}

#[test]
fn only_the_components_of_this_node_are_listed() {
    let stacks = |name: &str| found(name).facts.components.iter().map(|c| c.stack).collect::<Vec<_>>();
    assert_eq!(stacks("package"), [Stack::Rails, Stack::Workhorse, Stack::Sidekiq]);
    assert_eq!(stacks("rails-only"), [Stack::Rails, Stack::Workhorse]);
    assert_eq!(stacks("sidekiq-only"), [Stack::Sidekiq]);
    assert_eq!(stacks("gitaly-only"), []);
    assert_eq!(stacks("helm-webservice"), [Stack::Rails]);
    assert_eq!(stacks("helm-toolbox"), []);
    assert_eq!(stacks("none"), []);
}

#[test]
fn the_run_file_names_the_directory_and_may_set_more() {
    let run = "#!/bin/sh\nexec chpst -e /opt/elsewhere/env /usr/bin/env no_proxy=from-run X=$Y puma\n";
    let tree =
        Tree::of("package").write("opt/gitlab/sv/puma/run", run).write("opt/elsewhere/env/http_proxy", PROXY);
    let expected = vec![format!("http_proxy={PROXY}"), "no_proxy=from-run".to_owned()];
    assert_eq!(configured(&tree.facts(), Stack::Rails), Some(expected));
    assert_eq!(component(&tree.facts(), Stack::Rails).configured_in, "/opt/elsewhere/env");
}

#[test]
fn without_the_directory_gitlab_rb_tells_and_that_is_said() {
    let facts = Tree::of("package").remove("opt/gitlab/etc/gitlab-rails/env").facts();
    let rails = configured(&facts, Stack::Rails).expect("gitlab.rb was read");
    assert_eq!(rails[0], format!("http_proxy={WITH_PASSWORD}"));
    assert_eq!(
        component(&facts, Stack::Rails).configured_in,
        "/etc/gitlab/gitlab.rb, as /opt/gitlab/etc/gitlab-rails/env is not there yet"
    );
    let neither =
        Tree::of("package").remove("opt/gitlab/etc/gitlab-rails/env").remove("etc/gitlab/gitlab.rb");
    assert_eq!(configured(&neither.facts(), Stack::Rails), None);
}

#[test]
fn a_pods_components_get_the_containers_environment() {
    for (name, stack) in [("helm-webservice", Stack::Rails), ("helm-sidekiq", Stack::Sidekiq)] {
        let facts = found(name).facts;
        assert_eq!(configured(&facts, stack), Some(vec![format!("http_proxy={PROXY}")]), "{name}");
        assert_eq!(component(&facts, stack).configured_in, "the container's environment");
        assert_eq!(facts.bystanders, []);
    }
    let unreadable = Tree::of("helm-webservice").remove("proc/1/environ").facts();
    assert_eq!(configured(&unreadable, Stack::Rails), None);
}

#[test]
fn an_installation_from_source_gets_what_its_defaults_export_or_its_units_set() {
    let facts = found("source").facts;
    for stack in [Stack::Rails, Stack::Workhorse, Stack::Sidekiq] {
        assert_eq!(configured(&facts, stack), Some(vec![format!("http_proxy={PROXY}")]), "{stack}");
    }
    let computed = Tree::of("source").write("etc/default/gitlab", "export http_proxy=$X\n").facts();
    assert_eq!(configured(&computed, Stack::Rails), None);
    let unit = "[Service]\nEnvironmentFile=-/etc/default/gitlab\nEnvironment=no_proxy=a\n";
    let tree = Tree::of("source").write("etc/systemd/system/gitlab-puma.service", unit).write(
        "etc/systemd/system/gitlab-puma.service.d/more.conf",
        "[Service]\nEnvironment=https_proxy=b:1\n",
    );
    // A file that a unit names wins over every `Environment=`, whatever the order (systemd.exec(5)).
    let expected =
        [format!("http_proxy={PROXY}"), "https_proxy=not-exported".to_owned(), "no_proxy=a".to_owned()];
    assert_eq!(configured(&tree.facts(), Stack::Rails), Some(expected.to_vec()));
    assert_eq!(
        component(&tree.facts(), Stack::Rails).configured_in,
        "/etc/systemd/system/gitlab-puma.service"
    );
}

/// A process: number, name, start, environment.
type Seen<'a> = (u32, &'a str, Option<i64>, Option<Vec<String>>);

fn processes(facts: &Facts, stack: Stack) -> Vec<Seen<'_>> {
    let environment = |running: &Running| match running {
        Running::Known(environment) => Some(pairs(environment)),
        Running::Overwritten | Running::Unreadable => None,
    };
    let running = &component(facts, stack).running;
    running.iter().map(|p| (p.pid, p.name.as_str(), p.started, environment(&p.environment))).collect()
}

#[test]
fn running_processes_are_found_with_their_start_and_their_environment() {
    let facts = found("package").facts;
    // 1,000 s after the machine's start, in hundredths.
    assert_eq!(processes(&facts, Stack::Rails), [(201, "puma", Some(1_790_001_000), None)]);
    assert_eq!(
        processes(&facts, Stack::Sidekiq),
        [
            (
                203,
                "sidekiq-cluster",
                Some(1_790_002_000),
                Some(vec!["http_proxy=http://old.example.com:3128".to_owned()])
            ),
            (204, "sidekiq", Some(1_790_001_000), None),
        ]
    );
    let workhorse = Some(vec!["GODEBUG=tlsmlkem=0".to_owned()]);
    assert_eq!(
        processes(&facts, Stack::Workhorse),
        [(205, "gitlab-workhorse", Some(1_790_001_000), workhorse)]
    );
}

#[test]
fn a_title_over_the_environment_is_unknown_and_never_not_set() {
    let facts = found("package").facts;
    assert_eq!(component(&facts, Stack::Rails).running[0].environment, Running::Overwritten);
    assert_eq!(component(&facts, Stack::Sidekiq).running[1].environment, Running::Overwritten);
}

#[test]
fn where_pumas_master_is_not_seen_its_workers_count() {
    let facts = Tree::of("package").remove("proc/201").facts();
    assert_eq!(processes(&facts, Stack::Rails), [(202, "puma", Some(1_790_001_000), None)]);
}

#[test]
fn a_start_that_cannot_be_computed_is_unknown() {
    let facts = Tree::of("package").remove("proc/stat").facts();
    assert_eq!(processes(&facts, Stack::Rails)[0].2, None);
}

#[test]
fn proxies_that_no_component_gets_are_bystanders() {
    let facts = found("package").facts;
    let found: Vec<(&str, Vec<String>)> =
        facts.bystanders.iter().map(|b| (b.place.as_str(), pairs(&b.environment))).collect();
    let of = |text: &str| vec![text.to_owned()];
    assert_eq!(
        found,
        [
            ("/etc/environment", of("http_proxy=http://shell.example.com:3128")),
            (
                "/etc/profile.d/01-proxy.sh",
                vec!["https_proxy=http://shell.example.com:3128".to_owned(), "no_proxy=localhost".to_owned()]
            ),
            (
                "/etc/systemd/system/gitlab-runsvdir.service.d/proxy.conf",
                of("HTTPS_PROXY=http://unit.example.com:3128")
            ),
        ]
    );
}

#[test]
fn a_docker_containers_environment_is_a_bystander() {
    let facts = crate::tree::found("docker").facts;
    assert_eq!(facts.bystanders.len(), 1);
    assert_eq!(facts.bystanders[0].place, "the container's environment");
    assert_eq!(pairs(&facts.bystanders[0].environment), ["http_proxy=http://container.example.com:3128"]);
}

#[test]
fn no_secret_shows_and_the_files_of_secrets_are_never_opened() {
    let text = format!("{:?}", found("package"));
    for n in 1..=9 {
        assert!(!text.contains(&format!("hidden-{n}")), "hidden-{n} shows");
    }
    assert!(text.contains("***"));
    let root = duo_doctor::node::root::Root::open(&Tree::of("package").path("")).expect("a directory");
    for path in ["/etc/gitlab/gitlab-secrets.json", "/var/opt/gitlab/gitlab-rails/.gitlab_workhorse_secret"] {
        assert!(root.read(path).is_err(), "{path}");
    }
}
