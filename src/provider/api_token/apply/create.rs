//! Creation of a token with its grants.

use tf_provider::value::Value;

use crate::framework::{Problem, keep};
use crate::provider::api_token::acl::Grants;
use crate::provider::api_token::apply::messages::{self, Purpose};
use crate::provider::api_token::apply::mint::{Creation, Precheck, look_at_owner, mint};
use crate::provider::api_token::apply::outcome::Outcome;
use crate::provider::api_token::apply::roles;
use crate::provider::api_token::model::{Planned, State};
use crate::provider::api_token::plan::availability::other_name_taken;
use crate::provider::api_token::plan::expiry::{PlannedExpiry, refuse_past};
use crate::provider::api_token::slots::Slots;
use crate::provider::attributes::timestamp;
use crate::provider::clients::call_within;
use crate::pve::{CachedClient, Context, Owner, Timestamp, TokenId};

/// Creates the planned token with the grants that it declares. A token that cannot be given its
/// grants is revoked again.
pub async fn create(client: &CachedClient, slots: &Slots, planned: Planned) -> Outcome {
    let created = create_token(client, slots, planned).await;
    created.unwrap_or_else(Outcome::nothing)
}

async fn create_token(
    client: &CachedClient,
    slots: &Slots,
    planned: Planned,
) -> Result<Outcome, Problem> {
    let (token, context) = (&slots.base, call_within(planned.timeout("create")));
    let owner = look_at_owner(client, token, &context).await?;
    let precheck = Precheck::of(owner.as_deref());
    check_other_name(owner.as_deref(), slots, &planned)?;
    roles::require(client, token, &Grants::declared(&planned.acl), &context).await?;
    let now = client.server_now().into();
    let expiry = PlannedExpiry::of(&planned, Some(now), None);
    refuse_past(&planned, expiry, None, now)?;
    let expiry = expiry.at(now);
    let new = planned.new_token(expiry);
    let creation = mint(client, token, &new, precheck, Purpose::Creation, &context).await?;
    let planned = planned.with_expiry(expiry, owner.as_deref());
    let state = created(planned, token, now);
    Ok(match creation {
        Creation::SecretLost(problem) => {
            Outcome::failed(with_grants(state, &Grants::default()), problem)
        }
        Creation::Ready(secret, warning) => {
            let state = state.with_secret(token, secret);
            keep(&with_grants(state.clone(), &Grants::default()));
            grant(client, token, state, &context)
                .await
                .with_warning(warning)
        }
    })
}

/// Refuses a token whose rotation with overlap would find its second name taken. A token that this
/// resource did not create is never taken over, so that is better known now than in some weeks.
fn check_other_name(
    owner: Option<&Owner>,
    slots: &Slots,
    planned: &Planned,
) -> Result<(), Problem> {
    let other = &slots.other;
    let is_taken = owner.is_some_and(|owner| owner.token(other).is_some());
    match planned.overlap().is_some() && is_taken {
        true => Err(other_name_taken(other)),
        false => Ok(()),
    }
}

/// The state of a token that was just created, without its secret.
fn created(planned: Planned, token: &TokenId, now: Timestamp) -> State {
    State {
        id: Value::Value(token.to_string()),
        token_id: Value::Value(token.to_string()),
        created_at: timestamp::attribute(now),
        ..planned.0.without_secret()
    }
}

/// Gives a new token its grants, or revokes it again.
async fn grant(client: &CachedClient, token: &TokenId, state: State, context: &Context) -> Outcome {
    let mut held = Grants::default();
    let declared = Grants::declared(&state.acl);
    let Err(error) = held.write(&declared, client, token, context).await else {
        return Outcome::done(state);
    };
    // Also when Terraform has asked to stop: an unfinished token is not left behind.
    match client.delete_token(token, &Context::default()).await {
        Ok(_) => Outcome::nothing(messages::not_granted_and_revoked(token, &error)),
        Err(revocation) => Outcome::failed(
            with_grants(state, &held),
            messages::not_granted(token, &error),
        )
        .with_problem(messages::not_revoked_again(token, &revocation)),
    }
}

fn with_grants(state: State, held: &Grants) -> State {
    State {
        acl: held.attribute(&state.acl),
        ..state
    }
}
