//! Roles, and the rights of users: what no write of this client changes.
//!
//! A client writes tokens and the entries of tokens in the access control list, and neither
//! changes what a role holds or what a user may do. So one answer serves a whole run. An error is
//! kept like an answer, so that many who ask do not each wait for a host that is down.

use std::sync::Arc;

use crate::pve::api::access::{RawPermissions, Role};
use crate::pve::client::Client;
use crate::pve::context::Context;
use crate::pve::error::Error;
use crate::pve::id::UserId;
use crate::pve::net::request::Ask;
use crate::pve::permissions::path::normalise_path;
use crate::pve::permissions::privileges::Rights;
use crate::pve::permissions::roles::Roles;

/// Whose rights at which path: the caller's own without a user, and without a path those at
/// every path that the server lists.
pub(in crate::pve) type Question = (Option<UserId>, Option<String>);

impl Client {
    /// The privileges of each role, asked for once.
    ///
    /// # Errors
    /// Any [`Error`] of a read.
    pub async fn known_roles(&self, context: &Context) -> Result<Arc<Roles>, Error> {
        let fetch = || {
            let client = self.clone();
            async move {
                let roles = client.roles(&Context::default()).await;
                let by_name = |role: Role| (role.name, role.privileges);
                Ok(roles.map(|roles| Arc::new(roles.into_iter().map(by_name).collect())))
            }
        };
        let stopped = |why| self.stop(why, &Ask::get(&["access", "roles"]));
        self.reads().roles.get(&(), context, fetch, stopped).await?
    }

    /// The rights of a user, at one path or at every path that the server lists, asked for once.
    /// Needs what [`Client::may_see_rights_of`] tells.
    ///
    /// # Errors
    /// Any [`Error`] of a read.
    pub async fn rights_of(
        &self,
        user: &UserId,
        path: Option<&str>,
        context: &Context,
    ) -> Result<Arc<Rights>, Error> {
        let path = path.map(normalise_path);
        self.kept_rights((Some(user.clone()), path), context).await
    }

    /// Whether the server tells the caller what a user may do: the caller is the user, or has
    /// `Sys.Audit` on `/access` (recording `175-use-permissions-userid-unprivileged`).
    ///
    /// # Errors
    /// Any [`Error`] of a read.
    pub async fn may_see_rights_of(&self, user: &UserId, context: &Context) -> Result<bool, Error> {
        const ACCESS: &str = "/access";
        if self.settings().credentials.is_login_of(user) {
            return Ok(true);
        }
        let own = self.kept_rights((None, Some(ACCESS.to_owned())), context);
        Ok(own.await?.at(ACCESS).contains("Sys.Audit"))
    }

    async fn kept_rights(
        &self,
        question: Question,
        context: &Context,
    ) -> Result<Arc<Rights>, Error> {
        let fetch = || {
            let (client, question) = (self.clone(), question.clone());
            async move { Ok(client.fetch_rights(&question).await.map(Arc::new)) }
        };
        let stopped = |why| self.stop(why, &Ask::get(&["access", "permissions"]));
        self.reads()
            .rights
            .get(&question, context, fetch, stopped)
            .await?
    }

    async fn fetch_rights(&self, (user, path): &Question) -> Result<Rights, Error> {
        let user = user.as_ref().map(ToString::to_string);
        let parameters = [("userid", &user), ("path", path)];
        let query: Vec<(&str, &str)> = parameters
            .into_iter()
            .filter_map(|(name, value)| Some((name, value.as_deref()?)))
            .collect();
        let asked = Ask::get(&["access", "permissions"]).query(&query);
        let raw: RawPermissions = self.ask(asked, &Context::default()).await?.decode()?;
        Ok(raw.into())
    }
}
