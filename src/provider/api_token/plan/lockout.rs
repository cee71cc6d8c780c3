//! Protection of the provider's own credential.
//!
//! The token that a provider configuration logs in with can be managed by that same configuration.
//! A change that would lock the next run out is refused, unless `allow_self_lockout` permits it.

use std::fmt;
use std::time::Duration;

use tf_provider::value::Value;

use crate::framework::Problem;
use crate::provider::api_token::acl::Grants;
use crate::provider::api_token::change::Change;
use crate::provider::api_token::model::State;
use crate::provider::api_token::slots::Slots;
use crate::provider::clients::{Connections, Revocation};
use crate::pve::{Expiry, Secret, TokenId};

/// An expiry that is nearer than this may come before the next run.
const NEAR: Duration = Duration::from_secs(24 * 60 * 60);

/// Why a change locks out a provider that logs in with the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reason {
    Revoked,
    Replaced,
    SecretReplaced,
    ExpiresSoon,
    Separated,
    GrantsRemoved,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Revoked => "it would be revoked",
            Self::Replaced => "it would be revoked and replaced by a token with another secret",
            Self::SecretReplaced => {
                "it would get another secret, while the next run still has the old one"
            }
            Self::ExpiresSoon => "it would expire within a day",
            Self::Separated => {
                "it would lose the privileges of its owner and keep only those that `acl` grants"
            }
            Self::GrantsRemoved => "it would lose privileges that `acl` grants it",
        })
    }
}

/// Refuses a change of the provider's own token that would lock the next run out.
pub fn check_change(connections: &Connections, change: &Change) -> Result<(), Problem> {
    let Change {
        prior,
        planned,
        slots,
        ..
    } = change;
    if planned.allow_self_lockout == Value::Value(true) {
        return Ok(());
    }
    if let Some(reason) = reason(change) {
        refuse(connections, prior, slots, &slots.live, reason)?;
    }
    // During an overlap the provider may still log in with the previous token.
    let is_removed = planned.previous_token_id != prior.previous_token_id && !change.live_is_gone();
    match &slots.previous {
        Some(previous) if is_removed || is_revoked(change) => {
            refuse(connections, prior, slots, previous, Reason::Revoked)
        }
        _ => Ok(()),
    }
}

/// The revocation of a token, with the previous one.
pub fn revocation(prior: &State, slots: &Slots) -> Revocation {
    let tokens = slots.existing().map(|token| {
        let secret = secret_of(prior, slots, token);
        (token.clone(), secret)
    });
    Revocation {
        tokens: tokens.collect(),
        allow_self_lockout: prior.allow_self_lockout == Value::Value(true),
    }
}

/// Whether the change replaces the token, and revokes it thereby.
fn is_revoked(change: &Change) -> bool {
    !change.requires_replacement().is_empty() && change.prior.is_revoked_on_destroy()
}

fn reason(change: &Change) -> Option<Reason> {
    let (prior, planned) = (&change.prior, &change.planned);
    let rotates = change.rotation.is_some();
    if is_revoked(change) {
        Some(Reason::Replaced)
    } else if rotates && planned.overlap().is_none() {
        Some(Reason::SecretReplaced)
    } else if !rotates && expires_soon(change) {
        Some(Reason::ExpiresSoon)
    } else if !prior.is_separated() && planned.is_separated() {
        Some(Reason::Separated)
    } else if loses_grants(change) {
        Some(Reason::GrantsRemoved)
    } else {
        None
    }
}

/// Whether a change without a rotation gives the token an expiry that is near.
fn expires_soon(change: &Change) -> bool {
    let (prior, planned) = (&change.prior, &change.planned);
    match &planned.expires_at {
        Value::Null => false,
        Value::Unknown => planned.lifetime().is_some_and(|lifetime| lifetime <= NEAR),
        Value::Value(_) => {
            let expiry = planned.expiry();
            expiry != prior.expiry() && expiry <= Expiry::At(change.now + NEAR)
        }
    }
}

fn loses_grants(change: &Change) -> bool {
    let acl = &change.planned.acl;
    !acl.is_null() && !Grants::declared(acl).covers(&Grants::declared(&change.prior.acl))
}

/// Refuses a change of `token` if it is the provider's own credential.
fn refuse(
    connections: &Connections,
    prior: &State,
    slots: &Slots,
    token: &TokenId,
    reason: Reason,
) -> Result<(), Problem> {
    let secret = secret_of(prior, slots, token);
    connections.check_lockout(&prior.cluster, token, secret.as_ref(), &reason.to_string())
}

fn secret_of(prior: &State, slots: &Slots, token: &TokenId) -> Option<Secret> {
    let stored = prior
        .credential(token)
        .filter(|stored| stored.id == slots.live);
    stored.map(|stored| stored.secret)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::api_token::acl::AclEntry;
    use crate::provider::api_token::model::Planned;
    use crate::provider::api_token::private_state::RotationCause;
    use crate::provider::attributes::timestamp;
    use crate::pve::Timestamp;

    const NOW: Timestamp = Timestamp::from_unix(1_790_000_000);

    fn state() -> State {
        let entry = AclEntry {
            path: Value::Value("/vms".into()),
            role: Value::Value("PVEAuditor".into()),
            propagate: Value::Null,
        };
        State {
            user_id: Value::Value("demo@pve".into()),
            token_name: Value::Value("ci".into()),
            acl: Value::Value(vec![Value::Value(entry)]),
            ..State::default().with_defaults()
        }
    }

    fn reason_for(planned: State, rotation: Option<RotationCause>) -> Option<Reason> {
        let prior = state();
        reason(&Change {
            slots: Slots::of(&prior).unwrap(),
            prior,
            planned: Planned(planned),
            now: NOW,
            rotation,
            unsettled: None,
            released: Grants::default(),
        })
    }

    #[test]
    fn a_change_that_takes_nothing_away_locks_nobody_out() {
        assert_eq!(reason_for(state(), None), None);
        let unmanaged = State {
            acl: Value::Null,
            ..state()
        };
        assert_eq!(reason_for(unmanaged, None), None);
    }

    #[test]
    fn a_replacement_locks_out() {
        let renamed = State {
            token_name: Value::Value("cd".into()),
            ..state()
        };
        assert_eq!(reason_for(renamed, None), Some(Reason::Replaced));
    }

    #[test]
    fn a_rotation_without_overlap_locks_out() {
        let rotated = reason_for(state(), Some(RotationCause::Age));
        assert_eq!(rotated, Some(Reason::SecretReplaced));
    }

    #[test]
    fn an_expiry_within_a_day_locks_out() {
        let expiring = |date: Timestamp| State {
            expires_at: timestamp::attribute(date),
            ..state()
        };
        let soon = reason_for(expiring(NOW + NEAR), None);
        assert_eq!(soon, Some(Reason::ExpiresSoon));
        let later = NOW + NEAR + Duration::from_secs(1);
        assert_eq!(reason_for(expiring(later), None), None);
    }

    #[test]
    fn fewer_grants_lock_out() {
        let none = State {
            acl: Value::Value(Vec::new()),
            ..state()
        };
        assert_eq!(reason_for(none, None), Some(Reason::GrantsRemoved));
    }
}
