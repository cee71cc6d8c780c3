//! Paths that the access control tree of today's servers does not have.

use tf_provider::Diagnostics;

use crate::provider::api_token::plan::acl_checks::{Scope, warn_of_all};
use crate::pve::unusual_path;

/// Warns of paths that the server will likely refuse. No error, since only the server knows.
pub fn warn(scope: &Scope, diags: &mut Diagnostics) {
    let doubted = scope.declared.iter().filter_map(|grant| {
        let reason = unusual_path(&grant.path)?;
        let entry = scope.entry(grant);
        Some(format!(
            "{entry} will likely be refused when it is applied: {reason}."
        ))
    });
    let doubted: Vec<String> = doubted.collect();
    warn_of_all("Unusual path", &doubted, "Correct `path`.", diags);
}
