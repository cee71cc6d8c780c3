//! The certificate and key with which a client proves itself to a gateway.

use std::fmt;
use std::hash::{Hash, Hasher};

use rustls::client::WantsClientCert;
use rustls::pki_types::{
    CertificateDer, PrivateKeyDer, PrivatePkcs1KeyDer, PrivatePkcs8KeyDer, PrivateSec1KeyDer,
};
use rustls::{ClientConfig, ConfigBuilder, Error};

use crate::pve::secret::Secret;
use crate::pve::tls::bundle::{blocks, certificates};
use crate::pve::tls::key;

/// A certificate and a key cannot be used by a client. The error quotes nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClientIdentityError {
    /// The certificate cannot be read.
    #[error("the client certificate holds no readable PEM block \"BEGIN CERTIFICATE\"")]
    Certificate,
    /// The key is encrypted.
    #[error(
        "the client key is encrypted: decrypt it (`openssl pkey -in key.pem -out decrypted.pem`)"
    )]
    Encrypted,
    /// The key cannot be read.
    #[error("the client key holds no readable PEM block \"BEGIN PRIVATE KEY\"")]
    Key,
    /// The key does not belong to the certificate, or its type is not supported.
    #[error(
        "the client key does not belong to the client certificate, or is not an RSA, P-256, P-384 or Ed25519 key"
    )]
    Mismatch,
}

/// The certificate chain and the key of a client.
#[derive(Clone)]
pub struct ClientIdentity {
    chain: Vec<CertificateDer<'static>>,
    /// As PEM, so that its memory is zeroed.
    key: Secret,
}

impl ClientIdentity {
    /// Parses both from PEM.
    pub fn new(certificate: &str, key: Secret) -> Result<Self, ClientIdentityError> {
        let chain = certificates(certificate).unwrap_or_default();
        if chain.is_empty() {
            return Err(ClientIdentityError::Certificate);
        }
        let der = private_key(key.expose())?;
        let provider = key::provider();
        rustls::sign::CertifiedKey::from_der(chain.clone(), der, &provider)
            .map_err(|_| ClientIdentityError::Mismatch)?;
        Ok(Self { chain, key })
    }

    /// The configuration of a client that presents this identity.
    pub(super) fn added_to(
        &self,
        config: ConfigBuilder<ClientConfig, WantsClientCert>,
    ) -> Result<ClientConfig, Error> {
        let key =
            private_key(self.key.expose()).map_err(|error| Error::General(error.to_string()))?;
        config.with_client_auth_cert(self.chain.clone(), key)
    }
}

/// The first private key in a text.
fn private_key(pem: &str) -> Result<PrivateKeyDer<'static>, ClientIdentityError> {
    if pem.contains("ENCRYPTED") {
        return Err(ClientIdentityError::Encrypted);
    }
    let first = |label: &str| blocks(pem, |found| found == label).next().flatten();
    if let Some(der) = first("PRIVATE KEY") {
        return Ok(PrivatePkcs8KeyDer::from(der).into());
    }
    if let Some(der) = first("RSA PRIVATE KEY") {
        return Ok(PrivatePkcs1KeyDer::from(der).into());
    }
    match first("EC PRIVATE KEY") {
        Some(der) => Ok(PrivateSec1KeyDer::from(der).into()),
        None => Err(ClientIdentityError::Key),
    }
}

impl PartialEq for ClientIdentity {
    fn eq(&self, other: &Self) -> bool {
        self.chain == other.chain && self.key.expose() == other.key.expose()
    }
}

impl Eq for ClientIdentity {}

/// By the certificate, which the key belongs to.
impl Hash for ClientIdentity {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.chain.hash(state);
    }
}

impl fmt::Debug for ClientIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClientIdentity({} certificates)", self.chain.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_goes_with_its_own_key_only() {
        let one = rcgen::generate_simple_self_signed(["client".to_owned()]).unwrap();
        let other = rcgen::KeyPair::generate().unwrap();
        let identity = |key: &str| ClientIdentity::new(&one.cert.pem(), Secret::new(key));
        let key = one.key_pair.serialize_pem();
        assert!(identity(&key).is_ok());
        // Indented in a heredoc, with the certificate before it.
        let indented = format!("{}{key}", one.cert.pem()).replace('\n', "\n  ");
        assert!(identity(&indented).is_ok());
        for (key, error) in [
            (other.serialize_pem(), ClientIdentityError::Mismatch),
            (one.cert.pem(), ClientIdentityError::Key),
            (
                key.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY"),
                ClientIdentityError::Encrypted,
            ),
        ] {
            assert_eq!(identity(&key).unwrap_err(), error);
        }
        let none = ClientIdentity::new("", Secret::new(key));
        assert_eq!(none.unwrap_err(), ClientIdentityError::Certificate);
    }
}
