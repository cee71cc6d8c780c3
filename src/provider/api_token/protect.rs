//! Keeping the provider from cutting the branch that it sits on.
//!
//! The token that a provider configuration works with can be managed by that same configuration.
//! What would lock the next run out is refused, unless the state says that it is meant.

use tf_provider::{AttributePath, Diagnostics, value::Value};

use super::{
    acl::{self, Grant},
    life::changes_of_acl,
    state::State,
};
use crate::{
    framework::Report,
    provider::{connection::Connections, duration},
    pve::TokenId,
};

const SUMMARY: &str = "Provider would lock itself out";

/// Refuses a planned change of the provider's own token that the next run would not survive.
pub fn refuse_change(
    connections: &Connections,
    prior: &State,
    planned: &State,
    replaced: bool,
    diags: &mut Diagnostics,
) {
    if let Some(harm) = harm(prior, planned, replaced) {
        refuse(connections, prior, prior.live(), planned, harm, diags);
    }
    // During an overlap the provider may still work with the one before.
    if planned.previous_token_id != prior.previous_token_id {
        let before = prior.previous();
        refuse(
            connections,
            prior,
            before,
            planned,
            "would be revoked",
            diags,
        );
    }
}

/// Refuses to revoke the provider's own token. `false` after a refusal.
pub fn refuse_revocation(
    connections: &Connections,
    prior: &State,
    diags: &mut Diagnostics,
) -> bool {
    let errors = diags.errors.len();
    if prior.revoke_on_destroy != Value::Value(false) {
        for token in [prior.live(), prior.previous()] {
            refuse(connections, prior, token, prior, "would be revoked", diags);
        }
    }
    diags.errors.len() == errors
}

/// What a change takes from whoever works with the token.
fn harm(prior: &State, planned: &State, replaced: bool) -> Option<&'static str> {
    let rotated = planned.rotated_at.is_unknown() && planned.overlap().is_none();
    let changes = changes_of_acl(prior, planned);
    let held = acl::grants(&prior.acl);
    let was_wider = |grant: &Grant| {
        let wider = Grant {
            propagate: true,
            ..grant.clone()
        };
        !grant.propagate && held.contains(&wider)
    };
    let narrowed = !changes.remove.is_empty() || changes.add.iter().any(was_wider);
    let sooner = !planned.rotated_at.is_unknown() && ends_sooner(prior, planned);
    let separated = !prior.is_separated() && planned.is_separated();
    if replaced && prior.revoke_on_destroy != Value::Value(false) {
        Some("would be revoked, to be made anew with another secret")
    } else if rotated {
        Some("would get another secret, while the next run still has the old one")
    } else if sooner {
        Some("would expire sooner than it does now")
    } else if separated {
        Some("would lose the privileges of its owner and keep only those that `acl` grants")
    } else if narrowed {
        Some("would lose privileges that `acl` grants it")
    } else {
        None
    }
}

/// Whether a token that is not rotated gets an end, or an earlier one.
fn ends_sooner(prior: &State, planned: &State) -> bool {
    let lifetime = |state: &State| duration::seconds(&state.expires_in);
    match (prior.end(), &planned.expires_at) {
        (_, Value::Null) => false,
        (None, _) => prior.expires_at.is_null(),
        (Some(end), Value::Value(_)) => planned.end().is_some_and(|planned| planned < end),
        (Some(_), Value::Unknown) => lifetime(planned) < lifetime(prior),
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
    let stored = prior.api_token().filter(|stored| stored.id == token);
    let secret = stored.as_ref().map(|stored| &stored.secret);
    let Some(place) = connections.own_credential(&prior.cluster, &token, secret) else {
        return;
    };
    diags.fail(
        SUMMARY,
        format!(
            "{token} is the token that the provider itself works with ({place}), and it {harm}. \
             Let the provider work with another credential first, or rotate with `overlap`; if \
             this is meant, set `allow_self_lockout` to true, and before a destroy apply that."
        ),
        AttributePath::new("allow_self_lockout"),
    );
}
