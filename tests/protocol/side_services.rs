//! The services that go-plugin expects besides the provider.

use std::task::Poll;

use futures_util::{FutureExt, poll, stream};
use terraform_provider_proxmox::plugin::proto::health::HealthCheckRequest;
use terraform_provider_proxmox::plugin::proto::health::health_check_response::ServingStatus;
use terraform_provider_proxmox::plugin::proto::health::health_client::HealthClient;
use terraform_provider_proxmox::plugin::proto::plugin::grpc_broker_client::GrpcBrokerClient;
use terraform_provider_proxmox::plugin::proto::plugin::grpc_stdio_client::GrpcStdioClient;
use tonic::Code;

use crate::support::process::Launch;

fn about(service: &str) -> HealthCheckRequest {
    HealthCheckRequest {
        service: service.to_owned(),
    }
}

#[tokio::test]
async fn the_plugin_is_healthy_and_nothing_else_is_known() {
    let process = Launch::like_terraform().start();
    let mut health = HealthClient::new(process.connect().await);
    let status = health.check(about("plugin")).await.unwrap().into_inner();
    assert_eq!(status.status(), ServingStatus::Serving);
    let status = health.check(about("kitchen")).await.unwrap_err();
    assert_eq!(status.code(), Code::NotFound);
}

#[tokio::test]
async fn watching_the_health_says_it_once_and_waits() {
    let process = Launch::like_terraform().start();
    let mut health = HealthClient::new(process.connect().await);
    let mut watch = health.watch(about("plugin")).await.unwrap().into_inner();
    let first = watch.message().await.unwrap().unwrap();
    assert_eq!(first.status(), ServingStatus::Serving);
    assert!(poll!(watch.message().boxed()).is_pending());
}

#[tokio::test]
async fn stdio_and_broker_stay_open_and_silent() {
    let process = Launch::like_terraform().start();
    let channel = process.connect().await;
    let mut stdio = GrpcStdioClient::new(channel.clone());
    let mut stdio = stdio.stream_stdio(()).await.unwrap().into_inner();
    let mut broker = GrpcBrokerClient::new(channel.clone());
    let mut broker = broker
        .start_stream(stream::pending())
        .await
        .unwrap()
        .into_inner();
    // A whole round trip later neither has said anything.
    let mut health = HealthClient::new(channel);
    health.check(about("plugin")).await.unwrap();
    assert!(matches!(poll!(stdio.message().boxed()), Poll::Pending));
    assert!(matches!(poll!(broker.message().boxed()), Poll::Pending));
}
