//! The names of ephemeral tokens, by which one that was left behind is recognised.
//!
//! An ephemeral token lives for one run: it is created with a name of its own and a short expiry,
//! and revoked when the run ends. A run that is killed cannot revoke it, so it stays in the user's
//! list of tokens, expired.

use ring::rand::{SecureRandom, SystemRandom};

use crate::pve::TokenName;

/// The beginning of every ephemeral token's name. Random letters and digits follow.
pub const PREFIX: &str = "tf-ephemeral-";

/// The bytes of randomness in a name: enough for no two names ever to be equal.
const RANDOM_BYTES: usize = 8;

/// A new name. `None` if the system provides no random numbers.
pub fn unique() -> Option<TokenName> {
    let mut bytes = [0; RANDOM_BYTES];
    SystemRandom::new().fill(&mut bytes).ok()?;
    let random = u64::from_be_bytes(bytes);
    format!("{PREFIX}{random:016x}").parse().ok()
}

/// Whether a token name is that of an ephemeral token.
pub fn is_ephemeral(token_name: &str) -> bool {
    token_name.strip_prefix(PREFIX).is_some_and(|random| {
        !random.is_empty() && random.chars().all(|c| c.is_ascii_alphanumeric())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_ephemeral_tokens_are_recognised() {
        assert!(is_ephemeral("tf-ephemeral-0f3c9a7d"));
        for other in ["tf-ephemeral-", "tf-ephemeral-a-b", "tf-ephemeral", "ci"] {
            assert!(!is_ephemeral(other), "{other}");
        }
    }

    #[test]
    fn each_name_is_new_and_recognised() {
        let (one, other) = (unique().unwrap(), unique().unwrap());
        assert_ne!(one, other);
        assert!(is_ephemeral(one.as_str()));
    }
}
