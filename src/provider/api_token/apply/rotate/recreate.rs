//! A new secret by revoking the token and creating it again, for servers that cannot do it in
//! place.
//!
//! Revoking a token removes its grants, also those that others gave it, so nothing begins before
//! all of them have been read and are known to be writable.

use tf_provider::value::Value;

use crate::framework::{Problem, keep};
use crate::provider::api_token::acl::Grants;
use crate::provider::api_token::apply::messages::{Purpose, not_granted};
use crate::provider::api_token::apply::mint::{Creation, Precheck, mint};
use crate::provider::api_token::apply::outcome::Outcome;
use crate::provider::api_token::apply::revoke::retire_previous;
use crate::provider::api_token::apply::rotate::in_progress::Rotation;
use crate::provider::api_token::apply::rotate::messages;
use crate::provider::api_token::model::State;
use crate::provider::api_token::plan::rotation::cannot_regenerate;

const METHOD: &str = "recreate";

/// Revokes the token in use and creates it again. `present` is its state before that.
pub async fn run(rotation: &Rotation<'_>, present: State) -> Outcome {
    match revoke(rotation).await {
        Ok(grants) => create_again(rotation, &grants).await,
        Err(problem) => Outcome::failed(present, problem),
    }
}

/// Revokes the token and returns the grants to restore. After an error the token is as it was.
async fn revoke(rotation: &Rotation<'_>) -> Result<Grants, Problem> {
    let live = &rotation.change.slots.live;
    if rotation.change.planned.allow_recreate != Value::Value(true) {
        return Err(cannot_regenerate(live));
    }
    let grants = restorable_grants(rotation).await?;
    match rotation.client.delete_token(live, &rotation.context).await {
        Ok(_) => Ok(grants),
        // Also when it may have taken effect: then the next refresh finds the token gone.
        Err(error) => Err(messages::not_rotated(live, &error)),
    }
}

/// The grants to restore; an error when one of them could not be.
async fn restorable_grants(rotation: &Rotation<'_>) -> Result<Grants, Problem> {
    let (client, context) = (rotation.client, &rotation.context);
    let live = &rotation.change.slots.live;
    let view = match client.acl_view(context).await {
        Ok(view) if view.complete => view,
        Ok(_) => return Err(messages::grants_unreadable(live)),
        Err(error) => return Err(messages::not_rotated(live, &error)),
    };
    let grants = rotation.grants(live, &view);
    for grant in grants.iter() {
        let (path, role) = (grant.path(), grant.role());
        let privileges = client.permissions(path, context).await;
        if !privileges.is_ok_and(|privileges| privileges.contains("Permissions.Modify")) {
            return Err(messages::grant_not_restorable(live, role, path));
        }
    }
    Ok(grants)
}

/// Creates the token that was revoked. Without a new secret the rotation stays due.
async fn create_again(rotation: &Rotation<'_>, grants: &Grants) -> Outcome {
    let Rotation {
        client,
        change,
        context,
        ..
    } = rotation;
    let live = &change.slots.live;
    let new = change.planned.new_token(rotation.expiry());
    let (precheck, purpose) = (Precheck::Absent, Purpose::Recreation);
    let (secret, warning) = match mint(client, live, &new, precheck, purpose, context).await {
        Ok(Creation::Ready(secret, warning)) => (secret, warning),
        Ok(Creation::SecretLost(problem)) | Err(problem) => {
            return Outcome::failed(change.prior.clone().without_secret(), problem)
                .with_problem(messages::recreation_incomplete(live, grants));
        }
    };
    let rotated = rotation.rotated(live, secret, METHOD);
    keep(&rotated);
    let mut held = Grants::default();
    if let Err(error) = held.write(grants, client, live, context).await {
        let acl = held.attribute_of(&rotated.acl);
        return Outcome::failed(State { acl, ..rotated }, not_granted(live, &error))
            .with_problem(messages::recreation_incomplete(live, grants))
            .with_warning(warning);
    }
    retire_previous(client, change, rotated, context)
        .await
        .with_warning(warning)
}
