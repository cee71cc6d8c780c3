//! Grants written and removed one after another.
//!
//! [`Grants`] is kept exact through every step, so that the state after an error names what the
//! token really has, and nothing that was granted is forgotten.

use crate::provider::api_token::acl::{Grants, GrantsDiff};
use crate::provider::api_token::change::Change;
use crate::pve::{CachedClient, Context, Error, TokenId};

/// The grants that a change writes and removes. Where it makes `acl` exclusive, also those that are
/// not declared, as far as the whole list is visible; otherwise a later refresh finds them.
pub async fn grants_diff(client: &CachedClient, change: &Change, context: &Context) -> GrantsDiff {
    let diff = change.grants_diff();
    if !change.becomes_exclusive() {
        return diff;
    }
    let undeclared = match client.acl_view(context).await {
        Ok(view) if view.complete => Grants::on_server(&view, &change.slots.live)
            .without(&Grants::declared(&change.planned.acl)),
        _ => Grants::default(),
    };
    GrantsDiff {
        remove: diff.remove.with(&undeclared),
        ..diff
    }
}

impl Grants {
    /// Writes grants, in order, until one fails, and adds them to these.
    pub async fn write(
        &mut self,
        grants: &Self,
        client: &CachedClient,
        token: &TokenId,
        context: &Context,
    ) -> Result<(), Error> {
        for grant in grants.iter() {
            let (path, role) = (grant.path(), grant.role());
            let written = client
                .grant_acl(token, path, role, grant.propagates(), context)
                .await;
            // Without a response it counts as written: the next read of the list tells.
            if written
                .as_ref()
                .err()
                .is_none_or(Error::may_have_taken_effect)
            {
                self.insert(grant.clone());
            }
            written?;
        }
        Ok(())
    }

    /// Removes grants from the server and from these, in order, until one fails.
    pub async fn revoke(
        &mut self,
        grants: &Self,
        client: &CachedClient,
        token: &TokenId,
        context: &Context,
    ) -> Result<(), Error> {
        for grant in grants.iter() {
            client
                .revoke_acl(token, grant.path(), grant.role(), context)
                .await?;
            self.remove(grant);
        }
        Ok(())
    }
}
