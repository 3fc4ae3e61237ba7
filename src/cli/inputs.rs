//! What the options name: files that are read before anything else happens, and why a run cannot begin.

use super::Options;
use crate::secret::Secret;
use crate::subject::Identity;
use crate::text;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use thiserror::Error;
use x509_parser::prelude::{FromDer, X509Certificate};

/// Why a run cannot begin, with its exit code.
#[derive(Debug, Error)]
pub enum Unfit {
    /// A selection names nothing.
    #[error(transparent)]
    Selection(#[from] crate::plan::NoSuchPart),
    /// A file that was named cannot be used.
    #[error("{what} {path}: {why}")]
    File {
        /// What it was meant to be: `token file`.
        what: &'static str,
        /// Its path.
        path: String,
        /// Why not.
        why: String,
    },
}

impl Unfit {
    /// The exit code (contract, section 3).
    pub fn exit_code(&self) -> u8 {
        match self {
            Unfit::Selection(_) => 64,
            Unfit::File { .. } => 65,
        }
    }
}

/// Files named on the command line, read before anything else happens.
#[derive(Clone, Debug, Default)]
pub struct Inputs {
    /// A personal access token.
    pub token: Option<Secret>,
    /// Further roots in DER form.
    pub roots: Vec<Vec<u8>>,
    /// A client certificate with its key.
    pub identity: Option<Identity>,
    /// What is worth saying and stops nothing.
    pub warnings: Vec<String>,
}

/// No file that is named on the command line is longer.
const LONGEST: u64 = 1 << 20;

impl Inputs {
    /// Reads what the options name. `token` is what `DUO_DOCTOR_TOKEN` holds.
    ///
    /// # Errors
    /// A file that cannot be read or is not what it should be.
    pub fn read(options: &Options, token: Option<String>) -> Result<Self, Unfit> {
        let mut inputs =
            Self { token: token.filter(|t| !t.trim().is_empty()).map(Secret::new), ..Self::default() };
        if let Some(path) = &options.token_file {
            inputs.token = Some(token_of(path, &mut inputs.warnings)?);
        }
        if let Some(path) = &options.cacert {
            inputs.roots = certificates_of("CA file", path)?;
        }
        if let (Some(cert), Some(key)) = (&options.cert, &options.key) {
            inputs.identity = Some(identity_of(cert, key, &mut inputs.warnings)?);
        }
        Ok(inputs)
    }
}

pub(super) fn unfit(what: &'static str, path: &Path, why: impl Into<String>) -> Unfit {
    Unfit::File { what, path: text::foreign(&path.display().to_string()), why: why.into() }
}

fn contents(what: &'static str, path: &Path) -> Result<Vec<u8>, Unfit> {
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(|e| unfit(what, path, e.to_string()))?;
    file.take(LONGEST + 1).read_to_end(&mut bytes).map_err(|e| unfit(what, path, e.to_string()))?;
    if bytes.len() as u64 > LONGEST {
        return Err(unfit(what, path, "it is larger than 1 MiB"));
    }
    Ok(bytes)
}

fn token_of(path: &Path, warnings: &mut Vec<String>) -> Result<Secret, Unfit> {
    let bytes = contents("token file", path)?;
    warnings.extend(readable_by_others("token file", path));
    let token = String::from_utf8(bytes).map_err(|_| unfit("token file", path, "it is no text"))?;
    let token = token.trim();
    match token {
        "" => Err(unfit("token file", path, "it is empty")),
        t if t.contains(char::is_whitespace) => Err(unfit("token file", path, "it holds more than one word")),
        t => Ok(Secret::new(t)),
    }
}

/// What is worth saying of a file that holds a secret and that others may read.
fn readable_by_others(what: &str, path: &Path) -> Option<String> {
    let mode = std::fs::metadata(path).map_or(0, |m| m.permissions().mode());
    let path = text::foreign(&path.display().to_string());
    (mode & 0o077 != 0)
        .then(|| format!("{what} {path} can be read by others (mode {:04o}): chmod 600 it", mode & 0o7777))
}

/// A client certificate and its key, which must belong together.
fn identity_of(cert: &Path, key: &Path, warnings: &mut Vec<String>) -> Result<Identity, Unfit> {
    let chain = certificates_of("client certificate", cert)?;
    let bytes = contents("client key", key)?;
    warnings.extend(readable_by_others("client key", key));
    let bad = |why: &str| unfit("client key", key, why);
    let text = String::from_utf8(bytes).map_err(|_| bad("it is not in PEM form"))?;
    if text.contains("ENCRYPTED") {
        return Err(bad("it is encrypted: give a copy without a passphrase, mode 0600"));
    }
    let der = PrivateKeyDer::from_pem_slice(text.as_bytes())
        .map_err(|_| bad("it holds no private key in PEM form"))?;
    let provider = rustls::crypto::ring::default_provider();
    let signer = provider
        .key_provider
        .load_private_key(der)
        .map_err(|_| bad("its kind of key is not known: RSA, ECDSA and Ed25519 are"))?;
    let certificates = chain.iter().cloned().map(CertificateDer::from).collect();
    if rustls::sign::CertifiedKey::new(certificates, signer).keys_match().is_err() {
        return Err(bad("it does not belong to the client certificate"));
    }
    Ok(Identity { chain, key: Secret::new(text) })
}

fn certificates_of(what: &'static str, path: &Path) -> Result<Vec<Vec<u8>>, Unfit> {
    let bytes = contents(what, path)?;
    let roots: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    let roots = roots.map_err(|e| unfit(what, path, format!("it is not in PEM form: {e}")))?;
    if roots.is_empty() {
        return Err(unfit(what, path, "it holds no certificate in PEM form"));
    }
    // The trust store passes over what it cannot read, and an administrator would wonder why nothing is trusted.
    if let Some(nth) = roots.iter().position(|root| X509Certificate::from_der(root).is_err()) {
        return Err(unfit(what, path, format!("what stands as certificate {} in it is none", nth + 1)));
    }
    Ok(roots.iter().map(|r| r.to_vec()).collect())
}
