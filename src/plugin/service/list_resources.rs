//! Lists of the existing objects of a resource type.

use std::sync::Arc;

use tf_provider::Diagnostics;

use super::lookup::{record_type, unknown};
use crate::framework::{Catalog, ErasedResource, ListRequest, Pointing};
use crate::plugin::calls::{Events, Refusal};
use crate::plugin::convert;
use crate::plugin::proto::{list_resource, validate_list_resource_config};

/// The resource type of a request, or the refusal of one whose objects cannot be listed.
fn find<'a>(catalog: &'a Catalog, name: &str) -> Result<&'a dyn ErasedResource, Refusal> {
    record_type(name);
    let resource = catalog.resources.get(name).map(Box::as_ref);
    let resource = resource.filter(|resource| resource.list_schema().is_some());
    resource.ok_or_else(|| unknown("Unknown list resource type", "list resource type", name))
}

pub(super) async fn validate(
    catalog: Arc<Catalog>,
    request: validate_list_resource_config::Request,
) -> Result<validate_list_resource_config::Response, Refusal> {
    let resource = find(&catalog, &request.type_name)?;
    let mut diags = Diagnostics::default();
    resource.validate_list(convert::value(request.config), &mut diags);
    Ok(validate_list_resource_config::Response {
        diagnostics: convert::diagnostics(diags.away_from_secrets(resource.schema())),
    })
}

pub(super) async fn list(
    catalog: Arc<Catalog>,
    request: list_resource::Request,
    events: Events<list_resource::Event>,
) -> Result<(), Refusal> {
    let resource = find(&catalog, &request.type_name)?;
    let request = ListRequest {
        filter: convert::value(request.config),
        include_state: request.include_resource_object,
        limit: limit(request.limit),
    };
    resource.list(request, &events).await;
    Ok(())
}

/// The number of results to send. Zero means no limit.
fn limit(limit: i64) -> usize {
    match usize::try_from(limit) {
        Ok(limit) if limit > 0 => limit,
        _ => usize::MAX,
    }
}
