//! Debian's `HAProxy` with TLS and HTTP/2 in front of a back end, in master-worker mode as its package runs it.

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

const PROGRAM: &str = "/usr/sbin/haproxy";
const PACKAGES: &str = "haproxy";

/// How the site hands requests on. Only what a variant names is wrong in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Site {
    /// All that GitLab needs. Both protocols are offered, and WebSocket connections over HTTP/2 (RFC 8441) are served.
    Healthy,
    /// `timeout tunnel` of two seconds.
    ShortTunnel,
    /// No `timeout tunnel`, and two seconds for the client and the server.
    NoTunnel,
    /// `option httpclose`.
    HttpClose,
    /// Rules that delete `Upgrade` and `Connection`.
    UpgradeDeleted,
    /// A rule that deletes `Connection` alone.
    ConnectionDeleted,
    /// A rule that sets an inner name as `Host`.
    HostReplaced,
    /// Nothing says that the client came by https.
    SchemeMissing,
    /// Request bodies of up to 64 KiB.
    SmallBody,
    /// HTTP/2 is not offered.
    Http1Only,
    /// Nothing but HTTP/2 is offered.
    Http2Only,
    /// HTTP/2 is spoken, whatever was agreed to (`proto h2`).
    Http2Forced,
}

/// The places of the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// The section `defaults` behind its first line.
    Defaults,
    /// The line that listens and ends TLS.
    Bind,
    /// The section `frontend` behind it.
    Frontend,
    /// The section `backend gitlab`, as a whole.
    Backend,
}

/// A running `HAProxy`.
pub(crate) struct Haproxy {
    pub(crate) server: Server,
    pub(crate) address: SocketAddr,
    pub(crate) configuration: Configuration<Place>,
    directory: TempDir,
}

impl Haproxy {
    /// Starts `HAProxy` for `gitlab.example.com` with `identity`, in front of `back_end`.
    pub(crate) fn start(site: Site, identity: &Identity, back_end: impl Into<BackEnd>) -> Haproxy {
        let directory = configuration::directory();
        let here = directory.path();
        let both = format!("{}{}", identity.chain_pem, identity.key_pem);
        fs::write(here.join("gitlab.pem"), both).expect("the test's own directory is writable");
        let address = loopback::random_socket();
        let configuration = configuration(site, here, address, &back_end.into()).written();
        Haproxy::run(directory, address, configuration)
    }

    fn run(directory: TempDir, address: SocketAddr, configuration: Configuration<Place>) -> Haproxy {
        let mut command = child::command(PROGRAM);
        command.args(["-W", "-db", "-f"]).arg(configuration.file());
        let server = child::start(command, PACKAGES, &directory.path().join("server.log"));
        let mut haproxy = Haproxy { server, address, configuration, directory };
        haproxy.server.wait_until_it_accepts(address);
        haproxy
    }

    /// Starts `HAProxy` in front of a server that ends TLS itself: connections are passed on as they are, behind a line
    /// of the PROXY protocol that says for whom.
    pub(crate) fn relay(to: SocketAddr) -> Haproxy {
        let directory = configuration::directory();
        let address = loopback::random_socket();
        let text = format!(
            "defaults\n    mode tcp\n    timeout connect 5s\n    timeout client 1h\n    timeout server 1h\n\
             listen gitlab\n    bind {address}\n    server gitlab {to} send-proxy"
        );
        let configuration = Configuration::new(directory.path().join("haproxy.cfg")).fixed(text).written();
        Haproxy::run(directory, address, configuration)
    }

    /// Starts `HAProxy` to end TLS and nothing else, as `hitch` does: what comes is passed on as it is.
    pub(crate) fn ending_tls(identity: &Identity, to: SocketAddr) -> Haproxy {
        let directory = configuration::directory();
        let certificate = directory.path().join("gitlab.pem");
        let both = format!("{}{}", identity.chain_pem, identity.key_pem);
        fs::write(&certificate, both).expect("the test's own directory is writable");
        let address = loopback::random_socket();
        let text = format!(
            "defaults\n    mode tcp\n    timeout connect 5s\n    timeout client 1h\n    timeout server 1h\n\
             listen gitlab\n    bind {address} ssl crt {} alpn http/1.1\n    server gitlab {to}",
            certificate.display()
        );
        let configuration = Configuration::new(directory.path().join("haproxy.cfg")).fixed(text).written();
        Haproxy::run(directory, address, configuration)
    }

    /// The certificate and key as `bind` names them.
    pub(crate) fn certificate(&self) -> String {
        self.directory.path().join("gitlab.pem").display().to_string()
    }

    /// `haproxy -c`.
    pub(crate) fn syntax(&self) -> Syntax {
        let mut command = Command::new(PROGRAM);
        command.args(["-c", "-f"]).arg(self.configuration.file());
        configuration::check(command)
    }

    /// What `systemctl reload haproxy` does. Returns when only a worker with the new configuration accepts.
    pub(crate) fn reload(&mut self) {
        let syntax = self.syntax();
        assert!(syntax.accepted, "{}", syntax.said);
        let old = listening::workers(&self.server);
        self.server.signal(Signal::USR2);
        listening::wait_until_workers_change(&mut self.server, self.address, &old);
    }
}

/// The parts of the configuration in which the sites differ.
struct Parts {
    limits: &'static str,
    alpn: &'static str,
    frontend: &'static str,
    scheme: &'static str,
}

fn parts(site: Site) -> Parts {
    let good = Parts {
        limits: "    timeout client 1m\n    timeout server 1m\n    timeout tunnel 1h",
        alpn: "h2,http/1.1",
        frontend: "",
        scheme: "    http-request set-header X-Forwarded-Proto https",
    };
    match site {
        Site::Healthy => good,
        Site::ShortTunnel => {
            Parts { limits: "    timeout client 1m\n    timeout server 1m\n    timeout tunnel 2s", ..good }
        }
        Site::NoTunnel => Parts { limits: "    timeout client 2s\n    timeout server 2s", ..good },
        Site::HttpClose => Parts { frontend: "    option httpclose", ..good },
        Site::UpgradeDeleted => Parts {
            frontend: "    http-request del-header Upgrade\n    http-request del-header Connection",
            ..good
        },
        Site::ConnectionDeleted => Parts { frontend: "    http-request del-header Connection", ..good },
        Site::HostReplaced => Parts { frontend: "    http-request set-header Host gitlab.internal", ..good },
        Site::SchemeMissing => Parts { scheme: "", ..good },
        Site::SmallBody => Parts {
            frontend: "    http-request deny deny_status 413 if { req.hdr_val(content-length) gt 65536 }",
            ..good
        },
        Site::Http1Only => Parts { alpn: "http/1.1", ..good },
        Site::Http2Only => Parts { alpn: "h2", ..good },
        Site::Http2Forced => Parts { alpn: "h2 proto h2", ..good },
    }
}

fn configuration(
    site: Site,
    directory: &Path,
    listen: SocketAddr,
    back_end: &BackEnd,
) -> Configuration<Place> {
    let Parts { limits, alpn, frontend, scheme } = parts(site);
    let certificate = directory.join("gitlab.pem");
    let back_end = match back_end {
        BackEnd::Address(address) => address.to_string(),
        BackEnd::Socket(path) => format!("unix@{}", path.display()),
        BackEnd::Tls(address) => format!("{address} ssl verify none sni req.hdr(host)"),
    };
    Configuration::new(directory.join("haproxy.cfg"))
        .fixed("global\n    maxconn 200\n    log stderr format raw local0\ndefaults\n    log global\n    mode http\n    timeout connect 5s")
        .place(Place::Defaults, limits)
        .fixed("frontend public")
        .place(Place::Bind, format!("    bind {listen} ssl crt {} alpn {alpn}", certificate.display()))
        .place(Place::Frontend, frontend)
        .fixed("    default_backend gitlab")
        .place(
            Place::Backend,
            format!("backend gitlab\n    option forwardfor\n{scheme}\n    server gitlab {back_end}"),
        )
}
