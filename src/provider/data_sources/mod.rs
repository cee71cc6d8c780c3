//! The data sources.

mod api_token;
mod api_tokens;
mod audited;
mod completeness;
mod connection;
mod host;
mod permissions;
mod token_activity;

pub use api_token::ApiTokenData;
pub use api_tokens::ApiTokensData;
pub use connection::ConnectionData;
pub use host::HostData;
pub use permissions::PermissionsData;
use tf_provider::{AttributePath, Diagnostics};
pub use token_activity::TokenActivityData;

use crate::framework::Report;
use crate::pve::IdError;

/// Reports a `token_id` that is none.
fn malformed_token_id(error: &IdError, diags: &mut Diagnostics) {
    diags.fail(
        "Malformed token id",
        format!("`token_id` cannot be used: {error}."),
        AttributePath::new("token_id"),
    );
}
