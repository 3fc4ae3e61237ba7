//! The web server that belongs to GitLab on a node: the bundled NGINX, or none.

use crate::tree::{Tree, found};
use duo_doctor::node::Found;
use duo_doctor::subject::address::Scheme;
use duo_doctor::subject::doors::{Nginx, WaysIn, WebServer};
use proptest::prelude::*;
use std::fs;
use std::time::{Duration, Instant};

const CONF: &str = "var/opt/gitlab/nginx/conf/service_conf/gitlab-rails.conf";
const OLD_CONF: &str = "var/opt/gitlab/nginx/conf/gitlab-http.conf";
const HTTPS: &str = "external_url 'https://gitlab.example.com'\n";

fn ways_in(name: &str) -> WaysIn {
    found(name).facts.ways_in
}

fn bundled(server: WebServer) -> Nginx {
    match server {
        WebServer::Bundled(nginx) => nginx,
        WebServer::Unknown | WebServer::None(_) => panic!("the bundled NGINX, not {server:?}"),
    }
}

fn nginx(found: Found) -> Nginx {
    bundled(found.facts.ways_in.web_server)
}

/// `https://127.0.0.1:443`, then `h2`, `proxy` and `clients` where they are on, with `?` where that is not known.
fn shown(nginx: &Nginx) -> String {
    let on = |name: &str, on: Option<bool>| match on {
        Some(true) => format!(" {name}"),
        Some(false) => String::new(),
        None => format!(" {name}?"),
    };
    let at = std::net::SocketAddr::new(nginx.address, nginx.port);
    let (http2, proxy) = (on("h2", nginx.http2), on("proxy", nginx.proxy_protocol));
    format!("{}://{at}{http2}{proxy}{}", nginx.scheme.as_str(), on("clients", nginx.client_certificates))
}

fn of_gitlab_rb(text: &str) -> String {
    shown(&nginx(Tree::with_gitlab_rb(&format!("{HTTPS}{text}")).found()))
}

fn of_server(inside: &str) -> String {
    let text = format!("server {{ {inside} location / {{ proxy_pass http://gitlab-workhorse; }} }}");
    shown(&nginx(Tree::of("package").write(CONF, text).found()))
}

fn headers(nginx: &Nginx) -> Vec<String> {
    nginx.set_headers.iter().map(|(name, value)| format!("{name}: {value}")).collect()
}

fn none(server: WebServer) -> String {
    match server {
        WebServer::None(why) => why,
        WebServer::Unknown | WebServer::Bundled(_) => panic!("none, not {server:?}"),
    }
}

fn said(tree: &Tree) -> Vec<String> {
    tree.facts().unread.into_iter().map(|unread| format!("{}: {}", unread.what, unread.why)).collect()
}

#[test]
fn nginx_is_where_its_own_file_says_and_not_where_browsers_are_sent_on() {
    let of = |name: &str| {
        let nginx = bundled(ways_in(name).web_server);
        (shown(&nginx), nginx.from)
    };
    let is = |shown: &str, from: &str| (shown.to_owned(), format!("/{from}"));
    assert_eq!(of("package"), is("https://127.0.0.1:443 h2", CONF));
    assert_eq!(of("package-direct"), is("https://127.0.0.1:443 h2", OLD_CONF));
    assert_eq!(of("rails-only"), is("https://10.0.0.21:443 h2 clients", CONF));
    assert_eq!(of("package-balancer"), is("http://127.0.0.1:80", CONF));
    assert_eq!(of("package-proxy-protocol"), is("https://127.0.0.1:443 h2 proxy", CONF));
    for name in ["package", "package-direct", "rails-only", "package-proxy-protocol"] {
        assert_eq!(headers(&bundled(ways_in(name).web_server)), [""; 0], "{name}");
    }
    assert_eq!(headers(&bundled(ways_in("package-balancer").web_server)), ["X-Balancer: edge-1"]);
}

#[test]
fn every_form_of_listen_is_read() {
    assert_eq!(of_server("listen 8443 ssl http2;"), "https://127.0.0.1:8443 h2");
    assert_eq!(of_server("listen 10.0.0.5:8443; ssl on;"), "https://10.0.0.5:8443");
    assert_eq!(of_server("listen 10.0.0.5; listen 127.0.0.1;"), "http://127.0.0.1:80");
    assert_eq!(of_server("listen [fd00::5]:443 ssl; http2 on;"), "https://[fd00::5]:443 h2");
    assert_eq!(of_server("listen [::]:443 ssl;"), "https://[::1]:443");
    assert_eq!(of_server("listen [::]:443 ssl ipv6only=off;"), "https://127.0.0.1:443");
    assert_eq!(of_server("listen [::]:443 ssl; listen *:443 ssl;"), "https://127.0.0.1:443");
    assert_eq!(of_server("listen unix:/run/x.sock; listen localhost:81;"), "http://127.0.0.1:81");
    // Kerberos on a port of its own.
    assert_eq!(of_server("listen *:443 ssl; listen *:8088; http2 on;"), "https://127.0.0.1:443 h2");
    assert_eq!(of_server("listen *:443 ssl; ssl_verify_client optional;"), "https://127.0.0.1:443 clients");
    assert_eq!(of_server("listen *:443 ssl; ssl_verify_client off;"), "https://127.0.0.1:443");
    // What another file adds is not known.
    assert_eq!(of_server("listen *:443 ssl; include /etc/x.conf;"), "https://127.0.0.1:443 h2? clients?");
}

#[test]
fn without_nginxs_file_gitlab_rb_tells_and_behind_it_the_packages_defaults() {
    assert_eq!(of_gitlab_rb(""), "https://127.0.0.1:443 h2");
    assert_eq!(of_gitlab_rb("external_url 'http://gitlab.example.com:8080'"), "http://127.0.0.1:8080");
    assert_eq!(of_gitlab_rb("nginx['listen_https'] = false"), "http://127.0.0.1:443");
    let balancer = "nginx['listen_port'] = 80\nnginx['listen_https'] = false\nnginx['proxy_protocol'] = true";
    assert_eq!(of_gitlab_rb(balancer), "http://127.0.0.1:80 proxy");
    assert_eq!(of_gitlab_rb("nginx['listen_port'] = nil"), of_gitlab_rb(""));
    assert_eq!(of_gitlab_rb("nginx['listen_port'] = '8443'"), "https://127.0.0.1:8443 h2");
    assert_eq!(of_gitlab_rb("nginx['listen_port'] = 8_443"), "https://127.0.0.1:8443 h2");
    assert_eq!(of_gitlab_rb("nginx['listen_addresses'] = ['10.0.0.5', '[::]']"), "https://[::1]:443 h2");
    assert_eq!(of_gitlab_rb("nginx['listen_addresses'] = ['10.0.0.5']"), "https://10.0.0.5:443 h2");
    assert_eq!(of_gitlab_rb("nginx['listen_addresses'] = ['[::]', '0.0.0.0']"), "https://127.0.0.1:443 h2");
    assert_eq!(of_gitlab_rb("nginx['http2_enabled'] = false"), "https://127.0.0.1:443");
    assert_eq!(of_gitlab_rb("nginx['ssl_verify_client'] = 'on'"), "https://127.0.0.1:443 h2 clients");
    let from = |text: &str| nginx(Tree::with_gitlab_rb(&format!("{HTTPS}{text}")).found()).from;
    assert_eq!(from(""), "the defaults of the Linux package");
    assert_eq!(from("nginx['listen_port'] = 80"), "/etc/gitlab/gitlab.rb");
    assert_eq!(shown(&nginx(found("docker"))), "https://127.0.0.1:443 h2");
}

#[test]
fn what_only_ruby_can_tell_is_unknown_and_never_off() {
    let two = "nginx['http2_enabled'] = ENV['A']\nnginx['proxy_protocol'] = ENV['B']\n";
    assert_eq!(of_gitlab_rb(two), "https://127.0.0.1:443 h2? proxy?");
    assert_eq!(of_gitlab_rb("nginx['ssl_verify_client'] = ENV['A']"), "https://127.0.0.1:443 h2 clients?");
    let custom = "nginx['custom_gitlab_server_config'] = 'include x;'\nnginx['http2_enabled'] = false";
    assert_eq!(of_gitlab_rb(custom), "https://127.0.0.1:443 h2? clients?");
    for key in ["listen_port", "listen_https", "listen_addresses"] {
        let tree = Tree::with_gitlab_rb(&format!("{HTTPS}nginx['{key}'] = ENV['X']"));
        assert_eq!(tree.facts().ways_in.web_server, WebServer::Unknown, "{key}");
        assert_eq!(said(&tree), [format!("nginx['{key}']: only Ruby can tell it")]);
    }
    let tree = Tree::with_gitlab_rb("external_url ENV['X']");
    assert_eq!(tree.facts().ways_in.web_server, WebServer::Unknown);
    let opaque = Tree::with_gitlab_rb(&format!("from_file '/x'\n{HTTPS}"));
    assert_eq!(opaque.facts().ways_in.web_server, WebServer::Unknown);
}

#[test]
fn since_19_2_the_keys_below_gitlab_rails_win_and_before_they_are_nothing() {
    assert_eq!(shown(&nginx(found("package-keys"))), "http://10.0.0.26:8081");
    assert_eq!(headers(&nginx(found("package-keys"))), ["X-Forwarded-Proto: http"]);
    let version = "opt/gitlab/embedded/service/gitlab-rails/VERSION";
    let before = Tree::of("package-keys").write(version, "19.1.3-ee\n");
    assert_eq!(shown(&nginx(before.found())), "https://127.0.0.1:443 h2");
    let both = "nginx['listen_https'] = false\ngitlab_rails['nginx'] = { 'listen_https' => true }\n";
    assert_eq!(of_gitlab_rb(both), "https://127.0.0.1:443 h2");
    let old = "nginx['listen_https'] = false\ngitlab_rails['nginx']['listen_port'] = 80\n";
    assert_eq!(of_gitlab_rb(old), "http://127.0.0.1:80");
}

#[test]
fn where_nginx_is_turned_off_the_line_is_said() {
    let line = |n: u32| format!("/etc/gitlab/gitlab.rb line {n} has nginx['enable'] = false");
    assert_eq!(none(ways_in("package-apache").web_server), line(3));
    let off = Tree::with_gitlab_rb(&format!("{HTTPS}nginx['enable'] = false"));
    assert_eq!(none(off.facts().ways_in.web_server), line(2));
    let rails = format!("{HTTPS}gitlab_rails['nginx']['enable'] = false");
    let off = none(Tree::with_gitlab_rb(&rails).facts().ways_in.web_server);
    assert_eq!(off, "/etc/gitlab/gitlab.rb line 2 has gitlab_rails['nginx']['enable'] = false");
    // Not yet reconfigured: the next start still has it.
    let later = Tree::of("package").write("etc/gitlab/gitlab.rb", format!("{HTTPS}nginx['enable'] = false"));
    assert_eq!(shown(&nginx(later.found())), "https://127.0.0.1:443 h2");
}

#[test]
fn a_node_that_does_not_serve_gitlab_has_no_web_server() {
    for name in ["gitaly-only", "sidekiq-only"] {
        assert_eq!(none(ways_in(name).web_server), "NGINX is not among this node's services", "{name}");
    }
    let gitaly = Tree::with_gitlab_rb(&format!("{HTTPS}roles ['gitaly_role']"));
    assert_eq!(none(gitaly.facts().ways_in.web_server), "NGINX is not among this node's services");
    let pages = Tree::of("gitaly-only").dir("opt/gitlab/service/nginx");
    assert!(none(pages.facts().ways_in.web_server).contains("other things than GitLab"));
    for name in ["helm-sidekiq", "helm-toolbox", "none"] {
        assert_eq!(ways_in(name).web_server, WebServer::Unknown, "{name}");
    }
}

#[test]
fn headers_are_kept_where_somebody_replaced_the_packages_own() {
    let of = |headers_set: &str| {
        let text = format!("{HTTPS}nginx['proxy_set_headers'] = {{ {headers_set} }}");
        headers(&nginx(Tree::with_gitlab_rb(&text).found()))
    };
    let own = "'Host' => '$http_host_with_default', 'x-real-ip' => '$remote_addr', 'X-Forwarded-Ssl' => 'on',
        'X-Forwarded-For' => '$proxy_add_x_forwarded_for', 'Upgrade' => '$http_upgrade',
        'Connection' => '$connection_upgrade', 'X-Forwarded-Proto' => 'https', 'X-Forwarded-Port' => nil";
    assert_eq!(of(own), [""; 0]);
    assert_eq!(of("'X-Forwarded-Proto' => 'http', 'Host' => 'a'"), ["Host: a", "X-Forwarded-Proto: http"]);
    assert_eq!(of("'Upgrade' => nil, 'Connection' => ''"), ["Connection: ", "Upgrade: "]);
    let text = fs::read_to_string(Tree::of("package").path(CONF)).expect("the fixture");
    let without = text.replace("proxy_set_header Upgrade $http_upgrade;", "proxy_set_header X-A 'b c';");
    let tree = Tree::of("package").write(CONF, without);
    assert_eq!(headers(&nginx(tree.found())), ["X-A: b c", "Upgrade: "]);
}

#[test]
fn a_file_of_nginx_that_says_nothing_is_said_and_gitlab_rb_tells() {
    let many = "server { listen *:1; }\n".repeat(200_000);
    let deep = "a {".repeat(1 << 20);
    let open = "server { listen *:443 ssl; location / { proxy_pass http://gitlab-workhorse; }";
    let words = "x ".repeat(2 << 20);
    let quote = format!("server {{ a '{}", "\\'".repeat(1 << 20));
    let files = ["", "\0\u{1}}}}{{;", "server { listen *:1; }", &many, &deep, open, &words, &quote, "}"];
    for text in files {
        let tree = Tree::of("package").write(CONF, text);
        let begin = Instant::now();
        let found = tree.found();
        assert!(begin.elapsed() < Duration::from_secs(5), "{text:.20}");
        assert!(found.facts.unread.iter().any(|u| u.what == format!("/{CONF}")), "{text:.20}");
        let nginx = nginx(found);
        assert_eq!((nginx.from.as_str(), nginx.scheme), ("the defaults of the Linux package", Scheme::Https));
    }
    let binary = Tree::of("package").write(CONF, vec![0xff_u8; 4 << 20]);
    assert!(said(&binary).iter().any(|said| said.starts_with(&format!("/{CONF}"))));
}

#[test]
fn a_file_of_nginx_that_may_not_be_read_is_said_with_its_command() {
    let found = Tree::of("package").lock("var/opt/gitlab/nginx/conf").found_by_nobody();
    let unread: Vec<&str> = found.facts.unread.iter().map(|u| u.command.as_str()).collect();
    assert!(unread.contains(&format!("sudo cat /{CONF}").as_str()), "{unread:?}");
    assert_eq!(shown(&nginx(found)), "https://127.0.0.1:443 h2");
    let nothing = Tree::of("package").lock("var/opt/gitlab/nginx/conf").lock("etc/gitlab/gitlab.rb");
    assert_eq!(nothing.found_by_nobody().facts.ways_in.web_server, WebServer::Unknown);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn no_sequence_of_nginxs_signs_makes_the_reader_panic(parts in proptest::collection::vec(
        prop::sample::select(vec![
            "server", "{", "}", ";", " ", "\n", "#", "'", "\"", "\\", "$", "${", "listen", "*:443", "[::]:443", "[", "]", ":",
            "ssl", "proxy_pass", "http://gitlab-workhorse", "proxy_set_header", "Host", "include", "é", "\u{202e}", "\0",
        ]), 0..60)) {
        Tree::with_gitlab_rb(HTTPS).write(CONF, parts.concat()).found();
    }
}
