//! Creating a token, whatever happens to the answer.
//!
//! The server gives a secret only once, in the answer to the creation. When that answer is lost
//! the token may exist all the same (recording `441-pvedaemon-hung`), so a creation whose outcome
//! is unclear is investigated and never repeated: a token that was absent just before and now has
//! exactly the settings that were sent is ours, and gets a new secret; anything else is refused.

use tf_provider::{AttributePath, Diagnostics};

use crate::{
    framework::Report,
    provider::explain::explain,
    pve::{Call, Client, Error, NewToken, Secret, TokenId, TokenInfo},
};

/// What is said of every creation that did not work.
const UNABLE: &str = "Unable to create API token";

/// A token that now exists.
pub struct Minted {
    /// Its secret; `None` when the server made it and the secret could not be had.
    pub secret: Option<Secret>,
    /// When, in epoch seconds on the server's clock, if the answer said so.
    pub created_at: Option<i64>,
}

impl Minted {
    /// A token of which nothing is known but that it may exist.
    fn unknown() -> Self {
        Self {
            secret: None,
            created_at: None,
        }
    }
}

/// Creates a token. `None` after an error that left nothing behind.
pub async fn mint(
    client: &Client,
    token: &TokenId,
    wanted: &NewToken,
    call: &Call,
    diags: &mut Diagnostics,
) -> Option<Minted> {
    let known_absent = absent_before(client, token, call, diags).await?;
    match client.create_token(token, wanted, call).await {
        Ok(created) => Some(Minted {
            secret: Some(created.secret),
            created_at: Some(created.server_time.unix_timestamp()),
        }),
        Err(error) if error.may_have_taken_effect() && known_absent => {
            investigate(client, token, wanted, &error, diags).await
        }
        Err(error) => {
            refuse(token, &error, diags);
            None
        }
    }
}

/// Makes sure that owner and name are as a creation needs them. `Some(false)` when the credential
/// may create the token but not look first.
async fn absent_before(
    client: &Client,
    token: &TokenId,
    call: &Call,
    diags: &mut Diagnostics,
) -> Option<bool> {
    match client.user(&token.user, call).await {
        Ok(None) => {
            no_such_owner(token, diags);
            None
        }
        Ok(Some(owner)) if owner.tokens.contains_key(token.name.as_str()) => {
            exists_already(token, diags);
            None
        }
        Ok(Some(_)) => Some(true),
        Err(Error::Forbidden { .. }) => Some(false),
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
    lost: &Error,
    diags: &mut Diagnostics,
) -> Option<Minted> {
    // Also when Terraform has asked to stop: what exists must be known.
    let call = Call::default();
    let found = match client.user(&token.user, &call).await {
        Ok(owner) => owner.and_then(|owner| owner.tokens.get(token.name.as_str()).cloned()),
        Err(error) => {
            diags.fail(
                UNABLE,
                format!(
                    "{token}: {lost}. Whether the token was made could not be found out either: \
                     {error}. It is kept in the state as damaged; the next apply looks again and \
                     replaces it if it exists."
                ),
                AttributePath::root(),
            );
            return Some(Minted::unknown());
        }
    };
    match found {
        None => {
            // Absent now is not absent for good: a hung daemon or a held lock can still make it.
            diags.fail(
                UNABLE,
                format!(
                    "{token}: {lost}. The token is not there now, but the server may still make \
                     it. It is kept in the state as damaged; the next apply looks again and \
                     replaces it if it exists."
                ),
                AttributePath::root(),
            );
            Some(Minted::unknown())
        }
        Some(found) if is_as_sent(&found, wanted) => {
            Some(new_secret(client, token, lost, &call, diags).await)
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

fn is_as_sent(found: &TokenInfo, sent: &NewToken) -> bool {
    let comment = |text: &Option<String>| text.as_deref().unwrap_or_default().trim().to_owned();
    found.privilege_separation == sent.privsep
        && found.expire == sent.expire
        && comment(&found.comment) == comment(&sent.comment)
}

/// Gets a secret for a token of ours whose first secret was lost.
async fn new_secret(
    client: &Client,
    token: &TokenId,
    lost: &Error,
    call: &Call,
    diags: &mut Diagnostics,
) -> Minted {
    let secret = match client.regenerate_token(token, call).await {
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
                     lost; a new one could not be had: {error}. The token is kept in the state \
                     as damaged, and the next apply replaces it."
                ),
                AttributePath::root(),
            );
            None
        }
    };
    Minted {
        secret,
        created_at: None,
    }
}

fn refuse(token: &TokenId, error: &Error, diags: &mut Diagnostics) {
    match error {
        Error::TokenExists { .. } => exists_already(token, diags),
        Error::NoSuchUser { .. } => no_such_owner(token, diags),
        error => explain(UNABLE, &token.to_string(), error, diags),
    }
}

fn exists_already(token: &TokenId, diags: &mut Diagnostics) {
    diags.fail(
        "API token exists already",
        format!(
            "There is a token {token} already, and it was left alone: taking it over would cut \
             off whoever uses it. Choose another `token_name`, or bring it under management with \
             `terraform import` (its secret stays unknown). If this token is being replaced, \
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
