//! The schema of `proxmox_api_token`.

use tf_provider::schema::{Attribute, AttributeType, Schema};

use crate::framework::schema;
use crate::provider::attributes::timeouts;
use crate::provider::clients::cluster_attribute;

/// The schema of `proxmox_api_token`.
pub fn schema() -> Schema {
    use AttributeType::{Bool, String};
    use schema::{computed, defaulted, optional, required, sensitive};

    schema::schema(
        "An API token of Proxmox VE: created with its own entries in the access control list, \
         updated in place without touching its secret, rotated, and revoked on destroy.\n\n\
         A user with two-factor authentication cannot log in unattended with its password alone; \
         an API token can. With privilege separation, which is the default here as in Proxmox VE, \
         a token has no privileges until `acl` grants it some, and never more than its owner. The \
         secret is stored in the state: protect the state.",
        [
            cluster_attribute(
                "Key of the provider's `clusters` on which the token is created. Defaults to the \
                 provider's own connection. Changing this forces a new token to be created.",
            ),
            (
                "id",
                computed(
                    String,
                    "Id of the resource, which stays the same for its life: \
                     `user@realm!token_name`. Do not combine it with `secret`: after a rotation \
                     with `overlap`, the secret belongs to `token_id`.",
                ),
            ),
            (
                "user_id",
                required(
                    String,
                    "Owner of the token, with realm, such as `automation@pve`. The user must \
                     exist. Changing this forces a new token to be created.",
                ),
            ),
            (
                "token_name",
                required(
                    String,
                    "Name of the token, unique for its owner: two or more characters, the first a \
                     letter, then letters, digits, `.`, `_` and `-`. Changing this forces a new \
                     token to be created.",
                ),
            ),
            (
                "comment",
                optional(
                    String,
                    "Comment that Proxmox VE shows beside the token. Can be updated in place.",
                ),
            ),
            (
                "privilege_separation",
                defaulted(
                    Bool,
                    "Whether the token has only the privileges that `acl` grants it, rather than \
                     all privileges of its owner. Defaults to `true`. Can be updated in place.",
                ),
            ),
            (
                "expiration_date",
                optional(
                    String,
                    "Date and time at which the token stops working, in RFC 3339 with an offset, \
                     such as `2027-12-31T00:00:00Z`. Conflicts with `expires_in`. Without either, \
                     the token never expires. Can be updated in place.",
                ),
            ),
            (
                "expires_in",
                optional(
                    String,
                    "Lifetime of the token, such as `30m`, `48h` or `90d` (units `s`, `m`, `h`, \
                     `d` and `w`; a day is 24 hours), counted on the server's clock from its creation or its latest rotation. \
                     Conflicts with `expiration_date`. Can be updated in place.",
                ),
            ),
            (
                "acl",
                acl_attribute(
                    "Entries of the token in the access control list. Only the entries declared \
                     here are added and removed, unless `acl_exclusive` is `true`; without this \
                     attribute the list is not read. Removing the attribute leaves the entries on \
                     the server; `acl = []` removes them. Requires `privilege_separation`. A token \
                     never has more privileges than its owner. Can be updated in place.",
                ),
            ),
            (
                "acl_exclusive",
                defaulted(
                    Bool,
                    "Whether entries of the token that `acl` does not declare are drift and are \
                     removed. Requires `acl`. The provider's credential needs `Sys.Audit` on \
                     `/access`: nothing is removed from a list that is only partly visible. \
                     Defaults to `false`. Can be updated in place.",
                ),
            ),
            (
                "rotate_when_changed",
                optional(
                    schema::map_of_strings(),
                    "Arbitrary values that trigger a rotation: the token gets a new secret when \
                     this map changes, also when it is set for the first time, for instance after \
                     an import.",
                ),
            ),
            (
                "rotation",
                optional(
                    schema::nested([
                        (
                            "every",
                            optional(String, "Age at which the secret is rotated, such as `30d`."),
                        ),
                        (
                            "before_expiry",
                            optional(
                                String,
                                "Time before its expiry at which the secret is rotated, such as \
                                 `14d`. Requires `expires_in`, and must be shorter.",
                            ),
                        ),
                        (
                            "overlap",
                            optional(
                                String,
                                "Time for which the old secret keeps working after a rotation, such \
                                 as `48h`. The new secret belongs to a second token with the same \
                                 settings and grants: its name alternates between `token_name` and \
                                 `token_name-b`, so take `token_id` and `secret` (or `api_token`) \
                                 together. The rotation gives the old token its expiry, and a later \
                                 apply removes it. Without this attribute the old secret stops \
                                 working at once.",
                            ),
                        ),
                    ]),
                    "Scheduled rotation of the secret. The plan decides whether it is due, by the \
                     server's clock at the latest refresh, so that a scheduled apply rotates in \
                     time. A server before libpve-access-control 9.1 cannot replace a secret in \
                     place: set `overlap` or `allow_recreate` there. For a leaked secret, run \
                     `terraform apply -replace`, which revokes the token and its predecessor at \
                     once.",
                ),
            ),
            (
                "allow_recreate",
                defaulted(
                    Bool,
                    "Whether a rotation may revoke the token and create it again where the server \
                     cannot replace a secret in place. All grants, the comment and the expiry are \
                     restored; in between, no secret works. Defaults to `false`.",
                ),
            ),
            (
                "revoke_on_destroy",
                defaulted(
                    Bool,
                    "Whether destroying this resource revokes the token. Defaults to `true`. With \
                     `false` the token stays on the server and keeps working.",
                ),
            ),
            (
                "allow_self_lockout",
                defaulted(
                    Bool,
                    "Whether this resource may revoke the token with which the provider itself logs \
                     in, remove privileges from it, replace its secret without overlap, or let it \
                     expire within a day. Defaults to `false`. Before a destroy, apply this setting.",
                ),
            ),
            (
                "verify_secret",
                defaulted(
                    Bool,
                    "Whether each refresh logs in with the stored secret, in one more request, and \
                     warns if the server refuses it. Defaults to `false`.",
                ),
            ),
            timeouts::attribute(&OPERATIONS),
            (
                "token_id",
                computed(
                    String,
                    "Id of the token in use, to which `secret` belongs: `user@realm!token_name`, \
                     with `-b` appended after every second rotation with `overlap`.",
                ),
            ),
            (
                "secret",
                sensitive(computed(
                    String,
                    "Secret of the token. Proxmox VE shows it only at creation and rotation, so it \
                     is null after an import.",
                )),
            ),
            (
                "api_token",
                sensitive(computed(
                    String,
                    "`token_id` and `secret` as one string, `user@realm!token_name=secret`, in the \
                     form that other providers and tools expect. Null after an import.",
                )),
            ),
            (
                "expires_at",
                computed(
                    String,
                    "Time at which the token stops working, in UTC (RFC 3339). Null if it never \
                     expires.",
                ),
            ),
            (
                "effective_expires_at",
                computed(
                    String,
                    "Time at which the token stops working because it or its owner expires, \
                     whichever is first, in UTC (RFC 3339). Null if neither expires. Equal to \
                     `expires_at` where the provider's credential cannot read the owner.",
                ),
            ),
            (
                "created_at",
                computed(
                    String,
                    "Time at which this resource created the token, on the server's clock \
                     (RFC 3339). Null after an import.",
                ),
            ),
            (
                "rotated_at",
                computed(
                    String,
                    "Time of the latest rotation, on the server's clock (RFC 3339). Null before the \
                     first rotation.",
                ),
            ),
            (
                "rotation_method",
                computed(
                    String,
                    "Method of the latest rotation: `regenerate` (in place), `alternate` (by a \
                     token with the second name) or `recreate` (revoked and created again). Null \
                     before the first rotation.",
                ),
            ),
            (
                "previous_token_id",
                computed(
                    String,
                    "Id of the token that the latest rotation with `overlap` replaced, while it \
                     exists.",
                ),
            ),
            (
                "previous_expires_at",
                computed(
                    String,
                    "Time at which the previous token stops working, in UTC (RFC 3339).",
                ),
            ),
        ],
    )
}

/// The attribute `acl`.
pub fn acl_attribute(description: &str) -> Attribute {
    use AttributeType::{Bool, String};
    use schema::{optional, required};

    let entry = [
        (
            "path",
            required(
                String,
                "Path in the access control tree, such as `/vms` or `/storage/local`.",
            ),
        ),
        (
            "role",
            required(String, "Role granted at the path, such as `PVEVMAdmin`."),
        ),
        (
            "propagate",
            optional(
                Bool,
                "Whether deeper paths inherit the role. Defaults to `true`.",
            ),
        ),
    ];
    optional(schema::nested_set(entry), description)
}

/// The operations with a time limit.
const OPERATIONS: [&str; 4] = ["create", "read", "update", "delete"];
