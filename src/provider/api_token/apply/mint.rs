//! Creating a token, whatever happens to the answer.
//!
//! The server gives a secret only once, in the answer to the creation. When that answer is lost
//! the token may exist all the same (recording `441-pvedaemon-hung`), so a creation whose outcome
//! is unclear is investigated and never repeated: a token that was absent just before and now has
//! exactly the settings that were sent is ours, and gets a new secret; anything else is refused.

use tf_provider::{AttributePath, Diagnostics};

use crate::framework::Report;
use crate::provider::diagnostics::explain;
use crate::pve::{
    Client, Context, Error, ErrorKind, NewToken, Secret, TokenChange, TokenId, TokenInfo,
};

/// What is said of every creation that did not work.
const UNABLE: &str = "Unable to create API token";

/// A token that now exists, or of which nothing is known but that it may exist.
pub struct Minted {
    /// Its secret; `None` when the server made it and the secret could not be had.
    pub secret: Option<Secret>,
}

/// What a look at the owner showed of a name before a token of that name is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Name {
    /// There is no such token.
    Free,
    /// The credential may make the token, but not look first.
    NotSeen,
}

/// Creates a token. `None` after an error that left nothing behind; `aftermath` is what to say
/// becomes of a token that may exist without a secret.
pub async fn mint(
    client: &Client,
    token: &TokenId,
    wanted: &NewToken,
    name: Name,
    aftermath: &str,
    context: &Context,
    diags: &mut Diagnostics,
) -> Option<Minted> {
    match client.create_token(token, wanted, context).await {
        Ok(created) => Some(Minted {
            secret: Some(created.secret),
        }),
        Err(error) if error.may_have_taken_effect() && name == Name::Free => {
            investigate(client, token, wanted, aftermath, &error, diags).await
        }
        Err(error) => {
            refuse(token, &error, diags);
            None
        }
    }
}

/// Makes sure that owner and name are as a creation needs them.
pub async fn look_first(
    client: &Client,
    token: &TokenId,
    context: &Context,
    diags: &mut Diagnostics,
) -> Option<Name> {
    match client.user(&token.user, context).await {
        Ok(None) => {
            no_such_owner(token, diags);
            None
        }
        Ok(Some(owner)) if owner.tokens.contains_key(token.name.as_str()) => {
            exists_already(token, diags);
            None
        }
        Ok(Some(_)) => Some(Name::Free),
        Err(Error {
            kind: ErrorKind::Forbidden { .. },
            ..
        }) => Some(Name::NotSeen),
        Err(error) => {
            refuse(token, &error, diags);
            None
        }
    }
}

/// Finds out what became of a creation whose answer was lost.
async fn investigate(
    client: &Client,
    token: &TokenId,
    wanted: &NewToken,
    aftermath: &str,
    lost: &Error,
    diags: &mut Diagnostics,
) -> Option<Minted> {
    // Also when Terraform has asked to stop: what exists must be known.
    let context = Context::default();
    let found = match client.user(&token.user, &context).await {
        Ok(owner) => owner.and_then(|owner| owner.tokens.get(token.name.as_str()).cloned()),
        Err(error) => {
            diags.fail(
                UNABLE,
                format!(
                    "{token}: {lost}. Whether the token was made could not be found out either: \
                     {error}. {aftermath}"
                ),
                AttributePath::root(),
            );
            return Some(Minted { secret: None });
        }
    };
    match found {
        None => {
            // Absent now is not absent for good: a hung daemon or a held lock can still make it.
            diags.fail(
                UNABLE,
                format!(
                    "{token}: {lost}. The token is not there now, but the server may still make \
                     it. {aftermath}"
                ),
                AttributePath::root(),
            );
            Some(Minted { secret: None })
        }
        Some(found) if is_as_sent(&found, wanted) => {
            Some(new_secret(client, token, aftermath, lost, &context, diags).await)
        }
        Some(_) => {
            diags.fail(
                UNABLE,
                format!(
                    "{token}: {lost}. A token of this name is there now, with settings other than \
                     the ones that were sent: somebody else made it at the same moment, so it was \
                     left alone. Choose another `token_name`, or import it."
                ),
                AttributePath::new("token_name"),
            );
            None
        }
    }
}

/// Whether a token has every setting that was, or would have been, sent.
pub fn is_as_sent(found: &TokenInfo, sent: &NewToken) -> bool {
    let comment = |text: &Option<String>| text.as_deref().unwrap_or_default().trim().to_owned();
    found.privilege_separation == sent.privsep
        && found.expire == sent.expire
        && comment(&found.comment) == comment(&sent.comment)
}

/// Gets a secret for a token of ours whose first secret was lost.
async fn new_secret(
    client: &Client,
    token: &TokenId,
    aftermath: &str,
    lost: &Error,
    context: &Context,
    diags: &mut Diagnostics,
) -> Minted {
    let secret = match client
        .regenerate_token(token, &TokenChange::default(), context)
        .await
    {
        Ok(regenerated) => {
            diags.warn(
                "The answer to a creation was lost",
                format!(
                    "{token}: {lost}. The token had been made all the same, with the settings \
                     that were sent, and was given a new secret."
                ),
                AttributePath::root(),
            );
            Some(regenerated.secret)
        }
        Err(error) => {
            diags.fail(
                UNABLE,
                format!(
                    "{token}: {lost}. The token had been made all the same, and its secret is \
                     lost; a new one could not be had: {error}. {aftermath}"
                ),
                AttributePath::root(),
            );
            None
        }
    };
    Minted { secret }
}

fn refuse(token: &TokenId, error: &Error, diags: &mut Diagnostics) {
    match error {
        Error {
            kind: ErrorKind::TokenExists { .. },
            ..
        } => exists_already(token, diags),
        Error {
            kind: ErrorKind::NoSuchUser { .. },
            ..
        } => no_such_owner(token, diags),
        error => explain(UNABLE, &token.to_string(), error, diags),
    }
}

fn exists_already(token: &TokenId, diags: &mut Diagnostics) {
    diags.fail(
        "API token exists already",
        format!(
            "There is a token {token} already, and it was left alone: taking it over would cut \
             off whoever uses it. Choose another `token_name`, or bring it under management with \
             `terraform import` and get a new secret by `rotate_when_changed`: that is also the \
             way on if an earlier run was killed after it had made this token. If this token is being replaced, \
             something that depends on it asks for `create_before_destroy`, and two tokens cannot \
             have one name: give the new one another `token_name`, or do without \
             `create_before_destroy` there."
        ),
        AttributePath::new("token_name"),
    );
}

fn no_such_owner(token: &TokenId, diags: &mut Diagnostics) {
    diags.fail(
        "Owner of the API token does not exist",
        format!(
            "Proxmox VE has no user {}. Create the user first, or correct `user_id`; the realm \
             is the part behind the @.",
            token.user
        ),
        AttributePath::new("user_id"),
    );
}
