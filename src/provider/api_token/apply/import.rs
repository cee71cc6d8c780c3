//! Bringing a token under management that somebody else made, or another state.

use tf_provider::value::Value;
use tf_provider::{AttributePath, Diagnostics};

use crate::framework::Report;
use crate::provider::api_token::apply::observed;
use crate::provider::api_token::model::State;
use crate::provider::api_token::private_state::Notes;
use crate::provider::attributes::timestamp;
use crate::provider::clients::context;
use crate::provider::diagnostics::explain;
use crate::pve::{Client, Owner, TokenId, TokenInfo};

/// What an import id names: the cluster, and the token as a person would call it.
pub fn named(id: &str, diags: &mut Diagnostics) -> Option<State> {
    // No user name holds a slash, so what is before one is the cluster.
    let (cluster, id) = match id.split_once('/') {
        Some((cluster, id)) => (Value::Value(cluster.to_owned()), id),
        None => (Value::Null, id),
    };
    match TokenId::parse(id, None) {
        Ok(token) => Some(State {
            cluster,
            user_id: token.user.to_string().into(),
            token_name: token.name.to_string().into(),
            ..State::default()
        }),
        Err(error) => {
            diags.fail(
                "Unusable import id",
                format!(
                    "Import a token by its full id, such as \"demo@pve!ci\", or by the key of its \
                     cluster and its id, such as \"berlin/demo@pve!ci\": {error}."
                ),
                AttributePath::root(),
            );
            None
        }
    }
}

/// Finds the token, under either of its two names.
pub async fn import(
    client: &Client,
    state: State,
    diags: &mut Diagnostics,
) -> Option<(State, Notes)> {
    let (base, other) = (state.token()?, state.other()?);
    let owner = match client.user(&base.user, &context()).await {
        Ok(owner) => owner,
        Err(error) => {
            explain(
                "Unable to import API token",
                &base.to_string(),
                &error,
                diags,
            );
            return None;
        }
    };
    let Some(owner) = owner else {
        diags.fail(
            "Nothing to import",
            format!("Proxmox VE has no user {}.", base.user),
            AttributePath::new("user_id"),
        );
        return None;
    };
    let Some((live, info, previous)) = both(&owner, &base, &other) else {
        diags.fail(
            "Nothing to import",
            format!("{} has no token {}.", base.user, base.name),
            AttributePath::new("token_name"),
        );
        return None;
    };
    warn(live, previous, diags);
    let (previous, previous_info) = previous.unzip();
    let imported = State {
        previous_token_id: previous.map(ToString::to_string).into(),
        previous_expires_at: timestamp::attribute(previous_info.and_then(|info| info.expire)),
        ..observed(state, live, info)
    };
    Some((imported, Notes::at(owner.observed_at.unix_timestamp())))
}

type Found<'a> = (&'a TokenId, &'a TokenInfo);

/// The token in use and, where a rotation has left one, its predecessor. A rotation makes two
/// tokens that are alike and gives the predecessor its end, so the one in use is the one that
/// lasts longer; anything else under the other name belongs to somebody else.
fn both<'a>(
    owner: &'a Owner,
    base: &'a TokenId,
    other: &'a TokenId,
) -> Option<(&'a TokenId, &'a TokenInfo, Option<Found<'a>>)> {
    let found = |token: &TokenId| owner.tokens.get(token.name.as_str());
    let lasts = |info: &TokenInfo| info.expire.unwrap_or(i64::MAX);
    match (found(base), found(other)) {
        (None, None) => None,
        (Some(info), None) => Some((base, info, None)),
        (None, Some(info)) => Some((other, info, None)),
        (Some(one), Some(two)) if !alike(one, two) || lasts(one) == lasts(two) => {
            Some((base, one, None))
        }
        (Some(one), Some(two)) if lasts(two) > lasts(one) => Some((other, two, Some((base, one)))),
        (Some(one), Some(two)) => Some((base, one, Some((other, two)))),
    }
}

fn alike(one: &TokenInfo, other: &TokenInfo) -> bool {
    one.comment == other.comment && one.privilege_separation == other.privilege_separation
}

fn warn(live: &TokenId, previous: Option<Found<'_>>, diags: &mut Diagnostics) {
    let predecessor = previous.map_or_else(String::new, |(previous, _)| {
        format!(
            " {previous} was taken for the token before it, which a rotation with overlap has \
             left: if it is not, do not apply, and remove it from the state again."
        )
    });
    diags.warn(
        "Imported without its secret",
        format!(
            "Proxmox VE shows a secret only once, so `secret` and `api_token` of {live} are null. \
             The token goes on working for whoever has its secret. For a new secret, set or change \
             `rotate_when_changed`, which cuts off the old one (with `rotation.overlap` only after \
             a while).{predecessor}"
        ),
        AttributePath::root(),
    );
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use time::OffsetDateTime;

    use super::*;

    fn ending(expire: Option<i64>) -> TokenInfo {
        TokenInfo {
            expire,
            ..TokenInfo::default()
        }
    }

    fn owner(tokens: &[(&str, Option<i64>)]) -> Owner {
        Owner {
            user_id: "demo@pve".parse().unwrap(),
            details_known: true,
            enabled: true,
            expire: None,
            groups: Vec::new(),
            comment: None,
            tokens: tokens
                .iter()
                .map(|(name, end)| ((*name).to_owned(), ending(*end)))
                .collect::<BTreeMap<_, _>>(),
            observed_at: OffsetDateTime::UNIX_EPOCH,
        }
    }

    fn found(tokens: &[(&str, Option<i64>)]) -> Option<(String, Option<String>)> {
        let (base, other) = (
            "demo@pve!ci".parse().unwrap(),
            "demo@pve!ci-b".parse().unwrap(),
        );
        let owner = owner(tokens);
        let (live, _, previous) = both(&owner, &base, &other)?;
        Some((
            live.name.to_string(),
            previous.map(|(previous, _)| previous.name.to_string()),
        ))
    }

    #[test]
    fn the_token_in_use_is_the_one_that_lasts_longer() {
        let (ci, ci_b) = ("ci".to_owned(), "ci-b".to_owned());
        assert_eq!(found(&[]), None);
        assert_eq!(found(&[("ci", None)]), Some((ci.clone(), None)));
        assert_eq!(found(&[("ci-b", None)]), Some((ci_b.clone(), None)));
        assert_eq!(
            found(&[("ci", Some(5)), ("ci-b", None)]),
            Some((ci_b.clone(), Some(ci.clone())))
        );
        assert_eq!(
            found(&[("ci", Some(9)), ("ci-b", Some(5))]),
            Some((ci.clone(), Some(ci_b)))
        );
        assert_eq!(found(&[("ci", None), ("ci-b", None)]), Some((ci, None)));
    }

    #[test]
    fn a_token_under_the_other_name_that_is_not_alike_is_left_alone() {
        let (base, other) = (
            "demo@pve!ci".parse().unwrap(),
            "demo@pve!ci-b".parse().unwrap(),
        );
        let mut owner = owner(&[("ci", Some(5)), ("ci-b", None)]);
        let foreign = owner.tokens.get_mut("ci-b").unwrap();
        foreign.comment = Some("somebody else's".to_owned());
        let (live, _, previous) = both(&owner, &base, &other).unwrap();
        assert_eq!((live, previous), (&base, None));
    }
}
