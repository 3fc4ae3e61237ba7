//! Verifying a certificate while keeping what was sent: on a failed handshake the TLS library gives no chain.
//!
//! Decides how a certificate is bad and whether its chain is public. Revocation is not looked at.

use super::roots::Anchors;
use super::unix_time;
use crate::failure::TlsKind;
use crate::failure::certificate::Certificate;
use crate::probe::OnBadCertificate;
use rustls::client::ResolvesClientCert;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::server::ParsedCertificate;
use rustls::sign::CertifiedKey;
use rustls::{CertificateError, DigitallySignedStruct, Error, OtherError, SignatureScheme};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use std::sync::{Arc, Mutex, PoisonError};
use x509_parser::prelude::{FromDer, X509Certificate};

/// What a handshake showed of its peer.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    /// The chain as sent, leaf first, bounded; empty before it came.
    pub(super) chain: Vec<Certificate>,
    /// Whether it is public; `None` before it came.
    pub(super) public: Option<bool>,
    /// Why it is not trusted, with the library's words.
    pub(super) bad: Option<(TlsKind, String)>,
    /// Whether a client certificate was asked for.
    pub(super) client_certificate_asked: bool,
}

/// A `Seen` shared between one handshake and whoever reports on it.
#[derive(Clone, Debug, Default)]
pub(super) struct Witness(Arc<Mutex<Seen>>);

impl Witness {
    /// What was seen so far.
    pub(super) fn seen(&self) -> Seen {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note(&self, note: impl FnOnce(&mut Seen)) {
        note(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// Who we are to a server that asks: the holder of the certificate that was given, or nobody. Notes the question.
#[derive(Debug)]
pub(super) struct Presenter {
    pub(super) key: Option<Arc<CertifiedKey>>,
    pub(super) witness: Witness,
}

impl ResolvesClientCert for Presenter {
    fn resolve(&self, _roots: &[&[u8]], _schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.witness.note(|seen| seen.client_certificate_asked = true);
        self.key.clone()
    }

    fn has_certs(&self) -> bool {
        // Otherwise the library does not ask, and the question would go unnoticed.
        true
    }
}

/// Verifies against a store at the subject's time.
#[derive(Debug)]
pub(super) struct Verifier {
    pub(super) trusted: Arc<Anchors>,
    pub(super) public: Arc<Anchors>,
    pub(super) algorithms: WebPkiSupportedAlgorithms,
    /// The node's clock, Unix seconds, when the handshake began.
    pub(super) now: i64,
    pub(super) on_bad: OnBadCertificate,
    pub(super) witness: Witness,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        _ocsp: &[u8],
        _wall_clock: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verdict = self.judge(leaf, others, name);
        let sent: Vec<_> = std::iter::once(leaf).chain(others).cloned().collect();
        let public = self.is_public(leaf, others);
        let bad = verdict.as_ref().err().map(|e| (self.kind(leaf, others, e), super::words(e)));
        self.witness.note(|seen| {
            seen.chain = crate::failure::certificate::chain(&sent);
            seen.public = Some(public);
            seen.bad = bad;
        });
        match self.on_bad {
            OnBadCertificate::Stop => verdict.map(|()| ServerCertVerified::assertion()),
            OnBadCertificate::Record => Ok(ServerCertVerified::assertion()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

impl Verifier {
    fn judge(
        &self,
        leaf: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        name: &ServerName<'_>,
    ) -> Result<(), Error> {
        let parsed = ParsedCertificate::try_from(leaf)?;
        if self.trusted.holds(leaf) {
            // OpenSSL and Go trust a certificate that stands in the store itself, even one marked as authority.
            self.in_time(leaf)?;
        } else {
            self.chains_to(&self.trusted, &parsed, others, self.now)?;
        }
        verify_server_name(&parsed, name)
    }

    fn chains_to(
        &self,
        roots: &Anchors,
        leaf: &ParsedCertificate<'_>,
        others: &[CertificateDer<'_>],
        at: i64,
    ) -> Result<(), Error> {
        let (store, algorithms) = (&roots.store, self.algorithms.all);
        verify_server_cert_signed_by_trust_anchor(leaf, store, others, unix_time(at), algorithms)
    }

    fn in_time(&self, leaf: &[u8]) -> Result<(), Error> {
        let (_, parsed) = X509Certificate::from_der(leaf).map_err(|_| CertificateError::BadEncoding)?;
        let validity = parsed.validity();
        if self.now > validity.not_after.timestamp() {
            return Err(CertificateError::Expired.into());
        }
        if self.now < validity.not_before.timestamp() {
            return Err(CertificateError::NotValidYet.into());
        }
        Ok(())
    }

    /// Whether the chain ends in a public root at any time at which all of it is valid. Its name and today's
    /// date do not count: an expired certificate of a public authority is no sign of an inspecting device.
    fn is_public(&self, leaf: &CertificateDer<'_>, others: &[CertificateDer<'_>]) -> bool {
        let Ok(parsed) = ParsedCertificate::try_from(leaf) else { return false };
        let times: Vec<(i64, i64)> = std::iter::once(leaf)
            .chain(others)
            .take(5)
            .filter_map(|der| X509Certificate::from_der(der).ok())
            .map(|(_, c)| (c.validity().not_before.timestamp(), c.validity().not_after.timestamp()))
            .collect();
        let moments = [
            Some(self.now),
            times.iter().map(|t| t.0).max(),
            times.iter().map(|t| t.1).min(),
            times.first().map(|t| t.0),
            times.first().map(|t| t.1),
        ];
        let mut moments: Vec<i64> = moments.into_iter().flatten().collect();
        moments.dedup();
        self.public.holds(leaf)
            || moments.into_iter().any(|at| self.chains_to(&self.public, &parsed, others, at).is_ok())
    }

    /// The kind behind the library's error.
    fn kind(&self, leaf: &[u8], others: &[CertificateDer<'_>], error: &Error) -> TlsKind {
        let Error::InvalidCertificate(error) = error else { return TlsKind::Other };
        match error {
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => TlsKind::Expired,
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                TlsKind::NotYetValid
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                TlsKind::WrongName
            }
            CertificateError::UnknownIssuer => self.kind_of_issuer(leaf, others, TlsKind::UnknownIssuer),
            // A root of the same name with another key: what signed this is unknown all the same.
            CertificateError::BadSignature
            | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => {
                self.kind_of_issuer(leaf, others, TlsKind::UnknownIssuer)
            }
            CertificateError::Other(OtherError(_)) => self.kind_of_issuer(leaf, others, TlsKind::Other),
            _ => TlsKind::Other,
        }
    }

    /// Tells a self-signed certificate and a leaf sent alone from a root that is not trusted.
    fn kind_of_issuer(&self, leaf: &[u8], others: &[CertificateDer<'_>], otherwise: TlsKind) -> TlsKind {
        let Ok((_, parsed)) = X509Certificate::from_der(leaf) else { return otherwise };
        let issuer = parsed.issuer().as_raw();
        if issuer == parsed.subject().as_raw() {
            return if others.iter().all(|other| other.as_ref() == leaf) {
                TlsKind::SelfSigned
            } else {
                otherwise
            };
        }
        let known = self.trusted.names(issuer) || self.public.names(issuer);
        match otherwise {
            TlsKind::UnknownIssuer if others.is_empty() && !known => TlsKind::ChainIncomplete,
            _ => otherwise,
        }
    }
}
