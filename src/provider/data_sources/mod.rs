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
use tf_provider::AttributePath;
use tf_provider::value::Value;
pub use token_activity::TokenActivityData;

use crate::framework::Problem;
use crate::pve::TokenId;

/// The token in `token_id`, which validation requires to be set.
fn parse_token_id(token_id: &Value<String>) -> Result<TokenId, Problem> {
    let text = token_id.as_ref_option().map_or("", String::as_str);
    TokenId::parse(text, None).map_err(|error| {
        Problem::new(
            "Invalid token ID",
            format!("`token_id` is invalid: {error}."),
            AttributePath::new("token_id"),
        )
    })
}
