//! The certificates that a client trusts, and the TLS configuration for them.
//!
//! A policy trusts certificate authorities (those of the system, or a bundle instead), pinned
//! fingerprints, or any certificate. A pin replaces the checks of chain and name, because the
//! certificates that Proxmox VE issues rarely name the address in use. The signatures of the
//! handshake are always verified, so the server is known to hold the key.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, Error};

use crate::pve::tls::bundle::CaBundle;
use crate::pve::tls::certificate::Fingerprint;
use crate::pve::tls::client_identity::ClientIdentity;
use crate::pve::tls::handshake::{CertificateName, TlsVersion};
use crate::pve::tls::key;
use crate::pve::tls::sessions;
use crate::pve::tls::verifier::{Check, Trust, Verifier};

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
    /// The certificate and key that the client presents, if a gateway asks for them.
    pub client_identity: Option<ClientIdentity>,
}

impl Default for TlsPolicy {
    fn default() -> Self {
        Self {
            verify: true,
            ca_certificate: None,
            fingerprints: Vec::new(),
            server_name: None,
            min_version: TlsVersion::default(),
            client_identity: None,
        }
    }
}

impl TlsPolicy {
    /// The TLS configuration for this policy, on the way through a proxy that is reached over TLS
    /// or without one.
    ///
    /// Built once for each process, except with the key of a client, which is not kept longer than
    /// its client. The authorities of the system are read from disk when the first policy needs
    /// them.
    pub(crate) fn client_config(
        &self,
        proxy: Option<ServerName<'static>>,
    ) -> Result<ClientConfig, Error> {
        type Made = HashMap<(TlsPolicy, Option<ServerName<'static>>), ClientConfig>;
        static MADE: OnceLock<Mutex<Made>> = OnceLock::new();
        if self.client_identity.is_some() {
            return self.build(proxy);
        }
        let mut made = MADE
            .get_or_init(Mutex::default)
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let key = (self.clone(), proxy);
        if let Some(config) = made.get(&key) {
            return Ok(config.clone());
        }
        let config = self.build(key.1.clone())?;
        made.insert(key, config.clone());
        Ok(config)
    }

    fn build(&self, proxy: Option<ServerName<'static>>) -> Result<ClientConfig, Error> {
        let provider = Arc::new(key::provider());
        let proxy = match proxy {
            Some(proxy) => Some((proxy, self.check_of_proxy(&provider)?)),
            None => None,
        };
        let verifier = Verifier {
            check: self.check(&provider)?,
            server_name: self.server_name.clone().map(|CertificateName(name)| name),
            proxy,
            provider: Arc::clone(&provider),
        };
        let config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(self.min_version.and_newer())?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier));
        let mut config = match &self.client_identity {
            Some(identity) => identity.added_to(config)?,
            None => config.with_no_client_auth(),
        };
        config.resumption = sessions::resumption();
        Ok(config)
    }

    fn check(&self, provider: &Arc<CryptoProvider>) -> Result<Check, Error> {
        if !self.fingerprints.is_empty() {
            return Ok(Check::Pinned(self.fingerprints.clone()));
        }
        if !self.verify {
            return Ok(Check::Nothing);
        }
        let trusted = match &self.ca_certificate {
            Some(bundle) => bundle.0.clone(),
            None => system_certificates().to_vec(),
        };
        Trust::new(trusted, provider).map(Check::Trust)
    }

    /// The proxy has a certificate of its own, which a pin of the server does not describe. The
    /// authorities of the system are trusted, and those of the policy.
    fn check_of_proxy(&self, provider: &Arc<CryptoProvider>) -> Result<Check, Error> {
        if !self.verify {
            return Ok(Check::Nothing);
        }
        let mut trusted = system_certificates().to_vec();
        trusted.extend(
            self.ca_certificate
                .iter()
                .flat_map(|bundle| bundle.0.clone()),
        );
        Trust::new(trusted, provider).map(Check::Trust)
    }
}

/// The certificates that the system trusts, without unreadable ones. If there is none, every
/// certificate is untrusted, which a message explains better than a failure here.
fn system_certificates() -> &'static [CertificateDer<'static>] {
    static CERTIFICATES: OnceLock<Vec<CertificateDer<'static>>> = OnceLock::new();
    CERTIFICATES.get_or_init(|| {
        let found = rustls_native_certs::load_native_certs();
        tracing::debug!(
            found = found.certs.len(),
            errors = found.errors.len(),
            "Read the certificate authorities of the system"
        );
        found.certs
    })
}

#[cfg(test)]
mod tests {
    use super::TlsPolicy;

    #[test]
    fn the_default_is_to_verify_against_the_machine_s_roots() {
        let policy = TlsPolicy::default();
        assert!(policy.verify && policy.ca_certificate.is_none() && policy.fingerprints.is_empty());
    }
}
