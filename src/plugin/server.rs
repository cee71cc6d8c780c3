//! The gRPC server of this process, from its first connection to its last answer.

use std::io;

use rustls::ServerConfig;
use tokio::runtime;
use tokio_util::sync::CancellationToken;
use tonic::transport::Server;

use super::{
    ServeError, Service,
    calls::Calls,
    connections,
    listener::Listener,
    proto::{
        health::health_server::HealthServer,
        plugin::{
            grpc_broker_server::GrpcBrokerServer, grpc_controller_server::GrpcControllerServer,
            grpc_stdio_server::GrpcStdioServer,
        },
        provider_server::ProviderServer,
    },
    side_services::SideServices,
    signals::{OnInterrupt, Signals},
};
use crate::framework::Catalog;

/// The largest message in either direction, in bytes; Terraform's own limit.
const MESSAGE_LIMIT: usize = 256 << 20;

/// Calls mostly wait for servers elsewhere: two threads keep up, and more only slow the start.
const THREADS: usize = 2;

/// How to serve.
pub(super) struct PluginServer {
    /// TLS for every connection; `None` where the socket's directory is all the protection.
    pub tls: Option<ServerConfig>,
    /// What Ctrl-C does.
    pub on_interrupt: OnInterrupt,
}

impl PluginServer {
    /// Answers calls until the end, then leaves without waiting for anything that belongs to no
    /// call. `announce` is told the network and the address once the process can be called.
    pub fn run(
        self,
        listener: &Listener,
        announce: impl FnOnce(&str, &str) -> io::Result<Catalog>,
    ) -> Result<(), ServeError> {
        let runtime = runtime::Builder::new_multi_thread()
            .worker_threads(THREADS)
            .enable_all()
            .build()?;
        let served = runtime.block_on(async {
            let signals = Signals::take_over()?;
            let (network, address) = listener.address()?;
            let catalog = announce(network, &address)?;
            self.answer_calls(catalog, listener, signals).await
        });
        runtime.shutdown_background();
        served
    }

    /// Answers calls until `Shutdown`, and then until the last running one is done.
    async fn answer_calls(
        self,
        catalog: Catalog,
        listener: &Listener,
        signals: Signals,
    ) -> Result<(), ServeError> {
        let calls = Calls::default();
        let shutdown = CancellationToken::new();
        let side = SideServices {
            calls: calls.clone(),
            shutdown: shutdown.clone(),
        };
        let on_signal = side.clone();
        tokio::spawn(async move {
            signals.end(self.on_interrupt).await;
            on_signal.end();
        });
        let connections = connections::incoming(listener.start()?, self.tls, shutdown.clone());
        let provider = ProviderServer::new(Service::with_calls(catalog, calls.clone()))
            .max_decoding_message_size(MESSAGE_LIMIT)
            .max_encoding_message_size(MESSAGE_LIMIT);
        Server::builder()
            .add_service(provider)
            .add_service(GrpcControllerServer::new(side.clone()))
            .add_service(GrpcStdioServer::new(side.clone()))
            .add_service(GrpcBrokerServer::new(side.clone()))
            .add_service(HealthServer::new(side))
            .serve_with_incoming_shutdown(connections, shutdown.cancelled_owned())
            .await?;
        calls.finished().await;
        Ok(())
    }
}
