//! The finer points of why a call failed.

use std::time::Duration;

use crate::pve::tls::certificate::Certificate;
use crate::pve::tls::handshake::TlsVersion;

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

/// Why a forward proxy does not lead to the host.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProxyFailure {
    /// Its name does not resolve.
    #[error("has a name that cannot be resolved ({0})")]
    Dns(String),
    /// Nothing listens there.
    #[error("refused the connection")]
    Refused,
    /// It is silent, or waits for the host in vain.
    #[error("did not lead there within {0:?}")]
    Timeout(Duration),
    /// It wants credentials, or others than those in its URL.
    #[error("wants other credentials (407)")]
    Unauthenticated,
    /// It answered with something else than success: most often that it may not lead there, or
    /// cannot reach the host.
    #[error("refused to lead there")]
    NoTunnel,
    /// Anything else.
    #[error("failed ({0})")]
    Other(String),
}

/// Why a TLS handshake failed, with the certificate that was seen.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TlsFailure {
    /// No trusted authority signed the certificate.
    #[error("the certificate is signed by an authority that is not trusted here ({0})")]
    Untrusted(Box<Certificate>),
    /// The certificate is for other names.
    #[error("the certificate is not valid for this name ({0})")]
    NameMismatch(Box<Certificate>),
    /// The certificate has expired.
    #[error("the certificate has expired ({0})")]
    Expired(Box<Certificate>),
    /// The certificate is not valid yet: most often one of the two clocks is wrong.
    #[error("the certificate is not valid yet ({0})")]
    NotYetValid(Box<Certificate>),
    /// None of the pinned fingerprints is that of the certificate.
    #[error("the certificate's fingerprint is none of the expected ones ({0})")]
    FingerprintMismatch(Box<Certificate>),
    /// The server speaks only versions of TLS that are older than this one.
    #[error("the server offers {older} only, and {0} is the oldest that is accepted here", older = .0.older())]
    Version(TlsVersion),
    /// Anything else: no cipher in common, a broken signature, an alert.
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
            Self::Version(_) => None,
            Self::Other { certificate, .. } => certificate.as_deref(),
        }
    }
}
