//! A certificate authority that lives as long as a test, and server certificates made by it.

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, ExtendedKeyUsagePurpose,
    IsCa, KeyPair, KeyUsagePurpose, date_time_ymd,
};
use rustls::client::WantsClientCert;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, ConfigBuilder, RootCertStore, ServerConfig};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;

/// A private certificate authority with its certificate in a PEM file.
pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    directory: TempDir,
}

/// When a certificate is valid, seen from today.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Validity {
    /// Since the first of last year until the end of next year.
    Now,
    /// Until the end of last year.
    Past,
    /// From the beginning of next year.
    Future,
}

/// A server's certificate and key, as DER and as PEM.
pub(crate) struct Identity {
    pub(crate) chain_pem: String,
    pub(crate) key_pem: String,
    /// The certificate of who signed it.
    pub(crate) issuer_pem: String,
    certificate: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
}

impl Authority {
    /// Makes the authority and writes its root.
    pub(crate) fn new() -> Authority {
        Authority::named("Test authority")
    }

    /// An authority of this name, such as an inspecting proxy has.
    pub(crate) fn named(name: &str) -> Authority {
        let key = KeyPair::generate().expect("the system gives random numbers");
        let issuer =
            CertifiedIssuer::self_signed(signing(name), key).expect("the parameters describe a root");
        Authority::of(issuer)
    }

    /// An authority below this one: what it issues needs its certificate to be sent along.
    pub(crate) fn intermediate(&self, name: &str) -> Authority {
        let key = KeyPair::generate().expect("the system gives random numbers");
        let issuer = CertifiedIssuer::signed_by(signing(name), key, &self.issuer);
        Authority::of(issuer.expect("the parameters describe an authority"))
    }

    fn of(issuer: CertifiedIssuer<'static, KeyPair>) -> Authority {
        let directory = tempfile::tempdir().expect("a temporary directory can be made");
        fs::write(directory.path().join("ca.pem"), issuer.pem())
            .expect("the test's own directory is writable");
        Authority { issuer, directory }
    }

    /// The PEM file of its certificate, for `--cacert`.
    pub(crate) fn root_file(&self) -> PathBuf {
        self.directory.path().join("ca.pem")
    }

    /// Its certificate.
    pub(crate) fn root_pem(&self) -> String {
        self.issuer.pem()
    }

    /// Its key, for a proxy that signs by itself.
    pub(crate) fn key_pem(&self) -> String {
        self.issuer.key().serialize_pem()
    }

    /// A server certificate for `names`, valid now and for about a year.
    pub(crate) fn issue(&self, names: &[&str]) -> Identity {
        self.issue_valid(names, Validity::Now)
    }

    /// A server certificate for `names` with other dates.
    pub(crate) fn issue_valid(&self, names: &[&str], validity: Validity) -> Identity {
        let key = KeyPair::generate().expect("the system gives random numbers");
        let certificate = serving(names, validity)
            .signed_by(&key, &self.issuer)
            .expect("the parameters describe a server certificate");
        Identity::of(&certificate, &key, self.root_pem())
    }

    /// A certificate by which a client called `name` shows who it is.
    pub(crate) fn issue_for_client(&self, name: &str) -> Identity {
        let key = KeyPair::generate().expect("the system gives random numbers");
        let mut params = serving(&[name], Validity::Now);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let certificate =
            params.signed_by(&key, &self.issuer).expect("the parameters describe a client certificate");
        Identity::of(&certificate, &key, self.root_pem())
    }

    /// A client that trusts only this authority and offers `alpn`.
    pub(crate) fn client(&self, alpn: &[&str]) -> Arc<ClientConfig> {
        let mut config = self.trusting().with_no_client_auth();
        config.alpn_protocols = protocols(alpn);
        Arc::new(config)
    }

    /// The same with a certificate of its own.
    pub(crate) fn client_with(&self, identity: &Identity, alpn: &[&str]) -> Arc<ClientConfig> {
        let own = vec![identity.certificate.clone()];
        let mut config = self
            .trusting()
            .with_client_auth_cert(own, identity.key.clone_key())
            .expect("the key belongs to the certificate");
        config.alpn_protocols = protocols(alpn);
        Arc::new(config)
    }

    fn trusting(&self) -> ConfigBuilder<ClientConfig, WantsClientCert> {
        let mut roots = RootCertStore::empty();
        roots.add(self.issuer.der().clone()).expect("the root is well-formed");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("ring has ciphers for both versions")
            .with_root_certificates(roots)
    }
}

/// Whether a self-signed certificate says that it is an authority, as many appliances' do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SelfSigned {
    /// `CA:TRUE`.
    AsAuthority,
    /// `CA:FALSE`.
    AsServer,
}

impl Identity {
    fn of(certificate: &rcgen::Certificate, key: &KeyPair, issuer_pem: String) -> Identity {
        Identity {
            chain_pem: certificate.pem(),
            key_pem: key.serialize_pem(),
            issuer_pem,
            certificate: certificate.der().clone(),
            key: PrivateKeyDer::Pkcs8(key.serialize_der().into()),
        }
    }

    /// A server certificate that nobody signed but its own key.
    pub(crate) fn self_signed(names: &[&str], how: SelfSigned) -> Identity {
        let mut params = serving(names, Validity::Now);
        params.use_authority_key_identifier_extension = false;
        params.is_ca = match how {
            SelfSigned::AsAuthority => IsCa::Ca(BasicConstraints::Unconstrained),
            SelfSigned::AsServer => IsCa::ExplicitNoCa,
        };
        let key = KeyPair::generate().expect("the system gives random numbers");
        let certificate = params.self_signed(&key).expect("the parameters describe a certificate");
        let own = certificate.pem();
        Identity::of(&certificate, &key, own)
    }

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

/// An authority's certificate.
fn signing(name: &str) -> CertificateParams {
    let mut params = dated(CertificateParams::default(), name, Validity::Now);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

/// A server's certificate.
fn serving(names: &[&str], validity: Validity) -> CertificateParams {
    let subject_names: Vec<String> = names.iter().map(ToString::to_string).collect();
    let params = CertificateParams::new(subject_names).expect("the names are plain host names");
    let mut params = dated(params, names[0], validity);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    params
}

/// What is valid now is neither new nor about to expire.
fn dated(mut params: CertificateParams, common_name: &str, validity: Validity) -> CertificateParams {
    let year = i32::from(jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).year());
    let (from, until) = match validity {
        Validity::Now => (year - 1, year + 1),
        Validity::Past => (year - 3, year - 1),
        Validity::Future => (year + 1, year + 3),
    };
    params.not_before = date_time_ymd(from, 1, 1);
    params.not_after = date_time_ymd(until, 12, 31);
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, common_name);
    params
}
