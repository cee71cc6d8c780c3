//! The connections of the gRPC server.
//!
//! TLS handshakes run concurrently and within a time limit, so that a silent connection cannot delay
//! that of the parent.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::stream;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tonic::transport::server::Connected;

use super::listener::{Accepting, ByteStream};

/// The limit of a TLS handshake. On one machine it takes milliseconds.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(10);

/// The pause after a failed accept, whose usual cause is the limit of open files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A connection that is authenticated, or that needs no authentication.
pub(super) struct Connection(Box<dyn ByteStream>);

/// The connections of a listener until `shutdown`. With a TLS configuration, only those whose
/// handshake has succeeded.
pub(super) fn incoming(
    listener: Accepting,
    tls: Option<ServerConfig>,
    shutdown: CancellationToken,
) -> impl stream::Stream<Item = io::Result<Connection>> {
    let tls = tls.map(|config| TlsAcceptor::from(Arc::new(config)));
    let (sender, mut receiver) = mpsc::channel(1);
    tokio::spawn(async move {
        let accepting = accept_all(listener, tls, sender);
        shutdown.run_until_cancelled(accepting).await;
    });
    stream::poll_fn(move |context| receiver.poll_recv(context).map(|c| c.map(Ok)))
}

async fn accept_all(listener: Accepting, tls: Option<TlsAcceptor>, to: mpsc::Sender<Connection>) {
    loop {
        match listener.accept().await {
            Ok(stream) => drop(tokio::spawn(secure(stream, tls.clone(), to.clone()))),
            Err(error) => {
                tracing::warn!(%error, "Unable to accept a connection");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Performs the TLS handshake, if there is one, and passes the connection on.
async fn secure(
    stream: Box<dyn ByteStream>,
    tls: Option<TlsAcceptor>,
    to: mpsc::Sender<Connection>,
) {
    let stream = match tls {
        None => stream,
        Some(tls) => match timeout(HANDSHAKE_LIMIT, tls.accept(stream)).await {
            Ok(Ok(stream)) => Box::new(stream),
            Ok(Err(error)) => {
                tracing::warn!(%error, "Refused a connection");
                return;
            }
            Err(_) => {
                tracing::warn!("Refused a connection: its TLS handshake took too long");
                return;
            }
        },
    };
    // The receiver is gone only while the server shuts down.
    let _ = to.send(Connection(stream)).await;
}

impl Connected for Connection {
    type ConnectInfo = ();

    fn connect_info(&self) {}
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }
}
