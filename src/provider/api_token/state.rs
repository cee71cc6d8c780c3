//! The shape of `proxmox_api_token`: its schema, and the state that goes with it.

use serde::{Deserialize, Serialize};
use tf_provider::{
    schema::{AttributeType, Schema},
    value::Value,
};

use super::acl::Acl;
use crate::{
    framework::schema,
    provider::{connection::cluster_attribute, instant, secret::StoredSecret},
    pve::{ApiToken, TokenId, TokenName, UserId},
};

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
    pub acl: Acl,
    pub token_id: Value<String>,
    pub secret: Value<StoredSecret>,
    pub api_token: Value<StoredSecret>,
    pub expires_at: Value<String>,
    pub created_at: Value<String>,
}

impl State {
    /// The token this is about, once owner and name are known and well-formed.
    pub fn token(&self) -> Option<TokenId> {
        let user: UserId = self.user_id.as_ref_option()?.parse().ok()?;
        let name: TokenName = self.token_name.as_ref_option()?.parse().ok()?;
        Some(TokenId { user, name })
    }

    /// When the token ends, in epoch seconds; `None` for never.
    pub fn expire(&self) -> Option<i64> {
        self.expiration_date
            .as_ref_option()
            .and_then(|date| instant::parse(date).ok())
    }

    /// Takes over a secret that the server has just given.
    pub fn set_secret(&mut self, token: &ApiToken) {
        self.secret = token.secret.clone().into();
        self.api_token = token.joined().into();
    }
}

/// The schema of `proxmox_api_token`.
pub fn schema() -> Schema {
    use AttributeType::{Bool, String};
    use schema::{computed, defaulted, optional, required, sensitive};

    schema::schema(
        "An API token of Proxmox VE: minted, scoped by its own entries in the access control \
         list, updated in place without touching its secret, and revoked on destroy.\n\n\
         Two-factor login stops automation with a password; a token is how it is done. With \
         privilege separation, which is the default here as in Proxmox VE, a token may do \
         nothing at all until `acl` grants it something, and never more than its owner may. \
         The secret is kept in the state: protect the state.",
        [
            cluster_attribute(
                "Key of the provider's `clusters` to mint the token on; the provider's own \
                 connection unless set. Changing it makes a new token.",
            ),
            ("id", computed(String, "`user@realm!token_name`.")),
            (
                "user_id",
                required(
                    String,
                    "Owner of the token, with realm, such as `automation@pve`. The user must \
                     exist. Changing it makes a new token.",
                ),
            ),
            (
                "token_name",
                required(
                    String,
                    "Name of the token among its owner's: two characters or more, a letter \
                     first, then letters, digits, `.`, `_` and `-`. Changing it makes a new \
                     token.",
                ),
            ),
            (
                "comment",
                optional(
                    String,
                    "Free text shown beside the token. Changed in place.",
                ),
            ),
            (
                "privilege_separation",
                defaulted(
                    Bool,
                    "Whether the token has privileges of its own (`acl`) rather than all of its \
                     owner's. True unless set. Changed in place.",
                ),
            ),
            (
                "expiration_date",
                optional(
                    String,
                    "When the token stops working, as an RFC 3339 date and time with an offset, \
                     such as `2027-12-31T00:00:00Z`. Without it the token never expires. Equal \
                     instants in different offsets are the same. Changed in place.",
                ),
            ),
            (
                "acl",
                optional(
                    schema::nested_set([
                        (
                            "path",
                            required(
                                String,
                                "Path in the access control tree, such as `/vms` or \
                                 `/storage/local`.",
                            ),
                        ),
                        (
                            "role",
                            required(String, "Role granted there, such as `PVEVMAdmin`."),
                        ),
                        (
                            "propagate",
                            optional(
                                Bool,
                                "Whether the grant also holds below the path. True unless set.",
                            ),
                        ),
                    ]),
                    "What the token may do: its own entries in the access control list. Only the \
                     entries declared here are ever added or removed; without this attribute the \
                     list is not looked at. Needs `privilege_separation`. A token never has more \
                     than its owner has.",
                ),
            ),
            (
                "token_id",
                computed(String, "The id to log in with, `user@realm!token_name`."),
            ),
            (
                "secret",
                sensitive(computed(
                    String,
                    "The token's secret. Proxmox VE shows it only once, at creation: null after \
                     an import.",
                )),
            ),
            (
                "api_token",
                sensitive(computed(
                    String,
                    "Id and secret in one string, `user@realm!token_name=secret`, as other \
                     providers and tools take it. Null after an import.",
                )),
            ),
            (
                "expires_at",
                computed(
                    String,
                    "When the token stops working, in UTC (RFC 3339); null for never.",
                ),
            ),
            (
                "created_at",
                computed(
                    String,
                    "When this configuration minted the token, on the server's clock (RFC 3339); \
                     null after an import.",
                ),
            ),
        ],
    )
}
