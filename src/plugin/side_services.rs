//! The services that go-plugin asks for beside the provider.
//!
//! Only `Shutdown` and the health check do something. The streams of the other two stay open and
//! silent until the process ends: go-plugin opens them at the start and reports it when they
//! close early.

use std::pin::Pin;

use futures_util::{StreamExt, stream};
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status, Streaming};

use super::{
    calls::RunningCalls,
    proto::{
        health::{
            HealthCheckRequest, HealthCheckResponse, health_check_response::ServingStatus,
            health_server::Health,
        },
        plugin::{
            ConnInfo, Empty, StdioData, grpc_broker_server::GrpcBroker,
            grpc_controller_server::GrpcController, grpc_stdio_server::GrpcStdio,
        },
    },
};

/// The services go-plugin's health check may ask about: the whole, or the plugin by name.
const SERVICES: [&str; 2] = ["", "plugin"];

/// All side services of one process.
#[derive(Clone)]
pub(super) struct SideServices {
    /// The calls that `Shutdown` winds down.
    pub calls: RunningCalls,
    /// Cancelled by `Shutdown`.
    pub shutdown: CancellationToken,
}

type Silence<T> = Pin<Box<dyn stream::Stream<Item = Result<T, Status>> + Send>>;

impl SideServices {
    /// Makes the process end as soon as the running calls have answered.
    pub fn end(&self) {
        self.calls.stop();
        self.shutdown.cancel();
    }

    /// A stream of the given items that then stays open until the end of the process.
    fn held_open<T: Send + 'static>(&self, first: Option<T>) -> Response<Silence<T>> {
        let items = stream::iter(first.map(Ok)).chain(stream::pending());
        let end = self.shutdown.clone().cancelled_owned();
        Response::new(Box::pin(items.take_until(end)))
    }
}

#[tonic::async_trait]
impl GrpcController for SideServices {
    async fn shutdown(&self, _: Request<Empty>) -> Result<Response<Empty>, Status> {
        self.end();
        Ok(Response::new(Empty {}))
    }
}

#[tonic::async_trait]
impl GrpcStdio for SideServices {
    type StreamStdioStream = Silence<StdioData>;

    async fn stream_stdio(
        &self,
        _: Request<()>,
    ) -> Result<Response<Self::StreamStdioStream>, Status> {
        Ok(self.held_open(None))
    }
}

#[tonic::async_trait]
impl GrpcBroker for SideServices {
    type StartStreamStream = Silence<ConnInfo>;

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

    type WatchStream = Silence<HealthCheckResponse>;

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
