//! A mirror of providers over HTTPS, on loopback.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

use libtest_mimic::Failed;
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// The longest request that is read.
const LONGEST: u64 = 64 * 1024;

/// Serves the files of a folder until the process ends.
pub struct NetworkMirror {
    /// Its address, as the command line is told.
    pub url: String,
    /// The certificate to trust, as PEM.
    pub authority: String,
}

impl NetworkMirror {
    /// Starts to serve a folder.
    pub fn serve(folder: PathBuf) -> Result<Self, Failed> {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
        let key = PrivatePkcs8KeyDer::from(made.key_pair.serialize_der());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key.into())?;
        let (config, listener) = (Arc::new(config), TcpListener::bind("127.0.0.1:0")?);
        let url = format!("https://localhost:{}/", listener.local_addr()?.port());
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (config, folder) = (Arc::clone(&config), folder.clone());
                // A client that goes away is no failure of the mirror.
                thread::spawn(move || respond(stream, config, &folder).ok());
            }
        });
        Ok(Self {
            url,
            authority: made.cert.pem(),
        })
    }
}

fn respond(
    stream: TcpStream,
    config: Arc<ServerConfig>,
    folder: &Path,
) -> Result<(), Box<dyn std::error::Error>> {
    let stream = StreamOwned::new(ServerConnection::new(config)?, stream);
    let mut reader = BufReader::new(stream);
    let mut first = String::new();
    reader.by_ref().take(LONGEST).read_line(&mut first)?;
    // The headers, up to the empty line.
    let mut headers = String::new();
    while reader.by_ref().take(LONGEST).read_line(&mut headers)? > 2 {}
    let path = first.split(' ').nth(1).unwrap_or_default();
    let path = path.trim_start_matches('/');
    let found = match path.contains("..") {
        true => None,
        false => std::fs::read(folder.join(path)).ok(),
    };
    let kind = match path.ends_with(".json") {
        true => "application/json",
        false => "application/zip",
    };
    let (status, body) = match found {
        Some(body) => ("200 OK", body),
        None => ("404 Not Found", Vec::new()),
    };
    let length = body.len();
    let stream = reader.get_mut();
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    )?;
    stream.write_all(&body)?;
    stream.conn.send_close_notify();
    Ok(stream.flush()?)
}
