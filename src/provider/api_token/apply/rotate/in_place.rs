//! A new secret in place: one request, which keeps the id, the grants and the settings.
//!
//! The server writes the secret before the settings, so after an answer that was lost the old
//! secret may be dead already. Such a request is never repeated before the old secret has shown
//! whether it still works.

use tf_provider::{AttributePath, Diagnostics};

use crate::framework::Report;
use crate::provider::api_token::apply::grants::Held;
use crate::provider::api_token::apply::mint::Minted;
use crate::provider::api_token::apply::rotate::{Rotation, UNABLE, recreate, still_works};
use crate::provider::api_token::apply::{
    UNABLE_TO_SCOPE, change_between, changes_of_acl, scope_of, settle_previous,
};
use crate::provider::api_token::model::State;
use crate::provider::attributes::timestamp;
use crate::provider::diagnostics::explain;
use crate::pve::{Context, CreatedToken, Error, TokenChange};

const METHOD: &str = "regenerate";

pub async fn run(rotation: Rotation<'_>, diags: &mut Diagnostics) -> State {
    let Rotation {
        client,
        live,
        prior,
        planned,
        context,
        ..
    } = &rotation;
    let changes = changes_of_acl(prior, planned);
    let mut held = Held::from(&prior.acl);
    if let Err(error) = held.grant(client, live, &changes.add, context).await {
        explain(UNABLE_TO_SCOPE, &live.to_string(), &error, diags);
        return unfinished(&rotation, &held);
    }
    let wanted = State {
        expires_at: timestamp::attribute(rotation.end()),
        ..planned.clone()
    };
    let change = change_between(prior, &wanted).unwrap_or_default();
    let created = match client.regenerate_token(live, &change, context).await {
        Err(error) if error.is_unknown_parameter("regenerate") => {
            return recreate::run(rotation, diags).await;
        }
        Err(error) if error.may_have_taken_effect() => {
            investigate(&rotation, &change, &error, diags).await
        }
        Err(error) => {
            explain(UNABLE, &live.to_string(), &error, diags);
            None
        }
        Ok(created) => Some(created),
    };
    let Some(created) = created else {
        return unfinished(&rotation, &held);
    };
    let minted = Minted {
        secret: Some(created.secret),
    };
    let done = rotation.done(live, minted, METHOD);
    if let Err(error) = held.revoke(client, live, &changes.remove, context).await {
        explain(UNABLE_TO_SCOPE, &live.to_string(), &error, diags);
        let acl = scope_of(&held, prior, &done);
        return State { acl, ..done };
    }
    settle_previous(client, prior, done, context, diags).await
}

/// The state as it was, so that the rotation stays due, but for the grants that were made.
fn unfinished(rotation: &Rotation<'_>, held: &Held) -> State {
    State {
        acl: scope_of(held, &rotation.prior, &rotation.planned),
        ..rotation.prior.clone()
    }
}

/// Finds out by the old secret what became of a request whose answer was lost, and asks for
/// another secret if that one is dead.
async fn investigate(
    rotation: &Rotation<'_>,
    change: &TokenChange,
    lost: &Error,
    diags: &mut Diagnostics,
) -> Option<CreatedToken> {
    let (client, live) = (rotation.client, &rotation.live);
    let story = match still_works(client, rotation.prior.api_token()).await {
        Some(false) => match client
            .regenerate_token(live, change, &Context::default())
            .await
        {
            Ok(created) => {
                diags.warn(
                    "The answer to a rotation was lost",
                    format!(
                        "{live}: {lost}. The old secret did not work any more, so the token was \
                         given another new one."
                    ),
                    AttributePath::root(),
                );
                return Some(created);
            }
            Err(error) => format!(
                "The old secret does not work any more, and another new one could not be had: \
                 {error}. Until the next apply, which rotates again, nothing can log in with it"
            ),
        },
        Some(true) => "The old secret still works; the next apply rotates again".to_owned(),
        None => {
            "Whether the old secret still works could not be found out; the next apply rotates \
                 again"
                .to_owned()
        }
    };
    diags.fail(
        UNABLE,
        format!("{live}: {lost}. {story}."),
        AttributePath::root(),
    );
    None
}
