//! The result of an operation on the server: what now exists, and what went wrong.

use tf_provider::Diagnostics;

use crate::framework::{Problem, Report};
use crate::provider::api_token::acl::{Acl, Grants};
use crate::provider::api_token::model::State;
use crate::provider::api_token::private_state::{PrivateState, Unsettled};

/// The result of an operation on the server. Whatever exists is in it, also after an error, so
/// that nothing real drops out of the state.
#[derive(Debug)]
#[must_use = "what exists has to be stored, and its problems reported"]
pub struct Outcome {
    /// The token as it now is; `None` if it does not exist.
    pub exists: Option<State>,
    /// The errors.
    pub problems: Vec<Problem>,
    /// The warnings.
    pub warnings: Vec<Problem>,
    /// The write whose outcome is not known.
    pub unsettled: Option<Unsettled>,
}

impl Outcome {
    /// An operation that succeeded.
    pub fn done(state: State) -> Self {
        Self {
            exists: Some(state),
            problems: Vec::new(),
            warnings: Vec::new(),
            unsettled: None,
        }
    }

    /// An operation that failed and left this.
    pub fn failed(state: State, problem: Problem) -> Self {
        Self::done(state).with_problem(problem)
    }

    /// An operation that failed and left nothing.
    pub fn nothing(problem: Problem) -> Self {
        Self {
            exists: None,
            problems: vec![problem],
            warnings: Vec::new(),
            unsettled: None,
        }
    }

    /// Adds an error.
    pub fn with_problem(mut self, problem: Problem) -> Self {
        self.problems.push(problem);
        self
    }

    /// Adds an error about grants that were left out, if there is one: the rest was done.
    pub fn with_left_out(self, left_out: Option<(Acl, Problem)>) -> Self {
        let Some((acl, problem)) = left_out else {
            return self;
        };
        let exists = self.exists.map(|state| State { acl, ..state });
        Self { exists, ..self }.with_problem(problem)
    }

    /// Adds a warning, if there is one.
    pub fn with_warning(mut self, warning: Option<Problem>) -> Self {
        self.warnings.extend(warning);
        self
    }

    /// Notes a write that the server may still carry out, if there is one.
    pub fn with_unsettled(mut self, unsettled: Option<Unsettled>) -> Self {
        self.unsettled = unsettled;
        self
    }

    /// The private state after a change of `prior` for which `planned` was decided. What was due
    /// and was not done stays due. `released` are the grants that are no longer declared.
    pub fn private_state(
        &self,
        prior: &State,
        planned: PrivateState,
        released: Grants,
    ) -> PrivateState {
        let exists = self.exists.as_ref();
        // Not by `rotated_at`: two rotations can happen in one second.
        let is_rotated = exists.is_some_and(|state| state.secret != prior.secret);
        let kept = match is_rotated {
            true => PrivateState::default(),
            false => planned.clone(),
        };
        PrivateState {
            due: kept.due,
            previous_expired: kept.previous_expired
                && exists.is_some_and(|state| !state.previous_token_id.is_null()),
            unsettled: self.unsettled.or(kept.unsettled),
            // After an error, what was to be removed may still be there.
            released: match self.problems.is_empty() {
                true => released,
                false => planned.released,
            },
            rotation: None,
        }
    }

    /// Reports errors and warnings, and returns what exists.
    pub fn report(self, diags: &mut Diagnostics) -> Option<State> {
        diags.problems(self.problems);
        diags.warnings(self.warnings);
        self.exists
    }
}
