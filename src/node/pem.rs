//! Certificates in files: PEM blocks of every kind that TLS libraries take, and DER.
//!
//! Finds them; does not look into them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// What a block says that it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// `BEGIN CERTIFICATE`: every library takes it.
    Plain,
    /// `BEGIN X509 CERTIFICATE`: OpenSSL takes it, Go does not.
    X509,
    /// `BEGIN TRUSTED CERTIFICATE`: OpenSSL takes it, Go does not.
    Trusted,
}

/// A certificate in DER form, with the kind of its block.
pub(super) type Block = (Kind, Vec<u8>);

const DASHES: &str = "-----";

/// The certificates of a PEM file, in order. What is no certificate, or is broken, is passed over.
pub(super) fn blocks(bytes: &[u8]) -> Vec<Block> {
    // Comments around the blocks may be in any encoding.
    let text = String::from_utf8_lossy(bytes);
    let mut found = Vec::new();
    let mut kind: Option<Kind> = None;
    let mut body = String::new();
    for line in text.lines().map(str::trim) {
        let label = |word: &str| line.strip_prefix(DASHES)?.strip_prefix(word)?.strip_suffix(DASHES);
        if let Some(label) = label("BEGIN ") {
            kind = match label {
                "CERTIFICATE" => Some(Kind::Plain),
                "X509 CERTIFICATE" => Some(Kind::X509),
                "TRUSTED CERTIFICATE" => Some(Kind::Trusted),
                _ => None,
            };
            body.clear();
        } else if label("END ").is_some() {
            let der = kind.take().and_then(|kind| Some((kind, STANDARD.decode(&body).ok()?)));
            // Behind a trusted certificate stand OpenSSL's notes on what it is trusted for.
            found.extend(der.and_then(|(kind, der)| Some((kind, first_element(&der)?.to_vec()))));
        } else if kind.is_some() {
            body.push_str(line);
        }
    }
    found
}

/// A whole file in DER form.
pub(super) fn der(bytes: &[u8]) -> Option<&[u8]> {
    first_element(bytes).filter(|element| element.len() == bytes.len())
}

/// The sequence at the start, by the length that it gives itself (X.690, 8.1.3).
fn first_element(der: &[u8]) -> Option<&[u8]> {
    let (length, header) = match der {
        [0x30, short @ 0..=0x7f, ..] => (usize::from(*short), 2),
        [0x30, 0x81, a, ..] => (usize::from(*a), 3),
        [0x30, 0x82, a, b, ..] => (usize::from(*a) << 8 | usize::from(*b), 4),
        [0x30, 0x83, a, b, c, ..] => (usize::from(*a) << 16 | usize::from(*b) << 8 | usize::from(*c), 5),
        _ => return None,
    };
    der.get(..header + length)
}
