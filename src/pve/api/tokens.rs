//! The life of a token: mint, change, regenerate, revoke.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use time::OffsetDateTime;

use crate::pve::auth::fresh_tokens;
use crate::pve::client::Client;
use crate::pve::context::Context;
use crate::pve::error::request::RequestKind;
use crate::pve::error::{Error, ErrorKind};
use crate::pve::id::TokenId;
use crate::pve::lenient;
use crate::pve::net::request::Request;
use crate::pve::net::response::Response;
use crate::pve::secret::Secret;
use crate::pve::timestamp::Expiry;

/// A token as the server shows it, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TokenInfo {
    /// The comment, trimmed by the server. None if it is empty or `0`
    /// (recording `015-token-create-comment-zero`).
    pub comment: Option<String>,
    /// When it expires.
    pub expire: Expiry,
    /// Whether it has only the privileges that both its own ACL entries and its owner have.
    pub privilege_separation: bool,
}

#[derive(Deserialize)]
struct RawToken {
    #[serde(default)]
    tokenid: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    comment: Option<String>,
    #[serde(default, deserialize_with = "lenient::integer")]
    expire: i64,
    #[serde(default, deserialize_with = "lenient::optional_flag")]
    privsep: Option<bool>,
}

impl From<RawToken> for TokenInfo {
    fn from(raw: RawToken) -> Self {
        Self {
            comment: raw.comment,
            expire: Expiry::from_unix(raw.expire),
            privilege_separation: raw.privsep.unwrap_or(true),
        }
    }
}

const MALFORMED: &str = "its tokens do not have the documented form";

/// Tokens as map (one user), list (many users, token list) or `null` (none).
pub(crate) fn from_collection(value: Value) -> Result<BTreeMap<String, TokenInfo>, String> {
    let named = |raw: RawToken| match raw.tokenid.clone() {
        Some(name) => Ok((name, raw.into())),
        None => Err(MALFORMED.to_owned()),
    };
    match value {
        Value::Null => Ok(BTreeMap::new()),
        Value::Array(_) => serde_json::from_value::<Vec<RawToken>>(value)
            .map_err(|_| MALFORMED.to_owned())?
            .into_iter()
            .map(named)
            .collect(),
        _ => Ok(serde_json::from_value::<BTreeMap<String, RawToken>>(value)
            .map_err(|_| MALFORMED.to_owned())?
            .into_iter()
            .map(|(name, raw)| (name, raw.into()))
            .collect()),
    }
}

/// The settings of a new token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewToken {
    /// The comment. An empty one is not sent.
    pub comment: Option<String>,
    /// When it expires.
    pub expire: Expiry,
    /// Whether its rights are separate from its owner's.
    pub privsep: bool,
}

/// A change of a token. A field that is `None` stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TokenChange {
    /// The new comment; `Some("")` removes it.
    pub comment: Option<String>,
    /// The new expiry.
    pub expire: Option<Expiry>,
    /// The new privilege separation.
    pub privsep: Option<bool>,
}

/// A token with its secret, which the server shows only once.
#[derive(Debug, Clone)]
pub struct CreatedToken {
    /// Which token.
    pub id: TokenId,
    /// Its secret.
    pub secret: Secret,
    /// When the server made it, on the server's clock.
    pub server_time: OffsetDateTime,
}

/// The result of a deletion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deletion {
    /// It was there and is gone, with its ACL entries.
    Deleted,
    /// It, or its owner, was gone before.
    AlreadyGone,
}

#[derive(Deserialize)]
struct Minted {
    #[serde(default)]
    value: Option<String>,
    #[serde(default, rename = "full-tokenid")]
    id: Option<String>,
}

/// The most characters of a secret. The server gives a UUID of 36.
const LONGEST_SECRET: usize = 256;

/// The secret in the response to a creation or regeneration of this token. One that belongs to
/// another token, or that no header could carry, is not kept.
fn secret_of(token: &TokenId, minted: Minted) -> Result<Secret, String> {
    if minted.id.is_some_and(|id| id != token.to_string()) {
        return Err("it names another token than the one in the request".to_owned());
    }
    let value = minted.value.unwrap_or_default();
    if value.is_empty() {
        return Err("it holds no secret".to_owned());
    }
    let is_plain = value.bytes().all(|byte| byte.is_ascii_graphic());
    if !is_plain || value.len() > LONGEST_SECRET {
        return Err("its secret does not have the form of a secret".to_owned());
    }
    Ok(Secret::new(value))
}

fn token_path(token: &TokenId) -> [String; 5] {
    [
        "access".into(),
        "users".into(),
        token.user.to_string(),
        "token".into(),
        token.name.to_string(),
    ]
}

impl TokenChange {
    fn form(&self) -> Vec<(&'static str, String)> {
        let mut form = Vec::new();
        if let Some(comment) = &self.comment {
            // Servers before libpve-access-control 9.0.4 ignore an empty comment, and none
            // knows how to delete one; a blank is stored as nothing by all of them
            // (007-update-comment-space and 008-get-after of 8.2.2-http5.1.2 and 9.0.7).
            let blank = comment.trim().is_empty();
            form.push((
                "comment",
                if blank {
                    " ".to_owned()
                } else {
                    comment.clone()
                },
            ));
        }
        if let Some(expire) = self.expire {
            form.push(("expire", expire.unix().to_string()));
        }
        if let Some(privsep) = self.privsep {
            form.push(("privsep", flag(privsep)));
        }
        form
    }
}

impl NewToken {
    fn form(&self) -> Vec<(&'static str, String)> {
        let mut form = vec![("privsep", flag(self.privsep))];
        let date = self.expire.date();
        form.extend(date.map(|date| ("expire", date.unix().to_string())));
        let comment = self
            .comment
            .as_ref()
            .filter(|comment| !comment.trim().is_empty());
        form.extend(comment.map(|comment| ("comment", comment.clone())));
        form
    }
}

fn flag(on: bool) -> String {
    if on { "1" } else { "0" }.to_owned()
}

impl Client {
    /// Creates a token and returns its secret, which the server shows only once.
    ///
    /// # Errors
    /// [`ErrorKind::TokenExists`], [`ErrorKind::NoSuchUser`], [`ErrorKind::Forbidden`], and any other error of
    /// a write; after one that [may have taken effect](Error::may_have_taken_effect), the token may
    /// exist, and its secret is lost.
    pub async fn create_token(
        &self,
        token: &TokenId,
        new: &NewToken,
        context: &Context,
    ) -> Result<CreatedToken, Error> {
        let request = Request::post(&token_path(token)).form(&new.form());
        self.token_write(token, request, context)
            .await?
            .minted(token)
    }

    /// Changes comment, expiry or privilege separation; the secret stays.
    ///
    /// # Errors
    /// [`ErrorKind::NoSuchToken`], [`ErrorKind::NoSuchUser`], [`ErrorKind::Forbidden`], and any other error of
    /// a write.
    pub async fn update_token(
        &self,
        token: &TokenId,
        change: &TokenChange,
        context: &Context,
    ) -> Result<TokenInfo, Error> {
        let request = Request::put(&token_path(token)).form(&change.form());
        let reply = self.token_write(token, request, context).await?;
        reply.decode::<RawToken>().map(TokenInfo::from)
    }

    /// Gives the token a new secret in place and makes this change with it; all else is kept. The
    /// old secret stops working at once (recording `136-token-update-regenerate`).
    ///
    /// # Errors
    /// On a server that is too old, an error for which
    /// [`is_unknown_parameter("regenerate")`](Error::is_unknown_parameter) holds and nothing has
    /// changed. Otherwise as [`Client::update_token`]; after an error that
    /// [may have taken effect](Error::may_have_taken_effect), the old secret may be dead.
    pub async fn regenerate_token(
        &self,
        token: &TokenId,
        change: &TokenChange,
        context: &Context,
    ) -> Result<CreatedToken, Error> {
        let mut form = change.form();
        form.push(("regenerate", flag(true)));
        let request = Request::put(&token_path(token)).form(&form);
        self.token_write(token, request, context)
            .await?
            .minted(token)
    }

    /// Whether the server can give a token a new secret in place. Changes nothing: a value that is
    /// no boolean is refused as such where the parameter is known, and as undefined where it is
    /// not, in both cases before anything happens. `None` when the server says neither, most often
    /// for lack of a privilege.
    pub(in crate::pve) async fn regenerates(
        &self,
        token: &TokenId,
        context: &Context,
    ) -> Option<bool> {
        let form = [("regenerate", "whether".to_owned())];
        let probe = Request::put(&token_path(token))
            .form(&form)
            .kind(RequestKind::Probe)
            .about_token(token);
        let error = self.send(probe, context).await.err()?;
        if error.is_unknown_parameter("regenerate") {
            return Some(false);
        }
        match error.kind {
            ErrorKind::ParameterErrors { refusal } => {
                refusal.errors.contains_key("regenerate").then_some(true)
            }
            _ => None,
        }
    }

    /// Revokes a token, and with it its ACL entries.
    ///
    /// # Errors
    /// Any [`Error`] of a write but that it is missing.
    pub async fn delete_token(
        &self,
        token: &TokenId,
        context: &Context,
    ) -> Result<Deletion, Error> {
        match self
            .token_write(token, Request::delete(&token_path(token)), context)
            .await
        {
            Ok(_) => Ok(Deletion::Deleted),
            Err(error) if error.is_missing() => Ok(Deletion::AlreadyGone),
            Err(other) => Err(other),
        }
    }

    async fn token_write(
        &self,
        token: &TokenId,
        request: Request,
        context: &Context,
    ) -> Result<Response, Error> {
        let refused = match self.send(request.about_token(token), context).await {
            Err(error) if matches!(error.kind, ErrorKind::Forbidden { .. }) => error,
            outcome => return outcome,
        };
        Err(self
            .forbidden_or_missing_user(refused, token, context)
            .await)
    }

    /// To a token, `403 Permission check failed` on a token path means either that or that there
    /// is no such user (`099-token-get-user-missing`); the user's own path tells which
    /// (`107-user-get-missing`).
    async fn forbidden_or_missing_user(
        &self,
        refused: Error,
        token: &TokenId,
        context: &Context,
    ) -> Error {
        let user = token.user.clone();
        match (self.fetch_user(&user, context).await, refused.kind) {
            (Ok(None), ErrorKind::Forbidden { refusal }) => Error {
                request: refused.request,
                kind: ErrorKind::NoSuchUser { refusal, user },
            },
            (_, kind) => Error {
                request: refused.request,
                kind,
            },
        }
    }
}

impl Response {
    fn minted(self, token: &TokenId) -> Result<CreatedToken, Error> {
        let server_time = self.server_time;
        let secret = self.decode_with(|minted: Minted| secret_of(token, minted))?;
        fresh_tokens::note(token, &secret);
        Ok(CreatedToken {
            id: token.clone(),
            secret,
            server_time,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Minted, NewToken, RawToken, TokenChange, TokenInfo, from_collection, secret_of};
    use crate::pve::timestamp::Expiry;

    #[test]
    fn tokens_come_as_map_list_and_null() {
        let map = from_collection(json!({"ci": {"expire": "5", "privsep": "0", "comment": "x"}}))
            .unwrap();
        let list =
            from_collection(json!([{"tokenid": "ci", "expire": 5, "privsep": 0, "comment": "x"}]))
                .unwrap();
        assert_eq!(map, list);
        assert_eq!(map["ci"].expire, Expiry::from_unix(5));
        assert!(from_collection(json!(null)).unwrap().is_empty());
        assert!(from_collection(json!([{"expire": 5}])).is_err());
        assert!(from_collection(json!("ci")).is_err());
    }

    #[test]
    fn what_an_update_echoes_is_read_like_what_a_get_gives() {
        // 116-token-update-expire, and 007-update-comment-space of 8.2.2-http5.1.2
        let echoed: RawToken =
            serde_json::from_value(json!({"expire":"1798049627","privsep":1,"comment":" "}))
                .unwrap();
        let expected = TokenInfo {
            comment: None,
            expire: Expiry::from_unix(1_798_049_627),
            privilege_separation: true,
        };
        assert_eq!(TokenInfo::from(echoed), expected);
    }

    #[test]
    fn a_secret_that_cannot_be_the_requested_one_is_not_kept() {
        let token = "demo@pve!ci".parse().unwrap();
        let minted = |value: &str, id: &str| {
            let minted: Minted =
                serde_json::from_value(json!({ "value": value, "full-tokenid": id })).unwrap();
            secret_of(&token, minted)
        };
        let uuid = "573e8a06-e698-427c-acd8-738410c8ee7f";
        assert_eq!(minted(uuid, "demo@pve!ci").unwrap().expose(), uuid);
        for (value, id) in [
            (uuid, "demo@pve!other"),
            ("", "demo@pve!ci"),
            ("a\u{1b}[31mb", "demo@pve!ci"),
            ("a b", "demo@pve!ci"),
            (&"x".repeat(1 << 20), "demo@pve!ci"),
        ] {
            assert!(minted(value, id).is_err());
        }
    }

    #[test]
    fn clearing_a_comment_sends_a_blank_and_clearing_an_expiry_a_zero() {
        let change = TokenChange {
            comment: Some(String::new()),
            expire: Some(Expiry::Never),
            privsep: None,
        };
        assert_eq!(
            change.form(),
            [("comment", " ".to_owned()), ("expire", "0".to_owned())]
        );
        assert!(TokenChange::default().form().is_empty());
    }

    #[test]
    fn a_new_token_sends_only_what_is_set() {
        let new = NewToken {
            comment: Some("  ".into()),
            expire: Expiry::Never,
            privsep: true,
        };
        assert_eq!(new.form(), [("privsep", "1".to_owned())]);
    }
}
