//! A token's life: making, reading, changing and revoking it. How its secret is replaced is in
//! [`crate::provider::api_token::apply::rotate`].

pub(crate) mod grants;
pub(crate) mod import;
pub(crate) mod mint;
pub(crate) mod rotate;
pub(crate) mod verify;

use tf_provider::value::Value;
use tf_provider::{AttributePath, Diagnostics};

use crate::framework::Report;
use crate::provider::api_token::acl;
use crate::provider::api_token::acl::{Changes, Grant};
use crate::provider::api_token::apply::grants::Held;
use crate::provider::api_token::apply::mint::Minted;
use crate::provider::api_token::model::State;
use crate::provider::api_token::plan::expiry::End;
use crate::provider::api_token::plan::{expiry, same_comment, same_instant};
use crate::provider::api_token::private_state::Notes;
use crate::provider::attributes::timestamp;
use crate::provider::clients::call_within;
use crate::provider::diagnostics::explain;
use crate::pve::{
    ApiToken, Client, Context, Error, NewToken, Owner, TokenChange, TokenId, TokenInfo,
    majority_online,
};

const UNABLE_TO_READ: &str = "Unable to read API token";
const UNABLE_TO_UPDATE: &str = "Unable to update API token";
const UNABLE_TO_REVOKE: &str = "Unable to revoke API token";
pub const UNABLE_TO_SCOPE: &str = "Unable to scope API token";

/// What becomes of a creation that may have happened.
const KEPT: &str = "It is kept in the state as damaged; the next apply looks again and replaces it \
                    if it exists.";

/// Creates the planned token and grants it what it declares. A token that cannot be granted what
/// it needs is revoked again; `None` after an error that left nothing behind.
pub async fn create(
    client: &Client,
    token: &TokenId,
    planned: State,
    diags: &mut Diagnostics,
) -> Option<State> {
    let context = call_within(planned.timeout("create"));
    let name = mint::look_first(client, token, &context, diags).await?;
    other_is_free(client, &planned, &context, diags).await?;
    let now = client.server_now().unix_timestamp();
    let end = End::of(&planned, Some(now), None);
    let errors = diags.errors.len();
    expiry::refuse_past(&planned, end, None, now, diags);
    if diags.errors.len() > errors {
        return None;
    }
    let wanted = wanted(&planned, end.at(now));
    let minted = mint::mint(client, token, &wanted, name, KEPT, &context, diags).await?;
    let usable = minted.secret.is_some();
    let state = State {
        id: Value::Value(token.to_string()),
        created_at: timestamp::attribute(Some(now)),
        ..with_secret(planned, token, minted, wanted.expire)
    };
    let mut held = Held::default();
    if !usable {
        return Some(State {
            acl: held.as_attribute(&state.acl),
            ..state
        });
    }
    let grants: Vec<Grant> = acl::grants(&state.acl).into_iter().collect();
    match held.grant(client, token, &grants, &context).await {
        Ok(()) => Some(state),
        Err(error) => undo(client, token, state, &error, &held, diags).await,
    }
}

/// A rotation with overlap will need the other name, and a token of somebody else's is never
/// taken over for it: better told now than in some weeks.
async fn other_is_free(
    client: &Client,
    planned: &State,
    context: &Context,
    diags: &mut Diagnostics,
) -> Option<()> {
    let other = planned.other().filter(|_| planned.overlap().is_some());
    let Some(other) = other else {
        return Some(());
    };
    let owner = client.user(&other.user, context).await.ok().flatten();
    if !owner.is_some_and(|owner| owner.tokens.contains_key(other.name.as_str())) {
        return Some(());
    }
    other_name_taken(&other, diags);
    None
}

/// Reports that a rotation has no second name.
pub fn other_name_taken(other: &TokenId, diags: &mut Diagnostics) {
    diags.fail(
        "Second name of the API token is taken",
        format!(
            "With `overlap`, a rotation needs the name {other}, and there is a token of that name \
             which this resource did not make. It was left alone. Choose another `token_name`, \
             revoke that token, or do without `overlap`."
        ),
        AttributePath::new("rotation").attribute("overlap"),
    );
}

/// What a token of this plan is made with.
pub fn wanted(planned: &State, end: Option<i64>) -> NewToken {
    NewToken {
        comment: planned.comment.as_ref_option().cloned(),
        expire: end,
        privsep: planned.is_separated(),
    }
}

/// The state with a token that was just made or given a new secret.
pub fn with_secret(planned: State, token: &TokenId, minted: Minted, end: Option<i64>) -> State {
    let mut state = State {
        token_id: Value::Value(token.to_string()),
        expires_at: timestamp::attribute(end),
        secret: Value::Null,
        api_token: Value::Null,
        ..planned
    };
    if let Some(secret) = minted.secret {
        state.set_secret(&ApiToken {
            id: token.clone(),
            secret,
        });
    }
    state
}

/// Revokes a token that was just made and could not be scoped.
async fn undo(
    client: &Client,
    token: &TokenId,
    state: State,
    why: &Error,
    held: &Held,
    diags: &mut Diagnostics,
) -> Option<State> {
    // Also when Terraform has asked to stop: a half-made token is not left behind.
    match client.delete_token(token, &Context::default()).await {
        Ok(_) => {
            let object = format!("{token}, which was therefore revoked again");
            explain(UNABLE_TO_SCOPE, &object, why, diags);
            None
        }
        Err(error) => {
            explain(UNABLE_TO_SCOPE, &token.to_string(), why, diags);
            diags.fail(
                UNABLE_TO_REVOKE,
                format!(
                    "{token} was made and could not be given what `acl` declares, and revoking it \
                     again failed too: {error}. It is kept in the state as damaged, and the next \
                     apply replaces it."
                ),
                AttributePath::root(),
            );
            Some(State {
                acl: held.as_attribute(&state.acl),
                ..state
            })
        }
    }
}

/// What came of reading a token.
pub enum Reading {
    /// It is there.
    Present(Box<State>, Notes),
    /// It, or its owner, is not there any more.
    Gone,
    /// It could not be found out; the diagnostics say why.
    Unclear,
}

/// Reads a token: its settings, the declared part of its access control list, and what became of
/// its predecessor.
pub async fn read(client: &Client, state: State, diags: &mut Diagnostics) -> Reading {
    let Some(live) = state.live() else {
        diags.fail_if_silent("A state without a usable `user_id` and `token_name`");
        return Reading::Unclear;
    };
    let context = call_within(state.timeout("read"));
    let owner = match client.user(&live.user, &context).await {
        Ok(owner) => owner,
        Err(error) => {
            explain(UNABLE_TO_READ, &live.to_string(), &error, diags);
            return Reading::Unclear;
        }
    };
    let found = |token: &TokenId| {
        let owner = owner.as_deref();
        owner.and_then(|owner| owner.tokens.get(token.name.as_str()))
    };
    let previous = state.previous();
    let previous_info = previous.as_ref().and_then(found);
    let (Some(info), Some(owner)) = (found(&live), owner.as_deref()) else {
        return match (absent(client, &live, &context, diags).await, &owner) {
            (Reading::Gone, Some(owner)) if previous_info.is_some() => {
                predecessor_only(state, &live, owner, diags)
            }
            (reading, _) => reading,
        };
    };
    let previous_is_gone = match &previous {
        Some(previous) if previous_info.is_none() => {
            let reading = absent(client, previous, &context, diags).await;
            matches!(reading, Reading::Gone)
        }
        _ => false,
    };
    let state = with_predecessor(
        observed(state, &live, info),
        previous_info,
        previous_is_gone,
    );
    let notes = Notes::at(owner.observed_at.unix_timestamp());
    match read_acl(client, &live, state, &context).await {
        Ok(state) => {
            verify::verify(client, &state, owner, &context, diags).await;
            Reading::Present(Box::new(state), notes)
        }
        Err(error) => {
            explain(UNABLE_TO_READ, &live.to_string(), &error, diags);
            Reading::Unclear
        }
    }
}

/// Somebody removed the token in use, and its predecessor is still there: nothing drops out of
/// the state, and the next apply makes the token again.
fn predecessor_only(
    state: State,
    live: &TokenId,
    owner: &Owner,
    diags: &mut Diagnostics,
) -> Reading {
    diags.warn(
        "API token removed during its overlap",
        format!(
            "{live} is not there any more, while the token before it still is. The next apply \
             makes {live} again, with a new secret."
        ),
        AttributePath::root(),
    );
    let notes = Notes {
        live_is_gone: true,
        ..Notes::at(owner.observed_at.unix_timestamp())
    };
    Reading::Present(Box::new(state.with_defaults()), notes)
}

fn with_predecessor(state: State, info: Option<&TokenInfo>, is_gone: bool) -> State {
    match info {
        Some(info) => State {
            previous_expires_at: timestamp::attribute(info.expire),
            ..state
        },
        None if is_gone => State {
            previous_token_id: Value::Null,
            previous_expires_at: Value::Null,
            ..state
        },
        None => state,
    }
}

/// Believes an absence only of a node that sees the majority of its cluster: an isolated one
/// answers from the past.
async fn absent(
    client: &Client,
    token: &TokenId,
    context: &Context,
    diags: &mut Diagnostics,
) -> Reading {
    let doubt = match client.nodes(context).await {
        Ok(nodes) if majority_online(&nodes) => return Reading::Gone,
        Ok(_) => "the node that says so sees no majority of its cluster online".to_owned(),
        Err(error) => format!("whether the node that says so sees its cluster is unclear: {error}"),
    };
    diags.warn(
        "API token not found, and kept",
        format!(
            "{token} was not found, but {doubt}. Its state is kept until a node with quorum \
             answers."
        ),
        AttributePath::root(),
    );
    Reading::Unclear
}

/// The state with what the server says, keeping spellings that mean the same.
pub fn observed(state: State, live: &TokenId, info: &TokenInfo) -> State {
    let base = state.token().unwrap_or_else(|| live.clone());
    let comment = Value::from(info.comment.clone().filter(|comment| !comment.is_empty()));
    let expires_at = timestamp::attribute(info.expire);
    let counted = !state.expires_in.is_null();
    State {
        id: Value::Value(base.to_string()),
        token_id: Value::Value(live.to_string()),
        privilege_separation: Value::Value(info.privilege_separation),
        comment: if same_comment(&state.comment, &comment) {
            state.comment
        } else {
            comment
        },
        // With `expires_in`, `expires_at` alone shows what somebody else has set.
        expiration_date: if counted || same_instant(&state.expiration_date, &expires_at) {
            state.expiration_date
        } else {
            expires_at.clone()
        },
        expires_at,
        ..state
    }
    .with_defaults()
}

async fn read_acl(
    client: &Client,
    token: &TokenId,
    state: State,
    context: &Context,
) -> Result<State, Error> {
    if acl::entries(&state.acl).next().is_none() {
        return Ok(state);
    }
    let view = client.acl_view(context).await?;
    let granted = view.of_token(token).map(Grant::from).collect();
    let declared = acl::entries(&state.acl).cloned();
    let found = acl::read_back(declared, &granted, view.complete);
    Ok(State {
        acl: Value::Value(found.into_iter().map(Value::Value).collect()),
        ..state
    })
}

/// Changes a token in place: new grants first, then settings, then what is no longer granted, so
/// that a token is never without what it keeps, also when its privileges become its own. After an
/// error the returned state says how far it came.
pub async fn update(
    client: &Client,
    token: &TokenId,
    prior: State,
    planned: State,
    diags: &mut Diagnostics,
) -> State {
    let context = call_within(planned.timeout("update"));
    let changes = changes_of_acl(&prior, &planned);
    let mut held = Held::from(&prior.acl);
    if let Err(error) = held.grant(client, token, &changes.add, &context).await {
        explain(UNABLE_TO_SCOPE, &token.to_string(), &error, diags);
        let acl = scope_of(&held, &prior, &planned);
        return State { acl, ..prior };
    }
    let planned = with_end(client, &prior, planned);
    let scope = |held: &Held| scope_of(held, &prior, &planned);
    if let Some(change) = change_between(&prior, &planned)
        && let Err(error) = client.update_token(token, &change, &context).await
    {
        let seen = if error.may_have_taken_effect() {
            look_again(client, token, prior.clone()).await
        } else {
            prior.clone()
        };
        if change_between(&seen, &planned).is_some() {
            explain(UNABLE_TO_UPDATE, &token.to_string(), &error, diags);
            let acl = scope(&held);
            return State { acl, ..seen };
        }
        changed_all_the_same(token, &error, diags);
    }
    if let Err(error) = held.revoke(client, token, &changes.remove, &context).await {
        explain(UNABLE_TO_SCOPE, &token.to_string(), &error, diags);
        let acl = scope(&held);
        return State { acl, ..planned };
    }
    settle_previous(client, &prior, planned, &context, diags).await
}

fn changed_all_the_same(token: &TokenId, lost: &Error, diags: &mut Diagnostics) {
    diags.warn(
        "The answer to a change was lost",
        format!("{token}: {lost}. The token has the settings that were sent all the same."),
        AttributePath::root(),
    );
}

/// What is to be granted and denied on the way from one state to the other.
pub fn changes_of_acl(prior: &State, planned: &State) -> Changes {
    match &planned.acl {
        // Unmanaged from now on: what was granted stays.
        Value::Null => Changes::default(),
        acl => Changes::between(&acl::grants(&prior.acl), &acl::grants(acl)),
    }
}

/// The `acl` attribute after a change that came as far as `held`.
pub fn scope_of(held: &Held, prior: &State, planned: &State) -> acl::Acl {
    match &planned.acl {
        Value::Null => prior.acl.clone(),
        declared => held.as_attribute(declared),
    }
}

/// The plan with its end, where that counts from now.
fn with_end(client: &Client, prior: &State, planned: State) -> State {
    if !planned.expires_at.is_unknown() {
        return planned;
    }
    let now = client.server_now().unix_timestamp();
    let end = End::of(&planned, prior.secret_since(), Some(prior)).at(now);
    State {
        expires_at: timestamp::attribute(end),
        ..planned
    }
}

/// Removes the predecessor, or gives it its end, where the plan says so.
pub async fn settle_previous(
    client: &Client,
    prior: &State,
    planned: State,
    context: &Context,
    diags: &mut Diagnostics,
) -> State {
    let Some(previous) = prior.previous() else {
        return planned;
    };
    let settled = if planned.previous_token_id.is_null() {
        client.delete_token(&previous, context).await.map(drop)
    } else if planned.previous_expires_at != prior.previous_expires_at {
        let change = TokenChange {
            expire: Some(planned.previous_end()),
            ..TokenChange::default()
        };
        client
            .update_token(&previous, &change, context)
            .await
            .map(drop)
    } else {
        Ok(())
    };
    match settled {
        Ok(()) => planned,
        Err(error) => {
            explain(UNABLE_TO_REVOKE, &previous.to_string(), &error, diags);
            State {
                previous_token_id: prior.previous_token_id.clone(),
                previous_expires_at: prior.previous_expires_at.clone(),
                ..planned
            }
        }
    }
}

/// What one request must change; `None` when nothing about the token itself does.
pub fn change_between(prior: &State, planned: &State) -> Option<TokenChange> {
    let change = TokenChange {
        comment: (!same_comment(&prior.comment, &planned.comment))
            .then(|| planned.comment.as_ref_option().cloned().unwrap_or_default()),
        expire: (prior.end() != planned.end()).then(|| planned.end()),
        privsep: match planned.privilege_separation {
            Value::Value(wanted) if planned.privilege_separation != prior.privilege_separation => {
                Some(wanted)
            }
            _ => None,
        },
    };
    (change != TokenChange::default()).then_some(change)
}

/// Reads the settings after a change whose outcome is unclear; the prior state where that fails.
async fn look_again(client: &Client, token: &TokenId, prior: State) -> State {
    match client.user(&token.user, &Context::default()).await {
        Ok(Some(owner)) => match owner.tokens.get(token.name.as_str()) {
            Some(info) => observed(prior, token, info),
            None => prior,
        },
        _ => prior,
    }
}

/// Revokes a token and the one before it. What is gone already, or whose owner is, counts as
/// revoked.
pub async fn revoke(client: &Client, prior: &State, diags: &mut Diagnostics) -> Option<()> {
    let context = call_within(prior.timeout("delete"));
    let mut revoked = Some(());
    for token in prior.previous().into_iter().chain(prior.live()) {
        revoked = revoked.and(revoke_one(client, &token, &context, diags).await);
    }
    revoked
}

async fn revoke_one(
    client: &Client,
    token: &TokenId,
    context: &Context,
    diags: &mut Diagnostics,
) -> Option<()> {
    let error = match client.delete_token(token, context).await {
        Ok(_) => return Some(()),
        Err(error) => error,
    };
    if error.may_have_taken_effect() && is_gone(client, token).await {
        return Some(());
    }
    explain(UNABLE_TO_REVOKE, &token.to_string(), &error, diags);
    None
}

async fn is_gone(client: &Client, token: &TokenId) -> bool {
    match client.user(&token.user, &Context::default()).await {
        Ok(Some(owner)) => !owner.tokens.contains_key(token.name.as_str()),
        Ok(None) => true,
        Err(_) => false,
    }
}
