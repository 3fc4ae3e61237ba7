//! Where the hop that loses an upgrade should send it: the next server on this node that takes it.

use super::At;
use super::handshake::{fares, socket};
use super::hop::{Fares, Hop};
use crate::check::Reached;
use crate::failure::Layer;
use crate::probe::Reading;
use crate::subject::address::Scheme;
use crate::subject::doors::Aim;
use crate::subject::place::Door;
use std::net::SocketAddr;

/// What a hop has to pass requests on to; empty where it is not known.
#[derive(Default)]
pub(super) struct Upstream {
    /// `https://10.20.0.11:443`
    pub(super) http: String,
    /// `wss://10.20.0.11:443`
    pub(super) ws: String,
    /// `10.20.0.11:443`
    pub(super) host: String,
}

/// What stands behind a hop. The front end's is this node's NGINX, else Workhorse by TCP (`field-notes` 36).
pub(super) fn upstream(at: At, hop: Hop) -> Upstream {
    let found = match hop {
        Hop::FrontEnd | Hop::BeforeNginx => {
            listener(at, Door::Nginx).and_then(|found| from_outside(at, found)).or_else(|| {
                // Workhorse is told its address: another than that it does not listen at.
                listener(at, Door::Workhorse)
                    .filter(|(address, _)| !address.ip().is_loopback() || is_on_this_node(at))
            })
        }
        Hop::Nginx => listener(at, Door::Workhorse),
        Hop::Workhorse | Hop::Puma => None,
    };
    let Some((address, scheme)) = found else { return Upstream::default() };
    let (http, ws) = match scheme {
        Scheme::Http => ("http", "ws"),
        Scheme::Https => ("https", "wss"),
    };
    Upstream {
        http: format!("{http}://{address}"),
        ws: format!("{ws}://{address}"),
        host: address.to_string(),
    }
}

/// Where a door that works listens, if that is an address.
fn listener(at: At, door: Door) -> Option<(SocketAddr, Scheme)> {
    let at = At { entrance: at.subject.doors.get(door)?, ..at };
    // Where the header of the PROXY protocol is wanted, an address alone would not do.
    let Aim::Address(address) = at.entrance.aim else { return None };
    let works = fares(at, socket(at), Layer::Welcome) == Fares::Works;
    works.then_some((address, at.entrance.scheme))
}

/// The same as a front end reaches it: NGINX listens at every address of the node, and loopback is none for others.
fn from_outside(at: At, (address, scheme): (SocketAddr, Scheme)) -> Option<(SocketAddr, Scheme)> {
    if !address.ip().is_loopback() || is_on_this_node(at) {
        return Some((address, scheme));
    }
    let own = at.subject.facts.ways_in.addresses.as_deref().unwrap_or_default();
    // Of several nobody knows which one the front end reaches.
    let mut outer = own.iter().filter(|ip| !ip.is_loopback() && ip.is_ipv4());
    let ip = outer.next().filter(|_| outer.next().is_none())?;
    Some((SocketAddr::new(*ip, address.port()), scheme))
}

/// Whether the public door was met at an address of this node.
fn is_on_this_node(at: At) -> bool {
    let own = at.subject.facts.ways_in.addresses.as_deref().unwrap_or_default();
    match at.seen.reached(&at.page(), Layer::Tcp) {
        Reached::Here(Reading::Connected(connected)) => {
            connected.address.ip().is_loopback() || own.contains(&connected.address.ip())
        }
        Reached::Here(_) | Reached::Failed(_) | Reached::NotYet => false,
    }
}
