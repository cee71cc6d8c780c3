//! Certificates that the usual rules refuse: marked as an authority, of version 1, with a key of
//! another kind.

use std::sync::Arc;

use p521::ecdsa::signature::Signer as _;
use p521::ecdsa::{Signature, SigningKey as P521Key};
use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{Signer, SigningKey};
use rustls::version::{TLS12, TLS13};
use rustls::{Error as TlsError, SignatureAlgorithm, SignatureScheme, SupportedProtocolVersion};
use serde_json::json;
use time::{Duration, OffsetDateTime};

use crate::pve::tests::script::{Host, Identity, ask, data, failure};
use crate::pve::tls::certificate::Fingerprint;
use crate::pve::tls::failure::TlsFailure;
use crate::pve::tls::policy::TlsPolicy;

const VERSIONS: [&SupportedProtocolVersion; 2] = [&TLS12, &TLS13];

async fn host(identity: Identity, version: &'static SupportedProtocolVersion) -> Host {
    Host::with_versions(identity, &[version], |_| {
        Box::pin(async { data(&json!({"version": "9.2.11"})) })
    })
    .await
}

fn pinned(host: &Host) -> TlsPolicy {
    TlsPolicy {
        fingerprints: vec![host.fingerprint],
        ..TlsPolicy::default()
    }
}

fn unverified() -> TlsPolicy {
    TlsPolicy {
        verify: false,
        ..TlsPolicy::default()
    }
}

fn trusting(pem: &str) -> TlsPolicy {
    TlsPolicy {
        ca_certificate: Some(pem.parse().unwrap()),
        ..TlsPolicy::default()
    }
}

/// As `openssl req -x509` makes it: self-signed, and marked as an authority.
fn self_signed(name: &str, from_days: i64, to_days: i64) -> (String, Identity) {
    let mut params = CertificateParams::new([name.to_owned()]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.not_before = OffsetDateTime::now_utc() + Duration::days(from_days);
    params.not_after = OffsetDateTime::now_utc() + Duration::days(to_days);
    let key = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap();
    let identity = Identity::new(
        vec![certificate.der().clone()],
        PrivateKeyDer::Pkcs8(key.serialize_der().into()),
    );
    (certificate.pem(), identity)
}

#[tokio::test]
async fn a_self_signed_certificate_that_was_given_is_trusted() {
    for version in VERSIONS {
        let (pem, identity) = self_signed("127.0.0.1", -1, 1);
        let host = host(identity, version).await;
        assert!(ask(&host, trusting(&pem)).await.is_ok());
        // Another one of the same name is not.
        let (other, _) = self_signed("127.0.0.1", -1, 1);
        let untrusted = failure(&host, trusting(&other)).await;
        assert!(matches!(untrusted, TlsFailure::Untrusted(_)), "{untrusted}");
    }
}

#[tokio::test]
async fn its_name_and_dates_are_verified_all_the_same() {
    let (pem, identity) = self_signed("pve2.example.com", -1, 1);
    let refused = failure(&host(identity, &TLS13).await, trusting(&pem)).await;
    assert!(matches!(refused, TlsFailure::NameMismatch(_)), "{refused}");
    let (pem, identity) = self_signed("127.0.0.1", -9, -2);
    let refused = failure(&host(identity, &TLS13).await, trusting(&pem)).await;
    assert!(matches!(refused, TlsFailure::Expired(_)), "{refused}");
    let (pem, identity) = self_signed("127.0.0.1", 2, 9);
    let refused = failure(&host(identity, &TLS13).await, trusting(&pem)).await;
    assert!(matches!(refused, TlsFailure::NotYetValid(_)), "{refused}");
}

#[tokio::test]
async fn a_certificate_of_version_1_can_be_pinned() {
    let pem = include_str!("certificates/version-1.pem");
    let identity = || {
        Identity::new(
            vec![CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()],
            PrivateKeyDer::from_pem_slice(include_bytes!("certificates/version-1.key.pem"))
                .unwrap(),
        )
    };
    for version in VERSIONS {
        let host = host(identity(), version).await;
        assert!(ask(&host, pinned(&host)).await.is_ok());
        assert!(ask(&host, unverified()).await.is_ok());
        // It names no host, so trust in itself does not suffice.
        let refused = failure(&host, trusting(pem)).await;
        assert!(matches!(refused, TlsFailure::NameMismatch(_)), "{refused}");
    }
}

/// A P-521 key, which *ring* does not have.
#[derive(Clone, Debug)]
struct P521(P521Key, SignatureScheme);

impl SigningKey for P521 {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        let is_offered = offered.contains(&self.1);
        is_offered.then(|| Box::new(self.clone()) as Box<dyn Signer>)
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        SignatureAlgorithm::ECDSA
    }
}

impl Signer for P521 {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, TlsError> {
        let signature: Signature = self.0.sign(message);
        Ok(signature.to_der().as_bytes().to_vec())
    }

    fn scheme(&self) -> SignatureScheme {
        self.1
    }
}

/// The key of `certificates/p521.pem`.
fn p521() -> P521Key {
    const KEY: &str = "009544aa6c117381dcab4c95f0173633231b4cf8ec9c835385566344a3741407b930e947f83d\
                       88b57cf608e8b2c7b5645f75a16c9968c07299f5f81237b5347d6536";
    let bytes = (0..KEY.len()).step_by(2);
    let bytes: Vec<u8> = bytes
        .map(|at| u8::from_str_radix(&KEY[at..at + 2], 16).unwrap())
        .collect();
    P521Key::from_slice(&bytes).unwrap()
}

#[tokio::test]
async fn a_p521_key_can_be_pinned_and_trusted() {
    let pem = include_str!("certificates/p521.pem");
    for version in VERSIONS {
        let identity = Identity {
            chain: vec![CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()],
            key: Arc::new(P521(p521(), SignatureScheme::ECDSA_NISTP521_SHA512)),
        };
        let host = host(identity, version).await;
        ask(&host, pinned(&host)).await.unwrap();
        ask(&host, unverified()).await.unwrap();
        ask(&host, trusting(pem)).await.unwrap();
    }
}

#[tokio::test]
async fn a_pin_does_not_accept_a_server_without_the_key() {
    let pem = include_bytes!("certificates/p521.pem");
    let other = KeyPair::generate().unwrap();
    for version in VERSIONS {
        let wrong: [Arc<dyn SigningKey>; 2] = [
            Arc::new(P521(
                P521Key::from_slice(&[1; 66].map(|byte| byte & 1)).unwrap(),
                SignatureScheme::ECDSA_NISTP521_SHA512,
            )),
            Identity::new(
                Vec::new(),
                PrivateKeyDer::Pkcs8(other.serialize_der().into()),
            )
            .key,
        ];
        for key in wrong {
            let chain = vec![CertificateDer::from_pem_slice(pem).unwrap()];
            let host = host(Identity { chain, key }, version).await;
            assert!(ask(&host, pinned(&host)).await.is_err());
            assert!(ask(&host, unverified()).await.is_err());
        }
    }
}

/// The certificate is refused before the handshake is verified, so any key serves here.
#[tokio::test]
async fn a_key_that_nothing_accepts_is_named_in_words() {
    for (pem, words) in [
        (
            &include_bytes!("certificates/rsa-1024.pem")[..],
            "its RSA key has 1024 bits",
        ),
        (include_bytes!("certificates/ed448.pem"), "Ed448"),
        (
            include_bytes!("certificates/secp256k1.pem"),
            "ECDSA over secp256k1",
        ),
    ] {
        let chain = vec![CertificateDer::from_pem_slice(pem).unwrap()];
        let key = KeyPair::generate().unwrap();
        let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
        let host = host(Identity::new(chain, key), &TLS13).await;
        for tls in [pinned(&host), unverified(), TlsPolicy::default()] {
            let refused = failure(&host, tls).await;
            let TlsFailure::UnsupportedKey { what, certificate } = &refused else {
                panic!("{refused}");
            };
            assert!(what.contains(words), "{refused}");
            assert_eq!(certificate.fingerprint, Fingerprint::of(&host_der(pem)));
        }
    }
}

fn host_der(pem: &[u8]) -> Vec<u8> {
    CertificateDer::from_pem_slice(pem).unwrap().to_vec()
}
