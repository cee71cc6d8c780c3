//! The schema of `proxmox_api_token`.

use tf_provider::schema::{AttributeType, Schema};

use crate::framework::schema;
use crate::provider::attributes::timeouts;
use crate::provider::clients::cluster_attribute;

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
                     such as `2027-12-31T00:00:00Z`. Without it and `expires_in` the token never \
                     expires. Equal instants in different offsets are the same. Changed in place.",
                ),
            ),
            (
                "expires_in",
                optional(
                    String,
                    "How long the token works, in place of `expiration_date`: a duration such as \
                     `30m`, `48h` or `90d` (a day is 24 hours), counted on the server's clock from \
                     its creation or its latest rotation. Changed in place.",
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
                "rotate_when_changed",
                optional(
                    schema::map_of_strings(),
                    "Any values; the token gets a new secret when this map changes, and setting it \
                     for the first time counts as a change. Also the way to get a secret after an \
                     import.",
                ),
            ),
            (
                "rotation",
                optional(
                    schema::nested([
                        (
                            "every",
                            optional(
                                String,
                                "The age at which the secret is replaced, such as `30d`.",
                            ),
                        ),
                        (
                            "before_expiry",
                            optional(
                                String,
                                "How long before its end the secret is replaced, such as `14d`. \
                                 Needs `expires_in`, and is shorter.",
                            ),
                        ),
                        (
                            "overlap",
                            optional(
                                String,
                                "How long the old secret goes on working beside the new one, such \
                                 as `48h`. The new one is that of another token, whose name is \
                                 `token_name` and `token_name-b` in turn, with the same settings \
                                 and grants; the old one is given its end in the same apply, so \
                                 that it dies by itself, and a later apply removes it. Consumers \
                                 take `token_id` and `secret` (or `api_token`) together. Without \
                                 it the old secret stops working at once.",
                            ),
                        ),
                    ]),
                    "When the secret is replaced, and how. A plan decides, by what the latest \
                     refresh saw of the server's clock, so that a scheduled apply rotates what is \
                     due. A server before libpve-access-control 9.1 cannot replace a secret in \
                     place: set `overlap` there, or `allow_recreate`. For a secret that has leaked, \
                     use `terraform apply -replace`, which revokes everything at once.",
                ),
            ),
            (
                "allow_recreate",
                defaulted(
                    Bool,
                    "Whether a rotation may revoke the token and make it again where the server \
                     cannot replace a secret in place. All grants, the comment and the expiry are \
                     restored; between the two nothing works. False unless set.",
                ),
            ),
            (
                "revoke_on_destroy",
                defaulted(
                    Bool,
                    "Whether destroying this resource revokes the token. True unless set; with \
                     false the token stays on the server and goes on working.",
                ),
            ),
            (
                "allow_self_lockout",
                defaulted(
                    Bool,
                    "Whether the token that the provider itself works with may be revoked, \
                     narrowed, or given an end within a day or another secret by this resource. False unless \
                     set. It must be in the state before a destroy: apply it first.",
                ),
            ),
            (
                "verify_secret",
                defaulted(
                    Bool,
                    "Whether each refresh proves that the stored secret still logs in, with a \
                     request of its own, and warns if it does not. False unless set.",
                ),
            ),
            timeouts::attribute(&OPERATIONS),
            (
                "token_id",
                computed(
                    String,
                    "The id to log in with: `user@realm!token_name`, or with `-b` behind it after \
                     every second rotation with `overlap`.",
                ),
            ),
            (
                "secret",
                sensitive(computed(
                    String,
                    "The token's secret. Proxmox VE shows it only once, at creation or rotation: \
                     null after an import.",
                )),
            ),
            (
                "api_token",
                sensitive(computed(
                    String,
                    "`token_id` and `secret` in one string, `user@realm!token_name=secret`, as \
                     other providers and tools take it. Null after an import.",
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
            (
                "rotated_at",
                computed(
                    String,
                    "When the secret was last replaced, on the server's clock (RFC 3339); null \
                     before the first rotation.",
                ),
            ),
            (
                "rotation_method",
                computed(
                    String,
                    "How the secret was last replaced: `regenerate` (in place), `alternate` (by a \
                     token under the other name) or `recreate` (revoked and made again); null \
                     before the first rotation.",
                ),
            ),
            (
                "previous_token_id",
                computed(
                    String,
                    "The token that was replaced by a rotation with `overlap`, while it is there.",
                ),
            ),
            (
                "previous_expires_at",
                computed(
                    String,
                    "When the previous token stops working, in UTC (RFC 3339).",
                ),
            ),
        ],
    )
}

/// What can have a time limit.
const OPERATIONS: [&str; 4] = ["create", "read", "update", "delete"];
