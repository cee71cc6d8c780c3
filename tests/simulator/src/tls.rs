//! The certificate the server shows: an own authority and one leaf, made anew at each start.

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use time::{Duration, OffsetDateTime};

use crate::Error;

/// What the certificate says.
#[derive(Debug, Clone)]
pub struct TlsOptions {
    /// The names and addresses it is for.
    pub names: Vec<String>,
    /// It expired yesterday.
    pub expired: bool,
}

impl Default for TlsOptions {
    /// Valid for `localhost`, the loopback addresses and the node's name.
    fn default() -> Self {
        let names = ["localhost", "127.0.0.1", "::1", "pve1"];
        Self {
            names: names.map(str::to_owned).to_vec(),
            expired: false,
        }
    }
}

/// A certificate with all that the API and the tests tell about it.
pub(crate) struct Certificate {
    pub(crate) pem: String,
    pub(crate) ca_pem: String,
    /// SHA-256, as `AA:BB:…`.
    pub(crate) fingerprint: String,
    pub(crate) names: Vec<String>,
    pub(crate) not_before: i64,
    pub(crate) not_after: i64,
    pub(crate) server: Arc<ServerConfig>,
}

impl Certificate {
    pub(crate) fn make(options: &TlsOptions) -> Result<Self, Error> {
        let now = OffsetDateTime::now_utc();
        let authority_key = KeyPair::generate()?;
        let mut authority = CertificateParams::default();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        authority
            .distinguished_name
            .push(DnType::CommonName, "Proxmox Virtual Environment");
        authority
            .distinguished_name
            .push(DnType::OrganizationName, "PVE Cluster Manager CA");
        authority.not_before = now - Duration::days(365);
        authority.not_after = now + Duration::days(3650);
        let authority = authority.self_signed(&authority_key)?;

        let key = KeyPair::generate()?;
        let mut leaf = CertificateParams::new(options.names.clone())?;
        leaf.distinguished_name.push(DnType::CommonName, "pve1");
        leaf.not_before = now - Duration::days(30);
        leaf.not_after = now + Duration::days(if options.expired { -1 } else { 730 });
        let (not_before, not_after) = (
            leaf.not_before.unix_timestamp(),
            leaf.not_after.unix_timestamp(),
        );
        let leaf = leaf.signed_by(&key, &authority, &authority_key)?;

        let der: CertificateDer<'static> = leaf.der().clone();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let server = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(
                vec![der],
                PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
            )?;
        Ok(Self {
            pem: leaf.pem(),
            ca_pem: authority.pem(),
            fingerprint: fingerprint(leaf.der()),
            names: options.names.clone(),
            not_before,
            not_after,
            server: Arc::new(server),
        })
    }
}

fn fingerprint(der: &[u8]) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, der);
    let pairs = digest.as_ref().iter().map(|byte| format!("{byte:02X}"));
    pairs.collect::<Vec<_>>().join(":")
}
