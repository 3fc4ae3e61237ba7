//! Every snippet of every article, read by the real program of its language: bash, ruby, nft, Apache, `NGINX`,
//! `HAProxy`, Caddy, Varnish, squid; the firewall loops are run, in a network namespace of their own or against stand-ins.
//!
//! Each article is taken as `explain` prints it and filled in with a finding's arguments, for each kind of
//! installation. Left out: whether the advice helps, which the scenarios show.

use duo_doctor::checks::CHECKS;
use duo_doctor::finding::{Args, Code};
use duo_doctor::plan::What;
use duo_doctor::remedy::markdown::{self, Block};
use duo_doctor::remedy::{self, Article, Values};
use duo_doctor::subject::{About, Install, Node};
use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

/// Languages that no program reads: words for people, to be sent or compared.
const FOR_PEOPLE: [&str; 1] = ["text"];

/// What a finding may say. An argument that is not here says `x`.
const SAMPLES: &[(&str, &str)] = &[
    ("host", "cloud.gitlab.com"),
    ("url", "https://gitlab.example.com"),
    ("port", "443"),
    ("address", "104.16.1.1"),
    ("proxy", "http://squid.example.com:3128"),
    ("no_proxy", "gitlab.example.com,gitaly-1.example.com,10.0.0.5,localhost,127.0.0.1"),
    ("env", "\"TZ\" => \"UTC\",\n\"http_proxy\" => \"http://USER:PASSWORD@squid.example.com:3128\","),
    ("other_env", "\"https_proxy\" => \"http://squid.example.com:3128\","),
    ("restart", "gitlab-ctl restart puma\ngitlab-ctl restart sidekiq"),
    ("key", "gitlab_workhorse['env']"),
    ("file", "/usr/local/share/ca-certificates/example-corp-root.crt"),
    ("finding", "tcp-timeout"),
    ("service", "puma"),
    ("stacks", "Rails and Sidekiq"),
    ("variable", "https_proxy"),
    ("upstream", "https://127.0.0.1:443"),
    ("upstream_ws", "wss://127.0.0.1:443"),
    ("upstream_host", "127.0.0.1:443"),
    ("path", "/git/-/cable"),
];

/// Words that a finding may have for the server at the hop: one for each file that an article has for a server.
const PRODUCTS: [&str; 17] = [
    "unknown",
    "Apache",
    "NGINX",
    "bundled NGINX",
    "OpenResty",
    "HAProxy",
    "Caddy",
    "Varnish",
    "Traefik",
    "IIS",
    "F5 BIG-IP",
    "AWS Application Load Balancer",
    "AWS Classic Load Balancer",
    "Azure Application Gateway",
    "Cloudflare",
    "Kubernetes ingress",
    "squid",
];

/// Nothing known of the node, as for `explain`, and each kind of installation.
const INSTALLS: [Option<Install>; 5] =
    [None, Some(Install::Omnibus), Some(Install::Docker), Some(Install::Helm), Some(Install::Source)];

fn values(install: Option<Install>) -> Values {
    let node = Node { install, ..Node::default() };
    Values::of(Some(&About { node, ..About::default() })).at("cloud/rails")
}

struct Snippet {
    /// `proxy-denied, explained, Some(Helm)`
    of: String,
    language: String,
    text: String,
}

fn args(code: Code, stacks: &str) -> Args {
    let sample = |name: &str| SAMPLES.iter().find(|(n, _)| *n == name).map_or("x", |(_, v)| v).to_owned();
    let mut args: Args = code.row().args.iter().map(|n| ((*n).to_owned(), sample(n))).collect();
    args.entry("stacks".to_owned()).and_modify(|s| stacks.clone_into(s));
    args
}

/// Every snippet, each text once.
fn snippets() -> Vec<Snippet> {
    let mut all = BTreeMap::new();
    for (code, install) in Code::ALL.iter().flat_map(|code| INSTALLS.map(|install| (code, install))) {
        let filled = |args: &Args| remedy::filled(*code, args, &values(install));
        let at = |product: &str, mut args: Args| {
            args.insert("product".to_owned(), product.to_owned());
            filled(&args)
        };
        let by_server = |how: &'static str, args: &Args| {
            let products = PRODUCTS.iter().filter(|_| code.row().args.contains(&"product"));
            products.map(move |p| (how, at(p, args.clone()))).collect::<Vec<_>>()
        };
        let found = args(*code, "rails, sidekiq");
        let mut whole = vec![
            ("explained", filled(&Args::new())),
            ("found", filled(&found)),
            ("found at Workhorse", filled(&args(*code, "Workhorse"))),
        ];
        whole.extend(by_server("found at a server", &found));
        whole.extend(by_server("explained for a server", &Args::new()));
        for (how, article) in whole {
            for (language, text) in code_of(&article) {
                all.entry((language, text)).or_insert_with(|| format!("{code}, {how}, {install:?}"));
            }
        }
    }
    all.into_iter().map(|((language, text), of)| Snippet { of, language, text }).collect()
}

fn code_of(article: &Article) -> Vec<(String, String)> {
    let parts = [&article.cause, &article.seen, &article.fix, &article.verify, &article.not_it];
    let blocks = parts.iter().flat_map(|part| markdown::blocks(part));
    blocks
        .filter_map(|block| match block {
            Block::Code { language, text } => Some((language, text)),
            Block::Paragraph(_) | Block::Item { .. } => None,
        })
        .collect()
}

/// Runs a program on a text; its words if it is not content.
fn reads(program: &str, packages: &str, arguments: &[&str], input: &str) -> Result<String, String> {
    let mut command = Command::new(program);
    command.args(arguments).env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("LANG", "C.UTF-8");
    let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = piped.unwrap_or_else(|e| panic!("{program}: {e}: apt-get install -y {packages}"));
    // A program that has already found its fault may close its input.
    let _closed = child.stdin.take().expect("it is piped").write_all(input.as_bytes());
    let output = child.wait_with_output().expect("a child can be waited for");
    let words = [output.stdout, output.stderr].concat();
    let words = String::from_utf8_lossy(&words).into_owned();
    if output.status.success() { Ok(words) } else { Err(words) }
}

/// A network namespace that ends with the command in it.
fn apart(script: &str) -> Result<String, String> {
    let arguments = ["--map-root-user", "--net", "bash", "-eu", "-s"];
    reads("unshare", "util-linux bash nftables iptables", &arguments, script)
}

/// Judges a snippet by its language's own program.
fn check(snippet: &Snippet, dir: &Path) -> Result<String, String> {
    let text = &snippet.text;
    let file = dir.join("site");
    let path = file.to_str().expect("a plain path");
    let write = |text: &str| fs::write(&file, text).expect("the test's own directory is writable");
    match snippet.language.as_str() {
        "shell" => reads("bash", "bash", &["-n"], text),
        "ruby" => reads("/usr/bin/ruby", "ruby", &["-c"], text),
        "yaml" => {
            let read = "require 'yaml'; YAML.safe_load(STDIN.read).is_a?(Hash) or abort('no mapping')";
            reads("/usr/bin/ruby", "ruby", &["-e", read], text)
        }
        "nft" => apart(&format!("nft -c -f - <<'RULES'\n{text}\nRULES\n")),
        "apache" => {
            write(&apache(text, dir));
            reads("/usr/sbin/apache2", "apache2", &["-t", "-f", path], "")
        }
        "nginx" => {
            write(&nginx(text, dir));
            reads("/usr/sbin/nginx", "nginx-light", &["-t", "-q", "-c", path], "")
        }
        "haproxy" => {
            write(&haproxy(text, dir));
            reads("/usr/sbin/haproxy", "haproxy", &["-c", "-q", "-f", path], "")
        }
        "caddy" => {
            write(&caddy(text));
            reads("/usr/bin/caddy", "caddy", &["validate", "--adapter", "caddyfile", "--config", path], "")
        }
        "vcl" => {
            write(&format!(
                "vcl 4.1;\nbackend default {{\n.host = \"127.0.0.1\";\n.port = \"8181\";\n}}\n{text}"
            ));
            let work = dir.join("varnish");
            let work = work.to_str().expect("a plain path");
            reads("/usr/sbin/varnishd", "varnish", &["-C", "-n", work, "-f", path], "")
        }
        "squid" => {
            write(&format!("http_port 127.0.0.1:3129\nhttp_access deny all\n{text}"));
            reads("/usr/sbin/squid", "squid-openssl", &["-k", "parse", "-f", path], "")
        }
        "xml" => {
            let read =
                "require 'rexml/document'; REXML::Document.new(STDIN.read).root or abort('no element')";
            reads("/usr/bin/ruby", "ruby", &["-e", read], text)
        }
        language if FOR_PEOPLE.contains(&language) => Ok(String::new()),
        language => Err(format!("no program here reads `{language}`")),
    }
}

fn apache(text: &str, dir: &Path) -> String {
    let dir = dir.display();
    let modules = ["mpm_event", "authz_core", "headers", "http2", "proxy", "proxy_http", "proxy_wstunnel"];
    let load = |m: &&str| format!("LoadModule {m}_module /usr/lib/apache2/modules/mod_{m}.so\n");
    let modules: String = modules.iter().chain(&["rewrite", "ssl"]).map(load).collect();
    format!(
        "{modules}ServerRoot \"{dir}\"\nDefaultRuntimeDir \"{dir}\"\nServerName gitlab.example.com\nErrorLog \
         \"{dir}/log\"\nListen 127.0.0.1:8443\n<VirtualHost *:8443>\n{text}</VirtualHost>\n"
    )
}

/// A snippet is whole servers, lines for one, or a `map`, which stands outside. `http2 on` is the spelling of
/// NGINX 1.25.1, which Debian's 1.22 does not know yet: the one line that is not read here.
fn nginx(text: &str, dir: &Path) -> String {
    let dir = dir.display();
    let text = with_certificate(&text.replace("http2 on;", ""), "/etc/nginx/ssl/", &dir.to_string());
    let site = if text.contains("server {") || text.contains("map $") {
        text
    } else {
        let pair = format!("{dir}/pair.pem");
        let lines = format!("ssl_certificate {pair};\nssl_certificate_key {pair};\n{text}");
        format!("map $http_upgrade $connection_upgrade {{ default upgrade; }}\nserver {{\n{lines}}}\n")
    };
    format!(
        "error_log stderr;\npid {dir}/pid;\nevents {{}}\nhttp {{\naccess_log off;\n\
         client_body_temp_path {dir};\nproxy_temp_path {dir};\n{site}}}\n"
    )
}

/// A snippet is lines for a site, for its `reverse_proxy` or for the block of global options.
fn caddy(text: &str) -> String {
    let plain = "{\nauto_https off\nadmin off\n";
    let site = |lines: &str| format!("http://gitlab.example.com:8080 {{\n{lines}}}\n");
    if text.contains("servers {") {
        format!("{plain}{text}}}\n{}", site("reverse_proxy 127.0.0.1:8181\n"))
    } else if text.contains("into the reverse_proxy block") {
        format!("{plain}}}\n{}", site(&format!("reverse_proxy 127.0.0.1:8181 {{\n{text}}}\n")))
    } else {
        format!("{plain}}}\n{}", site(text))
    }
}

fn haproxy(text: &str, dir: &Path) -> String {
    let text = with_certificate(text, "/etc/haproxy/certs/", &dir.display().to_string());
    let defaults = "defaults\n mode http\n timeout connect 5s\n timeout client 1m\n timeout server 1m\n";
    let (front, back) = if text.contains("bind :") { (text.as_str(), "") } else { ("", text.as_str()) };
    format!(
        "{defaults}frontend f\n bind :8080\n default_backend b\n{front}\nbackend b\n server s 127.0.0.1\n{back}"
    )
}

/// Certificates of an example are one of the test's own.
fn with_certificate(text: &str, folder: &str, dir: &str) -> String {
    let mut text = text.to_owned();
    while let Some(start) = text.find(folder) {
        let end = text[start..].find([';', ' ', '\n']).map_or(text.len(), |e| start + e);
        text.replace_range(start..end, &format!("{dir}/pair.pem"));
    }
    text
}

fn make_certificate(dir: &Path) {
    let pair = dir.join("pair.pem");
    let pair = pair.to_str().expect("a plain path");
    // The certificate goes to standard output, and is added behind the key.
    let arguments =
        ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=a.example", "-keyout", pair];
    let words = reads("openssl", "openssl", &arguments, "").unwrap_or_else(|e| panic!("{e}"));
    let start = words.find("-----BEGIN CERTIFICATE").expect("a certificate is printed");
    let end = words.rfind("-----END CERTIFICATE-----").expect("a whole one") + 25;
    let key = fs::read_to_string(pair).expect("a key was written");
    fs::write(pair, format!("{key}{}\n", &words[start..end])).expect("the directory is writable");
}

#[test]
fn every_snippet_is_read_by_the_program_of_its_language() {
    let dir = tempfile::tempdir().expect("a temporary directory can be made");
    make_certificate(dir.path());
    let all = snippets();
    let wrong: Vec<String> = all
        .iter()
        .filter_map(|s| check(s, dir.path()).err().map(|e| format!("{}: {e}\n{}", s.of, s.text)))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    assert!(all.len() > 200, "{} snippets were found", all.len());
}

#[test]
fn what_explain_prints_for_a_program_has_no_gap() {
    for (code, install) in Code::ALL.iter().flat_map(|code| INSTALLS.map(|install| (code, install))) {
        let article = remedy::filled(*code, &Args::new(), &values(install));
        for (language, text) in code_of(&article) {
            let names = code.row().args.iter().chain(&["instance", "node", "place"]);
            let gap = names.map(|n| format!("<{n}>")).find(|gap| text.contains(gap.as_str()));
            let people = FOR_PEOPLE.contains(&language.as_str());
            assert!(people || gap.is_none(), "{code}, {install:?}: {gap:?} in\n{text}");
        }
    }
}

/// The snippet of an article that uses a program.
fn snippet_with(code: Code, word: &str) -> String {
    let article = remedy::filled(code, &Args::new(), &Values::of(None));
    let found = code_of(&article).into_iter().find(|(_, text)| text.contains(word));
    found.unwrap_or_else(|| panic!("{code} has no snippet with `{word}`")).1
}

/// The articles with the list of ranges for each kind of firewall.
const WITH_RANGES: [Code; 4] =
    [Code::TcpTimeout, Code::TcpRefused, Code::TcpUnreachable, Code::CloudflareRangesRefused];

#[test]
fn nftables_takes_the_ranges_in_front_of_a_drop() {
    for code in WITH_RANGES {
        let rules = snippet_with(code, "nft -f - <<");
        let chain = "add table inet filter\nadd chain inet filter output { type filter hook output priority 0; policy drop; }";
        let shown = apart(&format!("nft '{chain}'\n{rules}\nnft list chain inet filter output"))
            .unwrap_or_else(|e| panic!("{code}: {e}"));
        for range in ["198.41.128.0/17", "2606:4700::/32"] {
            assert!(shown.contains(range), "{code}: {range} is not in\n{shown}");
        }
        assert_eq!(shown.matches("tcp dport 443 accept").count(), 2, "{shown}");
    }
}

#[test]
fn iptables_takes_every_range() {
    for code in WITH_RANGES {
        let rules = snippet_with(code, "tool=ip6tables");
        let shown = apart(&format!("{rules}\nip6tables -S OUTPUT")).unwrap_or_else(|e| panic!("{code}: {e}"));
        assert_eq!(shown.matches("--dport 443").count(), 22, "{code}:\n{shown}");
    }
}

#[test]
fn ufw_and_firewalld_are_asked_for_every_range() {
    for code in WITH_RANGES {
        for (tool, rule, word) in [
            ("ufw", "prepend allow out proto tcp to ", "ufw prepend"),
            ("firewall-cmd", "--add-rich-rule=rule ", "rich-rule"),
        ] {
            // In place of the real one, which wants its service: prints what it was given.
            let stand_in = format!("{tool}() {{ printf '%s\\n' \"$*\"; }}\n");
            let words = reads("bash", "bash", &["-eu", "-s"], &(stand_in + &snippet_with(code, word)))
                .unwrap_or_else(|e| panic!("{code}: {e}"));
            assert_eq!(words.matches(rule).count(), 22, "{code}:\n{words}");
            let six = words.lines().filter(|l| l.contains("2606:4700::/32")).collect::<Vec<_>>();
            assert_eq!(six.len(), 1, "{code}:\n{words}");
            assert!(tool == "ufw" || six[0].contains("family=\"ipv6\""), "{six:?}");
        }
    }
}

#[test]
fn what_an_article_has_checked_again_exists() {
    for snippet in snippets() {
        for part in snippet.text.split("--only ").skip(1).filter_map(|rest| rest.split_whitespace().next()) {
            assert!(What::parse(part, CHECKS).is_ok(), "{}: --only {part}", snippet.of);
        }
    }
}
