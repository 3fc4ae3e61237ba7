//! Kind of install, edition, version, roles.

use crate::tree::{Tree, found};
use duo_doctor::subject::Install;

#[test]
fn every_kind_of_install_is_told_by_its_signs() {
    let kind = |name: &str| found(name).node.install;
    for name in ["package", "package-direct", "rails-only", "sidekiq-only", "gitaly-only"] {
        assert_eq!(kind(name), Some(Install::Omnibus), "{name}");
    }
    assert_eq!(kind("docker"), Some(Install::Docker));
    for name in ["helm-webservice", "helm-sidekiq", "helm-toolbox"] {
        assert_eq!(kind(name), Some(Install::Helm), "{name}");
    }
    assert_eq!(kind("source"), Some(Install::Source));
    assert_eq!(kind("none"), None);
}

#[test]
fn a_docker_image_is_told_by_each_of_its_signs() {
    for sign in [".dockerenv", "assets/wrapper", "run/.containerenv"] {
        let tree = Tree::with_gitlab_rb("").write(sign, "");
        assert_eq!(tree.found().node.install, Some(Install::Docker), "{sign}");
    }
    let environ = "PATH=/bin\0GITLAB_OMNIBUS_CONFIG=external_url 'https://a.example.com'\0";
    let tree = Tree::with_gitlab_rb("").write("proc/1/environ", environ);
    assert_eq!(tree.found().node.install, Some(Install::Docker));
}

#[test]
fn a_pod_is_told_by_kubernetes_in_its_own_environment_where_the_first_process_cannot_be_read() {
    let own = Tree::empty()
        .dir("srv/gitlab")
        .write("proc/self/environ", "PATH=/bin\0KUBERNETES_SERVICE_HOST=10.96.0.1\0");
    assert_eq!(own.found().node.install, Some(Install::Helm));
    assert_eq!(Tree::empty().dir("srv/gitlab").found().node.install, None);
}

#[test]
fn versions_are_read_from_the_version_file_or_the_manifest() {
    for name in ["package", "package-direct", "docker", "helm-webservice", "source"] {
        assert_eq!(found(name).node.gitlab_version.as_deref(), Some("18.9.1"), "{name}");
    }
    let bare = Tree::of("package").remove("opt/gitlab/embedded/service/gitlab-rails/VERSION");
    assert_eq!(bare.found().node.gitlab_version.as_deref(), Some("18.9.1"));
    let odd = bare.write("opt/gitlab/version-manifest.txt", "\x1b[31mnonsense\n");
    assert_eq!(odd.found().node.gitlab_version, None);
}

#[test]
fn editions_are_told_apart() {
    let rails = "opt/gitlab/embedded/service/gitlab-rails";
    let edition = |tree: &Tree| tree.found().node.edition;
    let is = |name: &str| Some(name.to_owned());
    assert_eq!(found("package").node.edition, is("ee"));
    assert_eq!(found("package-direct").node.edition, is("ce"));
    assert_eq!(found("helm-webservice").node.edition, is("ee"));
    assert_eq!(found("source").node.edition, is("ce"));
    assert_eq!(found("none").node.edition, None);
    let manifest = |text: &str| Tree::of("package").write("opt/gitlab/version-manifest.txt", text);
    assert_eq!(edition(&manifest("gitlab-jh 18.9.1\n")), is("jh"));
    assert_eq!(edition(&manifest("gitlab-fips 18.9.1\n")), is("ee"));
    assert_eq!(manifest("gitlab-fips 18.9.1\n").facts().fips, Some(true));
    assert_eq!(found("package").facts.fips, Some(false));
    assert_eq!(found("source").facts.fips, None);
    let without = || Tree::of("package").remove("opt/gitlab/version-manifest.txt");
    assert_eq!(edition(&without()), is("ee"));
    assert_eq!(edition(&without().write(&format!("{rails}/VERSION"), "18.9.1-jh")), is("jh"));
    assert_eq!(edition(&without().write(&format!("{rails}/VERSION"), "18.9.1")), is("ee"));
    assert_eq!(
        edition(&Tree::of("package").write("opt/gitlab/etc/gitlab-rails/env/FOSS_ONLY", "1")),
        is("ce")
    );
    let unknown = without().remove(rails).write(&format!("{rails}/VERSION"), "18.9.1");
    assert_eq!(edition(&unknown), None);
}

#[test]
fn roles_are_what_runit_starts() {
    let roles = |name: &str| found(name).node.roles;
    assert_eq!(roles("package"), ["rails", "workhorse", "sidekiq", "gitaly", "postgresql", "redis", "nginx"]);
    assert_eq!(roles("rails-only"), ["rails", "workhorse", "nginx"]);
    assert_eq!(roles("sidekiq-only"), ["sidekiq"]);
    assert_eq!(roles("gitaly-only"), ["gitaly"]);
    assert_eq!(roles("helm-webservice"), ["rails"]);
    assert_eq!(roles("helm-sidekiq"), ["sidekiq"]);
    assert_eq!(roles("helm-toolbox"), ["toolbox"]);
    assert_eq!(roles("source"), ["rails", "workhorse", "sidekiq"]);
    assert_eq!(roles("none"), [""; 0]);
}

fn roles_of(gitlab_rb: &str) -> Vec<String> {
    Tree::with_gitlab_rb(gitlab_rb).found().node.roles
}

#[test]
fn without_runit_roles_are_what_gitlab_rb_asks_for() {
    let all = ["rails", "workhorse", "sidekiq", "gitaly", "postgresql", "redis", "nginx"];
    assert_eq!(roles_of(""), all);
    assert_eq!(roles_of("roles ['geo_primary_role']"), all);
    assert_eq!(roles_of("roles ['application_role']"), ["rails", "workhorse", "sidekiq", "nginx"]);
    assert_eq!(roles_of("roles %w[sidekiq_role]\n"), ["sidekiq"]);
    assert_eq!(roles_of("roles 'gitaly_role'"), ["gitaly"]);
    assert_eq!(roles_of("sidekiq_role['enable'] = true"), ["sidekiq"]);
    let rails = "puma['enable'] = true\nsidekiq['enable'] = false\nroles ['application_role']\nnginx['enable'] = false";
    assert_eq!(roles_of(rails), ["rails", "workhorse"]);
    assert_eq!(roles_of("gitlab_rails['enable'] = false"), ["gitaly", "postgresql", "redis", "nginx"]);
}

#[test]
fn roles_that_only_ruby_can_tell_are_not_guessed() {
    for text in ["roles ENV['ROLES']", "puma['enable'] = hostname == 'a'", "roles ['unheard_of_role']"] {
        assert_eq!(roles_of(text), [""; 0], "{text}");
    }
}

#[test]
fn a_process_proves_a_role() {
    let tree = Tree::with_gitlab_rb("roles ENV['ROLES']")
        .write("proc/7/cmdline", "sidekiq 7.3.9 queues:default [0 of 20 busy]\0");
    assert_eq!(tree.found().node.roles, ["sidekiq"]);
}

#[test]
fn a_geo_secondary_is_told_by_its_services_its_roles_or_its_databases() {
    let geo = |tree: Tree| tree.facts().geo_secondary;
    let database = "var/opt/gitlab/gitlab-rails/etc/database.yml";
    assert_eq!(found("package").facts.geo_secondary, Some(false));
    assert_eq!(geo(Tree::of("package").dir("opt/gitlab/service/geo-logcursor")), Some(true));
    assert_eq!(geo(Tree::of("package").write(database, "production:\n  geo:\n    host: x\n")), Some(true));
    assert_eq!(geo(Tree::with_gitlab_rb("roles ['geo_secondary_role', 'application_role']")), Some(true));
    assert_eq!(geo(Tree::with_gitlab_rb("geo_secondary_role['enable'] = true")), Some(true));
    assert_eq!(geo(Tree::with_gitlab_rb("geo_secondary['db_host'] = '/x'")), Some(true));
    assert_eq!(geo(Tree::with_gitlab_rb("roles ENV['R']")), None);
    assert_eq!(geo(Tree::of("package").remove("etc/gitlab/gitlab.rb")), None);
}
