//! A new secret in place: one request, which keeps the id, the grants and the settings.
//!
//! The server writes the secret before the settings, so when the response is lost, the old secret
//! may no longer work. Such a request is never repeated before the old secret has been tried.

use crate::framework::{Problem, keep};
use crate::provider::api_token::acl::Grants;
use crate::provider::api_token::apply::grants::grants_diff;
use crate::provider::api_token::apply::messages::not_granted;
use crate::provider::api_token::apply::outcome::Outcome;
use crate::provider::api_token::apply::revoke::retire_previous;
use crate::provider::api_token::apply::rotate::in_progress::Rotation;
use crate::provider::api_token::apply::rotate::messages::{self, LostRotation};
use crate::provider::api_token::apply::rotate::recreate;
use crate::provider::api_token::apply::verify;
use crate::provider::api_token::change::settings_diff;
use crate::provider::api_token::model::State;
use crate::provider::api_token::private_state::Unsettled;
use crate::pve::{Context, Error, Secret, TokenChange};

const METHOD: &str = "regenerate";

/// Replaces the secret of the token in use. Where the server cannot, the token is recreated.
pub async fn run(rotation: &Rotation<'_>) -> Outcome {
    let live = &rotation.change.slots.live;
    let is_replaced = is_replaced(rotation).await;
    if is_replaced && !rotation.change.is_requested() {
        let problem = messages::replaced_meanwhile(live);
        return Outcome::failed(rotation.change.prior.clone(), problem);
    }
    let rotated = regenerate(rotation).await;
    let is_done = rotated.problems.is_empty();
    rotated.with_warning((is_replaced && is_done).then(|| messages::was_replaced(live)))
}

/// Whether the token is valid and has another secret than the stored one. The rotation of a secret
/// whose replacement may be on its way, or is known, replaces it in any case.
async fn is_replaced(rotation: &Rotation<'_>) -> bool {
    let change = &rotation.change;
    let stored = change.prior.credential(&change.slots.live);
    let (Some(stored), Some(owner)) = (stored, &rotation.owner) else {
        return false;
    };
    if change.unsettled == Some(Unsettled::Secret) {
        return false;
    }
    let rejection = verify::rejection(rotation.client, stored, owner, &rotation.context).await;
    rejection.is_ok_and(|reason| reason.as_ref().is_some_and(verify::is_replaced))
}

async fn regenerate(rotation: &Rotation<'_>) -> Outcome {
    let Rotation {
        client,
        change,
        context,
        ..
    } = rotation;
    let live = &change.slots.live;
    let diff = grants_diff(client, change, context).await;
    let mut held = Grants::declared(&change.prior.acl);
    let missing = match held
        .write_possible(&diff.write, client, live, context)
        .await
    {
        Ok(missing) => missing.map(|error| not_granted(live, &error)),
        Err(error) => return Outcome::failed(change.unfinished(&held), not_granted(live, &error)),
    };
    let planned = rotation.planned();
    let settings = settings_diff(&change.prior, &planned).unwrap_or_default();
    let (secret, warning) = match client.regenerate_token(live, &settings, context).await {
        Ok(created) => (created.secret, None),
        Err(error) if error.is_unknown_parameter("regenerate") => {
            return recreate::run(rotation, change.unfinished(&held)).await;
        }
        Err(error) if error.may_have_taken_effect() => {
            match investigate(rotation, &settings, &error).await {
                Ok((secret, warning)) => (secret, Some(warning)),
                Err(problem) => {
                    return Outcome::failed(change.unfinished(&held), problem)
                        .with_unsettled(Some(Unsettled::Secret));
                }
            }
        }
        Err(error) => {
            let problem = messages::not_rotated(live, &error);
            return Outcome::failed(change.unfinished(&held), problem);
        }
    };
    let rotated = rotation.rotated(live, secret, METHOD);
    keep(&rotated);
    if let Err(error) = held.revoke(&diff.remove, client, live, context).await {
        let acl = change.acl_with(&held);
        let problem = not_granted(live, &error);
        return Outcome::failed(State { acl, ..rotated }, problem).with_warning(warning);
    }
    let left_out = missing.map(|problem| (change.acl_with(&held), problem));
    retire_previous(client, change, rotated, context)
        .await
        .with_warning(warning)
        .with_left_out(left_out)
}

/// Finds out with the old secret whether a request whose response was lost took effect, and
/// requests another secret if it did. After an error it is not settled which secret will work: a
/// daemon that hangs carries out the request when it continues
/// (recording `552-pvedaemon-hung-regenerate`).
async fn investigate(
    rotation: &Rotation<'_>,
    settings: &TokenChange,
    lost: &Error,
) -> Result<(Secret, Problem), Problem> {
    let (client, live) = (rotation.client, &rotation.change.slots.live);
    // Also when Terraform has asked to stop: which secret works must be known.
    let context = Context::default();
    let works = match rotation.change.prior.credential(live) {
        Some(old) => verify::works(client, old, &context).await.ok(),
        None => None,
    };
    let outcome = match works {
        Some(true) => LostRotation::OldSecretWorks,
        None => LostRotation::Unverified,
        Some(false) => {
            let again = client.regenerate_token(live, settings, &context).await;
            match again {
                Ok(created) => {
                    let warning = messages::no_response_to_rotation(live, lost);
                    return Ok((created.secret, warning));
                }
                Err(error) => {
                    let outcome = LostRotation::OldSecretDead(&error);
                    return Err(messages::rotation_lost(live, lost, &outcome));
                }
            }
        }
    };
    Err(messages::rotation_lost(live, lost, &outcome))
}
