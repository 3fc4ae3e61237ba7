//! The NGINX of GitLab's Linux package on a node: Debian's program runs the very file of the node's tree that the program
//! under test reads, laid out as reconfigure writes it (Omnibus: `gitlab-rails.conf.erb`, `nginx.conf.erb`).
//!
//! Spelt for NGINX 1.22, to which HTTP/2 is a word of `listen`.

use crate::support::authority::Identity;
use crate::support::back_end::BackEnd;
use crate::support::child::{self, Server};
use crate::support::configuration;
use crate::support::loopback;
use crate::support::node_tree::NodeTree;
use std::fs;
use std::net::SocketAddr;
use tempfile::TempDir;

/// The server's file on the node.
const FILE: &str = "var/opt/gitlab/nginx/conf/service_conf/gitlab-rails.conf";

/// What `gitlab.rb` makes of it. Only what a variant names differs from what is shipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Setting {
    /// As it is shipped, for an `external_url` with https.
    Shipped,
    /// `listen_https` false: TLS ends before it.
    PlainHttp,
    /// `proxy_protocol` true.
    ProxyProtocol,
    /// `ssl_verify_client` on.
    ClientCertificate,
    /// `http2_enabled` false.
    Http1Only,
    /// `proxy_set_headers` with an empty `Upgrade`.
    UpgradeTakenOut,
    /// `proxy_set_headers` with `X-Forwarded-Proto` http, and with `X-Forwarded-Ssl` as it is shipped, which Rack heeds
    /// first.
    ProtoHttp,
    /// The same with `X-Forwarded-Ssl` off.
    SchemeHttp,
    /// `proxy_set_headers` with an inner `Host`.
    HostReplaced,
    /// `client_max_body_size` of 64 KiB.
    SmallBody,
    /// An `external_url` that ends with `/git`.
    RelativeRoot,
}

/// The running NGINX.
pub(crate) struct BundledNginx {
    pub(crate) server: Server,
    pub(crate) address: SocketAddr,
    _directory: TempDir,
}

impl BundledNginx {
    /// Writes the file into `tree` and starts NGINX with it, in front of `workhorse`.
    pub(crate) fn start(
        tree: &NodeTree,
        setting: Setting,
        identity: &Identity,
        workhorse: impl Into<BackEnd>,
    ) -> BundledNginx {
        let address = loopback::random_socket();
        tree.enable("nginx");
        tree.write("etc/gitlab/ssl/gitlab.example.com.crt", &identity.chain_pem);
        tree.write("etc/gitlab/ssl/gitlab.example.com.key", &identity.key_pem);
        tree.write("etc/gitlab/ssl/clients.crt", &identity.issuer_pem);
        tree.write(FILE, &site(&tree.path(), address, setting));
        let directory = configuration::directory();
        let here = directory.path();
        let main = here.join("nginx.conf");
        let tree = tree.path();
        fs::write(&main, main_file(&here.display().to_string(), &tree, &workhorse.into()))
            .expect("the test's own directory is writable");
        let mut command = child::command("/usr/sbin/nginx");
        command.arg("-p").arg(here).arg("-c").arg(&main);
        let server = child::start(command, "nginx-light", &here.join("server.log"));
        let mut nginx = BundledNginx { server, address, _directory: directory };
        nginx.server.wait_until_it_accepts(address);
        nginx
    }

    /// Where another web server finds it: with TLS as it is shipped.
    pub(crate) fn back_end(&self) -> BackEnd {
        BackEnd::Tls(self.address)
    }
}

fn main_file(here: &str, tree: &str, workhorse: &BackEnd) -> String {
    let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|kind| format!("  {kind}_temp_path {here}/{kind};\n"))
        .concat();
    let workhorse = workhorse.to_string();
    let workhorse = workhorse.trim_start_matches("http://");
    format!(
        "daemon off;
user www-data;
worker_processes 1;
pid {here}/nginx.pid;
error_log stderr;
events {{
}}
http {{
  access_log off;
{temporary}  map $http_upgrade $connection_upgrade {{
    default upgrade;
    ''      close;
  }}
  upstream gitlab-workhorse {{
    server {workhorse} fail_timeout=0;
  }}
  include {tree}/{FILE};
}}
"
    )
}

fn site(tree: &str, address: SocketAddr, setting: Setting) -> String {
    let words = match setting {
        Setting::PlainHttp => "",
        Setting::ProxyProtocol => " ssl http2 proxy_protocol",
        Setting::Http1Only => " ssl",
        Setting::Shipped
        | Setting::ClientCertificate
        | Setting::UpgradeTakenOut
        | Setting::ProtoHttp
        | Setting::SchemeHttp
        | Setting::HostReplaced
        | Setting::SmallBody
        | Setting::RelativeRoot => " ssl http2",
    };
    let tls = format!(
        "  ssl_certificate {tree}/etc/gitlab/ssl/gitlab.example.com.crt;
  ssl_certificate_key {tree}/etc/gitlab/ssl/gitlab.example.com.key;
  ssl_protocols  TLSv1.2 TLSv1.3;
  ssl_prefer_server_ciphers off;
"
    );
    let tls = if setting == Setting::PlainHttp { "" } else { &tls };
    let clients =
        format!("  ssl_client_certificate {tree}/etc/gitlab/ssl/clients.crt;\n  ssl_verify_client on;\n");
    let clients = if setting == Setting::ClientCertificate { &clients } else { "" };
    let upgrade = if setting == Setting::UpgradeTakenOut { "\"\"" } else { "$http_upgrade" };
    let (scheme, ssl) = match setting {
        Setting::ProtoHttp => ("http", "on"),
        Setting::SchemeHttp => ("http", "off"),
        Setting::Shipped
        | Setting::PlainHttp
        | Setting::ProxyProtocol
        | Setting::ClientCertificate
        | Setting::Http1Only
        | Setting::UpgradeTakenOut
        | Setting::HostReplaced
        | Setting::SmallBody
        | Setting::RelativeRoot => ("https", "on"),
    };
    let host = if setting == Setting::HostReplaced { "gitlab.internal" } else { "$http_host_with_default" };
    let body = if setting == Setting::SmallBody { "64k" } else { "0" };
    let path = if setting == Setting::RelativeRoot { "/git" } else { "/" };
    format!(
        "# This file is managed by gitlab-ctl. Manual changes will be
# erased! To change the contents below, edit /etc/gitlab/gitlab.rb
# and run `sudo gitlab-ctl reconfigure`.

server {{ ## HTTPS server

  listen {address} default_server{words};

  server_name gitlab.example.com;
  server_tokens off; ## Don't show the nginx version number, a security best practice

  client_max_body_size {body};

{tls}{clients}
  if ($http_host = \"\") {{
    set $http_host_with_default \"gitlab.example.com\";
  }}

  if ($http_host != \"\") {{
    set $http_host_with_default $http_host;
  }}

  proxy_read_timeout      3600;
  proxy_connect_timeout   300;
  proxy_redirect          off;
  proxy_http_version 1.1;

  proxy_set_header Host {host};
  proxy_set_header X-Real-IP $remote_addr;
  proxy_set_header X-Forwarded-For $remote_addr;
  proxy_set_header Upgrade {upgrade};
  proxy_set_header Connection $connection_upgrade;
  proxy_set_header X-Forwarded-Ssl {ssl};
  proxy_set_header X-Forwarded-Proto {scheme};

  location {path} {{
    proxy_cache off;
    proxy_pass  http://gitlab-workhorse;
  }}

}} ## end HTTPS server
"
    )
}
