//! Verification of the stored secret at each refresh (`verify_secret`).

use tf_provider::value::Value;

use crate::framework::Problem;
use crate::provider::api_token::apply::messages;
use crate::provider::api_token::model::State;
use crate::pve::diagnosis::Rejection;
use crate::pve::{CachedClient, Context, Error, ErrorKind, Owner, TokenId};

/// Logs in with the stored secret, where the configuration asks for it and there is one. Warns when
/// the server refuses it, with the reason as far as the owner's state shows it.
pub async fn verify(
    client: &CachedClient,
    state: &State,
    live: &TokenId,
    owner: &Owner,
    context: &Context,
) -> Option<Problem> {
    if state.verify_secret != Value::Value(true) {
        return None;
    }
    let credential = state.credential(live)?;
    match client.with_token(credential).version(context).await {
        Ok(_) => None,
        Err(Error {
            kind: ErrorKind::Unauthenticated { .. },
            ..
        }) => Some(messages::secret_refused(&Rejection::of_token(live, owner))),
        Err(error) => Some(messages::secret_not_verified(live, &error)),
    }
}
