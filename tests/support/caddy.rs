//! Debian's Caddy with TLS, HTTP/2 and HTTP/3 in front of a back end. It passes WebSocket connections by itself.

use crate::support::authority::Identity;
use crate::support::back_end::BackEnd;
use crate::support::child::{self, Server};
use crate::support::configuration::{self, Configuration, Syntax};
use crate::support::loopback;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

const PROGRAM: &str = "/usr/bin/caddy";
const PACKAGES: &str = "caddy";

/// How the site hands requests on. Only what a variant names is wrong in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Site {
    /// `reverse_proxy` and nothing else.
    Healthy,
    /// `Upgrade` is taken off.
    UpgradeRemoved,
    /// `Connection` is taken off.
    ConnectionRemoved,
    /// An inner name as `Host`.
    HostRewritten,
    /// It is said that the client came by http.
    SchemeHttp,
    /// Request bodies of up to 64 KiB.
    SmallBody,
    /// HTTP/1.1 alone is spoken.
    Http1Only,
    /// HTTP/2 alone is agreed to by ALPN.
    Http2Only,
}

/// The places of the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// The block of global options, as a whole.
    Options,
    /// The block of the site, as a whole.
    Site,
}

/// A running Caddy.
pub(crate) struct Caddy {
    pub(crate) server: Server,
    pub(crate) address: SocketAddr,
    pub(crate) configuration: Configuration<Place>,
    admin: SocketAddr,
    directory: TempDir,
}

impl Caddy {
    /// Starts Caddy for `gitlab.example.com` with `identity`, in front of `back_end`.
    pub(crate) fn start(site: Site, identity: &Identity, back_end: impl Into<BackEnd>) -> Caddy {
        let directory = configuration::directory();
        let here = directory.path();
        identity.write(here);
        let address = loopback::random_socket();
        let admin = loopback::random_socket();
        let configuration = configuration(site, here, address, admin, &back_end.into()).written();
        let mut command = command(here, "run");
        command.arg("--config").arg(configuration.file());
        let server = child::start(command, PACKAGES, &here.join("server.log"));
        let mut caddy = Caddy { server, address, configuration, admin, directory };
        caddy.server.wait_until_it_accepts(address);
        caddy
    }

    /// The line that names the certificate, for a site's block.
    pub(crate) fn tls_line(&self) -> String {
        tls_line(self.directory.path())
    }

    /// `caddy validate`.
    pub(crate) fn syntax(&self) -> Syntax {
        let mut command = command(self.directory.path(), "validate");
        command.arg("--config").arg(self.configuration.file());
        configuration::check(command)
    }

    /// `caddy reload`, which returns when the new configuration has taken over from the old one.
    pub(crate) fn reload(&mut self) {
        let mut command = command(self.directory.path(), "reload");
        command.arg("--config").arg(self.configuration.file());
        command.args(["--address", &self.admin.to_string()]);
        let reload = configuration::check(command);
        assert!(reload.accepted, "{}", reload.said);
    }
}

/// Caddy keeps its own files below the directories that these variables name.
fn command(directory: &Path, order: &str) -> Command {
    let mut command = child::command(PROGRAM);
    command.env("HOME", directory).args([order, "--adapter", "caddyfile"]);
    command
}

fn tls_line(directory: &Path) -> String {
    let here = directory.display();
    format!("\ttls {here}/server.pem {here}/server.key")
}

fn configuration(
    site: Site,
    directory: &Path,
    listen: SocketAddr,
    admin: SocketAddr,
    back_end: &BackEnd,
) -> Configuration<Place> {
    let (ip, port) = (listen.ip(), listen.port());
    let named = match back_end {
        BackEnd::Tls(_) => {
            "\t\ttransport http {\n\t\t\ttls_insecure_skip_verify\n\t\t\ttls_server_name gitlab.example.com\n\t\t\tversions 1.1\n\t\t}\n"
        }
        BackEnd::Address(_) | BackEnd::Socket(_) => "",
    };
    let back_end = match back_end {
        BackEnd::Address(address) => address.to_string(),
        BackEnd::Socket(path) => format!("unix/{}", path.display()),
        BackEnd::Tls(address) => format!("https://{address}"),
    };

    let (option, beside, within) = match site {
        Site::Healthy | Site::Http2Only => ("", "", ""),
        Site::UpgradeRemoved => ("", "", "\t\theader_up -Upgrade\n"),
        Site::ConnectionRemoved => ("", "", "\t\theader_up -Connection\n"),
        Site::HostRewritten => ("", "", "\t\theader_up Host gitlab.internal\n"),
        Site::SchemeHttp => ("", "", "\t\theader_up X-Forwarded-Proto http\n"),
        Site::SmallBody => ("", "\trequest_body {\n\t\tmax_size 64KiB\n\t}\n", ""),
        Site::Http1Only => ("\tservers {\n\t\tprotocols h1\n\t}\n", "", ""),
    };
    let alpn = if site == Site::Http2Only { " {\n\t\talpn h2\n\t}" } else { "" };
    let tls = format!("{}{alpn}", tls_line(directory));
    Configuration::new(directory.join("Caddyfile"))
        .place(
            Place::Options,
            format!(
                "{{\n\tadmin {admin}\n\tauto_https off\n\tdefault_bind {ip}\n\thttps_port {port}\n{option}}}"
            ),
        )
        .place(
            Place::Site,
            format!(
                "gitlab.example.com {{\n{tls}\n{beside}\treverse_proxy {back_end} {{\n{named}{within}\t}}\n}}"
            ),
        )
}
