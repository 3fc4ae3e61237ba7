//! Any of the web servers, running in front of something.

use crate::support::authority::Identity;
use crate::support::back_end::BackEnd;
use crate::support::{apache, caddy, haproxy, nginx, squid_reverse, varnish};
use std::any::Any;
use std::net::SocketAddr;

/// A web server and how it is configured.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Front {
    Apache(apache::Site),
    Nginx(nginx::Site),
    Haproxy(haproxy::Site),
    Caddy(caddy::Site),
    Varnish(varnish::Site),
    Squid(squid_reverse::Site),
}

/// One that runs, until it is dropped.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    _server: Box<dyn Any>,
}

impl Front {
    /// Starts it for `gitlab.example.com` with `identity`, in front of `back_end`.
    pub(crate) fn start(self, identity: &Identity, back_end: impl Into<BackEnd>) -> Running {
        fn running<Server: Any>(address: impl Fn(&Server) -> SocketAddr, server: Server) -> Running {
            Running { address: address(&server), _server: Box::new(server) }
        }
        let to = back_end.into();
        match self {
            Front::Apache(site) => running(|s| s.address, apache::Apache::start(site, identity, to)),
            Front::Nginx(site) => running(|s| s.address, nginx::Nginx::start(site, identity, to)),
            Front::Haproxy(site) => running(|s| s.address, haproxy::Haproxy::start(site, identity, to)),
            Front::Caddy(site) => running(|s| s.address, caddy::Caddy::start(site, identity, to)),
            Front::Varnish(site) => running(|s| s.address, varnish::Varnish::start(site, identity, to)),
            Front::Squid(site) => {
                running(|s| s.address, squid_reverse::SquidReverse::start(site, identity, to))
            }
        }
    }

    /// Whether it cuts a silent WebSocket, so that one has to be held to see it.
    pub(crate) fn is_short(self) -> bool {
        match self {
            Front::Apache(site) => site == apache::Site::ShortTimeout,
            Front::Nginx(site) => site == nginx::Site::ShortReadTimeout,
            Front::Haproxy(site) => matches!(site, haproxy::Site::ShortTunnel | haproxy::Site::NoTunnel),
            Front::Varnish(site) => site == varnish::Site::ShortPipe,
            Front::Caddy(_) | Front::Squid(_) => false,
        }
    }
}
