//! How ephemeral tokens are named, so that one that was left behind is recognised as such.
//!
//! An ephemeral token lives for one run: it is minted under a name of its own with a short
//! expiry, and revoked when the run ends. A run that was killed cannot revoke it, and then it
//! stays in the user's list of tokens, expired.

/// What the name of every ephemeral token begins with. Random letters and digits follow.
pub const PREFIX: &str = "tf-ephemeral-";

/// Whether this is the name of an ephemeral token.
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
    fn only_the_scheme_is_recognised() {
        assert!(is_ephemeral("tf-ephemeral-0f3c9a7d"));
        for other in ["tf-ephemeral-", "tf-ephemeral-a-b", "tf-ephemeral", "ci"] {
            assert!(!is_ephemeral(other), "{other}");
        }
    }

    #[test]
    fn the_server_takes_such_a_name() {
        assert!(format!("{PREFIX}0f3c9a7d").parse::<TokenName>().is_ok());
    }
}
