//! Paths that the access control tree of today's servers does not have.

use crate::framework::Problem;
use crate::provider::api_token::plan::acl_checks::scope::{Scope, warning_about};
use crate::pve::unusual_path;

/// Warns of paths that the server will likely refuse. No error, since only the server knows.
pub fn warning(scope: &Scope) -> Option<Problem> {
    let unusual = scope.declared.iter().filter_map(|grant| {
        let reason = unusual_path(grant.path())?;
        let entry = scope.entry(grant);
        Some(format!(
            "{entry} will likely be refused by the server: {reason}."
        ))
    });
    let unusual: Vec<String> = unusual.collect();
    warning_about("Unusual path", &unusual, "Correct `path`.")
}
