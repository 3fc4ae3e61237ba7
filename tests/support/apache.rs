//! Debian's Apache 2.4 with TLS and HTTP/2 in front of a back end, configured as administrators do it.

use crate::support::authority::Identity;
use crate::support::child::{self, Server};
use crate::support::loopback;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use tempfile::TempDir;

const MODULES_DIRECTORY: &str = "/usr/lib/apache2/modules";

const MODULES: &[&str] = &[
    "mpm_event",
    "authz_core",
    "headers",
    "http2",
    "proxy",
    "proxy_http",
    "proxy_wstunnel",
    "rewrite",
    "ssl",
];

/// How the site hands requests on.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Site {
    /// One `ProxyPass` for everything, with the headers that GitLab needs: HTTP works, the upgrade is lost.
    ProxyPass,
    /// The same, with the rewrite rules of GitLab's page on Duo for upgrades.
    RewriteRules,
    /// The rewrite rules, with the back end's own address as `Host`.
    HostNotPreserved,
    /// The rewrite rules, and nothing says that the client came by https.
    SchemeNotForwarded,
    /// One `ProxyPass`, and HTTP/2 is not spoken.
    Http1Only,
    /// The rewrite rules stand after a rule that has already taken every request.
    RulesAfterCatchAll,
}

/// A running Apache.
pub(crate) struct Apache {
    pub(crate) server: Server,
    pub(crate) address: SocketAddr,
    _directory: TempDir,
}

impl Apache {
    /// Starts Apache for `gitlab.example.com` with `identity`, in front of `back_end`.
    pub(crate) fn start(site: Site, identity: &Identity, back_end: SocketAddr) -> Apache {
        let directory = tempfile::tempdir().expect("a temporary directory can be made");
        let address = loopback::random_socket();
        identity.write(directory.path());
        let file = directory.path().join("apache2.conf");
        fs::write(&file, configuration(site, directory.path(), address, back_end))
            .expect("the test's own directory is writable");
        let mut command = child::command("/usr/sbin/apache2");
        command.args(["-D", "FOREGROUND", "-f"]).arg(&file);
        let mut server = child::start(command, "apache2", &directory.path().join("server.log"));
        server.wait_until_it_accepts(address);
        Apache { server, address, _directory: directory }
    }
}

fn configuration(site: Site, directory: &Path, listen: SocketAddr, back_end: SocketAddr) -> String {
    let here = directory.display();
    let modules: Vec<String> = MODULES
        .iter()
        .map(|name| format!("LoadModule {name}_module {MODULES_DIRECTORY}/mod_{name}.so"))
        .collect();
    let modules = modules.join("\n");
    let protocols = match site {
        Site::Http1Only => "http/1.1",
        Site::ProxyPass
        | Site::RewriteRules
        | Site::HostNotPreserved
        | Site::SchemeNotForwarded
        | Site::RulesAfterCatchAll => "h2 http/1.1",
    };
    let site = directives(site, back_end);
    format!(
        r#"{modules}
ServerRoot "{here}"
DefaultRuntimeDir "{here}"
PidFile "{here}/apache2.pid"
Mutex pthread
ServerName gitlab.example.com
SSLSessionCache none
ErrorLog "{here}/server.log"
User www-data
Group www-data
StartServers 1
ServerLimit 1
ThreadsPerChild 25
MaxRequestWorkers 25
Listen {listen}
<VirtualHost {listen}>
  ServerName gitlab.example.com
  Protocols {protocols}
  SSLEngine on
  SSLCertificateFile "{here}/server.pem"
  SSLCertificateKeyFile "{here}/server.key"
{site}
</VirtualHost>
"#
    )
}

/// The part that decides whether a WebSocket opens.
fn directives(site: Site, back_end: SocketAddr) -> String {
    let preserve_host = "  ProxyPreserveHost On\n";
    let scheme = "  RequestHeader set X-Forwarded-Proto https\n";
    let pass = format!("  ProxyPass / http://{back_end}/\n  ProxyPassReverse / http://{back_end}/\n");
    let engine = "  RewriteEngine On\n";
    let rules = format!(
        "  RewriteCond %{{HTTP:Upgrade}} websocket [NC]
  RewriteCond %{{HTTP:Connection}} upgrade [NC]
  RewriteRule ^/?(.*) \"ws://{back_end}/$1\" [P,L]
"
    );
    match site {
        Site::ProxyPass | Site::Http1Only => format!("{preserve_host}{scheme}{pass}"),
        Site::RewriteRules => format!("{preserve_host}{scheme}{engine}{rules}{pass}"),
        Site::HostNotPreserved => format!("  ProxyPreserveHost Off\n{scheme}{engine}{rules}{pass}"),
        Site::SchemeNotForwarded => format!("{preserve_host}{engine}{rules}{pass}"),
        Site::RulesAfterCatchAll => {
            let catch_all = format!("  RewriteRule ^/?(.*) \"http://{back_end}/$1\" [P,L]\n");
            format!("{preserve_host}{scheme}{engine}{catch_all}{rules}")
        }
    }
}
