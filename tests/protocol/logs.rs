//! Log lines on stderr.

use serde_json::Value;
use terraform_provider_proxmox::plugin::proto::plugin::Empty;
use terraform_provider_proxmox::plugin::proto::plugin::grpc_controller_client::GrpcControllerClient;
use terraform_provider_proxmox::plugin::proto::read_resource;

use crate::support::client;
use crate::support::process::Launch;

/// The log of a process that answered one call.
async fn log_of(launch: Launch) -> String {
    let process = launch.start();
    let channel = process.connect().await;
    let request = read_resource::Request {
        type_name: "proxmox_unknown".to_owned(),
        ..Default::default()
    };
    let mut provider = client::provider(channel.clone());
    provider.read_resource(request).await.unwrap();
    let mut controller = GrpcControllerClient::new(channel);
    controller.shutdown(Empty {}).await.unwrap();
    process.ended().await.stderr
}

#[tokio::test]
async fn each_line_is_a_json_object_that_go_plugin_can_read() {
    let log = log_of(Launch::like_terraform().with("TF_LOG_PROVIDER", "TRACE")).await;
    let lines: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert!(!lines.is_empty());
    for line in &lines {
        for key in ["@level", "@message", "@module", "@timestamp"] {
            assert!(line[key].is_string(), "{line}");
        }
    }
    let of_the_call = lines.iter().find(|line| line["tf_rpc"] == "ReadResource");
    assert_eq!(of_the_call.unwrap()["tf_type"], "proxmox_unknown");
}

#[tokio::test]
async fn libraries_stay_silent_even_at_trace() {
    let log = log_of(Launch::like_terraform().with("TF_LOG", "TRACE")).await;
    for line in log.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        assert!(line["@module"].as_str().unwrap().starts_with("proxmox"));
    }
}

#[tokio::test]
async fn without_a_level_there_is_no_log() {
    assert_eq!(log_of(Launch::like_terraform()).await, "");
}

#[tokio::test]
async fn the_variable_for_this_provider_wins() {
    let launch = Launch::like_terraform().with("TF_LOG", "TRACE");
    let launch = launch.with("TF_LOG_PROVIDER_PROXMOX", "ERROR");
    assert_eq!(log_of(launch).await, "");
}
