//! The transport: TLS, and HTTP/1 as the genuine server speaks it.
//!
//! That server reads requests by hand, line by line, and no HTTP library behaves like it: it
//! answers `Connection: close` and `Connection: Keep-Alive` at once and stays open, refuses
//! chunked bodies, knows four methods, never sends `100 Continue`, redirects plain HTTP on the
//! same port, and leaves a request with too large a head without any response.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use crate::auth::Credentials;
use crate::daemon::Hang;
use crate::faults::{Kind, RawResponse};
use crate::log::Request;
use crate::request_head::{BadLine, Headers, Line, RequestLine};
use crate::response::Response;
use crate::router;
use crate::server::{Incoming, MAX_BODY, Shared, locked, respond};

/// Requests on one connection.
const KEEP_ALIVE: u32 = 100;
/// The first byte of a TLS handshake.
const HANDSHAKE: u8 = 0x16;

/// Serves one connection, encrypted or not.
pub(crate) async fn serve(shared: Arc<Shared>, stream: TcpStream, acceptor: TlsAcceptor) {
    let number = shared.connections.fetch_add(1, Ordering::Relaxed);
    let mut first = [0; 1];
    let peeked = timeout(shared.idle, stream.peek(&mut first)).await;
    if !matches!(peeked, Ok(Ok(1))) {
        return;
    }
    let _ = stream.set_nodelay(true);
    if first == [HANDSHAKE] {
        let Ok(Ok(stream)) = timeout(Duration::from_secs(10), acceptor.accept(stream)).await else {
            return;
        };
        shared.handshakes.fetch_add(1, Ordering::Relaxed);
        Connection::new(shared, stream, number, true).run().await;
    } else {
        Connection::new(shared, stream, number, false).run().await;
    }
}

struct Connection<S> {
    shared: Arc<Shared>,
    stream: S,
    number: u64,
    encrypted: bool,
    buffer: Vec<u8>,
    keep_alive: u32,
}

/// What becomes of a connection after a request.
enum Next {
    Answer(Response, u8),
    /// Bytes to send as they are, after which the connection is closed.
    Raw(Vec<u8>),
    /// Nothing is sent any more.
    Drop,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    fn new(shared: Arc<Shared>, stream: S, number: u64, encrypted: bool) -> Self {
        Self {
            shared,
            stream,
            number,
            encrypted,
            buffer: Vec::new(),
            keep_alive: KEEP_ALIVE,
        }
    }

    async fn run(mut self) {
        while let Some(line) = self.line().await {
            self.keep_alive = self.keep_alive.saturating_sub(1);
            if line.is_empty() {
                continue;
            }
            let bytes = match self.request(&line).await {
                Next::Drop => return,
                Next::Raw(bytes) => {
                    self.keep_alive = 0;
                    bytes
                }
                Next::Answer(response, minor) => {
                    if response.status >= 400 {
                        self.keep_alive = 0;
                    }
                    self.shared.wait(response.wait).await;
                    let now = locked(&self.shared.state).now();
                    response.bytes(minor, self.keep_alive > 0, now)
                }
            };
            let written = self.stream.write_all(&bytes).await.is_ok();
            if !written || self.stream.flush().await.is_err() {
                return;
            }
            if self.keep_alive == 0 || !self.encrypted {
                self.close().await;
                return;
            }
        }
    }

    /// Closes in a way that lets the peer read the response even while it is still sending.
    async fn close(mut self) {
        if self.stream.shutdown().await.is_err() {
            return;
        }
        let drain = async {
            let mut rest = [0; 4096];
            while self.stream.read(&mut rest).await.is_ok_and(|read| read > 0) {}
        };
        let _ = timeout(Duration::from_secs(2), drain).await;
    }

    async fn read_more(&mut self) -> bool {
        let mut chunk = [0; 16 * 1024];
        match timeout(self.shared.idle, self.stream.read(&mut chunk)).await {
            Ok(Ok(read)) if read > 0 => {
                self.buffer
                    .extend_from_slice(chunk.get(..read).unwrap_or_default());
                true
            }
            _ => false,
        }
    }

    /// The next line without its end, or nothing when the peer is gone or silent.
    async fn line(&mut self) -> Option<Vec<u8>> {
        loop {
            if let Some(end) = self.buffer.iter().position(|&byte| byte == b'\n') {
                let mut line: Vec<u8> = self.buffer.drain(..=end).collect();
                line.pop();
                if line.last() == Some(&b'\r') {
                    line.pop();
                }
                return Some(line);
            }
            if self.buffer.len() > MAX_BODY || !self.read_more().await {
                return None;
            }
        }
    }

    async fn body(&mut self, length: usize) -> Option<Vec<u8>> {
        while self.buffer.len() < length {
            if !self.read_more().await {
                return None;
            }
        }
        Some(self.buffer.drain(..length).collect())
    }

    async fn request(&mut self, line: &[u8]) -> Next {
        let shared = Arc::clone(&self.shared);
        let error = |status: u16, text: &str, minor: u8| {
            let mut response = Response::bare(status, text);
            if locked(&shared.state).version.error_bodies() {
                response.body = text.as_bytes().to_vec();
            }
            Next::Answer(response, minor)
        };
        let line = match RequestLine::parse(line) {
            Ok(line) => line,
            Err(BadLine::NotHttp) => return error(400, "bad request", 0),
            Err(BadLine::Url) => return error(400, "invalid url", 0),
            Err(BadLine::Version(version)) => {
                return error(
                    506,
                    &format!("http protocol version {version} not supported"),
                    0,
                );
            }
        };
        let minor = line.minor;
        let mut headers = Headers::default();
        loop {
            let Some(text) = self.line().await else {
                return Next::Drop;
            };
            match headers.push(&text) {
                Line::Header => {}
                Line::End => break,
                Line::TooLarge => {
                    tokio::time::sleep(self.shared.idle).await;
                    return Next::Drop;
                }
                Line::Unreadable => return error(506, "unable to parse request header", minor),
            }
        }
        if !matches!(line.method.as_str(), "GET" | "POST" | "PUT" | "DELETE") {
            let text = format!("method '{}' not available", line.method);
            return Next::Answer(Response::bare(501, text), minor);
        }
        let connection = headers
            .get("Connection")
            .unwrap_or_default()
            .to_ascii_lowercase();
        if connection.contains("close") || (connection.is_empty() && minor == 0) {
            self.keep_alive = 0;
        }
        match headers.get("Transfer-Encoding") {
            Some(encoding) if encoding.eq_ignore_ascii_case("chunked") => {
                return error(501, "chunked transfer encoding not supported", minor);
            }
            Some(encoding) => {
                return error(
                    501,
                    &format!("Unknown transfer encoding '{encoding}'"),
                    minor,
                );
            }
            None => {}
        }
        if !self.encrypted {
            return self.redirect(&line, &headers);
        }
        self.exchange(line, &headers).await
    }

    /// Plain HTTP is sent to HTTPS (424-plain-http-get, 425-plain-http-post).
    fn redirect(&self, line: &RequestLine, headers: &Headers) -> Next {
        let Some(host) = headers.get("Host") else {
            return Next::Drop;
        };
        let (status, text) = match line.method.as_str() {
            "GET" => (301, "Moved Permanently"),
            _ => (308, "Permanent Redirect"),
        };
        let mut response = Response::bare(status, text);
        if locked(&self.shared.state).version.error_bodies() {
            response.body = text.as_bytes().to_vec();
        }
        response.location = Some(format!("https://{host}{}", line.target).into());
        Next::Answer(response, line.minor)
    }

    async fn exchange(&mut self, line: RequestLine, headers: &Headers) -> Next {
        let length: usize = headers
            .get("Content-Length")
            .and_then(|length| length.trim().parse().ok())
            .unwrap_or(0);
        let wanted = matches!(line.method.as_str(), "POST" | "PUT") && length <= MAX_BODY;
        let body = match wanted {
            true => match self.body(length).await {
                Some(body) => body,
                None => return Next::Drop,
            },
            false => Vec::new(),
        };
        let incoming = Incoming {
            path: line.path(),
            query: line.query().map(str::to_owned),
            method: line.method,
            content_type: headers.get("Content-Type"),
            content_length: length,
            body,
            credentials: Credentials::read(
                headers.get("Cookie").as_deref(),
                headers.get("Authorization").as_deref(),
                headers.get("CSRFPreventionToken").as_deref(),
            ),
        };
        let request = self.note(&incoming, headers);
        let fault = locked(&self.shared.faults).strike(&request);
        if let Some(Kind::DaemonHangs(hang)) = fault {
            hang_daemon(&self.shared, hang);
        }
        match &fault {
            Some(Kind::DropBefore) => return Next::Drop,
            Some(Kind::Response(response)) => {
                let status = response.status;
                self.shared.log_response(request.id, status, Duration::ZERO);
                return Next::Raw(raw(response, line.minor));
            }
            _ => {}
        }
        let response = respond(&self.shared, &incoming, fault.as_ref()).await;
        match fault {
            Some(Kind::DropAfterCommit) => return Next::Drop,
            Some(Kind::Slow(by)) => tokio::time::sleep(by).await,
            _ => {}
        }
        self.shared
            .log_response(request.id, response.status, response.wait + response.held);
        Next::Answer(response, line.minor)
    }

    /// Writes the request to the log.
    fn note(&self, incoming: &Incoming, headers: &Headers) -> Request {
        let path = router::split_format(&incoming.path);
        let path = path.map_or(incoming.path.as_str(), |(_, path)| path);
        let request = Request {
            id: self.shared.requests.fetch_add(1, Ordering::Relaxed),
            connection: self.number,
            method: incoming.method.clone(),
            path: path.to_owned(),
            query: incoming.query.clone(),
            parameters: incoming.parameter_names(),
            tokens: incoming.tokens(),
            headers: headers.names(),
            identity: incoming.credentials.claim(),
            status: None,
            waited: Duration::ZERO,
        };
        locked(&self.shared.log).push(request.clone());
        request
    }
}

impl Shared {
    /// Adds to the log what a request was answered.
    fn log_response(&self, id: u64, status: u16, waited: Duration) {
        if let Some(request) = locked(&self.log)
            .iter_mut()
            .rev()
            .find(|known| known.id == id)
        {
            request.status = Some(status);
            request.waited = waited;
        }
    }
}

/// Lets the daemon hang, and go on in time.
fn hang_daemon(shared: &Arc<Shared>, hang: Hang) {
    shared.daemon.hang(hang);
    let shared = Arc::clone(shared);
    if let Some(lasts) = hang.lasts {
        tokio::spawn(async move {
            tokio::time::sleep(lasts).await;
            shared.daemon.resume();
        });
    }
}

fn raw(response: &RawResponse, minor: u8) -> Vec<u8> {
    let mut bytes =
        format!("HTTP/1.{minor} {} {}\r\n", response.status, response.reason).into_bytes();
    for (name, value) in &response.headers {
        bytes.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
    }
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(&response.body);
    bytes
}
