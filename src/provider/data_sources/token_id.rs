//! The argument `token_id`, which several data sources have.

use tf_provider::{AttributePath, Diagnostics};

use crate::framework::Report;
use crate::pve::IdError;

/// Reports a `token_id` that is none.
pub fn malformed_token_id(error: &IdError, diags: &mut Diagnostics) {
    diags.fail(
        "Malformed token id",
        format!("`token_id` cannot be used: {error}."),
        AttributePath::new("token_id"),
    );
}
