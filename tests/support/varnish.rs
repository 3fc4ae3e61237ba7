//! Debian's Varnish in front of a back end. It speaks no TLS: an `HAProxy` stands before it, as its makers advise.

use crate::support::authority::Identity;
use crate::support::back_end::BackEnd;
use crate::support::child::{self, Server};
use crate::support::configuration::{self, Configuration, Syntax};
use crate::support::haproxy::{self, Haproxy};
use crate::support::loopback;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
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
    /// They are piped, and a pipe that is silent for two seconds is closed (`pipe_timeout`).
    ShortPipe,
}

/// What ends TLS before Varnish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Before {
    /// `HAProxy` in mode `http`, which says so.
    Haproxy,
    /// Something that leaves no trace, as `hitch`; Varnish itself says that the client came by https.
    TlsAlone,
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
        Varnish::start_behind(Before::Haproxy, site, identity, back_end)
    }

    /// The same with something else before it.
    pub(crate) fn start_behind(
        before: Before,
        site: Site,
        identity: &Identity,
        back_end: impl Into<BackEnd>,
    ) -> Varnish {
        let directory = configuration::directory();
        let here = directory.path();
        let plain = loopback::random_socket();
        let configuration = configuration(before, site, here, &back_end.into()).written();
        let mut command = child::command("/usr/sbin/varnishd");
        command
            .args(["-F", "-s", "malloc,16m", "-a", &plain.to_string(), "-n"])
            .arg(here.join("work"))
            .arg("-f")
            .arg(configuration.file());
        match site {
            Site::ShortPipe => {
                command.args(["-p", "pipe_timeout=2"]);
            }
            Site::Pipe | Site::NoPipe => {}
        }
        let mut server = child::start(command, PACKAGES, &here.join("server.log"));
        server.wait_until_it_accepts(plain);
        let haproxy = match before {
            Before::Haproxy => Haproxy::start(haproxy::Site::Healthy, identity, plain),
            Before::TlsAlone => Haproxy::ending_tls(identity, plain),
        };
        let address = haproxy.address;
        Varnish { server, address, plain, configuration, reloads: 0, directory, _haproxy: haproxy }
    }

    /// What `varnishadm` needs to be told to reach this one: `-n DIRECTORY`.
    pub(crate) fn work(&self) -> PathBuf {
        self.directory.path().join("work")
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
            command.arg("-n").arg(self.work()).args(order);
            let answer = configuration::check(command);
            assert!(answer.accepted, "{order:?}: {}", answer.said);
        }
    }
}

fn configuration(before: Before, site: Site, directory: &Path, back_end: &BackEnd) -> Configuration<Place> {
    let target = match back_end {
        BackEnd::Address(address) => {
            format!("    .host = \"{}\";\n    .port = \"{}\";", address.ip(), address.port())
        }
        BackEnd::Socket(path) => format!("    .path = \"{}\";", path.display()),
        BackEnd::Tls(address) => panic!("Varnish speaks no TLS to {address}"),
    };
    let subroutines = match site {
        Site::NoPipe => "",
        Site::Pipe | Site::ShortPipe => {
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
    let scheme = match before {
        Before::Haproxy => "",
        Before::TlsAlone => "sub vcl_recv {\n    set req.http.X-Forwarded-Proto = \"https\";\n}",
    };
    Configuration::new(directory.join("default.vcl"))
        .fixed(format!("vcl 4.1;\nbackend default {{\n{target}\n}}\n{scheme}"))
        .place(Place::Subroutines, subroutines)
}
