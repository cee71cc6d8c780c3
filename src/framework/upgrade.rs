//! Upgrades of states that an older release wrote.
//!
//! Terraform calls `UpgradeResourceState` on every read of a state, even at the same version.
//! `tf-provider`'s own hook takes a type that the crate does not export, so [`Upgrade`] replaces
//! it. A resource whose schema has had one version only needs none.

use serde_json::Value;
use tf_provider::Resource;

use super::diagnostics::Problem;

/// A resource whose schema has changed its version.
pub trait Upgrade: Resource {
    /// Returns a state of an older schema version in the form of the current schema.
    ///
    /// Attributes that are missing in it become null, and attributes that the schema does not have
    /// are dropped.
    ///
    /// # Errors
    ///
    /// When the state cannot be upgraded. It then stays as it is.
    fn upgrade_state(&self, version: i64, state: Value) -> Result<Value, Problem>;
}

/// [`Upgrade::upgrade_state`] of a resource that has it.
pub(super) type UpgradeState<T> = fn(&T, i64, Value) -> Result<Value, Problem>;
