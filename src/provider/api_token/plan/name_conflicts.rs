//! Token names that two resources of one configuration would use.
//!
//! With `overlap` a token alternates between two names, so the second one must not be that of
//! another resource: a rotation would find a token there that equals its own in every field.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use tf_provider::AttributePath;
use tf_provider::value::Value;

use crate::framework::Problem;
use crate::provider::api_token::model::Planned;
use crate::provider::api_token::slots::Slots;
use crate::pve::TokenId;

/// Every token id that was planned in this run, with the id of its resource.
#[derive(Default)]
pub struct ClaimedNames(Mutex<BTreeMap<Name, TokenId>>);

/// A token id on one of the provider's clusters.
type Name = (Option<String>, TokenId);

impl ClaimedNames {
    /// Claims the ids of a planned resource. Refuses one that another resource has.
    pub fn claim(&self, planned: &Planned) -> Result<(), Problem> {
        if planned.cluster == Value::Unknown {
            return Ok(());
        }
        let Some(Slots { base, other, .. }) = Slots::of(planned) else {
            return Ok(());
        };
        let cluster = planned.cluster.as_ref_option();
        let other = planned.overlap().map(|_| other);
        let mut claimed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for token in [Some(base.clone()), other].into_iter().flatten() {
            let holder = claimed
                .entry((cluster.cloned(), token.clone()))
                .or_insert_with(|| base.clone());
            if *holder != base {
                return Err(claimed_twice(&token, &base, holder));
            }
        }
        Ok(())
    }
}

fn claimed_twice(token: &TokenId, base: &TokenId, holder: &TokenId) -> Problem {
    Problem::new(
        "API token name used twice",
        format!(
            "The resources {base} and {holder} both use the name {token}: with `rotation.overlap` a \
             token alternates between its own name and the same name with `-b` appended. Choose \
             another `token_name` for one of them."
        ),
        AttributePath::new("token_name"),
    )
}
