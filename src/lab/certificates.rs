//! The lab's authorities and the certificates that its servers show: two sound chains, and what faults put in
//! their place. Everything is made at the start, in memory, and only what the scenario needs.

use super::fault::tls::{AuthorityNames, CertificateChange, Sent, Signer};
use super::fault::{Kind, On};
use super::situation::{Situation, name_of};
use jiff::Timestamp;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PKCS_ECDSA_P256_SHA256,
};
use rustls::ServerConfig;
use rustls::server::WebPkiClientVerifier;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio_rustls::TlsAcceptor;

/// A sound leaf's first and last day, counted from the start.
const SOUND: (i64, i64) = (-30, 60);

/// What signs GitLab's own hosts.
fn public() -> AuthorityNames {
    AuthorityNames {
        organization: "Lab Trust Services".into(),
        root: "Lab Public Root R1".into(),
        intermediate: "Lab Public Intermediate WE1".into(),
        in_store: true,
        in_rails: None,
        public: true,
    }
}

/// What signs the instance.
fn company() -> AuthorityNames {
    AuthorityNames {
        organization: "Example Corp".into(),
        root: "Example Corp Root CA".into(),
        intermediate: "Example Corp Issuing CA 1".into(),
        in_store: true,
        in_rails: None,
        public: false,
    }
}

/// The authorities of a lab and the key of all its leaves.
pub(super) struct Authorities {
    known: Vec<Authority>,
    leaf_key: KeyPair,
    /// What the instance shows when all is well, at every door.
    instance: Option<Vec<CertificateDer<'static>>>,
    now: Timestamp,
}

struct Authority {
    names: AuthorityNames,
    root: CertificateDer<'static>,
    intermediate: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
}

/// The roots of the lab that a subject is given, in DER form.
#[derive(Debug)]
pub(super) struct Roots {
    /// Those that the operating system has, and Workhorse with it.
    pub(super) store: Vec<Vec<u8>>,
    /// Those that GitLab's own store has.
    pub(super) rails: Vec<Vec<u8>>,
    pub(super) public: Vec<Vec<u8>>,
    /// Those that an administrator gave to the operating system, by their names.
    pub(super) added: Vec<(String, Vec<u8>)>,
}

/// How a server shakes hands: soundly, and as its faults have it.
pub(super) struct Acceptors {
    sound: TlsAcceptor,
    faulty: Option<TlsAcceptor>,
}

impl Acceptors {
    /// The one for now.
    pub(super) fn now(&self, situation: &Situation) -> &TlsAcceptor {
        match &self.faulty {
            Some(faulty) if !situation.is_mended() => faulty,
            Some(_) | None => &self.sound,
        }
    }
}

impl Authorities {
    /// Makes the two that are always there.
    pub(super) fn new(now: Timestamp) -> io::Result<Self> {
        let leaf_key = key()?;
        let known = vec![Authority::new(public(), now)?, Authority::new(company(), now)?];
        Ok(Self { known, leaf_key, instance: None, now })
    }

    /// The roots that are known when all is well, and those known while the fault is there.
    pub(super) fn roots(&self) -> (Roots, Roots) {
        let of = |authorities: &[Authority]| Roots {
            store: ders(authorities.iter().filter(|a| a.names.in_store)),
            rails: ders(authorities.iter().filter(|a| a.names.in_rails.unwrap_or(a.names.in_store))),
            public: ders(authorities.iter().filter(|a| a.names.public)),
            added: (authorities.iter().filter(|a| a.names.in_store && !a.names.public))
                .map(|a| (a.names.root.clone(), a.root.to_vec()))
                .collect(),
        };
        (of(&self.known[..2]), of(&self.known))
    }

    /// The acceptors of a part of the lab, with the certificates that its faults ask for.
    pub(super) fn acceptors(&mut self, part: On, situation: &Situation) -> io::Result<Acceptors> {
        let sound = CertificateChange::default();
        let usual = if matches!(part, On::Instance | On::Nginx | On::Gateway) { company() } else { public() };
        let both = ["h2".to_owned(), "http/1.1".to_owned()];
        let chain = match (part, &self.instance) {
            (On::Instance | On::Nginx, Some(chain)) => chain.clone(),
            _ => self.chain(part, &sound, &usual)?,
        };
        if part == On::Instance {
            self.instance = Some(chain.clone());
        }
        let sound = acceptor(self.config(chain.clone())?, &both);

        let mut faulty = None;
        for kind in situation.faults(part) {
            let (config, offer) = match kind {
                Kind::Certificate(change) => {
                    let chain = self.chain(part, change, &usual)?;
                    (self.config(chain)?, change.offer.clone().unwrap_or(both.to_vec()))
                }
                Kind::ClientCertificate => (self.demanding(chain.clone())?, both.to_vec()),
                Kind::Alpn { offer } => (self.config(chain.clone())?, offer.clone()),
                // What goes wrong there is said in HTTP/1.1.
                Kind::Exchange { .. } => (self.config(chain.clone())?, both[1..].to_vec()),
                Kind::NoGitlab
                | Kind::Node(_)
                | Kind::Gitlab(_)
                | Kind::Clock { .. }
                | Kind::HostsEntry { .. }
                | Kind::PlainHttp
                | Kind::Name { .. }
                | Kind::Connect { .. }
                | Kind::Ranges { .. }
                | Kind::Overrun
                | Kind::Handshake { .. }
                | Kind::Answer(_)
                | Kind::Header { .. }
                | Kind::NoKeys
                | Kind::Unanswered { .. }
                | Kind::FrontEnd(_)
                | Kind::Grpc { .. }
                | Kind::Cable { .. }
                | Kind::Agent { .. }
                | Kind::BodyLimit { .. }
                | Kind::Collects => continue,
            };
            faulty = Some(acceptor(config, &offer));
        }
        Ok(Acceptors { sound, faulty })
    }

    fn chain(
        &mut self,
        part: On,
        change: &CertificateChange,
        usual: &AuthorityNames,
    ) -> io::Result<Vec<CertificateDer<'static>>> {
        let host = name_of(if part == On::Nginx { On::Instance } else { part });
        let names = change.names.clone().unwrap_or_else(|| vec![host.to_owned()]);
        let mut params = params(names.first().map_or("", String::as_str), None)?;
        params.subject_alt_names = CertificateParams::new(names).map_err(io::Error::other)?.subject_alt_names;
        lasting(&mut params, self.now, (change.from.unwrap_or(SOUND.0), change.until.unwrap_or(SOUND.1)));
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let wanted = match &change.by {
            Signer::Itself | Signer::ItselfAsAuthority => {
                if change.by == Signer::ItselfAsAuthority {
                    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
                }
                let leaf = params.self_signed(&self.leaf_key).map_err(io::Error::other)?;
                return Ok(vec![leaf.der().clone()]);
            }
            Signer::Usual => usual,
            Signer::Authority(other) => other,
        };
        let known = self.known.iter().position(|a| a.names == *wanted);
        if known.is_none() {
            self.known.push(Authority::new(wanted.clone(), self.now)?);
        }
        let authority = &self.known[known.unwrap_or(self.known.len() - 1)];
        params.use_authority_key_identifier_extension = true;
        let leaf = params.signed_by(&self.leaf_key, &authority.issuer).map_err(io::Error::other)?;
        Ok(match change.sent {
            Sent::Chain => vec![leaf.der().clone(), authority.intermediate.clone()],
            Sent::Leaf => vec![leaf.der().clone()],
        })
    }

    fn config(&self, chain: Vec<CertificateDer<'static>>) -> io::Result<ServerConfig> {
        builder()?.with_no_client_auth().with_single_cert(chain, self.key()).map_err(io::Error::other)
    }

    fn demanding(&self, chain: Vec<CertificateDer<'static>>) -> io::Result<ServerConfig> {
        let mut roots = rustls::RootCertStore::empty();
        roots.add_parsable_certificates(self.known.iter().map(|a| a.root.clone()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
            .build()
            .map_err(io::Error::other)?;
        let wanting = builder()?.with_client_cert_verifier(verifier);
        wanting.with_single_cert(chain, self.key()).map_err(io::Error::other)
    }

    fn key(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::Pkcs8(self.leaf_key.serialize_der().into())
    }
}

impl Authority {
    fn new(names: AuthorityNames, now: Timestamp) -> io::Result<Self> {
        let mut top = params(&names.root, Some(&names.organization))?;
        authority(&mut top, now, (-5 * 365, 10 * 365));
        let top_key = key()?;
        let root = top.self_signed(&top_key).map_err(io::Error::other)?;
        let mut below = params(&names.intermediate, Some(&names.organization))?;
        authority(&mut below, now, (-2 * 365, 3 * 365));
        below.use_authority_key_identifier_extension = true;
        let below_key = key()?;
        let intermediate =
            below.signed_by(&below_key, &Issuer::new(top, top_key)).map_err(io::Error::other)?;
        Ok(Self {
            names,
            root: root.der().clone(),
            intermediate: intermediate.der().clone(),
            issuer: Issuer::new(below, below_key),
        })
    }
}

fn acceptor(mut config: ServerConfig, offer: &[String]) -> TlsAcceptor {
    config.alpn_protocols = offer.iter().map(|p| p.as_bytes().to_vec()).collect();
    TlsAcceptor::from(Arc::new(config))
}

fn builder() -> io::Result<rustls::ConfigBuilder<ServerConfig, rustls::WantsVerifier>> {
    ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)
}

fn key() -> io::Result<KeyPair> {
    KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(io::Error::other)
}

fn params(common_name: &str, organization: Option<&str>) -> io::Result<CertificateParams> {
    let mut params = CertificateParams::new(Vec::new()).map_err(io::Error::other)?;
    params.distinguished_name = rcgen::DistinguishedName::new();
    if let Some(organization) = organization {
        params.distinguished_name.push(DnType::OrganizationName, organization);
    }
    params.distinguished_name.push(DnType::CommonName, common_name);
    Ok(params)
}

fn authority(params: &mut CertificateParams, now: Timestamp, days: (i64, i64)) {
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    lasting(params, now, days);
}

/// Valid from one day to another, counted from now.
fn lasting(params: &mut CertificateParams, now: Timestamp, (from, until): (i64, i64)) {
    let since_1970 = |days: i64| {
        let seconds = now.as_second().saturating_add(days.saturating_mul(86_400));
        Duration::from_secs(u64::try_from(seconds).unwrap_or(0))
    };
    let epoch = rcgen::date_time_ymd(1970, 1, 1);
    params.not_before = epoch + since_1970(from);
    params.not_after = epoch + since_1970(until);
}

fn ders<'a>(authorities: impl Iterator<Item = &'a Authority>) -> Vec<Vec<u8>> {
    authorities.map(|a| a.root.to_vec()).collect()
}
