//! A subject to probe with, peers to probe, and certificates for them.

use duo_doctor::failure::{Failure, Layer};
use duo_doctor::net::Net;
use duo_doctor::probe::{Fetch, Probe, Reading, Request, Sample, Then, TlsAsk, Walk};
use duo_doctor::subject::address::Target;
use duo_doctor::subject::dial::{AddressRule, AddressTo, Dial, NameRule, NameTo};
use duo_doctor::subject::doors::Aim;
use duo_doctor::subject::limits::Limits;
use duo_doctor::subject::{PublicRoots, Store, StoreId, Subject, Via};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::ServerConfig;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

pub(crate) const HOST: &str = "gitlab.test";
pub(crate) const STORE: StoreId = StoreId(0);

/// A subject of 1 June 2026 that resolves every name to loopback.
pub(crate) fn subject() -> Subject {
    let to = NameTo::Addresses(vec!["127.0.0.1".parse().expect("an address")]);
    Subject {
        dial: Dial { names: vec![NameRule { host: None, port: None, to }], ..Dial::default() },
        stores: vec![Store { label: "the test's store".into(), roots: Vec::new() }],
        public_roots: PublicRoots::Given(Vec::new()),
        started_at: "2026-06-01T00:00:00Z".parse().expect("a time"),
        limits: Limits { timeout: Duration::from_secs(5), ..Limits::DEFAULT },
        ..Subject::default()
    }
}

pub(crate) fn impatient() -> Subject {
    let limits = Limits { timeout: Duration::from_millis(200), ..Limits::DEFAULT };
    Subject { limits, ..subject() }
}

pub(crate) fn trusting(root: &CertificateDer<'_>) -> Subject {
    let mut subject = subject();
    subject.stores[0].roots.push(root.to_vec());
    subject
}

pub(crate) fn address_rule(subject: &mut Subject, to: AddressTo) {
    subject.dial.addresses.push(AddressRule { address: None, port: None, to });
}

pub(crate) fn walk(to: SocketAddr, tls: Option<TlsAsk>, then: Then) -> Probe {
    Probe::Walk(Walk {
        target: Target::new(HOST, to.port()),
        via: Via::Direct,
        tls,
        then,
        aim: Aim::Name,
        nth: 1,
    })
}

pub(crate) fn get(to: SocketAddr, tls: Option<TlsAsk>) -> Probe {
    walk(to, tls, Then::Request(Request::get("/")))
}

pub(crate) fn fetch(to: SocketAddr, tls: Option<TlsAsk>) -> Probe {
    Probe::Fetch(Fetch { target: Target::new(HOST, to.port()), tls, request: Request::get("/") })
}

pub(crate) async fn carry_out(subject: Subject, probe: &Probe) -> Vec<Sample> {
    let probe = probe.clone();
    // On a task of its own, as the program runs it: the future must be `Send`.
    let probing = tokio::spawn(async move {
        let mut samples = Vec::new();
        Net::new(Arc::new(subject)).carry_out(&probe, &mut |sample| samples.push(sample)).await;
        samples
    });
    probing.await.expect("a probe that does not panic")
}

/// The failure at the end of a probe, with the layer it is told at.
pub(crate) async fn failure(subject: Subject, probe: &Probe) -> (Layer, Failure) {
    let samples = carry_out(subject, probe).await;
    let last = samples.last().expect("a sample");
    (last.layer, last.failure().unwrap_or_else(|| panic!("no failure in {samples:?}")).clone())
}

/// The reading at the end of a probe.
pub(crate) async fn reading(subject: Subject, probe: &Probe) -> Reading {
    let samples = carry_out(subject, probe).await;
    let last = samples.last().expect("a sample");
    assert_eq!(last.layer, probe.last_layer(), "{samples:?}");
    last.reading().expect("a reading").clone()
}

/// A peer on loopback that treats each connection alike.
pub(crate) async fn peer<F, T>(treat: F) -> SocketAddr
where
    F: Fn(TcpStream) -> T + Send + 'static,
    T: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(treat(stream));
        }
    });
    address
}

/// A peer that reads once and then says one thing and closes.
pub(crate) async fn says(text: impl Into<Vec<u8>>) -> SocketAddr {
    let text: Arc<[u8]> = Arc::from(text.into());
    peer(move |mut stream| {
        let text = Arc::clone(&text);
        async move {
            let mut request = vec![0; 16 * 1024];
            let _ = stream.read(&mut request).await;
            let _ = stream.write_all(&text).await;
            let _ = stream.shutdown().await;
            let _ = stream.read(&mut request).await;
        }
    })
    .await
}

/// An authority or a server with its key.
pub(crate) struct Party {
    pub(crate) params: CertificateParams,
    pub(crate) key: KeyPair,
    pub(crate) der: CertificateDer<'static>,
}

pub(crate) fn params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::new(vec![HOST.to_owned()]).expect("valid names");
    params.distinguished_name.push(DnType::CommonName, name);
    (params.not_before, params.not_after) = (date_time_ymd(2026, 1, 1), date_time_ymd(2027, 1, 1));
    params
}

pub(crate) fn authority(name: &str) -> Party {
    let mut params = params(name);
    params.subject_alt_names.clear();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    alone(params)
}

pub(crate) fn alone(params: CertificateParams) -> Party {
    let key = KeyPair::generate().expect("a key");
    let der = params.self_signed(&key).expect("a certificate").der().clone();
    Party { params, key, der }
}

pub(crate) fn signed(params: CertificateParams, by: &Party) -> Party {
    let key = KeyPair::generate().expect("a key");
    let issuer = Issuer::from_params(&by.params, &by.key);
    let der = params.signed_by(&key, &issuer).expect("a certificate").der().clone();
    Party { params, key, der }
}

pub(crate) fn server_config(chain: Vec<CertificateDer<'static>>, key: &KeyPair) -> ServerConfig {
    let key = PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
    server_builder().with_no_client_auth().with_single_cert(chain, key).expect("a server's configuration")
}

pub(crate) fn server_builder() -> rustls::ConfigBuilder<ServerConfig, rustls::WantsVerifier> {
    ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("protocol versions")
}

/// A TLS peer that answers each connection's first bytes with a small HTTP page.
pub(crate) async fn tls_peer(config: ServerConfig) -> SocketAddr {
    let acceptor = TlsAcceptor::from(Arc::new(config));
    peer(move |stream| {
        let acceptor = acceptor.clone();
        async move {
            let Ok(mut stream) = acceptor.accept(stream).await else { return };
            let mut request = vec![0; 4096];
            if stream.read(&mut request).await.is_ok_and(|n| n > 0) {
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi").await;
                let _ = stream.shutdown().await;
            }
        }
    })
    .await
}
