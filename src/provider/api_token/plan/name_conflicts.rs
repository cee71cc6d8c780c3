//! Token ids that the resources of one run use.
//!
//! Two resources must not manage one token, and with `overlap` a token alternates between two
//! names, so the second one must not be that of another resource either.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tf_provider::AttributePath;
use tf_provider::value::Value;

use crate::framework::Problem;
use crate::provider::api_token::model::{Planned, State};
use crate::provider::api_token::slots::Slots;
use crate::pve::TokenId;

/// The token ids that resources have, and those that they will have, in one run.
#[derive(Default)]
pub struct ClaimedNames(Mutex<Run>);

#[derive(Default)]
struct Run {
    /// The number of the run. A provider that a debugger started serves several.
    number: u64,
    managed: BTreeSet<Name>,
    claimed: BTreeMap<Name, Claimed>,
}

/// A token id on one of the provider's clusters.
type Name = (Option<String>, TokenId);

struct Claimed {
    /// The id of the resource that claims the name.
    base: TokenId,
    plans: BTreeSet<Plan>,
}

/// What a plan of a resource does. A replacement is planned as both, one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Plan {
    /// It creates the token.
    Creation,
    /// It changes the token, or leaves it as it is.
    Update,
}

impl ClaimedNames {
    /// Notes the tokens that a resource has, in the run of this number.
    pub fn manage(&self, run: u64, state: &State, slots: &Slots) {
        let mut run = self.run(run);
        for token in slots.existing().chain([&slots.base]) {
            run.managed.insert(name(&state.cluster, token));
        }
    }

    /// Whether a resource has this token.
    pub fn is_managed(&self, run: u64, cluster: &Value<String>, token: &TokenId) -> bool {
        self.run(run).managed.contains(&name(cluster, token))
    }

    /// Claims the ids of a planned resource. Refuses one that another resource claims.
    pub fn claim(&self, run: u64, planned: &Planned, plan: Plan) -> Result<(), Problem> {
        if planned.cluster == Value::Unknown {
            return Ok(());
        }
        let Some(Slots { base, other, .. }) = Slots::of(planned) else {
            return Ok(());
        };
        let other = planned.overlap().map(|_| other);
        let mut run = self.run(run);
        for token in [Some(base.clone()), other].into_iter().flatten() {
            let claimed = run
                .claimed
                .entry(name(&planned.cluster, &token))
                .or_insert_with(|| Claimed {
                    base: base.clone(),
                    plans: BTreeSet::new(),
                });
            if claimed.base != base {
                return Err(claimed_twice(&token, &base, &claimed.base));
            }
            if !claimed.plans.insert(plan) {
                return Err(managed_twice(&base));
            }
        }
        Ok(())
    }

    /// What is known of a run; nothing at its beginning.
    fn run(&self, number: u64) -> MutexGuard<'_, Run> {
        let mut run = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if run.number != number {
            *run = Run {
                number,
                ..Run::default()
            };
        }
        run
    }
}

fn name(cluster: &Value<String>, token: &TokenId) -> Name {
    (cluster.as_ref_option().cloned(), token.clone())
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

fn managed_twice(token: &TokenId) -> Problem {
    Problem::new(
        "API token name used twice",
        format!(
            "Two resources of this configuration have the `user_id` and `token_name` of {token}, \
             and a token must be managed by one of them. Choose another `token_name` for one, or \
             remove one: from the configuration, and with `terraform state rm` from the state if \
             both are there."
        ),
        AttributePath::new("token_name"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn planned(name: &str) -> Planned {
        Planned(State {
            user_id: Value::Value("demo@pve".into()),
            token_name: Value::Value(name.into()),
            ..State::default()
        })
    }

    #[test]
    fn a_token_is_planned_once_in_a_run_or_replaced() {
        let names = ClaimedNames::default();
        assert!(names.claim(1, &planned("ci"), Plan::Update).is_ok());
        assert!(names.claim(1, &planned("ci"), Plan::Creation).is_ok());
        assert!(names.claim(1, &planned("ci"), Plan::Creation).is_err());
        assert!(names.claim(1, &planned("cd"), Plan::Creation).is_ok());
        assert!(names.claim(2, &planned("ci"), Plan::Creation).is_ok());
    }
}
