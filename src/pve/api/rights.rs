//! The rights of users.

use crate::pve::api::access::RawPermissions;
use crate::pve::client::Client;
use crate::pve::context::Context;
use crate::pve::error::Error;
use crate::pve::id::UserId;
use crate::pve::net::request::Request;
use crate::pve::permissions::privileges::Rights;

impl Client {
    /// The rights of a user, or of the caller without one; at one path, or at every path that the
    /// server lists without one.
    ///
    /// # Errors
    /// Any [`Error`] of a read.
    pub(in crate::pve) async fn fetch_rights(
        &self,
        user: Option<&UserId>,
        path: Option<&str>,
        context: &Context,
    ) -> Result<Rights, Error> {
        let user = user.map(ToString::to_string);
        let parameters = [("userid", user.as_deref()), ("path", path)];
        let query: Vec<(&str, &str)> = parameters
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)))
            .collect();
        let mut request = Request::get(&["access", "permissions"]).query(&query);
        if path.is_none() {
            request = request.list();
        }
        let raw: RawPermissions = self.send(request, context).await?.decode()?;
        Ok(raw.into())
    }
}
