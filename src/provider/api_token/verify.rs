//! Proving on a refresh that the stored secret still logs in (`verify_secret`).

use tf_provider::{AttributePath, Diagnostics, value::Value};

use super::state::State;
use crate::{
    framework::Report,
    pve::{Call, Client, Error, Owner, diagnosis::Verdict},
};

/// Warns when the stored secret is refused, with the reason as far as the owner's state tells it.
/// Does nothing unless it is asked for and there is a secret.
pub async fn verify(
    client: &Client,
    state: &State,
    owner: &Owner,
    call: &Call,
    diags: &mut Diagnostics,
) {
    if state.verify_secret != Value::Value(true) {
        return;
    }
    let Some(token) = state.api_token() else {
        return;
    };
    let id = token.id.to_string();
    match client.with_token(token).version(call).await {
        Ok(_) => {}
        Err(Error::Unauthenticated { .. }) => diags.warn(
            "Stored secret is refused",
            format!(
                "{id} exists, but its stored secret does not log in: {}",
                why(state, owner)
            ),
            AttributePath::new("secret"),
        ),
        Err(error) => diags.warn(
            "Stored secret not verified",
            format!(
                "Whether the secret of {id} still logs in was not found out: {}",
                Verdict::from(&error).message
            ),
            AttributePath::new("secret"),
        ),
    }
}

/// The server refuses every bad token in one way; what it says of token and owner tells more.
fn why(state: &State, owner: &Owner) -> String {
    let now = owner.observed_at.unix_timestamp();
    let over = |end: Option<i64>| end.is_some_and(|end| end <= now);
    if over(state.end()) {
        "the token has expired.".to_owned()
    } else if !owner.enabled {
        format!("its owner {} is disabled.", owner.user_id)
    } else if over(owner.expire) {
        format!("its owner {} has expired.", owner.user_id)
    } else {
        "it was given another one outside this configuration. Find out who did that; changing \
         `rotate_when_changed` replaces it, and cuts off whoever uses the other one."
            .to_owned()
    }
}
