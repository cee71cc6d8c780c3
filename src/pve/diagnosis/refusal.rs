//! Why a credential is refused, as far as somebody else may look it up.
//!
//! The server answers every bad token and every bad password in one way (recordings
//! `193-auth-secret-prefix` to `218-auth-token-deleted-in-use`, `225-ticket-wrong-password`). What
//! it tells another credential of the user and its tokens says which it was.

use std::fmt;

use crate::pve::api::access::Owner;
use crate::pve::auth::credentials::Credentials;
use crate::pve::cluster::Cluster;
use crate::pve::context::Context;
use crate::pve::error::failure::AuthFailure;
use crate::pve::id::{TokenId, UserId};
use crate::pve::timestamp::Expiry;

/// Why a credential is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// There is no such user.
    NoUser(UserId),
    /// The user may not log in, nor may its tokens.
    UserDisabled(UserId),
    /// The user's time is over, and so is that of its tokens.
    UserExpired(UserId),
    /// The user has no such token.
    NoToken(TokenId),
    /// The token's time is over.
    TokenExpired(TokenId),
    /// The token is good: what was presented is not its secret.
    OtherSecret(TokenId),
    /// The user is good: its realm does not take the password, or could not judge it.
    PasswordRefused(UserId),
}

impl Refusal {
    /// Why a token is refused whose owner is this. The time is the server's.
    pub fn of_token(token: &TokenId, owner: &Owner) -> Self {
        match owner.tokens.get(token.name.as_str()) {
            None => Self::NoToken(token.clone()),
            Some(info) if is_over(info.expire, owner) => Self::TokenExpired(token.clone()),
            Some(_) => Self::of_user(owner).unwrap_or_else(|| Self::OtherSecret(token.clone())),
        }
    }

    /// Why a password is refused.
    fn of_password(owner: &Owner) -> Self {
        let user = owner.user_id.clone();
        Self::of_user(owner).unwrap_or(Self::PasswordRefused(user))
    }

    fn of_user(owner: &Owner) -> Option<Self> {
        let user = owner.user_id.clone();
        if !owner.enabled {
            Some(Self::UserDisabled(user))
        } else if is_over(owner.expire, owner) {
            Some(Self::UserExpired(user))
        } else {
            None
        }
    }

    /// What to change.
    pub(crate) fn remedy(&self) -> String {
        match self {
            Self::NoUser(user) => {
                format!("Correct the user, or create {user} on the host first.")
            }
            Self::UserDisabled(user) => {
                format!("Enable {user} under Datacenter > Permissions > Users, or use another one.")
            }
            Self::UserExpired(user) => format!(
                "Give {user} another expiry under Datacenter > Permissions > Users, or use \
                 another one."
            ),
            Self::NoToken(token) => format!(
                "Set api_token_id to a token that exists, or mint {token} (a proxmox_api_token \
                 does) and set its new secret."
            ),
            Self::TokenExpired(token) => format!(
                "Give {token} another expiry (expiration_date or expires_in, where a \
                 proxmox_api_token manages it), or use another one."
            ),
            Self::OtherSecret(token) => format!(
                "Set api_token_secret to the secret of {token}. A lost one cannot be shown again, \
                 only replaced: by rotation, where a proxmox_api_token manages it."
            ),
            Self::PasswordRefused(user) => format!(
                "Set password to that of {user}, and see that the realm {} takes one and can be \
                 reached from the host.",
                user.realm()
            ),
        }
    }
}

/// Whether an expiry had passed when the server was asked.
fn is_over(expiry: Expiry, seen: &Owner) -> bool {
    expiry <= Expiry::At(seen.observed_at.into())
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoUser(user) => write!(f, "there is no user {user}"),
            Self::UserDisabled(user) => write!(f, "the user {user} is disabled"),
            Self::UserExpired(user) => write!(f, "the user {user} has expired"),
            Self::NoToken(token) => write!(f, "there is no token {token}"),
            Self::TokenExpired(token) => write!(f, "the token {token} has expired"),
            Self::OtherSecret(token) => {
                write!(f, "the token {token} is good, but has another secret")
            }
            Self::PasswordRefused(user) => {
                write!(
                    f,
                    "the user {user} is enabled and has not expired, and its realm refused the \
                     password or could not judge it"
                )
            }
        }
    }
}

/// What `witness`, another credential for the same server, finds out about the refusal of
/// `credentials`. `None` where it may not look either, or there is nothing to look up.
pub(crate) async fn look_up(
    credentials: &Credentials,
    failure: AuthFailure,
    witness: &Cluster,
    context: &Context,
) -> Option<Refusal> {
    let user = credentials.user()?;
    let of_token = match (credentials, failure) {
        (Credentials::Token(token), AuthFailure::Token) => Some(&token.id),
        (_, AuthFailure::Password) => None,
        _ => return None,
    };
    let owner = witness.fetch_user(user, context).await.ok()?;
    Some(match (owner.as_deref(), of_token) {
        (None, _) => Refusal::NoUser(user.clone()),
        (Some(owner), Some(token)) => Refusal::of_token(token, owner),
        (Some(owner), None) => Refusal::of_password(owner),
    })
}

#[cfg(test)]
mod tests {
    use super::{Owner, Refusal};
    use crate::pve::api::tokens::TokenInfo;
    use crate::pve::id::TokenId;
    use crate::pve::timestamp::Expiry;

    /// What is found of `demo@pve!ci` at the time 1000 on the server's clock.
    fn refusal(change: impl FnOnce(&mut Owner)) -> String {
        let token: TokenId = "demo@pve!ci".parse().unwrap();
        let mut owner = Owner {
            user_id: token.user.clone(),
            details_known: true,
            enabled: true,
            expire: Expiry::Never,
            groups: Vec::new(),
            comment: None,
            tokens: [("ci".to_owned(), TokenInfo::default())].into(),
            observed_at: time::OffsetDateTime::from_unix_timestamp(1000).unwrap(),
        };
        change(&mut owner);
        Refusal::of_token(&token, &owner).to_string()
    }

    #[test]
    fn the_first_thing_that_stands_in_the_way_is_named() {
        let good = "the token demo@pve!ci is good, but has another secret";
        assert_eq!(refusal(|_| ()), good);
        assert_eq!(
            refusal(|owner| owner.expire = Expiry::from_unix(1001)),
            good
        );
        assert_eq!(
            refusal(|owner| owner.expire = Expiry::from_unix(1000)),
            "the user demo@pve has expired"
        );
        assert_eq!(
            refusal(|owner| owner.enabled = false),
            "the user demo@pve is disabled"
        );
        assert_eq!(
            refusal(|owner| owner.tokens.clear()),
            "there is no token demo@pve!ci"
        );
        let expired = |owner: &mut Owner| {
            let token = owner.tokens.get_mut("ci").unwrap();
            token.expire = Expiry::from_unix(999);
            owner.enabled = false;
        };
        assert_eq!(refusal(expired), "the token demo@pve!ci has expired");
    }
}
