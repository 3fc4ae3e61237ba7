//! Debian's Varnish in front of a back end. It speaks no TLS: an `HAProxy` stands before it, as its makers advise.

use crate::support::authority::Identity;
use crate::support::back_end::BackEnd;
use crate::support::child::{self, Server};
use crate::support::configuration::{self, Configuration, Syntax};
use crate::support::haproxy::{self, Haproxy};
use crate::support::loopback;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

const PACKAGES: &str = "varnish";

/// What becomes of upgrades.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Site {
    /// They are piped, by the lines of Varnish's own guide.
    Pipe,
    /// Nothing is said about them: they are passed as plain requests.
    NoPipe,
}

/// The places of the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// The subroutines, behind the back end.
    Subroutines,
}

/// A running Varnish behind an `HAProxy` that ends TLS.
pub(crate) struct Varnish {
    pub(crate) server: Server,
    /// Where `HAProxy` takes TLS.
    pub(crate) address: SocketAddr,
    /// Where Varnish takes plain HTTP.
    pub(crate) plain: SocketAddr,
    pub(crate) configuration: Configuration<Place>,
    reloads: u32,
    directory: TempDir,
    _haproxy: Haproxy,
}

impl Varnish {
    /// Starts both for `gitlab.example.com` with `identity`, in front of `back_end`.
    pub(crate) fn start(site: Site, identity: &Identity, back_end: impl Into<BackEnd>) -> Varnish {
        let directory = configuration::directory();
        let here = directory.path();
        let plain = loopback::random_socket();
        let configuration = configuration(site, here, &back_end.into()).written();
        let mut command = child::command("/usr/sbin/varnishd");
        command
            .args(["-F", "-s", "malloc,16m", "-a", &plain.to_string(), "-n"])
            .arg(here.join("work"))
            .arg("-f")
            .arg(configuration.file());
        let mut server = child::start(command, PACKAGES, &here.join("server.log"));
        server.wait_until_it_accepts(plain);
        let haproxy = Haproxy::start(haproxy::Site::Healthy, identity, plain);
        let address = haproxy.address;
        Varnish { server, address, plain, configuration, reloads: 0, directory, _haproxy: haproxy }
    }

    /// `varnishd -C`, which translates the configuration and leaves it at that.
    pub(crate) fn syntax(&self) -> Syntax {
        let mut command = child::command("/usr/sbin/varnishd");
        command.arg("-C").arg("-n").arg(self.directory.path().join("check"));
        command.arg("-f").arg(self.configuration.file());
        configuration::check(command)
    }

    /// `varnishadm vcl.load` and `vcl.use`, which return when new requests are served by the new configuration.
    pub(crate) fn reload(&mut self) {
        self.reloads += 1;
        let name = format!("reload{}", self.reloads);
        let file = self.configuration.file().display().to_string();
        for order in [&["vcl.load", &name, &file][..], &["vcl.use", &name]] {
            let mut command: Command = child::command("/usr/bin/varnishadm");
            command.arg("-n").arg(self.directory.path().join("work")).args(order);
            let answer = configuration::check(command);
            assert!(answer.accepted, "{order:?}: {}", answer.said);
        }
    }
}

fn configuration(site: Site, directory: &Path, back_end: &BackEnd) -> Configuration<Place> {
    let target = match back_end {
        BackEnd::Address(address) => {
            format!("    .host = \"{}\";\n    .port = \"{}\";", address.ip(), address.port())
        }
        BackEnd::Socket(path) => format!("    .path = \"{}\";", path.display()),
    };
    let subroutines = match site {
        Site::NoPipe => "",
        Site::Pipe => {
            "sub vcl_recv {
    if (req.http.upgrade ~ \"(?i)websocket\") {
        return (pipe);
    }
}
sub vcl_pipe {
    if (req.http.upgrade) {
        set bereq.http.upgrade = req.http.upgrade;
        set bereq.http.connection = req.http.connection;
    }
}"
        }
    };
    Configuration::new(directory.join("default.vcl"))
        .fixed(format!("vcl 4.1;\nbackend default {{\n{target}\n}}"))
        .place(Place::Subroutines, subroutines)
}
