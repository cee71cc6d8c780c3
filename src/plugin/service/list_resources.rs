//! Lists of the existing objects of a resource type.

use std::sync::Arc;

use tf_provider::Diagnostics;

use super::record_type;
use super::unimplemented::unknown;
use crate::framework::{Catalog, ErasedResource, ListRequest};
use crate::plugin::calls::{Events, FromDiagnostics};
use crate::plugin::convert;
use crate::plugin::proto::{list_resource, validate_list_resource_config};

/// The resource type of a request, or the response that its objects cannot be listed.
fn find<'a, R: FromDiagnostics>(
    catalog: &'a Catalog,
    name: &str,
) -> Result<&'a dyn ErasedResource, R> {
    record_type(name);
    let resource = catalog.resources.get(name).map(Box::as_ref);
    let resource = resource.filter(|resource| resource.list_schema().is_some());
    resource.ok_or_else(|| unknown("Unknown list resource type", "list resource type", name))
}

pub(super) async fn validate(
    catalog: Arc<Catalog>,
    request: validate_list_resource_config::Request,
) -> validate_list_resource_config::Response {
    let resource = match find(&catalog, &request.type_name) {
        Ok(resource) => resource,
        Err(response) => return response,
    };
    let mut diags = Diagnostics::default();
    resource.validate_list(convert::value(request.config), &mut diags);
    validate_list_resource_config::Response {
        diagnostics: convert::diagnostics(diags),
    }
}

pub(super) async fn list(
    catalog: Arc<Catalog>,
    request: list_resource::Request,
    events: Events<list_resource::Event>,
) {
    let resource = match find(&catalog, &request.type_name) {
        Ok(resource) => resource,
        Err(event) => {
            events.send(event).await;
            return;
        }
    };
    let request = ListRequest {
        filter: convert::value(request.config),
        include_state: request.include_resource_object,
        limit: limit(request.limit),
    };
    resource.list(request, &events).await;
}

/// The number of results to send. Zero means no limit.
fn limit(limit: i64) -> usize {
    match usize::try_from(limit) {
        Ok(limit) if limit > 0 => limit,
        _ => usize::MAX,
    }
}
