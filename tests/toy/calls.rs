//! The calls of the protocol, one by one, over the service of the toy provider.

use futures_util::StreamExt;
use rmpv::Value;
use serde_json::{Value as Json, json};
use tempfile::TempDir;
use terraform_provider_proxmox::plugin::Service;
use terraform_provider_proxmox::plugin::proto::provider_server::Provider;
use terraform_provider_proxmox::plugin::proto::*;
use tonic::Request;

use super::provider::{Store, catalog};

/// Makes a list of the tests, each run to its end.
macro_rules! tests {
    ($($name:ident),* $(,)?) => {
        /// Every test with its name.
        pub const TESTS: &[(&str, fn())] = &[$(
            (stringify!($name), || {
                let runtime = tokio::runtime::Runtime::new().unwrap();
                runtime.block_on($name(Toy::new()));
            }),
        )*];
    };
}

tests! {
    the_schema_has_every_kind_of_type,
    a_nested_write_only_attribute_is_marked_and_refused_where_it_would_be_stored,
    an_old_identity_is_upgraded,
    an_identity_travels_with_its_object,
    an_import_by_identity_finds_the_object,
    an_import_by_identity_without_an_identity_points_to_the_id,
    only_known_sources_are_moved,
    a_plan_is_deferred_only_if_the_caller_allows_it,
    an_import_is_deferred_only_if_the_caller_allows_it,
    data_is_deferred_only_if_the_caller_allows_it,
    a_key_is_opened_renewed_and_closed,
    a_list_ends_at_its_limit,
    a_list_ends_with_its_error,
    an_action_reports_progress_and_completion,
    a_panic_in_a_stream_is_its_last_event,
    a_mistake_in_the_catalog_is_reported_with_the_schema,
}

/// The service of the toy provider, and the directory of its notes.
struct Toy {
    service: Service,
    store: Store,
    _notes: TempDir,
}

impl Toy {
    fn new() -> Self {
        let notes = TempDir::new().unwrap();
        let store = Store::default();
        store.open(notes.path().to_owned());
        Self {
            service: Service::new(catalog(&store)),
            store,
            _notes: notes,
        }
    }
}

/// Makes a call with one message each way.
macro_rules! call {
    ($toy:ident.$call:ident, $request:expr) => {
        $toy.service
            .$call(Request::new($request))
            .await
            .unwrap()
            .into_inner()
    };
}

/// Makes a call and collects its stream.
macro_rules! events {
    ($toy:ident.$call:ident, $request:expr) => {{
        let events: Vec<_> = call!($toy.$call, $request).collect().await;
        let events = events.into_iter().map(Result::unwrap);
        events.collect::<Vec<_>>()
    }};
}

const NOTE: &str = "toy_note";

fn dynamic(value: &Json) -> Option<DynamicValue> {
    Some(DynamicValue {
        json: value.to_string().into_bytes(),
        ..Default::default()
    })
}

fn encoded(value: &Value) -> Option<DynamicValue> {
    let mut msgpack = Vec::new();
    rmpv::encode::write_value(&mut msgpack, value).unwrap();
    Some(DynamicValue {
        msgpack,
        ..Default::default()
    })
}

fn raw(value: &Json) -> Option<RawState> {
    Some(RawState {
        json: value.to_string().into_bytes(),
        ..Default::default()
    })
}

fn tree(value: Option<DynamicValue>) -> Value {
    let bytes = value.unwrap().msgpack;
    rmpv::decode::read_value(&mut bytes.as_slice()).unwrap()
}

fn identity(name: &str) -> Option<ResourceIdentityData> {
    Some(ResourceIdentityData {
        identity_data: dynamic(&json!({ "name": name })),
    })
}

fn name_in(identity: Option<ResourceIdentityData>) -> Value {
    tree(identity.unwrap().identity_data)["name"].clone()
}

fn unknown() -> Value {
    Value::Ext(0, Vec::new())
}

fn note(name: &str) -> Json {
    json!({ "name": name, "text": "hello", "author": null, "length": 5, "signed": false })
}

fn deferral_allowed() -> Option<ClientCapabilities> {
    Some(ClientCapabilities {
        deferral_allowed: true,
        ..Default::default()
    })
}

async fn the_schema_has_every_kind_of_type(toy: Toy) {
    let schema = call!(toy.get_provider_schema, get_provider_schema::Request {});
    assert!(schema.diagnostics.is_empty());
    assert!(schema.server_capabilities.unwrap().move_resource_state);
    assert!(schema.ephemeral_resource_schemas.contains_key("toy_key"));
    assert!(schema.list_resource_schemas.contains_key(NOTE));
    assert!(!schema.list_resource_schemas.contains_key("toy_memo"));
    assert!(schema.action_schemas["toy_stamp"].schema.is_some());

    let metadata = call!(toy.get_metadata, get_metadata::Request {});
    assert_eq!(metadata.resources.len(), 2);
    assert_eq!(metadata.ephemeral_resources[0].type_name, "toy_key");
    assert_eq!(metadata.list_resources[0].type_name, NOTE);
    assert_eq!(metadata.actions[0].type_name, "toy_stamp");

    let request = get_resource_identity_schemas::Request {};
    let identities = call!(toy.get_resource_identity_schemas, request).identity_schemas;
    assert_eq!(identities.len(), 1);
    let name = &identities[NOTE].identity_attributes[0];
    assert_eq!(identities[NOTE].version, 1);
    assert!(name.required_for_import && !name.optional_for_import);
    assert_eq!(name.r#type, b"\"string\"");
}

async fn a_nested_write_only_attribute_is_marked_and_refused_where_it_would_be_stored(toy: Toy) {
    let schema = call!(toy.get_provider_schema, get_provider_schema::Request {});
    let block = schema.resource_schemas[NOTE].block.as_ref().unwrap();
    let author = block.attributes.iter().find(|one| one.name == "author");
    let author = author.unwrap();
    assert!(!author.write_only);
    assert!(author.nested_type.as_ref().unwrap().attributes[0].write_only);

    let mut config = note("a");
    config["author"] = json!({ "password_wo": "hunter2" });
    let validate = |write_only_attributes_allowed| validate_resource_config::Request {
        type_name: NOTE.to_owned(),
        config: dynamic(&config),
        client_capabilities: Some(ClientCapabilities {
            write_only_attributes_allowed,
            ..Default::default()
        }),
    };
    let refused = call!(toy.validate_resource_config, validate(false));
    assert_eq!(refused.diagnostics.len(), 1);
    let path = refused.diagnostics[0].attribute.as_ref().unwrap();
    assert_eq!(path.steps.len(), 2);
    let valid = call!(toy.validate_resource_config, validate(true));
    assert!(valid.diagnostics.is_empty());
}

async fn an_old_identity_is_upgraded(toy: Toy) {
    let upgrade = upgrade_resource_identity::Request {
        type_name: NOTE.to_owned(),
        version: 0,
        raw_identity: raw(&json!({ "title": "a" })),
    };
    let upgraded = call!(toy.upgrade_resource_identity, upgrade);
    assert_eq!(name_in(upgraded.upgraded_identity), Value::from("a"));

    let upgrade = upgrade_resource_identity::Request {
        type_name: "toy_memo".to_owned(),
        ..Default::default()
    };
    let refused = call!(toy.upgrade_resource_identity, upgrade);
    assert_eq!(refused.diagnostics[0].summary, "No resource identity");
}

async fn an_identity_travels_with_its_object(toy: Toy) {
    let mut proposed = note("a");
    proposed["length"] = Json::Null;
    let plan = plan_resource_change::Request {
        type_name: NOTE.to_owned(),
        proposed_new_state: dynamic(&proposed),
        config: dynamic(&proposed),
        ..Default::default()
    };
    let planned = call!(toy.plan_resource_change, plan);
    assert_eq!(name_in(planned.planned_identity.clone()), Value::from("a"));

    let apply = apply_resource_change::Request {
        type_name: NOTE.to_owned(),
        planned_state: planned.planned_state,
        planned_private: planned.planned_private,
        planned_identity: planned.planned_identity,
        config: dynamic(&proposed),
        ..Default::default()
    };
    let applied = call!(toy.apply_resource_change, apply);
    assert!(applied.diagnostics.is_empty());
    assert_eq!(name_in(applied.new_identity), Value::from("a"));

    // A state that was stored without an identity gets one.
    let read = read_resource::Request {
        type_name: NOTE.to_owned(),
        current_state: applied.new_state,
        private: applied.private,
        ..Default::default()
    };
    let read = call!(toy.read_resource, read);
    assert_eq!(name_in(read.new_identity), Value::from("a"));
}

async fn an_import_by_identity_finds_the_object(toy: Toy) {
    toy.store.write("a", "hello", false);
    let import = |name| import_resource_state::Request {
        type_name: NOTE.to_owned(),
        identity: identity(name),
        ..Default::default()
    };
    let mut imported = call!(toy.import_resource_state, import("a"));
    let object = imported.imported_resources.remove(0);
    assert_eq!(tree(object.state)["text"], Value::from("hello"));
    assert_eq!(name_in(object.identity), Value::from("a"));

    let refused = call!(toy.import_resource_state, import(""));
    assert_eq!(refused.diagnostics[0].summary, "Invalid identity");
}

async fn an_import_by_identity_without_an_identity_points_to_the_id(toy: Toy) {
    let import = import_resource_state::Request {
        type_name: "toy_memo".to_owned(),
        identity: Some(ResourceIdentityData::default()),
        ..Default::default()
    };
    let refused = call!(toy.import_resource_state, import);
    assert!(refused.imported_resources.is_empty());
    assert!(refused.diagnostics[0].detail.contains("`id`"));
}

async fn only_known_sources_are_moved(toy: Toy) {
    let memo = |type_name: &str, state: Json| move_resource_state::Request {
        source_provider_address: "registry.terraform.io/example/toy".to_owned(),
        source_type_name: type_name.to_owned(),
        source_state: raw(&state),
        target_type_name: NOTE.to_owned(),
        ..Default::default()
    };
    let state = json!({ "title": "a", "body": "hello" });
    let moved = call!(toy.move_resource_state, memo("toy_memo", state.clone()));
    assert!(moved.diagnostics.is_empty());
    assert_eq!(tree(moved.target_state)["text"], Value::from("hello"));
    assert_eq!(name_in(moved.target_identity), Value::from("a"));

    let broken = json!({ "title": "a" });
    let refused = call!(toy.move_resource_state, memo("toy_memo", broken));
    assert_eq!(refused.diagnostics[0].summary, "Broken memo");
    let refused = call!(toy.move_resource_state, memo("toy_letter", state));
    assert_eq!(refused.diagnostics[0].summary, "Move not supported");
    assert!(refused.diagnostics[0].detail.contains("toy_letter"));
}

async fn a_plan_is_deferred_only_if_the_caller_allows_it(toy: Toy) {
    let config = Value::Map(vec![
        ("name".into(), "a".into()),
        ("text".into(), unknown()),
    ]);
    let plan = |client_capabilities| plan_resource_change::Request {
        type_name: NOTE.to_owned(),
        proposed_new_state: encoded(&config),
        config: encoded(&config),
        client_capabilities,
        ..Default::default()
    };
    let planned = call!(toy.plan_resource_change, plan(None));
    assert_eq!(planned.deferred, None);
    assert_eq!(tree(planned.planned_state)["signed"], Value::from(false));

    let planned = call!(toy.plan_resource_change, plan(deferral_allowed()));
    let reason = planned.deferred.unwrap().reason();
    assert_eq!(reason, deferred::Reason::ResourceConfigUnknown);
    let state = tree(planned.planned_state);
    assert_eq!(state["name"], Value::from("a"));
    assert_eq!(state["signed"], unknown());
}

async fn an_import_is_deferred_only_if_the_caller_allows_it(toy: Toy) {
    let import = |client_capabilities| import_resource_state::Request {
        type_name: NOTE.to_owned(),
        id: "a".to_owned(),
        client_capabilities,
        ..Default::default()
    };
    toy.store.open("".into());
    let refused = call!(toy.import_resource_state, import(None));
    assert_eq!(refused.diagnostics.len(), 1);
    assert_eq!(refused.deferred, None);

    let later = call!(toy.import_resource_state, import(deferral_allowed()));
    let reason = later.deferred.unwrap().reason();
    assert_eq!(reason, deferred::Reason::ProviderConfigUnknown);
    assert!(later.diagnostics.is_empty());
    assert!(later.imported_resources.is_empty());
}

async fn data_is_deferred_only_if_the_caller_allows_it(toy: Toy) {
    let read = |client_capabilities| read_data_source::Request {
        type_name: NOTE.to_owned(),
        config: dynamic(&json!({ "name": "a" })),
        client_capabilities,
        ..Default::default()
    };
    let refused = call!(toy.read_data_source, read(None));
    assert_eq!(refused.diagnostics[0].summary, "Note not found");
    assert_eq!(refused.deferred, None);

    let later = call!(toy.read_data_source, read(deferral_allowed()));
    let reason = later.deferred.unwrap().reason();
    assert_eq!(reason, deferred::Reason::AbsentPrereq);
    assert_eq!(tree(later.state), unknown());

    toy.store.write("a", "hello", false);
    let read = call!(toy.read_data_source, read(deferral_allowed()));
    assert_eq!(read.deferred, None);
    assert_eq!(tree(read.state)["text"], Value::from("hello"));
}

async fn a_key_is_opened_renewed_and_closed(toy: Toy) {
    use super::provider::RENEW_AT;

    let type_name = || "toy_key".to_owned();
    let validate = validate_ephemeral_resource_config::Request {
        type_name: type_name(),
        config: dynamic(&json!({ "name": "" })),
    };
    let refused = call!(toy.validate_ephemeral_resource_config, validate);
    assert_eq!(refused.diagnostics[0].summary, "Invalid name");

    let open = || open_ephemeral_resource::Request {
        type_name: type_name(),
        config: dynamic(&json!({ "name": "k" })),
        ..Default::default()
    };
    let opened = call!(toy.open_ephemeral_resource, open());
    assert_eq!(tree(opened.result)["value"], Value::from("value of k"));
    let renew_at = u64::try_from(opened.renew_at.unwrap().seconds).unwrap();
    assert_eq!(renew_at, RENEW_AT.as_secs());
    assert_eq!(opened.diagnostics[0].summary, "Key written");
    assert!(toy.store.read("k").is_some());
    let refused = call!(toy.open_ephemeral_resource, open());
    assert_eq!(refused.diagnostics[0].summary, "Key exists");
    assert!(refused.result.is_none());

    let renew = |private| renew_ephemeral_resource::Request {
        type_name: type_name(),
        private,
    };
    let renewed = call!(toy.renew_ephemeral_resource, renew(opened.private.clone()));
    assert!(renewed.diagnostics.is_empty());
    assert_ne!(renewed.private, opened.private);

    let close = close_ephemeral_resource::Request {
        type_name: type_name(),
        private: renewed.private.clone(),
    };
    let closed = call!(toy.close_ephemeral_resource, close);
    assert!(closed.diagnostics.is_empty());
    assert!(toy.store.read("k").is_none());

    // OpenTofu closes with the private state of a failed renewal.
    let lost = call!(toy.renew_ephemeral_resource, renew(renewed.private.clone()));
    assert_eq!(lost.diagnostics[0].summary, "Key lost");
    assert_eq!(lost.private, renewed.private);

    let config = Value::Map(vec![("name".into(), unknown())]);
    let deferred = open_ephemeral_resource::Request {
        type_name: type_name(),
        config: encoded(&config),
        client_capabilities: deferral_allowed(),
    };
    let deferred = call!(toy.open_ephemeral_resource, deferred).deferred;
    assert!(deferred.is_some());
}

fn list(limit: i64) -> list_resource::Request {
    list_resource::Request {
        type_name: NOTE.to_owned(),
        config: dynamic(&json!({})),
        include_resource_object: true,
        limit,
    }
}

async fn a_list_ends_at_its_limit(toy: Toy) {
    for name in ["a", "b", "c"] {
        toy.store.write(name, "hello", false);
    }
    let all = events!(toy.list_resource, list(0));
    assert_eq!(all.len(), 3);
    let two = events!(toy.list_resource, list(2));
    assert_eq!(two.len(), 2);
    let first = two.into_iter().next().unwrap();
    assert_eq!(first.display_name, "Note a");
    assert_eq!(name_in(first.identity), Value::from("a"));
    assert_eq!(tree(first.resource_object)["text"], Value::from("hello"));

    let validate = validate_list_resource_config::Request {
        type_name: NOTE.to_owned(),
        config: dynamic(&json!({ "prefix": "" })),
        ..Default::default()
    };
    let refused = call!(toy.validate_list_resource_config, validate);
    assert_eq!(refused.diagnostics[0].summary, "Invalid prefix");
}

async fn a_list_ends_with_its_error(toy: Toy) {
    toy.store.write("a", "hello", false);
    std::fs::write(toy.store.path("b"), "no note").unwrap();
    toy.store.write("c", "hello", false);
    let events = events!(toy.list_resource, list(0));
    assert_eq!(events.len(), 2);
    assert!(events[0].diagnostic.is_empty());
    assert_eq!(events[1].diagnostic[0].summary, "Unreadable note");
}

fn invoke(word: &str) -> invoke_action::Request {
    invoke_action::Request {
        action_type: "toy_stamp".to_owned(),
        config: dynamic(&json!({ "name": "a", "word": word })),
        ..Default::default()
    }
}

/// The lines of progress, and the summaries of the last event's diagnostics.
fn course(events: Vec<invoke_action::Event>) -> (Vec<String>, Vec<String>) {
    use invoke_action::event::Type;
    let mut lines = Vec::new();
    let mut summaries = None;
    for event in events {
        assert_eq!(summaries, None, "an event after the completion");
        match event.r#type.unwrap() {
            Type::Progress(progress) => lines.push(progress.message),
            Type::Completed(completed) => {
                let diagnostics = completed.diagnostics.into_iter();
                summaries = Some(diagnostics.map(|one| one.summary).collect());
            }
        }
    }
    (lines, summaries.unwrap())
}

async fn an_action_reports_progress_and_completion(toy: Toy) {
    toy.store.write("a", "hello", false);
    let (lines, summaries) = course(events!(toy.invoke_action, invoke(" world")));
    assert_eq!(lines, ["Stamping a", "Stamped"]);
    assert_eq!(summaries, ["Note changed"]);
    assert_eq!(toy.store.read("a").unwrap().text, "hello world");

    toy.store.remove("a");
    let (_, summaries) = course(events!(toy.invoke_action, invoke("!")));
    assert_eq!(summaries, ["Note not found"]);

    let validate = validate_action_config::Request {
        action_type: "toy_stamp".to_owned(),
        config: invoke("refused at validation").config,
    };
    let refused = call!(toy.validate_action_config, validate);
    assert_eq!(refused.diagnostics[0].summary, "Refused word");

    let plan = |config, client_capabilities| plan_action::Request {
        action_type: "toy_stamp".to_owned(),
        config,
        client_capabilities,
    };
    let config = invoke("refused at plan").config;
    let refused = call!(toy.plan_action, plan(config, None));
    assert_eq!(refused.diagnostics[0].summary, "Refused word");
    let config = Value::Map(vec![("name".into(), unknown())]);
    let later = call!(toy.plan_action, plan(encoded(&config), deferral_allowed()));
    assert!(later.deferred.is_some());
}

async fn a_panic_in_a_stream_is_its_last_event(toy: Toy) {
    let (lines, summaries) = course(events!(toy.invoke_action, invoke("panic")));
    assert_eq!(lines, ["Stamping a"]);
    assert_eq!(summaries, ["The provider failed"]);
}

async fn a_mistake_in_the_catalog_is_reported_with_the_schema(toy: Toy) {
    let twice = catalog(&toy.store).action("toy_stamp", super::provider::Stamp(toy.store.clone()));
    let service = Service::new(twice);
    let request = Request::new(get_provider_schema::Request {});
    let schema = service.get_provider_schema(request).await.unwrap();
    let diagnostics = schema.into_inner().diagnostics;
    assert_eq!(diagnostics.len(), 1);
    assert!(diagnostics[0].detail.contains("`toy_stamp`"));
}
