//! Data sources.

use std::sync::Arc;

use tf_provider::Diagnostics;

use super::lookup::{record_type, unknown};
use crate::framework::{Catalog, ErasedDataSource, Pointing, ReadDataRequest};
use crate::plugin::calls::Refusal;
use crate::plugin::convert;
use crate::plugin::proto::{read_data_source, validate_data_resource_config};

/// The data source of a request, or the refusal of an unknown one.
fn find<'a>(catalog: &'a Catalog, name: &str) -> Result<&'a dyn ErasedDataSource, Refusal> {
    record_type(name);
    let data_source = catalog.data_sources.get(name).map(Box::as_ref);
    data_source.ok_or_else(|| unknown("Unknown data source", "data source", name))
}

pub(super) async fn validate(
    catalog: Arc<Catalog>,
    request: validate_data_resource_config::Request,
) -> Result<validate_data_resource_config::Response, Refusal> {
    let data_source = find(&catalog, &request.type_name)?;
    let mut diags = Diagnostics::default();
    let config = convert::value(request.config);
    data_source.validate(config, &mut diags).await;
    Ok(validate_data_resource_config::Response {
        diagnostics: convert::diagnostics(diags.away_from_secrets(data_source.schema())),
    })
}

pub(super) async fn read(
    catalog: Arc<Catalog>,
    request: read_data_source::Request,
) -> Result<read_data_source::Response, Refusal> {
    let data_source = find(&catalog, &request.type_name)?;
    let mut diags = Diagnostics::default();
    let request = ReadDataRequest {
        config: convert::value(request.config),
        client: convert::client(request.client_capabilities),
    };
    let Some(read) = data_source.read(request, &mut diags).await else {
        return Err(Refusal(diags.away_from_secrets(data_source.schema())));
    };
    Ok(read_data_source::Response {
        state: Some(convert::dynamic(read.state)),
        deferred: read.deferred.map(convert::deferred),
        diagnostics: convert::diagnostics(diags.away_from_secrets(data_source.schema())),
    })
}
