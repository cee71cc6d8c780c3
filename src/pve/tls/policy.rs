//! The certificates that a client trusts, and the TLS configuration for them.
//!
//! A policy trusts certificate authorities (those of the system, or a bundle instead), pinned
//! fingerprints, or any certificate. A pin replaces the checks of chain and name, because the
//! certificates that Proxmox VE issues rarely name the address in use. The signatures of the
//! handshake are always verified, so the server is known to hold the key.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, OtherError, RootCertStore,
    SignatureScheme,
};

use crate::pve::tls::certificate::{Certificate, Fingerprint};
use crate::pve::tls::failure::TlsFailure;
use crate::pve::tls::handshake::{CertificateName, TlsVersion};

/// A text is not a bundle of certificates. The error never quotes it, because it may contain a
/// private key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CaBundleError {
    /// It contains no certificate.
    #[error("the CA certificate holds no PEM block \"BEGIN CERTIFICATE\"")]
    Empty,
    /// It contains a private key.
    #[error(
        "the CA certificate holds a private key: give the certificate alone, and treat the key as leaked"
    )]
    PrivateKey,
    /// The PEM armour or its base64 is invalid.
    #[error("certificate {0} of the CA certificate is not readable PEM")]
    Pem(usize),
    /// The content is not an X.509 certificate.
    #[error("certificate {0} of the CA certificate is not an X.509 certificate")]
    Certificate(usize),
}

/// One or more certificate authorities, parsed from PEM.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct CaBundle(Vec<CertificateDer<'static>>);

impl FromStr for CaBundle {
    type Err = CaBundleError;

    fn from_str(pem: &str) -> Result<Self, CaBundleError> {
        if pem.contains("PRIVATE KEY-----") {
            return Err(CaBundleError::PrivateKey);
        }
        let mut certificates = Vec::new();
        for (index, item) in CertificateDer::pem_slice_iter(pem.as_bytes()).enumerate() {
            let certificate = item.map_err(|_| CaBundleError::Pem(index + 1))?;
            RootCertStore::empty()
                .add(certificate.clone())
                .map_err(|_| CaBundleError::Certificate(index + 1))?;
            certificates.push(certificate);
        }
        if certificates.is_empty() {
            return Err(CaBundleError::Empty);
        }
        Ok(Self(certificates))
    }
}

impl fmt::Debug for CaBundle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CaBundle({} certificates)", self.0.len())
    }
}

/// The requirements for the certificate of a server.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TlsPolicy {
    /// Whether the certificate is verified. Pins are verified even if not.
    pub verify: bool,
    /// The trusted authorities, instead of those of the system.
    pub ca_certificate: Option<CaBundle>,
    /// SHA-256 fingerprints of acceptable certificates. If there are any, nothing else of the
    /// certificate is verified.
    pub fingerprints: Vec<Fingerprint>,
    /// The name that the certificate must be valid for, if not that of the endpoint.
    pub server_name: Option<CertificateName>,
    /// The minimum version of TLS.
    pub min_version: TlsVersion,
}

impl Default for TlsPolicy {
    fn default() -> Self {
        Self {
            verify: true,
            ca_certificate: None,
            fingerprints: Vec::new(),
            server_name: None,
            min_version: TlsVersion::default(),
        }
    }
}

impl TlsPolicy {
    /// The TLS configuration for this policy, built once for each process. The authorities of the
    /// system are read from disk when the first policy needs them.
    pub(crate) fn client_config(&self) -> Result<ClientConfig, rustls::Error> {
        static MADE: OnceLock<Mutex<HashMap<TlsPolicy, ClientConfig>>> = OnceLock::new();
        let mut made = MADE
            .get_or_init(Mutex::default)
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(config) = made.get(self) {
            return Ok(config.clone());
        }
        let config = self.build()?;
        made.insert(self.clone(), config.clone());
        Ok(config)
    }

    fn build(&self) -> Result<ClientConfig, rustls::Error> {
        let provider = Arc::new(ring::default_provider());
        let verifier = Verifier {
            check: self.check(&provider)?,
            server_name: self.server_name.clone().map(|CertificateName(name)| name),
            provider: Arc::clone(&provider),
        };
        let config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(self.min_version.and_newer())?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_no_client_auth();
        Ok(config)
    }

    fn check(&self, provider: &Arc<CryptoProvider>) -> Result<Check, rustls::Error> {
        if !self.fingerprints.is_empty() {
            return Ok(Check::Pinned(self.fingerprints.clone()));
        }
        if !self.verify {
            return Ok(Check::Nothing);
        }
        let roots = match &self.ca_certificate {
            Some(bundle) => {
                let mut roots = RootCertStore::empty();
                roots.add_parsable_certificates(bundle.0.iter().cloned());
                Arc::new(roots)
            }
            None => system_roots(),
        };
        if roots.is_empty() {
            return Ok(Check::NobodyIsTrusted);
        }
        WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(provider))
            .build()
            .map(Check::Chain)
            .map_err(|error| rustls::Error::General(error.to_string()))
    }
}

/// The certificate authorities of the system, without unreadable ones. If none is left, every
/// certificate is untrusted, which a message explains better than a failure here.
fn system_roots() -> Arc<RootCertStore> {
    static ROOTS: OnceLock<Arc<RootCertStore>> = OnceLock::new();
    Arc::clone(ROOTS.get_or_init(|| {
        let found = rustls_native_certs::load_native_certs();
        let mut roots = RootCertStore::empty();
        let (added, ignored) = roots.add_parsable_certificates(found.certs);
        tracing::debug!(
            added,
            ignored,
            errors = found.errors.len(),
            "read the machine's certificate authorities"
        );
        Arc::new(roots)
    }))
}

#[derive(Debug)]
enum Check {
    Chain(Arc<WebPkiServerVerifier>),
    Pinned(Vec<Fingerprint>),
    NobodyIsTrusted,
    Nothing,
}

/// Verifies a certificate by a policy. The error of the TLS library carries a [`TlsFailure`], so
/// that a message can show the certificate.
#[derive(Debug)]
struct Verifier {
    check: Check,
    /// The name to verify, if not the one that the connection is for.
    server_name: Option<ServerName<'static>>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let server_name = self.server_name.as_ref().unwrap_or(server_name);
        let seen = || Box::new(Certificate::from_der(end_entity));
        let outcome = match &self.check {
            Check::Chain(chain) => chain
                .verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
                .map_err(|error| refusal(&error, seen())),
            Check::Pinned(pins) if pins.contains(&Fingerprint::of(end_entity)) => {
                Ok(ServerCertVerified::assertion())
            }
            Check::Pinned(_) => Err(TlsFailure::FingerprintMismatch(seen())),
            Check::NobodyIsTrusted => Err(TlsFailure::Untrusted(seen())),
            Check::Nothing => Ok(ServerCertVerified::assertion()),
        };
        outcome.map_err(|failure| CertificateError::Other(OtherError(Arc::new(failure))).into())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(
            message,
            cert,
            dss,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(
            message,
            cert,
            dss,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

fn refusal(error: &rustls::Error, seen: Box<Certificate>) -> TlsFailure {
    use CertificateError as E;
    match error {
        rustls::Error::InvalidCertificate(E::Expired | E::ExpiredContext { .. }) => {
            TlsFailure::Expired(seen)
        }
        rustls::Error::InvalidCertificate(E::NotValidYet | E::NotValidYetContext { .. }) => {
            TlsFailure::NotYetValid(seen)
        }
        rustls::Error::InvalidCertificate(
            E::NotValidForName | E::NotValidForNameContext { .. },
        ) => TlsFailure::NameMismatch(seen),
        // `Other` is how webpki reports a self-signed CA certificate used by the server itself.
        rustls::Error::InvalidCertificate(E::UnknownIssuer | E::BadSignature | E::Other(_)) => {
            TlsFailure::Untrusted(seen)
        }
        other => TlsFailure::Other {
            detail: other.to_string(),
            certificate: Some(seen),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::{CaBundle, CaBundleError, TlsPolicy};

    fn pem() -> String {
        rcgen::generate_simple_self_signed(["pve1".to_owned()])
            .unwrap()
            .cert
            .pem()
    }

    #[test]
    fn a_bundle_may_hold_several_authorities() {
        let bundle: CaBundle = format!("{}\n# second\n{}", pem(), pem()).parse().unwrap();
        assert_eq!(format!("{bundle:?}"), "CaBundle(2 certificates)");
    }

    #[test]
    fn what_is_no_bundle_is_refused_with_the_reason() {
        assert_eq!("".parse::<CaBundle>(), Err(CaBundleError::Empty));
        assert_eq!(
            "/etc/pve/pve-root-ca.pem".parse::<CaBundle>(),
            Err(CaBundleError::Empty)
        );
        let key = rcgen::KeyPair::generate().unwrap().serialize_pem();
        assert_eq!(key.parse::<CaBundle>(), Err(CaBundleError::PrivateKey));
        let armour = |body: &str| {
            format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n")
        };
        assert_eq!(
            armour("!!!!").parse::<CaBundle>(),
            Err(CaBundleError::Pem(1))
        );
        let second_is_none = pem() + &armour("aGVsbG8=");
        assert_eq!(
            second_is_none.parse::<CaBundle>(),
            Err(CaBundleError::Certificate(2))
        );
        let cut = pem().replace("-----END CERTIFICATE-----", "");
        assert!(cut.parse::<CaBundle>().is_err());
    }

    #[test]
    fn the_default_is_to_verify_against_the_machine_s_roots() {
        let policy = TlsPolicy::default();
        assert!(policy.verify && policy.ca_certificate.is_none() && policy.fingerprints.is_empty());
    }
}
