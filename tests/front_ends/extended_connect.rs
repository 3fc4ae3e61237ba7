//! A WebSocket within HTTP/2 (RFC 8441), by the program's own code against `HAProxy`, which alone announces it.

use crate::support::haproxy::{self, Haproxy};
use crate::support::nginx::{self, Nginx};
use crate::{HOST, Instance};
use duo_doctor::failure::{Failure, Layer};
use duo_doctor::net::Net;
use duo_doctor::probe::{Alpn, Listen, Probe, Reading, Sample, Then, TlsAsk, Upgrade, Version, Walk};
use duo_doctor::subject::address::Target;
use duo_doctor::subject::dial::{Dial, NameRule, NameTo};
use duo_doctor::subject::doors::Aim;
use duo_doctor::subject::{PublicRoots, Store, StoreId, Subject, Via};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use std::net::SocketAddr;
use std::sync::Arc;

async fn samples(instance: &Instance, address: SocketAddr) -> Vec<Sample> {
    let root = CertificateDer::from_pem_slice(instance.authority.root_pem().as_bytes()).expect("a root");
    let to = NameTo::Connect { host: Some(address.ip().to_string()), port: Some(address.port()) };
    let subject = Subject {
        dial: Dial { names: vec![NameRule { host: None, port: None, to }], ..Dial::default() },
        stores: vec![Store { label: "the test's store".into(), roots: vec![root.to_vec()] }],
        public_roots: PublicRoots::Given(Vec::new()),
        started_at: jiff::Timestamp::now(),
        ..Subject::default()
    };
    let upgrade = Upgrade {
        path: "/-/cable".into(),
        authority: HOST.into(),
        origin: format!("https://{HOST}"),
        protocols: vec!["actioncable-v1-json".into()],
        headers: Vec::new(),
        credential: None,
        message: None,
        version: Version::Http2,
        listen: Listen::FirstPing,
    };
    let probe = Probe::Walk(Walk {
        target: Target::new(HOST, 443),
        via: Via::Direct,
        tls: Some(TlsAsk { alpn: Alpn::Http2, ..TlsAsk::strict(StoreId(0)) }),
        then: Then::Upgrade(upgrade),
        aim: Aim::Name,
        nth: 1,
    });
    let mut samples = Vec::new();
    Net::new(Arc::new(subject)).carry_out(&probe, &mut |sample| samples.push(sample)).await;
    samples
}

#[tokio::test]
async fn haproxy_opens_it_and_action_cable_speaks_in_it() {
    let instance = Instance::new();
    for site in [haproxy::Site::Healthy, haproxy::Site::Http2Only] {
        let front = Haproxy::start(site, &instance.identity, instance.cable.address);
        let samples = samples(&instance, front.address).await;
        let last = samples.last().expect("a sample");
        assert_eq!(last.layer, Layer::Ping, "{site:?}: {samples:?}");
        assert!(matches!(last.reading(), Some(Reading::Ping { .. })), "{site:?}: {samples:?}");
    }
}

#[tokio::test]
async fn nginx_does_not_announce_it() {
    let instance = Instance::new();
    let front = Nginx::start(nginx::Site::Upgrade, &instance.identity, instance.cable.address);
    let samples = samples(&instance, front.address).await;
    let last = samples.last().expect("a sample");
    assert!(matches!(last.failure(), Some(Failure::WebSocket(_))), "{samples:?}");
}
