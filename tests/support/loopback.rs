//! Addresses on loopback that no other test and no other program uses at the same time.
//!
//! Linux answers on all of 127.0.0.0/8. A server that cannot be handed a listening socket gets an address drawn at
//! random from it: between taking the port's number and the server's own `bind`, nobody else can take the pair,
//! because outgoing connections and other tests use other addresses.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};

/// An address of 127.0.0.0/8 outside 127.0.0.0/16, drawn at random.
pub(crate) fn random_address() -> Ipv4Addr {
    let drawn = RandomState::new().hash_one("loopback").to_be_bytes();
    Ipv4Addr::new(127, drawn[0] | 1, drawn[1], drawn[2].clamp(1, 254))
}

/// A random loopback address with a port that the system found free on it.
pub(crate) fn random_socket() -> SocketAddr {
    let listener = TcpListener::bind((random_address(), 0)).expect("all of 127.0.0.0/8 is loopback on Linux");
    listener.local_addr().expect("a bound socket has an address")
}
