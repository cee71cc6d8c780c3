//! Whom the client trusts, and what it says of those it does not.

use rcgen::{BasicConstraints, Certificate, CertificateParams, DnType, IsCa, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use serde_json::json;
use time::{Duration, OffsetDateTime};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::pve::auth::credentials::Credentials;
use crate::pve::cached_client::CachedClient;
use crate::pve::context::Context;
use crate::pve::error::{Error, ErrorKind};
use crate::pve::settings::Settings;
use crate::pve::tests::script::{Host, Identity, ask, data, failure};
use crate::pve::tls::certificate::Fingerprint;
use crate::pve::tls::failure::TlsFailure;
use crate::pve::tls::handshake::TlsVersion;
use crate::pve::tls::policy::TlsPolicy;

struct Authority {
    certificate: Certificate,
    key: KeyPair,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params
            .distinguished_name
            .push(DnType::CommonName, "Proxmox Virtual Environment");
        let key = KeyPair::generate().unwrap();
        Self {
            certificate: params.self_signed(&key).unwrap(),
            key,
        }
    }

    fn policy(&self) -> TlsPolicy {
        TlsPolicy {
            ca_certificate: Some(self.certificate.pem().parse().unwrap()),
            ..TlsPolicy::default()
        }
    }

    fn sign(&self, name: &str, valid_from_days: i64, valid_to_days: i64) -> Identity {
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        params.not_before = OffsetDateTime::now_utc() + Duration::days(valid_from_days);
        params.not_after = OffsetDateTime::now_utc() + Duration::days(valid_to_days);
        let key = KeyPair::generate().unwrap();
        let certificate = params
            .signed_by(&key, &self.certificate, &self.key)
            .unwrap();
        Identity::new(
            vec![certificate.der().clone()],
            PrivateKeyDer::Pkcs8(key.serialize_der().into()),
        )
    }
}

async fn host(identity: Identity) -> Host {
    Host::with_identity(identity, |_| {
        Box::pin(async { data(&json!({"version": "9.2.11"})) })
    })
    .await
}

#[tokio::test]
async fn an_authority_that_was_named_is_trusted() {
    let authority = Authority::new();
    let host = host(authority.sign("127.0.0.1", -1, 1)).await;
    assert!(ask(&host, authority.policy()).await.is_ok());
}

#[tokio::test]
async fn another_authority_is_not_trusted_and_the_certificate_is_shown() {
    let host = host(Authority::new().sign("127.0.0.1", -1, 1)).await;
    let TlsFailure::Untrusted(seen) = failure(&host, Authority::new().policy()).await else {
        panic!("not classified as untrusted");
    };
    assert_eq!(seen.fingerprint, host.fingerprint);
    assert_eq!(seen.issuer, "CN=Proxmox Virtual Environment");
}

#[tokio::test]
async fn the_machine_s_own_authorities_do_not_vouch_for_a_self_made_certificate() {
    let host = host(Identity::self_signed(
        CertificateParams::new(["127.0.0.1".to_owned()]).unwrap(),
    ))
    .await;
    assert!(matches!(
        failure(&host, TlsPolicy::default()).await,
        TlsFailure::Untrusted(_)
    ));
}

#[tokio::test]
async fn a_certificate_for_another_name_is_refused_with_the_names_it_has() {
    let authority = Authority::new();
    let host = host(authority.sign("pve2.example.com", -1, 1)).await;
    let TlsFailure::NameMismatch(seen) = failure(&host, authority.policy()).await else {
        panic!("not classified as another name");
    };
    assert_eq!(seen.names, ["pve2.example.com"]);
}

#[tokio::test]
async fn a_certificate_out_of_its_time_is_refused_with_its_dates() {
    let authority = Authority::new();
    let expired = host(authority.sign("127.0.0.1", -9, -2)).await;
    let TlsFailure::Expired(seen) = failure(&expired, authority.policy()).await else {
        panic!("not classified as expired");
    };
    assert!(seen.not_after.unwrap() < OffsetDateTime::now_utc());
    let early = host(authority.sign("127.0.0.1", 2, 9)).await;
    assert!(matches!(
        failure(&early, authority.policy()).await,
        TlsFailure::NotYetValid(_)
    ));
}

#[tokio::test]
async fn another_name_can_be_expected_than_the_one_that_is_addressed() {
    let authority = Authority::new();
    let host = host(authority.sign("pve1.example.com", -1, 1)).await;
    let expecting = |name: &str| TlsPolicy {
        server_name: Some(name.parse().unwrap()),
        ..authority.policy()
    };
    assert!(ask(&host, expecting("pve1.example.com")).await.is_ok());
    let other = failure(&host, expecting("127.0.0.1")).await;
    assert!(matches!(other, TlsFailure::NameMismatch(_)), "{other}");
}

#[tokio::test]
async fn a_refusal_shows_all_of_the_certificate() {
    let host = host(Authority::new().sign("pve1.example.com", -1, 1)).await;
    let message = failure(&host, Authority::new().policy()).await.to_string();
    let today = OffsetDateTime::now_utc().date();
    for part in [
        "subject CN=rcgen self signed cert".to_owned(),
        "valid for pve1.example.com".to_owned(),
        "issuer CN=Proxmox Virtual Environment".to_owned(),
        format!("from {}", today - Duration::days(1)),
        format!("to {}", today + Duration::days(1)),
        host.fingerprint.to_string(),
    ] {
        assert!(message.contains(&part), "{part} is not in {message}");
    }
}

/// A port that answers a handshake as servers do that are too old for it.
async fn too_old(answer: &'static [u8], min_version: TlsVersion) -> Error {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = listener.local_addr().unwrap().to_string().parse().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut hello = [0; 16];
        stream.read_exact(&mut hello).await.unwrap();
        stream.write_all(answer).await.unwrap();
        stream.shutdown().await.unwrap();
    });
    let mut settings = Settings::new(endpoint, Credentials::None);
    settings.tls.min_version = min_version;
    let version = CachedClient::new(settings)
        .version(&Context::default())
        .await;
    version.unwrap_err()
}

#[tokio::test]
async fn a_server_with_older_versions_of_tls_is_told_as_such() {
    // A fatal alert, protocol_version (RFC 8446, section 6).
    let alert = b"\x15\x03\x01\x00\x02\x02\x46";
    for (minimum, offered) in [
        (TlsVersion::Tls12, "TLS 1.1 or older"),
        (TlsVersion::Tls13, "TLS 1.2 or older"),
    ] {
        let error = too_old(alert, minimum).await;
        let expected = TlsFailure::Version(minimum);
        assert!(
            matches!(&error.kind, ErrorKind::Tls { failure, .. } if *failure == expected),
            "{error}"
        );
        assert!(error.to_string().contains(offered), "{error}");
    }
}

#[tokio::test]
async fn a_pin_replaces_every_other_check() {
    let host = host(Authority::new().sign("pve2.example.com", -9, -2)).await;
    let pinned = TlsPolicy {
        fingerprints: vec![Fingerprint::of(b"another"), host.fingerprint],
        ..TlsPolicy::default()
    };
    assert!(ask(&host, pinned).await.is_ok());
}

#[tokio::test]
async fn a_pin_is_checked_even_where_verification_is_off() {
    let authority = Authority::new();
    let host = host(authority.sign("127.0.0.1", -1, 1)).await;
    let pinned = TlsPolicy {
        verify: false,
        fingerprints: vec![Fingerprint::of(b"another")],
        ..authority.policy()
    };
    let TlsFailure::FingerprintMismatch(seen) = failure(&host, pinned).await else {
        panic!("not classified as another fingerprint");
    };
    assert_eq!(seen.fingerprint, host.fingerprint);
}

#[tokio::test]
async fn verification_can_be_switched_off() {
    let host = host(Authority::new().sign("pve2.example.com", -9, -2)).await;
    let careless = TlsPolicy {
        verify: false,
        ..TlsPolicy::default()
    };
    assert!(ask(&host, careless).await.is_ok());
}

#[tokio::test]
async fn a_port_that_speaks_plain_http_is_told_as_such() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = listener.local_addr().unwrap().to_string().parse().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut hello = [0; 16];
        stream.read_exact(&mut hello).await.unwrap();
        stream
            .write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            .await
            .unwrap();
        stream.shutdown().await.unwrap();
    });
    let error = CachedClient::new(Settings::new(endpoint, Credentials::None))
        .version(&Context::default())
        .await
        .unwrap_err();
    assert!(matches!(error.kind, ErrorKind::PlainHttp), "{error:?}");
}
