//! A certificate authority that lives as long as a test, and server certificates made by it.

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, ExtendedKeyUsagePurpose,
    IsCa, KeyPair, KeyUsagePurpose, date_time_ymd,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;

/// A private certificate authority with its root in a PEM file.
pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    directory: TempDir,
}

/// A server's certificate and key, as DER and as PEM.
pub(crate) struct Identity {
    pub(crate) chain_pem: String,
    pub(crate) key_pem: String,
    certificate: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
}

impl Authority {
    /// Makes the authority and writes its root.
    pub(crate) fn new() -> Authority {
        let mut params = dated(CertificateParams::default(), "Test authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().expect("the system gives random numbers");
        let issuer = CertifiedIssuer::self_signed(params, key).expect("the parameters describe a root");
        let directory = tempfile::tempdir().expect("a temporary directory can be made");
        fs::write(directory.path().join("ca.pem"), issuer.pem())
            .expect("the test's own directory is writable");
        Authority { issuer, directory }
    }

    /// The root's PEM file, for `--cacert`.
    pub(crate) fn root_file(&self) -> PathBuf {
        self.directory.path().join("ca.pem")
    }

    /// A server certificate for `names`, valid now and for about a year.
    pub(crate) fn issue(&self, names: &[&str]) -> Identity {
        let subject_names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let params = CertificateParams::new(subject_names).expect("the names are plain host names");
        let mut params = dated(params, names[0]);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate().expect("the system gives random numbers");
        let certificate =
            params.signed_by(&key, &self.issuer).expect("the parameters describe a server certificate");
        Identity {
            chain_pem: certificate.pem(),
            key_pem: key.serialize_pem(),
            certificate: certificate.der().clone(),
            key: PrivateKeyDer::Pkcs8(key.serialize_der().into()),
        }
    }

    /// A client that trusts only this authority and offers `alpn`.
    pub(crate) fn client(&self, alpn: &[&str]) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(self.issuer.der().clone()).expect("the root is well-formed");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("ring has ciphers for both versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = protocols(alpn);
        Arc::new(config)
    }
}

impl Identity {
    /// Writes `server.pem` and `server.key` into `directory`.
    pub(crate) fn write(&self, directory: &Path) {
        fs::write(directory.join("server.pem"), &self.chain_pem)
            .expect("the test's own directory is writable");
        fs::write(directory.join("server.key"), &self.key_pem).expect("the test's own directory is writable");
    }

    /// A server with this certificate that chooses among `alpn`.
    pub(crate) fn server(&self, alpn: &[&str]) -> Arc<ServerConfig> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("ring has ciphers for both versions")
            .with_no_client_auth()
            .with_single_cert(vec![self.certificate.clone()], self.key.clone_key())
            .expect("the key belongs to the certificate");
        config.alpn_protocols = protocols(alpn);
        Arc::new(config)
    }
}

fn protocols(alpn: &[&str]) -> Vec<Vec<u8>> {
    alpn.iter().map(|name| name.as_bytes().to_vec()).collect()
}

/// Valid since the first of last year until the end of next year: neither new nor about to expire.
fn dated(mut params: CertificateParams, common_name: &str) -> CertificateParams {
    let year = i32::from(jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).year());
    params.not_before = date_time_ymd(year - 1, 1, 1);
    params.not_after = date_time_ymd(year + 1, 12, 31);
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, common_name);
    params
}
