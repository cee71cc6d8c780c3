//! Paths that the access control tree of Proxmox VE does not have.

use tf_provider::AttributePath;

use crate::framework::Problem;
use crate::provider::api_token::acl::{Grant, Grants};
use crate::provider::api_token::plan::acl_checks::scope::Scope;
use crate::pve::refused_path;

/// Refuses the paths that the server refuses, or takes and does not store, unless the token has
/// entries at them already.
pub fn problems(scope: &Scope, prior: &Grants) -> Vec<Problem> {
    let added = scope.declared.without(prior);
    let refused = |grant: &Grant| {
        let reason = refused_path(grant.path())?;
        Some(Problem::new(
            "Invalid ACL path",
            format!(
                "{} cannot be written: {reason}. Correct `path`.",
                scope.entry(grant)
            ),
            AttributePath::new("acl"),
        ))
    };
    added.iter().filter_map(refused).collect()
}
