//! Actions.

use std::sync::Arc;

use tf_provider::Diagnostics;

use super::lookup::{record_type, unknown};
use crate::framework::{Catalog, ErasedAction, PlanActionRequest, Pointing};
use crate::plugin::calls::{Events, FromDiagnostics, Refusal};
use crate::plugin::convert;
use crate::plugin::proto::{invoke_action, plan_action, validate_action_config};

/// The action of a request, or the refusal of an unknown one.
fn find<'a>(catalog: &'a Catalog, name: &str) -> Result<&'a dyn ErasedAction, Refusal> {
    record_type(name);
    let action = catalog.actions.get(name).map(Box::as_ref);
    action.ok_or_else(|| unknown("Unknown action type", "action type", name))
}

pub(super) async fn validate(
    catalog: Arc<Catalog>,
    request: validate_action_config::Request,
) -> Result<validate_action_config::Response, Refusal> {
    let action = find(&catalog, &request.action_type)?;
    let mut diags = Diagnostics::default();
    action.validate(convert::value(request.config), &mut diags);
    Ok(validate_action_config::Response {
        diagnostics: convert::diagnostics(diags.away_from_secrets(action.schema())),
    })
}

pub(super) async fn plan(
    catalog: Arc<Catalog>,
    request: plan_action::Request,
) -> Result<plan_action::Response, Refusal> {
    let action = find(&catalog, &request.action_type)?;
    let mut diags = Diagnostics::default();
    let request = PlanActionRequest {
        config: convert::value(request.config),
        client: convert::client(request.client_capabilities),
    };
    let deferred = action.plan(request, &mut diags).await;
    Ok(plan_action::Response {
        deferred: deferred.map(convert::deferred),
        diagnostics: convert::diagnostics(diags.away_from_secrets(action.schema())),
    })
}

pub(super) async fn invoke(
    catalog: Arc<Catalog>,
    request: invoke_action::Request,
    events: Events<invoke_action::Event>,
) -> Result<(), Refusal> {
    let action = find(&catalog, &request.action_type)?;
    let mut diags = Diagnostics::default();
    let config = convert::value(request.config);
    action.invoke(config, &events, &mut diags).await;
    events
        .send(invoke_action::Event::from_diagnostics(
            diags.away_from_secrets(action.schema()),
        ))
        .await;
    Ok(())
}
