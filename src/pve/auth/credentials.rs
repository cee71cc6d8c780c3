//! The credentials of a client.

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, SystemTime};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use time::OffsetDateTime;

use crate::pve::auth::totp::TotpSeed;
use crate::pve::id::{IdError, TokenId, UserId};
use crate::pve::secret::Secret;
use crate::pve::timestamp::Timestamp;

/// The characters that stay in an `Authorization` header: those that RFC 3986 calls unreserved, and `@` and
/// `!` to keep ids readable. The server decodes the rest.
const AUTHORIZATION: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'@')
    .remove(b'!');

/// A token's id together with its secret.
#[derive(Debug, Clone)]
pub struct ApiToken {
    /// Whose token it is, and which.
    pub id: TokenId,
    /// The secret that the server gave when the token was made.
    pub secret: Secret,
}

impl ApiToken {
    /// Id and secret in one string, `user@realm!name=secret`, as tools take it.
    pub fn joined(&self) -> Secret {
        Secret::new(format!("{}={}", self.id, self.secret.expose()))
    }

    /// The value of the `Authorization` header with which the token is used. The server
    /// percent-decodes it and cuts it at `;`; `@` and `!` stay readable (recordings
    /// `207-auth-urlencoded`, `210-auth-trailing-semicolon`, `363-username-percent`).
    pub fn authorization(&self) -> Secret {
        let id = self.id.to_string();
        let id = utf8_percent_encode(&id, AUTHORIZATION);
        let secret = utf8_percent_encode(self.secret.expose(), AUTHORIZATION);
        Secret::new(format!("PVEAPIToken={id}={secret}"))
    }
}

/// Reads `user@realm!name=secret`, split at the last `=` as the server does: a user's name may
/// hold one (recording `359-username-equals`).
impl FromStr for ApiToken {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let text = text.strip_prefix("PVEAPIToken=").unwrap_or(text);
        let (id, secret) = match text.rsplit_once('=') {
            Some((id, secret)) if !secret.is_empty() => (id, secret),
            _ => return Err(IdError::Incomplete),
        };
        Ok(Self {
            id: id.parse()?,
            secret: Secret::new(secret),
        })
    }
}

/// How long a ticket is valid.
pub(crate) const LIFE: Duration = Duration::from_secs(2 * 60 * 60);

/// The ticket of an earlier login. It is valid for two hours and cannot be revoked.
#[derive(Debug, Clone)]
pub struct LoginTicket {
    /// The user that logged in.
    pub user: UserId,
    /// The ticket, as it goes into the cookie `PVEAuthCookie`.
    pub ticket: Secret,
    /// The token that every write carries in the header `CSRFPreventionToken`.
    pub csrf: Secret,
}

impl LoginTicket {
    /// Takes a ticket and finds out whose it is: `PVE:user@realm:time::signature`.
    ///
    /// # Errors
    /// [`IdError::Ticket`] for anything else, such as the half ticket of a second factor.
    pub fn new(ticket: Secret, csrf: Secret) -> Result<Self, IdError> {
        let mut parts = ticket.expose().split(':');
        let user = match (parts.next(), parts.next()) {
            (Some("PVE"), Some(user)) => user.parse().map_err(|_| IdError::Ticket)?,
            _ => return Err(IdError::Ticket),
        };
        Ok(Self { user, ticket, csrf })
    }

    /// When it expires, on the server's clock. `None` for one that does not say when it was made.
    pub fn expires_at(&self) -> Option<Timestamp> {
        let issued: OffsetDateTime = self.issued()?.into();
        Some(Timestamp::from(issued) + LIFE)
    }

    /// When it was made, as it says itself: seconds since 1970 on the server's clock, in hex.
    pub(crate) fn issued(&self) -> Option<SystemTime> {
        let seconds = self.ticket.expose().split(':').nth(2)?;
        let seconds = u64::from_str_radix(seconds, 16).ok()?;
        SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds))
    }
}

/// The ways to be someone.
#[derive(Debug, Clone)]
pub enum Credentials {
    /// An API token: no login, no second factor.
    Token(ApiToken),
    /// A password and, where the account has one, the seed of its second factor. The client
    /// logs in when the first call needs it and keeps the ticket fresh.
    Password {
        /// The user that logs in.
        user: UserId,
        /// The account's password.
        password: Secret,
        /// The seed of the one-time codes.
        totp: Option<TotpSeed>,
        /// A code for the first login, in the forms of
        /// [`Client::log_in_with_code`](crate::pve::client::Client::log_in_with_code); it wins over the seed.
        otp: Option<Secret>,
    },
    /// A login that was made before. The client keeps it fresh while it works.
    Ticket(LoginTicket),
    /// No credentials: only anonymous requests are possible.
    None,
}

impl Credentials {
    /// `api_token`, `password`, `ticket` or `none`.
    pub fn method(&self) -> &'static str {
        match self {
            Self::Token(_) => "api_token",
            Self::Password { .. } => "password",
            Self::Ticket(_) => "ticket",
            Self::None => "none",
        }
    }

    /// The token's or the user's id.
    pub fn identity(&self) -> Option<String> {
        match self {
            Self::Token(token) => Some(token.id.to_string()),
            Self::Password { user, .. } => Some(user.to_string()),
            Self::Ticket(ticket) => Some(ticket.user.to_string()),
            Self::None => None,
        }
    }

    /// Whether these prove the same identity with the same secret.
    pub fn is(&self, other: &Self) -> bool {
        let same_secret = self.secret().map(Secret::expose) == other.secret().map(Secret::expose);
        same_secret && self.method() == other.method() && self.identity() == other.identity()
    }

    fn secret(&self) -> Option<&Secret> {
        match self {
            Self::Token(token) => Some(&token.secret),
            Self::Password { password, .. } => Some(password),
            Self::Ticket(login) => Some(&login.ticket),
            Self::None => None,
        }
    }

    /// The user behind the credentials: a token's owner, or the user that logs in.
    pub fn user(&self) -> Option<&UserId> {
        match self {
            Self::Token(token) => Some(&token.id.user),
            Self::Password { user, .. } => Some(user),
            Self::Ticket(ticket) => Some(&ticket.user),
            Self::None => None,
        }
    }

    /// Whether these are a login of the user itself, who may then manage its own tokens. A token
    /// never is its user.
    pub(crate) fn is_login_of(&self, user: &UserId) -> bool {
        let login = matches!(self, Self::Password { .. } | Self::Ticket(_));
        login && self.user() == Some(user)
    }
}

/// The method and the identity, as in `api_token demo@pve!ci`.
impl fmt::Display for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.identity() {
            Some(identity) => write!(f, "{} {identity}", self.method()),
            None => f.write_str(self.method()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{ApiToken, Credentials, LoginTicket};
    use crate::pve::id::IdError;
    use crate::pve::secret::Secret;

    #[test]
    fn an_api_token_is_split_at_the_last_equals_sign() {
        let token: ApiToken = "x=y@pve!ci=s3cr3t".parse().unwrap();
        assert_eq!(token.id.to_string(), "x=y@pve!ci");
        assert_eq!(token.secret.expose(), "s3cr3t");
    }

    #[test]
    fn the_whole_header_value_is_taken_too() {
        let token: ApiToken = "PVEAPIToken=root@pam!ci=s3cr3t".parse().unwrap();
        assert_eq!(token.id.to_string(), "root@pam!ci");
    }

    #[test]
    fn an_api_token_without_its_secret_is_refused() {
        for text in [
            "root@pam!ci",
            "root@pam!ci=",
            "573e8a06-e698-427c-acd8-738410c8ee7f",
        ] {
            assert_eq!(text.parse::<ApiToken>().unwrap_err(), IdError::Incomplete);
        }
    }

    #[test]
    fn an_error_never_echoes_the_secret() {
        for text in [
            "root!ci=s3cr3t",
            "root@pam=s3cr3t",
            "ci=s3cr3t",
            "a@pve!x=s3cr3t=",
            "root@pam!c!=s3cr3t",
            "s3cr3t",
        ] {
            let error = text.parse::<ApiToken>().unwrap_err();
            assert!(!format!("{error} {error:?}").contains("s3cr3t"), "{error}");
        }
    }

    #[test]
    fn a_ticket_tells_whose_it_is_and_only_a_whole_one_is_taken() {
        let take = |text: &str| LoginTicket::new(Secret::new(text), Secret::new("6B:x"));
        let ticket = take("PVE:a@b@pve:6B0482D5::KHgwLos/2w==").unwrap();
        assert_eq!(ticket.user.to_string(), "a@b@pve");
        for text in [
            "",
            "s3cr3t",
            "PVE:!tfa!{\"totp\"%3Atrue}:6B04830B::s3cr3t",
            "PVE:s3cr3t",
        ] {
            assert_eq!(take(text).unwrap_err(), IdError::Ticket);
        }
    }

    #[test]
    fn credentials_say_who_they_are_and_nothing_more() {
        let token = Credentials::Token("root@pam!ci=s3cr3t".parse().unwrap());
        assert_eq!(token.to_string(), "api_token root@pam!ci");
        let password = Credentials::Password {
            user: "demo@pve".parse().unwrap(),
            password: Secret::new("s3cr3t"),
            totp: None,
            otp: None,
        };
        assert_eq!(password.to_string(), "password demo@pve");
        assert_eq!(Credentials::None.to_string(), "none");
        assert!(!format!("{token:?}{password:?}").contains("s3cr3t"));
    }
}
