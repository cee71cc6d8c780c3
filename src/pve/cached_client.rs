//! A client that keeps the responses many readers need.
//!
//! A plan reads many tokens of few users, with one access control list. What a write can change is
//! kept until the client's write epoch moves. Roles and the rights of users are kept for the life of the process: a
//! client writes tokens and the entries of tokens in the access control list, and neither changes
//! what a role holds or what a user may do.

use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use crate::pve::api::access::Owner;
use crate::pve::api::acl::AclView;
use crate::pve::audit::Audit;
use crate::pve::cache::Cache;
use crate::pve::client::Client;
use crate::pve::context::Context;
use crate::pve::error::Error;
use crate::pve::id::{TokenId, UserId};
use crate::pve::net::request::Request;
use crate::pve::permissions::path::normalise_path;
use crate::pve::permissions::privileges::Rights;
use crate::pve::permissions::roles::Roles;
use crate::pve::settings::Settings;

/// The path on which the rights of others are looked up.
const ACCESS: &str = "/access";

/// A [`Client`] that keeps what many readers need. Cheap to clone; clones share everything.
#[derive(Clone, Debug)]
pub struct CachedClient {
    client: Client,
    cached: Arc<Cached>,
}

/// The user whose rights are meant, or the caller; and the path, or every path that the server
/// lists.
type RightsKey = (Option<UserId>, Option<String>);

#[derive(Default)]
struct Cached {
    owners: Cache<UserId, Option<Arc<Owner>>>,
    owners_first_seen: Cache<UserId, Option<Arc<Owner>>>,
    acl: Cache<(), Arc<AclView>>,
    audit: Cache<(), Arc<Audit>>,
    /// The error is kept like a response, so that many callers do not each wait for a host that
    /// is down.
    roles: Cache<(), Result<Arc<Roles>, Error>>,
    rights: Cache<RightsKey, Result<Arc<Rights>, Error>>,
    can_regenerate: OnceLock<bool>,
}

impl std::fmt::Debug for Cached {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Cached")
    }
}

impl Deref for CachedClient {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl From<Client> for CachedClient {
    fn from(client: Client) -> Self {
        Self {
            client,
            cached: Arc::default(),
        }
    }
}

impl CachedClient {
    /// A client that connects when it sends its first request. Does no I/O.
    pub fn new(settings: Settings) -> Self {
        Client::new(settings).into()
    }

    /// A user with its tokens, or `None` if there is no such user, as
    /// [`Client::fetch_user`] returns it, kept until the next write.
    ///
    /// # Errors
    /// Any [`Error`] of a read.
    pub async fn user(
        &self,
        user: &UserId,
        context: &Context,
    ) -> Result<Option<Arc<Owner>>, Error> {
        let request = Request::get(&["access", "users", &user.to_string()]);
        let fetch = || {
            let (client, user) = (self.client.clone(), user.clone());
            async move { client.fetch_user(&user, &Context::default()).await }
        };
        let cached = self.cached.owners.get(user.clone(), self.epoch(), fetch);
        self.bounded(context, &request, cached).await
    }

    /// A user as this client saw it first, whatever was written since: for advice, which need not
    /// be of this moment.
    ///
    /// # Errors
    /// Any [`Error`] of a read.
    pub async fn user_as_first_seen(
        &self,
        user: &UserId,
        context: &Context,
    ) -> Result<Option<Arc<Owner>>, Error> {
        let request = Request::get(&["access", "users", &user.to_string()]);
        let fetch = || {
            let (client, user) = (self.clone(), user.clone());
            async move { client.user(&user, &Context::default()).await }
        };
        let seen = self.cached.owners_first_seen.get(user.clone(), || 0, fetch);
        self.bounded(context, &request, seen).await
    }

    /// The access control list and whether it is complete, kept until the next write.
    ///
    /// # Errors
    /// Any [`Error`] of a read.
    pub async fn acl_view(&self, context: &Context) -> Result<Arc<AclView>, Error> {
        let cached = self.cached.acl.get((), self.epoch(), || {
            let client = self.client.clone();
            async move {
                let view = client.fetch_acl_view(&Context::default()).await;
                view.map(Arc::new)
            }
        });
        self.bounded(context, &Request::get(&["access", "acl"]), cached)
            .await
    }

    /// All tokens that the caller may see, kept until the next write.
    ///
    /// # Errors
    /// Any [`Error`] of a read. What the caller may not see is no error: it is missing, and
    /// [`Audit::is_complete`] says so.
    pub async fn audit(&self, context: &Context) -> Result<Arc<Audit>, Error> {
        let cached = self.cached.audit.get((), self.epoch(), || {
            let client = self.clone();
            async move {
                let context = Context::default();
                let acl = client.acl_view(&context);
                Audit::fetch(&client.client, acl, &context)
                    .await
                    .map(Arc::new)
            }
        });
        self.bounded(context, &Request::get(&["access", "users"]), cached)
            .await
    }

    /// The privileges of each role, requested once.
    ///
    /// # Errors
    /// Any [`Error`] of a read.
    pub async fn known_roles(&self, context: &Context) -> Result<Arc<Roles>, Error> {
        let cached = self.cached.roles.get(
            (),
            || 0,
            || {
                let client = self.client.clone();
                async move {
                    let roles = client.roles(&Context::default()).await;
                    let by_name = roles.map(|roles| {
                        let by_name = roles.into_iter().map(|role| (role.name, role.privileges));
                        Arc::new(by_name.collect())
                    });
                    Ok(by_name)
                }
            },
        );
        self.bounded(context, &Request::get(&["access", "roles"]), cached)
            .await?
    }

    /// The rights of a user, at one path or at every path that the server lists, requested once.
    /// Allowed if [`CachedClient::may_see_rights_of`] says so.
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
        self.rights((Some(user.clone()), path), context).await
    }

    /// Whether the caller may read the rights of a user: the caller is the user, or has
    /// `Sys.Audit` on `/access` (recording `175-use-permissions-userid-unprivileged`).
    ///
    /// # Errors
    /// Any [`Error`] of a read.
    pub async fn may_see_rights_of(&self, user: &UserId, context: &Context) -> Result<bool, Error> {
        if self.settings().credentials.is_login_of(user) {
            return Ok(true);
        }
        let own = self.rights((None, Some(ACCESS.to_owned())), context);
        Ok(own.await?.at(ACCESS).contains("Sys.Audit"))
    }

    /// Whether the server can give a token a new secret in place. One response serves all tokens.
    pub async fn can_regenerate(&self, token: &TokenId, context: &Context) -> Option<bool> {
        if let Some(known) = self.cached.can_regenerate.get() {
            return Some(*known);
        }
        let can = self.client.regenerates(token, context).await?;
        Some(*self.cached.can_regenerate.get_or_init(|| can))
    }

    async fn rights(&self, key: RightsKey, context: &Context) -> Result<Arc<Rights>, Error> {
        let cached = self.cached.rights.get(
            key.clone(),
            || 0,
            || {
                let client = self.client.clone();
                async move {
                    let (user, path) = (key.0.as_ref(), key.1.as_deref());
                    let rights = client.fetch_rights(user, path, &Context::default()).await;
                    Ok(rights.map(Arc::new))
                }
            },
        );
        self.bounded(context, &Request::get(&["access", "permissions"]), cached)
            .await?
    }

    fn epoch(&self) -> impl Fn() -> u64 + Send + 'static {
        let client = self.client.clone();
        move || client.write_epoch()
    }
}
