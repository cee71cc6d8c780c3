//! Paths that the access control tree of today's servers does not have.

use tf_provider::{AttributePath, Diagnostics};

use super::Scope;
use crate::{framework::Report, pve::path_doubt};

/// Warns of paths that the server will likely refuse. No error, since only the server knows.
pub fn warn(scope: &Scope, diags: &mut Diagnostics) {
    for grant in &scope.declared {
        let Some(doubt) = path_doubt(&grant.path) else {
            continue;
        };
        diags.warn(
            "Unusual path",
            format!(
                "{} will likely be refused when it is applied: {doubt}. Correct `path`.",
                scope.entry(grant)
            ),
            AttributePath::new("acl"),
        );
    }
}
