//! Trees that somebody or something broke: links in circles, special files, no rights, too much of everything.

use crate::tree::{PROXY, Tree, component, configured};
use duo_doctor::subject::facts::Running;
use duo_doctor::subject::place::Stack;
use duo_doctor::subject::{Install, Node};
use rustix::fs::{CWD, FileType, Mode, mknodat};
use std::time::{Duration, Instant};

fn why(tree: &Tree, what: &str) -> Option<String> {
    tree.facts().unread.into_iter().find(|u| u.what == what).map(|u| u.why)
}

#[test]
fn links_in_a_circle_are_said_and_end() {
    let tree = Tree::of("package")
        .remove("etc/gitlab/gitlab.rb")
        .link("etc/gitlab/gitlab.rb", "/etc/gitlab/other.rb")
        .link("etc/gitlab/other.rb", "gitlab.rb")
        .link("usr/local/share/ca-certificates/again", ".")
        .link("etc/gitlab/trusted-certs/again", "../trusted-certs")
        .remove("opt/gitlab/etc/gitlab-workhorse/env")
        .link("opt/gitlab/etc/gitlab-workhorse/env", "env");
    assert_eq!(why(&tree, "/etc/gitlab/gitlab.rb").as_deref(), Some("its links lead in a circle"));
    assert_eq!(configured(&tree.facts(), Stack::Workhorse), None);
    assert!(configured(&tree.facts(), Stack::Rails).is_some());
}

#[test]
fn no_link_leads_out_of_the_tree() {
    let outside = Tree::empty().write("gitlab.rb", "external_url 'https://outside.example.com'");
    let tree = Tree::empty()
        .link("etc/gitlab/gitlab.rb", &outside.path("gitlab.rb").display().to_string())
        .link("etc/hosts", "../../../../../../../../etc/hosts");
    assert_eq!(tree.found().node, Node::default());
    assert_eq!(tree.found().external_url, None);
}

#[test]
fn special_files_never_block() {
    let fifo = |tree: Tree, path: &str| {
        let tree = tree.dir(path.rsplit_once('/').expect("a folder").0).remove_if_there(path);
        mknodat(CWD, tree.path(path), FileType::Fifo, Mode::from_raw_mode(0o666), 0).expect("a FIFO");
        tree
    };
    let mut tree = Tree::of("package");
    for path in [
        "etc/gitlab/gitlab.rb",
        "etc/hosts",
        "etc/resolv.conf",
        "proc/201/environ",
        "opt/gitlab/etc/gitlab-rails/env/http_proxy",
        "opt/gitlab/embedded/ssl/cert.pem",
        "opt/gitlab/embedded/ssl/certs/0a1b2c3d.0",
        "etc/gitlab/trusted-certs/fifo.crt",
        "etc/ssl/certs/ca-certificates.crt",
        "var/opt/gitlab/gitlab-rails/etc/gitlab.yml",
        "var/opt/gitlab/nginx/conf/service_conf/gitlab-rails.conf",
        "opt/gitlab/sv/gitlab-workhorse/run",
        "proc/net/fib_trie",
    ] {
        tree = fifo(tree, path);
    }
    let begin = Instant::now();
    assert_eq!(why(&tree, "/etc/gitlab/gitlab.rb").as_deref(), Some("it is no ordinary file"));
    assert_eq!(configured(&tree.facts(), Stack::Rails), None, "a variable that cannot be read is not unset");
    assert!(begin.elapsed() < Duration::from_secs(10));
}

#[test]
fn directories_in_the_place_of_files_are_said() {
    let tree = Tree::of("package")
        .remove("etc/gitlab/gitlab.rb")
        .dir("etc/gitlab/gitlab.rb")
        .remove("etc/hosts")
        .dir("etc/hosts");
    assert_eq!(why(&tree, "/etc/gitlab/gitlab.rb").as_deref(), Some("it is a directory"));
    assert_eq!(tree.found().node.hosts, []);
}

#[test]
fn without_rights_the_rest_is_read_and_what_is_missing_is_said_with_its_command() {
    let tree = Tree::of("package")
        .lock("etc/gitlab/gitlab.rb")
        .lock("var/opt/gitlab/gitlab-rails/etc/gitlab.yml")
        .lock("opt/gitlab/etc/gitlab-rails/env")
        .lock("proc/205/environ");
    let found = tree.found_by_nobody();
    assert_eq!(found.node.install, Some(Install::Omnibus));
    assert_eq!(found.node.gitlab_version.as_deref(), Some("18.9.1"));
    assert_eq!(found.node.roles[..3], ["rails", "workhorse", "sidekiq"]);
    let facts = found.facts;
    assert_eq!(configured(&facts, Stack::Rails), None);
    assert_eq!(component(&facts, Stack::Rails).configured_in, "/opt/gitlab/etc/gitlab-rails/env");
    assert!(configured(&facts, Stack::Workhorse).is_some(), "its directory may be read");
    assert_eq!(component(&facts, Stack::Workhorse).running[0].environment, Running::Unreadable);
    assert_eq!((facts.internal, facts.geo_secondary), (None, None));
    let said: Vec<(&str, &str, &str)> =
        facts.unread.iter().map(|u| (u.what.as_str(), u.why.as_str(), u.command.as_str())).collect();
    let denied = "permission denied";
    assert_eq!(
        said,
        [
            (
                "the environment of gitlab-workhorse (pid 205)",
                denied,
                "sudo sh -c \"tr '\\\\0' '\\\\n' < /proc/205/environ | grep -i proxy\""
            ),
            ("/etc/gitlab/gitlab.rb", denied, "sudo cat /etc/gitlab/gitlab.rb"),
            (
                "/opt/gitlab/etc/gitlab-rails/env",
                denied,
                "sudo sh -c 'head -n 1 /opt/gitlab/etc/gitlab-rails/env/*_proxy /opt/gitlab/etc/gitlab-rails/env/*_PROXY'"
            ),
            (
                "/var/opt/gitlab/gitlab-rails/etc/gitlab.yml",
                denied,
                "sudo cat /var/opt/gitlab/gitlab-rails/etc/gitlab.yml"
            ),
        ]
    );
}

#[test]
fn where_only_the_directory_is_locked_gitlab_rb_tells_and_that_is_said() {
    let facts = Tree::of("package").lock("opt/gitlab/etc/gitlab-rails/env").found_by_nobody().facts;
    assert!(configured(&facts, Stack::Rails).is_some());
    assert_eq!(
        component(&facts, Stack::Rails).configured_in,
        "/etc/gitlab/gitlab.rb, as /opt/gitlab/etc/gitlab-rails/env could not be read"
    );
}

#[test]
fn one_locked_variable_makes_the_whole_directory_unknown() {
    let tree = Tree::of("sidekiq-only")
        .remove("etc/gitlab/gitlab.rb")
        .lock("opt/gitlab/etc/gitlab-rails/env/http_proxy");
    let facts = tree.found_by_nobody().facts;
    assert_eq!(configured(&facts, Stack::Sidekiq), None);
    assert_eq!(facts.unread[0].command, "sudo cat /opt/gitlab/etc/gitlab-rails/env/http_proxy");
    assert_eq!(
        configured(&Tree::of("sidekiq-only").facts(), Stack::Sidekiq),
        Some(vec![format!("http_proxy={PROXY}")])
    );
}

#[test]
fn a_locked_store_is_unknown_and_never_empty() {
    let own = "opt/gitlab/embedded/ssl";
    let tree =
        Tree::of("package").write(&format!("{own}/cert.pem"), "").write(&format!("{own}/certs/a.pem"), "");
    let trust = tree.found_by_nobody().trust;
    assert!(trust.rails.is_some() && trust.workhorse.is_some());
    let trust = tree.lock(&format!("{own}/certs")).found_by_nobody().trust;
    assert_eq!((trust.rails, trust.workhorse), (None, None));
}

#[test]
fn a_tree_of_too_many_files_ends() {
    let mut tree = Tree::of("package");
    for n in 0..600 {
        tree = tree.write(&format!("usr/local/share/ca-certificates/{n}.crt"), "x");
    }
    let deep = "deep/".repeat(60);
    let tree = tree.write(&format!("usr/local/share/ca-certificates/{deep}x.crt"), "x");
    assert_eq!(tree.facts().company_roots, []);
}

#[test]
fn every_fixture_node_is_read_in_time() {
    for name in [
        "package",
        "package-direct",
        "package-keys",
        "rails-only",
        "docker",
        "helm-webservice",
        "source",
        "none",
    ] {
        let tree = Tree::of(name);
        let best = (0..5).map(|_| {
            let begin = Instant::now();
            tree.found();
            begin.elapsed()
        });
        // The figure of 10 ms is for a release build on a quiet machine; this holds without either.
        let best = best.min().expect("five runs");
        assert!(best < Duration::from_millis(100), "{name} took {best:?}");
    }
}
