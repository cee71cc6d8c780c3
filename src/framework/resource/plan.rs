//! The plan of a change: one typed method for each of create, update and destroy.

use serde::de::DeserializeOwned;
use tf_provider::{Diagnostics, Resource};

use super::{Instance, PlanRequest, PlanResponse, PrivateOf, ResourceAdapter, StateOf};
use crate::framework::conform::conform;
use crate::framework::deferral::{self, Deferred};
use crate::framework::encoded::{Encoded, decode_private, encode_bytes};

impl<T> ResourceAdapter<T>
where
    T: Resource + 'static,
    StateOf<T>: DeserializeOwned,
    PrivateOf<T>: DeserializeOwned,
    T::ProviderMetaState<'static>: DeserializeOwned,
{
    /// The response for a change that a later plan plans.
    pub(super) fn plan_later(
        &self,
        request: PlanRequest,
        deferred: Deferred,
        diags: &mut Diagnostics,
    ) -> Option<PlanResponse> {
        let proposed = conform(&request.proposed, &self.schema, diags)?;
        let state = deferral::with_unknown(proposed, &self.schema);
        Some(PlanResponse {
            planned: Instance {
                state: self.write_only.strip(state),
                private: request.private,
                identity: request.identity,
            },
            requires_replace: Vec::new(),
            deferred: Some(deferred),
        })
    }

    pub(super) async fn plan_create(
        &self,
        request: PlanRequest,
        diags: &mut Diagnostics,
    ) -> Option<PlanResponse> {
        let proposed = self.state(&request.proposed, diags)?;
        let config = self.state(&request.config, diags)?;
        let meta = Self::meta(diags)?;
        let planned = self.resource.plan_create(diags, proposed, config, meta);
        let (state, private) = planned.await?;
        Some(PlanResponse {
            planned: self.instance(&state, &private, diags)?,
            requires_replace: Vec::new(),
            deferred: None,
        })
    }

    pub(super) async fn plan_update(
        &self,
        request: PlanRequest,
        diags: &mut Diagnostics,
    ) -> Option<PlanResponse> {
        let prior = self.state(&request.prior, diags)?;
        let proposed = self.state(&request.proposed, diags)?;
        let config = self.state(&request.config, diags)?;
        let private = decode_private(&request.private, diags)?;
        let meta = Self::meta(diags)?;
        let planned = self
            .resource
            .plan_update(diags, prior, proposed, config, private, meta);
        let (state, private, requires_replace) = planned.await?;
        Some(PlanResponse {
            planned: self.instance(&state, &private, diags)?,
            requires_replace,
            deferred: None,
        })
    }

    pub(super) async fn plan_destroy(
        &self,
        request: PlanRequest,
        diags: &mut Diagnostics,
    ) -> Option<PlanResponse> {
        let prior = self.state(&request.prior, diags)?;
        let private = decode_private(&request.private, diags)?;
        let meta = Self::meta(diags)?;
        let planned = self.resource.plan_destroy(diags, prior, private, meta);
        let private = planned.await?;
        Some(PlanResponse {
            planned: Instance {
                state: Encoded::null(),
                private: encode_bytes(&private, diags)?,
                identity: request.identity,
            },
            requires_replace: Vec::new(),
            deferred: None,
        })
    }
}
