//! Managed resources and data sources.

use rmpv::Value;
use serde_json::{Value as Json, json};
use terraform_provider_proxmox::plugin::proto::provider_server::Provider;
use terraform_provider_proxmox::plugin::proto::*;

use super::support::*;

tests! {
    a_nested_write_only_attribute_is_marked_and_refused_where_it_would_be_stored,
    what_a_change_has_noted_survives_its_panic,
    an_old_identity_is_upgraded,
    an_identity_travels_with_its_object,
    an_import_by_identity_finds_the_object,
    an_import_by_identity_without_an_identity_points_to_the_id,
    only_known_sources_are_moved,
    a_plan_is_deferred_only_if_the_caller_allows_it,
    an_import_is_deferred_only_if_the_caller_allows_it,
    data_is_deferred_only_if_the_caller_allows_it,
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
    for read_only in ["length", "signed"] {
        config[read_only] = Json::Null;
    }
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

async fn what_a_change_has_noted_survives_its_panic(toy: Toy) {
    let mut planned = note("a");
    planned["text"] = json!("fatal");
    let apply = apply_resource_change::Request {
        type_name: NOTE.to_owned(),
        planned_state: dynamic(&planned),
        config: dynamic(&planned),
        ..Default::default()
    };
    let applied = call!(toy.apply_resource_change, apply);
    assert_eq!(applied.diagnostics[0].summary, "The provider failed");
    assert!(
        applied.diagnostics[0]
            .detail
            .contains("written to the state")
    );
    assert_eq!(tree(applied.new_state)["name"], Value::from("a"));
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
