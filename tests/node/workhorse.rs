//! Where Workhorse listens on a node, and where its socket really stands.

use crate::tree::{Tree, found};
use duo_doctor::subject::doors::{Aim, Listener};
use proptest::prelude::*;

const RUN: &str = "opt/gitlab/sv/gitlab-workhorse/run";
const SOCKET: &str = "/var/opt/gitlab/gitlab-workhorse/sockets/socket";

fn workhorse(tree: &Tree) -> Option<Listener> {
    tree.facts().ways_in.workhorse
}

fn said(tree: &Tree) -> Vec<String> {
    tree.facts().unread.into_iter().map(|unread| format!("{}: {}", unread.what, unread.why)).collect()
}

#[test]
fn workhorse_is_where_its_next_start_listens() {
    let of = |name: &str| found(name).facts.ways_in.workhorse.map(|w| (w.shown, w.from));
    let is = |shown: &str, from: &str| Some((shown.to_owned(), from.to_owned()));
    let run = format!("/{RUN}");
    for name in ["package", "package-direct", "rails-only", "package-balancer"] {
        assert_eq!(of(name), is(SOCKET, &run), "{name}");
    }
    assert_eq!(of("package-apache"), is("127.0.0.1:8181", &run));
    assert_eq!(of("docker"), is(SOCKET, "the defaults of the Linux package"));
    assert_eq!(of("helm-webservice"), is("127.0.0.1:8181", "the port of GitLab's chart"));
    let source = "/home/git/gitlab/tmp/sockets/gitlab-workhorse.socket";
    assert_eq!(of("source"), is(source, "the defaults of a source installation"));
}

#[test]
fn where_workhorse_does_not_run_it_listens_nowhere() {
    for name in ["gitaly-only", "sidekiq-only", "helm-sidekiq", "helm-toolbox", "none"] {
        assert_eq!(found(name).facts.ways_in.workhorse, None, "{name}");
    }
}

#[test]
fn without_its_run_file_gitlab_rb_tells_where_workhorse_listens() {
    let of = |text: &str| workhorse(&Tree::with_gitlab_rb(text)).map(|w| w.shown);
    let is = |shown: &str| Some(shown.to_owned());
    let key = |key: &str, value: &str| format!("gitlab_workhorse['{key}'] = {value}\n");
    assert_eq!(of(""), is(SOCKET));
    assert_eq!(of(&key("listen_addr", "'/run/w'")), is("/run/w"));
    assert_eq!(of(&key("sockets_directory", "'/run/w'")), is("/run/w/socket"));
    let tcp = key("listen_network", "'tcp'");
    assert_eq!(of(&(tcp.clone() + &key("listen_addr", "'0.0.0.0:8181'"))), is("127.0.0.1:8181"));
    assert_eq!(of(&(tcp.clone() + &key("listen_addr", "'10.0.0.5:81'"))), is("10.0.0.5:81"));
    assert_eq!((of(&tcp), of(&(tcp.clone() + &key("listen_addr", "'gitlab:81'")))), (None, None));
    let unknown = Tree::with_gitlab_rb(&key("listen_addr", "ENV['X']"));
    assert_eq!(workhorse(&unknown), None);
    assert_eq!(said(&unknown), ["gitlab_workhorse['listen_addr']: only Ruby can tell it"]);
    let locked = Tree::of("package").remove(RUN).lock("etc/gitlab/gitlab.rb");
    assert_eq!(locked.found_by_nobody().facts.ways_in.workhorse, None);
}

#[test]
fn a_source_installation_may_say_where_workhorse_listens() {
    let defaults =
        |text: &str| workhorse(&Tree::of("source").write("etc/default/gitlab", text)).map(|w| w.shown);
    let is = |shown: &str| Some(shown.to_owned());
    let tcp = "gitlab_workhorse_options=\"-listenUmask 0 -listenNetwork tcp -listenAddr 127.0.0.1:8181\"\n";
    assert_eq!(defaults(tcp), is("127.0.0.1:8181"));
    let socket = "gitlab_workhorse_options=\"-listenNetwork unix -listenAddr $socket_path/w.socket\"\n";
    assert_eq!(defaults(socket), is("/home/git/gitlab/tmp/sockets/w.socket"));
    assert_eq!(defaults(&format!("socket_path=/run/gitlab\n{socket}")), is("/run/gitlab/w.socket"));
    let unit =
        "[Service]\nExecStart=/usr/bin/env gitlab-workhorse -listenNetwork unix -listenAddr /run/u.socket\n";
    let tree = Tree::of("source").write("etc/systemd/system/gitlab-workhorse.service", unit);
    assert_eq!(workhorse(&tree).map(|w| w.shown), is("/run/u.socket"));
}

#[test]
fn workhorse_that_speaks_tls_in_a_pod_is_not_tried_in_the_clear() {
    let config =
        "[[listeners]]\nnetwork = \"tcp\"\naddr = \"0.0.0.0:8181\"\n[listeners.tls]\ncertificate = \"/x\"\n";
    let tree = Tree::of("helm-webservice").write("srv/gitlab/config/workhorse-config.toml", config);
    assert_eq!(workhorse(&tree), None);
    assert!(said(&tree).iter().any(|said| said.contains("speaks TLS")));
}

#[test]
fn a_socket_is_found_below_the_trees_own_root_whatever_leads_to_it() {
    let at = |tree: &Tree| match workhorse(tree)?.at {
        Aim::Socket(path) => {
            path.strip_prefix(tree.path("").canonicalize().ok()?).map(|p| p.display().to_string()).ok()
        }
        Aim::Name | Aim::Address(_) | Aim::Announced(_) => None,
    };
    let below = |path: &str| Some(path.trim_start_matches('/').to_owned());
    let package = || Tree::of("package");
    assert_eq!(at(&package()), below(SOCKET), "it is not there yet");
    assert_eq!(at(&package().write(&SOCKET[1..], "")), below(SOCKET));
    let moved = package().link("var/opt/gitlab/gitlab-workhorse", "/data/w").dir("data/w/sockets");
    assert_eq!(at(&moved), below("data/w/sockets/socket"));
    let linked = package().link(&SOCKET[1..], "/data/socket").write("data/socket", "");
    assert_eq!(at(&linked), below("data/socket"));
    let run = |address: &str| format!("exec w -listenNetwork unix -listenAddr {address}\n");
    for outside in ["/../../x/socket", "socket", "/var/../../x"] {
        assert_eq!(workhorse(&package().write(RUN, run(outside))), None, "{outside}");
    }
    // Links that lead nowhere in the tree would lead somewhere outside.
    assert_eq!(workhorse(&package().link("var/opt/gitlab/gitlab-workhorse", "/nowhere")), None);
    assert_eq!(workhorse(&package().link(&SOCKET[1..], "/etc/nowhere")), None);
    assert_eq!(workhorse(&package().link("run/w", "w").write(RUN, run("/run/w/socket"))), None);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn no_option_makes_the_reader_panic(address in "[ -~]{0,30}") {
        let run = format!("exec w -listenNetwork tcp -listenAddr {address}\n");
        Tree::with_gitlab_rb("").write(RUN, run.replace("tcp", "unix")).found();
        Tree::with_gitlab_rb("").write(RUN, run).found();
    }
}
