//! Verification of the stored secret: at each refresh where the configuration asks for it
//! (`verify_secret`), and after a rotation whose response was lost.

use tf_provider::value::Value;

use crate::framework::Problem;
use crate::provider::api_token::apply::messages;
use crate::provider::api_token::model::State;
use crate::provider::api_token::private_state::{PrivateState, Unsettled};
use crate::pve::diagnosis::Rejection;
use crate::pve::{ApiToken, CachedClient, Context, Error, ErrorKind, Owner, TokenId};

/// The finding of a verification.
#[derive(Debug, Default)]
pub struct Verified {
    /// Whether the token is valid and has another secret than the stored one.
    pub is_replaced: bool,
    /// The warning about a secret that is refused, or that could not be verified.
    pub warning: Option<Problem>,
}

/// Logs in with the stored secret, where there is a reason to and a secret. The warning says why
/// the server refuses it, as far as the owner's state shows it.
pub async fn verify(
    client: &CachedClient,
    state: &State,
    private: &PrivateState,
    live: &TokenId,
    owner: &Owner,
    context: &Context,
) -> Verified {
    let is_wanted =
        state.verify_secret == Value::Value(true) || private.unsettled == Some(Unsettled::Secret);
    let Some(credential) = state.credential(live).filter(|_| is_wanted) else {
        return Verified::default();
    };
    match rejection(client, credential, owner, context).await {
        Ok(None) => Verified::default(),
        Ok(Some(reason)) => Verified {
            is_replaced: is_replaced(&reason),
            warning: Some(messages::secret_refused(&reason)),
        },
        Err(error) => Verified {
            is_replaced: false,
            warning: Some(messages::secret_not_verified(live, &error)),
        },
    }
}

/// Why the server refuses a secret, as far as the owner's state shows it; `None` if it does not.
///
/// # Errors
/// Any error but that the credential is refused.
pub async fn rejection(
    client: &CachedClient,
    credential: ApiToken,
    owner: &Owner,
    context: &Context,
) -> Result<Option<Rejection>, Error> {
    let token = credential.id.clone();
    let works = works(client, credential, context).await?;
    Ok((!works).then(|| Rejection::of_token(&token, owner)))
}

/// Whether the token is valid and has another secret than the one that was refused.
pub fn is_replaced(reason: &Rejection) -> bool {
    matches!(reason, Rejection::WrongSecret(_))
}

/// Whether a secret can be used to log in.
///
/// # Errors
/// Any error but that the credential is refused.
pub async fn works(
    client: &CachedClient,
    credential: ApiToken,
    context: &Context,
) -> Result<bool, Error> {
    match client.with_token(credential).version(context).await {
        Ok(_) => Ok(true),
        Err(Error {
            kind: ErrorKind::Unauthenticated { .. },
            ..
        }) => Ok(false),
        Err(error) => Err(error),
    }
}
