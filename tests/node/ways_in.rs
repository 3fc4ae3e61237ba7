//! The origins that Action Cable takes on a node, and the node's own addresses.

use crate::tree::{Tree, found};
use duo_doctor::subject::doors::WebServer;
use std::time::{Duration, Instant};

const YML: &str = "var/opt/gitlab/gitlab-rails/etc/gitlab.yml";

fn said(tree: &Tree) -> Vec<String> {
    tree.facts().unread.into_iter().map(|unread| format!("{}: {}", unread.what, unread.why)).collect()
}

#[test]
fn origins_of_action_cable_are_the_effective_ones() {
    let origins = |tree: &Tree| tree.facts().ways_in.allowed_origins;
    let eu = "https://gitlab-eu.example.com";
    assert_eq!(found("package-balancer").facts.ways_in.allowed_origins, [eu]);
    assert_eq!(found("package").facts.ways_in.allowed_origins, [""; 0]);
    let rb = |value: &str| format!("gitlab_rails['action_cable_allowed_origins'] = {value}\n");
    assert_eq!(
        origins(&Tree::with_gitlab_rb(&rb("['https://a', ' https://b ']"))),
        ["https://a", "https://b"]
    );
    // The next reconfigure brings them in.
    assert_eq!(
        origins(&Tree::of("package-apache").write("etc/gitlab/gitlab.rb", rb("['https://a']"))),
        [""; 0]
    );
    let unknown = Tree::with_gitlab_rb(&rb("ENV['X']"));
    assert_eq!(origins(&unknown), [""; 0]);
    assert_eq!(said(&unknown), ["gitlab_rails['action_cable_allowed_origins']: only Ruby can tell it"]);
    let yml = |list: &str| format!("production:\n  gitlab:\n    action_cable_allowed_origins: {list}\n");
    let odd = Tree::of("package").write(YML, yml("[\"https://a\\r\\nX: y\", 7, '', 'https://c']"));
    assert_eq!(origins(&odd), ["https://c"]);
}

#[test]
fn a_node_knows_its_own_addresses_where_the_kernels_tables_can_be_read() {
    let of = |tree: &Tree| {
        let addresses = tree.facts().ways_in.addresses?;
        Some(addresses.iter().map(ToString::to_string).collect::<Vec<_>>())
    };
    let package = of(&Tree::of("package")).expect("the tables were read");
    assert_eq!(package, ["10.0.0.20", "127.0.0.1", "fd00::14", "fe80::242:11ff:fe00:14", "::1"]);
    let v6 = Tree::of("package").remove("proc/net/fib_trie");
    assert_eq!(of(&v6).map(|a| a.len()), Some(3));
    assert_eq!(of(&v6.remove("proc/net/if_inet6")), None);
    let odd = Tree::of("package")
        .write("proc/net/fib_trie", "\0|-- x\n/32 host LOCAL")
        .write("proc/net/if_inet6", "zz");
    assert_eq!(of(&odd), Some(Vec::new()));
}

#[test]
fn long_and_broken_files_of_listeners_and_addresses_end_in_time() {
    let texts = [
        "-listenAddr ".repeat(300_000),
        "\\\n".repeat(1 << 20),
        "|-- 1.1.1.1\n/32 host LOCAL\n".repeat(130_000),
    ];
    for text in &texts {
        let mut tree = Tree::of("source").write("etc/default/gitlab", text);
        for path in [
            "opt/gitlab/sv/gitlab-workhorse/run",
            "proc/net/fib_trie",
            "proc/net/if_inet6",
            "srv/gitlab/config/workhorse-config.toml",
        ] {
            tree = tree.write(path, text);
        }
        let begin = Instant::now();
        tree.found();
        tree.write("etc/gitlab/gitlab.rb", "").found();
        assert!(begin.elapsed() < Duration::from_secs(10), "{text:.20}");
    }
    let number = Tree::with_gitlab_rb(&format!("nginx['listen_port'] = {}", "1.1".repeat(1 << 20)));
    assert_eq!(number.facts().ways_in.web_server, WebServer::Unknown);
}
