//! Grants written and removed one after another.
//!
//! [`Grants`] is kept exact through every step, so that the state after an error names what the
//! token really has, and nothing that was granted is forgotten.

use crate::provider::api_token::acl::{Acl, Grants, GrantsDiff};
use crate::provider::api_token::change::Change;
use crate::provider::api_token::plan::undeclared_entries::on_server_besides;
use crate::pve::{CachedClient, Context, Error, TokenId};

/// The grants that a change writes and removes. Where it makes `acl` exclusive, also those that are
/// not declared, as far as the whole list is visible; otherwise a later refresh finds them.
pub async fn grants_diff(client: &CachedClient, change: &Change, context: &Context) -> GrantsDiff {
    let diff = change.grants_diff();
    if !change.becomes_exclusive() {
        return diff;
    }
    let planned = Grants::declared(&change.planned.acl);
    let undeclared = on_server_besides(&planned, client, &change.slots.live, context).await;
    GrantsDiff {
        remove: diff.remove.with(&undeclared),
        ..diff
    }
}

impl Grants {
    /// Writes grants to a token that exists, as [`Grants::write`] does. A role that the server does
    /// not have stands in the way of nothing else: its error is returned as a value.
    pub async fn write_possible(
        &mut self,
        grants: &Self,
        client: &CachedClient,
        token: &TokenId,
        context: &Context,
    ) -> Result<Option<Error>, Error> {
        match self.write(grants, client, token, context).await {
            Ok(()) => Ok(None),
            Err(error) if error.is_missing_role() => Ok(Some(error)),
            Err(error) => Err(error),
        }
    }

    /// Writes grants, in order, until one fails, and adds them to these. After a role that does not
    /// exist the others are still written.
    pub async fn write(
        &mut self,
        grants: &Self,
        client: &CachedClient,
        token: &TokenId,
        context: &Context,
    ) -> Result<(), Error> {
        let mut missing = None;
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
            match written {
                Err(error) if error.is_missing_role() => missing = missing.or(Some(error)),
                written => written?,
            }
        }
        missing.map_or(Ok(()), Err)
    }

    /// The part of these grants that `declared` has, as its attribute.
    pub fn attribute_of(&self, declared: &Acl) -> Acl {
        self.only(&Self::declared(declared)).attribute(declared)
    }

    /// Removes grants from the server and from these, in order, until one fails. Those of a role
    /// that does not exist went with it (recording `531-role-custom-life`).
    pub async fn revoke(
        &mut self,
        grants: &Self,
        client: &CachedClient,
        token: &TokenId,
        context: &Context,
    ) -> Result<(), Error> {
        for grant in grants.iter() {
            let revoked = client
                .revoke_acl(token, grant.path(), grant.role(), context)
                .await;
            match revoked {
                Err(error) if error.is_missing_role() => {}
                revoked => revoked.map(drop)?,
            }
            self.remove(grant);
        }
        Ok(())
    }
}
