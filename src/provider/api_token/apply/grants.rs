//! Grants written and removed one after another.
//!
//! [`Grants`] is kept exact through every step, so that the state after an error names what the
//! token really has, and nothing that was granted is forgotten.

use crate::provider::api_token::acl::Grants;
use crate::pve::{CachedClient, Context, Error, TokenId};

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
