//! The life of a managed resource.

use std::sync::Arc;

use tf_provider::{AttributePath, Diagnostics};

use super::{
    super::{
        calls::Answer,
        convert,
        proto::{
            apply_resource_change, import_resource_state, plan_resource_change, read_resource,
            upgrade_resource_state, validate_resource_config,
        },
    },
    absent::unknown,
    note_type,
};
use crate::framework::{ApplyRequest, Catalog, Encoded, ErasedResource, PlanRequest, Report};

/// The resource type of a request, or the answer that there is none.
fn find<'a, A: Answer>(catalog: &'a Catalog, name: &str) -> Result<&'a dyn ErasedResource, A> {
    note_type(name);
    let resource = catalog.resources.get(name).map(Box::as_ref);
    resource.ok_or_else(|| unknown("Unknown resource type", "resource type", name))
}

pub(super) async fn validate(
    catalog: Arc<Catalog>,
    request: validate_resource_config::Request,
) -> validate_resource_config::Response {
    let resource = match find(&catalog, &request.type_name) {
        Ok(resource) => resource,
        Err(answer) => return answer,
    };
    let mut diags = Diagnostics::default();
    let config = convert::value(request.config);
    resource.validate(config, &mut diags).await;
    validate_resource_config::Response {
        diagnostics: convert::diagnostics(diags),
    }
}

pub(super) async fn upgrade(
    catalog: Arc<Catalog>,
    request: upgrade_resource_state::Request,
) -> upgrade_resource_state::Response {
    let resource = match find(&catalog, &request.type_name) {
        Ok(resource) => resource,
        Err(answer) => return answer,
    };
    let mut diags = Diagnostics::default();
    let raw = request.raw_state.unwrap_or_default();
    if !raw.flatmap.is_empty() {
        diags.fail(
            "State too old",
            "The state is in the format of Terraform 0.11, which this provider never wrote.",
            AttributePath::root(),
        );
        return Answer::refused(diags);
    }
    let state = Encoded::Json(raw.json);
    let upgraded = resource.upgrade(request.version, state, &mut diags).await;
    upgrade_resource_state::Response {
        upgraded_state: upgraded.map(convert::dynamic),
        diagnostics: convert::diagnostics(diags),
    }
}

pub(super) async fn read(
    catalog: Arc<Catalog>,
    request: read_resource::Request,
) -> read_resource::Response {
    let resource = match find(&catalog, &request.type_name) {
        Ok(resource) => resource,
        Err(answer) => return answer,
    };
    let mut diags = Diagnostics::default();
    let state = convert::value(request.current_state);
    let remote = resource.read(state, request.private, &mut diags).await;
    read_resource::Response {
        new_state: Some(convert::dynamic(remote.state)),
        private: remote.private,
        diagnostics: convert::diagnostics(diags),
        ..Default::default()
    }
}

pub(super) async fn plan(
    catalog: Arc<Catalog>,
    request: plan_resource_change::Request,
) -> plan_resource_change::Response {
    let resource = match find(&catalog, &request.type_name) {
        Ok(resource) => resource,
        Err(answer) => return answer,
    };
    let mut diags = Diagnostics::default();
    let request = PlanRequest {
        prior: convert::value(request.prior_state),
        proposed: convert::value(request.proposed_new_state),
        config: convert::value(request.config),
        private: request.prior_private,
    };
    let Some(planned) = resource.plan(request, &mut diags).await else {
        return Answer::refused(diags);
    };
    let requires_replace = planned.requires_replace.into_iter().map(convert::path);
    plan_resource_change::Response {
        planned_state: Some(convert::dynamic(planned.state)),
        planned_private: planned.private,
        requires_replace: requires_replace.collect(),
        diagnostics: convert::diagnostics(diags),
        ..Default::default()
    }
}

pub(super) async fn apply(
    catalog: Arc<Catalog>,
    request: apply_resource_change::Request,
) -> apply_resource_change::Response {
    let resource = match find(&catalog, &request.type_name) {
        Ok(resource) => resource,
        Err(answer) => return answer,
    };
    let mut diags = Diagnostics::default();
    let request = ApplyRequest {
        prior: convert::value(request.prior_state),
        planned: convert::value(request.planned_state),
        config: convert::value(request.config),
        private: request.planned_private,
    };
    let remote = resource.apply(request, &mut diags).await;
    apply_resource_change::Response {
        new_state: Some(convert::dynamic(remote.state)),
        private: remote.private,
        diagnostics: convert::diagnostics(diags),
        ..Default::default()
    }
}

pub(super) async fn import(
    catalog: Arc<Catalog>,
    request: import_resource_state::Request,
) -> import_resource_state::Response {
    let resource = match find(&catalog, &request.type_name) {
        Ok(resource) => resource,
        Err(answer) => return answer,
    };
    let mut diags = Diagnostics::default();
    if request.id.is_empty() && request.identity.is_some() {
        diags.fail(
            "Import by identity not supported",
            "Name the object by `id` in the import block.",
            AttributePath::root(),
        );
        return Answer::refused(diags);
    }
    let imported = resource.import(request.id, &mut diags).await;
    let imported = imported.map(|remote| import_resource_state::ImportedResource {
        type_name: request.type_name,
        state: Some(convert::dynamic(remote.state)),
        private: remote.private,
        ..Default::default()
    });
    import_resource_state::Response {
        imported_resources: imported.into_iter().collect(),
        diagnostics: convert::diagnostics(diags),
        ..Default::default()
    }
}
