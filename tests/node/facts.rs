//! Effective configuration, hosts that must be reached without a proxy, names and resolvers.

use crate::tree::{Tree, found};
use std::net::SocketAddr;

const YML: &str = "var/opt/gitlab/gitlab-rails/etc/gitlab.yml";

fn internal(tree: &Tree) -> Option<Vec<String>> {
    Some(tree.facts().internal?.into_iter().map(|i| i.host).collect())
}

#[test]
fn hosts_that_need_no_proxy_are_gathered_from_everything_that_was_found() {
    let internal = found("package").facts.internal.expect("the storages were read");
    let internal: Vec<(&str, &str)> = internal.iter().map(|i| (i.host.as_str(), i.what.as_str())).collect();
    assert_eq!(
        internal,
        [
            ("10.0.0.30", "the container registry"),
            ("10.0.0.40", "Gitaly"),
            ("127.0.0.1", "this node"),
            ("aigw.internal", "the own AI gateway"),
            ("dws.internal", "the own workflow service"),
            ("gitlab.example.com", "KAS"),
            ("kas.internal", "KAS"),
            ("localhost", "this node"),
            ("minio.internal", "object storage"),
            ("praefect.internal", "Praefect"),
            ("prometheus.internal", "Prometheus"),
            ("registry.example.com", "the container registry"),
        ]
    );
}

#[test]
fn object_storage_of_the_world_stays_behind_the_proxy() {
    let hosts = internal(&Tree::of("package")).expect("read");
    assert!(!hosts.iter().any(|host| host.contains("amazonaws")), "{hosts:?}");
}

#[test]
fn gitlabs_own_services_are_never_taken_off_the_proxy() {
    let tree = Tree::of("package")
        .write("opt/gitlab/etc/gitlab-rails/env/AI_GATEWAY_URL", "https://cloud.gitlab.com/ai");
    assert!(!internal(&tree).expect("read").contains(&"cloud.gitlab.com".to_owned()));
}

#[test]
fn a_list_that_might_not_be_whole_is_none() {
    let with = |storage: &str| {
        Tree::of("package").write(
            YML,
            format!("production:\n  repositories:\n    storages:\n      default:\n        {storage}\n"),
        )
    };
    assert!(internal(&with("gitaly_address: tcp://10.0.0.1:8075")).is_some());
    assert_eq!(internal(&with("gitaly_address: <%= x %>")), None);
    assert_eq!(internal(&with("path: /x")), None);
    assert_eq!(internal(&Tree::of("package").write(YML, "production:\n  gitlab:\n    host: a\n")), None);
    assert_eq!(internal(&Tree::of("package").remove(YML)), None);
    assert_eq!(found("gitaly-only").facts.internal, None);
}

#[test]
fn the_instances_url_is_the_effective_one() {
    let url = |tree: &Tree| tree.found().external_url.map(|u| u.to_string());
    assert_eq!(url(&Tree::of("package")).as_deref(), Some("https://gitlab.example.com/git"));
    for name in ["helm-webservice", "source"] {
        assert_eq!(url(&Tree::of(name)).as_deref(), Some("https://gitlab.example.com"), "{name}");
    }
    let yml = |port: &str| {
        format!("production:\n  gitlab:\n    host: a.example.com\n    port: {port}\n    https: false\n")
    };
    assert_eq!(
        url(&Tree::of("package").write(YML, yml("8080"))).as_deref(),
        Some("http://a.example.com:8080")
    );
    assert_eq!(url(&Tree::of("package").write(YML, yml("'80'"))).as_deref(), Some("http://a.example.com"));
    assert_eq!(url(&Tree::of("package").remove(YML)).as_deref(), Some("https://gitlab.example.com/git"));
    assert_eq!(found("none").external_url, None);
}

#[test]
fn an_own_workflow_service_is_told_with_its_place() {
    let expected = ("dws.internal:50052".to_owned(), format!("/{YML} duo_workflow.service_url"));
    assert_eq!(found("package").facts.workflow_service, Some(expected));
    assert_eq!(found("package-direct").facts.workflow_service, None);
}

#[test]
fn a_configuration_that_is_no_yaml_is_said_and_nothing_is_taken_from_it() {
    let laugh = |n: i32| format!("a{n}: &a{n} [{}]\n", vec![format!("*a{}", n - 1); 9].join(","));
    let laughs = (1..12).map(laugh).collect::<Vec<_>>().concat();
    for text in [
        "production: [",
        "\t\0",
        "",
        "a: b",
        &format!("a0: &a0 x\n{laughs}production: *a11\n"),
        &"[".repeat(100_000),
    ] {
        let found = Tree::of("package").write(YML, text).found();
        assert!(found.facts.unread.iter().any(|u| u.what == format!("/{YML}")), "{text:.40}");
        assert_eq!((found.facts.internal, found.facts.workflow_service), (None, None));
    }
}

#[test]
fn hosts_and_resolvers_are_read_as_the_system_reads_them() {
    let node = found("package").node;
    assert_eq!(node.hostname.as_deref(), Some("gitlab-1"));
    assert_eq!(node.hosts_for("gitlab.example.com").len(), 1);
    assert_eq!(node.hosts.len(), 2);
    let expected: [SocketAddr; 2] = ["10.0.0.53:53", "[fe80::53]:53"].map(|a| a.parse().expect("an address"));
    assert_eq!(node.nameservers, expected);
    let pace = found("package").facts.resolver_pace.expect("resolv.conf was read");
    assert_eq!((pace.timeout, pace.attempts), (2, 5));
    let usual = Tree::empty().write("etc/resolv.conf", "nameserver 10.0.0.1\n").facts().resolver_pace;
    assert_eq!(usual.map(|p| (p.timeout, p.attempts)), Some((5, 2)));
    assert_eq!(Tree::empty().facts().resolver_pace, None);
}

#[test]
fn the_order_of_names_and_addresses_is_told_where_it_is_known() {
    let order = found("package").facts.name_order.expect("nsswitch.conf was read");
    assert_eq!(order.sources, ["files", "dns"]);
    assert_eq!((order.sources_in.as_str(), order.ipv4_first), ("/etc/nsswitch.conf", Some(false)));
    assert_eq!(found("package-direct").facts.name_order.and_then(|o| o.ipv4_first), Some(true));
    let gai =
        |text: &str| Tree::empty().write("etc/gai.conf", text).facts().name_order.and_then(|o| o.ipv4_first);
    assert_eq!(gai("#precedence ::ffff:0:0/96  100\n"), Some(false));
    assert_eq!(gai("precedence ::ffff:0:0/96  10\n"), Some(false));
    assert_eq!(gai("precedence ::/0 100\nprecedence ::ffff:0:0/96 100\n"), Some(false));
    assert_eq!(Tree::empty().facts().name_order, None);
}
