//! A new secret by a second token, while the old one keeps working for a while.
//!
//! The two tokens alternate between two names. The old token is given its expiry in the same
//! apply, so that it expires by itself even if there is never another apply.

use tf_provider::value::Value;

use crate::framework::{Problem, keep};
use crate::provider::api_token::acl::Grants;
use crate::provider::api_token::apply::messages::{Purpose, not_granted};
use crate::provider::api_token::apply::mint::{Creation, Precheck, matches, mint};
use crate::provider::api_token::apply::outcome::Outcome;
use crate::provider::api_token::apply::rotate::in_progress::Rotation;
use crate::provider::api_token::apply::rotate::messages;
use crate::provider::api_token::model::State;
use crate::provider::api_token::plan::availability::other_name_taken;
use crate::provider::api_token::private_state::Unsettled;
use crate::provider::attributes::timestamp;
use crate::pve::{Context, Deletion, Expiry, NewToken, TokenChange, TokenId, TokenInfo};

const METHOD: &str = "alternate";

/// Creates the next token and gives the one that it replaces its expiry.
pub async fn run(rotation: &Rotation<'_>) -> Outcome {
    let succession = Succession::of(rotation);
    let succeeded = succeed(rotation, &succession).await;
    succeeded.unwrap_or_else(|problem| Outcome::failed(rotation.change.prior.clone(), problem))
}

/// The token that is created, and the one that is then the previous token.
struct Succession {
    next: TokenId,
    previous: TokenId,
}

impl Succession {
    fn of(rotation: &Rotation<'_>) -> Self {
        let (change, slots) = (&rotation.change, &rotation.change.slots);
        match &slots.previous {
            Some(previous) if change.live_is_gone() => Self {
                next: slots.live.clone(),
                previous: previous.clone(),
            },
            _ => Self {
                next: slots.next().clone(),
                previous: slots.live.clone(),
            },
        }
    }
}

/// Creates the next token with its grants. After an error the token in use is as it was.
async fn succeed(rotation: &Rotation<'_>, ids: &Succession) -> Result<Outcome, Problem> {
    let (client, context) = (rotation.client, &rotation.context);
    let grants = grants(rotation, ids).await?;
    let new = rotation.change.planned.new_token(rotation.expiry());
    let precheck = free_next_slot(rotation, ids, &new).await?;
    let purpose = Purpose::Alternation;
    let (secret, warning) = match mint(client, &ids.next, &new, precheck, purpose, context).await? {
        Creation::Ready(secret, warning) => (secret, warning),
        Creation::SecretLost(problem) => return Ok(roll_back(rotation, ids, problem).await),
    };
    let mut held = Grants::default();
    let written = held.write_possible(&grants, client, &ids.next, context);
    let missing = match written.await {
        Ok(missing) => missing.map(|error| not_granted(&ids.next, &error)),
        Err(error) => {
            let problem = not_granted(&ids.next, &error);
            let rolled_back = roll_back(rotation, ids, problem).await;
            return Ok(rolled_back.with_warning(warning));
        }
    };
    let rotated = State {
        previous_token_id: Value::Value(ids.previous.to_string()),
        ..rotation.rotated(&ids.next, secret, METHOD)
    };
    keep(&State {
        previous_expires_at: rotation.change.prior.previous_expires_at.clone(),
        ..rotated.clone()
    });
    let left_out = missing.map(|problem| (held.attribute_of(&rotated.acl), problem));
    let retired = retire(rotation, ids, rotated).await;
    Ok(retired.with_warning(warning).with_left_out(left_out))
}

/// Revokes a next token that could not be completed: the token in use stays as it was.
async fn roll_back(rotation: &Rotation<'_>, ids: &Succession, problem: Problem) -> Outcome {
    // Also when Terraform has asked to stop: an unfinished token is not left behind.
    let context = Context::default();
    let deleted = rotation.client.delete_token(&ids.next, &context).await;
    let rolled_back = match &deleted {
        Ok(_) => messages::alternation_rolled_back(&ids.previous),
        Err(error) => messages::alternation_not_rolled_back(&ids.previous, &ids.next, error),
    };
    // A token that is not there yet can still appear: a daemon that hangs creates it later.
    let is_settled = matches!(deleted, Ok(Deletion::Deleted));
    Outcome::failed(rotation.change.prior.clone(), problem)
        .with_problem(rolled_back)
        .with_unsettled((!is_settled).then_some(Unsettled::NextToken))
}

/// The grants of the next token: those that are declared and those that others gave the token in
/// use. An error when the latter cannot be read and nothing is declared.
async fn grants(rotation: &Rotation<'_>, ids: &Succession) -> Result<Grants, Problem> {
    let planned = &rotation.change.planned;
    if !planned.is_separated() {
        return Ok(Grants::default());
    }
    match rotation.client.acl_view(&rotation.context).await {
        Ok(view) if !view.complete && planned.acl.is_null() => {
            Err(messages::grants_unknown(&ids.previous))
        }
        Ok(view) => Ok(rotation.grants(&ids.previous, &view)),
        Err(error) => Err(messages::not_rotated(&ids.previous, &error)),
    }
}

/// Frees the next name: from the previous token, if it is still in its overlap, or from a token that
/// a rotation of this resource has left. Any other token of that name is left alone, whatever it
/// looks like.
async fn free_next_slot(
    rotation: &Rotation<'_>,
    ids: &Succession,
    new: &NewToken,
) -> Result<Precheck, Problem> {
    let (client, context) = (rotation.client, &rotation.context);
    let (next, slots) = (&ids.next, &rotation.change.slots);
    // Not from the cache: another run may have rotated the token in the meantime.
    let owner = match client.fetch_user(&next.user, context).await {
        Ok(owner) => owner,
        Err(error) if slots.previous.is_none() => {
            // The credential may create the token without reading it: if the name is not free,
            // the server refuses.
            tracing::info!(%error, "Unable to read the tokens of the owner");
            return Ok(Precheck::Unknown);
        }
        Err(error) => return Err(messages::not_rotated(&ids.previous, &error)),
    };
    let found = owner.and_then(|owner| owner.token(next).cloned());
    let Some(found) = found else {
        return Ok(Precheck::Absent);
    };
    check_ownership(rotation, ids, &found, new)?;
    match client.delete_token(next, context).await {
        Ok(_) => Ok(Precheck::Absent),
        Err(error) => Err(messages::not_rotated(next, &error)),
    }
}

/// Refuses a token under the next name unless the state proves that this resource created it: as
/// the previous token, with the expiry that the state has for it, or in a rotation that is not
/// settled, with the settings of that rotation.
fn check_ownership(
    rotation: &Rotation<'_>,
    ids: &Succession,
    found: &TokenInfo,
    new: &NewToken,
) -> Result<(), Problem> {
    let (next, change) = (&ids.next, &rotation.change);
    if change.slots.previous.as_ref() == Some(next) {
        return match found.expire == change.prior.previous_expiry() {
            true => Ok(()),
            false => Err(messages::previous_changed(next)),
        };
    }
    let expected = NewToken {
        expire: interrupted_expiry(rotation, found).unwrap_or(new.expire),
        ..new.clone()
    };
    let is_ours = change.unsettled == Some(Unsettled::NextToken) && matches(found, &expected);
    is_ours.then_some(()).ok_or_else(|| other_name_taken(next))
}

/// The expiry of a token that an earlier rotation has left, where `expires_in` made it count from
/// that rotation.
fn interrupted_expiry(rotation: &Rotation<'_>, found: &TokenInfo) -> Option<Expiry> {
    let lifetime = rotation.change.planned.lifetime()?;
    let begun = found.expire.date()? - lifetime;
    let since = rotation.change.prior.secret_since();
    let is_plausible = begun <= rotation.change.now && since.is_none_or(|since| since <= begun);
    is_plausible.then_some(found.expire)
}

/// Gives the previous token its expiry.
async fn retire(rotation: &Rotation<'_>, ids: &Succession, rotated: State) -> Outcome {
    let change = &rotation.change;
    let present = match ids.previous == change.slots.live {
        true => change.prior.expiry(),
        false => change.prior.previous_expiry(),
    };
    let with_expiry = |expiry: Expiry| State {
        previous_expires_at: timestamp::attribute(expiry),
        ..rotated
    };
    let overlap = change.planned.overlap().unwrap_or_default();
    let planned = Expiry::At(change.now + overlap);
    if present <= planned {
        return Outcome::done(with_expiry(present));
    }
    let expire = TokenChange {
        expire: Some(planned),
        ..TokenChange::default()
    };
    // Also when Terraform has asked to stop: otherwise the old secret would not expire by itself.
    let (client, context) = (rotation.client, Context::default());
    match client.update_token(&ids.previous, &expire, &context).await {
        Ok(_) => Outcome::done(with_expiry(planned)),
        Err(error) => {
            let problem = messages::previous_without_expiry(&ids.previous, &error);
            Outcome::failed(with_expiry(present), problem)
        }
    }
}
