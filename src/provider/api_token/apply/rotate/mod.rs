//! Rotation: a new secret for a token, in one of three ways.
//!
//! In place (`regenerate`) where the server can; by a second token under the other of two names
//! (`alternate`) where an overlap is configured, so that there is no moment without a working
//! secret; by revoking the token and creating it again (`recreate`) where neither is possible and
//! the configuration allows it. Whatever fails half-way, the state names what exists, and an
//! unfinished rotation stays due, so that the next apply finishes it.

mod alternate;
mod in_place;
mod in_progress;
mod messages;
mod recreate;

use crate::provider::api_token::apply::outcome::Outcome;
use crate::provider::api_token::apply::rotate::in_progress::Rotation;
use crate::provider::api_token::change::Change;
use crate::provider::clients::call_within;
use crate::pve::CachedClient;

/// Replaces the secret of a token as planned.
pub async fn rotate(client: &CachedClient, mut change: Change) -> Outcome {
    let context = call_within(change.planned.timeout("update"));
    let live = &change.slots.live;
    // The response also tells the server's clock, from which the new expiry counts.
    let owner = match client.user(&live.user, &context).await {
        Ok(None) => {
            let problem = messages::owner_gone(live);
            return Outcome::failed(change.prior, problem);
        }
        owner => owner.ok().flatten(),
    };
    change.now = client.server_now().into();
    let rotation = Rotation {
        client,
        change,
        owner,
        context,
    };
    match rotation.change.alternates() {
        true => alternate::run(&rotation).await,
        false => in_place::run(&rotation).await,
    }
}
