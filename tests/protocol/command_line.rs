//! Arguments of the binary.

use terraform_provider_proxmox::plugin::proto::get_provider_schema;

use crate::support::client::{self, connect_plainly};
use crate::support::process::Launch;
use crate::support::within_limit;

#[tokio::test]
async fn version_names_the_binary_and_its_version() {
    for argument in ["--version", "version", "-v"] {
        let ended = Launch::by_hand(&[argument]).run().await;
        assert!(ended.status.success());
        let expected = format!("terraform-provider-proxmox {}\n", env!("CARGO_PKG_VERSION"));
        assert_eq!(ended.stdout, expected);
    }
}

#[tokio::test]
async fn help_lists_the_options() {
    let ended = Launch::by_hand(&["help", "check"]).run().await;
    assert!(ended.status.success() && ended.stdout.contains("--require"));
    let ended = Launch::by_hand(&["help"]).run().await;
    assert!(ended.status.success());
    for option in ["check", "login", "--debug", "--version", "--help"] {
        assert!(ended.stdout.contains(option));
    }
}

#[tokio::test]
async fn unknown_arguments_are_refused_with_the_help() {
    let ended = Launch::by_hand(&["--serve-everyone"]).run().await;
    assert_eq!(ended.status.code(), Some(1));
    assert_eq!(ended.stdout, "");
    assert!(ended.stderr.contains("\"--serve-everyone\""));
    assert!(ended.stderr.contains("--help"));
    // What may be a secret is not repeated.
    let ended = Launch::by_hand(&["s3cr3t"]).run().await;
    assert!(!ended.stderr.contains("s3cr3t"));
}

#[tokio::test]
async fn debug_prints_a_value_that_terraform_can_attach_by() {
    let mut process = Launch::by_hand(&["--debug"]).start();
    let value = process.reattach();
    let provider = &value["depl0y/proxmox"];
    assert_eq!(provider["Protocol"], "grpc");
    assert_eq!(provider["ProtocolVersion"], 6);
    assert_eq!(provider["Pid"], process.id());
    assert_eq!(provider["Test"], true);
    assert_eq!(provider["Addr"]["Network"], "unix");

    let socket = provider["Addr"]["String"].as_str().unwrap();
    let channel = connect_plainly(socket.as_ref()).await.unwrap();
    let mut provider = client::provider(channel);
    let schema = provider.get_provider_schema(get_provider_schema::Request {});
    assert!(
        within_limit(schema)
            .await
            .unwrap()
            .into_inner()
            .provider
            .is_some()
    );
}

#[tokio::test]
async fn an_interrupt_ends_a_debugging_process_and_leaves_nothing_behind() {
    let mut process = Launch::by_hand(&["--debug"]).start();
    process.reattach();
    process.signal("INT");
    let ended = process.ended().await;
    assert!(ended.status.success());
    assert_eq!(ended.left_behind, 0);
}
