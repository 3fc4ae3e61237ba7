//! Debian's Squid as reverse proxy with TLS: HTTP/1.1 only, and no ALPN at all.

use crate::support::authority::Identity;
use crate::support::back_end::BackEnd;
use crate::support::child;
use crate::support::configuration::{self, Configuration, Syntax};
use crate::support::loopback;
use crate::support::squid::{self, Squid};
use std::net::SocketAddr;
use std::path::Path;

/// How the site hands requests on. Only what a variant names is wrong in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Site {
    /// Upgrades to WebSocket are allowed, as Squid does from version 5 on.
    Upgrade,
    /// Nothing is said about upgrades: they are lost.
    NoUpgrade,
    /// Request bodies of up to 64 KiB.
    SmallBody,
    /// Nothing is said about the clients' credentials: Squid keeps `Authorization` for itself.
    AuthorizationDropped,
}

/// The places of the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// All that is said about the site.
    Site,
}

/// A running Squid in front of GitLab.
pub(crate) struct SquidReverse {
    pub(crate) squid: Squid,
    pub(crate) address: SocketAddr,
    pub(crate) configuration: Configuration<Place>,
}

impl SquidReverse {
    /// Starts Squid for `gitlab.example.com` with `identity`, in front of `back_end`, which has to be an address.
    pub(crate) fn start(site: Site, identity: &Identity, back_end: impl Into<BackEnd>) -> SquidReverse {
        let directory = configuration::directory();
        let here = directory.path();
        squid::write(&here.join("gitlab.pem"), &format!("{}{}", identity.chain_pem, identity.key_pem));
        squid::write(&here.join("hosts"), "");
        let address = loopback::random_socket();
        let configuration = configuration(site, here, address, back_end.into().address()).written();
        let mut squid = Squid::run(child::command(squid::PROGRAM), directory, address);
        squid.server.wait_until_it_accepts(address);
        SquidReverse { squid, address, configuration }
    }

    /// `squid -k parse`.
    pub(crate) fn syntax(&self) -> Syntax {
        let mut command = child::command(squid::PROGRAM);
        command.args(["-k", "parse", "-f"]).arg(self.configuration.file());
        configuration::check(command)
    }

    /// Starts Squid anew at the same address: its own reload tells nobody when it is over.
    pub(crate) fn reload(&mut self) {
        self.squid.restart();
        self.squid.server.wait_until_it_accepts(self.address);
    }
}

fn configuration(
    site: Site,
    directory: &Path,
    listen: SocketAddr,
    back_end: SocketAddr,
) -> Configuration<Place> {
    let here = directory.display();
    let (login, lines) = match site {
        Site::NoUpgrade => (" login=PASSTHRU", ""),
        Site::Upgrade => (" login=PASSTHRU", "http_upgrade_request_protocols websocket allow all"),
        Site::SmallBody => (" login=PASSTHRU", "request_body_max_size 64 KB"),
        Site::AuthorizationDropped => ("", "http_upgrade_request_protocols websocket allow all"),
    };
    let listens = format!(
        "https_port {listen} accel defaultsite=gitlab.example.com tls-cert={here}/gitlab.pem
cache_peer {} parent {} 0 no-query no-digest originserver name=gitlab{login}
request_header_add X-Forwarded-Proto https all
never_direct allow all
",
        back_end.ip(),
        back_end.port()
    );
    Configuration::new(directory.join("squid.conf"))
        .fixed(squid::settings(directory, &listens, "http_access allow all\n"))
        .place(Place::Site, lines)
}
