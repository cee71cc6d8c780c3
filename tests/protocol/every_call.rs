//! Every call of the protocol is answered, for empty requests and for unknown names.

use std::collections::BTreeMap;

use futures_util::stream;
use terraform_provider_proxmox::plugin::proto::{
    self, get_metadata, get_provider_schema, read_state_bytes, upgrade_resource_state,
};

use crate::support::catalog::{SCRIPTED, catalog};
use crate::support::client::in_process;
use crate::support::process::Launch;

const PROTOCOL: &str = include_str!("../../proto/tfplugin6.proto");

/// The calls of the protocol, in the spelling of Rust methods.
fn calls() -> Vec<String> {
    let rpcs = PROTOCOL
        .lines()
        .filter_map(|line| line.trim().strip_prefix("rpc "));
    let names = rpcs.filter_map(|line| line.split('(').next());
    names.map(snake_case).collect()
}

fn snake_case(name: &str) -> String {
    let spaced = name.chars().flat_map(|letter| {
        let gap = letter.is_ascii_uppercase().then_some('_');
        gap.into_iter().chain([letter.to_ascii_lowercase()])
    });
    spaced.collect::<String>().trim_matches('_').to_owned()
}

/// Makes each call with an empty request and notes the printed answer.
macro_rules! call_each {
    ($client:ident, $answers:ident, $($call:ident)*) => {
        $(
            let answer = $client.$call(proto::$call::Request::default()).await;
            let answer = format!("{:?}", answer.unwrap().into_inner());
            $answers.insert(stringify!($call).to_owned(), answer);
        )*
    };
}

/// As [`call_each`], for calls that answer by a stream: the first event and the end.
macro_rules! stream_each {
    ($client:ident, $answers:ident, $($call:ident)*) => {
        $(
            let answer = $client.$call(proto::$call::Request::default()).await;
            let mut events = answer.unwrap().into_inner();
            let first = events.message().await.unwrap().unwrap();
            assert!(events.message().await.unwrap().is_none());
            $answers.insert(stringify!($call).to_owned(), format!("{first:?}"));
        )*
    };
}

async fn answers() -> BTreeMap<String, String> {
    let process = Launch::like_terraform().start();
    let mut client = process.provider().await;
    let mut answers = BTreeMap::new();
    call_each!(client, answers,
        get_metadata get_provider_schema get_resource_identity_schemas get_functions
        validate_provider_config configure_provider
        validate_resource_config upgrade_resource_state upgrade_resource_identity read_resource
        plan_resource_change apply_resource_change import_resource_state move_resource_state
        generate_resource_config
        validate_data_resource_config read_data_source
        validate_ephemeral_resource_config open_ephemeral_resource renew_ephemeral_resource
        close_ephemeral_resource
        validate_list_resource_config
        call_function
        validate_action_config plan_action
        validate_state_store_config configure_state_store lock_state unlock_state get_states
        delete_state
        stop_provider
    );
    stream_each!(client, answers, list_resource invoke_action read_state_bytes);
    let written = client.write_state_bytes(stream::empty()).await.unwrap();
    let written = format!("{:?}", written.into_inner());
    answers.insert("write_state_bytes".to_owned(), written);
    answers
}

#[tokio::test]
async fn each_call_answers_an_empty_request_and_says_what_is_missing() {
    let mut answers = answers().await;
    let mut expect = |says: &str, calls: &[&str]| {
        for call in calls {
            let answer = answers.remove(*call).unwrap();
            assert!(answer.contains(says), "{call} answered {answer}");
        }
    };
    expect(
        "Unknown resource type",
        &[
            "validate_resource_config",
            "upgrade_resource_state",
            "read_resource",
            "plan_resource_change",
            "apply_resource_change",
            "import_resource_state",
            "upgrade_resource_identity",
            "move_resource_state",
        ],
    );
    expect("not supported", &["generate_resource_config"]);
    expect(
        "Unknown data source",
        &["validate_data_resource_config", "read_data_source"],
    );
    expect(
        "Unknown ephemeral resource type",
        &[
            "validate_ephemeral_resource_config",
            "open_ephemeral_resource",
            "renew_ephemeral_resource",
            "close_ephemeral_resource",
        ],
    );
    expect(
        "Unknown list resource type",
        &["validate_list_resource_config", "list_resource"],
    );
    expect("Unknown function", &["call_function"]);
    expect(
        "Unknown action type",
        &["validate_action_config", "plan_action", "invoke_action"],
    );
    expect(
        "Unknown state store type",
        &[
            "validate_state_store_config",
            "configure_state_store",
            "read_state_bytes",
            "write_state_bytes",
            "lock_state",
            "unlock_state",
            "get_states",
            "delete_state",
        ],
    );
    // What is left has nothing to miss.
    let rest: Vec<_> = answers.keys().map(String::as_str).collect();
    let expected = [
        "configure_provider",
        "get_functions",
        "get_metadata",
        "get_provider_schema",
        "get_resource_identity_schemas",
        "stop_provider",
        "validate_provider_config",
    ];
    assert_eq!(rest, expected);
}

#[tokio::test]
async fn no_call_of_the_protocol_is_left_out() {
    let mut calls = calls();
    calls.sort();
    let answered: Vec<_> = answers().await.into_keys().collect();
    assert_eq!(answered, calls);
}

#[tokio::test]
async fn capabilities_are_the_same_wherever_they_are_asked_for() {
    let process = Launch::like_terraform().start();
    let mut client = process.provider().await;
    let metadata = client.get_metadata(get_metadata::Request {}).await;
    let schema = client
        .get_provider_schema(get_provider_schema::Request {})
        .await;
    let capabilities = metadata.unwrap().into_inner().server_capabilities.unwrap();
    assert_eq!(
        schema.unwrap().into_inner().server_capabilities,
        Some(capabilities)
    );
    assert!(capabilities.plan_destroy);
    assert!(capabilities.get_provider_schema_optional);
    assert!(capabilities.move_resource_state);
    assert!(!capabilities.generate_resource_config);
}

#[tokio::test]
async fn the_message_of_an_unknown_type_names_it() {
    let process = Launch::like_terraform().start();
    let request = read_state_bytes::Request {
        type_name: "proxmox_attic".to_owned(),
        ..Default::default()
    };
    let events = process.provider().await.read_state_bytes(request).await;
    let event = events.unwrap().into_inner().message().await.unwrap();
    assert!(
        event.unwrap().diagnostics[0]
            .detail
            .contains("proxmox_attic")
    );
}

/// Makes each call with nothing but the type's name and checks that no error comes back.
macro_rules! name_each {
    ($client:ident, $($call:ident)*) => {
        $(
            let request = proto::$call::Request {
                type_name: SCRIPTED.to_owned(),
                ..Default::default()
            };
            let answer = $client.$call(request).await.unwrap().into_inner();
            assert!(answer.diagnostics.is_empty(), stringify!($call));
        )*
    };
}

#[tokio::test]
async fn a_known_type_takes_requests_with_every_other_field_missing() {
    let mut client = in_process(catalog(|| std::future::ready(Vec::new()))).await;
    name_each!(client,
        validate_resource_config upgrade_resource_state read_resource plan_resource_change
        apply_resource_change import_resource_state
    );
}

#[tokio::test]
async fn a_state_of_terraform_0_11_is_refused() {
    let mut client = in_process(catalog(|| std::future::ready(Vec::new()))).await;
    let upgrade = upgrade_resource_state::Request {
        type_name: SCRIPTED.to_owned(),
        raw_state: Some(proto::RawState {
            flatmap: [("id".to_owned(), "1".to_owned())].into(),
            ..Default::default()
        }),
        ..Default::default()
    };
    let refused = client.upgrade_resource_state(upgrade).await.unwrap();
    assert_eq!(
        refused.into_inner().diagnostics[0].summary,
        "Unsupported state format"
    );
}
