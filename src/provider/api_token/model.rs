//! The state that goes with `proxmox_api_token`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tf_provider::value::Value;

use crate::provider::api_token::acl::Acl;
use crate::provider::attributes::secret::StoredSecret;
use crate::provider::attributes::timeouts::Timeouts;
use crate::provider::attributes::{duration, timeouts, timestamp};
use crate::pve::{ApiToken, TokenId, TokenName, UserId};

/// One `proxmox_api_token`, as configured, planned or stored.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct State {
    pub cluster: Value<String>,
    pub id: Value<String>,
    pub user_id: Value<String>,
    pub token_name: Value<String>,
    pub comment: Value<String>,
    pub privilege_separation: Value<bool>,
    pub expiration_date: Value<String>,
    pub expires_in: Value<String>,
    pub acl: Acl,
    pub rotate_when_changed: Value<BTreeMap<String, Value<String>>>,
    pub rotation: Value<Rotation>,
    pub allow_recreate: Value<bool>,
    pub revoke_on_destroy: Value<bool>,
    pub allow_self_lockout: Value<bool>,
    pub verify_secret: Value<bool>,
    pub timeouts: Value<Timeouts>,
    pub token_id: Value<String>,
    pub secret: Value<StoredSecret>,
    pub api_token: Value<StoredSecret>,
    pub expires_at: Value<String>,
    pub created_at: Value<String>,
    pub rotated_at: Value<String>,
    pub rotation_method: Value<String>,
    pub previous_token_id: Value<String>,
    pub previous_expires_at: Value<String>,
}

/// When and how a token gets a new secret.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Rotation {
    pub every: Value<String>,
    pub before_expiry: Value<String>,
    pub overlap: Value<String>,
}

/// What is appended to `token_name` for the other of a rotation's two names.
const OTHER: &str = "-b";

impl State {
    /// The token's base id, once owner and name are known and well-formed.
    pub fn token(&self) -> Option<TokenId> {
        let user: UserId = self.user_id.as_ref_option()?.parse().ok()?;
        let name: TokenName = self.token_name.as_ref_option()?.parse().ok()?;
        Some(TokenId { user, name })
    }

    /// The token that is in use: under the base name, or under the other one after a rotation
    /// with overlap.
    pub fn live(&self) -> Option<TokenId> {
        let live = self.token_id.as_ref_option();
        live.and_then(|id| id.parse().ok()).or_else(|| self.token())
    }

    /// The token that was in use before the latest rotation, while it is still there.
    pub fn previous(&self) -> Option<TokenId> {
        self.previous_token_id.as_ref_option()?.parse().ok()
    }

    /// The name beside the base name, under which a rotation with overlap makes every second
    /// token.
    pub fn other(&self) -> Option<TokenId> {
        let base = self.token()?;
        let name = format!("{}{OTHER}", base.name).parse().ok()?;
        Some(TokenId { name, ..base })
    }

    /// The name that the next rotation with overlap takes: the one that is not in use.
    pub fn next(&self) -> Option<TokenId> {
        let (base, other) = (self.token()?, self.other()?);
        Some(if self.live()? == base { other } else { base })
    }

    /// The configured date of expiry in epoch seconds.
    pub fn expiration_date(&self) -> Option<i64> {
        seconds(&self.expiration_date)
    }

    /// When the token ends, in epoch seconds; `None` for never, or not known yet.
    pub fn end(&self) -> Option<i64> {
        seconds(&self.expires_at)
    }

    /// When the previous token ends, in epoch seconds; `None` for never.
    pub fn previous_end(&self) -> Option<i64> {
        seconds(&self.previous_expires_at)
    }

    /// Since when the current secret is in use, in epoch seconds, where this configuration made
    /// it.
    pub fn secret_since(&self) -> Option<i64> {
        seconds(&self.rotated_at).or_else(|| seconds(&self.created_at))
    }

    /// The rotation as configured, as far as it is known.
    pub fn rotation(&self) -> Rotation {
        match &self.rotation {
            Value::Value(rotation) => rotation.clone(),
            Value::Null | Value::Unknown => Rotation::default(),
        }
    }

    /// How long the previous token goes on working after a rotation, in seconds.
    pub fn overlap(&self) -> Option<i64> {
        duration::seconds(&self.rotation().overlap)
    }

    /// The longest that an operation may take, where one is configured.
    pub fn timeout(&self, operation: &str) -> Option<i64> {
        timeouts::seconds(&self.timeouts, operation)
    }

    /// Whether the token has privileges of its own.
    pub fn is_separated(&self) -> bool {
        self.privilege_separation != Value::Value(false)
    }

    /// Takes over a secret that the server has just given.
    pub fn set_secret(&mut self, token: &ApiToken) {
        self.secret = token.secret.clone().into();
        self.api_token = token.joined().into();
    }

    /// The secret with its token, where it is known.
    pub fn api_token(&self) -> Option<ApiToken> {
        let secret = self.secret.as_ref_option()?.secret().clone();
        Some(ApiToken {
            id: self.live()?,
            secret,
        })
    }

    /// The switches with their defaults filled in: what revocation needs is read from the state.
    pub fn with_defaults(self) -> Self {
        let or = |given: Value<bool>, default| match given {
            Value::Null => Value::Value(default),
            given => given,
        };
        Self {
            privilege_separation: or(self.privilege_separation, true),
            allow_recreate: or(self.allow_recreate, false),
            revoke_on_destroy: or(self.revoke_on_destroy, true),
            allow_self_lockout: or(self.allow_self_lockout, false),
            verify_secret: or(self.verify_secret, false),
            ..self
        }
    }
}

fn seconds(date: &Value<String>) -> Option<i64> {
    timestamp::parse(date.as_ref_option()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_takes_turns_between_its_two_names() {
        let mut state = State {
            user_id: Value::Value("demo@pve".into()),
            token_name: Value::Value("ci".into()),
            ..State::default()
        };
        let next = |state: &State| state.next().map(|token| token.to_string());
        assert_eq!(next(&state).as_deref(), Some("demo@pve!ci-b"));
        state.token_id = Value::Value("demo@pve!ci-b".into());
        assert_eq!(next(&state).as_deref(), Some("demo@pve!ci"));
    }
}
