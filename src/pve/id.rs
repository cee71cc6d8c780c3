//! User and token ids in Proxmox VE's own grammar.
//!
//! A user id is `name@realm`, a token id `name@realm!token`. The name may itself hold `@` and
//! `!` (recordings `364-username-bang`, `365-username-at`), so both are split from the right.
//! This is the only place that takes ids apart.

use std::fmt;
use std::str::FromStr;

/// Why a text is not a user id or a token id.
///
/// What is quoted back ends before the first `=`: what follows may be a token's secret that
/// was pasted along.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// No `@realm`.
    #[error(
        "\"{given}\" names no realm: a user id has the form name@realm, such as terraform@pve or root@pam"
    )]
    NoRealm {
        /// The text.
        given: String,
    },
    /// The part before the last `@` is empty or has a character that Proxmox VE refuses.
    #[error(
        "\"{given}\" is not a user id: the name before @ must not be empty and must not hold white space, ':' or '/'"
    )]
    UserName {
        /// The text.
        given: String,
    },
    /// The part after the last `@` is no realm name.
    #[error(
        "\"{given}\" is not a user id: the realm after the last @ starts with a letter, has at least two characters and holds only letters, digits, '.', '_' and '-'"
    )]
    Realm {
        /// The text.
        given: String,
    },
    /// A token id in place of a user id.
    #[error("\"{given}\" is a token id, not a user id: leave out '!' and what follows it")]
    TokenForUser {
        /// The text.
        given: String,
    },
    /// A short token name, and no user that it could belong to.
    #[error("\"{given}\" is a token name without its user: give the full id, user@realm!name")]
    NoUser {
        /// The text.
        given: String,
    },
    /// The token name breaks the grammar.
    #[error(
        "\"{given}\" is not a token name: it starts with a letter, has at least two characters and holds only letters, digits, '.', '_' and '-'"
    )]
    TokenName {
        /// The text.
        given: String,
    },
    /// A token id with a secret behind it.
    #[error(
        "the token id \"{given}\" is followed by '=' and more: the secret does not belong in the id"
    )]
    SecretInId {
        /// The text up to the `=`.
        given: String,
    },
    /// A whole API token without its secret, or a secret without its id: nothing is quoted.
    #[error("the API token is not complete: the form is user@realm!name=secret")]
    Incomplete,
    /// Not a whole login ticket. Nothing of it is quoted.
    #[error("this is not a login ticket: a whole one begins with PVE:user@realm:")]
    Ticket,
}

/// What may be quoted of a text that is no id: nothing behind a `=` or a `:`, and nothing that
/// has the form of a secret.
fn shown(text: &str) -> String {
    let text = text.split(['=', ':']).next().unwrap_or_default();
    let is_uuid = text.len() == 36 && text.chars().all(|c| c == '-' || c.is_ascii_hexdigit());
    if is_uuid {
        "(a UUID, which has the form of a secret)".to_owned()
    } else {
        text.to_owned()
    }
}

/// Realm and token names share one grammar: `[A-Za-z][A-Za-z0-9._-]+`
/// (recordings `046-token-create-id-short`, `049-token-create-id-digit`).
fn is_name(text: &str) -> bool {
    let mut characters = text.chars();
    characters.next().is_some_and(|c| c.is_ascii_alphabetic())
        && text.len() >= 2
        && characters.all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))
}

/// The id of a user, `name@realm`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserId {
    name: String,
    realm: String,
}

impl UserId {
    /// The part before the last `@`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The part after the last `@`.
    pub fn realm(&self) -> &str {
        &self.realm
    }
}

impl FromStr for UserId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let Some((name, realm)) = text.rsplit_once('@') else {
            return Err(IdError::NoRealm { given: shown(text) });
        };
        if name.is_empty() || name.contains(|c: char| c.is_whitespace() || matches!(c, ':' | '/')) {
            return Err(IdError::UserName { given: shown(text) });
        }
        if !is_name(realm) {
            return Err(match realm.split_once('!') {
                Some((realm, _)) if is_name(realm) => IdError::TokenForUser { given: shown(text) },
                _ => IdError::Realm { given: shown(text) },
            });
        }
        Ok(Self {
            name: name.to_owned(),
            realm: realm.to_owned(),
        })
    }
}

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.name, self.realm)
    }
}

/// The name of a token within its user, case-sensitive.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TokenName(String);

impl TokenName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for TokenName {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        if is_name(text) {
            return Ok(Self(text.to_owned()));
        }
        Err(match text.split_once('=') {
            Some((name, _)) if is_name(name) => IdError::SecretInId { given: shown(text) },
            _ => IdError::TokenName { given: shown(text) },
        })
    }
}

impl fmt::Display for TokenName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The full id of a token, `name@realm!token`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TokenId {
    /// The user that owns the token.
    pub user: UserId,
    /// The token's name.
    pub name: TokenName,
}

impl TokenId {
    /// Joins the two parts.
    pub fn new(user: UserId, name: TokenName) -> Self {
        Self { user, name }
    }

    /// Reads a full id, or a short token name when `default_user` says whose it is.
    ///
    /// A full id wins over `default_user`, also where the two differ: whether that is a
    /// contradiction is for the caller to say.
    ///
    /// # Errors
    /// [`IdError`] with the part that is wrong and the form that was expected.
    pub fn parse(text: &str, default_user: Option<&UserId>) -> Result<Self, IdError> {
        let (user, name) = match (text.rsplit_once('!'), default_user) {
            (Some((user, name)), _) => (user.parse()?, name),
            (None, Some(user)) if !text.contains('@') => (user.clone(), text),
            (None, Some(_)) => return Err(IdError::TokenName { given: shown(text) }),
            (None, None) => return Err(IdError::NoUser { given: shown(text) }),
        };
        Ok(Self {
            user,
            name: name.parse()?,
        })
    }
}

impl FromStr for TokenId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        Self::parse(text, None)
    }
}

impl fmt::Display for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}!{}", self.user, self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::{IdError, TokenId, TokenName, UserId};

    #[test]
    fn a_user_id_is_split_at_the_last_at_sign() {
        let user: UserId = "a@b@pve".parse().unwrap();
        assert_eq!((user.name(), user.realm()), ("a@b", "pve"));
        assert_eq!(user.to_string(), "a@b@pve");
    }

    #[test]
    fn names_that_the_server_takes_are_taken() {
        for text in [
            "root@pam",
            "we!rd@pve",
            "a+b@pve",
            "x=y@pve",
            "per%41cent@pve",
            "a#b@pve",
            "\u{fc}ser@my-ldap.1",
        ] {
            assert_eq!(text.parse::<UserId>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn names_that_the_server_refuses_are_refused() {
        let given = |text: &str| text.to_owned();
        for (text, error) in [
            (
                "root",
                IdError::NoRealm {
                    given: given("root"),
                },
            ),
            ("", IdError::NoRealm { given: given("") }),
            (
                "@pve",
                IdError::UserName {
                    given: given("@pve"),
                },
            ),
            (
                "a b@pve",
                IdError::UserName {
                    given: given("a b@pve"),
                },
            ),
            (
                "a/b@pve",
                IdError::UserName {
                    given: given("a/b@pve"),
                },
            ),
            (
                "a@p",
                IdError::Realm {
                    given: given("a@p"),
                },
            ),
            (
                "a@1pve",
                IdError::Realm {
                    given: given("a@1pve"),
                },
            ),
            (
                "a@pve!tok",
                IdError::TokenForUser {
                    given: given("a@pve!tok"),
                },
            ),
        ] {
            assert_eq!(text.parse::<UserId>().unwrap_err(), error, "{text}");
        }
    }

    #[test]
    fn a_token_id_is_split_at_the_last_exclamation_mark() {
        let id: TokenId = "we!rd@pve!tok".parse().unwrap();
        assert_eq!(id.user.to_string(), "we!rd@pve");
        assert_eq!(id.name.as_str(), "tok");
        assert_eq!(id.to_string(), "we!rd@pve!tok");
    }

    #[test]
    fn a_short_name_needs_a_user() {
        let user: UserId = "demo@pve".parse().unwrap();
        assert_eq!(
            TokenId::parse("ci", Some(&user)).unwrap().to_string(),
            "demo@pve!ci"
        );
        assert_eq!(
            TokenId::parse("root@pam!ci", Some(&user))
                .unwrap()
                .to_string(),
            "root@pam!ci"
        );
        assert_eq!(
            TokenId::parse("ci", None),
            Err(IdError::NoUser { given: "ci".into() })
        );
    }

    #[test]
    fn token_names_follow_the_recorded_grammar() {
        for good in ["ab", "T01", "a.b-c_d", "abc."] {
            assert!(good.parse::<TokenName>().is_ok(), "{good}");
        }
        for bad in [
            "",
            "a",
            "1ab",
            "-ab",
            "a b",
            "a!b",
            "a:b",
            "a@b",
            "a%b",
            "ab\n",
            "\u{fc}ber",
        ] {
            assert!(bad.parse::<TokenName>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_pasted_secret_is_named_as_such_and_not_echoed() {
        let error = "root@pam!ci=573e8a06-e698".parse::<TokenId>().unwrap_err();
        assert_eq!(error, IdError::SecretInId { given: "ci".into() });
        for text in [
            "root=573e8a06",
            "ro ot@pam=573e8a06",
            "root@pam=573e8a06!x",
            "root@pam!1=573e8a06",
        ] {
            let error = text.parse::<TokenId>().unwrap_err();
            assert!(!error.to_string().contains("573e"), "{error}");
        }
    }
}
