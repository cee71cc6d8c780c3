//! Paths that the access control tree of today's servers does not have.

use crate::framework::Problem;
use crate::provider::api_token::plan::acl_checks::{Scope, warning_about};
use crate::pve::path_doubt;

/// Warns of paths that the server will likely refuse. No error, since only the server knows.
pub fn warning(scope: &Scope) -> Option<Problem> {
    let doubted = scope.declared.iter().filter_map(|grant| {
        let doubt = path_doubt(grant.path())?;
        let entry = scope.entry(grant);
        Some(format!(
            "{entry} will likely be refused by the server: {doubt}."
        ))
    });
    let doubted: Vec<String> = doubted.collect();
    warning_about("Unusual path", &doubted, "Correct `path`.")
}
