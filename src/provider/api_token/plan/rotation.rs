//! A rotation that is planned: why, what its consumers will meet, and whether the server can do it.

use tf_provider::AttributePath;
use tf_provider::value::Value;

use crate::framework::Problem;
use crate::provider::api_token::change::Change;
use crate::provider::api_token::private_state::RotationCause;
use crate::provider::clients::call_within;
use crate::pve::{CachedClient, TokenId};

/// The warning that says why the secret is rotated, and what its consumers will meet.
pub fn reason(change: &Change) -> Option<Problem> {
    let live = &change.slots.live;
    let configured = |value: &Value<String>| value.as_ref_option().cloned().unwrap_or_default();
    let (reason, attribute) = match change.rotation? {
        RotationCause::LiveTokenGone => (
            "the token was removed outside of Terraform".to_owned(),
            AttributePath::root(),
        ),
        RotationCause::SecretLost => (
            "the server refuses the stored secret, after a rotation whose response was lost"
                .to_owned(),
            AttributePath::root(),
        ),
        RotationCause::Keepers => (
            "`rotate_when_changed` changes".to_owned(),
            AttributePath::new("rotate_when_changed"),
        ),
        RotationCause::UnknownKeepers => (
            "`rotate_when_changed` is known only after apply, and may change".to_owned(),
            AttributePath::new("rotate_when_changed"),
        ),
        RotationCause::Age => (
            format!(
                "it has reached the age of `rotation.every` ({})",
                configured(&change.planned.rotation().every)
            ),
            AttributePath::new("rotation").attribute("every"),
        ),
        RotationCause::Expiry => (
            format!(
                "its expiry is nearer than `rotation.before_expiry` ({})",
                configured(&change.planned.rotation().before_expiry)
            ),
            AttributePath::new("rotation").attribute("before_expiry"),
        ),
    };
    Some(Problem::new(
        "API token will be rotated",
        format!(
            "{live} will get a new secret: {reason}. {}",
            consequence(change)
        ),
        attribute,
    ))
}

/// What happens to the consumers of the present secret.
fn consequence(change: &Change) -> String {
    let live = &change.slots.live;
    let overlap = change.planned.rotation().overlap;
    match (change.live_is_gone(), overlap) {
        (true, _) => "Until the apply, no secret but that of its predecessor works.".to_owned(),
        (false, Value::Value(overlap)) => format!(
            "The present secret of {live} keeps working for {overlap} after the apply. The new \
             secret belongs to another token id, so consumers must take `token_id` and `secret` \
             together, or `api_token`."
        ),
        (false, _) => "The present secret stops working during the apply, so consumers must take \
                       the new one. Set `rotation.overlap` to keep the present secret for a while."
            .to_owned(),
    }
}

/// Refuses a rotation in place that the server does not support, and warns of one that needs
/// `allow_recreate`.
pub async fn check_method(
    client: &CachedClient,
    change: &Change,
) -> Result<Option<Problem>, Problem> {
    let planned = &change.planned;
    if change.rotation.is_none() || change.alternates() || planned.rotation.is_unknown() {
        return Ok(None);
    }
    let live = &change.slots.live;
    let context = call_within(planned.timeout("read"));
    if client.can_regenerate(live, &context).await != Some(false) {
        return Ok(None);
    }
    match planned.allow_recreate == Value::Value(true) {
        true => Ok(Some(will_be_recreated(live))),
        false => Err(cannot_regenerate(live)),
    }
}

/// The problem of a server that cannot replace a secret in place, where the configuration allows
/// no other way.
pub fn cannot_regenerate(token: &TokenId) -> Problem {
    Problem::new(
        "Server cannot replace a secret in place",
        format!(
            "{token} is due for rotation, and this server is too old to replace the secret of a \
             token in place: that needs libpve-access-control 9.1. Set `rotation.overlap` to \
             rotate without a gap by a second token, or set `allow_recreate = true` to revoke \
             the token and create it again."
        ),
        AttributePath::new("rotation"),
    )
}

fn will_be_recreated(token: &TokenId) -> Problem {
    Problem::new(
        "API token will be recreated",
        format!(
            "The server cannot replace the secret of {token} in place, so the token will be \
             revoked and created again, with all its grants and settings. In between, it cannot \
             be used to log in. Set `rotation.overlap` to rotate without a gap."
        ),
        AttributePath::new("allow_recreate"),
    )
}
