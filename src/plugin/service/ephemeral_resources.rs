//! Ephemeral resources.

use std::sync::Arc;

use tf_provider::Diagnostics;

use super::lookup::{record_type, unknown};
use crate::framework::{Catalog, ErasedEphemeralResource, OpenRequest, OpenResponse, Pointing};
use crate::plugin::calls::Refusal;
use crate::plugin::convert;
use crate::plugin::proto::{
    close_ephemeral_resource, open_ephemeral_resource, renew_ephemeral_resource,
    validate_ephemeral_resource_config,
};

/// The ephemeral resource of a request, or the refusal of an unknown one.
fn find<'a>(catalog: &'a Catalog, name: &str) -> Result<&'a dyn ErasedEphemeralResource, Refusal> {
    const KIND: &str = "ephemeral resource type";
    record_type(name);
    let ephemeral = catalog.ephemeral_resources.get(name).map(Box::as_ref);
    ephemeral.ok_or_else(|| unknown("Unknown ephemeral resource type", KIND, name))
}

pub(super) async fn validate(
    catalog: Arc<Catalog>,
    request: validate_ephemeral_resource_config::Request,
) -> Result<validate_ephemeral_resource_config::Response, Refusal> {
    let ephemeral = find(&catalog, &request.type_name)?;
    let mut diags = Diagnostics::default();
    ephemeral.validate(convert::value(request.config), &mut diags);
    Ok(validate_ephemeral_resource_config::Response {
        diagnostics: convert::diagnostics(diags.away_from_secrets(ephemeral.schema())),
    })
}

pub(super) async fn open(
    catalog: Arc<Catalog>,
    request: open_ephemeral_resource::Request,
) -> Result<open_ephemeral_resource::Response, Refusal> {
    let ephemeral = find(&catalog, &request.type_name)?;
    let mut diags = Diagnostics::default();
    let request = OpenRequest {
        config: convert::value(request.config),
        client: convert::client(request.client_capabilities),
    };
    let Some(opening) = ephemeral.open(request, &mut diags).await else {
        return Err(Refusal(diags.away_from_secrets(ephemeral.schema())));
    };
    let diagnostics = convert::diagnostics(diags.away_from_secrets(ephemeral.schema()));
    Ok(match opening {
        OpenResponse::Opened(opened) => open_ephemeral_resource::Response {
            result: Some(convert::dynamic(opened.result)),
            private: Some(opened.private),
            renew_at: opened.renew_at.map(convert::timestamp),
            diagnostics,
            deferred: None,
        },
        OpenResponse::Deferred(deferred) => open_ephemeral_resource::Response {
            deferred: Some(convert::deferred(deferred)),
            diagnostics,
            ..Default::default()
        },
    })
}

pub(super) async fn renew(
    catalog: Arc<Catalog>,
    request: renew_ephemeral_resource::Request,
) -> Result<renew_ephemeral_resource::Response, Refusal> {
    let ephemeral = find(&catalog, &request.type_name)?;
    let mut diags = Diagnostics::default();
    let private = request.private.unwrap_or_default();
    let renewed = ephemeral.renew(private, &mut diags).await;
    Ok(renew_ephemeral_resource::Response {
        private: Some(renewed.private),
        renew_at: renewed.renew_at.map(convert::timestamp),
        diagnostics: convert::diagnostics(diags.away_from_secrets(ephemeral.schema())),
    })
}

pub(super) async fn close(
    catalog: Arc<Catalog>,
    request: close_ephemeral_resource::Request,
) -> Result<close_ephemeral_resource::Response, Refusal> {
    let ephemeral = find(&catalog, &request.type_name)?;
    let mut diags = Diagnostics::default();
    let private = request.private.unwrap_or_default();
    ephemeral.close(private, &mut diags).await;
    Ok(close_ephemeral_resource::Response {
        diagnostics: convert::diagnostics(diags.away_from_secrets(ephemeral.schema())),
    })
}
