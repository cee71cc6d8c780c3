//! The client side of a connection.

use std::io;
use std::path::Path;
use std::sync::Arc;

use hyper_util::rt::TokioIo;
use rustls::client::ResolvesClientCert;
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::sign::CertifiedKey;
use rustls::version::TLS13;
use rustls::{ClientConfig, RootCertStore, SignatureScheme};
use terraform_provider_proxmox::framework::Catalog;
use terraform_provider_proxmox::plugin::Service;
use terraform_provider_proxmox::plugin::proto::provider_client::ProviderClient;
use terraform_provider_proxmox::plugin::proto::provider_server::ProviderServer;
use tokio::net::UnixStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tonic::transport::{Channel, Endpoint, Server};
use tower::service_fn;

use super::process::Process;

/// What Terraform's client allows.
const MESSAGE_LIMIT: usize = 256 << 20;

/// A certificate and a key, not necessarily of each other.
#[derive(Clone)]
pub struct Credentials {
    pub pem: String,
    certificate: CertificateDer<'static>,
    key: Vec<u8>,
}

impl Credentials {
    pub fn generate() -> Self {
        let signed = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        Self {
            pem: signed.cert.pem(),
            certificate: signed.cert.der().clone(),
            key: signed.key_pair.serialize_der(),
        }
    }

    /// The same certificate with somebody else's key.
    pub fn with_key_of(&self, other: &Self) -> Self {
        Self {
            key: other.key.clone(),
            ..self.clone()
        }
    }
}

/// Presents a certificate without a look at whether the key fits, as an attacker would.
#[derive(Debug)]
struct Present(Arc<CertifiedKey>);

impl ResolvesClientCert for Present {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        Some(self.0.clone())
    }

    fn has_certs(&self) -> bool {
        true
    }
}

/// A TLS configuration that trusts the process's certificate and presents the given one.
fn tls(process: &Process, credentials: Option<&Credentials>) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add(process.certificate()).unwrap();
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[&TLS13])
        .unwrap()
        .with_root_certificates(roots);
    let mut config = match credentials {
        None => builder.with_no_client_auth(),
        Some(Credentials {
            certificate, key, ..
        }) => {
            let key = PrivateKeyDer::Pkcs8(key.clone().into());
            let key = ring::sign::any_supported_type(&key).unwrap();
            let certified = CertifiedKey::new(vec![certificate.clone()], key);
            builder.with_client_cert_resolver(Arc::new(Present(Arc::new(certified))))
        }
    };
    config.alpn_protocols = vec![b"h2".to_vec()];
    config
}

/// The client's half of a TLS handshake. That it succeeds says nothing yet: in TLS 1.3 the client
/// is done before the server has looked at its certificate.
pub async fn handshake(
    process: &Process,
    credentials: Option<&Credentials>,
) -> io::Result<TlsStream<UnixStream>> {
    let connector = TlsConnector::from(Arc::new(tls(process, credentials)));
    let stream = UnixStream::connect(process.socket()).await?;
    let name = ServerName::try_from("localhost").unwrap();
    connector.connect(name, stream).await
}

/// A gRPC channel with the given credentials.
pub async fn connect(
    process: &Process,
    credentials: &Credentials,
) -> Result<Channel, tonic::transport::Error> {
    channel(async move || handshake(process, Some(credentials)).await).await
}

/// A gRPC channel over the bare socket.
pub async fn connect_plainly(socket: &Path) -> Result<Channel, tonic::transport::Error> {
    channel(async move || UnixStream::connect(socket).await).await
}

async fn channel<S>(
    open: impl AsyncFnOnce() -> io::Result<S>,
) -> Result<Channel, tonic::transport::Error>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Send + Unpin + 'static,
{
    let mut stream = Some(open().await);
    let connector = service_fn(move |_| {
        let stream = stream.take();
        let stream = stream.unwrap_or_else(|| Err(io::ErrorKind::NotConnected.into()));
        std::future::ready(stream.map(TokioIo::new))
    });
    let endpoint = Endpoint::from_static("http://localhost");
    endpoint.connect_with_connector(connector).await
}

/// The provider service, for messages of the size that Terraform takes.
pub fn provider(channel: Channel) -> ProviderClient<Channel> {
    ProviderClient::new(channel)
        .max_decoding_message_size(MESSAGE_LIMIT)
        .max_encoding_message_size(MESSAGE_LIMIT)
}

/// The library's service with a catalog of the test's, in this process.
pub async fn in_process(catalog: Catalog) -> ProviderClient<Channel> {
    let (ours, theirs) = tokio::io::duplex(1 << 16);
    let incoming = futures_util::stream::iter([Ok::<_, io::Error>(theirs)]);
    let service = ProviderServer::new(Service::new(catalog));
    tokio::spawn(
        Server::builder()
            .add_service(service)
            .serve_with_incoming(incoming),
    );
    provider(channel(async move || Ok(ours)).await.unwrap())
}
