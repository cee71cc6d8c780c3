//! Proxies that speak SOCKS5 or TLS, and gateways that ask for a certificate of the client.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use rcgen::{CertificateParams, KeyPair};
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use serde_json::json;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::pve::api::version::Version;
use crate::pve::cached_client::CachedClient;
use crate::pve::context::Context;
use crate::pve::error::failure::ProxyFailure;
use crate::pve::error::{Error, ErrorKind};
use crate::pve::secret::Secret;
use crate::pve::settings::Settings;
use crate::pve::tests::script::{Host, data, token};
use crate::pve::tls::client_identity::ClientIdentity;
use crate::pve::tls::policy::TlsPolicy;

type Seen = Arc<Mutex<Vec<String>>>;

async fn host() -> Host {
    Host::new(|_| data(&json!({"version": "9.2.11"}))).await
}

async fn ask(settings: Settings) -> Result<Version, Error> {
    let client = CachedClient::new(settings);
    client.version(&Context::default()).await
}

fn through(host: &Host, proxy: &str, endpoint: &str) -> Settings {
    let mut settings = host.settings(token("root@pam!admin=s3cr3t"));
    settings.endpoint = endpoint.parse().unwrap();
    settings.proxy = Some(proxy.parse().unwrap());
    settings
}

/// A SOCKS5 proxy (RFC 1928, RFC 1929) that leads everywhere to one host. It keeps what it was
/// asked for.
async fn socks(target: SocketAddr, password: Option<&'static str>) -> (SocketAddr, Seen) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let seen = Seen::default();
    let asked = Arc::clone(&seen);
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let asked = Arc::clone(&asked);
            tokio::spawn(async move {
                let name = greet(&mut client, password).await?;
                asked.lock().unwrap().push(name);
                let mut server = TcpStream::connect(target).await.ok()?;
                client
                    .write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0])
                    .await
                    .ok()?;
                copy_bidirectional(&mut client, &mut server).await.ok()
            });
        }
    });
    (address, seen)
}

/// The host that a client asks for.
async fn greet(client: &mut TcpStream, password: Option<&str>) -> Option<String> {
    let methods = read(client, 2).await?[1];
    read(client, usize::from(methods)).await?;
    let method = if password.is_some() { 2 } else { 0 };
    client.write_all(&[5, method]).await.ok()?;
    if let Some(password) = password {
        let user = read(client, 2).await?[1];
        read(client, usize::from(user)).await?;
        let length = read(client, 1).await?[0];
        let given = read(client, usize::from(length)).await?;
        let refused = u8::from(given != password.as_bytes());
        client.write_all(&[1, refused]).await.ok()?;
        if refused != 0 {
            return None;
        }
    }
    match read(client, 4).await?[3] {
        1 => {
            let address = read(client, 6).await?;
            Some(format!("{:?}", &address[..4]))
        }
        _ => {
            let length = read(client, 1).await?[0];
            let name = read(client, usize::from(length) + 2).await?;
            let name = &name[..name.len() - 2];
            Some(String::from_utf8_lossy(name).into_owned())
        }
    }
}

async fn read(stream: &mut TcpStream, length: usize) -> Option<Vec<u8>> {
    let mut bytes = vec![0; length];
    stream.read_exact(&mut bytes).await.ok()?;
    Some(bytes)
}

fn refusal(outcome: Result<Version, Error>) -> ProxyFailure {
    match outcome {
        Err(Error {
            kind: ErrorKind::Proxy { failure, .. },
            ..
        }) => failure,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_socks_proxy_leads_to_the_host() {
    let host = host().await;
    let (proxy, seen) = socks(host.address, None).await;
    let by_name = through(&host, &format!("socks5h://{proxy}"), "pve1.invalid");
    ask(by_name).await.unwrap();
    let by_address = through(&host, &format!("socks5://{proxy}"), "127.0.0.1:1");
    ask(by_address).await.unwrap();
    assert_eq!(*seen.lock().unwrap(), ["pve1.invalid", "[127, 0, 0, 1]"]);
}

#[tokio::test]
async fn a_socks_proxy_may_ask_for_a_password() {
    let host = host().await;
    let (proxy, _) = socks(host.address, Some("p@ss")).await;
    let with = |password: &str| format!("socks5h://u:{password}@{proxy}");
    ask(through(&host, &with("p%40ss"), "pve1.invalid"))
        .await
        .unwrap();
    let refused = refusal(ask(through(&host, &with("wrong"), "pve1.invalid")).await);
    assert_eq!(refused, ProxyFailure::Unauthenticated);
}

#[tokio::test]
async fn a_socks_proxy_that_does_not_listen_is_the_proxy_s_fault() {
    let host = host().await;
    let closed = proxmox_simulator::closed_port().unwrap();
    let settings = through(&host, &format!("socks5h://{closed}"), "pve1.invalid");
    assert_eq!(refusal(ask(settings).await), ProxyFailure::Unreachable);
}

struct Made {
    pem: String,
    key: KeyPair,
    chain: Vec<CertificateDer<'static>>,
}

fn certificate(name: &str) -> Made {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new([name.to_owned()]).unwrap();
    let certificate = params.self_signed(&key).unwrap();
    Made {
        pem: certificate.pem(),
        key,
        chain: vec![certificate.der().clone()],
    }
}

fn private(key: &KeyPair) -> PrivateKeyDer<'static> {
    PrivateKeyDer::Pkcs8(key.serialize_der().into())
}

/// A proxy that is reached over TLS, and knows `CONNECT`.
async fn https_proxy(target: SocketAddr, made: &Made) -> (SocketAddr, Seen) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(made.chain.clone(), private(&made.key))
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let seen = Seen::default();
    let asked = Arc::clone(&seen);
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let (acceptor, asked) = (acceptor.clone(), Arc::clone(&asked));
            tokio::spawn(async move {
                let mut client = acceptor.accept(client).await.ok()?;
                let head = head(&mut client).await?;
                asked.lock().unwrap().push(head);
                let mut server = TcpStream::connect(target).await.ok()?;
                client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.ok()?;
                copy_bidirectional(&mut client, &mut server).await.ok()
            });
        }
    });
    (address, seen)
}

async fn head(client: &mut (impl AsyncRead + AsyncWrite + Unpin)) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(client.read_u8().await.ok()?);
    }
    String::from_utf8(head).ok()
}

/// Its certificate is verified for its own name, while the host is pinned or has another name.
#[tokio::test]
async fn a_proxy_over_tls_leads_to_the_host_and_is_verified() {
    let host = host().await;
    let made = certificate("localhost");
    let (proxy, seen) = https_proxy(host.address, &made).await;
    let url = format!("https://u:pw@localhost:{}", proxy.port());
    let mut settings = through(&host, &url, "pve1.invalid");
    settings.tls.ca_certificate = Some(made.pem.parse().unwrap());
    ask(settings).await.unwrap();
    let heads = seen.lock().unwrap().clone();
    assert!(heads[0].starts_with("CONNECT pve1.invalid:8006 HTTP/1.1\r\n"));
    assert!(!heads[0].contains("PVEAPIToken"));
    // The pin of the host does not accept the proxy.
    let untrusted = ask(through(&host, &url, "pve1.invalid")).await.unwrap_err();
    assert!(
        matches!(untrusted.kind, ErrorKind::Tls { .. }),
        "{untrusted}"
    );
    assert_eq!(seen.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_certificate_is_presented_to_a_gateway_that_asks_for_one() {
    let gateway = certificate("127.0.0.1");
    let client = certificate("client");
    let mut roots = RootCertStore::empty();
    roots.add(client.chain[0].clone()).unwrap();
    let provider = Arc::new(ring::default_provider());
    let verifier =
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier.build().unwrap())
        .with_single_cert(gateway.chain.clone(), private(&gateway.key))
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else {
                continue;
            };
            let _ = head(&mut stream).await;
            let body = br#"{"data":{"version":"9.2.11"}}"#;
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
            let _ = stream.write_all(&[head.as_bytes(), body].concat()).await;
        }
    });
    let settings = |identity| {
        let mut settings = Settings::new(endpoint.parse().unwrap(), token("root@pam!admin=s3cr3t"));
        settings.tls = TlsPolicy {
            ca_certificate: Some(gateway.pem.parse().unwrap()),
            client_identity: identity,
            ..TlsPolicy::default()
        };
        settings
    };
    let key = Secret::new(client.key.serialize_pem());
    let identity = ClientIdentity::new(&client.pem, key).unwrap();
    ask(settings(Some(identity))).await.unwrap();
    assert!(ask(settings(None)).await.is_err());
}
