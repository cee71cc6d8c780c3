//! A managed resource without its types.

use async_trait::async_trait;
use tf_provider::Diagnostics;
use tf_provider::schema::Schema;

use crate::framework::encoded::Encoded;
use crate::framework::list::{ListEvent, ListRequest};
use crate::framework::moved::MoveRequest;
use crate::framework::resource::request::{
    ApplyRequest, ImportRequest, ImportResponse, Instance, PlanRequest, PlanResponse, ReadRequest,
    ReadResponse, ValidateRequest,
};
use crate::framework::sink::Sink;
use crate::framework::write_only::WriteOnly;

/// A managed resource, as the server calls it. The diagnostics that a call fills are empty at its
/// start.
#[async_trait]
pub trait ErasedResource: Send + Sync + 'static {
    /// The schema of the resource block.
    fn schema(&self) -> &Schema;

    /// The attributes that are never stored.
    fn write_only(&self) -> &WriteOnly {
        const NONE: &WriteOnly = &WriteOnly::none();
        NONE
    }

    /// Validates a configuration, without any connection.
    async fn validate(&self, request: ValidateRequest, diags: &mut Diagnostics);

    /// Upgrades a stored state (JSON) of any version to the current schema. `None` after an error.
    async fn upgrade(
        &self,
        version: i64,
        state: Encoded,
        diags: &mut Diagnostics,
    ) -> Option<Encoded>;

    /// Reads an object. A null state says that it does not exist.
    async fn read(&self, request: ReadRequest, diags: &mut Diagnostics) -> ReadResponse;

    /// Plans a change. `None` after an error.
    async fn plan(&self, request: PlanRequest, diags: &mut Diagnostics) -> Option<PlanResponse>;

    /// Makes a change and returns the object as it is afterwards, also after an error.
    async fn apply(&self, request: ApplyRequest, diags: &mut Diagnostics) -> Instance;

    /// Finds an existing object. `None` after an error.
    async fn import(
        &self,
        request: ImportRequest,
        diags: &mut Diagnostics,
    ) -> Option<ImportResponse>;

    /// The schema of the identity, if objects of this type have one.
    fn identity_schema(&self) -> Option<&Schema> {
        None
    }

    /// Upgrades a stored identity (JSON) of any version to the current schema. `None` after an
    /// error, and without an identity.
    fn upgrade_identity(
        &self,
        version: i64,
        identity: Encoded,
        diags: &mut Diagnostics,
    ) -> Option<Encoded> {
        let _ = (version, identity, diags);
        None
    }

    /// The schema of a list's configuration, if objects of this type can be listed.
    fn list_schema(&self) -> Option<&Schema> {
        None
    }

    /// Validates the configuration of a list, without any connection.
    fn validate_list(&self, config: Encoded, diags: &mut Diagnostics) {
        let _ = (config, diags);
    }

    /// Lists existing objects. An error is the last event.
    async fn list(&self, request: ListRequest<Encoded>, events: &dyn Sink<ListEvent>) {
        let _ = (request, events);
    }

    /// Whether objects of other resource types can be moved to this one.
    fn is_move_target(&self) -> bool {
        false
    }

    /// Takes over an object of another resource type. `None` after an error, and if this object
    /// cannot be taken over.
    fn move_state(&self, source: MoveRequest, diags: &mut Diagnostics) -> Option<Instance> {
        let _ = (source, diags);
        None
    }
}
