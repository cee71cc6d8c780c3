//! A client that sends exactly what it is told to, and keeps what it gets.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

/// A response as it came.
#[derive(Debug)]
pub struct Answer {
    pub status_line: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn header<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let named = move |(known, _): &&(String, String)| known.eq_ignore_ascii_case(name);
        self.headers
            .iter()
            .filter(named)
            .map(|(_, value)| value.as_str())
    }

    /// Whether the connection can be used again.
    pub fn stays_open(&self) -> bool {
        self.header("Connection")
            .any(|value| value.eq_ignore_ascii_case("keep-alive"))
    }
}

trait Stream: Read + Write {}
impl<T: Read + Write> Stream for T {}

/// A connection.
pub struct Client {
    stream: Box<dyn Stream>,
    buffer: Vec<u8>,
}

/// What a TLS handshake has agreed on.
#[derive(Debug, PartialEq)]
pub struct Handshake {
    pub alpn: Option<Vec<u8>>,
    pub version: String,
    pub cipher: String,
}

fn tcp(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    stream
}

fn tls(
    address: SocketAddr,
    ca_pem: &str,
    alpn: &[&[u8]],
) -> StreamOwned<ClientConnection, TcpStream> {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(ca_pem.as_bytes()).unwrap())
        .unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|protocol| protocol.to_vec()).collect();
    let name = ServerName::from(address.ip());
    StreamOwned::new(
        ClientConnection::new(Arc::new(config), name).unwrap(),
        tcp(address),
    )
}

/// What a handshake that offers these protocols comes to.
pub fn handshake(address: SocketAddr, ca_pem: &str, alpn: &[&[u8]]) -> Handshake {
    let mut stream = tls(address, ca_pem, alpn);
    stream.conn.complete_io(&mut stream.sock).unwrap();
    let version = stream
        .conn
        .protocol_version()
        .unwrap()
        .as_str()
        .unwrap_or_default();
    let cipher = stream
        .conn
        .negotiated_cipher_suite()
        .unwrap()
        .suite()
        .as_str()
        .unwrap_or_default();
    Handshake {
        alpn: stream.conn.alpn_protocol().map(<[u8]>::to_vec),
        version: version.replace("TLSv1_", "TLSv1."),
        cipher: cipher.replace("TLS13_", "TLS_"),
    }
}

impl Client {
    pub fn encrypted(address: SocketAddr, ca_pem: &str) -> Self {
        Self {
            stream: Box::new(tls(address, ca_pem, &[])),
            buffer: Vec::new(),
        }
    }

    pub fn plain(address: SocketAddr) -> Self {
        Self {
            stream: Box::new(tcp(address)),
            buffer: Vec::new(),
        }
    }

    /// Sends bytes. A server that answers early may close before it has taken them all.
    pub fn send(&mut self, bytes: &[u8]) {
        let _ = self
            .stream
            .write_all(bytes)
            .and_then(|()| self.stream.flush());
    }

    fn more(&mut self) -> bool {
        let mut chunk = [0; 16 * 1024];
        loop {
            match self.stream.read(&mut chunk) {
                Ok(0) => return false,
                Ok(read) => {
                    self.buffer.extend_from_slice(&chunk[..read]);
                    return true;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return false,
            }
        }
    }

    /// Reads a response; `None` when the connection ends without one.
    pub fn receive(&mut self) -> Option<Answer> {
        let end = loop {
            match self
                .buffer
                .windows(4)
                .position(|window| window == b"\r\n\r\n")
            {
                Some(end) => break end,
                None if self.more() => {}
                None => return None,
            }
        };
        // One character for each byte, as the recorder read the head.
        let head: String = self.buffer[..end]
            .iter()
            .map(|&byte| char::from(byte))
            .collect();
        self.buffer.drain(..end + 4);
        let mut lines = head.split("\r\n");
        let status_line = lines.next().unwrap_or_default().to_owned();
        let headers: Vec<(String, String)> = lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let length = headers.iter().find(|(name, _)| name == "Content-Length");
        let length: usize = length
            .and_then(|(_, value)| value.parse().ok())
            .unwrap_or(0);
        while self.buffer.len() < length && self.more() {}
        let body = self.buffer.drain(..length.min(self.buffer.len())).collect();
        Some(Answer {
            status_line,
            headers,
            body,
        })
    }
}
