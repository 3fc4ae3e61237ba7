//! The TLS handshake: what is offered, how it failed, what the peer showed. Every handshake is a full one.

use super::stream::{FirstBytes, Stream};
use super::verify::{Presenter, Seen, Verifier, Witness};
use super::{Net, cause, ended, hello, server_hello, words};
use crate::failure::{Ended, Failure, TlsFailure, TlsKind};
use crate::probe::{Alpn, Hello, Tls, TlsAsk, WhoWeAre};
use crate::text;
use rustls::client::{Resumption, danger::ServerCertVerifier};
use rustls::sign::CertifiedKey;
use rustls::{AlertDescription, ClientConfig, Error, InvalidMessage, PeerIncompatible, PeerMisbehaved};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::AsyncReadExt;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// With TLS 1.3 a server refuses a missing client certificate after our side of the handshake is over. Its alert
/// is on the way then; a round trip to a nearby server takes less than this.
const LATE_ALERT: Duration = Duration::from_millis(100);

/// A TLS channel and what was seen on the way.
pub(super) struct Secured {
    pub(super) stream: TlsStream<Stream>,
    pub(super) reading: Tls,
}

/// Speaks TLS over a stream, within the time limit of one stage.
pub(super) async fn handshake(
    net: &Net,
    host: &str,
    ask: &TlsAsk,
    stream: Stream,
) -> Result<Secured, Failure> {
    let began = Instant::now();
    let first = stream.first_bytes();
    let witness = Witness::default();
    let failure = |kind, seen: Seen, words: String| {
        let first_bytes = if kind == TlsKind::NotSpoken { shown(&first) } else { String::new() };
        let (host, chain, public) = (host.to_owned(), seen.chain, seen.public);
        let (received, after) = (net.now(), began.elapsed());
        Failure::Tls(Box::new(TlsFailure { kind, host, chain, public, first_bytes, words, received, after }))
    };
    let config = match config(net, ask, &witness).await {
        Ok(config) => config,
        Err(error) => return Err(failure(TlsKind::Other, witness.seen(), words(&error))),
    };
    let Ok(name) = ServerName::try_from(host.to_owned()) else {
        return Err(failure(
            TlsKind::WrongName,
            witness.seen(),
            format!("`{host}` is no name for a certificate"),
        ));
    };
    let connecting = TlsConnector::from(Arc::new(config)).connect(name, stream);
    match tokio::time::timeout(net.timeout(), connecting).await {
        Ok(Ok(stream)) => Ok(Secured { reading: reading(host, &stream, witness.seen(), &first), stream }),
        Ok(Err(error)) => {
            let seen = witness.seen();
            let kind = kind(&error, &seen, &first);
            Err(failure(kind, seen, words(&error)))
        }
        Err(_) => Err(failure(TlsKind::Timeout, witness.seen(), "no answer".to_owned())),
    }
}

/// The configuration for one connection; only the roots in it are costly, and those are shared.
pub(super) async fn config(net: &Net, ask: &TlsAsk, witness: &Witness) -> Result<ClientConfig, Error> {
    let provider = match ask.hello {
        Hello::Small => Arc::clone(&net.crypto),
        Hello::Large => hello::large(&net.crypto),
    };
    let verifier: Arc<dyn ServerCertVerifier> = Arc::new(Verifier {
        trusted: net.roots.trusted(ask.trust).await,
        public: net.roots.public().await,
        algorithms: provider.signature_verification_algorithms,
        now: net.now(),
        on_bad: ask.on_bad_certificate,
        witness: witness.clone(),
    });
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_client_cert_resolver(Arc::new(Presenter { key: key(net, ask)?, witness: witness.clone() }));
    config.resumption = Resumption::disabled();
    config.alpn_protocols = match ask.alpn {
        Alpn::Both => vec![b"h2".to_vec(), b"http/1.1".to_vec()],
        Alpn::Http1 => vec![b"http/1.1".to_vec()],
        Alpn::Http2 => vec![b"h2".to_vec()],
    };
    Ok(config)
}

/// The certificate that is shown to a server that asks for one, where one was given.
fn key(net: &Net, ask: &TlsAsk) -> Result<Option<Arc<CertifiedKey>>, Error> {
    let (WhoWeAre::GivenIdentity, Some(identity)) = (ask.identity, &net.subject.identity) else {
        return Ok(None);
    };
    let key = PrivateKeyDer::from_pem_slice(identity.key.expose().as_bytes())
        .map_err(|_| Error::General("the client's key cannot be read".to_owned()))?;
    let key = net.crypto.key_provider.load_private_key(key)?;
    let chain = identity.chain.iter().cloned().map(CertificateDer::from).collect();
    Ok(Some(Arc::new(CertifiedKey::new(chain, key))))
}

fn reading(host: &str, stream: &TlsStream<Stream>, seen: Seen, first: &FirstBytes) -> Tls {
    let (_, session) = stream.get_ref();
    let version = session.protocol_version().map(|v| format!("{v:?}")).unwrap_or_default();
    let cipher = session.negotiated_cipher_suite().map(|c| format!("{:?}", c.suite())).unwrap_or_default();
    Tls {
        host: host.to_owned(),
        version: version.replace("TLSv1_", "TLS 1."),
        cipher: cipher.replace("TLS13_", "TLS_"),
        alpn: session.alpn_protocol().map(|p| text::foreign(&String::from_utf8_lossy(p))),
        chain: seen.chain,
        public: seen.public.unwrap_or(false),
        bad_certificate: seen.bad.map(|(kind, _)| kind),
        client_certificate_asked: seen.client_certificate_asked,
        server_hello: server_hello::shape(&first.get()),
    }
}

/// Waits a moment for the alert by which TLS 1.3 demands a client certificate, where one was asked for.
pub(super) async fn late_alert(net: &Net, secured: &mut Secured, began: Instant) -> Result<(), Failure> {
    if !secured.reading.client_certificate_asked {
        return Ok(());
    }
    let mut byte = [0];
    let Ok(Err(error)) = tokio::time::timeout(LATE_ALERT, secured.stream.read(&mut byte)).await else {
        return Ok(());
    };
    if !wants_client_certificate(&error) {
        return Ok(());
    }
    Err(Failure::Tls(Box::new(TlsFailure {
        kind: TlsKind::ClientCertificateWanted,
        host: secured.reading.host.clone(),
        chain: secured.reading.chain.clone(),
        public: Some(secured.reading.public),
        first_bytes: String::new(),
        words: words(&error),
        received: net.now(),
        after: began.elapsed(),
    })))
}

/// Whether an error is an alert that refuses our missing client certificate, given that one was asked for.
pub(super) fn wants_client_certificate(error: &(dyn std::error::Error + 'static)) -> bool {
    if let Some(Error::AlertReceived(alert)) = cause::<Error>(error) {
        return refuses_client(*alert);
    }
    // HTTP/2 keeps no more than the text of an error that ended its connection.
    let said = words(error);
    REFUSALS.iter().any(|alert| said.contains(&Error::AlertReceived(*alert).to_string()))
}

/// The alerts by which servers refuse a client without a certificate.
const REFUSALS: [AlertDescription; 5] = [
    AlertDescription::CertificateRequired,
    AlertDescription::BadCertificate,
    AlertDescription::HandshakeFailure,
    AlertDescription::AccessDenied,
    AlertDescription::CertificateUnknown,
];

fn refuses_client(alert: AlertDescription) -> bool {
    REFUSALS.contains(&alert)
}

/// How a handshake failed. What the verifier saw says more than the library's error.
fn kind(error: &std::io::Error, seen: &Seen, first: &FirstBytes) -> TlsKind {
    if let Some((kind, _)) = &seen.bad {
        return *kind;
    }
    // The record types of TLS are 20 to 24 (RFC 8446, section 5.1).
    if first.get().first().is_some_and(|byte| !(20..=24).contains(byte)) {
        return TlsKind::NotSpoken;
    }
    match cause::<Error>(error) {
        Some(Error::AlertReceived(alert)) if seen.client_certificate_asked && refuses_client(*alert) => {
            TlsKind::ClientCertificateWanted
        }
        Some(
            Error::AlertReceived(AlertDescription::ProtocolVersion)
            | Error::PeerIncompatible(
                PeerIncompatible::ServerDoesNotSupportTls12Or13
                | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig,
            ),
        ) => TlsKind::VersionUnsupported,
        Some(Error::AlertReceived(
            AlertDescription::HandshakeFailure | AlertDescription::InsufficientSecurity,
        )) if seen.chain.is_empty() => TlsKind::NoCommonCipher,
        // Some servers refuse, and Apache chooses `http/1.1` although only `h2` was offered (observed).
        Some(
            Error::AlertReceived(AlertDescription::NoApplicationProtocol)
            | Error::PeerMisbehaved(PeerMisbehaved::SelectedUnofferedApplicationProtocol),
        ) => TlsKind::NoCommonProtocol,
        Some(Error::InvalidMessage(InvalidMessage::InvalidContentType)) => TlsKind::NotSpoken,
        Some(_) => TlsKind::Other,
        None => match ended(error) {
            Some(Ended::Timeout) => TlsKind::Timeout,
            Some(Ended::Eof | Ended::Reset | Ended::Close) => TlsKind::Reset,
            None => TlsKind::Other,
        },
    }
}

/// Enough of what is no TLS to recognise it.
const SHOWN: usize = 64;

fn shown(first: &FirstBytes) -> String {
    let bytes = first.get();
    text::foreign(&String::from_utf8_lossy(&bytes[..bytes.len().min(SHOWN)]))
}
