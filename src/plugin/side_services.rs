//! The services that go-plugin requires beside the provider.
//!
//! Only `Shutdown` and the health check have an effect. The streams of the other two stay open and
//! empty until the process ends: go-plugin opens them at the start and reports an early end.

use std::pin::Pin;
use std::sync::Arc;

use futures_util::{StreamExt, stream};
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status, Streaming};

use super::calls::RunningCalls;
use super::proto::health::health_check_response::ServingStatus;
use super::proto::health::health_server::Health;
use super::proto::health::{HealthCheckRequest, HealthCheckResponse};
use super::proto::plugin::grpc_broker_server::GrpcBroker;
use super::proto::plugin::grpc_controller_server::GrpcController;
use super::proto::plugin::grpc_stdio_server::GrpcStdio;
use super::proto::plugin::{ConnInfo, Empty, StdioData};
use crate::framework::Catalog;

/// The services in go-plugin's health check: the whole server, or the plugin by its name.
const SERVICES: [&str; 2] = ["", "plugin"];

/// All side services of one process.
#[derive(Clone)]
pub(super) struct SideServices {
    /// The calls that `Shutdown` cancels.
    pub calls: RunningCalls,
    /// The provider, whose ephemeral objects may still be open.
    pub catalog: Arc<Catalog>,
    /// Cancelled by `Shutdown`.
    pub shutdown: CancellationToken,
}

type EmptyStream<T> = Pin<Box<dyn stream::Stream<Item = Result<T, Status>> + Send>>;

impl SideServices {
    /// Ends the process as soon as the running calls have finished. Before it responds to
    /// `Shutdown`, it closes what the caller has left open: go-plugin waits for the response, and
    /// kills the process two seconds later.
    pub async fn end(&self) {
        self.calls.stop();
        close_ephemeral_objects(&self.catalog).await;
        self.shutdown.cancel();
    }

    /// A stream with at most one item, which stays open until the end of the process.
    fn held_open<T: Send + 'static>(&self, first: Option<T>) -> Response<EmptyStream<T>> {
        let items = stream::iter(first.map(Ok)).chain(stream::pending());
        let end = self.shutdown.clone().cancelled_owned();
        Response::new(Box::pin(items.take_until(end)))
    }
}

/// Closes what the caller has left open, in a task of its own: a panic must not keep the process
/// from its end.
pub(super) async fn close_ephemeral_objects(catalog: &Arc<Catalog>) {
    let catalog = Arc::clone(catalog);
    let closed = tokio::spawn(async move { catalog.close_ephemeral_objects().await });
    if closed.await.is_err() {
        tracing::error!("Closing the ephemeral objects failed");
    }
}

#[tonic::async_trait]
impl GrpcController for SideServices {
    async fn shutdown(&self, _: Request<Empty>) -> Result<Response<Empty>, Status> {
        self.end().await;
        Ok(Response::new(Empty {}))
    }
}

#[tonic::async_trait]
impl GrpcStdio for SideServices {
    type StreamStdioStream = EmptyStream<StdioData>;

    async fn stream_stdio(
        &self,
        _: Request<()>,
    ) -> Result<Response<Self::StreamStdioStream>, Status> {
        Ok(self.held_open(None))
    }
}

#[tonic::async_trait]
impl GrpcBroker for SideServices {
    type StartStreamStream = EmptyStream<ConnInfo>;

    async fn start_stream(
        &self,
        _: Request<Streaming<ConnInfo>>,
    ) -> Result<Response<Self::StartStreamStream>, Status> {
        Ok(self.held_open(None))
    }
}

#[tonic::async_trait]
impl Health for SideServices {
    async fn check(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        match status(&request.get_ref().service) {
            ServingStatus::Serving => Ok(Response::new(ServingStatus::Serving.into())),
            _ => Err(Status::not_found("unknown service")),
        }
    }

    type WatchStream = EmptyStream<HealthCheckResponse>;

    async fn watch(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        Ok(self.held_open(Some(status(&request.get_ref().service).into())))
    }
}

fn status(service: &str) -> ServingStatus {
    if SERVICES.contains(&service) {
        ServingStatus::Serving
    } else {
        ServingStatus::ServiceUnknown
    }
}

impl From<ServingStatus> for HealthCheckResponse {
    fn from(status: ServingStatus) -> Self {
        Self {
            status: status.into(),
        }
    }
}
