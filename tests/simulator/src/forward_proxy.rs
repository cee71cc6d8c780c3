//! A forward proxy, as companies put between their machines and the rest.
//!
//! It knows one method, `CONNECT`, and SOCKS5 (RFC 1928) at the same port, and carries whatever is then said. Like the simulator it is for
//! loopback only: wherever a client wants to go, it arrives at the one address that was told.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::time::timeout;

use crate::Error;
use crate::server::locked;

/// How long a client may take for its first lines.
const PATIENCE: Duration = Duration::from_secs(10);

/// The first byte that a client of SOCKS5 sends.
const SOCKS5: u8 = 5;

/// A running forward proxy; it stops when dropped.
pub struct ForwardProxy {
    shared: Arc<Shared>,
    address: SocketAddr,
    runtime: Option<Runtime>,
}

struct Shared {
    target: SocketAddr,
    authorization: Option<String>,
    heads: Mutex<Vec<String>>,
}

impl ForwardProxy {
    /// A proxy that leads every connection to this address.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn to(target: SocketAddr) -> Result<Self, Error> {
        Self::start(target, None)
    }

    /// The same, for clients only that send this in `Proxy-Authorization`.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn guarded(target: SocketAddr, authorization: &str) -> Result<Self, Error> {
        Self::start(target, Some(authorization.to_owned()))
    }

    fn start(target: SocketAddr, authorization: Option<String>) -> Result<Self, Error> {
        if !target.ip().is_loopback() {
            return Err(Error::NotLoopback(target));
        }
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("forward-proxy")
            .enable_all()
            .build()?;
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let listener = {
            let _guard = runtime.enter();
            TcpListener::from_std(listener)?
        };
        let shared = Arc::new(Shared {
            target,
            authorization,
            heads: Mutex::default(),
        });
        runtime.spawn(accept(listener, Arc::clone(&shared)));
        Ok(Self {
            shared,
            address,
            runtime: Some(runtime),
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The heads of the requests it has received, such as `CONNECT pve1:8006 HTTP/1.1` and the
    /// headers behind it, or `SOCKS pve1:8006`.
    #[must_use]
    pub fn heads(&self) -> Vec<String> {
        locked(&self.shared.heads).clone()
    }
}

impl Drop for ForwardProxy {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    loop {
        match listener.accept().await {
            Ok((client, _)) => {
                let shared = Arc::clone(&shared);
                // What goes wrong with one client is seen by that client.
                tokio::spawn(async move { shared.serve(client).await.ok() });
            }
            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
}

impl Shared {
    async fn serve(&self, client: TcpStream) -> std::io::Result<()> {
        let mut client = BufReader::new(client);
        if timeout(PATIENCE, client.fill_buf()).await??.first() == Some(&SOCKS5) {
            return self.serve_socks(client).await;
        }
        let head = timeout(PATIENCE, head(&mut client)).await??;
        locked(&self.heads).push(head.clone());
        let response = |status: &str| format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n");
        if !head.starts_with("CONNECT ") {
            return client
                .write_all(response("405 Method Not Allowed").as_bytes())
                .await;
        }
        if !self.admits(&head) {
            return client
                .write_all(response("407 Proxy Authentication Required").as_bytes())
                .await;
        }
        let Ok(mut host) = TcpStream::connect(self.target).await else {
            return client
                .write_all(response("502 Bad Gateway").as_bytes())
                .await;
        };
        client
            .write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")
            .await?;
        copy_bidirectional(&mut client, &mut host).await?;
        Ok(())
    }

    /// Without authentication. What a client asks for is kept as `SOCKS pve1:8006`.
    async fn serve_socks(&self, mut client: BufReader<TcpStream>) -> std::io::Result<()> {
        let target = timeout(PATIENCE, socks_target(&mut client)).await??;
        locked(&self.heads).push(format!("SOCKS {target}"));
        let Ok(mut host) = TcpStream::connect(self.target).await else {
            const UNREACHABLE: u8 = 4;
            return client.write_all(&socks_reply(UNREACHABLE)).await;
        };
        client.write_all(&socks_reply(0)).await?;
        copy_bidirectional(&mut client, &mut host).await?;
        Ok(())
    }

    fn admits(&self, head: &str) -> bool {
        let Some(expected) = &self.authorization else {
            return true;
        };
        let mut headers = head.lines().filter_map(|line| line.split_once(": "));
        headers.any(|(name, value)| {
            name.eq_ignore_ascii_case("Proxy-Authorization") && value == expected
        })
    }
}

/// Greets a client of SOCKS5; the host and port that it asks for.
async fn socks_target(client: &mut BufReader<TcpStream>) -> std::io::Result<String> {
    let [_, methods] = bytes(client).await?;
    client.read_exact(&mut vec![0; methods.into()]).await?;
    client.write_all(&[SOCKS5, 0]).await?;
    let [_, _, _, kind] = bytes(client).await?;
    let host = match kind {
        1 => Ipv4Addr::from(bytes::<4>(client).await?).to_string(),
        _ => {
            let [length] = bytes(client).await?;
            let mut name = vec![0; length.into()];
            client.read_exact(&mut name).await?;
            String::from_utf8_lossy(&name).into_owned()
        }
    };
    let port = u16::from_be_bytes(bytes(client).await?);
    Ok(format!("{host}:{port}"))
}

async fn bytes<const N: usize>(client: &mut BufReader<TcpStream>) -> std::io::Result<[u8; N]> {
    let mut bytes = [0; N];
    client.read_exact(&mut bytes).await?;
    Ok(bytes)
}

/// The reply to a request of SOCKS5, which names no address.
fn socks_reply(status: u8) -> [u8; 10] {
    [SOCKS5, status, 0, 1, 0, 0, 0, 0, 0, 0]
}

/// The request line and the headers, up to the empty line.
async fn head(client: &mut BufReader<TcpStream>) -> std::io::Result<String> {
    let mut head = String::new();
    while client.read_line(&mut head).await? > 2 {}
    Ok(head)
}
