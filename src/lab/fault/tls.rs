//! Faults of TLS: other certificates, and handshakes that do not come about.

use serde::Deserialize;

/// How a certificate differs from the sound one. Days count from the start of the lab.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CertificateChange {
    /// The day on which it begins.
    pub from: Option<i64>,
    /// The day on which it ends.
    pub until: Option<i64>,
    /// The names that it is for.
    pub names: Option<Vec<String>>,
    /// Who signed it.
    #[serde(default)]
    pub by: Signer,
    /// What is sent.
    #[serde(default)]
    pub sent: Sent,
    /// The protocols that are offered by ALPN with it, best first; both if not said.
    pub offer: Option<Vec<String>>,
}

/// Who signs a certificate.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Signer {
    /// The authority that signs it when all is well.
    #[default]
    Usual,
    /// Itself, as a plain end-entity certificate.
    Itself,
    /// Itself, marked as an authority, as `openssl req -x509` makes it.
    ItselfAsAuthority,
    /// Another authority.
    Authority(AuthorityNames),
}

/// An authority of the lab: a root, an intermediate, and who knows the root.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuthorityNames {
    /// The organisation of both.
    pub organization: String,
    /// The root's common name.
    pub root: String,
    /// The intermediate's common name.
    pub intermediate: String,
    /// Whether the node's store has the root.
    #[serde(default)]
    pub in_store: bool,
    /// Whether GitLab's own store has it, where that differs from the node's.
    #[serde(default)]
    pub in_rails: Option<bool>,
    /// Whether the root counts as public.
    #[serde(default)]
    pub public: bool,
}

/// What of a chain is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sent {
    /// Leaf and intermediate.
    #[default]
    Chain,
    /// The leaf alone.
    Leaf,
}

/// What happens in place of a handshake.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HandshakeEnd {
    /// Nothing comes back.
    Silent,
    /// Nothing comes back to a `ClientHello` of more than so many bytes.
    SilentOver(usize),
    /// Nothing comes back unless the maximum segment is at most so many bytes.
    SilentAboveSegment(u32),
    /// A reset after the `ClientHello`.
    Reset,
    /// The end of the stream after the `ClientHello`.
    Closed,
    /// A fatal alert with this description (RFC 8446, 6).
    Alert(u8),
    /// This text at once, as SSH does.
    Greets(String),
    /// This text after the `ClientHello`, as a plain web server does.
    Answers(String),
    /// The handshake, after so many milliseconds.
    Late(u64),
}
