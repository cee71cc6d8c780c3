//! Giving a token a new secret, in one of three ways.
//!
//! In place (`regenerate`) where the server can; by another token under the other of two names
//! (`alternate`) where an overlap is wanted, so that there is no moment without a working secret;
//! by revoking and making the token again (`recreate`) where neither is possible and the
//! configuration allows it. Whatever fails half-way, the returned state names what exists, and a
//! rotation that did not come to its end stays due, so that the next apply ends it.

mod alternate;
mod in_place;
mod recreate;

use std::collections::BTreeSet;

use tf_provider::value::Value;
use tf_provider::{AttributePath, Diagnostics};

use crate::framework::Report;
use crate::provider::api_token::acl;
use crate::provider::api_token::acl::Grant;
use crate::provider::api_token::apply::mint::Minted;
use crate::provider::api_token::apply::with_secret;
use crate::provider::api_token::model::State;
use crate::provider::attributes::{duration, timestamp};
use crate::provider::clients::call_within;
use crate::pve::{AclEntry, AclView, ApiToken, Client, Context, Error, ErrorKind, TokenId};

const UNABLE: &str = "Unable to rotate API token";

/// Replaces the secret of `prior` as planned. `live_is_gone`: the token in use was removed, and
/// only its predecessor is left.
pub async fn rotate(
    client: &Client,
    prior: State,
    planned: State,
    live_is_gone: bool,
    diags: &mut Diagnostics,
) -> State {
    let context = call_within(planned.timeout("update"));
    let Some(live) = prior.live() else {
        diags.fail_if_silent("A rotation of a token without a usable id");
        return prior;
    };
    // Also tells the server's clock, from which the new end counts.
    if let Ok(None) = client.user(&live.user, &context).await {
        fail(
            &live,
            "its owner does not exist any more. Refresh, and apply again",
            diags,
        );
        return prior;
    }
    let rotation = Rotation {
        client,
        live,
        now: client.server_now().unix_timestamp(),
        prior,
        planned,
        context,
    };
    if rotation.planned.overlap().is_some() || live_is_gone {
        alternate::run(rotation, live_is_gone, diags).await
    } else {
        in_place::run(rotation, diags).await
    }
}

/// One rotation on its way.
struct Rotation<'a> {
    client: &'a Client,
    /// The token in use until now.
    live: TokenId,
    /// When the rotation began, on the server's clock.
    now: i64,
    prior: State,
    planned: State,
    context: Context,
}

impl Rotation<'_> {
    /// When the new secret ends.
    fn end(&self) -> Option<i64> {
        let lifetime = duration::seconds(&self.planned.expires_in);
        let counted = lifetime.map(|lifetime| self.now.saturating_add(lifetime));
        counted.or_else(|| self.planned.expiration_date())
    }

    /// The planned state with the new secret, and how it was come by.
    fn done(&self, token: &TokenId, minted: Minted, method: &str) -> State {
        let state = State {
            rotated_at: timestamp::attribute(Some(self.now)),
            rotation_method: Value::Value(method.to_owned()),
            ..with_secret(self.planned.clone(), token, minted, self.end())
        };
        self.keep_working(&state);
        state
    }

    /// Within this run, the provider goes on with the new secret where it has replaced its own.
    fn keep_working(&self, state: &State) {
        let own = &self.client.settings().credentials;
        if let Some(token) = state.api_token()
            && own.identity() == Some(token.id.to_string())
        {
            self.client.continue_with(token);
        }
    }

    /// Every grant that the new token is to have: what is declared, and what others gave `token`,
    /// which its successor must not lack.
    fn grants(&self, token: &TokenId, view: &AclView) -> Vec<Grant> {
        let declared = acl::grants(&self.planned.acl);
        // What was declared before and is no longer is not somebody else's.
        let given_up = match self.planned.acl {
            Value::Null => BTreeSet::new(),
            _ => acl::grants(&self.prior.acl),
        };
        let same = |grants: &BTreeSet<Grant>, entry: &AclEntry| {
            grants
                .iter()
                .any(|grant| grant.path == entry.path && grant.role == entry.role)
        };
        let foreign = view
            .of_token(token)
            .filter(|entry| !same(&declared, entry) && !same(&given_up, entry))
            .map(Grant::from);
        declared.iter().cloned().chain(foreign).collect()
    }
}

fn fail(token: &TokenId, what: &str, diags: &mut Diagnostics) {
    diags.fail(UNABLE, format!("{token}: {what}."), AttributePath::root());
}

/// Whether a secret still logs in; `None` when that could not be found out.
async fn still_works(client: &Client, token: Option<ApiToken>) -> Option<bool> {
    // Also when Terraform has asked to stop: what became of a secret must be known.
    match client.with_token(token?).version(&Context::default()).await {
        Ok(_) => Some(true),
        Err(Error {
            kind: ErrorKind::Unauthenticated { .. },
            ..
        }) => Some(false),
        Err(_) => None,
    }
}

/// Says at plan time which way a rotation will go, and refuses one that the server cannot do.
pub async fn foresee(client: &Client, prior: &State, planned: &State, diags: &mut Diagnostics) {
    let in_place = planned.rotated_at.is_unknown() && planned.overlap().is_none();
    let Some(live) = prior
        .live()
        .filter(|_| in_place && !planned.rotation.is_unknown())
    else {
        return;
    };
    let context = call_within(planned.timeout("read"));
    if client.can_regenerate(&live, &context).await != Some(false) {
        return;
    }
    if planned.allow_recreate == Value::Value(true) {
        diags.warn(
            "API token will be made again",
            format!(
                "The server cannot give {live} a new secret in place, so it will be revoked and \
                 made again, with all its grants and settings: between the two, nothing can log \
                 in with it. With `rotation.overlap` there is no such gap."
            ),
            AttributePath::new("allow_recreate"),
        );
    } else {
        recreate::not_allowed(&live, diags);
    }
}
