//! The gRPC server of this process, from its first connection to its last response.

use std::io;
use std::sync::Arc;

use rustls::ServerConfig;
use tokio::runtime;
use tokio_util::sync::CancellationToken;
use tonic::transport::Server;

use super::calls::RunningCalls;
use super::connections;
use super::error::ServeError;
use super::listener::Listener;
use super::parent::ParentProcess;
use super::proto::health::health_server::HealthServer;
use super::proto::plugin::grpc_broker_server::GrpcBrokerServer;
use super::proto::plugin::grpc_controller_server::GrpcControllerServer;
use super::proto::plugin::grpc_stdio_server::GrpcStdioServer;
use super::proto::provider_server::ProviderServer;
use super::service::Service;
use super::side_services::{SideServices, close_ephemeral_objects};
use super::signals::{OnInterrupt, Signals};
use crate::framework::Catalog;

/// The largest message in either direction, in bytes. Terraform has the same limit.
const MESSAGE_LIMIT: usize = 256 << 20;

/// Calls mostly wait for other servers. Two threads suffice, and more delay the start.
const THREADS: usize = 2;

/// The settings of the server.
pub(super) struct PluginServer {
    /// TLS for every connection. `None` if the socket's directory is the only protection.
    pub tls: Option<ServerConfig>,
    /// The effect of Ctrl-C.
    pub on_interrupt: OnInterrupt,
    /// The process whose end is also that of this one.
    pub parent: Option<ParentProcess>,
}

impl PluginServer {
    /// Serves until the end, and does not wait for work that belongs to no call. `announce` gets the
    /// network and the address as soon as the process accepts connections.
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
            listener.sweep();
            let end = end(signals, self.on_interrupt, self.parent);
            serve_calls(catalog, listener, self.tls, end).await
        });
        runtime.shutdown_background();
        served
    }
}

/// Waits for a signal that ends the process, or for the end of its parent.
async fn end(signals: Signals, on_interrupt: OnInterrupt, parent: Option<ParentProcess>) {
    let Some(parent) = parent else {
        return signals.end(on_interrupt).await;
    };
    tokio::select! {
        () = signals.end(on_interrupt) => {}
        () = parent.gone() => tracing::info!("The process that started this one is gone"),
    }
}

/// Serves until `Shutdown` or `end`, and then until the last call has finished.
async fn serve_calls(
    catalog: Catalog,
    listener: &Listener,
    tls: Option<ServerConfig>,
    end: impl Future<Output = ()> + Send + 'static,
) -> Result<(), ServeError> {
    let (catalog, calls) = (Arc::new(catalog), RunningCalls::default());
    let shutdown = CancellationToken::new();
    let side = SideServices {
        calls: calls.clone(),
        catalog: Arc::clone(&catalog),
        shutdown: shutdown.clone(),
    };
    let at_end = side.clone();
    tokio::spawn(async move {
        end.await;
        at_end.end().await;
    });
    let connections = connections::incoming(listener.start()?, tls, shutdown.clone());
    let provider = ProviderServer::new(Service::with_calls(Arc::clone(&catalog), calls.clone()))
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
    // The last call may have opened something.
    close_ephemeral_objects(&catalog).await;
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    use std::future::{pending, ready};

    use async_trait::async_trait;
    use hyper_util::rt::TokioIo;
    use serde::{Deserialize, Serialize};
    use tf_provider::schema::{FunctionSchema, Schema};
    use tf_provider::{Diagnostics, Provider};
    use tokio::net::UnixStream;
    use tokio::sync::Notify;
    use tonic::transport::{Channel, Endpoint};

    use super::*;
    use crate::framework::schema::schema;
    use crate::framework::{Context, Encoded, ErasedFunction};
    use crate::plugin::handshake::Place;
    use crate::plugin::proto::plugin::Empty;
    use crate::plugin::proto::plugin::grpc_controller_client::GrpcControllerClient;
    use crate::plugin::proto::provider_client::ProviderClient;
    use crate::plugin::proto::{call_function, get_functions};

    #[derive(Serialize, Deserialize)]
    struct NoConfig {}

    struct NoProvider;

    #[async_trait]
    impl Provider for NoProvider {
        type Config<'a> = NoConfig;
        type MetaState<'a> = ();

        fn schema(&self, _: &mut Diagnostics) -> Option<Schema> {
            Some(schema("", []))
        }
    }

    /// A function that notifies when it has started. It returns once it is both cancelled and
    /// allowed to proceed.
    #[derive(Default)]
    struct Slow {
        schema: FunctionSchema,
        started: Arc<Notify>,
        proceed: Arc<Notify>,
    }

    #[async_trait]
    impl ErasedFunction for Slow {
        fn schema(&self) -> &FunctionSchema {
            &self.schema
        }

        async fn call(&self, _: Vec<Encoded>, _: &mut Diagnostics) -> Option<Encoded> {
            self.started.notify_one();
            Context::current().cancel.cancelled().await;
            self.proceed.notified().await;
            Some(Encoded::Json(b"\"secret\"".to_vec()))
        }
    }

    fn catalog(slow: Slow) -> Catalog {
        let mut catalog = Catalog::new(NoProvider);
        catalog.functions.insert("slow".to_owned(), Box::new(slow));
        catalog
    }

    async fn connect(path: String) -> Channel {
        let mut stream = Some(UnixStream::connect(path).await.unwrap());
        let connector = tower::service_fn(move |_| {
            let stream = stream.take().map(TokioIo::new);
            ready(stream.ok_or(io::Error::from(io::ErrorKind::NotConnected)))
        });
        let endpoint = Endpoint::from_static("http://localhost");
        endpoint.connect_with_connector(connector).await.unwrap()
    }

    #[tokio::test]
    async fn shutdown_cancels_the_running_call_and_ends_after_its_response() {
        let slow = Slow::default();
        let (started, proceed) = (slow.started.clone(), slow.proceed.clone());
        let place = Place::read(|_| None);
        let listener = Listener::open(&place).unwrap();
        let (_, path) = listener.address().unwrap();
        let server = tokio::spawn(async move {
            let served = serve_calls(catalog(slow), &listener, None, pending());
            served.await.unwrap();
        });

        let channel = connect(path).await;
        let mut provider = ProviderClient::new(channel.clone());
        let call = tokio::spawn(async move {
            let name = "slow".to_owned();
            let arguments = Vec::new();
            let request = call_function::Request { name, arguments };
            provider.call_function(request).await
        });
        started.notified().await;
        let mut controller = GrpcControllerClient::new(channel);
        controller.shutdown(Empty {}).await.unwrap();
        assert!(!server.is_finished());

        proceed.notify_one();
        let response = call.await.unwrap().unwrap().into_inner();
        assert_eq!(response.result.unwrap().json, b"\"secret\"");
        server.await.unwrap();
    }

    #[tokio::test]
    async fn a_loopback_port_serves_as_well_until_a_signal() {
        let listener = Listener::open_tcp(1024..=u16::MAX).unwrap();
        let (_, address) = listener.address().unwrap();
        let signal = Arc::new(Notify::new());
        let end = signal.clone();
        let server = tokio::spawn(async move {
            let end = async move { end.notified().await };
            let served = serve_calls(catalog(Slow::default()), &listener, None, end);
            served.await.unwrap();
        });

        let endpoint = Endpoint::from_shared(format!("http://{address}")).unwrap();
        let mut provider = ProviderClient::new(endpoint.connect().await.unwrap());
        let functions = provider.get_functions(get_functions::Request {}).await;
        assert!(
            functions
                .unwrap()
                .into_inner()
                .functions
                .contains_key("slow")
        );

        signal.notify_one();
        server.await.unwrap();
    }
}
