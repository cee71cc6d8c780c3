//! A new secret by revoking the token and making it again, for servers that cannot do it in place.
//!
//! Revoking takes the grants along, those of others too, so nothing is begun before all of them
//! have been read and are known to be writable.

use tf_provider::value::Value;
use tf_provider::{AttributePath, Diagnostics};

use crate::framework::Report;
use crate::provider::api_token::acl::Grant;
use crate::provider::api_token::apply::grants::Held;
use crate::provider::api_token::apply::mint::{Name, mint};
use crate::provider::api_token::apply::rotate::{Rotation, UNABLE, fail};
use crate::provider::api_token::apply::{UNABLE_TO_SCOPE, settle_previous, wanted};
use crate::provider::api_token::model::State;
use crate::provider::diagnostics::explain;
use crate::pve::TokenId;

const METHOD: &str = "recreate";

/// What becomes of a token that may exist without a secret.
const AGAIN: &str = "The next apply makes it again.";

/// Reports that there is no way to rotate that the configuration allows.
pub fn not_allowed(live: &TokenId, diags: &mut Diagnostics) {
    diags.fail(
        "Server cannot replace a secret in place",
        format!(
            "{live} is due for rotation, and this server is too old to give a token a new secret in \
             place (it needs libpve-access-control 9.1). Set `rotation.overlap`, with which \
             another token takes its place without a gap, or `allow_recreate` to true, with which \
             it is revoked and made again."
        ),
        AttributePath::new("rotation"),
    );
}

pub async fn run(rotation: Rotation<'_>, diags: &mut Diagnostics) -> State {
    let (client, live, context) = (rotation.client, &rotation.live, &rotation.context);
    if rotation.planned.allow_recreate != Value::Value(true) {
        not_allowed(live, diags);
        return rotation.prior;
    }
    let Some(grants) = restorable(&rotation, diags).await else {
        return rotation.prior;
    };
    if let Err(error) = client.delete_token(live, context).await {
        // Also when it may have happened: then the next refresh finds the token gone.
        explain(UNABLE, &live.to_string(), &error, diags);
        return rotation.prior;
    }
    let new = wanted(&rotation.planned, rotation.end());
    let Some(minted) = mint(client, live, &new, Name::Free, AGAIN, context, diags).await else {
        lost(live, &grants, diags);
        return without_secret(rotation.prior);
    };
    if minted.secret.is_none() {
        lost(live, &grants, diags);
        return without_secret(rotation.prior);
    }
    let mut held = Held::default();
    let restored = held.grant(client, live, &grants, context).await;
    let done = rotation.done(live, minted, METHOD);
    if let Err(error) = restored {
        explain(UNABLE_TO_SCOPE, &live.to_string(), &error, diags);
        lost(live, &grants, diags);
        return State {
            acl: held.declared(&done.acl),
            ..done
        };
    }
    settle_previous(client, &rotation.prior, done, context, diags).await
}

/// The grants to make again; `None` with the reason when one of them could not be.
async fn restorable(rotation: &Rotation<'_>, diags: &mut Diagnostics) -> Option<Vec<Grant>> {
    let (client, live, context) = (rotation.client, &rotation.live, &rotation.context);
    let view = match client.acl_view(context).await {
        Ok(view) if view.complete => view,
        Ok(_) => {
            fail(
                live,
                "it would be revoked and made again, and its grants cannot all be read. Nothing \
                 was changed. Give the provider's credential Sys.Audit on /access",
                diags,
            );
            return None;
        }
        Err(error) => {
            explain(UNABLE, &live.to_string(), &error, diags);
            return None;
        }
    };
    let grants = rotation.grants(live, &view);
    for grant in &grants {
        let writable = client.permissions(&grant.path, context).await;
        if !writable.is_ok_and(|held| held.contains("Permissions.Modify")) {
            let what = format!(
                "it would be revoked and made again, and its grant of {} on {} could not be \
                 restored. Nothing was changed. Give the provider's credential Permissions.Modify \
                 on {}",
                grant.role, grant.path, grant.path
            );
            fail(live, &what, diags);
            return None;
        }
    }
    Some(grants)
}

/// The token was revoked: its secret is dead, and the rotation stays due.
fn without_secret(prior: State) -> State {
    State {
        secret: Value::Null,
        api_token: Value::Null,
        ..prior
    }
}

/// Names what is to be restored by hand if no further apply does it.
fn lost(live: &TokenId, grants: &[Grant], diags: &mut Diagnostics) {
    let listed: Vec<String> = grants
        .iter()
        .map(|grant| format!("{} on {}", grant.role, grant.path))
        .collect();
    let grants = match listed.is_empty() {
        true => "It had no grants".to_owned(),
        false => format!("It had these grants: {}", listed.join(", ")),
    };
    diags.fail(
        UNABLE,
        format!(
            "{live} was revoked in order to be made again, and that did not come to its end. Until \
             the next apply, nothing can log in with it. {grants}; the next apply makes those \
             that `acl` declares."
        ),
        AttributePath::root(),
    );
}
