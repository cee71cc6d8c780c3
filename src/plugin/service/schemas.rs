//! The schemas and names of everything in the catalog.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use tf_provider::schema::Schema;

use crate::framework::Catalog;
use crate::plugin::calls::Refusal;
use crate::plugin::convert;
use crate::plugin::proto::{
    ActionSchema, ServerCapabilities, get_functions, get_metadata, get_provider_schema,
    get_resource_identity_schemas,
};

/// The capabilities on which the caller can rely.
fn capabilities(catalog: &Catalog) -> ServerCapabilities {
    ServerCapabilities {
        // A resource can refuse its destruction in the plan.
        plan_destroy: true,
        // No call depends on an earlier one, except on the configuration.
        get_provider_schema_optional: true,
        move_resource_state: catalog.resources.values().any(|one| one.is_move_target()),
        generate_resource_config: false,
    }
}

pub(super) async fn metadata(
    catalog: Arc<Catalog>,
    _: get_metadata::Request,
) -> Result<get_metadata::Response, Refusal> {
    use get_metadata::{
        ActionMetadata, DataSourceMetadata, EphemeralResourceMetadata, FunctionMetadata,
        ListResourceMetadata, ResourceMetadata,
    };
    let catalog = catalog.as_ref();
    Ok(get_metadata::Response {
        server_capabilities: Some(capabilities(catalog)),
        diagnostics: convert::diagnostics(catalog.diagnostics.clone()),
        resources: names(&catalog.resources, |type_name| ResourceMetadata {
            type_name,
        }),
        data_sources: names(&catalog.data_sources, |type_name| DataSourceMetadata {
            type_name,
        }),
        functions: names(&catalog.functions, |name| FunctionMetadata { name }),
        ephemeral_resources: names(&catalog.ephemeral_resources, |type_name| {
            EphemeralResourceMetadata { type_name }
        }),
        list_resources: lists(catalog)
            .map(|(type_name, _)| ListResourceMetadata { type_name })
            .collect(),
        actions: names(&catalog.actions, |type_name| ActionMetadata { type_name }),
        ..Default::default()
    })
}

pub(super) async fn provider_schema(
    catalog: Arc<Catalog>,
    _: get_provider_schema::Request,
) -> Result<get_provider_schema::Response, Refusal> {
    let catalog = catalog.as_ref();
    Ok(get_provider_schema::Response {
        provider: Some(convert::schema(catalog.provider.schema())),
        resource_schemas: each(&catalog.resources, |one| {
            convert::schema_with_write_only(one.schema(), one.write_only())
        }),
        data_source_schemas: each(&catalog.data_sources, |one| convert::schema(one.schema())),
        functions: each(&catalog.functions, |one| convert::function(one.schema())),
        ephemeral_resource_schemas: each(&catalog.ephemeral_resources, |one| {
            convert::schema(one.schema())
        }),
        list_resource_schemas: lists(catalog)
            .map(|(name, schema)| (name, convert::schema(schema)))
            .collect(),
        action_schemas: each(&catalog.actions, |one| ActionSchema {
            schema: Some(convert::schema(one.schema())),
        }),
        diagnostics: convert::diagnostics(catalog.diagnostics.clone()),
        server_capabilities: Some(capabilities(catalog)),
        ..Default::default()
    })
}

pub(super) async fn identities(
    catalog: Arc<Catalog>,
    _: get_resource_identity_schemas::Request,
) -> Result<get_resource_identity_schemas::Response, Refusal> {
    let resources = catalog.resources.iter();
    let identities = resources.filter_map(|(name, resource)| {
        let schema = resource.identity_schema()?;
        Some((name.clone(), convert::identity_schema(schema)))
    });
    Ok(get_resource_identity_schemas::Response {
        identity_schemas: identities.collect(),
        ..Default::default()
    })
}

pub(super) async fn functions(
    catalog: Arc<Catalog>,
    _: get_functions::Request,
) -> Result<get_functions::Response, Refusal> {
    Ok(get_functions::Response {
        functions: each(&catalog.functions, |one| convert::function(one.schema())),
        ..Default::default()
    })
}

/// The resource types whose objects can be listed, with the schema of the list.
fn lists(catalog: &Catalog) -> impl Iterator<Item = (String, &Schema)> {
    let resources = catalog.resources.iter();
    resources.filter_map(|(name, resource)| Some((name.clone(), resource.list_schema()?)))
}

fn names<T: ?Sized, U>(
    catalog: &BTreeMap<String, Box<T>>,
    metadata: impl Fn(String) -> U,
) -> Vec<U> {
    catalog.keys().cloned().map(metadata).collect()
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
