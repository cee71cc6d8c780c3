//! Schemas, metadata and capabilities.

use terraform_provider_proxmox::plugin::Service;
use terraform_provider_proxmox::plugin::proto::provider_server::Provider;
use terraform_provider_proxmox::plugin::proto::*;
use tonic::Request;

use super::support::*;
use crate::provider::{Stamp, catalog};

tests! {
    the_schema_has_every_kind_of_type,
    a_mistake_in_the_catalog_is_reported_with_the_schema,
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

async fn a_mistake_in_the_catalog_is_reported_with_the_schema(toy: Toy) {
    let twice = catalog(&toy.store).action("toy_stamp", Stamp(toy.store.clone()));
    let service = Service::new(twice);
    let request = Request::new(get_provider_schema::Request {});
    let schema = service.get_provider_schema(request).await.unwrap();
    let diagnostics = schema.into_inner().diagnostics;
    assert_eq!(diagnostics.len(), 1);
    assert!(diagnostics[0].detail.contains("`toy_stamp`"));
}
