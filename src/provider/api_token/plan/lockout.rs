//! Keeping the provider from cutting the branch that it sits on.
//!
//! The token that a provider configuration works with can be managed by that same configuration.
//! What would lock the next run out is refused, unless the state says that it is meant.

use tf_provider::Diagnostics;
use tf_provider::value::Value;

use crate::framework::Report;
use crate::provider::api_token::acl;
use crate::provider::api_token::acl::Grant;
use crate::provider::api_token::apply::changes_of_acl;
use crate::provider::api_token::model::State;
use crate::provider::attributes::duration;
use crate::provider::clients::{Connections, Revocation};
use crate::pve::{Secret, TokenId};

const REVOKED: &str = "would be revoked";

/// An end that is nearer than this, in seconds, may come before the next run.
const SOON: i64 = 24 * 60 * 60;

/// A planned change, as far as it matters here.
pub struct Change<'a> {
    pub prior: &'a State,
    pub planned: &'a State,
    /// Whether the token is revoked and another one made.
    pub replaced: bool,
    /// Whether the token in use was removed outside, so that the one before it stays.
    pub live_is_gone: bool,
    /// When the refresh looked, in epoch seconds.
    pub now: i64,
}

/// Refuses a planned change of the provider's own token that the next run would not survive.
pub fn refuse_change(connections: &Connections, change: &Change<'_>, diags: &mut Diagnostics) {
    let (prior, planned) = (change.prior, change.planned);
    if let Some(harm) = change.harm() {
        refuse(connections, prior, prior.live(), planned, harm, diags);
    }
    // During an overlap the provider may still work with the one before.
    let moves_on = planned.previous_token_id != prior.previous_token_id && !change.live_is_gone;
    if moves_on || change.revokes() {
        let before = prior.previous();
        refuse(connections, prior, before, planned, REVOKED, diags);
    }
}

/// The revocation of a token, with the one before it.
pub fn revocation(prior: &State) -> Revocation {
    let tokens = [prior.live(), prior.previous()].into_iter().flatten();
    Revocation {
        tokens: tokens
            .map(|token| {
                let secret = secret_of(prior, &token);
                (token, secret)
            })
            .collect(),
        allow_self_lockout: prior.allow_self_lockout == Value::Value(true),
    }
}

fn secret_of(prior: &State, token: &TokenId) -> Option<Secret> {
    let stored = prior.api_token().filter(|stored| stored.id == *token);
    stored.map(|stored| stored.secret)
}

impl Change<'_> {
    fn revokes(&self) -> bool {
        self.replaced && self.prior.revoke_on_destroy != Value::Value(false)
    }

    /// What a change takes from whoever works with the token.
    fn harm(&self) -> Option<&'static str> {
        let (prior, planned) = (self.prior, self.planned);
        let rotates = planned.rotated_at.is_unknown();
        if self.revokes() {
            Some("would be revoked, to be made anew with another secret")
        } else if rotates && planned.overlap().is_none() {
            Some("would get another secret, while the next run still has the old one")
        } else if !rotates && self.ends_soon() {
            Some("would expire within a day")
        } else if !prior.is_separated() && planned.is_separated() {
            Some("would lose the privileges of its owner and keep only those that `acl` grants")
        } else if self.narrows() {
            Some("would lose privileges that `acl` grants it")
        } else {
            None
        }
    }

    /// Whether a token that is not rotated gets an end that is near.
    fn ends_soon(&self) -> bool {
        let (prior, planned) = (self.prior, self.planned);
        let lifetime = duration::seconds(&planned.expires_in);
        match &planned.expires_at {
            Value::Null => false,
            Value::Unknown => lifetime.is_some_and(|lifetime| lifetime <= SOON),
            Value::Value(_) => {
                let soon = |end: i64| end <= self.now.saturating_add(SOON);
                planned.end() != prior.end() && planned.end().is_some_and(soon)
            }
        }
    }

    fn narrows(&self) -> bool {
        let changes = changes_of_acl(self.prior, self.planned);
        let held = acl::grants(&self.prior.acl);
        let was_wider = |grant: &Grant| {
            let wider = Grant {
                propagate: true,
                ..grant.clone()
            };
            !grant.propagate && held.contains(&wider)
        };
        !changes.remove.is_empty() || changes.add.iter().any(was_wider)
    }
}

fn refuse(
    connections: &Connections,
    prior: &State,
    token: Option<TokenId>,
    allowing: &State,
    harm: &str,
    diags: &mut Diagnostics,
) {
    let Some(token) = token else {
        return;
    };
    if allowing.allow_self_lockout == Value::Value(true) {
        return;
    }
    let secret = secret_of(prior, &token);
    let reason = format!("it {harm}");
    let checked = connections.check_lockout(&prior.cluster, &token, secret.as_ref(), &reason);
    if let Err(problem) = checked {
        diags.problem(problem);
    }
}
