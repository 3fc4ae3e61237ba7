//! A `ClientHello` as large as a post-quantum one, without post-quantum cryptography.
//!
//! A reserved group (GREASE, RFC 8701) with a key share of 1,216 random bytes, the size of X25519MLKEM768's, is
//! put in front of the real groups. A server must ignore it and use the X25519 share beside it, so the handshake
//! is an ordinary one, but its first message no longer fits into one packet.

use rustls::crypto::{ActiveKeyExchange, CryptoProvider, SharedSecret, SupportedKxGroup};
use rustls::ffdhe_groups::FfdheGroup;
use rustls::{Error, NamedGroup, PeerMisbehaved, ProtocolVersion};
use std::sync::Arc;

/// One of the values that RFC 8701, section 2 reserves for groups.
const RESERVED: NamedGroup = NamedGroup::Unknown(0x2a2a);

/// The client's share of X25519MLKEM768: 1,184 bytes of ML-KEM-768 and 32 of X25519.
const SHARE: usize = 1_216;

/// The same cryptography with the reserved group in front.
pub(super) fn large(provider: &CryptoProvider) -> Arc<CryptoProvider> {
    let mut large = provider.clone();
    large.kx_groups.insert(0, &Padding);
    Arc::new(large)
}

#[derive(Debug)]
struct Padding;

/// A share that nobody can use, with the real one beside it.
struct Share {
    random: Vec<u8>,
    real: Box<dyn ActiveKeyExchange>,
}

impl SupportedKxGroup for Padding {
    fn start(&self) -> Result<Box<dyn ActiveKeyExchange>, Error> {
        let mut random = vec![0; SHARE];
        rustls::crypto::ring::default_provider().secure_random.fill(&mut random)?;
        Ok(Box::new(Share { random, real: rustls::crypto::ring::kx_group::X25519.start()? }))
    }

    fn ffdhe_group(&self) -> Option<FfdheGroup<'static>> {
        None
    }

    fn name(&self) -> NamedGroup {
        RESERVED
    }

    fn usable_for_version(&self, version: ProtocolVersion) -> bool {
        version == ProtocolVersion::TLSv1_3
    }
}

impl ActiveKeyExchange for Share {
    fn complete(self: Box<Self>, _peer: &[u8]) -> Result<SharedSecret, Error> {
        // The server chose a group that means nothing.
        Err(PeerMisbehaved::IllegalHelloRetryRequestWithUnofferedNamedGroup.into())
    }

    fn hybrid_component(&self) -> Option<(NamedGroup, &[u8])> {
        Some((self.real.group(), self.real.pub_key()))
    }

    fn complete_hybrid_component(self: Box<Self>, peer: &[u8]) -> Result<SharedSecret, Error> {
        self.real.complete(peer)
    }

    fn pub_key(&self) -> &[u8] {
        &self.random
    }

    fn ffdhe_group(&self) -> Option<FfdheGroup<'static>> {
        None
    }

    fn group(&self) -> NamedGroup {
        RESERVED
    }
}
