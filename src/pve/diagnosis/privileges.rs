//! The privileges that a credential lacks, whether the token or its owner lacks them, and the roles
//! that have them.

use std::collections::{BTreeMap, BTreeSet};

use crate::pve::auth::credentials::Credentials;
use crate::pve::cached_client::CachedClient;
use crate::pve::context::Context;
use crate::pve::diagnosis::cause::{Lacking, MissingPrivileges, OwnerRights, RoleFor, TokenOwner};
use crate::pve::diagnosis::report::Requirements;
use crate::pve::id::TokenId;
use crate::pve::permissions::path::normalise_path;
use crate::pve::permissions::roles::{Roles, is_privilege, least_role};

/// A lookup of the privileges that a credential lacks.
pub(crate) struct Lookup<'a> {
    pub(crate) client: &'a CachedClient,
    /// A client with another credential for the same server, which may see more.
    pub(crate) lookup_client: Option<&'a CachedClient>,
    pub(crate) context: &'a Context,
    /// All required privileges, some of which are missing.
    pub(crate) requirements: &'a Requirements,
}

impl Lookup<'_> {
    /// The cause, for the missing privileges by path.
    pub(crate) async fn cause(
        &self,
        missing: &BTreeMap<String, Vec<String>>,
        no_privileges: bool,
    ) -> MissingPrivileges {
        let roles = self.client.known_roles(self.context).await.ok();
        let roles = roles.as_deref().filter(|roles| !roles.is_empty());
        let missing = missing.iter().map(|(path, names)| Lacking {
            path: normalise_path(path),
            privileges: names.iter().cloned().collect(),
            role: self.role_for(path, roles),
        });
        let missing: Vec<Lacking> = missing.collect();
        let credentials = &self.client.settings().credentials;
        let known = roles.into_iter().flat_map(Roles::values).flatten();
        let mut cause = MissingPrivileges {
            identity: credentials.identity(),
            unknown: roles.map_or_else(BTreeSet::new, |roles| unknown(&missing, roles)),
            known: known.cloned().collect(),
            missing,
            no_privileges,
            owner: None,
        };
        if let Credentials::Token(token) = credentials {
            let grantable = cause.grantable();
            let rights = match grantable.is_empty() {
                true => None,
                false => self.owner_rights(&token.id, &grantable).await,
            };
            cause.owner = Some(TokenOwner {
                user: token.id.user.clone(),
                rights,
            });
        }
        cause
    }

    /// The least role with every privilege that is required at a path, whether it is missing or
    /// not: a new entry replaces inherited ones.
    fn role_for(&self, path: &str, roles: Option<&Roles>) -> RoleFor {
        let Some(roles) = roles else {
            return RoleFor::Unknown;
        };
        let required = self.requirements.privileges.get(path).into_iter().flatten();
        let required = required.map(String::as_str);
        let known = required.filter(|name| is_privilege(name, roles)).collect();
        let least = least_role(&known, roles);
        least.map_or(RoleFor::None, |role| RoleFor::Role(role.to_owned()))
    }

    /// The rights of a token's owner, looked up by the first client that may see them.
    async fn owner_rights(&self, token: &TokenId, missing: &[Lacking]) -> Option<OwnerRights> {
        for client in [Some(self.client), self.lookup_client]
            .into_iter()
            .flatten()
        {
            if let Ok(true) = client.may_see_rights_of(&token.user, self.context).await {
                return self.owner_rights_by(client, token, missing).await;
            }
        }
        None
    }

    async fn owner_rights_by(
        &self,
        client: &CachedClient,
        token: &TokenId,
        missing: &[Lacking],
    ) -> Option<OwnerRights> {
        let owner = client.fetch_user(&token.user, self.context).await.ok()??;
        let privilege_separation = owner.token(token)?.privilege_separation;
        let mut lacks = Vec::new();
        for lacking in missing {
            let rights = client.rights_of(&token.user, Some(&lacking.path), self.context);
            let held = rights.await.ok()?.at(&lacking.path);
            let names = lacking.privileges.iter();
            let privileges: BTreeSet<String> =
                names.filter(|name| !held.contains(name)).cloned().collect();
            if !privileges.is_empty() {
                lacks.push(Lacking {
                    privileges,
                    ..lacking.clone()
                });
            }
        }
        Some(OwnerRights {
            lacks,
            privilege_separation,
        })
    }
}

/// The names that no role of the host holds: the host has no such privilege.
fn unknown(missing: &[Lacking], roles: &Roles) -> BTreeSet<String> {
    let names = missing.iter().flat_map(|lacking| &lacking.privileges);
    names
        .filter(|name| !is_privilege(name, roles))
        .cloned()
        .collect()
}
