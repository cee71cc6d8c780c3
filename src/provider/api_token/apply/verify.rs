//! Proving on a refresh that the stored secret still logs in (`verify_secret`).

use tf_provider::value::Value;
use tf_provider::{AttributePath, Diagnostics};

use crate::framework::Report;
use crate::provider::api_token::model::State;
use crate::pve::diagnosis::{Refusal, Verdict};
use crate::pve::{Client, Context, Error, ErrorKind, Owner};

/// Warns when the stored secret is refused, with the reason as far as the owner's state tells it.
/// Does nothing unless it is asked for and there is a secret.
pub async fn verify(
    client: &Client,
    state: &State,
    owner: &Owner,
    context: &Context,
    diags: &mut Diagnostics,
) {
    if state.verify_secret != Value::Value(true) {
        return;
    }
    let Some(token) = state.api_token() else {
        return;
    };
    let id = token.id.clone();
    match client.with_token(token).version(context).await {
        Ok(_) => {}
        Err(Error {
            kind: ErrorKind::Unauthenticated { .. },
            ..
        }) => diags.warn(
            "Stored secret is refused",
            refused(&Refusal::of_token(&id, owner)),
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

fn refused(why: &Refusal) -> String {
    let other_secret = matches!(why, Refusal::OtherSecret(_));
    let way_on = match other_secret {
        true => {
            " It was given another one outside this configuration. Find out who did that; \
             changing `rotate_when_changed` replaces it, and cuts off whoever uses the other one."
        }
        false => "",
    };
    format!("The stored secret does not log in: {why}.{way_on}")
}
