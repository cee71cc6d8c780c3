//! The verification of a server's certificate by a policy.
//!
//! A certificate that is trusted itself, byte for byte, needs no authority: `openssl req -x509`
//! makes certificates that are marked as authorities, which the usual rules refuse for a server.
//! Its names and dates are verified all the same.

use std::collections::HashSet;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{
    CertificateError, DigitallySignedStruct, Error, OtherError, RootCertStore, SignatureScheme,
};
use time::OffsetDateTime;

use crate::pve::foreign_text;
use crate::pve::tls::certificate::{Certificate, Fingerprint};
use crate::pve::tls::failure::TlsFailure;
use crate::pve::tls::key;

/// Certificates that are trusted: as authorities, and for servers that have them themselves.
#[derive(Debug)]
pub(super) struct Trust {
    authorities: Option<Arc<WebPkiServerVerifier>>,
    themselves: HashSet<Fingerprint>,
}

impl Trust {
    /// Trust in these certificates. One that cannot be an authority is trusted itself only.
    pub(super) fn new(
        certificates: impl IntoIterator<Item = CertificateDer<'static>>,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Self, Error> {
        let mut themselves = HashSet::new();
        let mut roots = RootCertStore::empty();
        for certificate in certificates {
            themselves.insert(Fingerprint::of(&certificate));
            // One of version 1, for example.
            let _ = roots.add(certificate);
        }
        let authorities = match roots.is_empty() {
            true => None,
            false => {
                let (roots, provider) = (Arc::new(roots), Arc::clone(provider));
                let built = WebPkiServerVerifier::builder_with_provider(roots, provider).build();
                Some(built.map_err(|error| Error::General(error.to_string()))?)
            }
        };
        Ok(Self {
            authorities,
            themselves,
        })
    }

    fn check(&self, presented: &Presented<'_>, name: &ServerName<'_>) -> Result<(), TlsFailure> {
        let seen = || Box::new(Certificate::from_der(presented.end_entity));
        if self
            .themselves
            .contains(&Fingerprint::of(presented.end_entity))
        {
            return check_itself(presented, name, seen());
        }
        let Some(authorities) = &self.authorities else {
            return Err(TlsFailure::Untrusted(seen()));
        };
        let (end_entity, chain) = (presented.end_entity, presented.intermediates);
        let verified = authorities.verify_server_cert(end_entity, chain, name, &[], presented.now);
        verified
            .map(|_| ())
            .map_err(|error| refusal(&error, presented.end_entity, seen()))
    }
}

/// Names and dates of a certificate that is trusted itself.
fn check_itself(
    presented: &Presented<'_>,
    name: &ServerName<'_>,
    seen: Box<Certificate>,
) -> Result<(), TlsFailure> {
    let seconds = i64::try_from(presented.now.as_secs()).unwrap_or(i64::MAX);
    let now = OffsetDateTime::from_unix_timestamp(seconds).ok();
    if now < seen.not_before {
        return Err(TlsFailure::NotYetValid(seen));
    }
    if now > seen.not_after {
        return Err(TlsFailure::Expired(seen));
    }
    let parsed = ParsedCertificate::try_from(presented.end_entity);
    let is_named = parsed.is_ok_and(|parsed| verify_server_name(&parsed, name).is_ok());
    match is_named {
        true => Ok(()),
        false => Err(TlsFailure::NameMismatch(seen)),
    }
}

/// What a server presented, and when.
struct Presented<'a> {
    end_entity: &'a CertificateDer<'a>,
    intermediates: &'a [CertificateDer<'a>],
    now: UnixTime,
}

/// The requirements for a certificate.
#[derive(Debug)]
pub(super) enum Check {
    /// Trusted certificates, a name and dates.
    Trust(Trust),
    /// One of these fingerprints.
    Pinned(Vec<Fingerprint>),
    /// Nothing.
    Nothing,
}

impl Check {
    fn check(&self, presented: &Presented<'_>, name: &ServerName<'_>) -> Result<(), TlsFailure> {
        let end_entity = presented.end_entity;
        let seen = || Box::new(Certificate::from_der(end_entity));
        match self {
            Self::Pinned(pins) if !pins.contains(&Fingerprint::of(end_entity)) => {
                return Err(TlsFailure::FingerprintMismatch(seen()));
            }
            _ => {}
        }
        // Whatever accepts the certificate, the handshake is verified with its key.
        if let Some(what) = key::unsupported(end_entity) {
            let certificate = seen();
            return Err(TlsFailure::UnsupportedKey { what, certificate });
        }
        match self {
            Self::Trust(trust) => trust.check(presented, name),
            Self::Pinned(_) | Self::Nothing => Ok(()),
        }
    }
}

/// Verifies a certificate by a policy. The error of the TLS library carries a [`TlsFailure`], so
/// that a message can show the certificate.
#[derive(Debug)]
pub(super) struct Verifier {
    pub(super) check: Check,
    /// The name to verify, if not the one that the connection is for.
    pub(super) server_name: Option<ServerName<'static>>,
    /// A proxy on the way that is reached over TLS, and the certificates to trust for it.
    pub(super) proxy: Option<(ServerName<'static>, Check)>,
    pub(super) provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let presented = Presented {
            end_entity,
            intermediates,
            now,
        };
        let outcome = match &self.proxy {
            Some((proxy, check)) if proxy == server_name => check.check(&presented, server_name),
            _ => {
                let name = self.server_name.as_ref().unwrap_or(server_name);
                self.check.check(&presented, name)
            }
        };
        outcome
            .map(|()| ServerCertVerified::assertion())
            .map_err(|failure| CertificateError::Other(OtherError(Arc::new(failure))).into())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        key::verify_tls12(message, cert, dss).map(|()| HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        key::verify_tls13(message, cert, dss).map(|()| HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

fn refusal(error: &Error, end_entity: &[u8], seen: Box<Certificate>) -> TlsFailure {
    use CertificateError as E;
    let Error::InvalidCertificate(error) = error else {
        return TlsFailure::Other {
            detail: foreign_text::shown(&error.to_string()),
            certificate: Some(seen),
        };
    };
    let what = match error {
        E::Expired | E::ExpiredContext { .. } => return TlsFailure::Expired(seen),
        E::NotValidYet | E::NotValidYetContext { .. } => return TlsFailure::NotYetValid(seen),
        E::NotValidForName | E::NotValidForNameContext { .. } => {
            return TlsFailure::NameMismatch(seen);
        }
        E::UnknownIssuer | E::BadSignature => return TlsFailure::Untrusted(seen),
        E::UnsupportedSignatureAlgorithmContext { .. }
        | E::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => format!(
            "a certificate of its chain is signed with an algorithm that is not supported (its own \
             signature is {})",
            key::signature_algorithm(end_entity)
        ),
        E::InvalidPurpose | E::InvalidPurposeContext { .. } => {
            "it is not issued for servers (extended key usage)".to_owned()
        }
        E::UnhandledCriticalExtension => {
            "it has a critical extension that is not supported".to_owned()
        }
        E::BadEncoding => "it breaks the rules for certificates (RFC 5280)".to_owned(),
        _ if seen.version < 3 => format!(
            "it is an X.509 certificate of version {}, and only version 3 can be verified",
            seen.version
        ),
        // So webpki reports a certificate of an authority that a server uses itself.
        _ => return TlsFailure::Untrusted(seen),
    };
    TlsFailure::Unsupported {
        what,
        certificate: seen,
    }
}
