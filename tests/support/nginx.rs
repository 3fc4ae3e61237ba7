//! Debian's NGINX with TLS and HTTP/2 in front of a back end, configured as administrators do it.
//!
//! Debian 12 has 1.22: HTTP/2 is a word of `listen`, and WebSocket connections need the lines of every guide to it.

use crate::support::authority::Identity;
use crate::support::back_end::BackEnd;
use crate::support::child::{self, Server};
use crate::support::configuration::{self, Configuration, Syntax};
use crate::support::listening;
use crate::support::loopback;
use rustix::process::Signal;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

const PROGRAM: &str = "/usr/sbin/nginx";
const PACKAGES: &str = "nginx-light";

/// The user and the password that `Site::Login` accepts.
pub(crate) const CREDENTIALS: &str = "duo:open-sesame";

/// How the site hands requests on. Only what a variant names is wrong in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Site {
    /// All that GitLab needs: the upgrade, the client's `Host`, the scheme, time, and nothing is held back.
    Upgrade,
    /// Nothing is said about upgrades: NGINX asks the back end in HTTP/1.0.
    NoUpgrade,
    /// `Upgrade` is passed on, `Connection` is not.
    ConnectionNotSet,
    /// The back end's own name as `Host`.
    HostNotKept,
    /// `$host` in place of `$http_host`: a port that is not the default one gets lost.
    PortDropped,
    /// Nothing says that the client came by https.
    SchemeMissing,
    /// It is said that the client came by http.
    SchemeHttp,
    /// `proxy_read_timeout` of two seconds.
    ShortReadTimeout,
    /// Answers are buffered, as they are unless somebody says otherwise.
    Buffering,
    /// Request bodies of up to 64 KiB.
    SmallBody,
    /// HTTP/2 is not spoken.
    Http1Only,
    /// A user and a password are asked for: 401.
    Login,
    /// Nobody is let in: 403.
    Denied,
    /// The front end keeps `/-/` for itself: its own 404.
    CableNotServed,
    /// Only `/git` leads to GitLab.
    RelativeRoot,
    /// Whoever connects says first in the PROXY protocol for whom.
    ProxyProtocol,
    /// A client certificate of the authority that issued the site's own is asked for.
    ClientCertificate,
}

/// The places of the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// The `http` block before the site.
    Http,
    /// The line that listens.
    Listen,
    /// The site's `server` block before its locations.
    Server,
    /// The block `location / { … }`, as a whole.
    Location,
}

/// A running NGINX.
pub(crate) struct Nginx {
    pub(crate) server: Server,
    pub(crate) address: SocketAddr,
    pub(crate) configuration: Configuration<Place>,
    directory: TempDir,
}

impl Nginx {
    /// Starts NGINX for `gitlab.example.com` with `identity`, in front of `back_end`.
    pub(crate) fn start(site: Site, identity: &Identity, back_end: impl Into<BackEnd>) -> Nginx {
        let directory = configuration::directory();
        let here = directory.path();
        identity.write(here);
        let write = |name: &str, text: &str| {
            fs::write(here.join(name), text).expect("the test's own directory is writable");
        };
        write("clients.pem", &identity.issuer_pem);
        let (user, password) = CREDENTIALS.split_once(':').expect("a user and a password");
        write("passwords", &format!("{user}:{{PLAIN}}{password}\n"));
        let address = loopback::random_socket();
        let configuration = configuration(site, here, address, &back_end.into()).written();
        let server = child::start(command(here, configuration.file()), PACKAGES, &here.join("server.log"));
        let mut nginx = Nginx { server, address, configuration, directory };
        nginx.server.wait_until_it_accepts(address);
        nginx
    }

    /// `nginx -t`.
    pub(crate) fn syntax(&self) -> Syntax {
        let mut command = command(self.directory.path(), self.configuration.file());
        command.arg("-t");
        configuration::check(command)
    }

    /// What `nginx -s reload` does. Returns when only workers with the new configuration accept.
    pub(crate) fn reload(&mut self) {
        let syntax = self.syntax();
        assert!(syntax.accepted, "{}", syntax.said);
        let old = listening::workers(&self.server);
        self.server.signal(Signal::HUP);
        listening::wait_until_workers_change(&mut self.server, self.address, &old);
    }
}

fn command(directory: &Path, file: &Path) -> Command {
    let mut command = child::command(PROGRAM);
    command.arg("-p").arg(directory).arg("-c").arg(file);
    command
}

/// The parts of the configuration in which the sites differ.
struct Parts {
    http: &'static str,
    listen: &'static str,
    server: String,
    path: &'static str,
    upgrade: &'static [&'static str],
    host: &'static str,
    scheme: &'static str,
    limits: &'static [&'static str],
}

const MAP: &str = "    map $http_upgrade $connection_upgrade {
        default upgrade;
        ''      close;
    }";
const HTTP_1_1: &str = "proxy_http_version 1.1;";
const UPGRADE: &str = "proxy_set_header Upgrade $http_upgrade;";
const CONNECTION: &str = "proxy_set_header Connection $connection_upgrade;";
const LONG: &str = "proxy_read_timeout 3600s;";
const AT_ONCE: &str = "proxy_buffering off;";

fn parts(site: Site, directory: &Path) -> Parts {
    let here = directory.display();
    let good = Parts {
        http: MAP,
        listen: "ssl http2",
        server: String::new(),
        path: "/",
        upgrade: &[HTTP_1_1, UPGRADE, CONNECTION],
        host: "proxy_set_header Host $http_host;",
        scheme: "proxy_set_header X-Forwarded-Proto $scheme;",
        limits: &[LONG, AT_ONCE],
    };
    let beside = |lines: String| Parts { server: lines, ..parts(Site::Upgrade, directory) };
    match site {
        Site::Upgrade => good,
        Site::NoUpgrade => Parts { http: "", upgrade: &[], ..good },
        Site::ConnectionNotSet => Parts { upgrade: &[HTTP_1_1, UPGRADE], ..good },
        Site::HostNotKept => Parts { host: "", ..good },
        Site::PortDropped => Parts { host: "proxy_set_header Host $host;", ..good },
        Site::SchemeMissing => Parts { scheme: "", ..good },
        Site::SchemeHttp => Parts { scheme: "proxy_set_header X-Forwarded-Proto http;", ..good },
        Site::ShortReadTimeout => Parts { limits: &["proxy_read_timeout 2s;", AT_ONCE], ..good },
        Site::Buffering => Parts { limits: &[LONG], ..good },
        Site::Http1Only => Parts { listen: "ssl", ..good },
        Site::ProxyProtocol => Parts { listen: "ssl http2 proxy_protocol", ..good },
        Site::RelativeRoot => Parts { path: "/git/", ..beside(format!("        root {here}/nothing;")) },
        Site::SmallBody => beside("        client_max_body_size 64k;".to_owned()),
        Site::Login => {
            beside(format!("        auth_basic \"Company\";\n        auth_basic_user_file {here}/passwords;"))
        }
        Site::Denied => beside("        deny all;".to_owned()),
        Site::CableNotServed => {
            beside(format!("        location /-/ {{\n            root {here}/nothing;\n        }}"))
        }
        Site::ClientCertificate => beside(format!(
            "        ssl_client_certificate {here}/clients.pem;\n        ssl_verify_client on;"
        )),
    }
}

fn configuration(
    site: Site,
    directory: &Path,
    listen: SocketAddr,
    back_end: &BackEnd,
) -> Configuration<Place> {
    let here = directory.display();
    let parts = parts(site, directory);
    let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|kind| format!("    {kind}_temp_path {here}/{kind};\n"))
        .concat();
    let pass = format!("proxy_pass {back_end};");
    let named: &[&str] = match back_end {
        BackEnd::Tls(_) => &["proxy_ssl_server_name on;", "proxy_ssl_name $host;"],
        BackEnd::Address(_) | BackEnd::Socket(_) => &[],
    };
    let said = [&[pass.as_str()], named, parts.upgrade, &[parts.host, parts.scheme], parts.limits].concat();
    let said: Vec<&str> = said.into_iter().filter(|line| !line.is_empty()).collect();
    let lines = said.join("\n            ");
    Configuration::new(directory.join("nginx.conf"))
        .fixed(format!(
            "daemon off;
user www-data;
worker_processes 1;
pid {here}/nginx.pid;
error_log stderr;
events {{
}}
http {{
    access_log off;
{temporary}"
        ))
        .place(Place::Http, parts.http)
        .fixed("    server {")
        .place(Place::Listen, format!("        listen {listen} {};", parts.listen))
        .fixed(format!(
            "        server_name gitlab.example.com;
        ssl_certificate {here}/server.pem;
        ssl_certificate_key {here}/server.key;
        ssl_protocols TLSv1.2 TLSv1.3;"
        ))
        .place(Place::Server, parts.server)
        .place(
            Place::Location,
            format!("        location {} {{\n            {lines}\n        }}", parts.path),
        )
        .fixed("    }\n}")
}
