//! Tokens that were created in this run, which another node may not know yet.
//!
//! The nodes of a cluster share their configuration, and what one has written takes a moment to
//! reach the others. A token is often used right after it was minted, through a client of its own
//! and perhaps at another node: its refusal is not believed at once. Nothing was done for a
//! request that was refused, so it may be repeated.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use ring::digest::{Digest, SHA256, digest};

use crate::pve::auth::credentials::{ApiToken, Credentials};
use crate::pve::id::TokenId;
use crate::pve::secret::Secret;

/// The time for which a token is fresh. A write reaches all nodes of a healthy cluster within a second.
const FRESH: Duration = Duration::from_secs(8);

/// The pause before a fresh token is tried again; its refusal takes three seconds, too.
pub(crate) const PAUSE: Duration = Duration::from_millis(500);

struct FreshToken {
    /// The digest of its secret. The secret itself is not needed, so it is not kept.
    secret: Digest,
    at: Instant,
}

impl FreshToken {
    fn is_fresh(&self) -> bool {
        self.at.elapsed() < FRESH
    }
}

fn tokens() -> MutexGuard<'static, HashMap<TokenId, FreshToken>> {
    static TOKENS: OnceLock<Mutex<HashMap<TokenId, FreshToken>>> = OnceLock::new();
    let tokens = TOKENS.get_or_init(Mutex::default);
    tokens.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Remembers a token that was minted just now, or given a new secret.
pub(crate) fn note(token: &TokenId, secret: &Secret) {
    let fresh = FreshToken {
        secret: digest_of(secret),
        at: Instant::now(),
    };
    let mut tokens = tokens();
    tokens.retain(|_, token| token.is_fresh());
    tokens.insert(token.clone(), fresh);
}

/// Whether these are a token that was minted a moment ago, and its secret.
pub(crate) fn is_fresh(credentials: &Credentials) -> bool {
    let Credentials::Token(ApiToken { id, secret }) = credentials else {
        return false;
    };
    tokens().get(id).is_some_and(|fresh| {
        fresh.is_fresh() && fresh.secret.as_ref() == digest_of(secret).as_ref()
    })
}

fn digest_of(secret: &Secret) -> Digest {
    digest(&SHA256, secret.expose().as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_fresh_with_the_secret_that_it_was_just_given() {
        let id: TokenId = TokenId::parse("demo@pve!fresh", None).unwrap();
        let with = |secret: &str| {
            let (id, secret) = (id.clone(), Secret::new(secret.to_owned()));
            Credentials::Token(ApiToken { id, secret })
        };
        note(&id, &Secret::new("new".to_owned()));
        assert!(is_fresh(&with("new")) && !is_fresh(&with("old")));
    }
}
