//! Debian's Apache 2.4 with TLS and HTTP/2 in front of a back end, configured as administrators do it.

use crate::support::authority::Identity;
use crate::support::back_end::BackEnd;
use crate::support::child::{self, Server};
use crate::support::configuration::{self, Configuration, Syntax};
use crate::support::listening;
use crate::support::loopback;
use rustix::process::Signal;
use std::net::SocketAddr;
use std::path::Path;
use tempfile::TempDir;

const PROGRAM: &str = "/usr/sbin/apache2";
const PACKAGES: &str = "apache2 libapache2-mod-security2";
const MODULES_DIRECTORY: &str = "/usr/lib/apache2/modules";

const MODULES: &[&str] = &[
    "mpm_event",
    "authz_core",
    "env",
    "headers",
    "http2",
    "proxy",
    "proxy_http",
    "proxy_wstunnel",
    "rewrite",
    "ssl",
];

/// `ModSecurity`, for the sites that it stands in front of.
const FIREWALL: &[&str] = &["unique_id", "security2"];

/// How the site hands requests on. Only what a variant names is wrong in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Site {
    /// One `ProxyPass` for everything, with the headers that GitLab needs: HTTP works, the upgrade is lost.
    ProxyPass,
    /// The same, with the rewrite rules of GitLab's page on Duo for upgrades.
    RewriteRules,
    /// One `ProxyPass` with `upgrade=websocket`, as Apache knows it since 2.4.47.
    UpgradeWebsocket,
    /// The rewrite rules, with the back end's own address as `Host`.
    HostNotPreserved,
    /// The rewrite rules, and nothing says that the client came by https.
    SchemeNotForwarded,
    /// One `ProxyPass`, and HTTP/2 is not spoken.
    Http1Only,
    /// The rewrite rules, and HTTP/2 is not spoken.
    Http1WithRules,
    /// The rewrite rules stand after a rule that has already taken every request.
    RulesAfterCatchAll,
    /// The rewrite rules, and a line that asks the back end in HTTP/1.0.
    Http10Forced,
    /// The rewrite rules, and `Timeout` of two seconds, which is that of the proxy too unless `ProxyTimeout` says
    /// otherwise: a tunnel lives for the longer of both.
    ShortTimeout,
    /// The rewrite rules, and `LimitRequestBody` of 64 KiB.
    LimitRequestBody,
    /// The rewrite rules behind `ModSecurity`, which takes request bodies of up to 64 KiB.
    Firewall,
    /// `upgrade=websocket` behind the same.
    FirewallAndUpgrade,
}

/// The places of the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// The lines that load modules.
    Modules,
    /// The virtual host of GitLab, behind what names it and its certificate.
    VirtualHost,
}

/// A running Apache.
pub(crate) struct Apache {
    pub(crate) server: Server,
    pub(crate) address: SocketAddr,
    pub(crate) configuration: Configuration<Place>,
    _directory: TempDir,
}

impl Apache {
    /// Starts Apache for `gitlab.example.com` with `identity`, in front of `back_end`.
    pub(crate) fn start(site: Site, identity: &Identity, back_end: impl Into<BackEnd>) -> Apache {
        let directory = configuration::directory();
        let here = directory.path();
        let address = loopback::random_socket();
        identity.write(here);
        let configuration = configuration(site, here, address, &back_end.into()).written();
        let mut command = child::command(PROGRAM);
        command.args(["-D", "FOREGROUND", "-f"]).arg(configuration.file());
        let mut server = child::start(command, PACKAGES, &here.join("server.log"));
        server.wait_until_it_accepts(address);
        Apache { server, address, configuration, _directory: directory }
    }

    /// `apachectl configtest`.
    pub(crate) fn syntax(&self) -> Syntax {
        let mut command = child::command(PROGRAM);
        command.args(["-t", "-f"]).arg(self.configuration.file());
        configuration::check(command)
    }

    /// What `apachectl graceful` does. Returns when only workers with the new configuration accept.
    pub(crate) fn reload(&mut self) {
        let syntax = self.syntax();
        assert!(syntax.accepted, "{}", syntax.said);
        let old = listening::workers(&self.server);
        self.server.signal(Signal::USR1);
        listening::wait_until_workers_change(&mut self.server, self.address, &old);
    }
}

fn configuration(
    site: Site,
    directory: &Path,
    listen: SocketAddr,
    back_end: &BackEnd,
) -> Configuration<Place> {
    let here = directory.display();
    let firewall = match site {
        Site::Firewall | Site::FirewallAndUpgrade => FIREWALL,
        Site::ProxyPass
        | Site::RewriteRules
        | Site::UpgradeWebsocket
        | Site::HostNotPreserved
        | Site::SchemeNotForwarded
        | Site::Http1Only
        | Site::Http1WithRules
        | Site::RulesAfterCatchAll
        | Site::Http10Forced
        | Site::ShortTimeout
        | Site::LimitRequestBody => &[],
    };
    let modules: Vec<String> = [MODULES, firewall]
        .concat()
        .iter()
        .map(|name| format!("LoadModule {name}_module {MODULES_DIRECTORY}/mod_{name}.so"))
        .collect();
    Configuration::new(directory.join("apache2.conf"))
        .place(Place::Modules, modules.join("\n"))
        .fixed(format!(
            r#"ServerRoot "{here}"
DefaultRuntimeDir "{here}"
PidFile "{here}/apache2.pid"
Mutex pthread
ServerName gitlab.example.com
SSLSessionCache none
ErrorLog "{here}/server.log"
User www-data
Group www-data
StartServers 1
ServerLimit 4
ThreadsPerChild 25
MaxRequestWorkers 100
MinSpareThreads 1
MaxSpareThreads 100
Listen {listen}
<VirtualHost {listen}>
  ServerName gitlab.example.com
  SSLEngine on
  SSLCertificateFile "{here}/server.pem"
  SSLCertificateKeyFile "{here}/server.key""#
        ))
        .place(Place::VirtualHost, directives(site, back_end))
        .fixed("</VirtualHost>")
}

/// The part that decides whether a WebSocket opens.
fn directives(site: Site, back_end: &BackEnd) -> String {
    let target = |scheme: &str, rest: &str| match back_end {
        BackEnd::Address(address) => format!("{scheme}://{address}/{rest}"),
        BackEnd::Tls(address) => format!("{scheme}s://{address}/{rest}"),
        BackEnd::Socket(path) => format!("unix:{}|{scheme}://localhost/{rest}", path.display()),
    };
    let (http, http_matched, ws_matched) = (target("http", ""), target("http", "$1"), target("ws", "$1"));
    let protocols = "  Protocols h2 http/1.1\n";
    let host = "  ProxyPreserveHost On\n";
    let scheme = "  RequestHeader set X-Forwarded-Proto https\n";
    let tls = match back_end {
        BackEnd::Tls(_) => "  SSLProxyEngine On\n",
        BackEnd::Address(_) | BackEnd::Socket(_) => "",
    };
    let pass = format!("{tls}  ProxyPass / \"{http}\"\n");
    let upgrading = format!("{tls}  ProxyPass / \"{http}\" upgrade=websocket\n");
    let engine = "  RewriteEngine On\n";
    let rules = format!(
        "  RewriteCond %{{HTTP:Upgrade}} websocket [NC]
  RewriteCond %{{HTTP:Connection}} upgrade [NC]
  RewriteRule ^/?(.*) \"{ws_matched}\" [P,L]
"
    );
    let catch_all = format!("  RewriteRule ^/?(.*) \"{http_matched}\" [P,L]\n");
    let firewall = "  SecRuleEngine On\n  SecRequestBodyAccess On\n  SecRequestBodyLimit 65536\n  SecRequestBodyNoFilesLimit 65536\n";
    let healthy = format!("{protocols}{host}{scheme}{engine}{rules}{pass}");
    match site {
        Site::ProxyPass => format!("{protocols}{host}{scheme}{pass}"),
        Site::Http1Only => format!("{host}{scheme}{pass}"),
        Site::Http1WithRules => format!("{host}{scheme}{engine}{rules}{pass}"),
        Site::RewriteRules => healthy,
        Site::UpgradeWebsocket => format!("{protocols}{host}{scheme}{upgrading}"),
        Site::HostNotPreserved => {
            format!("{protocols}  ProxyPreserveHost Off\n{scheme}{engine}{rules}{pass}")
        }
        Site::SchemeNotForwarded => format!("{protocols}{host}{engine}{rules}{pass}"),
        Site::RulesAfterCatchAll => format!("{protocols}{host}{scheme}{engine}{catch_all}{rules}"),
        Site::Http10Forced => format!("{healthy}  SetEnv force-proxy-request-1.0 1\n"),
        Site::ShortTimeout => format!("{healthy}  Timeout 2\n"),
        Site::LimitRequestBody => format!("{healthy}  LimitRequestBody 65536\n"),
        Site::Firewall => format!("{firewall}{healthy}"),
        Site::FirewallAndUpgrade => format!("{firewall}{protocols}{host}{scheme}{upgrading}"),
    }
}
