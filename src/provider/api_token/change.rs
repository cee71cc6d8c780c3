//! One change of a token that exists: what the plan decides, its checks examine and apply makes.

use tf_provider::AttributePath;

use crate::provider::api_token::acl::{Acl, Grants, GrantsDiff};
use crate::provider::api_token::model::{Planned, State};
use crate::provider::api_token::private_state::{RotationCause, Unsettled};
use crate::provider::api_token::slots::Slots;
use crate::pve::{Timestamp, TokenChange};

/// A change of a token.
#[derive(Clone, Debug)]
pub struct Change {
    /// The state before the change.
    pub prior: State,
    /// The planned state.
    pub planned: Planned,
    /// The token ids of `prior`.
    pub slots: Slots,
    /// The time of the change on the server's clock.
    pub now: Timestamp,
    /// Why the secret is rotated; `None` where it stays.
    pub rotation: Option<RotationCause>,
    /// The earlier write whose outcome is not known.
    pub unsettled: Option<Unsettled>,
    /// The grants that `acl` declared before it was removed from the configuration.
    pub released: Grants,
}

impl Change {
    /// The attributes whose change forces a new token.
    pub fn requires_replacement(&self) -> Vec<AttributePath> {
        requires_replacement(&self.prior, &self.planned)
    }

    /// Whether the rotation creates a token under the second name, rather than replacing the
    /// secret of the token in use.
    pub fn alternates(&self) -> bool {
        self.planned.overlap().is_some() || self.live_is_gone()
    }

    /// Whether the token in use was removed, so that only its predecessor is left.
    pub fn live_is_gone(&self) -> bool {
        self.rotation == Some(RotationCause::LiveTokenGone)
    }

    /// Whether the configuration asks for the rotation, rather than a schedule.
    pub fn is_requested(&self) -> bool {
        !matches!(
            self.rotation,
            Some(RotationCause::Age | RotationCause::Expiry)
        )
    }

    /// The grants to write and to remove. Without `acl` from now on, what was granted stays.
    pub fn grants_diff(&self) -> GrantsDiff {
        if self.planned.acl.is_null() {
            return GrantsDiff::default();
        }
        let planned = Grants::declared(&self.planned.acl);
        let diff = Grants::declared(&self.prior.acl).diff(&planned);
        GrantsDiff {
            remove: diff.remove.with(&self.released.without(&planned)),
            ..diff
        }
    }

    /// The grants that are no longer declared after the change, and stay on the server.
    pub fn released(&self) -> Grants {
        match self.planned.acl.is_null() {
            true => self.released.with(&Grants::declared(&self.prior.acl)),
            false => Grants::default(),
        }
    }

    /// Whether the entries that `acl` does not declare are removed from now on.
    pub fn becomes_exclusive(&self) -> bool {
        self.planned.is_acl_exclusive() && !self.prior.is_acl_exclusive()
    }

    /// The prior state with the grants that the token now has.
    pub fn unfinished(&self, held: &Grants) -> State {
        State {
            acl: self.acl_with(held),
            ..self.prior.clone()
        }
    }

    /// The `acl` attribute of a token that has these grants.
    pub fn acl_with(&self, held: &Grants) -> Acl {
        match self.planned.acl.is_null() {
            true => self.prior.acl.clone(),
            false => held.attribute(&self.planned.acl),
        }
    }
}

/// The attributes whose change forces a new token.
pub fn requires_replacement(prior: &State, planned: &State) -> Vec<AttributePath> {
    let attributes = [
        ("cluster", planned.cluster != prior.cluster),
        ("user_id", planned.user_id != prior.user_id),
        ("token_name", planned.token_name != prior.token_name),
    ];
    let changed = attributes.into_iter().filter(|(_, changed)| *changed);
    changed.map(|(name, _)| AttributePath::new(name)).collect()
}

/// The settings that lead from one state to another in one request; `None` where they are equal.
pub fn settings_diff(current: &State, planned: &Planned) -> Option<TokenChange> {
    let change = TokenChange {
        comment: (!current.has_comment(&planned.comment))
            .then(|| planned.comment.as_ref_option().cloned().unwrap_or_default()),
        expire: (current.expiry() != planned.expiry()).then(|| planned.expiry()),
        privsep: planned
            .privilege_separation
            .as_ref_option()
            .copied()
            .filter(|_| planned.privilege_separation != current.privilege_separation),
    };
    (change != TokenChange::default()).then_some(change)
}
