//! What the ways of a rotation share.

use std::sync::Arc;

use tf_provider::value::Value;

use crate::provider::api_token::acl::Grants;
use crate::provider::api_token::change::Change;
use crate::provider::api_token::model::{Planned, State};
use crate::provider::attributes::timestamp;
use crate::pve::{AclView, CachedClient, Context, Expiry, Owner, Secret, TokenId};

/// A rotation in progress.
pub struct Rotation<'a> {
    pub client: &'a CachedClient,
    pub change: Change,
    /// The owner of the token, where it may be read.
    pub owner: Option<Arc<Owner>>,
    pub context: Context,
}

impl Rotation<'_> {
    /// The expiry of the new secret.
    pub fn expiry(&self) -> Expiry {
        let planned = &self.change.planned;
        match planned.lifetime() {
            Some(lifetime) => Expiry::At(self.change.now + lifetime),
            None => planned.expiration_date().into(),
        }
    }

    /// The planned state with the expiry of the new secret.
    pub fn planned(&self) -> Planned {
        let planned = self.change.planned.clone();
        planned.with_expiry(self.expiry(), self.owner.as_deref())
    }

    /// The state with the new secret.
    pub fn rotated(&self, token: &TokenId, secret: Secret, method: &str) -> State {
        let planned = self.planned();
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
    pub fn grants(&self, token: &TokenId, view: &AclView) -> Grants {
        let Change { prior, planned, .. } = &self.change;
        let declared = Grants::declared(&planned.acl);
        if planned.is_acl_exclusive() {
            return declared;
        }
        // Grants that were declared before and no longer are do not belong to others.
        let given_up = match planned.acl.is_null() {
            true => Grants::default(),
            false => Grants::declared(&prior.acl).with(&self.change.released),
        };
        Grants::on_server(view, token)
            .without(&given_up)
            .with(&declared)
    }
}
