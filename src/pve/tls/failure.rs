//! Why a TLS handshake failed.

use crate::pve::tls::certificate::Certificate;
use crate::pve::tls::handshake::TlsVersion;

/// Why a TLS handshake failed, with the certificate that was seen.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TlsFailure {
    /// No trusted authority signed the certificate.
    #[error("the certificate is signed by an authority that is not trusted here ({0})")]
    Untrusted(Box<Certificate>),
    /// The certificate does not name the host.
    #[error("the certificate is not valid for this name ({0})")]
    NameMismatch(Box<Certificate>),
    /// The certificate has expired.
    #[error("the certificate has expired ({0})")]
    Expired(Box<Certificate>),
    /// The certificate is not valid yet. Often one of the two clocks is wrong.
    #[error("the certificate is not valid yet ({0})")]
    NotYetValid(Box<Certificate>),
    /// The certificate does not have a pinned fingerprint.
    #[error("the certificate's fingerprint is none of the expected ones ({0})")]
    FingerprintMismatch(Box<Certificate>),
    /// The rules for certificates refuse it, whoever signed it. A pin accepts it.
    #[error("the certificate cannot be verified: {what} ({certificate})")]
    Unsupported {
        /// Why.
        what: String,
        /// The certificate.
        certificate: Box<Certificate>,
    },
    /// No handshake with its key can be verified, so nothing accepts it.
    #[error("the key of the certificate is not supported: {what} ({certificate})")]
    UnsupportedKey {
        /// Why.
        what: String,
        /// The certificate.
        certificate: Box<Certificate>,
    },
    /// The server supports only versions of TLS older than this one.
    #[error("the server offers {older} only, and {0} is the oldest that is accepted here", older = .0.older())]
    Version(TlsVersion),
    /// Any other failure: no common cipher suite, an invalid signature, an alert.
    #[error("{detail}")]
    Other {
        /// The text of the TLS library.
        detail: String,
        /// The certificate, if the server had presented it.
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
            | Self::FingerprintMismatch(seen)
            | Self::Unsupported {
                certificate: seen, ..
            }
            | Self::UnsupportedKey {
                certificate: seen, ..
            } => Some(seen),
            Self::Version(_) => None,
            Self::Other { certificate, .. } => certificate.as_deref(),
        }
    }
}
