//! Values of a mocked provider.
//!
//! In a test, a `mock_provider` without defaults gives each computed string some random letters and
//! digits, which are no id of anything.

use std::ops::RangeInclusive;

/// The lengths of a mocked string: eight in Terraform, any of these in OpenTofu.
const LENGTHS: RangeInclusive<usize> = 4..=16;

/// What to say besides of a text that is no id, if a mocked provider may have given it; empty
/// otherwise.
pub fn hint(text: &str) -> &'static str {
    let is_random = |c: u8| c.is_ascii_alphanumeric();
    match LENGTHS.contains(&text.len()) && text.bytes().all(is_random) {
        true => {
            ". If the value comes from `mock_provider` in a test, give `token_id` and `secret` \
             defaults in `mock_resource \"proxmox_api_token\"`"
        }
        false => "",
    }
}

#[cfg(test)]
mod tests {
    use super::hint;

    #[test]
    fn only_what_a_mock_may_have_given_is_taken_for_it() {
        for text in ["8f3k2j1x", "aB3d", "Zz9Zz9Zz9Zz9Zz9Z"] {
            assert!(hint(text).contains("mock_resource"), "{text}");
        }
        for text in ["demo@pve!ci", "backup-jobs", "ci", ""] {
            assert_eq!(hint(text), "", "{text}");
        }
    }
}
