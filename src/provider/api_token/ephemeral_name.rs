//! The names of ephemeral tokens, by which one that was left behind is recognised.
//!
//! An ephemeral token lives for one run: it is created with a name of its own and a short expiry,
//! and revoked when the run ends. A run that is killed cannot revoke it, so it stays in the user's
//! list of tokens, expired.

/// The beginning of every ephemeral token's name. Random letters and digits follow.
pub const PREFIX: &str = "tf-ephemeral-";

/// Whether a token name is that of an ephemeral token.
pub fn is_ephemeral(token_name: &str) -> bool {
    token_name.strip_prefix(PREFIX).is_some_and(|random| {
        !random.is_empty() && random.chars().all(|c| c.is_ascii_alphanumeric())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pve::TokenName;

    #[test]
    fn only_names_of_ephemeral_tokens_are_recognised() {
        assert!(is_ephemeral("tf-ephemeral-0f3c9a7d"));
        for other in ["tf-ephemeral-", "tf-ephemeral-a-b", "tf-ephemeral", "ci"] {
            assert!(!is_ephemeral(other), "{other}");
        }
    }

    #[test]
    fn an_ephemeral_name_is_valid() {
        assert!(format!("{PREFIX}0f3c9a7d").parse::<TokenName>().is_ok());
    }
}
