//! A new secret in place: one request, which keeps the id, the grants and the settings.
//!
//! The server writes the secret before the settings, so when the response is lost, the old secret
//! may no longer work. Such a request is never repeated before the old secret has been tried.

use crate::framework::Problem;
use crate::provider::api_token::acl::Grants;
use crate::provider::api_token::apply::messages::not_granted;
use crate::provider::api_token::apply::outcome::Outcome;
use crate::provider::api_token::apply::revoke::retire_previous;
use crate::provider::api_token::apply::rotate::in_progress::Rotation;
use crate::provider::api_token::apply::rotate::messages::{self, LostRotation};
use crate::provider::api_token::apply::rotate::recreate;
use crate::provider::api_token::change::settings_diff;
use crate::provider::api_token::model::State;
use crate::pve::{ApiToken, CachedClient, Context, Error, ErrorKind, Secret, TokenChange};

const METHOD: &str = "regenerate";

/// Replaces the secret of the token in use. Where the server cannot, the token is recreated.
pub async fn run(rotation: &Rotation<'_>) -> Outcome {
    let Rotation {
        client,
        change,
        context,
    } = rotation;
    let live = &change.slots.live;
    let diff = change.grants_diff();
    let mut held = Grants::declared(&change.prior.acl);
    if let Err(error) = held.write(&diff.write, client, live, context).await {
        return Outcome::failed(change.unfinished(&held), not_granted(live, &error));
    }
    let planned = change.planned.clone().with_expiry(rotation.expiry());
    let settings = settings_diff(&change.prior, &planned).unwrap_or_default();
    let regenerated = match client.regenerate_token(live, &settings, context).await {
        Ok(created) => Ok((created.secret, None)),
        Err(error) if error.is_unknown_parameter("regenerate") => {
            return recreate::run(rotation, change.unfinished(&held)).await;
        }
        Err(error) if error.may_have_taken_effect() => {
            investigate(rotation, &settings, &error).await
        }
        Err(error) => Err(messages::not_rotated(live, &error)),
    };
    let (secret, warning) = match regenerated {
        Ok(regenerated) => regenerated,
        Err(problem) => return Outcome::failed(change.unfinished(&held), problem),
    };
    let rotated = rotation.rotated(live, secret, METHOD);
    if let Err(error) = held.revoke(&diff.remove, client, live, context).await {
        let acl = change.acl_with(&held);
        let problem = not_granted(live, &error);
        return Outcome::failed(State { acl, ..rotated }, problem).with_warning(warning);
    }
    retire_previous(client, change, rotated, context)
        .await
        .with_warning(warning)
}

/// Finds out with the old secret whether a request whose response was lost took effect, and
/// requests another secret if it did.
async fn investigate(
    rotation: &Rotation<'_>,
    settings: &TokenChange,
    lost: &Error,
) -> Result<(Secret, Option<Problem>), Problem> {
    let (client, live) = (rotation.client, &rotation.change.slots.live);
    let old = rotation.change.prior.credential(live);
    match still_works(client, old).await {
        Some(true) => Err(messages::rotation_lost(
            live,
            lost,
            &LostRotation::OldSecretWorks,
        )),
        None => Err(messages::rotation_lost(
            live,
            lost,
            &LostRotation::Unverified,
        )),
        Some(false) => {
            let again = client
                .regenerate_token(live, settings, &Context::default())
                .await;
            match again {
                Ok(created) => {
                    let warning = messages::no_response_to_rotation(live, lost);
                    Ok((created.secret, Some(warning)))
                }
                Err(error) => {
                    let outcome = LostRotation::OldSecretDead(&error);
                    Err(messages::rotation_lost(live, lost, &outcome))
                }
            }
        }
    }
}

/// Whether a secret can be used to log in; `None` where that could not be found out.
async fn still_works(client: &CachedClient, credential: Option<ApiToken>) -> Option<bool> {
    // Also when Terraform has asked to stop: which secret works must be known.
    let context = Context::default();
    match client.with_token(credential?).version(&context).await {
        Ok(_) => Some(true),
        Err(Error {
            kind: ErrorKind::Unauthenticated { .. },
            ..
        }) => Some(false),
        Err(_) => None,
    }
}
