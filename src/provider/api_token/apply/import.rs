//! The import of a token that another client, or another state, has created.

use tf_provider::value::Value;

use crate::framework::Problem;
use crate::provider::api_token::acl::{Acl, Grants};
use crate::provider::api_token::apply::messages;
use crate::provider::api_token::apply::read::refreshed;
use crate::provider::api_token::model::State;
use crate::provider::api_token::slots::Slots;
use crate::provider::clients::context;
use crate::pve::{AclView, CachedClient, Owner, TokenId, TokenInfo};

/// The state with cluster, owner and name, as an import id names them.
pub fn state_of(id: &str) -> Result<State, Problem> {
    // A token id holds no slash, so the last one ends the key of a cluster, which may hold others.
    let (cluster, id) = match id.rsplit_once('/') {
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

/// A token that was found, with warnings about its secret and its entries.
pub struct Imported {
    pub state: State,
    pub warnings: Vec<Problem>,
}

/// Finds the token under its own name, else under its second one.
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
    let Some(found) = find(&owner, slots) else {
        return Err(messages::no_token_to_import(base));
    };
    let slots = Slots {
        live: found.live.clone(),
        ..slots.clone()
    };
    let mut warnings = vec![messages::imported_without_secret(found.live, found.second)];
    let state = refreshed(state, &slots, found.info, &owner);
    let (acl, warning) = acl(client, &state, found.live).await;
    warnings.extend(warning);
    Ok(Imported {
        state: State { acl, ..state },
        warnings,
    })
}

/// The entries of a token with privileges of its own, as far as they may be read; null for none.
async fn acl(client: &CachedClient, state: &State, live: &TokenId) -> (Acl, Option<Problem>) {
    if !state.is_separated() {
        return (Value::Null, None);
    }
    let Ok(view) = client.acl_view(&context()).await else {
        return (Value::Null, Some(messages::imported_acl_partial(live)));
    };
    let warning = (!view.complete).then(|| messages::imported_acl_partial(live));
    (entries(&view, state, live), warning)
}

/// The entries of a token with privileges of its own, in an access control list; null for none.
pub fn entries(view: &AclView, state: &State, live: &TokenId) -> Acl {
    let grants = Grants::on_server(view, live);
    match grants.is_empty() || !state.is_separated() {
        true => Value::Null,
        false => grants.attribute(&Value::Value(Vec::new())),
    }
}

/// The token of an import on the server.
#[derive(Debug, PartialEq)]
struct Found<'a> {
    live: &'a TokenId,
    info: &'a TokenInfo,
    /// The token with the second name, where both exist.
    second: Option<&'a TokenId>,
}

/// The token with the base name, else the one with the second name, which a rotation with overlap
/// has left as the token in use. Where both exist, nothing on the server shows whether one has
/// replaced the other, so the id that was asked for decides.
fn find<'a>(owner: &'a Owner, slots: &'a Slots) -> Option<Found<'a>> {
    let other = owner.token(&slots.other);
    if let Some(info) = owner.token(&slots.base) {
        return Some(Found {
            live: &slots.base,
            info,
            second: other.map(|_| &slots.other),
        });
    }
    other.map(|info| Found {
        live: &slots.other,
        info,
        second: None,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use time::OffsetDateTime;

    use super::*;
    use crate::pve::Expiry;

    fn owner(tokens: &[&str]) -> Owner {
        let token = |name: &&str| ((*name).to_owned(), TokenInfo::default());
        Owner {
            user_id: "demo@pve".parse().unwrap(),
            details_known: true,
            second_factor_locked: false,
            enabled: true,
            expire: Expiry::Never,
            groups: Vec::new(),
            comment: None,
            tokens: tokens.iter().map(token).collect::<BTreeMap<_, _>>(),
            observed_at: OffsetDateTime::UNIX_EPOCH,
        }
    }

    /// The names of the token in use and of the second token.
    fn found(tokens: &[&str]) -> Option<(String, Option<String>)> {
        let (owner, slots) = (
            owner(tokens),
            Slots::of(&state_of("demo@pve!ci").unwrap()).unwrap(),
        );
        let found = find(&owner, &slots)?;
        let second = found.second.map(|second| second.name.to_string());
        Some((found.live.name.to_string(), second))
    }

    #[test]
    fn an_import_takes_the_id_that_was_asked_for_and_only_then_the_second_name() {
        let (ci, ci_b) = ("ci".to_owned(), "ci-b".to_owned());
        assert_eq!(found(&[]), None);
        assert_eq!(found(&["ci"]), Some((ci.clone(), None)));
        assert_eq!(found(&["ci-b"]), Some((ci_b.clone(), None)));
        assert_eq!(found(&["ci", "ci-b"]), Some((ci, Some(ci_b))));
    }

    #[test]
    fn an_import_id_may_name_a_cluster() {
        let state = state_of("berlin/demo@pve!ci").unwrap();
        assert_eq!(state.cluster, Value::Value("berlin".to_owned()));
        assert!(state_of("demo@pve!ci").unwrap().cluster.is_null());
        let state = state_of("eu/berlin/demo@pve!ci").unwrap();
        assert_eq!(state.cluster, Value::Value("eu/berlin".to_owned()));
        assert!(state_of("ci").is_err());
    }
}
