//! Moves into a resource: a `moved` block from another resource type or provider.
//!
//! The provider of the source stays installed until the move is applied. Terraform calls a move
//! without a configured provider, so it must not connect to anything.

use serde_json::Value;
use tf_provider::{Diagnostics, Resource};

use super::diagnostics::Problem;
use super::resource::{PrivateOf, StateOf};

/// The object that a `moved` block names as its source. It may hold secrets.
pub struct MoveRequest {
    /// Address of the source's provider, such as `registry.terraform.io/example/example`.
    pub provider: String,
    /// Resource type of the source.
    pub type_name: String,
    /// Schema version of the source's state.
    pub schema_version: i64,
    /// State of the source.
    pub state: Value,
    /// Private state of the source, in a form that only its provider knows.
    pub private: Vec<u8>,
    /// Identity of the source, if its resource type has one, with its schema version.
    pub identity: Option<(i64, Value)>,
}

/// A resource that takes over objects of other resource types.
pub trait Move: Resource {
    /// Returns the state and private state of an object that was managed as another resource type,
    /// or `None` for a resource type that this one cannot take over. Warnings go into `diags`.
    ///
    /// # Errors
    ///
    /// When the resource type is one that can be taken over, and this object is not.
    fn move_state(
        &self,
        source: MoveRequest,
        diags: &mut Diagnostics,
    ) -> Result<MovedState<Self>, Problem>;
}

/// The state and private state of an object that was moved.
pub type MovedState<T> = Option<(StateOf<T>, PrivateOf<T>)>;

/// [`Move::move_state`] of a resource that has it.
pub(super) type MoveState<T> =
    fn(&T, MoveRequest, &mut Diagnostics) -> Result<MovedState<T>, Problem>;
