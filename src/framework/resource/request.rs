//! The calls of a managed resource: what each is about, and its response.

use tf_provider::{AttributePath, Resource};

use crate::framework::client::ClientCapabilities;
use crate::framework::deferral::Deferred;
use crate::framework::encoded::Encoded;

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
