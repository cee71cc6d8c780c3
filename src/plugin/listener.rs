//! The socket that the plugin listens on.
//!
//! A unix socket that only its owner can reach, in a directory of its own that is removed with the
//! process. On a system without unix sockets, a port of the loopback address. The listener is open
//! before the handshake line is printed, so that the parent can connect at once.

use std::io;

use tokio::io::{AsyncRead, AsyncWrite};

use super::handshake::Place;
#[cfg(unix)]
use super::unix_socket::{self, Socket};

/// An open socket. Dropping it removes what it left in the file system.
pub(super) enum Listener {
    /// A unix socket.
    #[cfg(unix)]
    Unix(Socket),
    /// A loopback port.
    #[cfg_attr(unix, allow(dead_code, reason = "on unix, only the tests use ports"))]
    Tcp(std::net::TcpListener),
}

/// A listener that is registered with a runtime.
pub(super) enum Accepting {
    #[cfg(unix)]
    Unix(tokio::net::UnixListener),
    Tcp(tokio::net::TcpListener),
}

/// A byte stream of either kind.
pub(super) trait ByteStream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> ByteStream for T {}

impl Listener {
    /// Opens a unix socket, or a port on a system without them.
    pub fn open(place: &Place) -> io::Result<Self> {
        #[cfg(unix)]
        return Socket::open(place.directory.as_deref(), &unix_socket::directories())
            .map(Self::Unix);
        #[cfg(not(unix))]
        return Self::open_tcp(place.ports.clone());
    }

    /// Opens the first free loopback port of a range.
    #[cfg(any(test, not(unix)))]
    pub fn open_tcp(ports: std::ops::RangeInclusive<u16>) -> io::Result<Self> {
        let mut failure = io::ErrorKind::AddrNotAvailable.into();
        for port in ports {
            match std::net::TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, port)) {
                Ok(listener) => return Ok(Self::Tcp(listener)),
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }

    /// The network and the address, as go-plugin names them.
    pub fn address(&self) -> io::Result<(&'static str, String)> {
        match self {
            #[cfg(unix)]
            Self::Unix(socket) => Ok(("unix", socket.path.display().to_string())),
            Self::Tcp(listener) => Ok(("tcp", listener.local_addr()?.to_string())),
        }
    }

    /// Begins to remove what killed processes of this user have left where this socket is.
    /// Requires a runtime.
    pub fn sweep(&self) {
        #[cfg(unix)]
        if let Self::Unix(socket) = self {
            let path = socket.path.to_owned();
            tokio::task::spawn_blocking(move || unix_socket::sweep(&path));
        }
    }

    /// Whether the system keeps other users from connecting.
    pub fn is_private(&self) -> bool {
        !matches!(self, Self::Tcp(_))
    }

    /// Registers the socket with the current runtime.
    pub fn start(&self) -> io::Result<Accepting> {
        match self {
            #[cfg(unix)]
            Self::Unix(socket) => {
                let listener = socket.listener.try_clone()?;
                listener.set_nonblocking(true)?;
                tokio::net::UnixListener::from_std(listener).map(Accepting::Unix)
            }
            Self::Tcp(listener) => {
                let listener = listener.try_clone()?;
                listener.set_nonblocking(true)?;
                tokio::net::TcpListener::from_std(listener).map(Accepting::Tcp)
            }
        }
    }
}

impl Accepting {
    /// Waits for the next connection.
    pub async fn accept(&self) -> io::Result<Box<dyn ByteStream>> {
        match self {
            #[cfg(unix)]
            Self::Unix(listener) => Ok(Box::new(listener.accept().await?.0)),
            Self::Tcp(listener) => {
                let (stream, _) = listener.accept().await?;
                stream.set_nodelay(true)?;
                Ok(Box::new(stream))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_free_loopback_port_of_the_range_is_taken() {
        let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = taken.local_addr().unwrap().port();
        let only_taken = Listener::open_tcp(port..=port);
        assert!(only_taken.is_err());

        let last = port.saturating_add(200);
        let listener = Listener::open_tcp(port..=last).unwrap();
        let (network, address) = listener.address().unwrap();
        let address: std::net::SocketAddr = address.parse().unwrap();
        assert_eq!(network, "tcp");
        assert!(!listener.is_private());
        assert!(address.ip().is_loopback());
        assert!((port + 1..=last).contains(&address.port()));
    }

    #[test]
    fn an_empty_range_is_an_error() {
        #[allow(clippy::reversed_empty_ranges, reason = "a parent can ask for it")]
        let nothing = Listener::open_tcp(2..=1);
        assert!(nothing.is_err());
    }
}
