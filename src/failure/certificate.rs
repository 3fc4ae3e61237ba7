//! Certificates reduced to what is judged and shown. All text in them is foreign.

use crate::text::foreign;
use rustls_pki_types::CertificateDer;
use serde::{Deserialize, Serialize};
use std::fmt::Write;
use std::net::IpAddr;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};
use x509_parser::x509::X509Name;

/// A peer may send a thousand certificates; no honest chain is longer than a handful.
const CHAIN: usize = 20;

/// A certificate for hundreds of names is shown by the first of them.
const NAMES: usize = 50;

/// A certificate as sent, reduced to what is judged and shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificate {
    /// The subject's common name, else the whole subject.
    pub subject: String,
    /// The whole issuer, `CN=…, O=…`.
    pub issuer: String,
    /// The names it is valid for, at most 50.
    pub names: Vec<String>,
    /// From when, Unix seconds.
    pub not_before: i64,
    /// Until when, Unix seconds.
    pub not_after: i64,
    /// Whether subject and issuer are the same.
    pub self_issued: bool,
    /// Whether it may sign others.
    pub is_ca: bool,
    /// SHA-256 of the DER form, upper-case hexadecimal.
    pub sha256: String,
}

/// The start of a chain, leaf first.
pub fn chain(sent: &[CertificateDer<'_>]) -> Vec<Certificate> {
    sent.iter().take(CHAIN).map(|der| reduce(der)).collect()
}

impl Certificate {
    /// One certificate in DER form; one that cannot be parsed keeps its fingerprint only.
    pub fn of(der: &[u8]) -> Self {
        reduce(der)
    }
}

fn reduce(der: &[u8]) -> Certificate {
    let sha256 = sha256(der);
    let Ok((_, parsed)) = X509Certificate::from_der(der) else {
        return Certificate {
            subject: "unreadable".to_owned(),
            issuer: "unreadable".to_owned(),
            names: Vec::new(),
            not_before: 0,
            not_after: 0,
            self_issued: false,
            is_ca: false,
            sha256,
        };
    };
    Certificate {
        subject: short_name(parsed.subject()),
        issuer: foreign(&parsed.issuer().to_string()),
        names: names(&parsed),
        not_before: parsed.validity().not_before.timestamp(),
        not_after: parsed.validity().not_after.timestamp(),
        self_issued: parsed.subject().as_raw() == parsed.issuer().as_raw(),
        is_ca: parsed.is_ca(),
        sha256,
    }
}

/// The common name, else all of it.
fn short_name(name: &X509Name<'_>) -> String {
    let common = name.iter_common_name().next().and_then(|c| c.as_str().ok());
    foreign(&common.map_or_else(|| name.to_string(), str::to_owned))
}

fn names(parsed: &X509Certificate<'_>) -> Vec<String> {
    let Ok(Some(alternatives)) = parsed.subject_alternative_name() else { return Vec::new() };
    let name = |general: &GeneralName<'_>| match general {
        GeneralName::DNSName(name) => Some(foreign(name)),
        GeneralName::IPAddress(bytes) => address(bytes).map(|a| a.to_string()),
        _ => None,
    };
    alternatives.value.general_names.iter().filter_map(name).take(NAMES).collect()
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    <[u8; 4]>::try_from(bytes)
        .map(IpAddr::from)
        .or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from))
        .ok()
}

/// The fingerprint in upper-case hexadecimal, from the hash function that the TLS library brings along.
fn sha256(der: &[u8]) -> String {
    let suite = rustls::crypto::ring::cipher_suite::TLS13_AES_128_GCM_SHA256;
    let Some(suite) = suite.tls13() else { return String::new() };
    let digest = suite.common.hash_provider.hash(der);
    digest.as_ref().iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02X}");
        hex
    })
}
