//! One exchange over HTTPS, with the response as the server wrote it. HTTP libraries change the case
//! and the order of headers.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use url::Url;

use crate::Problem;

/// The longest wait for bytes of a response.
const PATIENCE: Duration = Duration::from_secs(60);

/// The longest response that is read, in bytes.
const LONGEST: u64 = 64 * 1024 * 1024;

/// A host, and how its certificate is verified.
pub struct Host {
    name: String,
    port: u16,
    tls: Arc<ClientConfig>,
}

/// A response.
pub struct Reply {
    /// The first line.
    pub status_line: String,
    /// Names and values of the headers, in their order.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
}

impl Host {
    /// The host of an endpoint, whose certificate the authorities in a file have signed.
    pub fn new(endpoint: &str, ca_certificate: &str) -> Result<Self, Problem> {
        let url = Url::parse(endpoint)?;
        let name = url
            .host_str()
            .ok_or("The endpoint has no host.")?
            .to_owned();
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_file_iter(ca_certificate)? {
            roots.add(certificate?)?;
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self {
            name,
            port: url.port().unwrap_or(8006),
            tls: Arc::new(tls),
        })
    }

    /// Sends a request on a connection of its own, and reads the response. The headers say nothing of
    /// the connection, as in the recordings of a client that keeps it.
    pub fn exchange(
        &self,
        line: &str,
        headers: &[(String, String)],
        body: &str,
    ) -> Result<Reply, Problem> {
        let stream = TcpStream::connect((self.name.as_str(), self.port))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let name = ServerName::try_from(self.name.clone())?;
        let connection = ClientConnection::new(Arc::clone(&self.tls), name)?;
        let mut stream = StreamOwned::new(connection, stream);
        let mut request = format!("{line}\r\nHost: {}:{}\r\n", self.name, self.port);
        for (name, value) in headers {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        let length = body.len();
        request.push_str(&format!("Content-Length: {length}\r\n\r\n{body}"));
        stream.write_all(request.as_bytes())?;
        let mut reader = BufReader::new(stream.take(LONGEST));
        let mut reply = head(&mut reader)?;
        let length = reply.header("content-length").unwrap_or("0").parse()?;
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        reply.body = String::from_utf8(body)?;
        Ok(reply)
    }
}

/// The response up to its body.
fn head(reader: &mut impl BufRead) -> Result<Reply, Problem> {
    let mut lines = reader.lines();
    let mut line = || lines.next().ok_or("The response ends in its headers.");
    let status_line = line()??;
    let mut headers = Vec::new();
    loop {
        let header = line()??;
        if header.is_empty() {
            break;
        }
        if let Some((name, value)) = header.split_once(':') {
            headers.push((name.to_owned(), value.trim_start().to_owned()));
        }
    }
    Ok(Reply {
        status_line,
        headers,
        body: String::new(),
    })
}

impl Reply {
    fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        let found = headers.find(|(other, _)| other.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }
}
