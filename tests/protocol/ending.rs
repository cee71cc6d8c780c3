//! The end of the process: its causes, and events that must not end it.

use std::time::{Duration, Instant};

use terraform_provider_proxmox::plugin::proto::plugin::Empty;
use terraform_provider_proxmox::plugin::proto::plugin::grpc_broker_client::GrpcBrokerClient;
use terraform_provider_proxmox::plugin::proto::plugin::grpc_controller_client::GrpcControllerClient;
use terraform_provider_proxmox::plugin::proto::plugin::grpc_stdio_client::GrpcStdioClient;
use terraform_provider_proxmox::plugin::proto::{get_metadata, stop_provider};

use crate::support::process::Launch;
use crate::support::{client, within_limit};

/// go-plugin kills a process that has not ended 2 s after `Shutdown`.
const GRACE: Duration = Duration::from_secs(2);

#[tokio::test]
async fn shutdown_ends_the_process_at_once_and_leaves_nothing_behind() {
    let process = Launch::like_terraform().start();
    let channel = process.connect().await;
    // Open for as long as the connection is, like in every run of Terraform.
    let stdio = GrpcStdioClient::new(channel.clone()).stream_stdio(()).await;
    let broker = GrpcBrokerClient::new(channel.clone());
    let broker = { broker }
        .start_stream(futures_util::stream::pending())
        .await;
    assert!(process.socket().exists());

    let asked = Instant::now();
    let mut controller = GrpcControllerClient::new(channel);
    within_limit(controller.shutdown(Empty {})).await.unwrap();
    let ended = process.ended().await;
    assert!(asked.elapsed() < GRACE);
    assert!(ended.status.success());
    assert_eq!(ended.left_behind, 0);
    drop((stdio, broker));
}

#[tokio::test]
async fn nothing_but_the_handshake_line_is_ever_on_stdout() {
    let process = Launch::like_terraform().with("TF_LOG", "TRACE").start();
    let line = process.line.clone();
    let channel = process.connect().await;
    let mut provider = client::provider(channel.clone());
    provider
        .get_metadata(get_metadata::Request {})
        .await
        .unwrap();
    let mut controller = GrpcControllerClient::new(channel);
    controller.shutdown(Empty {}).await.unwrap();
    assert_eq!(process.ended().await.stdout, line);
}

#[tokio::test]
async fn a_signal_from_the_terminal_is_left_to_terraform() {
    for signal in ["INT", "HUP"] {
        let process = Launch::like_terraform().start();
        let mut provider = process.provider().await;
        process.signal(signal);
        for _ in 0..3 {
            let answer = provider.get_metadata(get_metadata::Request {});
            assert!(within_limit(answer).await.is_ok(), "{signal}");
        }
    }
}

/// A Terraform that is killed says nothing, and its plugin must not go on with its credentials.
#[tokio::test]
async fn the_process_ends_when_its_parent_is_killed() {
    let mut process = Launch::like_terraform().below_a_shell().start();
    let socket = process.socket();
    assert!(socket.exists());
    process.kill_parent();
    let ended = async {
        while socket.exists() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    within_limit(ended).await;
    assert_eq!(process.temporary.path().read_dir().unwrap().count(), 0);
}

#[tokio::test]
async fn a_request_of_the_system_to_end_is_a_shutdown() {
    let process = Launch::like_terraform().start();
    process.signal("TERM");
    let ended = process.ended().await;
    assert!(ended.status.success());
    assert_eq!(ended.left_behind, 0);
}

#[tokio::test]
async fn stop_provider_does_not_close_the_server() {
    let process = Launch::like_terraform().start();
    let mut provider = process.provider().await;
    let stopped = provider.stop_provider(stop_provider::Request {}).await;
    assert_eq!(stopped.unwrap().into_inner().error, "");
    assert!(
        provider
            .get_metadata(get_metadata::Request {})
            .await
            .is_ok()
    );
    let mut again = process.provider().await;
    assert!(again.get_metadata(get_metadata::Request {}).await.is_ok());
}
