//! Tokens minted in this run, which another node may not know yet.
//!
//! The nodes of a cluster share their configuration, and what one has written takes a moment to
//! reach the others. A token is often used right after it was minted, through a client of its own
//! and perhaps at another node: its refusal is not believed at once. Nothing was done for a
//! request that was refused, so it may be repeated.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use crate::pve::auth::credentials::{ApiToken, Credentials};
use crate::pve::id::TokenId;
use crate::pve::secret::Secret;

/// How long a token is fresh. A write reaches all nodes of a healthy cluster within a second.
const FRESH: Duration = Duration::from_secs(8);

/// How long is waited before a fresh token is tried again; its refusal takes three seconds, too.
pub(crate) const PAUSE: Duration = Duration::from_millis(500);

struct FreshToken {
    secret: Secret,
    at: Instant,
}

fn tokens() -> MutexGuard<'static, HashMap<TokenId, FreshToken>> {
    static TOKENS: OnceLock<Mutex<HashMap<TokenId, FreshToken>>> = OnceLock::new();
    let tokens = TOKENS.get_or_init(Mutex::default);
    tokens.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Remembers a token that was minted just now, or given a new secret.
pub(crate) fn note(token: &TokenId, secret: &Secret) {
    let at = Instant::now();
    let secret = secret.clone();
    tokens().insert(token.clone(), FreshToken { secret, at });
}

/// Whether these are a token that was minted a moment ago, and its secret.
pub(crate) fn is_fresh(credentials: &Credentials) -> bool {
    let Credentials::Token(ApiToken { id, secret }) = credentials else {
        return false;
    };
    tokens()
        .get(id)
        .is_some_and(|fresh| fresh.secret.expose() == secret.expose() && fresh.at.elapsed() < FRESH)
}
