//! Realms, users, roles and effective permissions.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;
use time::OffsetDateTime;

use crate::pve::api::tokens;
use crate::pve::api::tokens::TokenInfo;
use crate::pve::client::Client;
use crate::pve::context::Context;
use crate::pve::error::{Error, ErrorKind};
use crate::pve::id::{TokenId, UserId};
use crate::pve::lenient;
use crate::pve::net::request::Request;
use crate::pve::permissions::path::normalise_path;
use crate::pve::permissions::privileges::{Privileges, Rights};
use crate::pve::timestamp::Expiry;

/// A realm, as the login page lists it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Realm {
    /// The realm's name.
    pub realm: String,
    /// `pam`, `pve`, `ldap`, `ad` or `openid`.
    #[serde(rename = "type", default)]
    pub kind: String,
    /// The administrator's comment.
    #[serde(default, deserialize_with = "lenient::text")]
    pub comment: Option<String>,
}

/// A user with all its tokens, from one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// Whose tokens these are.
    pub user_id: UserId,
    /// Whether `enabled`, `expire`, `groups` and `comment` are known. They are not where the
    /// caller is the user itself, by ticket, and may see no more than its own tokens.
    pub details_known: bool,
    /// Whether the user may log in; a disabled user's tokens are refused too.
    pub enabled: bool,
    /// Whether too many wrong codes have locked the user's second factor. Only the list of all
    /// users tells.
    pub second_factor_locked: bool,
    /// When the user expires, and its tokens too.
    pub expire: Expiry,
    /// The groups it is in.
    pub groups: Vec<String>,
    /// The administrator's comment.
    pub comment: Option<String>,
    /// Its tokens by name.
    pub tokens: BTreeMap<String, TokenInfo>,
    /// When the server said so, on the server's clock.
    pub observed_at: OffsetDateTime,
}

impl Owner {
    /// Its token of this id, if there is one. The user of the id is taken to be this one.
    pub fn token(&self, id: &TokenId) -> Option<&TokenInfo> {
        self.tokens.get(id.name.as_str())
    }
}

/// All users that one caller may see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Users {
    /// The users with their tokens, by id.
    pub owners: Vec<Owner>,
    /// When the server said so, on the server's clock.
    pub observed_at: OffsetDateTime,
}

#[derive(Deserialize)]
struct RawUser {
    #[serde(default)]
    userid: Option<String>,
    #[serde(default, deserialize_with = "lenient::optional_flag")]
    enable: Option<bool>,
    #[serde(default, deserialize_with = "lenient::integer")]
    expire: i64,
    #[serde(default, deserialize_with = "lenient::words")]
    groups: Vec<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    comment: Option<String>,
    #[serde(default)]
    tokens: Value,
    #[serde(rename = "totp-locked", default, deserialize_with = "lenient::flag")]
    totp_locked: bool,
    #[serde(
        rename = "tfa-locked-until",
        default,
        deserialize_with = "lenient::integer"
    )]
    tfa_locked_until: i64,
}

impl RawUser {
    fn into_owner(self, user_id: UserId, observed_at: OffsetDateTime) -> Result<Owner, String> {
        let mut groups = self.groups;
        groups.sort();
        Ok(Owner {
            user_id,
            details_known: true,
            enabled: self.enable.unwrap_or(true),
            second_factor_locked: self.totp_locked
                || self.tfa_locked_until > observed_at.unix_timestamp(),
            expire: Expiry::from_unix(self.expire),
            groups,
            comment: self.comment,
            tokens: tokens::from_collection(self.tokens)?,
            observed_at,
        })
    }
}

/// A role and its privileges.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// The role's name.
    pub name: String,
    /// Its privileges.
    pub privileges: BTreeSet<String>,
    /// Whether it is built in.
    pub special: bool,
}

#[derive(Deserialize)]
struct RawRole {
    roleid: String,
    #[serde(default, deserialize_with = "lenient::words")]
    privs: Vec<String>,
    #[serde(default, deserialize_with = "lenient::flag")]
    special: bool,
}

/// The response to `GET /access/permissions`: by path and privilege, whether it propagates. A 0
/// means granted without propagation (recording `164-use-permissions-privsep1-acl-noprop`).
#[derive(Deserialize)]
pub(in crate::pve) struct RawPermissions(BTreeMap<String, BTreeMap<String, Value>>);

impl From<RawPermissions> for Rights {
    fn from(raw: RawPermissions) -> Self {
        let propagates = |flag: &Value| lenient::to_flag(flag).unwrap_or(false);
        let at_path = |(path, granted): (String, BTreeMap<String, Value>)| {
            let privileges = granted
                .into_iter()
                .map(|(name, flag)| (name, propagates(&flag)));
            (path, privileges.collect())
        };
        raw.0.into_iter().map(at_path).collect()
    }
}

impl Client {
    /// The realms. The request is anonymous, so its response shows that Proxmox VE is there,
    /// whether the credentials are valid or not.
    ///
    /// # Errors
    /// Any [`Error`] of a read but refusals.
    pub async fn domains(&self, context: &Context) -> Result<Vec<Realm>, Error> {
        self.send(Request::get(&["access", "domains"]).anonymous(), context)
            .await?
            .decode()
    }

    /// A user with its tokens, or `None` if there is no such user.
    ///
    /// Needs `Sys.Audit` on `/access` or `User.Modify` on a group of the user; with less, a user's
    /// own ticket still gets its tokens (recording `355-ticket-user-list-own-tokens`), and
    /// [`Owner::details_known`] is false.
    ///
    /// # Errors
    /// Any [`Error`] of a read.
    pub async fn fetch_user(
        &self,
        user: &UserId,
        context: &Context,
    ) -> Result<Option<Arc<Owner>>, Error> {
        let asked = Request::get(&["access", "users", &user.to_string()]).about_user(user);
        match self.send(asked, context).await {
            Ok(reply) => {
                let observed_at = reply.server_time;
                reply
                    .decode_with(|raw: RawUser| raw.into_owner(user.clone(), observed_at))
                    .map(|owner| Some(Arc::new(owner)))
            }
            Err(error) => match error.kind {
                ErrorKind::NoSuchUser { .. } => Ok(None),
                ErrorKind::Forbidden { .. } if self.settings().credentials.is_login_of(user) => {
                    self.own_tokens(user, context).await.map(Some)
                }
                _ => Err(error),
            },
        }
    }

    async fn own_tokens(&self, user: &UserId, context: &Context) -> Result<Arc<Owner>, Error> {
        let asked = Request::get(&["access", "users", &user.to_string(), "token"]).about_user(user);
        let reply = self.send(asked, context).await?;
        let observed_at = reply.server_time;
        let tokens = reply.decode_with(tokens::from_collection)?;
        Ok(Arc::new(Owner {
            user_id: user.clone(),
            details_known: false,
            second_factor_locked: false,
            enabled: true,
            expire: Expiry::Never,
            groups: Vec::new(),
            comment: None,
            tokens,
            observed_at,
        }))
    }

    /// All users that the caller may see, with their tokens. Without `Sys.Audit` or `User.Modify`
    /// on `/access/groups` the server leaves users out and does not say so (recording
    /// `111-users-list-full-unprivileged-token`).
    ///
    /// # Errors
    /// Any [`Error`] of a read.
    pub async fn users_full(&self, context: &Context) -> Result<Users, Error> {
        let asked = Request::get(&["access", "users"])
            .query(&[("full", "1")])
            .list();
        let reply = self.send(asked, context).await?;
        let observed_at = reply.server_time;
        let mut owners = reply.decode_with(|raw: Vec<RawUser>| {
            raw.into_iter()
                .map(|user| {
                    let id = user.userid.as_deref().unwrap_or_default();
                    let id = id.parse().map_err(|error| format!("{error}"))?;
                    user.into_owner(id, observed_at)
                })
                .collect::<Result<Vec<_>, _>>()
        })?;
        owners.sort_by(|a, b| a.user_id.cmp(&b.user_id));
        Ok(Users {
            owners,
            observed_at,
        })
    }

    /// The caller's own privileges at a path.
    ///
    /// # Errors
    /// Any [`Error`] of a read.
    pub async fn permissions(&self, path: &str, context: &Context) -> Result<Privileges, Error> {
        self.permissions_at(None, path, context).await
    }

    /// The privileges of a user or token at a path. A user may ask about its own tokens, anybody
    /// else needs `Sys.Audit` on `/access`. Of an unknown id the server says that it has none
    /// (recording `172-use-permissions-userid-missing-user`).
    ///
    /// # Errors
    /// Any [`Error`] of a read.
    pub async fn permissions_of(
        &self,
        auth_id: &str,
        path: &str,
        context: &Context,
    ) -> Result<Privileges, Error> {
        self.permissions_at(Some(auth_id), path, context).await
    }

    async fn permissions_at(
        &self,
        auth_id: Option<&str>,
        path: &str,
        context: &Context,
    ) -> Result<Privileges, Error> {
        let path = normalise_path(path);
        let mut query = vec![("path", path.as_str())];
        query.extend(auth_id.map(|id| ("userid", id)));
        let asked = Request::get(&["access", "permissions"]).query(&query);
        let raw: RawPermissions = self.send(asked, context).await?.decode()?;
        Ok(Rights::from(raw).at(&path))
    }

    /// The caller's own privileges at the paths that the server lists: `/`, its usual branches
    /// (`/access`, `/access/groups`, `/nodes`, `/vms`, …), and every path that has entries. Any
    /// other path has to be requested by name.
    ///
    /// # Errors
    /// Any [`Error`] of a read.
    pub async fn own_permissions(&self, context: &Context) -> Result<Rights, Error> {
        let asked = Request::get(&["access", "permissions"]).list();
        let raw: RawPermissions = self.send(asked, context).await?.decode()?;
        Ok(raw.into())
    }

    /// Whether the caller has no privilege anywhere (recording
    /// `158-use-permissions-privsep1-noacl`).
    ///
    /// # Errors
    /// Any [`Error`] of a read.
    pub(in crate::pve) async fn has_no_permissions(
        &self,
        context: &Context,
    ) -> Result<bool, Error> {
        Ok(self.own_permissions(context).await?.is_empty())
    }

    /// The privileges of one role. That of `Administrator` has every privilege that this
    /// version of the server knows.
    ///
    /// # Errors
    /// [`ErrorKind::NoSuchRole`], and any other error of a read.
    pub async fn role_privileges(
        &self,
        role: &str,
        context: &Context,
    ) -> Result<BTreeSet<String>, Error> {
        let asked = Request::get(&["access", "roles", role]).about_role(role);
        let privileges: BTreeMap<String, Value> = self.send(asked, context).await?.decode()?;
        Ok(privileges.into_keys().collect())
    }

    /// All roles, by name.
    ///
    /// # Errors
    /// Any [`Error`] of a read.
    pub async fn roles(&self, context: &Context) -> Result<Vec<Role>, Error> {
        let raw: Vec<RawRole> = self
            .send(Request::get(&["access", "roles"]), context)
            .await?
            .decode()?;
        let mut roles: Vec<Role> = raw
            .into_iter()
            .map(|role| Role {
                name: role.roleid,
                privileges: role.privs.into_iter().collect(),
                special: role.special,
            })
            .collect();
        roles.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(roles)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use time::OffsetDateTime;

    use super::{RawPermissions, RawUser};
    use crate::pve::permissions::privileges::Rights;
    use crate::pve::timestamp::Expiry;

    #[test]
    fn a_user_with_tokens_is_read_as_recorded() {
        // 105-user-get-with-tokens
        let raw: RawUser = serde_json::from_value(json!({
            "enable":1,"groups":["grp1"],"tokens":{"bymgr":{"expire":0,"privsep":1}},"expire":0
        }))
        .unwrap();
        let owner = raw
            .into_owner("audit@pve".parse().unwrap(), OffsetDateTime::UNIX_EPOCH)
            .unwrap();
        assert!(owner.enabled && owner.details_known);
        assert_eq!(owner.expire, Expiry::Never);
        assert_eq!(owner.groups, ["grp1"]);
        let token = &owner.tokens["bymgr"];
        assert!(
            token.privilege_separation && token.expire == Expiry::Never && token.comment.is_none()
        );
    }

    #[test]
    fn a_user_without_tokens_has_null_for_them() {
        // 106-user-get-without-tokens
        let raw: RawUser = serde_json::from_value(json!({
            "keys":"x","groups":[],"enable":1,"tokens":null,"email":"","expire":0
        }))
        .unwrap();
        let owner = raw
            .into_owner("totp@pve".parse().unwrap(), OffsetDateTime::UNIX_EPOCH)
            .unwrap();
        assert!(owner.tokens.is_empty());
    }

    #[test]
    fn a_privilege_with_the_value_zero_is_granted_without_propagation() {
        // 164-use-permissions-privsep1-acl-noprop
        let raw: RawPermissions = serde_json::from_value(json!({
            "/": {"Sys.Audit": 0, "VM.Audit": 1}
        }))
        .unwrap();
        let rights = Rights::from(raw);
        let privileges = rights.at("/");
        assert!(privileges.contains("Sys.Audit") && !privileges.propagates("Sys.Audit"));
        assert!(privileges.contains("VM.Audit") && privileges.propagates("VM.Audit"));
        assert!(!privileges.contains("VM.Allocate"));
        assert!(rights.at("/vms").is_empty());
    }
}
