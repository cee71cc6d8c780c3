//! Protection of the credential that the provider authenticates with.
//!
//! The token in a provider configuration can be managed by that same configuration. A change that
//! would lock the next run out is refused.

use tf_provider::AttributePath;
use tf_provider::value::Value;

use crate::framework::Problem;
use crate::provider::settings::block::BlockSettings;
use crate::provider::settings::setting::Source;
use crate::pve::{Credentials, Secret, TokenId};

/// The tokens that a write revokes.
pub struct Revocation {
    /// Each token, and its secret where that is known.
    pub tokens: Vec<(TokenId, Option<Secret>)>,
    /// Whether the credential that the provider authenticates with may be among them.
    pub allow_self_lockout: bool,
}

/// Refuses to revoke a token that the provider authenticates with.
pub fn check_revocation(
    block: &BlockSettings,
    cluster: &Value<String>,
    revocation: &Revocation,
) -> Result<(), Problem> {
    if revocation.allow_self_lockout {
        return Ok(());
    }
    revocation.tokens.iter().try_for_each(|(token, secret)| {
        check(
            block,
            cluster,
            token,
            secret.as_ref(),
            "it would be revoked",
        )
    })
}

/// Refuses a change of a token that the provider authenticates with. `reason` says what locks it
/// out.
pub fn check(
    block: &BlockSettings,
    cluster: &Value<String>,
    token: &TokenId,
    secret: Option<&Secret>,
    reason: &str,
) -> Result<(), Problem> {
    let Some(source) = own_credential(block, cluster, token, secret) else {
        return Ok(());
    };
    Err(Problem::new(
        "Provider would lock itself out",
        format!(
            "The provider authenticates with {token} ({source}), and {reason}. Change the \
             provider's credential first, or rotate with `rotation.overlap`. If the lockout is \
             intended, set `allow_self_lockout = true`; before a destroy, apply that setting."
        ),
        AttributePath::new("allow_self_lockout"),
    ))
}

/// The source of a credential in the provider's configuration that is this token on the server of
/// this cluster. A connection with another address may lead to the same server, which is recognised
/// by an equal secret, where that is known.
fn own_credential(
    block: &BlockSettings,
    cluster: &Value<String>,
    token: &TokenId,
    secret: Option<&Secret>,
) -> Option<Source> {
    let nodes = block.of_cluster(cluster).ok()?.nodes().ok()?;
    let mut connections = block.all();
    let used = connections.find(|settings| {
        let Ok(Credentials::Token(own)) = settings.credentials.resolve() else {
            return false;
        };
        let same_secret = secret.is_some_and(|secret| secret.expose() == own.secret.expose());
        let same_server = settings
            .nodes()
            .is_ok_and(|own| own.shares_a_node_with(&nodes));
        own.id == *token && (same_secret || same_server)
    });
    used?.credentials.source()
}
