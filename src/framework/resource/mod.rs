//! Managed resources.
//!
//! [`ErasedResource`] is what the server calls, in encoded values. A [`ResourceAdapter`] makes one
//! of a typed [`tf_provider::Resource`], and of the optional capabilities that are added to it.

mod adapter;
mod apply;
mod plan;

use async_trait::async_trait;
use tf_provider::schema::Schema;
use tf_provider::{AttributePath, Diagnostics, Resource};

use super::client::ClientCapabilities;
use super::deferral::Deferred;
use super::encoded::Encoded;
use super::list::{ListEvent, ListRequest};
use super::moved::MoveRequest;
use super::sink::Sink;
use super::write_only::WriteOnly;

pub use self::adapter::ResourceAdapter;

/// The state of a typed resource.
pub type StateOf<T> = <T as Resource>::State<'static>;

/// The private state of a typed resource.
pub type PrivateOf<T> = <T as Resource>::PrivateState<'static>;

/// One object of a resource type, as it is.
pub struct Instance {
    /// The state. Null when the object does not exist.
    pub state: Encoded,
    /// The private state.
    pub private: Vec<u8>,
    /// The identity, if the resource type has one.
    pub identity: Option<Encoded>,
}

impl Instance {
    /// No object.
    pub fn none() -> Self {
        Self {
            state: Encoded::null(),
            private: Vec::new(),
            identity: None,
        }
    }
}

/// A configuration to validate.
pub struct ValidateRequest {
    /// The configuration as written.
    pub config: Encoded,
    /// The capabilities of the caller.
    pub client: ClientCapabilities,
}

/// An object to read.
pub struct ReadRequest {
    /// The object as it was known last.
    pub instance: Instance,
    /// The capabilities of the caller.
    pub client: ClientCapabilities,
}

/// The response to a [`ReadRequest`].
pub struct ReadResponse {
    /// The object as it is. After an error, as it was known last.
    pub instance: Instance,
    /// Why the object was not read.
    pub deferred: Option<Deferred>,
}

/// A change to plan.
pub struct PlanRequest {
    /// The state as it is. Null for a creation.
    pub prior: Encoded,
    /// Configuration and prior state, merged by Terraform. Null for a destruction.
    pub proposed: Encoded,
    /// The configuration as written. Null for a destruction.
    pub config: Encoded,
    /// The private state as it is.
    pub private: Vec<u8>,
    /// The identity as it is. None for a creation.
    pub identity: Option<Encoded>,
    /// The capabilities of the caller.
    pub client: ClientCapabilities,
}

/// The response to a [`PlanRequest`].
pub struct PlanResponse {
    /// The object after the change. Its state is null for a destruction.
    pub planned: Instance,
    /// Attributes whose change forces a replacement.
    pub requires_replace: Vec<AttributePath>,
    /// Why the change was not planned in full.
    pub deferred: Option<Deferred>,
}

/// A planned change to make.
pub struct ApplyRequest {
    /// The state as it is. Null for a creation.
    pub prior: Encoded,
    /// The planned object. Its state is null for a destruction.
    pub planned: Instance,
    /// The configuration as written. Null for a destruction.
    pub config: Encoded,
}

/// An existing object to import.
pub struct ImportRequest {
    /// What names the object.
    pub by: ImportBy,
    /// The capabilities of the caller.
    pub client: ClientCapabilities,
}

/// What names an object in an import.
pub enum ImportBy {
    /// The id that a user typed.
    Id(String),
    /// The identity in an `import` block.
    Identity(Encoded),
}

/// The response to an [`ImportRequest`].
pub enum ImportResponse {
    /// The object was found.
    Imported(Instance),
    /// The object was not looked up.
    Deferred(Deferred),
}

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
