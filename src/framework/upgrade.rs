//! Bringing a state that an older release wrote into today's shape.
//!
//! Terraform calls `UpgradeResourceState` on every read of a state, even at the same version.
//! `tf-provider`'s own hook takes a type that it does not export, so this trait stands in for it.

use serde_json::Value;
use tf_provider::Diagnostics;

/// Upgrades the states of one resource type.
pub trait Upgrade: Send + Sync + 'static {
    /// Brings `state`, written at schema `version` (lower than today's), into today's shape.
    ///
    /// Attributes that are missing afterwards become null, ones that the schema does not know are
    /// dropped. `None` after an error in `diags` refuses the state and leaves it as it is.
    fn upgrade(&self, version: i64, state: Value, diags: &mut Diagnostics) -> Option<Value>;
}

/// For a resource that has had one schema version only.
pub struct NeverChanged;

impl Upgrade for NeverChanged {
    fn upgrade(&self, _version: i64, state: Value, _diags: &mut Diagnostics) -> Option<Value> {
        Some(state)
    }
}
