//! A plan that was overtaken: its token or the owner is gone by the time of the apply.

use crate::provider::api_token::apply::messages;
use crate::provider::api_token::apply::outcome::Outcome;
use crate::provider::api_token::change::Change;
use crate::pve::{CachedClient, Context};

/// The outcome of a change, with the reason in place of its errors where the token is gone. The
/// server answers a change of what is not there in several ways, some of which speak of missing
/// privileges.
pub async fn explained(client: &CachedClient, change: &Change, outcome: Outcome) -> Outcome {
    if outcome.problems.is_empty() {
        return outcome;
    }
    let live = &change.slots.live;
    let problem = match client.user(&live.user, &Context::default()).await {
        Ok(None) => messages::owner_gone(live),
        Ok(Some(owner)) if owner.token(live).is_none() => messages::token_gone(live),
        _ => return outcome,
    };
    Outcome {
        problems: vec![problem],
        ..outcome
    }
}
