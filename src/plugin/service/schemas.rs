//! What the provider offers.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use super::super::{
    convert,
    proto::{
        self, get_functions, get_metadata, get_provider_schema, get_resource_identity_schemas,
    },
};
use crate::framework::Catalog;

/// What the caller may count on.
const CAPABILITIES: proto::ServerCapabilities = proto::ServerCapabilities {
    // Destructions are planned: a resource can refuse one before anything happens.
    plan_destroy: true,
    // No call depends on an earlier one, but for the configuration.
    get_provider_schema_optional: true,
    move_resource_state: false,
    generate_resource_config: false,
};

pub(super) async fn metadata(
    catalog: Arc<Catalog>,
    _: get_metadata::Request,
) -> get_metadata::Response {
    use get_metadata::{DataSourceMetadata, FunctionMetadata, ResourceMetadata};
    let resources = catalog.resources.keys().cloned();
    let data_sources = catalog.data_sources.keys().cloned();
    let functions = catalog.functions.keys().cloned();
    get_metadata::Response {
        server_capabilities: Some(CAPABILITIES),
        resources: resources
            .map(|type_name| ResourceMetadata { type_name })
            .collect(),
        data_sources: data_sources
            .map(|type_name| DataSourceMetadata { type_name })
            .collect(),
        functions: functions.map(|name| FunctionMetadata { name }).collect(),
        ..Default::default()
    }
}

pub(super) async fn provider_schema(
    catalog: Arc<Catalog>,
    _: get_provider_schema::Request,
) -> get_provider_schema::Response {
    get_provider_schema::Response {
        provider: Some(convert::schema(catalog.provider.schema())),
        resource_schemas: each(&catalog.resources, |one| {
            convert::schema_with_write_only(one.schema(), one.write_only())
        }),
        data_source_schemas: each(&catalog.data_sources, |one| convert::schema(one.schema())),
        functions: each(&catalog.functions, |one| convert::function(one.schema())),
        server_capabilities: Some(CAPABILITIES),
        ..Default::default()
    }
}

/// No resource has an identity.
pub(super) async fn identities(
    _: Arc<Catalog>,
    _: get_resource_identity_schemas::Request,
) -> get_resource_identity_schemas::Response {
    get_resource_identity_schemas::Response::default()
}

pub(super) async fn functions(
    catalog: Arc<Catalog>,
    _: get_functions::Request,
) -> get_functions::Response {
    get_functions::Response {
        functions: each(&catalog.functions, |one| convert::function(one.schema())),
        ..Default::default()
    }
}

fn each<T: ?Sized, U>(
    catalog: &BTreeMap<String, Box<T>>,
    convert: impl Fn(&T) -> U,
) -> HashMap<String, U> {
    let entries = catalog.iter();
    entries
        .map(|(name, one)| (name.clone(), convert(one)))
        .collect()
}
