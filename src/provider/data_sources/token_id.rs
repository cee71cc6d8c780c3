//! The argument `token_id`, which several data sources have.

use tf_provider::AttributePath;
use tf_provider::value::Value;

use crate::framework::Problem;
use crate::pve::TokenId;

/// The token in `token_id`, which validation requires to be set.
pub fn parse_token_id(token_id: &Value<String>) -> Result<TokenId, Problem> {
    let text = token_id.as_ref_option().map_or("", String::as_str);
    TokenId::parse(text, None).map_err(|error| {
        Problem::new(
            "Invalid token ID",
            format!("`token_id` is invalid: {error}."),
            AttributePath::new("token_id"),
        )
    })
}
