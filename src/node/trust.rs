//! Whose roots each component trusts, read by explicit path: OpenSSL's rules for Rails and Sidekiq, Go's for
//! Workhorse. The environment that counts is the component's, never our own.

use super::Trust;
use super::pem::{Block, Kind, blocks, der};
use super::reading::{Reading, has_ending};
use super::root::Unreadable;
use crate::subject::environment::Environment;
use crate::subject::facts::{CompanyRoot, Holds, TrustedCert};
use crate::subject::{Install, Store};
use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;
use x509_parser::prelude::{FromDer, X509Certificate};

/// Where Linux distributions keep the bundle of trusted roots, in the order in which Go looks for it
/// (`crypto/x509/root_linux.go`).
const SYSTEM_BUNDLES: [&str; 6] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/tls/cacert.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// So many hash links of GitLab's folder are looked at: the packaged bundle has some 150 roots.
const LINKS: usize = 500;

/// So many files of trusted certificates are looked at.
const FILES: usize = 50;

/// Folders of single roots of the system: Debian's and SUSE's, Red Hat's.
const SYSTEM_DIRS: [&str; 2] = ["/etc/ssl/certs", "/etc/pki/tls/certs"];

/// GitLab's own store, which its OpenSSL uses unless a variable says otherwise.
const OWN_FILE: &str = "/opt/gitlab/embedded/ssl/cert.pem";
const OWN_DIR: &str = "/opt/gitlab/embedded/ssl/certs";

/// Where an administrator puts certificates for GitLab.
const TRUSTED_CERTS: &str = "/etc/gitlab/trusted-certs";

/// Device and inode.
type Identity = (u64, u64);

/// The most files that an administrator is expected to have put anywhere.
const MOST: usize = 256;

/// The certificates of the node's files, each file read once.
pub(super) struct Certificates<'a> {
    reading: &'a Reading<'a>,
    seen: RefCell<HashMap<Identity, Rc<[Block]>>>,
}

/// The environments of the components, as far as known.
pub(super) struct Environments<'a> {
    pub(super) rails: Option<&'a Environment>,
    pub(super) workhorse: Option<&'a Environment>,
}

impl<'a> Certificates<'a> {
    pub(super) fn new(reading: &'a Reading<'a>) -> Self {
        Self { reading, seen: RefCell::default() }
    }

    /// The certificates of a file in PEM form.
    fn file(&self, path: &str) -> Result<Rc<[Block]>, Unreadable> {
        if let Some(known) =
            self.reading.root.identity(path).and_then(|id| self.seen.borrow().get(&id).cloned())
        {
            return Ok(known);
        }
        let contents = self.reading.read(path)?;
        let found: Rc<[Block]> = blocks(&contents.bytes).into();
        self.seen.borrow_mut().insert(contents.identity, found.clone());
        Ok(found)
    }

    /// The system's bundle and its path.
    fn bundle(&self) -> Option<(&'static str, Rc<[Block]>)> {
        SYSTEM_BUNDLES.iter().find_map(|path| Some((*path, self.file(path).ok()?)))
    }

    /// The roots that the stores of this node give each component.
    pub(super) fn trust(&self, install: Option<Install>, environments: &Environments) -> Trust {
        let shell = self.bundle().map_or(
            Store { label: "the system's store, which was not found".to_owned(), roots: Vec::new() },
            |(path, found)| Store { label: format!("the system's store {path}"), roots: plain(&found) },
        );
        let Some(install) = install else { return Trust { shell, ..Trust::default() } };
        let own = match install {
            Install::Omnibus | Install::Docker => true,
            Install::Helm | Install::Source => false,
        };
        Trust {
            rails: self.openssl(own, environments.rails),
            workhorse: self.go(own, environments.workhorse),
            shell,
        }
    }

    /// OpenSSL: every certificate of the file, and of the folder what is named by its hash
    /// (`X509_LOOKUP_hash_dir(3)`).
    fn openssl(&self, own: bool, environment: Option<&Environment>) -> Option<Store> {
        let set = |name: &str| environment.and_then(|e| e.value(name));
        let bundle = self.bundle().map_or(SYSTEM_BUNDLES[0], |(path, _)| path);
        let file = set("SSL_CERT_FILE").unwrap_or(if own { OWN_FILE } else { bundle });
        let usual: Vec<&str> = if own { vec![OWN_DIR] } else { SYSTEM_DIRS.to_vec() };
        let dirs = set("SSL_CERT_DIR").map_or(usual, |dirs| dirs.split(':').collect());
        let mut roots = Gathered::default();
        roots.take(self.file(file), |_| true)?;
        for dir in &dirs {
            let names = self.names(dir, &mut roots)?;
            for name in names.iter().filter(|name| is_hash_name(name)) {
                roots.take(self.file(&format!("{}/{name}", dir.trim_end_matches('/'))), |_| true)?;
            }
        }
        let is_usual = own && file == OWN_FILE && dirs.iter().all(|d| d.trim_end_matches('/') == OWN_DIR);
        let label = match (is_usual, own) {
            (true, _) => "GitLab's own store /opt/gitlab/embedded/ssl/cert.pem and certs/".to_owned(),
            (false, false) if file == bundle => format!("the system's store {file}"),
            (false, _) => format!("{file} and {}", dirs.join(":")),
        };
        roots.store(label)
    }

    /// Go: the file of `SSL_CERT_FILE`, else the system's bundle; and every file of the folders.
    fn go(&self, own: bool, environment: Option<&Environment>) -> Option<Store> {
        let set = |name: &str| environment.and_then(|e| e.value(name));
        let bundle = self.bundle().map_or(SYSTEM_BUNDLES[0], |(path, _)| path);
        let file = set("SSL_CERT_FILE").unwrap_or(bundle);
        let usual: Vec<&str> = if own { vec![OWN_DIR] } else { SYSTEM_DIRS.to_vec() };
        let dirs = set("SSL_CERT_DIR").map_or(usual, |dirs| dirs.split(':').collect());
        let mut roots = Gathered::default();
        let only_plain = |kind: Kind| kind == Kind::Plain;
        roots.take(self.file(file), only_plain)?;
        for dir in &dirs {
            for name in self.names(dir, &mut roots)? {
                // What holds no certificate, a README or a folder, gives none, as in Go.
                roots.take(self.file(&format!("{}/{name}", dir.trim_end_matches('/'))), only_plain)?;
            }
        }
        let is_own = own && dirs.iter().all(|d| d.trim_end_matches('/') == OWN_DIR);
        let label = match (is_own, own) {
            (true, _) if file == bundle => format!("GitLab's certs/ and the system's store {file}"),
            (true, _) => format!("GitLab's certs/ and {file}"),
            (false, false) if file == bundle => format!("the system's store {file}"),
            (false, _) => format!("{} and {file}", dirs.join(":")),
        };
        roots.store(label)
    }

    /// The names in a folder of roots. A folder that is not there gives none; one that may not be listed may hold
    /// the very root that counts.
    fn names(&self, dir: &str, roots: &mut Gathered) -> Option<Vec<String>> {
        match self.reading.list(dir) {
            Ok(names) => {
                roots.is_there = true;
                Some(names)
            }
            Err(Unreadable::Absent) => Some(Vec::new()),
            Err(Unreadable::Denied | Unreadable::NoFile(_) | Unreadable::Odd(_)) => None,
        }
    }

    /// What stands in `/etc/gitlab/trusted-certs`, without the hash links that reconfigure makes there.
    pub(super) fn trusted_certs(&self) -> Option<Vec<TrustedCert>> {
        let files = self.reading.root.walk(TRUSTED_CERTS, MOST);
        if let Err(why) = &files {
            self.reading.lost(TRUSTED_CERTS, *why, &format!("sudo ls {TRUSTED_CERTS}"));
        }
        let files = files.ok()?;
        // More links than any store has cost time and tell nothing more.
        let hashed = self.reading.root.list(OWN_DIR).ok().map(|names| {
            let names = names.into_iter().filter(|name| is_hash_name(name)).take(LINKS);
            names.map(|name| format!("{OWN_DIR}/{name}")).collect::<Vec<_>>()
        });
        let named = files.into_iter().filter(|path| !path.rsplit('/').next().is_some_and(is_hash_name));
        let named = named.take(FILES);
        Some(named.map(|path| self.trusted_cert(path, hashed.as_deref())).collect())
    }

    fn trusted_cert(&self, path: String, hashed: Option<&[String]>) -> TrustedCert {
        let Ok(contents) = self.reading.read(&path) else {
            return TrustedCert { path, holds: Holds::Unread, certificates: Vec::new(), linked: None };
        };
        let is_certificate = |der: &[u8]| X509Certificate::from_der(der).is_ok();
        let mut found = blocks(&contents.bytes);
        found.retain(|(_, der)| is_certificate(der));
        let holds = match found.as_slice() {
            [] if der(&contents.bytes).is_some_and(is_certificate) => Holds::Der,
            [] => Holds::Nothing,
            [(Kind::Trusted, _)] => Holds::OpensslTrusted,
            [_] => Holds::OnePem,
            several => Holds::SeveralPem(several.len()),
        };
        let certificates = match holds {
            Holds::Der => vec![contents.bytes.clone()],
            Holds::OnePem | Holds::SeveralPem(_) | Holds::OpensslTrusted | Holds::Nothing | Holds::Unread => {
                found.into_iter().map(|(_, der)| der).collect()
            }
        };
        // A link may lead to the file itself or to a copy of it.
        let leads_here = |link: &String| {
            self.reading.root.identity(link) == Some(contents.identity)
                || self.file(link).is_ok_and(|there| {
                    !certificates.is_empty()
                        && certificates.iter().all(|own| there.iter().any(|(_, der)| der == own))
                })
        };
        let linked = hashed.map(|links| links.iter().any(leads_here));
        TrustedCert { path, holds, certificates, linked }
    }

    /// Roots that an administrator gave to the operating system (update-ca-certificates(8), update-ca-trust(8)).
    pub(super) fn company_roots(&self) -> Vec<CompanyRoot> {
        let root = self.reading.root;
        let debian = root.walk("/usr/local/share/ca-certificates", MOST).unwrap_or_default();
        let debian = debian.into_iter().filter(|path| has_ending(path, "crt"));
        let red_hat = root.walk("/etc/pki/ca-trust/source/anchors", MOST).unwrap_or_default();
        let mut found = Vec::new();
        for path in debian.chain(red_hat) {
            let Ok(contents) = self.reading.read(&path) else { continue };
            let mut certificates = plain(&blocks(&contents.bytes));
            certificates.extend(der(&contents.bytes).map(<[u8]>::to_vec));
            found.extend(certificates.into_iter().map(|der| CompanyRoot { path: path.clone(), der }));
        }
        found
    }
}

/// Roots from several places, each once.
#[derive(Default)]
struct Gathered {
    roots: Vec<Vec<u8>>,
    known: HashSet<Vec<u8>>,
    /// Any file or folder of the store was there.
    is_there: bool,
}

impl Gathered {
    /// Takes in a file's certificates. `None`: it is there and could not be read, so the store is not known.
    fn take(&mut self, found: Result<Rc<[Block]>, Unreadable>, wanted: fn(Kind) -> bool) -> Option<()> {
        match found {
            Ok(found) => {
                self.is_there = true;
                for (_, der) in found.iter().filter(|(kind, _)| wanted(*kind)) {
                    if self.known.insert(der.clone()) {
                        self.roots.push(der.clone());
                    }
                }
                Some(())
            }
            // A link in a circle or a folder is passed over by every library; a file of another user is not.
            Err(Unreadable::Absent | Unreadable::NoFile(_)) => Some(()),
            Err(Unreadable::Denied | Unreadable::Odd(_)) => None,
        }
    }

    fn store(self, label: String) -> Option<Store> {
        self.is_there.then_some(Store { label, roots: self.roots })
    }
}

fn plain(found: &[Block]) -> Vec<Vec<u8>> {
    found.iter().filter(|(kind, _)| *kind == Kind::Plain).map(|(_, der)| der.clone()).collect()
}

/// `3513523f.0`: the name under which OpenSSL looks for a certificate in a folder.
fn is_hash_name(name: &str) -> bool {
    let Some((hash, number)) = name.split_once('.') else { return false };
    hash.len() == 8
        && hash.bytes().all(|b| b.is_ascii_hexdigit() && !b.is_ascii_uppercase())
        && !number.is_empty()
        && number.bytes().all(|b| b.is_ascii_digit())
}
