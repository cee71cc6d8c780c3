//! Names that resources of one configuration would take from each other.
//!
//! With `overlap` a token takes turns between two names, so the other one must not be that of
//! another resource: a rotation would find a token there that is in every field its own.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use tf_provider::value::Value;
use tf_provider::{AttributePath, Diagnostics};

use crate::framework::Report;
use crate::provider::api_token::model::State;
use crate::pve::TokenId;

/// Every name that was planned in this run, and the base name of the resource that has it.
#[derive(Default)]
pub struct Names(Mutex<BTreeMap<Name, TokenId>>);

/// A token's name on one of the provider's clusters.
type Name = (Option<String>, TokenId);

impl Names {
    /// Notes the names of a planned resource. Reports one that another resource has.
    pub fn claim(&self, planned: &State, diags: &mut Diagnostics) {
        if planned.cluster == Value::Unknown {
            return;
        }
        let (Some(base), cluster) = (planned.token(), planned.cluster.as_ref_option()) else {
            return;
        };
        let other = planned.overlap().and_then(|_| planned.other());
        let mut claimed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for name in [Some(base.clone()), other].into_iter().flatten() {
            let holder = claimed
                .entry((cluster.cloned(), name.clone()))
                .or_insert_with(|| base.clone());
            if *holder != base {
                taken(&name, &base, holder, diags);
            }
        }
    }
}

fn taken(name: &TokenId, one: &TokenId, other: &TokenId, diags: &mut Diagnostics) {
    diags.fail(
        "API token name taken twice",
        format!(
            "The resources of {one} and {other} both have the name {name}: with `rotation.overlap` \
             a token takes turns between its own name and the one with `-b` behind it. Give one of \
             them another `token_name`."
        ),
        AttributePath::new("token_name"),
    );
}
