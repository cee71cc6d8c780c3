//! Managed resources: one handler for each step of an object's life.

use std::sync::Arc;

use tf_provider::Diagnostics;

use super::lookup::{record_type, refuse, unknown};
use crate::framework::{
    ApplyRequest, Catalog, ErasedResource, ImportBy, ImportRequest, ImportResponse, Instance,
    MoveRequest, PlanRequest, Pointing, ReadRequest, ValidateRequest,
};
use crate::plugin::calls::Refusal;
use crate::plugin::convert;
use crate::plugin::proto::{
    RawState, apply_resource_change, import_resource_state, move_resource_state,
    plan_resource_change, read_resource, upgrade_resource_identity, upgrade_resource_state,
    validate_resource_config,
};

/// The resource type of a request, or the refusal of an unknown one.
fn find<'a>(catalog: &'a Catalog, name: &str) -> Result<&'a dyn ErasedResource, Refusal> {
    record_type(name);
    let resource = catalog.resources.get(name).map(Box::as_ref);
    resource.ok_or_else(|| unknown("Unknown resource type", "resource type", name))
}

pub(super) async fn validate(
    catalog: Arc<Catalog>,
    request: validate_resource_config::Request,
) -> Result<validate_resource_config::Response, Refusal> {
    let resource = find(&catalog, &request.type_name)?;
    let mut diags = Diagnostics::default();
    let request = ValidateRequest {
        config: convert::value(request.config),
        client: convert::client(request.client_capabilities),
    };
    resource.validate(request, &mut diags).await;
    Ok(validate_resource_config::Response {
        diagnostics: convert::diagnostics(diags.away_from_secrets(resource.schema())),
    })
}

pub(super) async fn upgrade(
    catalog: Arc<Catalog>,
    request: upgrade_resource_state::Request,
) -> Result<upgrade_resource_state::Response, Refusal> {
    let resource = find(&catalog, &request.type_name)?;
    let raw = request.raw_state.unwrap_or_default();
    refuse_flatmap(&raw)?;
    let mut diags = Diagnostics::default();
    let state = convert::stored(raw);
    let upgraded = resource.upgrade(request.version, state, &mut diags).await;
    Ok(upgrade_resource_state::Response {
        upgraded_state: upgraded.map(convert::dynamic),
        diagnostics: convert::diagnostics(diags.away_from_secrets(resource.schema())),
    })
}

pub(super) async fn upgrade_identity(
    catalog: Arc<Catalog>,
    request: upgrade_resource_identity::Request,
) -> Result<upgrade_resource_identity::Response, Refusal> {
    let resource = find(&catalog, &request.type_name)?;
    if resource.identity_schema().is_none() {
        let detail = format!(
            "Objects of the resource type \"{}\" have no identity.",
            request.type_name
        );
        return Err(refuse("No resource identity", detail));
    }
    let mut diags = Diagnostics::default();
    let identity = convert::stored(request.raw_identity.unwrap_or_default());
    let upgraded = resource.upgrade_identity(request.version, identity, &mut diags);
    Ok(upgrade_resource_identity::Response {
        upgraded_identity: upgraded.map(convert::identity_data),
        diagnostics: convert::diagnostics(diags.away_from_secrets(resource.schema())),
    })
}

pub(super) async fn read(
    catalog: Arc<Catalog>,
    request: read_resource::Request,
) -> Result<read_resource::Response, Refusal> {
    let resource = find(&catalog, &request.type_name)?;
    let mut diags = Diagnostics::default();
    let request = ReadRequest {
        instance: Instance {
            state: convert::value(request.current_state),
            private: request.private,
            identity: convert::identity(request.current_identity),
        },
        client: convert::client(request.client_capabilities),
    };
    let read = resource.read(request, &mut diags).await;
    Ok(read_resource::Response {
        new_state: Some(convert::dynamic(read.instance.state)),
        private: read.instance.private,
        new_identity: read.instance.identity.map(convert::identity_data),
        deferred: read.deferred.map(convert::deferred),
        diagnostics: convert::diagnostics(diags.away_from_secrets(resource.schema())),
    })
}

pub(super) async fn plan(
    catalog: Arc<Catalog>,
    request: plan_resource_change::Request,
) -> Result<plan_resource_change::Response, Refusal> {
    let resource = find(&catalog, &request.type_name)?;
    let mut diags = Diagnostics::default();
    let request = PlanRequest {
        prior: convert::value(request.prior_state),
        proposed: convert::value(request.proposed_new_state),
        config: convert::value(request.config),
        private: request.prior_private,
        identity: convert::identity(request.prior_identity),
        client: convert::client(request.client_capabilities),
    };
    let Some(plan) = resource.plan(request, &mut diags).await else {
        return Err(Refusal(diags.away_from_secrets(resource.schema())));
    };
    let requires_replace = plan.requires_replace.into_iter().map(convert::path);
    Ok(plan_resource_change::Response {
        planned_state: Some(convert::dynamic(plan.planned.state)),
        planned_private: plan.planned.private,
        planned_identity: plan.planned.identity.map(convert::identity_data),
        requires_replace: requires_replace.collect(),
        deferred: plan.deferred.map(convert::deferred),
        diagnostics: convert::diagnostics(diags.away_from_secrets(resource.schema())),
    })
}

pub(super) async fn apply(
    catalog: Arc<Catalog>,
    request: apply_resource_change::Request,
) -> Result<apply_resource_change::Response, Refusal> {
    let resource = find(&catalog, &request.type_name)?;
    let mut diags = Diagnostics::default();
    let request = ApplyRequest {
        prior: convert::value(request.prior_state),
        planned: Instance {
            state: convert::value(request.planned_state),
            private: request.planned_private,
            identity: convert::identity(request.planned_identity),
        },
        config: convert::value(request.config),
    };
    let instance = resource.apply(request, &mut diags).await;
    Ok(apply_resource_change::Response {
        new_state: Some(convert::dynamic(instance.state)),
        private: instance.private,
        new_identity: instance.identity.map(convert::identity_data),
        diagnostics: convert::diagnostics(diags.away_from_secrets(resource.schema())),
    })
}

pub(super) async fn import(
    catalog: Arc<Catalog>,
    request: import_resource_state::Request,
) -> Result<import_resource_state::Response, Refusal> {
    let resource = find(&catalog, &request.type_name)?;
    let mut diags = Diagnostics::default();
    let type_name = request.type_name;
    let by = match (request.id, request.identity) {
        (id, Some(identity)) if id.is_empty() => {
            ImportBy::Identity(convert::value(identity.identity_data))
        }
        (id, _) => ImportBy::Id(id),
    };
    let request = ImportRequest {
        by,
        client: convert::client(request.client_capabilities),
    };
    let Some(import) = resource.import(request, &mut diags).await else {
        return Err(Refusal(diags.away_from_secrets(resource.schema())));
    };
    let diagnostics = convert::diagnostics(diags.away_from_secrets(resource.schema()));
    Ok(match import {
        ImportResponse::Imported(instance) => import_resource_state::Response {
            imported_resources: vec![import_resource_state::ImportedResource {
                type_name,
                state: Some(convert::dynamic(instance.state)),
                private: instance.private,
                identity: instance.identity.map(convert::identity_data),
            }],
            diagnostics,
            deferred: None,
        },
        ImportResponse::Deferred(deferred) => import_resource_state::Response {
            deferred: Some(convert::deferred(deferred)),
            diagnostics,
            ..Default::default()
        },
    })
}

pub(super) async fn move_state(
    catalog: Arc<Catalog>,
    request: move_resource_state::Request,
) -> Result<move_resource_state::Response, Refusal> {
    let resource = find(&catalog, &request.target_type_name)?;
    let raw = request.source_state.unwrap_or_default();
    refuse_flatmap(&raw)?;
    let json = |raw: &RawState| serde_json::from_slice(&raw.json).unwrap_or_default();
    let identity = request.source_identity.as_ref().map(json);
    let source = MoveRequest {
        provider: request.source_provider_address,
        type_name: request.source_type_name,
        schema_version: request.source_schema_version,
        state: json(&raw),
        private: request.source_private,
        identity: identity.map(|identity| (request.source_identity_schema_version, identity)),
    };
    let from = format!("\"{}\" of {}", source.type_name, source.provider);
    let mut diags = Diagnostics::default();
    let moved = resource.move_state(source, &mut diags);
    let Some(moved) = moved else {
        return Err(match diags.errors.as_slice() {
            [] => refuse(
                "Move not supported",
                format!(
                    "Objects of the resource type {from} cannot be moved to \"{}\". Import the \
                     object, and remove the old one from the state with a `removed` block.",
                    request.target_type_name
                ),
            ),
            _ => Refusal(diags.away_from_secrets(resource.schema())),
        });
    };
    Ok(move_resource_state::Response {
        target_state: Some(convert::dynamic(moved.state)),
        target_private: moved.private,
        target_identity: moved.identity.map(convert::identity_data),
        diagnostics: convert::diagnostics(diags.away_from_secrets(resource.schema())),
    })
}

/// Refuses a state in the encoding of Terraform before 0.12.
fn refuse_flatmap(raw: &RawState) -> Result<(), Refusal> {
    if raw.flatmap.is_empty() {
        return Ok(());
    }
    let detail =
        "The state has the format of Terraform 0.11, which this provider has never supported.";
    Err(refuse("Unsupported state format", detail.to_owned()))
}
