//! Why a credential is rejected, as far as another credential can look it up.
//!
//! The server rejects every invalid token and every wrong password with the same response
//! (recordings `193-auth-secret-prefix` to `218-auth-token-deleted-in-use`,
//! `225-ticket-wrong-password`). What it shows another credential of the user and its tokens tells
//! the reasons apart.

use std::fmt;

use crate::pve::api::access::Owner;
use crate::pve::auth::credentials::Credentials;
use crate::pve::cached_client::CachedClient;
use crate::pve::context::Context;
use crate::pve::error::failure::AuthFailure;
use crate::pve::id::{TokenId, UserId};
use crate::pve::timestamp::Expiry;

/// Why a credential is rejected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rejection {
    /// The user does not exist.
    NoUser(UserId),
    /// The user is disabled, and with it its tokens.
    UserDisabled(UserId),
    /// The user has expired, and with it its tokens.
    UserExpired(UserId),
    /// The token does not exist.
    NoToken(TokenId),
    /// The token has expired.
    TokenExpired(TokenId),
    /// The token is valid and has another secret.
    WrongSecret(TokenId),
    /// The node has no quorum, so it cannot store that a code was used, and refuses every one.
    NoQuorum,
    /// The second factor of the user is locked (recording `556-tfa-locked`).
    SecondFactorLocked(UserId),
    /// The user is valid. Its realm rejected the password, or could not verify it.
    PasswordRejected(UserId),
}

impl Rejection {
    /// Why a token of this owner is rejected, by the server's clock.
    pub fn of_token(token: &TokenId, owner: &Owner) -> Self {
        match owner.token(token) {
            None => Self::NoToken(token.clone()),
            Some(info) if is_over(info.expire, owner) => Self::TokenExpired(token.clone()),
            Some(_) => Self::of_owner(owner).unwrap_or_else(|| Self::WrongSecret(token.clone())),
        }
    }

    /// Why a password is rejected.
    fn of_password(owner: &Owner) -> Self {
        let user = owner.user_id.clone();
        Self::of_owner(owner).unwrap_or(Self::PasswordRejected(user))
    }

    /// Why no credential of this user is accepted, by the server's clock.
    pub fn of_owner(owner: &Owner) -> Option<Self> {
        let user = owner.user_id.clone();
        if !owner.enabled {
            Some(Self::UserDisabled(user))
        } else if is_over(owner.expire, owner) {
            Some(Self::UserExpired(user))
        } else {
            None
        }
    }
}

/// Whether an expiry had passed when the server responded.
fn is_over(expiry: Expiry, seen: &Owner) -> bool {
    expiry <= Expiry::At(seen.observed_at.into())
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoUser(user) => write!(f, "the user {user} does not exist"),
            Self::UserDisabled(user) => write!(f, "the user {user} is disabled"),
            Self::UserExpired(user) => write!(f, "the user {user} has expired"),
            Self::NoToken(token) => write!(f, "the token {token} does not exist"),
            Self::TokenExpired(token) => write!(f, "the token {token} has expired"),
            Self::WrongSecret(token) => {
                write!(
                    f,
                    "the token {token} is valid, but its secret is a different one"
                )
            }
            Self::NoQuorum => {
                f.write_str("the node has no quorum, and without it no one-time code is accepted")
            }
            Self::SecondFactorLocked(user) => {
                write!(f, "the second factor of the user {user} is locked")
            }
            Self::PasswordRejected(user) => {
                write!(
                    f,
                    "the user {user} is enabled and has not expired, but its realm rejected the \
                     password or could not verify it"
                )
            }
        }
    }
}

/// Why `credentials` are rejected, looked up by a client with another credential for the same
/// server. `None` if that credential may not see it, or if there is nothing to look up.
pub(crate) async fn look_up(
    credentials: &Credentials,
    failure: AuthFailure,
    lookup_client: &CachedClient,
    context: &Context,
) -> Option<Rejection> {
    let user = credentials.user()?;
    if failure == AuthFailure::SecondFactor {
        return of_second_factor(user, lookup_client, context).await;
    }
    let of_token = match (credentials, failure) {
        (Credentials::Token(token), AuthFailure::Token) => Some(&token.id),
        (_, AuthFailure::Password) => None,
        _ => return None,
    };
    let owner = lookup_client.fetch_user(user, context).await.ok()?;
    Some(match (owner.as_deref(), of_token) {
        (None, _) => Rejection::NoUser(user.clone()),
        (Some(owner), Some(token)) => Rejection::of_token(token, owner),
        (Some(owner), None) => Rejection::of_password(owner),
    })
}

/// Why no code of a user is accepted. The server refuses a code in the same words whatever the
/// reason is.
async fn of_second_factor(
    user: &UserId,
    lookup_client: &CachedClient,
    context: &Context,
) -> Option<Rejection> {
    let cluster = lookup_client.cluster_status(context).await;
    if cluster.is_ok_and(|cluster| cluster.quorate == Some(false)) {
        return Some(Rejection::NoQuorum);
    }
    let users = lookup_client.users_full(context).await.ok()?;
    let owner = users.owners.iter().find(|owner| owner.user_id == *user)?;
    let is_locked = owner.second_factor_locked;
    is_locked.then(|| Rejection::SecondFactorLocked(user.clone()))
}

#[cfg(test)]
mod tests {
    use super::{Owner, Rejection};
    use crate::pve::api::tokens::TokenInfo;
    use crate::pve::id::TokenId;
    use crate::pve::timestamp::Expiry;

    /// Why `demo@pve!ci` is rejected at the time 1000 on the server's clock.
    fn rejection(change: impl FnOnce(&mut Owner)) -> String {
        let token: TokenId = "demo@pve!ci".parse().unwrap();
        let mut owner = Owner {
            user_id: token.user.clone(),
            details_known: true,
            second_factor_locked: false,
            enabled: true,
            expire: Expiry::Never,
            groups: Vec::new(),
            comment: None,
            tokens: [("ci".to_owned(), TokenInfo::default())].into(),
            observed_at: time::OffsetDateTime::from_unix_timestamp(1000).unwrap(),
        };
        change(&mut owner);
        Rejection::of_token(&token, &owner).to_string()
    }

    #[test]
    fn the_first_reason_is_named() {
        let good = "the token demo@pve!ci is valid, but its secret is a different one";
        assert_eq!(rejection(|_| ()), good);
        assert_eq!(
            rejection(|owner| owner.expire = Expiry::from_unix(1001)),
            good
        );
        assert_eq!(
            rejection(|owner| owner.expire = Expiry::from_unix(1000)),
            "the user demo@pve has expired"
        );
        assert_eq!(
            rejection(|owner| owner.enabled = false),
            "the user demo@pve is disabled"
        );
        assert_eq!(
            rejection(|owner| owner.tokens.clear()),
            "the token demo@pve!ci does not exist"
        );
        let expired = |owner: &mut Owner| {
            let token = owner.tokens.get_mut("ci").unwrap();
            token.expire = Expiry::from_unix(999);
            owner.enabled = false;
        };
        assert_eq!(rejection(expired), "the token demo@pve!ci has expired");
    }
}
