//! Roles that the server does not have, before a token is created with them.

use std::collections::BTreeSet;

use crate::framework::Problem;
use crate::provider::api_token::acl::Grants;
use crate::provider::api_token::apply::messages;
use crate::pve::{CachedClient, Context, TokenId};

/// Refuses grants of roles that do not exist, so that no token is created only to be revoked
/// again. A server that does not tell is believed to have them.
pub async fn require(
    client: &CachedClient,
    token: &TokenId,
    grants: &Grants,
    context: &Context,
) -> Result<(), Problem> {
    if grants.is_empty() {
        return Ok(());
    }
    let Ok(known) = client.known_roles(context).await else {
        return Ok(());
    };
    let mut checked = BTreeSet::new();
    for grant in grants.iter() {
        let role = grant.role();
        if known.contains_key(role) || !checked.insert(role) {
            continue;
        }
        // The same apply may have created it since the roles were read.
        match client.role_privileges(role, context).await {
            Err(error) if error.is_missing_role() => {
                return Err(messages::no_such_role(
                    token,
                    grant,
                    &client.settings().endpoint,
                ));
            }
            _ => {}
        }
    }
    Ok(())
}
