//! Revocation of a token, and of the token that a rotation with overlap has left.

use crate::framework::Problem;
use crate::provider::api_token::apply::messages;
use crate::provider::api_token::apply::outcome::Outcome;
use crate::provider::api_token::change::Change;
use crate::provider::api_token::model::State;
use crate::provider::api_token::private_state::Unsettled;
use crate::provider::api_token::slots::Slots;
use crate::provider::clients::call_within;
use crate::pve::{CachedClient, Context, TokenChange, TokenId};

/// Revokes a token, its previous one, and the next one that an unsettled rotation may have created.
/// A token that does not exist, or whose owner does not, counts as revoked.
pub async fn revoke(
    client: &CachedClient,
    prior: &State,
    slots: &Slots,
    unsettled: Option<Unsettled>,
) -> Result<(), Vec<Problem>> {
    let context = call_within(prior.timeout("delete"));
    let next = Some(slots.next()).filter(|_| unsettled == Some(Unsettled::NextToken));
    let next = next.filter(|next| slots.previous.as_ref() != Some(*next));
    let mut problems = Vec::new();
    for token in slots.existing().chain(next) {
        problems.extend(revoke_token(client, token, &context).await.err());
    }
    match problems.is_empty() {
        true => Ok(()),
        false => Err(problems),
    }
}

async fn revoke_token(
    client: &CachedClient,
    token: &TokenId,
    context: &Context,
) -> Result<(), Problem> {
    let Err(error) = client.delete_token(token, context).await else {
        return Ok(());
    };
    if !error.may_have_taken_effect() {
        return Err(messages::not_revoked(token, &error));
    }
    // Also when Terraform has asked to stop: what exists must be known.
    match client.user(&token.user, &Context::default()).await {
        Ok(Some(owner)) if owner.token(token).is_some() => {
            Err(messages::revocation_pending(token, &error))
        }
        Ok(_) => Ok(()),
        Err(_) => Err(messages::not_revoked(token, &error)),
    }
}

/// Revokes the previous token, or gives it an expiry, where that is planned. `changed` is the state
/// after the change of the token in use.
pub async fn retire_previous(
    client: &CachedClient,
    change: &Change,
    changed: State,
    context: &Context,
) -> Outcome {
    let Some(previous) = &change.slots.previous else {
        return Outcome::done(changed);
    };
    let prior = &change.prior;
    let retired = if changed.previous_token_id.is_null() {
        client.delete_token(previous, context).await.map(drop)
    } else if changed.previous_expires_at != prior.previous_expires_at {
        let expiry = TokenChange {
            expire: Some(changed.previous_expiry()),
            ..TokenChange::default()
        };
        let updated = client.update_token(previous, &expiry, context).await;
        updated.map(drop)
    } else {
        Ok(())
    };
    let Err(error) = retired else {
        return Outcome::done(changed);
    };
    let with_previous = State {
        previous_token_id: prior.previous_token_id.clone(),
        previous_expires_at: prior.previous_expires_at.clone(),
        ..changed
    };
    Outcome::failed(with_previous, messages::not_revoked(previous, &error))
}
