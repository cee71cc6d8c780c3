//! Creation of a token, also when the response is lost.
//!
//! The server shows a secret only once, in the response to the creation. When that response is
//! lost the token may exist (recording `441-pvedaemon-hung`), so a creation whose outcome is
//! unclear is investigated and never repeated: a token that was absent just before and now has
//! exactly the requested settings is ours, and gets a new secret; anything else is refused.

use std::sync::Arc;

use crate::framework::Problem;
use crate::provider::api_token::apply::messages::{self, Purpose};
use crate::pve::{
    CachedClient, Context, Error, ErrorKind, NewToken, Owner, Secret, TokenChange, TokenId,
    TokenInfo,
};

/// A token that was created.
pub enum Creation {
    /// It has this secret. The warning says that the response was lost meanwhile.
    Ready(Secret, Option<Problem>),
    /// It exists or may exist, and its secret is lost.
    SecretLost(Problem),
}

/// The finding of a look at the owner before a token is created.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precheck {
    /// There is no token of that name.
    Absent,
    /// The credential may create the token, but not read it first.
    Unknown,
}

impl Precheck {
    /// The finding of a look that found this owner and no token of the name, or was not allowed.
    pub fn of(owner: Option<&Owner>) -> Self {
        match owner {
            Some(_) => Self::Absent,
            None => Self::Unknown,
        }
    }
}

/// Checks that the owner exists and the name is not taken. Returns the owner, where it may be read.
pub async fn look_at_owner(
    client: &CachedClient,
    token: &TokenId,
    context: &Context,
) -> Result<Option<Arc<Owner>>, Problem> {
    match client.user(&token.user, context).await {
        Ok(None) => Err(messages::no_such_owner(token)),
        Ok(Some(owner)) if owner.token(token).is_some() => Err(messages::already_exists(token)),
        Ok(owner) => Ok(owner),
        Err(Error {
            kind: ErrorKind::Forbidden { .. },
            ..
        }) => Ok(None),
        Err(error) => Err(messages::not_created(token, &error)),
    }
}

/// Creates a token. After an error it does not exist.
pub async fn mint(
    client: &CachedClient,
    token: &TokenId,
    new: &NewToken,
    precheck: Precheck,
    purpose: Purpose,
    context: &Context,
) -> Result<Creation, Problem> {
    match client.create_token(token, new, context).await {
        Ok(created) => Ok(Creation::Ready(created.secret, None)),
        Err(error) if error.may_have_taken_effect() && precheck == Precheck::Absent => {
            investigate(client, token, new, purpose, &error).await
        }
        Err(error) => Err(messages::not_created(token, &error)),
    }
}

/// Finds out the outcome of a creation whose response was lost.
async fn investigate(
    client: &CachedClient,
    token: &TokenId,
    new: &NewToken,
    purpose: Purpose,
    lost: &Error,
) -> Result<Creation, Problem> {
    // Also when Terraform has asked to stop: what exists must be known.
    let context = Context::default();
    let found = match client.user(&token.user, &context).await {
        Ok(owner) => owner.and_then(|owner| owner.token(token).cloned()),
        Err(error) => {
            let problem = messages::creation_unverified(token, lost, &error, purpose);
            return Ok(Creation::SecretLost(problem));
        }
    };
    match found {
        // The token may still appear: a hung daemon or a held lock can still create it.
        None => Ok(Creation::SecretLost(messages::creation_pending(
            token, lost, purpose,
        ))),
        Some(found) if matches(&found, new) => {
            Ok(replace_lost_secret(client, token, purpose, lost, &context).await)
        }
        Some(_) => Err(messages::created_by_another(token, lost)),
    }
}

/// Whether a token has every setting of the request that would create it.
pub fn matches(found: &TokenInfo, new: &NewToken) -> bool {
    let comment = |text: &Option<String>| text.as_deref().unwrap_or_default().trim().to_owned();
    found.privilege_separation == new.privsep
        && found.expire == new.expire
        && comment(&found.comment) == comment(&new.comment)
}

/// Gets a new secret for a token whose first one was lost with the response.
async fn replace_lost_secret(
    client: &CachedClient,
    token: &TokenId,
    purpose: Purpose,
    lost: &Error,
    context: &Context,
) -> Creation {
    let regenerated = client
        .regenerate_token(token, &TokenChange::default(), context)
        .await;
    match regenerated {
        Ok(regenerated) => {
            let warning = messages::no_response_to_creation(token, lost);
            Creation::Ready(regenerated.secret, Some(warning))
        }
        Err(error) => Creation::SecretLost(messages::secret_lost(token, lost, &error, purpose)),
    }
}
