//! The refresh: settings, declared grants and the previous token, as the server has them.

use std::sync::Arc;

use tf_provider::value::Value;

use crate::framework::Problem;
use crate::provider::api_token::acl::Grants;
use crate::provider::api_token::apply::messages;
use crate::provider::api_token::apply::verify::verify;
use crate::provider::api_token::model::{State, effective_expiry};
use crate::provider::api_token::plan::due;
use crate::provider::api_token::private_state::{PrivateState, RotationCause, Unsettled};
use crate::provider::api_token::slots::Slots;
use crate::provider::attributes::timestamp;
use crate::provider::clients::call_within;
use crate::pve::{CachedClient, Context, Error, Expiry, Owner, TokenId, TokenInfo};

/// The result of a refresh.
pub enum Reading {
    /// The token exists, with warnings about it.
    Present(Box<State>, PrivateState, Vec<Problem>),
    /// The token, or its owner, no longer exists.
    Gone,
    /// The token was not found, and the warning says why that is not believed.
    Unconfirmed(Problem),
}

/// Reads a token: its settings, the declared part of its grants, and its previous token.
/// `private` is the private state of before.
pub async fn read(
    client: &CachedClient,
    state: State,
    private: PrivateState,
    slots: &Slots,
) -> Result<Reading, Error> {
    let (live, context) = (&slots.live, call_within(state.timeout("read")));
    let owner = client.user(&live.user, &context).await?;
    let previous = slots.previous.as_ref();
    let previous_info = previous.and_then(|previous| find(&owner, previous));
    let (Some(info), Some(present)) = (find(&owner, live), owner.as_deref()) else {
        return Ok(match confirm_absence(client, live, &context).await {
            Err(doubt) => Reading::Unconfirmed(doubt),
            Ok(()) if previous_info.is_some() => previous_only(state, private, live),
            Ok(()) => Reading::Gone,
        });
    };
    if private.due == Some(RotationCause::LiveTokenGone) {
        return Ok(reappeared(state, private, live));
    }
    let mut warnings = Vec::new();
    let state = refreshed(state, slots, info, present);
    let state = match (previous, previous_info) {
        (_, Some(info)) => State {
            previous_expires_at: timestamp::attribute(info.expire),
            ..state
        },
        (Some(previous), None) => match confirm_absence(client, previous, &context).await {
            Ok(()) => state.without_previous(),
            Err(doubt) => {
                warnings.push(doubt);
                state
            }
        },
        (None, None) => state,
    };
    let (state, hidden) = with_grants(client, live, state, &context).await?;
    let verified = verify(client, &state, &private, live, present, &context).await;
    let private = decisions(&state, private, verified.is_replaced, present);
    warnings.extend(verified.warning);
    warnings.extend(hidden);
    Ok(Reading::Present(Box::new(state), private, warnings))
}

/// What the refresh decides for the plan.
fn decisions(
    state: &State,
    private: PrivateState,
    secret_is_replaced: bool,
    owner: &Owner,
) -> PrivateState {
    let now = owner.observed_at.into();
    let is_lost = secret_is_replaced && private.unsettled == Some(Unsettled::Secret);
    PrivateState {
        due: match is_lost {
            true => Some(RotationCause::SecretLost),
            false => due::at_refresh(state, now),
        },
        previous_expired: state.previous_expiry() <= Expiry::At(now),
        unsettled: private.unsettled,
        released: private.released,
        rotation: None,
    }
}

fn find<'a>(owner: &'a Option<Arc<Owner>>, token: &TokenId) -> Option<&'a TokenInfo> {
    owner.as_ref()?.token(token)
}

/// The token in use was removed and its predecessor still exists: nothing drops out of the state,
/// and the next apply creates the token again.
fn previous_only(state: State, private: PrivateState, live: &TokenId) -> Reading {
    let private = PrivateState {
        due: Some(RotationCause::LiveTokenGone),
        previous_expired: false,
        ..private.planned(None)
    };
    let warning = messages::removed_during_overlap(live);
    Reading::Present(Box::new(state.with_defaults()), private, vec![warning])
}

/// The token in use exists, although the state notes that it was removed: what exists now is another
/// token, whose secret the state does not have. It can be of a run that was killed before it could
/// store the token.
fn reappeared(state: State, private: PrivateState, live: &TokenId) -> Reading {
    let warning = messages::appeared_again(live);
    Reading::Present(Box::new(state.with_defaults()), private, vec![warning])
}

/// Believes that a token is absent only if a node says so that has quorum: an isolated one answers
/// from the past.
async fn confirm_absence(
    client: &CachedClient,
    token: &TokenId,
    context: &Context,
) -> Result<(), Problem> {
    match client.quorum(context).await {
        Ok(quorum) if quorum.is_believed() => Ok(()),
        Ok(quorum) => Err(messages::absence_without_quorum(token, quorum)),
        Err(error) => Err(messages::absence_unverified(token, &error)),
    }
}

/// The state with the server's settings, in the spelling of the state where they mean the same.
pub fn refreshed(state: State, slots: &Slots, info: &TokenInfo, owner: &Owner) -> State {
    let comment = Value::from(info.comment.clone().filter(|comment| !comment.is_empty()));
    let expires_at = timestamp::attribute(info.expire);
    // With `expires_in`, a change outside of Terraform shows in `expires_at` alone.
    let keeps_date =
        !state.expires_in.is_null() || timestamp::same(&state.expiration_date, &expires_at);
    State {
        id: Value::Value(slots.base.to_string()),
        token_id: Value::Value(slots.live.to_string()),
        privilege_separation: Value::Value(info.privilege_separation),
        comment: match state.has_comment(&comment) {
            true => state.comment,
            false => comment,
        },
        expiration_date: match keeps_date {
            true => state.expiration_date,
            false => expires_at.clone(),
        },
        expires_at,
        effective_expires_at: timestamp::attribute(effective_expiry(info.expire, Some(owner))),
        ..state
    }
    .with_defaults()
}

/// The state with its declared grants as the server has them, and a warning about those that the
/// server does not show.
async fn with_grants(
    client: &CachedClient,
    token: &TokenId,
    state: State,
    context: &Context,
) -> Result<(State, Option<Problem>), Error> {
    let (declared, is_exclusive) = (Grants::declared(&state.acl), state.is_acl_exclusive());
    if declared.is_empty() && !is_exclusive {
        return Ok((state, None));
    }
    let view = client.acl_view(context).await?;
    let on_server = Grants::on_server(&view, token);
    let hidden = declared.without(&on_server);
    let warning = match view.complete {
        true => None,
        false if is_exclusive => Some(messages::exclusive_unverified(token)),
        false => (!hidden.is_empty()).then(|| messages::grants_hidden(token, &hidden)),
    };
    let grants = match is_exclusive && view.complete {
        true => on_server,
        false => declared.refreshed(&on_server, view.complete),
    };
    let state = State {
        acl: grants.attribute(&state.acl),
        ..state
    };
    Ok((state, warning))
}
