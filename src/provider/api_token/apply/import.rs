//! The import of a token that another client, or another state, has created.

use tf_provider::value::Value;

use crate::framework::Problem;
use crate::provider::api_token::apply::messages;
use crate::provider::api_token::apply::read::refreshed;
use crate::provider::api_token::model::State;
use crate::provider::api_token::private_state::PrivateState;
use crate::provider::api_token::slots::Slots;
use crate::provider::attributes::timestamp;
use crate::provider::clients::context;
use crate::pve::{CachedClient, Owner, TokenId, TokenInfo};

/// The state with cluster, owner and name, as an import id names them.
pub fn state_of(id: &str) -> Result<State, Problem> {
    // No user name holds a slash, so a slash ends the key of a cluster.
    let (cluster, id) = match id.split_once('/') {
        Some((cluster, id)) => (Value::Value(cluster.to_owned()), id),
        None => (Value::Null, id),
    };
    let token = TokenId::parse(id, None).map_err(|error| messages::invalid_import_id(&error))?;
    Ok(State {
        cluster,
        user_id: token.user.to_string().into(),
        token_name: token.name.to_string().into(),
        ..State::default()
    })
}

/// A token that was found, with a warning about its secret.
pub struct Imported {
    pub state: State,
    pub private: PrivateState,
    pub warning: Problem,
}

/// Finds the token, under either of its two names.
pub async fn import(
    client: &CachedClient,
    state: State,
    slots: &Slots,
) -> Result<Imported, Problem> {
    let base = &slots.base;
    let owner = match client.user(&base.user, &context()).await {
        Ok(Some(owner)) => owner,
        Ok(None) => return Err(messages::no_user_to_import(&base.user)),
        Err(error) => return Err(messages::not_imported(base, &error)),
    };
    let Some((live, previous)) = both(&owner, slots) else {
        return Err(messages::no_token_to_import(base));
    };
    let warning = messages::imported_without_secret(live.id, previous.map(|found| found.id));
    let slots = Slots {
        live: live.id.clone(),
        ..slots.clone()
    };
    let state = State {
        previous_token_id: previous.map(|found| found.id.to_string()).into(),
        previous_expires_at: timestamp::attribute(
            previous.and_then(|found| found.info.expire.date()),
        ),
        ..refreshed(state, &slots, live.info)
    };
    Ok(Imported {
        state,
        private: PrivateState::observed(&owner),
        warning,
    })
}

/// A token on the server.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Found<'a> {
    id: &'a TokenId,
    info: &'a TokenInfo,
}

/// The token in use and, where a rotation has left one, its predecessor. A rotation makes two
/// tokens that are alike and gives the predecessor its expiry, so the one in use is the one that
/// expires later; any other token with the second name is not this resource's.
fn both<'a>(owner: &'a Owner, slots: &'a Slots) -> Option<(Found<'a>, Option<Found<'a>>)> {
    let find = |id: &'a TokenId| {
        let info = owner.tokens.get(id.name.as_str())?;
        Some(Found { id, info })
    };
    let (base, other) = match (find(&slots.base), find(&slots.other)) {
        (Some(base), Some(other)) => (base, other),
        (base, other) => return base.or(other).map(|live| (live, None)),
    };
    let expire = |found: Found<'_>| found.info.expire;
    if !are_alike(base.info, other.info) || expire(base) == expire(other) {
        Some((base, None))
    } else if expire(other) > expire(base) {
        Some((other, Some(base)))
    } else {
        Some((base, Some(other)))
    }
}

fn are_alike(base: &TokenInfo, other: &TokenInfo) -> bool {
    base.comment == other.comment && base.privilege_separation == other.privilege_separation
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use time::OffsetDateTime;

    use super::*;
    use crate::pve::Expiry;

    /// An owner with tokens that expire at so many seconds; 0 for never.
    fn owner(tokens: &[(&str, i64)]) -> Owner {
        let token = |(name, expire): &(&str, i64)| {
            let info = TokenInfo {
                expire: Expiry::from_unix(*expire),
                ..TokenInfo::default()
            };
            ((*name).to_owned(), info)
        };
        Owner {
            user_id: "demo@pve".parse().unwrap(),
            details_known: true,
            enabled: true,
            expire: Expiry::Never,
            groups: Vec::new(),
            comment: None,
            tokens: tokens.iter().map(token).collect::<BTreeMap<_, _>>(),
            observed_at: OffsetDateTime::UNIX_EPOCH,
        }
    }

    fn slots() -> Slots {
        Slots::of(&state_of("demo@pve!ci").unwrap()).unwrap()
    }

    /// The names of the token in use and of its predecessor.
    fn found(owner: &Owner) -> Option<(String, Option<String>)> {
        let slots = slots();
        let (live, previous) = both(owner, &slots)?;
        let name = |found: Found<'_>| found.id.name.to_string();
        Some((name(live), previous.map(name)))
    }

    #[test]
    fn the_token_in_use_is_the_one_that_expires_later() {
        let (ci, ci_b) = ("ci".to_owned(), "ci-b".to_owned());
        for (tokens, expected) in [
            (vec![], None),
            (vec![("ci", 0)], Some((ci.clone(), None))),
            (vec![("ci-b", 0)], Some((ci_b.clone(), None))),
            (
                vec![("ci", 5), ("ci-b", 0)],
                Some((ci_b.clone(), Some(ci.clone()))),
            ),
            (
                vec![("ci", 9), ("ci-b", 5)],
                Some((ci.clone(), Some(ci_b.clone()))),
            ),
            (vec![("ci", 0), ("ci-b", 0)], Some((ci.clone(), None))),
        ] {
            assert_eq!(found(&owner(&tokens)), expected, "{tokens:?}");
        }
    }

    #[test]
    fn a_token_with_the_second_name_that_is_not_alike_is_left_alone() {
        let mut owner = owner(&[("ci", 5), ("ci-b", 0)]);
        let foreign = owner.tokens.get_mut("ci-b").unwrap();
        foreign.comment = Some("another client's".to_owned());
        assert_eq!(found(&owner), Some(("ci".to_owned(), None)));
    }

    #[test]
    fn an_import_id_may_name_a_cluster() {
        let state = state_of("berlin/demo@pve!ci").unwrap();
        assert_eq!(state.cluster, Value::Value("berlin".to_owned()));
        assert!(state_of("demo@pve!ci").unwrap().cluster.is_null());
        assert!(state_of("ci").is_err());
    }
}
