//! A token's life after its creation: reading, scoping, changing and revoking it.

use tf_provider::{AttributePath, Diagnostics, value::Value};

use super::{
    acl::{self, Changes, Grant},
    held::Held,
    mint::{Minted, mint},
    plan::{same_comment, same_instant},
    state::State,
};
use crate::{
    framework::Report,
    provider::{connection::call, explain::explain, instant},
    pve::{
        ApiToken, Call, Client, Error, NewToken, TokenChange, TokenId, TokenInfo, majority_online,
    },
};

const UNABLE_TO_READ: &str = "Unable to read API token";
const UNABLE_TO_UPDATE: &str = "Unable to update API token";
const UNABLE_TO_REVOKE: &str = "Unable to revoke API token";
const UNABLE_TO_SCOPE: &str = "Unable to scope API token";

/// Creates the planned token and grants it what it declares. A token that cannot be granted what
/// it needs is revoked again; `None` after an error that left nothing behind.
pub async fn create(
    client: &Client,
    token: &TokenId,
    planned: State,
    diags: &mut Diagnostics,
) -> Option<State> {
    let call = call();
    let wanted = NewToken {
        comment: planned.comment.as_ref_option().cloned(),
        expire: planned.expire(),
        privsep: planned.privilege_separation != Value::Value(false),
    };
    let minted = mint(client, token, &wanted, &call, diags).await?;
    let usable = minted.secret.is_some();
    let state = with_outputs(planned, token, minted);
    let mut held = Held::default();
    if !usable {
        return Some(State {
            acl: held.as_attribute(&state.acl),
            ..state
        });
    }
    let wanted: Vec<Grant> = acl::grants(&state.acl).into_iter().collect();
    match held.grant(client, token, &wanted, &call).await {
        Ok(()) => Some(state),
        Err(error) => undo(client, token, state, &error, &held, diags).await,
    }
}

fn with_outputs(planned: State, token: &TokenId, minted: Minted) -> State {
    let id = Value::Value(token.to_string());
    let mut state = State {
        id: id.clone(),
        token_id: id,
        expires_at: instant::attribute(planned.expire()),
        created_at: instant::attribute(minted.created_at),
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
    match client.delete_token(token, &Call::default()).await {
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
    Present(Box<State>),
    /// It, or its owner, is not there any more.
    Gone,
    /// It could not be found out; the diagnostics say why.
    Unclear,
}

/// Reads a token: its settings, and the declared part of its access control list.
pub async fn read(
    client: &Client,
    token: &TokenId,
    state: State,
    diags: &mut Diagnostics,
) -> Reading {
    let call = call();
    let owner = match client.user(&token.user, &call).await {
        Ok(owner) => owner,
        Err(error) => {
            explain(UNABLE_TO_READ, &token.to_string(), &error, diags);
            return Reading::Unclear;
        }
    };
    let Some(info) = owner
        .as_ref()
        .and_then(|owner| owner.tokens.get(token.name.as_str()))
    else {
        return absent(client, token, &call, diags).await;
    };
    let state = observed(state, token, info);
    match read_acl(client, token, state, &call).await {
        Ok(state) => Reading::Present(Box::new(state)),
        Err(error) => {
            explain(UNABLE_TO_READ, &token.to_string(), &error, diags);
            Reading::Unclear
        }
    }
}

/// Believes an absence only of a node that sees the majority of its cluster: an isolated one
/// answers from the past.
async fn absent(client: &Client, token: &TokenId, call: &Call, diags: &mut Diagnostics) -> Reading {
    let doubt = match client.nodes(call).await {
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
pub fn observed(state: State, token: &TokenId, info: &TokenInfo) -> State {
    let id = Value::Value(token.to_string());
    let comment = Value::from(info.comment.clone().filter(|comment| !comment.is_empty()));
    let expires_at = instant::attribute(info.expire);
    State {
        id: id.clone(),
        token_id: id,
        user_id: Value::Value(token.user.to_string()),
        token_name: Value::Value(token.name.to_string()),
        privilege_separation: Value::Value(info.privilege_separation),
        comment: if same_comment(&state.comment, &comment) {
            state.comment
        } else {
            comment
        },
        expiration_date: if same_instant(&state.expiration_date, &expires_at) {
            state.expiration_date
        } else {
            expires_at.clone()
        },
        expires_at,
        ..state
    }
}

async fn read_acl(
    client: &Client,
    token: &TokenId,
    state: State,
    call: &Call,
) -> Result<State, Error> {
    if acl::entries(&state.acl).next().is_none() {
        return Ok(state);
    }
    let view = client.acl_view(call).await?;
    let granted = view
        .of_token(token)
        .map(|entry| Grant {
            path: entry.path.clone(),
            role: entry.role.clone(),
            propagate: entry.propagate,
        })
        .collect();
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
    let call = call();
    let changes = match &planned.acl {
        // Unmanaged from now on: what was granted stays.
        Value::Null => Changes::default(),
        acl => Changes::between(&acl::grants(&prior.acl), &acl::grants(acl)),
    };
    let mut held = Held::from(&prior.acl);
    let scope = |held: &Held| match &planned.acl {
        Value::Null => prior.acl.clone(),
        declared => held.as_attribute(declared),
    };
    if let Err(error) = held.grant(client, token, &changes.add, &call).await {
        explain(UNABLE_TO_SCOPE, &token.to_string(), &error, diags);
        let acl = scope(&held);
        return State { acl, ..prior };
    }
    if let Some(change) = change_between(&prior, &planned)
        && let Err(error) = client.update_token(token, &change, &call).await
    {
        explain(UNABLE_TO_UPDATE, &token.to_string(), &error, diags);
        let acl = scope(&held);
        let settings = if error.may_have_taken_effect() {
            look_again(client, token, prior).await
        } else {
            prior
        };
        return State { acl, ..settings };
    }
    if let Err(error) = held.revoke(client, token, &changes.remove, &call).await {
        explain(UNABLE_TO_SCOPE, &token.to_string(), &error, diags);
        let acl = scope(&held);
        return State { acl, ..planned };
    }
    planned
}

/// What one request must change; `None` when nothing about the token itself does.
fn change_between(prior: &State, planned: &State) -> Option<TokenChange> {
    let change = TokenChange {
        comment: (!same_comment(&prior.comment, &planned.comment))
            .then(|| planned.comment.as_ref_option().cloned().unwrap_or_default()),
        expire: (prior.expire() != planned.expire()).then(|| planned.expire()),
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
    match client.user(&token.user, &Call::default()).await {
        Ok(Some(owner)) => match owner.tokens.get(token.name.as_str()) {
            Some(info) => observed(prior, token, info),
            None => prior,
        },
        _ => prior,
    }
}

/// Revokes a token. One that is gone already, or whose owner is, counts as revoked.
pub async fn revoke(client: &Client, token: &TokenId, diags: &mut Diagnostics) -> Option<()> {
    let error = match client.delete_token(token, &call()).await {
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
    match client.user(&token.user, &Call::default()).await {
        Ok(Some(owner)) => !owner.tokens.contains_key(token.name.as_str()),
        Ok(None) => true,
        Err(_) => false,
    }
}
