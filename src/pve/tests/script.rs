//! A host on loopback whose response to each request is a function in the test.
//!
//! The simulator (`tests/simulator`) answers as Proxmox VE does and keeps no secret in its log.
//! These tests need what it cannot give: responses byte for byte that no Proxmox VE sends, a
//! connection that closes or stays silent in the middle of one, a certificate of the test's own,
//! and a look at the request as it was sent, with its encoding, its headers and its secrets.
//! Scenarios that need none of these belong to the simulator.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use futures_util::future::BoxFuture;
use rcgen::{CertificateParams, KeyPair};
use rustls::crypto::ring;
use rustls::crypto::ring::sign::any_supported_type;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SigningKey, SingleCertAndKey};
use rustls::version::{TLS12, TLS13};
use rustls::{ServerConfig, SupportedProtocolVersion};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::pve::api::version::Version;
use crate::pve::auth::credentials::Credentials;
use crate::pve::cached_client::CachedClient;
use crate::pve::context::Context;
use crate::pve::error::{Error, ErrorKind};
use crate::pve::net::endpoint::Endpoint;
use crate::pve::settings::Settings;
use crate::pve::tests::recordings::recorded;
use crate::pve::tls::certificate::Fingerprint;
use crate::pve::tls::failure::TlsFailure;
use crate::pve::tls::policy::TlsPolicy;

/// A request as it arrived.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    /// Method and target, such as `GET /api2/json/version`.
    pub(crate) line: String,
    headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Received {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self
            .headers
            .iter()
            .find(|(other, _)| other.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }
}

/// The host's reaction to a request.
pub(crate) enum Reaction {
    /// These bytes, and the connection stays open unless they say otherwise.
    Answer(Vec<u8>),
    /// These bytes, and the connection is closed.
    AnswerAndClose(Vec<u8>),
    /// Nothing, for as long as the client waits.
    Hang,
}

/// A success with this content as its data.
pub(crate) fn data(content: &serde_json::Value) -> Reaction {
    let body = serde_json::json!({ "data": content }).to_string();
    Reaction::Answer(
        format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .into_bytes(),
    )
}

/// The response of a recording.
pub(crate) fn replay(case: &str, exchange: usize) -> Reaction {
    Reaction::Answer(recorded(case, exchange).wire())
}

type Script = Arc<dyn Fn(Received) -> BoxFuture<'static, Reaction> + Send + Sync>;

/// A running host. It stops with the test's runtime.
pub(crate) struct Host {
    pub(crate) address: SocketAddr,
    pub(crate) fingerprint: Fingerprint,
    received: Arc<Mutex<Vec<Received>>>,
    connections: Arc<AtomicUsize>,
}

/// The certificate chain of a host, and its key.
pub(crate) struct Identity {
    pub(crate) chain: Vec<CertificateDer<'static>>,
    pub(crate) key: Arc<dyn SigningKey>,
}

impl Identity {
    pub(crate) fn new(chain: Vec<CertificateDer<'static>>, key: PrivateKeyDer<'static>) -> Self {
        let key = any_supported_type(&key).unwrap();
        Self { chain, key }
    }

    pub(crate) fn self_signed(params: CertificateParams) -> Self {
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        Self::new(
            vec![certificate.der().clone()],
            PrivateKeyDer::Pkcs8(key.serialize_der().into()),
        )
    }
}

impl Host {
    /// A host with a certificate of its own that responds at once.
    pub(crate) async fn new(
        script: impl Fn(&Received) -> Reaction + Send + Sync + 'static,
    ) -> Self {
        let script = Arc::new(script);
        Self::waiting(move |received| {
            let script = Arc::clone(&script);
            Box::pin(async move { script(&received) })
        })
        .await
    }

    /// A host with a certificate of its own that responds when a future is ready.
    pub(crate) async fn waiting(
        script: impl Fn(Received) -> BoxFuture<'static, Reaction> + Send + Sync + 'static,
    ) -> Self {
        let params = CertificateParams::new(["pve1.test".to_owned()]).unwrap();
        Self::with_identity(Identity::self_signed(params), script).await
    }

    /// A host with this certificate that responds when a future is ready.
    pub(crate) async fn with_identity(
        identity: Identity,
        script: impl Fn(Received) -> BoxFuture<'static, Reaction> + Send + Sync + 'static,
    ) -> Self {
        Self::with_versions(identity, &[&TLS12, &TLS13], script).await
    }

    /// A host with this certificate that speaks these versions of TLS.
    pub(crate) async fn with_versions(
        identity: Identity,
        versions: &[&'static SupportedProtocolVersion],
        script: impl Fn(Received) -> BoxFuture<'static, Reaction> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let host = Self {
            address: listener.local_addr().unwrap(),
            fingerprint: Fingerprint::of(&identity.chain[0]),
            received: Arc::default(),
            connections: Arc::default(),
        };
        // Without the checks that rustls makes of a server's own certificate.
        let certified = CertifiedKey::new(identity.chain, identity.key);
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(versions)
            .unwrap()
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(SingleCertAndKey::from(certified)));
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let (received, connections) = (Arc::clone(&host.received), Arc::clone(&host.connections));
        let script: Script = Arc::new(script);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, received, script) =
                    (acceptor.clone(), Arc::clone(&received), Arc::clone(&script));
                connections.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(async move {
                    if let Ok(stream) = acceptor.accept(stream).await {
                        let _ = serve(stream, &received, &script).await;
                    }
                });
            }
        });
        host
    }

    pub(crate) fn endpoint(&self) -> Endpoint {
        self.address.to_string().parse().unwrap()
    }

    /// Settings that trust this host and no other.
    pub(crate) fn settings(&self, credentials: Credentials) -> Settings {
        let mut settings = Settings::new(self.endpoint(), credentials);
        settings.tls = TlsPolicy {
            fingerprints: vec![self.fingerprint],
            ..TlsPolicy::default()
        };
        settings
    }

    /// A client with a token of `root@pam`.
    pub(crate) fn client(&self) -> CachedClient {
        CachedClient::new(self.settings(token("root@pam!admin=s3cr3t")))
    }

    pub(crate) fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }

    /// Method and target of everything received.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.received()
            .into_iter()
            .map(|received| received.line)
            .collect()
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

pub(crate) fn token(text: &str) -> Credentials {
    Credentials::Token(text.parse().unwrap())
}

async fn serve<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    received: &Mutex<Vec<Received>>,
    script: &Script,
) -> io::Result<()> {
    while let Some(request) = read(&mut stream).await? {
        received.lock().unwrap().push(request.clone());
        match script(request).await {
            Reaction::Answer(bytes) => {
                stream.write_all(&bytes).await?;
                stream.flush().await?;
                if bytes
                    .windows(17)
                    .any(|window| window == b"Connection: close")
                {
                    break;
                }
            }
            Reaction::AnswerAndClose(bytes) => {
                stream.write_all(&bytes).await?;
                break;
            }
            Reaction::Hang => std::future::pending().await,
        }
    }
    stream.shutdown().await
}

async fn read<S: AsyncRead + Unpin>(stream: &mut S) -> io::Result<Option<Received>> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        if stream.read(&mut byte).await? == 0 {
            return Ok(None);
        }
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap();
    let mut lines = head.trim_end().split("\r\n");
    let line = lines
        .next()
        .unwrap()
        .trim_end_matches(" HTTP/1.1")
        .to_owned();
    let headers: Vec<_> = lines
        .map(|line| line.split_once(": ").unwrap())
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let mut request = Received {
        line,
        headers,
        body: String::new(),
    };
    let length = request
        .header("content-length")
        .map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    request.body = String::from_utf8(body).unwrap();
    Ok(Some(request))
}

/// Asks a host for its version under a policy.
pub(crate) async fn ask(host: &Host, tls: TlsPolicy) -> Result<Version, Error> {
    let mut settings = Settings::new(host.endpoint(), Credentials::None);
    settings.tls = tls;
    let client = CachedClient::new(settings);
    client.version(&Context::default()).await
}

/// Why a policy does not trust a host.
pub(crate) async fn failure(host: &Host, tls: TlsPolicy) -> TlsFailure {
    match ask(host, tls).await {
        Err(Error {
            kind: ErrorKind::Tls { failure, .. },
            ..
        }) => failure,
        other => panic!("{other:?}"),
    }
}
