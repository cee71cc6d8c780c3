//! The changes that a plan has planned: create, update and destroy.
//!
//! Nothing real is lost from the state: the object that exists after a failure is returned together
//! with the error, also after a panic if the change has noted it.

use std::panic::resume_unwind;

use serde::de::DeserializeOwned;
use tf_provider::{AttributePath, Diagnostics, Resource};

use super::adapter::ResourceAdapter;
use super::request::{ApplyRequest, Instance, PrivateOf, StateOf};
use crate::framework::diagnostics::Report;
use crate::framework::encoded::{Encoded, decode_private};
use crate::framework::kept::keeping;

impl<T> ResourceAdapter<T>
where
    T: Resource + 'static,
    StateOf<T>: DeserializeOwned,
    PrivateOf<T>: DeserializeOwned,
    T::ProviderMetaState<'static>: DeserializeOwned,
{
    pub(super) async fn create(&self, request: ApplyRequest, diags: &mut Diagnostics) -> Instance {
        let (created, kept) = keeping(self.create_typed(&request, diags)).await;
        match (created, kept) {
            (Ok(created), _) => created.unwrap_or_else(|| {
                diags.fail_if_silent("A creation returned nothing");
                Instance::none()
            }),
            (Err(_), Some(state)) => self.rescued(state, Instance::none(), diags),
            (Err(panic), None) => resume_unwind(panic),
        }
    }

    /// The object that a change has noted before it panicked.
    fn rescued(&self, state: Encoded, other: Instance, diags: &mut Diagnostics) -> Instance {
        diags.fail(
            "The provider failed",
            "The provider panicked after the change had taken effect on the server. What it had \
             done until then was written to the state. This is a bug in the provider. Please \
             report it.",
            AttributePath::root(),
        );
        Instance {
            state: self.write_only.strip(state),
            ..other
        }
    }

    async fn create_typed(
        &self,
        request: &ApplyRequest,
        diags: &mut Diagnostics,
    ) -> Option<Instance> {
        let planned = self.state(&request.planned.state, diags)?;
        let config = self.state(&request.config, diags)?;
        let private = decode_private(&request.planned.private, diags)?;
        let meta = Self::meta(diags)?;
        let created = self.resource.create(diags, planned, config, private, meta);
        let (state, private) = created.await?;
        self.instance(&state, &private, diags)
    }

    pub(super) async fn update(&self, request: ApplyRequest, diags: &mut Diagnostics) -> Instance {
        let (updated, kept) = keeping(self.update_typed(&request, diags)).await;
        match (updated, kept) {
            (Ok(updated), _) => updated.unwrap_or_else(|| {
                diags.fail_if_silent("An update returned nothing");
                unchanged(request)
            }),
            (Err(_), Some(state)) => self.rescued(state, unchanged(request), diags),
            (Err(panic), None) => resume_unwind(panic),
        }
    }

    async fn update_typed(
        &self,
        request: &ApplyRequest,
        diags: &mut Diagnostics,
    ) -> Option<Instance> {
        let prior = self.state(&request.prior, diags)?;
        let planned = self.state(&request.planned.state, diags)?;
        let config = self.state(&request.config, diags)?;
        let private = decode_private(&request.planned.private, diags)?;
        let meta = Self::meta(diags)?;
        let updated = self
            .resource
            .update(diags, prior, planned, config, private, meta);
        let (state, private) = updated.await?;
        self.instance(&state, &private, diags)
    }

    pub(super) async fn destroy(&self, request: ApplyRequest, diags: &mut Diagnostics) -> Instance {
        let destroyed = self.destroy_typed(&request, diags).await;
        if destroyed.is_some() && diags.errors.is_empty() {
            return Instance::none();
        }
        diags.fail_if_silent("A destruction stopped without a reason");
        unchanged(request)
    }

    async fn destroy_typed(&self, request: &ApplyRequest, diags: &mut Diagnostics) -> Option<()> {
        let prior = self.state(&request.prior, diags)?;
        let private = decode_private(&request.planned.private, diags)?;
        let meta = Self::meta(diags)?;
        self.resource.destroy(diags, prior, private, meta).await
    }
}

/// The object that a failed change left as it was.
fn unchanged(request: ApplyRequest) -> Instance {
    Instance {
        state: request.prior,
        ..request.planned
    }
}
