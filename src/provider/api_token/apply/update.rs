//! A change of a token in place. The secret stays.

use crate::provider::api_token::acl::Grants;
use crate::provider::api_token::apply::grants::grants_diff;
use crate::provider::api_token::apply::messages;
use crate::provider::api_token::apply::outcome::Outcome;
use crate::provider::api_token::apply::read::refreshed;
use crate::provider::api_token::apply::revoke::retire_previous;
use crate::provider::api_token::change::{Change, settings_diff};
use crate::provider::api_token::model::{Planned, State};
use crate::provider::api_token::plan::expiry::PlannedExpiry;
use crate::provider::clients::call_within;
use crate::pve::{CachedClient, Context};

/// Changes a token in place: new grants first, then settings, then the grants that are no longer
/// declared, so that a token is never without what it keeps, also when its privileges become its
/// own. After an error the state says how far it came.
pub async fn update(client: &CachedClient, change: &Change) -> Outcome {
    let (token, context) = (
        &change.slots.live,
        call_within(change.planned.timeout("update")),
    );
    let diff = grants_diff(client, change, &context).await;
    let mut held = Grants::declared(&change.prior.acl);
    let written = held.write_possible(&diff.write, client, token, &context);
    let missing = match written.await {
        Ok(missing) => missing.map(|error| messages::not_granted(token, &error)),
        Err(error) => {
            let problem = messages::not_granted(token, &error);
            return Outcome::failed(change.unfinished(&held), problem);
        }
    };
    let planned = with_expiry(client, change, &context).await;
    let mut warning = None;
    if let Some(settings) = settings_diff(&change.prior, &planned)
        && let Err(error) = client.update_token(token, &settings, &context).await
    {
        let current = match error.may_have_taken_effect() {
            true => read_again(client, change).await,
            false => change.prior.clone(),
        };
        if settings_diff(&current, &planned).is_some() {
            let acl = change.acl_with(&held);
            let problem = messages::not_updated(token, &error);
            return Outcome::failed(State { acl, ..current }, problem);
        }
        warning = Some(messages::no_response_to_update(token, &error));
    }
    if let Err(error) = held.revoke(&diff.remove, client, token, &context).await {
        let acl = change.acl_with(&held);
        let problem = messages::not_granted(token, &error);
        return Outcome::failed(State { acl, ..planned.0 }, problem).with_warning(warning);
    }
    let left_out = missing.map(|problem| (change.acl_with(&held), problem));
    retire_previous(client, change, planned.0, &context)
        .await
        .with_warning(warning)
        .with_left_out(left_out)
}

/// The planned state with its expiry, where that changes or counts from now.
async fn with_expiry(client: &CachedClient, change: &Change, context: &Context) -> Planned {
    let (prior, planned) = (&change.prior, change.planned.clone());
    if !planned.expires_at.is_unknown() && !planned.effective_expires_at.is_unknown() {
        return planned;
    }
    let owner = client.user(&change.slots.live.user, context).await;
    let owner = owner.ok().flatten();
    let expiry = PlannedExpiry::of(&planned, prior.secret_since(), Some(prior));
    planned.with_expiry(expiry.at(client.server_now().into()), owner.as_deref())
}

/// Reads the settings after a change whose outcome is unclear; the prior state where that fails.
async fn read_again(client: &CachedClient, change: &Change) -> State {
    let (prior, slots) = (change.prior.clone(), &change.slots);
    // Also when Terraform has asked to stop: what the token now is must be known.
    match client.user(&slots.live.user, &Context::default()).await {
        Ok(Some(owner)) => match owner.token(&slots.live) {
            Some(info) => refreshed(prior, slots, info, &owner),
            None => prior,
        },
        _ => prior,
    }
}
