//! The findings of an audit about one token, by their names in attributes and filters.

use crate::provider::api_token::ephemeral_name::is_ephemeral;
use crate::pve::{AuditedToken, Expiry, Timestamp};

/// The names of all findings, in the order of [`findings`].
pub const NAMES: [&str; 5] = [
    "expired",
    "never_expires",
    "root_equivalent",
    "owner_disabled",
    "leftover_ephemeral",
];

/// What an audit finds about a token, by the server's clock.
pub fn findings(token: &AuditedToken<'_>, now: Timestamp) -> Vec<&'static str> {
    let end = token.info.expire;
    let outlived = end == Expiry::Never || is_past(end, now);
    let found = [
        is_past(token.effective_expire(), now),
        token.effective_expire() == Expiry::Never,
        token.root_equivalent.is_some(),
        !token.owner.enabled,
        is_ephemeral(token.name) && outlived,
    ];
    let named = NAMES.into_iter().zip(found);
    named
        .filter(|(_, found)| *found)
        .map(|(name, _)| name)
        .collect()
}

/// Whether an expiry date has passed. As on the server, it is valid until the end of that second.
pub fn is_past(expiry: Expiry, now: Timestamp) -> bool {
    expiry < Expiry::At(now)
}
