use crate::support::{
    HOST, Party, STORE, alone, authority, carry_out, failure, fetch, get, impatient, params, peer, reading,
    says, server_builder, server_config, signed, subject, tls_peer, trusting, walk,
};
use duo_doctor::failure::{Failure, HttpKind, Layer, TlsFailure, TlsKind};
use duo_doctor::probe::{Alpn, Hello, Packets, Probe, Reading, Then, Tls, TlsAsk, Walk};
use duo_doctor::subject::address::Target;
use duo_doctor::subject::doors::Aim;
use duo_doctor::subject::{PublicRoots, Subject, Via};
use rcgen::{BasicConstraints, IsCa, date_time_ymd};
use rustls::RootCertStore;
use rustls::server::WebPkiClientVerifier;
use rustls_pki_types::PrivateKeyDer;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const STRICT: fn() -> TlsAsk = || TlsAsk::strict(STORE);

fn shake(to: SocketAddr, ask: TlsAsk) -> Probe {
    walk(to, Some(ask), Then::Close)
}

async fn tls_failure(subject: Subject, to: SocketAddr) -> TlsFailure {
    match failure(subject, &shake(to, STRICT())).await {
        (Layer::Tls, Failure::Tls(failed)) => *failed,
        other => panic!("{other:?}"),
    }
}

async fn tls(subject: Subject, to: SocketAddr, ask: TlsAsk) -> Tls {
    match reading(subject, &shake(to, ask)).await {
        Reading::Tls(tls) => *tls,
        other => panic!("{other:?}"),
    }
}

/// A peer with this certificate, and these behind it in its chain.
async fn with(party: &Party, rest: &[&Party]) -> SocketAddr {
    let chain = std::iter::once(party).chain(rest.iter().copied()).map(|p| p.der.clone()).collect();
    tls_peer(server_config(chain, &party.key)).await
}

#[tokio::test]
async fn a_trusted_channel_tells_version_cipher_and_chain() {
    let root = authority("Test Root");
    let to = with(&signed(params("server"), &root), &[]).await;
    let tls = tls(trusting(&root.der), to, STRICT()).await;
    assert_eq!((tls.version.as_str(), tls.public, tls.bad_certificate), ("TLS 1.3", false, None));
    assert!(tls.cipher.starts_with("TLS_"), "{}", tls.cipher);
    let leaf = &tls.chain[0];
    assert_eq!((leaf.subject.as_str(), leaf.names.as_slice()), ("server", [HOST.to_owned()].as_slice()));
    assert_eq!((leaf.not_before, leaf.sha256.len(), leaf.is_ca), (1_767_225_600, 64, false));
    let answered = reading(trusting(&root.der), &get(to, Some(STRICT()))).await;
    assert!(matches!(answered, Reading::Answer(a) if a.body == "hi"));
}

#[tokio::test]
async fn every_way_in_which_a_certificate_is_bad_has_its_kind_and_keeps_the_chain() {
    let root = authority("Test Root");
    let between = signed(
        {
            let mut p = params("Between");
            p.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            p
        },
        &root,
    );
    let dated = |from, until| {
        let mut params = params("server");
        (params.not_before, params.not_after) = (date_time_ymd(from, 1, 1), date_time_ymd(until, 1, 1));
        signed(params, &root)
    };
    let mut elsewhere = params("server");
    elsewhere.subject_alt_names = vec![rcgen::SanType::DnsName("other.test".try_into().expect("a name"))];
    let stranger = authority("Stranger");
    let mut ca_itself = params("itself");
    ca_itself.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    for (party, rest, kind) in [
        (dated(2024, 2025), vec![], TlsKind::Expired),
        (dated(2027, 2028), vec![], TlsKind::NotYetValid),
        (signed(elsewhere, &root), vec![], TlsKind::WrongName),
        (signed(params("server"), &between), vec![], TlsKind::ChainIncomplete),
        (signed(params("server"), &stranger), vec![&stranger], TlsKind::UnknownIssuer),
        (alone(params("itself")), vec![], TlsKind::SelfSigned),
        (alone(ca_itself), vec![], TlsKind::SelfSigned),
    ] {
        let failed = tls_failure(trusting(&root.der), with(&party, &rest).await).await;
        assert_eq!((failed.kind, failed.chain.len()), (kind, 1 + rest.len()), "{failed:?}");
        assert!(!failed.words.is_empty());
    }
}

#[tokio::test]
async fn a_fetch_over_a_bad_certificate_fails_at_tls() {
    let to = with(&alone(params("itself")), &[]).await;
    let (layer, failed) = failure(subject(), &fetch(to, Some(STRICT()))).await;
    assert!(matches!(&failed, Failure::Tls(f) if f.kind == TlsKind::SelfSigned), "{failed:?}");
    assert_eq!(layer, Layer::Tls);
    let recorded = reading(subject(), &fetch(to, Some(TlsAsk::lenient(STORE)))).await;
    assert!(matches!(recorded, Reading::Answer(_)));
}

#[tokio::test]
async fn a_certificate_that_stands_in_the_store_itself_is_trusted() {
    let mut itself = params("itself");
    itself.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let itself = alone(itself);
    let to = with(&itself, &[]).await;
    assert_eq!(tls(trusting(&itself.der), to, STRICT()).await.bad_certificate, None);
}

#[tokio::test]
async fn an_onlooker_goes_on_and_records_what_is_bad() {
    let to = with(&alone(params("itself")), &[]).await;
    let samples = carry_out(subject(), &get(to, Some(TlsAsk::lenient(STORE)))).await;
    let Some(Reading::Tls(tls)) = samples[2].reading() else { panic!("{samples:?}") };
    assert_eq!(tls.bad_certificate, Some(TlsKind::SelfSigned));
    assert_eq!(samples.last().map(|s| s.layer), Some(Layer::Http));
}

#[tokio::test]
async fn an_expired_certificate_of_a_public_root_is_still_public() {
    let root = authority("Public Root");
    let mut expired = params("server");
    (expired.not_before, expired.not_after) = (date_time_ymd(2024, 1, 1), date_time_ymd(2025, 1, 1));
    let to = with(&signed(expired, &root), &[]).await;
    for (public, expected) in [(vec![root.der.to_vec()], true), (vec![], false)] {
        let subject = Subject { public_roots: PublicRoots::Given(public), ..trusting(&root.der) };
        let failed = tls_failure(subject, to).await;
        assert_eq!((failed.kind, failed.public), (TlsKind::Expired, Some(expected)));
    }
}

#[tokio::test]
async fn a_leaf_whose_root_is_known_elsewhere_is_not_called_incomplete() {
    let root = authority("Public Root");
    let to = with(&signed(params("server"), &root), &[]).await;
    let subject = Subject { public_roots: PublicRoots::Given(vec![root.der.to_vec()]), ..subject() };
    let failed = tls_failure(subject, to).await;
    assert_eq!((failed.kind, failed.public), (TlsKind::UnknownIssuer, Some(true)));
}

#[tokio::test]
async fn a_thousand_certificates_are_bounded() {
    let itself = alone(params("itself"));
    let few = server_config(vec![itself.der.clone(); 100], &itself.key);
    let failed = tls_failure(subject(), tls_peer(few).await).await;
    assert_eq!((failed.kind, failed.chain.len()), (TlsKind::SelfSigned, 20));
    let many = server_config(vec![itself.der.clone(); 1000], &itself.key);
    let failed = tls_failure(subject(), tls_peer(many).await).await;
    assert_eq!((failed.kind, failed.chain.len()), (TlsKind::Other, 0), "{failed:?}");
}

#[tokio::test]
async fn what_is_not_tls_shows_its_first_bytes() {
    let to = says("HTTP/1.1 400 Bad Request\r\n\r\n").await;
    let failed = tls_failure(subject(), to).await;
    assert_eq!(failed.kind, TlsKind::NotSpoken);
    assert!(failed.first_bytes.starts_with("HTTP/1.1 400"), "{failed:?}");
}

#[tokio::test]
async fn alerts_a_hang_up_and_silence_are_told_apart() {
    let silent = peer(|mut stream| async move {
        let _ = stream.read_to_end(&mut Vec::new()).await;
    })
    .await;
    for (to, kind) in [
        // Alerts (RFC 8446, section 6): protocol_version, handshake_failure, internal_error.
        (says([21, 3, 3, 0, 2, 2, 70]).await, TlsKind::VersionUnsupported),
        (says([21, 3, 3, 0, 2, 2, 40]).await, TlsKind::NoCommonCipher),
        (says([21, 3, 3, 0, 2, 2, 80]).await, TlsKind::Other),
        (says("").await, TlsKind::Reset),
        (silent, TlsKind::Timeout),
    ] {
        let failed = tls_failure(impatient(), to).await;
        assert_eq!((failed.kind, failed.public), (kind, None), "{failed:?}");
    }
}

#[tokio::test]
async fn a_large_hello_takes_two_packets_and_the_handshake_completes() {
    let root = authority("Test Root");
    let to = with(&signed(params("server"), &root), &[]).await;
    let large = TlsAsk { hello: Hello::Large, packets: Packets::Small, ..STRICT() };
    assert_eq!(tls(trusting(&root.der), to, large).await.version, "TLS 1.3");
    let (tell, mut told) = tokio::sync::mpsc::channel(4);
    let counting = peer(move |mut stream| {
        let tell = tell.clone();
        async move {
            // The record's header says how long the hello is.
            let mut header = [0; 5];
            stream.read_exact(&mut header).await.expect("a record");
            tell.send(u16::from_be_bytes([header[3], header[4]])).await.expect("a listener");
        }
    })
    .await;
    for (hello, sizes) in [(Hello::Small, 100..700), (Hello::Large, 1_400..2_000)] {
        let _ = carry_out(subject(), &shake(counting, TlsAsk { hello, ..STRICT() })).await;
        let size = told.recv().await.expect("a size");
        assert!(sizes.contains(&size), "{size}");
    }
}

#[tokio::test]
async fn http_2_is_spoken_where_alpn_settles_on_it() {
    let root = authority("Test Root");
    let server = signed(params("server"), &root);
    let mut config = server_config(vec![server.der.clone()], &server.key);
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let to = peer(move |stream| {
        let acceptor = acceptor.clone();
        async move {
            let stream = hyper_util::rt::TokioIo::new(acceptor.accept(stream).await.expect("a handshake"));
            let service =
                hyper::service::service_fn(|request: hyper::Request<hyper::body::Incoming>| async move {
                    let body = http_body_util::Full::new(bytes::Bytes::from(request.uri().to_string()));
                    Ok::<_, std::convert::Infallible>(hyper::Response::new(body))
                });
            let executor = hyper_util::rt::TokioExecutor::new();
            let _ =
                hyper::server::conn::http2::Builder::new(executor).serve_connection(stream, service).await;
        }
    })
    .await;
    for probe in [get(to, Some(STRICT())), fetch(to, Some(STRICT()))] {
        let Reading::Answer(answer) = reading(trusting(&root.der), &probe).await else { panic!("no answer") };
        assert_eq!((answer.version.as_str(), answer.status), ("HTTP/2", 200));
        assert!(answer.body.starts_with("https://gitlab.test:"), "{}", answer.body);
    }
}

#[tokio::test]
async fn endless_headers_of_http_2_are_malformed() {
    let root = authority("Test Root");
    let server = signed(params("server"), &root);
    let mut config = server_config(vec![server.der.clone()], &server.key);
    config.alpn_protocols = vec![b"h2".to_vec()];
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let to = peer(move |stream| {
        let acceptor = acceptor.clone();
        async move {
            let Ok(stream) = acceptor.accept(stream).await else { return };
            let service = hyper::service::service_fn(|_: hyper::Request<hyper::body::Incoming>| async move {
                let response = (0..100)
                    .fold(hyper::Response::builder(), |r, i| r.header(format!("x-{i}"), "x".repeat(8_000)));
                response.body(http_body_util::Empty::<bytes::Bytes>::new())
            });
            let executor = hyper_util::rt::TokioExecutor::new();
            let stream = hyper_util::rt::TokioIo::new(stream);
            let _ =
                hyper::server::conn::http2::Builder::new(executor).serve_connection(stream, service).await;
        }
    })
    .await;
    for probe in [get(to, Some(STRICT())), fetch(to, Some(STRICT()))] {
        let (_, failed) = failure(trusting(&root.der), &probe).await;
        assert!(matches!(&failed, Failure::Http(f) if f.kind == HttpKind::Malformed), "{failed:?}");
    }
}

#[tokio::test]
async fn a_proxy_behind_tls_is_verified_and_carries_a_handshake_of_its_own() {
    let root = authority("Test Root");
    let server = signed(params("server"), &root);
    let acceptor =
        tokio_rustls::TlsAcceptor::from(Arc::new(server_config(vec![server.der.clone()], &server.key)));
    let proxy = peer(move |stream| {
        let acceptor = acceptor.clone();
        async move {
            let Ok(mut stream) = acceptor.accept(stream).await else { return };
            let _ = stream.read(&mut [0; 4096]).await;
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await;
            // The tunnel ends here too: the inner handshake is for the target's name.
            let _ = acceptor.accept(stream).await;
        }
    })
    .await;
    let through = |target: &str| {
        let url = format!("https://{HOST}:{}", proxy.port()).parse().expect("a proxy's URL");
        Probe::Walk(Walk {
            target: Target::new(target, 443),
            via: Via::Proxy(url),
            tls: Some(STRICT()),
            then: Then::Close,
            aim: Aim::Name,
            nth: 1,
        })
    };
    assert!(matches!(reading(trusting(&root.der), &through(HOST)).await, Reading::Tls(_)));
    let (layer, failed) = failure(trusting(&root.der), &through("other.test")).await;
    assert!(matches!(&failed, Failure::Tls(f) if f.kind == TlsKind::WrongName && f.host == "other.test"));
    assert_eq!(layer, Layer::Tls);
    let (layer, failed) = failure(subject(), &through(HOST)).await;
    assert!(matches!(&failed, Failure::Tls(f) if f.host == HOST), "{failed:?}");
    assert_eq!(layer, Layer::Proxy);
}

#[tokio::test]
async fn a_demand_for_a_client_certificate_is_recognised_at_every_layer() {
    let root = authority("Test Root");
    let server = signed(params("server"), &root);
    let mut roots = RootCertStore::empty();
    roots.add(root.der.clone()).expect("a root");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let wanting =
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().expect("a verifier");
    let key = PrivateKeyDer::try_from(server.key.serialize_der()).expect("a key");
    let config = server_builder()
        .with_client_cert_verifier(wanting)
        .with_single_cert(vec![server.der.clone()], key)
        .expect("a server's configuration");
    let to = tls_peer(config).await;
    assert_eq!(tls_failure(trusting(&root.der), to).await.kind, TlsKind::ClientCertificateWanted);
    for probe in [get(to, Some(STRICT())), fetch(to, Some(TlsAsk { alpn: Alpn::Http1, ..STRICT() }))] {
        let (_, failed) = failure(trusting(&root.der), &probe).await;
        assert!(
            matches!(&failed, Failure::Http(f) if f.kind == HttpKind::ClientCertificateWanted),
            "{failed:?}"
        );
    }
}
