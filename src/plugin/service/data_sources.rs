//! Data sources.

use std::sync::Arc;

use tf_provider::Diagnostics;

use super::{
    super::{
        calls::Answer,
        convert,
        proto::{read_data_source, validate_data_resource_config},
    },
    absent::unknown,
    note_type,
};
use crate::framework::{Catalog, ErasedDataSource};

/// The data source of a request, or the answer that there is none.
fn find<'a, A: Answer>(catalog: &'a Catalog, name: &str) -> Result<&'a dyn ErasedDataSource, A> {
    note_type(name);
    let data_source = catalog.data_sources.get(name).map(Box::as_ref);
    data_source.ok_or_else(|| unknown("Unknown data source", "data source", name))
}

pub(super) async fn validate(
    catalog: Arc<Catalog>,
    request: validate_data_resource_config::Request,
) -> validate_data_resource_config::Response {
    let data_source = match find(&catalog, &request.type_name) {
        Ok(data_source) => data_source,
        Err(answer) => return answer,
    };
    let mut diags = Diagnostics::default();
    let config = convert::value(request.config);
    data_source.validate(config, &mut diags).await;
    validate_data_resource_config::Response {
        diagnostics: convert::diagnostics(diags),
    }
}

pub(super) async fn read(
    catalog: Arc<Catalog>,
    request: read_data_source::Request,
) -> read_data_source::Response {
    let data_source = match find(&catalog, &request.type_name) {
        Ok(data_source) => data_source,
        Err(answer) => return answer,
    };
    let mut diags = Diagnostics::default();
    let config = convert::value(request.config);
    let state = data_source.read(config, &mut diags).await;
    read_data_source::Response {
        state: state.map(convert::dynamic),
        diagnostics: convert::diagnostics(diags),
        ..Default::default()
    }
}
