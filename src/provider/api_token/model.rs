//! The attributes of `proxmox_api_token`, as stored, as configured and as planned.

use std::collections::BTreeMap;
use std::ops::Deref;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tf_provider::value::Value;

use crate::provider::api_token::acl::Acl;
use crate::provider::attributes::secret::StoredSecret;
use crate::provider::attributes::timeouts::Timeouts;
use crate::provider::attributes::{duration, timeouts, timestamp};
use crate::pve::{ApiToken, Expiry, NewToken, Owner, Secret, Timestamp, TokenId};

/// The attributes of one `proxmox_api_token`, as stored in the state.
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
    pub acl_exclusive: Value<bool>,
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
    pub effective_expires_at: Value<String>,
    pub created_at: Value<String>,
    pub rotated_at: Value<String>,
    pub rotation_method: Value<String>,
    pub previous_token_id: Value<String>,
    pub previous_expires_at: Value<String>,
}

/// The attributes as written in the configuration. Those that the provider computes are null.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Config(pub State);

/// The attributes as planned. Those that only apply decides are unknown.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Planned(pub State);

/// The attribute `rotation`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Rotation {
    pub every: Value<String>,
    pub before_expiry: Value<String>,
    pub overlap: Value<String>,
}

impl State {
    /// The id for messages.
    pub fn display_id(&self) -> &str {
        let id = self.token_id.as_ref_option().or(self.id.as_ref_option());
        id.map_or("The token", String::as_str)
    }

    /// The configured `expiration_date`.
    pub fn expiration_date(&self) -> Option<Timestamp> {
        timestamp::known(&self.expiration_date)
    }

    /// The configured `expires_in`.
    pub fn lifetime(&self) -> Option<Duration> {
        duration::known(&self.expires_in)
    }

    /// The expiry of the token; `Never` where it is not known yet.
    pub fn expiry(&self) -> Expiry {
        timestamp::known(&self.expires_at).into()
    }

    /// The expiry of the previous token.
    pub fn previous_expiry(&self) -> Expiry {
        timestamp::known(&self.previous_expires_at).into()
    }

    /// The time at which the current secret was issued, where this configuration issued it.
    pub fn secret_since(&self) -> Option<Timestamp> {
        timestamp::known(&self.rotated_at).or_else(|| timestamp::known(&self.created_at))
    }

    /// The attribute `rotation`, as far as it is known.
    pub fn rotation(&self) -> Rotation {
        self.rotation.as_ref_option().cloned().unwrap_or_default()
    }

    /// How long the previous secret keeps working after a rotation.
    pub fn overlap(&self) -> Option<Duration> {
        duration::known(&self.rotation().overlap)
    }

    /// The configured time limit of an operation.
    pub fn timeout(&self, operation: &str) -> Option<Duration> {
        timeouts::limit(&self.timeouts, operation)
    }

    /// Whether the token has privileges of its own.
    pub fn is_separated(&self) -> bool {
        self.privilege_separation != Value::Value(false)
    }

    /// Whether the token has no other entries in the access control list than those of `acl`.
    pub fn is_acl_exclusive(&self) -> bool {
        self.acl_exclusive == Value::Value(true)
    }

    /// Whether destroying the resource revokes the token.
    pub fn is_revoked_on_destroy(&self) -> bool {
        self.revoke_on_destroy != Value::Value(false)
    }

    /// Whether the token has this comment to Proxmox VE.
    pub fn has_comment(&self, comment: &Value<String>) -> bool {
        same_comment(&self.comment, comment)
    }

    /// The secret of the token in use as a credential, where it is known.
    pub fn credential(&self, live: &TokenId) -> Option<ApiToken> {
        let secret = self.secret.as_ref_option()?.secret().clone();
        Some(ApiToken {
            id: live.clone(),
            secret,
        })
    }

    /// The state with the secret that the server has just issued for `token`.
    pub fn with_secret(self, token: &TokenId, secret: Secret) -> Self {
        let credential = ApiToken {
            id: token.clone(),
            secret,
        };
        Self {
            token_id: Value::Value(token.to_string()),
            api_token: credential.joined().into(),
            secret: credential.secret.into(),
            ..self
        }
    }

    /// The state of a token whose secret is lost or no longer works.
    pub fn without_secret(self) -> Self {
        Self {
            secret: Value::Null,
            api_token: Value::Null,
            ..self
        }
    }

    /// The state without a previous token.
    pub fn without_previous(self) -> Self {
        Self {
            previous_token_id: Value::Null,
            previous_expires_at: Value::Null,
            ..self
        }
    }

    /// The state with the defaults of the switches: what revocation needs is read from the state.
    pub fn with_defaults(self) -> Self {
        let or = |switch: Value<bool>, default| match switch {
            Value::Null => Value::Value(default),
            switch => switch,
        };
        Self {
            privilege_separation: or(self.privilege_separation, true),
            acl_exclusive: or(self.acl_exclusive, false),
            allow_recreate: or(self.allow_recreate, false),
            revoke_on_destroy: or(self.revoke_on_destroy, true),
            allow_self_lockout: or(self.allow_self_lockout, false),
            verify_secret: or(self.verify_secret, false),
            ..self
        }
    }
}

impl Planned {
    /// The request that creates a token as planned.
    pub fn new_token(&self, expire: Expiry) -> NewToken {
        NewToken {
            comment: self.comment.as_ref_option().cloned(),
            expire,
            privsep: self.is_separated(),
        }
    }

    /// The planned state with the expiry that the token has been given. `owner` is known where it
    /// may be read.
    pub fn with_expiry(self, expire: Expiry, owner: Option<&Owner>) -> Self {
        Self(State {
            expires_at: timestamp::attribute(expire),
            effective_expires_at: timestamp::attribute(effective_expiry(expire, owner)),
            ..self.0
        })
    }
}

impl Deref for Config {
    type Target = State;

    fn deref(&self) -> &State {
        &self.0
    }
}

impl Deref for Planned {
    type Target = State;

    fn deref(&self) -> &State {
        &self.0
    }
}

/// When a token stops working: at its own expiry or at that of its owner, whichever is first. The
/// expiry of the token alone where that of the owner may not be read.
pub fn effective_expiry(expire: Expiry, owner: Option<&Owner>) -> Expiry {
    match owner.filter(|owner| owner.details_known) {
        Some(owner) => expire.min(owner.expire),
        None => expire,
    }
}

/// Whether two comments are the same to Proxmox VE, which trims them (recording
/// `019-token-create-comment-spaces`) and does not tell an empty one from none
/// (`014-token-create-comment-empty`).
pub fn same_comment(left: &Value<String>, right: &Value<String>) -> bool {
    let text = |value: &Value<String>| match value {
        Value::Value(text) => Some(text.trim().to_owned()),
        Value::Null => Some(String::new()),
        Value::Unknown => None,
    };
    text(left).is_some() && text(left) == text(right)
}
