//! Messages far larger than the usual 4 MiB of gRPC.

use terraform_provider_proxmox::plugin::proto::{DynamicValue, read_data_source};

use crate::support::process::Launch;
use crate::support::within_limit;

const LARGE: usize = 9 << 20;

#[tokio::test]
async fn large_requests_are_read_and_large_answers_are_sent() {
    let process = Launch::like_terraform().start();
    let mut provider = process.provider().await;
    // The answer names the type that it does not know.
    let request = read_data_source::Request {
        type_name: "x".repeat(LARGE),
        config: Some(DynamicValue {
            msgpack: vec![0; LARGE],
            json: Vec::new(),
        }),
        ..Default::default()
    };
    let answer = within_limit(provider.read_data_source(request)).await;
    let answer = answer.unwrap().into_inner();
    assert!(answer.diagnostics[0].detail.len() > LARGE);
}
