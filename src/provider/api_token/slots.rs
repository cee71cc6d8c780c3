//! The two token ids between which a rotation with `overlap` alternates.
//!
//! A token id cannot be changed and a secret belongs to one id, so two secrets that work at the
//! same time need two ids: `user@realm!token_name` and the same with `-b` appended.

use crate::provider::api_token::model::State;
use crate::pve::{TokenId, TokenName, UserId};

/// The suffix of the second name.
const SUFFIX: &str = "-b";

/// The token ids of one resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slots {
    /// The id with `token_name` itself, which is the resource's id.
    pub base: TokenId,
    /// The id with the second name.
    pub other: TokenId,
    /// The token in use: `base`, or `other` after every second rotation with overlap.
    pub live: TokenId,
    /// The token that the latest rotation replaced, while it exists.
    pub previous: Option<TokenId>,
}

impl Slots {
    /// The ids in a state, a plan or a configuration; `None` while owner or name are unknown or
    /// malformed.
    pub fn of(state: &State) -> Option<Self> {
        let user: UserId = state.user_id.as_ref_option()?.parse().ok()?;
        let name: TokenName = state.token_name.as_ref_option()?.parse().ok()?;
        let other = format!("{name}{SUFFIX}").parse().ok()?;
        let base = TokenId::new(user.clone(), name);
        let id = |value: Option<&String>| value.and_then(|id| id.parse().ok());
        Some(Self {
            other: TokenId::new(user, other),
            live: id(state.token_id.as_ref_option()).unwrap_or_else(|| base.clone()),
            previous: id(state.previous_token_id.as_ref_option()),
            base,
        })
    }

    /// The id that the next rotation with overlap creates: the one that is not in use.
    pub fn next(&self) -> &TokenId {
        if self.live == self.base {
            &self.other
        } else {
            &self.base
        }
    }

    /// Every token of the resource that exists, the previous one first.
    pub fn existing(&self) -> impl Iterator<Item = &TokenId> {
        self.previous.iter().chain([&self.live])
    }
}

#[cfg(test)]
mod tests {
    use tf_provider::value::Value;

    use super::*;

    #[test]
    fn a_token_alternates_between_its_two_names() {
        let mut state = State {
            user_id: Value::Value("demo@pve".into()),
            token_name: Value::Value("ci".into()),
            ..State::default()
        };
        let next = |state: &State| Slots::of(state).map(|slots| slots.next().to_string());
        assert_eq!(next(&state).as_deref(), Some("demo@pve!ci-b"));
        state.token_id = Value::Value("demo@pve!ci-b".into());
        assert_eq!(next(&state).as_deref(), Some("demo@pve!ci"));
    }

    #[test]
    fn there_are_no_ids_while_the_owner_is_unknown() {
        let state = State {
            user_id: Value::Unknown,
            token_name: Value::Value("ci".into()),
            ..State::default()
        };
        assert_eq!(Slots::of(&state), None);
    }
}
