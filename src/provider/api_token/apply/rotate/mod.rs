//! Rotation: a new secret for a token, in one of three ways.
//!
//! In place (`regenerate`) where the server can; by a second token under the other of two names
//! (`alternate`) where an overlap is configured, so that there is no moment without a working
//! secret; by revoking the token and creating it again (`recreate`) where neither is possible and
//! the configuration allows it. Whatever fails half-way, the state names what exists, and an
//! unfinished rotation stays due, so that the next apply finishes it.

mod alternate;
mod in_place;
mod messages;
mod recreate;

use tf_provider::value::Value;

use crate::provider::api_token::acl::Grants;
use crate::provider::api_token::apply::outcome::Outcome;
use crate::provider::api_token::change::Change;
use crate::provider::api_token::model::State;
use crate::provider::attributes::timestamp;
use crate::provider::clients::call_within;
use crate::pve::{AclView, Client, Context, Expiry, Secret, TokenId};

/// Replaces the secret of a token as planned.
pub async fn rotate(client: &Client, mut change: Change) -> Outcome {
    let context = call_within(change.planned.timeout("update"));
    let live = &change.slots.live;
    // The response also tells the server's clock, from which the new expiry counts.
    if let Ok(None) = client.user(&live.user, &context).await {
        let problem = messages::owner_gone(live);
        return Outcome::failed(change.prior, problem);
    }
    change.now = client.server_now().into();
    let rotation = Rotation {
        client,
        change,
        context,
    };
    match rotation.change.alternates() {
        true => alternate::run(&rotation).await,
        false => in_place::run(&rotation).await,
    }
}

/// A rotation in progress.
struct Rotation<'a> {
    client: &'a Client,
    change: Change,
    context: Context,
}

impl Rotation<'_> {
    /// The expiry of the new secret.
    fn expiry(&self) -> Expiry {
        let planned = &self.change.planned;
        match planned.lifetime() {
            Some(lifetime) => Expiry::At(self.change.now + lifetime),
            None => planned.expiration_date().into(),
        }
    }

    /// The state with the new secret.
    fn rotated(&self, token: &TokenId, secret: Secret, method: &str) -> State {
        let planned = self.change.planned.clone().with_expiry(self.expiry());
        let state = State {
            rotated_at: timestamp::attribute(self.change.now),
            rotation_method: Value::Value(method.to_owned()),
            ..planned.0.with_secret(token, secret)
        };
        self.continue_with(token, &state);
        state
    }

    /// For the rest of the run, the provider logs in with the new secret where it has replaced its
    /// own.
    fn continue_with(&self, token: &TokenId, state: &State) {
        let own = &self.client.settings().credentials;
        if own.identity() == Some(token.to_string())
            && let Some(credential) = state.credential(token)
        {
            self.client.continue_with(credential);
        }
    }

    /// Every grant of the new token: those that are declared, and those that others gave `token`,
    /// which its successor must not lack.
    fn grants(&self, token: &TokenId, view: &AclView) -> Grants {
        let Change { prior, planned, .. } = &self.change;
        let declared = Grants::declared(&planned.acl);
        // Grants that were declared before and no longer are do not belong to others.
        let given_up = match planned.acl.is_null() {
            true => Grants::default(),
            false => Grants::declared(&prior.acl),
        };
        Grants::on_server(view, token)
            .without(&given_up)
            .with(&declared)
    }
}
