//! A new secret by another token, while the old one goes on working for a while.
//!
//! The two take turns under two names. The old token is given its end in the same apply, so that
//! it dies by itself even if nobody ever applies again.

use tf_provider::value::Value;
use tf_provider::{AttributePath, Diagnostics};

use crate::framework::Report;
use crate::provider::api_token::acl::Grant;
use crate::provider::api_token::apply::grants::Held;
use crate::provider::api_token::apply::mint::{Name, is_as_sent, mint};
use crate::provider::api_token::apply::rotate::{Rotation, UNABLE, fail};
use crate::provider::api_token::apply::{UNABLE_TO_SCOPE, other_name_taken, wanted};
use crate::provider::api_token::model::State;
use crate::provider::attributes::{duration, timestamp};
use crate::provider::diagnostics::explain;
use crate::pve::{AclView, Context, NewToken, TokenChange, TokenId, TokenInfo};

const METHOD: &str = "alternate";

/// What becomes of a token that may exist without a secret.
const AGAIN: &str = "The token in use goes on working; the next apply removes what may be there and \
                     tries again.";

pub async fn run(rotation: Rotation<'_>, live_is_gone: bool, diags: &mut Diagnostics) -> State {
    let Some(turn) = Turn::of(&rotation, live_is_gone) else {
        diags.fail_if_silent("A rotation of a token without a second name");
        return rotation.prior;
    };
    match take_turn(&rotation, &turn, diags).await {
        Some(state) => state,
        None => rotation.prior,
    }
}

/// Which name is next, and which token is then the previous one.
struct Turn {
    next: TokenId,
    previous: TokenId,
}

impl Turn {
    fn of(rotation: &Rotation<'_>, live_is_gone: bool) -> Option<Self> {
        let live = rotation.live.clone();
        Some(if live_is_gone {
            Self {
                next: live,
                previous: rotation.prior.previous()?,
            }
        } else {
            Self {
                next: rotation.prior.next()?,
                previous: live,
            }
        })
    }
}

/// `None` after an error that left the token in use as it was.
async fn take_turn(rotation: &Rotation<'_>, turn: &Turn, diags: &mut Diagnostics) -> Option<State> {
    let (client, context) = (rotation.client, &rotation.context);
    let grants = grants(rotation, turn, diags).await?;
    let new = wanted(&rotation.planned, rotation.end());
    let name = make_way(rotation, turn, &new, diags).await?;
    let minted = mint(client, &turn.next, &new, name, AGAIN, context, diags).await?;
    if minted.secret.is_none() {
        return abandon(rotation, turn, diags).await;
    }
    let mut held = Held::default();
    if let Err(error) = held.grant(client, &turn.next, &grants, context).await {
        explain(UNABLE_TO_SCOPE, &turn.next.to_string(), &error, diags);
        return abandon(rotation, turn, diags).await;
    }
    let done = State {
        previous_token_id: Value::Value(turn.previous.to_string()),
        ..rotation.done(&turn.next, minted, METHOD)
    };
    Some(State {
        previous_expires_at: timestamp::attribute(retire(rotation, turn, diags).await),
        ..done
    })
}

/// Takes back a next token that cannot serve: the one in use goes on as if nothing had been.
async fn abandon(rotation: &Rotation<'_>, turn: &Turn, diags: &mut Diagnostics) -> Option<State> {
    // Also when Terraform has asked to stop: a half-made token is not left behind.
    let context = Context::default();
    let rest = match rotation.client.delete_token(&turn.next, &context).await {
        Ok(_) => String::new(),
        Err(error) => format!(
            " {} could not be revoked again ({error}); the next apply finds it in its way and \
             removes it.",
            turn.next
        ),
    };
    diags.fail(
        UNABLE,
        format!(
            "{}: the token that was to take its place could not be finished, so it stays in use. \
             The next apply tries again.{rest}",
            turn.previous
        ),
        AttributePath::root(),
    );
    None
}

/// The grants of the next token: those that are declared and those that others gave the one in
/// use. `None` with the reason when the latter are not known and nothing is declared.
async fn grants(
    rotation: &Rotation<'_>,
    turn: &Turn,
    diags: &mut Diagnostics,
) -> Option<Vec<Grant>> {
    if !rotation.planned.is_separated() {
        return Some(Vec::new());
    }
    match rotation.client.acl_view(&rotation.context).await {
        Ok(view) if !view.complete && rotation.planned.acl.is_null() => {
            fail(
                &turn.previous,
                "the token that is to take its place must have the same grants, and they cannot \
                 all be read. Nothing was changed. Declare them in acl, or give the provider's \
                 credential Sys.Audit on /access",
                diags,
            );
            None
        }
        Ok(view) => Some(rotation.grants(&turn.previous, &view)),
        Err(error) => {
            explain(UNABLE, &turn.previous.to_string(), &error, diags);
            None
        }
    }
}

/// Frees the next name: of a predecessor that is still in its overlap, or of what an interrupted
/// rotation left there. Anything else under it belongs to somebody else.
async fn make_way(
    rotation: &Rotation<'_>,
    turn: &Turn,
    new: &NewToken,
    diags: &mut Diagnostics,
) -> Option<Name> {
    let (client, next) = (rotation.client, &turn.next);
    let owner = match client.user(&next.user, &rotation.context).await {
        Ok(owner) => owner,
        Err(error) if rotation.prior.previous().is_none() => {
            // May be made without being seen: then its name is free, or the server says not.
            tracing::info!(%error, "the next token's name could not be looked at");
            return Some(Name::NotSeen);
        }
        Err(error) => {
            explain(UNABLE, &turn.previous.to_string(), &error, diags);
            return None;
        }
    };
    let in_the_way = owner.and_then(|owner| owner.tokens.get(next.name.as_str()).cloned());
    let Some(found) = in_the_way else {
        return Some(Name::Free);
    };
    let ours = rotation.prior.previous().as_ref() == Some(next)
        || is_leftover(rotation, turn, &found, new).await;
    if !ours {
        other_name_taken(next, diags);
        return None;
    }
    if let Err(error) = client.delete_token(next, &rotation.context).await {
        explain(UNABLE, &next.to_string(), &error, diags);
        return None;
    }
    Some(Name::Free)
}

/// Whether a token is in every field what an interrupted rotation of this one would have made.
async fn is_leftover(
    rotation: &Rotation<'_>,
    turn: &Turn,
    found: &TokenInfo,
    new: &NewToken,
) -> bool {
    // An end that counts from the rotation was counted from that earlier one.
    let expire = match (
        duration::seconds(&rotation.planned.expires_in),
        found.expire,
    ) {
        (Some(lifetime), Some(end)) => {
            let begun = end.saturating_sub(lifetime);
            let since = rotation.prior.secret_since().unwrap_or(i64::MIN);
            (since..=rotation.now).contains(&begun).then_some(end)
        }
        _ => new.expire,
    };
    let sent = NewToken {
        expire,
        ..new.clone()
    };
    if !is_as_sent(found, &sent) {
        return false;
    }
    match rotation.client.acl_view(&rotation.context).await {
        Ok(view) => {
            let grants = rotation.grants(&turn.previous, &view);
            has_no_more_than(&view, &turn.next, &grants)
        }
        Err(_) => false,
    }
}

/// An interrupted rotation may not have come to all of the grants, but it made no others.
fn has_no_more_than(view: &AclView, token: &TokenId, grants: &[Grant]) -> bool {
    view.of_token(token).all(|entry| {
        grants.iter().any(|grant| {
            grant.path == entry.path
                && grant.role == entry.role
                && grant.propagate == entry.propagate
        })
    })
}

/// Gives the previous token its end, and returns the end that it then has.
async fn retire(rotation: &Rotation<'_>, turn: &Turn, diags: &mut Diagnostics) -> Option<i64> {
    let current = if turn.previous == rotation.live {
        rotation.prior.end()
    } else {
        rotation.prior.previous_end()
    };
    let overlap = rotation.planned.overlap().unwrap_or_default();
    let meant = rotation.now.saturating_add(overlap);
    if current.is_some_and(|end| end <= meant) {
        return current;
    }
    let change = TokenChange {
        expire: Some(Some(meant)),
        ..TokenChange::default()
    };
    // Also when Terraform has asked to stop: the old secret would not end by itself.
    let (client, context) = (rotation.client, Context::default());
    match client.update_token(&turn.previous, &change, &context).await {
        Ok(_) => Some(meant),
        Err(error) => {
            explain(
                UNABLE,
                &format!("{} (its end)", turn.previous),
                &error,
                diags,
            );
            current
        }
    }
}
