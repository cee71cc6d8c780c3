//! The finer points of why a call failed.

use super::certificate::Certificate;

/// What a call was waiting for when its time ran out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// The connection, TLS handshake included.
    Connect,
    /// The answer.
    Answer,
    /// Anything, when the caller's own deadline passed: its turn to write, a login, the next
    /// one-time code, or the answer to a read. A write that was sent does not end so.
    Deadline,
}

/// What a request was refused for before anything was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthFailure {
    /// The API token. The server does not say why: recordings `193-auth-secret-prefix` to
    /// `218-auth-token-deleted-in-use` all read alike.
    Token,
    /// The user name or the password.
    Password,
    /// The one-time code.
    SecondFactor,
    /// A ticket that was good before.
    Ticket,
    /// Nothing was presented.
    Nothing,
}

/// Why a TLS handshake failed, with the certificate that was seen.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TlsFailure {
    /// No trusted authority signed the certificate.
    #[error("the certificate is signed by an authority that is not trusted here (subject {}, issuer {}, SHA-256 fingerprint {})", .0.subject, .0.issuer, .0.fingerprint)]
    Untrusted(Box<Certificate>),
    /// The certificate is for other names.
    #[error("the certificate is not valid for this name: it names {} (SHA-256 fingerprint {})", names(.0), .0.fingerprint)]
    NameMismatch(Box<Certificate>),
    /// The certificate has expired.
    #[error("the certificate expired{} (SHA-256 fingerprint {})", on(.0.not_after), .0.fingerprint)]
    Expired(Box<Certificate>),
    /// The certificate is not valid yet: most often one of the two clocks is wrong.
    #[error("the certificate is not valid before its first day{} (SHA-256 fingerprint {})", on(.0.not_before), .0.fingerprint)]
    NotYetValid(Box<Certificate>),
    /// None of the pinned fingerprints is that of the certificate.
    #[error("the certificate has the SHA-256 fingerprint {}, which is none of the expected ones", .0.fingerprint)]
    FingerprintMismatch(Box<Certificate>),
    /// Anything else: no common protocol version, a broken signature, an alert.
    #[error("{detail}")]
    Other {
        /// What the TLS library says.
        detail: String,
        /// The certificate, when the handshake came that far.
        certificate: Option<Box<Certificate>>,
    },
}

impl TlsFailure {
    /// The certificate that the server presented.
    pub fn certificate(&self) -> Option<&Certificate> {
        match self {
            Self::Untrusted(seen)
            | Self::NameMismatch(seen)
            | Self::Expired(seen)
            | Self::NotYetValid(seen)
            | Self::FingerprintMismatch(seen) => Some(seen),
            Self::Other { certificate, .. } => certificate.as_deref(),
        }
    }
}

fn names(certificate: &Certificate) -> String {
    match certificate.names.as_slice() {
        [] => "nobody".to_owned(),
        names => names.join(", "),
    }
}

fn on(instant: Option<time::OffsetDateTime>) -> String {
    instant
        .map(|instant| format!(" ({})", instant.date()))
        .unwrap_or_default()
}
