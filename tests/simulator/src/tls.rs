//! The certificate a node shows: an authority for the cluster and a leaf for each node, made anew
//! at each start.

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, KeyPair};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::version::{TLS12, TLS13};
use rustls::{ServerConfig, SupportedProtocolVersion};
use time::{Duration, OffsetDateTime};

use crate::Error;

/// What the certificate says.
#[derive(Debug, Clone)]
pub struct TlsOptions {
    /// The names and addresses it is for.
    pub names: Vec<String>,
    /// It expired yesterday.
    pub expired: bool,
    /// It is its own authority, as `openssl req -x509` makes it, and not the cluster's.
    pub self_signed: bool,
    /// The node speaks TLS 1.2 and nothing newer.
    pub only_tls12: bool,
}

impl Default for TlsOptions {
    /// Valid for `localhost`, the loopback addresses and the node's name.
    fn default() -> Self {
        let names = ["localhost", "127.0.0.1", "::1", "pve1"];
        Self {
            names: names.map(str::to_owned).to_vec(),
            expired: false,
            self_signed: false,
            only_tls12: false,
        }
    }
}

/// The authority that signs the certificates of a cluster's nodes.
pub(crate) struct Authority {
    certificate: rcgen::Certificate,
    key: KeyPair,
}

impl Authority {
    pub(crate) fn make() -> Result<Self, Error> {
        let now = OffsetDateTime::now_utc();
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params
            .distinguished_name
            .push(DnType::CommonName, "Proxmox Virtual Environment");
        params
            .distinguished_name
            .push(DnType::OrganizationName, "PVE Cluster Manager CA");
        params.not_before = now - Duration::days(365);
        params.not_after = now + Duration::days(3650);
        Ok(Self {
            certificate: params.self_signed(&key)?,
            key,
        })
    }

    pub(crate) fn pem(&self) -> String {
        self.certificate.pem()
    }

    /// The certificate of a node.
    pub(crate) fn certify(&self, node: &str, options: &TlsOptions) -> Result<Certificate, Error> {
        let now = OffsetDateTime::now_utc();
        let key = KeyPair::generate()?;
        let mut leaf = CertificateParams::new(options.names.clone())?;
        leaf.distinguished_name.push(DnType::CommonName, node);
        leaf.not_before = now - Duration::days(30);
        leaf.not_after = now + Duration::days(if options.expired { -1 } else { 730 });
        let (not_before, not_after) = (
            leaf.not_before.unix_timestamp(),
            leaf.not_after.unix_timestamp(),
        );
        let leaf = if options.self_signed {
            leaf.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            leaf.self_signed(&key)?
        } else {
            leaf.signed_by(&key, &self.certificate, &self.key)?
        };
        let key = PrivatePkcs8KeyDer::from(key.serialize_der());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let versions: &[&SupportedProtocolVersion] = match options.only_tls12 {
            true => &[&TLS12],
            false => &[&TLS12, &TLS13],
        };
        let server = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)?
            .with_no_client_auth()
            .with_single_cert(vec![leaf.der().clone()], key.into())?;
        Ok(Certificate {
            pem: leaf.pem(),
            fingerprint: fingerprint(leaf.der()),
            names: options.names.clone(),
            not_before,
            not_after,
            server: Arc::new(server),
        })
    }
}

/// A certificate with all that the API and the tests tell about it.
pub(crate) struct Certificate {
    pub(crate) pem: String,
    /// SHA-256, as `AA:BB:…`.
    pub(crate) fingerprint: String,
    pub(crate) names: Vec<String>,
    pub(crate) not_before: i64,
    pub(crate) not_after: i64,
    pub(crate) server: Arc<ServerConfig>,
}

fn fingerprint(der: &[u8]) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, der);
    let pairs = digest.as_ref().iter().map(|byte| format!("{byte:02X}"));
    pairs.collect::<Vec<_>>().join(":")
}
