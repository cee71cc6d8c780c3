//! An address at which nobody listens.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Mutex, PoisonError};

use tokio::net::TcpSocket;

/// A port that was taken and given back may be another server's a moment later, so these are kept.
static TAKEN: Mutex<Vec<TcpSocket>> = Mutex::new(Vec::new());

/// An address that refuses every connection for as long as this process lives.
///
/// # Errors
/// Whatever keeps the system from giving a port away.
pub fn closed_port() -> io::Result<SocketAddr> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
    let address = socket.local_addr()?;
    let mut taken = TAKEN.lock().unwrap_or_else(PoisonError::into_inner);
    taken.push(socket);
    Ok(address)
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};

    use super::closed_port;

    #[test]
    fn the_port_refuses_and_cannot_be_taken() {
        let address = closed_port().unwrap();
        let refused = TcpStream::connect(address).unwrap_err();
        assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
        assert!(TcpListener::bind(address).is_err());
    }
}
