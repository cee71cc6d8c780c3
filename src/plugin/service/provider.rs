//! The provider block.

use std::sync::Arc;

use tf_provider::Diagnostics;

use crate::framework::{Catalog, ConfigureRequest, Pointing};
use crate::plugin::calls::Refusal;
use crate::plugin::convert;
use crate::plugin::proto::{configure_provider, validate_provider_config};

pub(super) async fn validate(
    catalog: Arc<Catalog>,
    request: validate_provider_config::Request,
) -> Result<validate_provider_config::Response, Refusal> {
    let mut diags = Diagnostics::default();
    let config = convert::value(request.config);
    catalog.provider.validate(config, &mut diags).await;
    Ok(validate_provider_config::Response {
        diagnostics: convert::diagnostics(diags.away_from_secrets(catalog.provider.schema())),
    })
}

pub(super) async fn configure(
    catalog: Arc<Catalog>,
    request: configure_provider::Request,
) -> Result<configure_provider::Response, Refusal> {
    let mut diags = Diagnostics::default();
    let request = ConfigureRequest {
        terraform_version: request.terraform_version,
        config: convert::value(request.config),
    };
    catalog.provider.configure(request, &mut diags).await;
    Ok(configure_provider::Response {
        diagnostics: convert::diagnostics(diags.away_from_secrets(catalog.provider.schema())),
    })
}
