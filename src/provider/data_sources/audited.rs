//! The facts that an audit returns about a token, as attributes of `proxmox_api_token` and of each
//! element of `proxmox_api_tokens`.

use serde::{Deserialize, Serialize};
use tf_provider::schema::{Attribute, AttributeType};
use tf_provider::value::Value;

use crate::framework::schema;
use crate::provider::api_token::audit_findings::{findings, is_past};
use crate::provider::attributes::timestamp;
use crate::pve::{AuditedToken, Expiry, Timestamp};

/// The facts about a token.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TokenFacts {
    pub token_id: Value<String>,
    pub user_id: Value<String>,
    pub token_name: Value<String>,
    pub comment: Value<String>,
    pub privilege_separation: Value<bool>,
    pub expires_at: Value<String>,
    pub expired: Value<bool>,
    pub never_expires: Value<bool>,
    pub effective_expires_at: Value<String>,
    pub owner_enabled: Value<bool>,
    pub owner_expires_at: Value<String>,
    pub last_task_seen_at: Value<String>,
    pub root_equivalent_by: Value<String>,
    pub findings: Value<Vec<String>>,
}

/// The attributes for [`TokenFacts`], except for `token_id`.
pub fn attributes() -> [(&'static str, Attribute); 13] {
    use AttributeType::{Bool, String};
    use schema::computed;

    [
        (
            "user_id",
            computed(String, "ID of the owner, with the realm."),
        ),
        (
            "token_name",
            computed(String, "Name of the token, unique for its owner."),
        ),
        (
            "comment",
            computed(String, "Comment. Null if there is none."),
        ),
        (
            "privilege_separation",
            computed(
                Bool,
                "Whether the token has its own privileges instead of all privileges of its owner.",
            ),
        ),
        (
            "expires_at",
            computed(
                String,
                "Expiry date of the token (RFC 3339, UTC). Null if it never expires.",
            ),
        ),
        (
            "expired",
            computed(
                Bool,
                "Whether the token or its owner has expired, by the server's clock.",
            ),
        ),
        (
            "never_expires",
            computed(
                Bool,
                "Whether neither the token nor its owner ever expires.",
            ),
        ),
        (
            "effective_expires_at",
            computed(
                String,
                "Expiry date of the token or of its owner, whichever is earlier. Null if neither \
                 expires.",
            ),
        ),
        (
            "owner_enabled",
            computed(
                Bool,
                "Whether the owner is enabled. The server rejects the tokens of a disabled owner.",
            ),
        ),
        (
            "owner_expires_at",
            computed(
                String,
                "Expiry date of the owner. Null if the owner never expires.",
            ),
        ),
        (
            "last_task_seen_at",
            computed(
                String,
                "Start time of the token's latest task among the recent tasks of the cluster. Null \
                 if there is none, or if tasks are not visible (`tasks_visible`). Null does not \
                 show that the token is unused, because Proxmox VE does not record reads. For \
                 older tasks, use `proxmox_token_activity`.",
            ),
        ),
        (
            "root_equivalent_by",
            computed(
                String,
                "Why the token is equivalent to `root@pam`. Null if it is not known to be.",
            ),
        ),
        ("findings", computed(schema::list_of_strings(), FINDINGS)),
    ]
}

const FINDINGS: &str = "Audit findings, in this order:\n\n\
    - `expired`: the token, or its owner, has expired, and the token still exists.\n\
    - `never_expires`: neither the token nor its owner has an expiry date.\n\
    - `root_equivalent`: the token can obtain all privileges of `root@pam`. It has all of them; or \
    `Permissions.Modify` on `/`, `/access` or `/access/groups`; or `User.Modify` on \
    `/access/groups`, which gives access to the tokens of `root@pam`; or one of these two on a \
    group with a member that is itself equivalent to `root@pam`. A token with privilege separation \
    has only the privileges that were granted to both the token and its owner. It does not matter \
    whether the owner or the token is disabled or expired. Means outside of the API, such as \
    `Sys.Modify` on a node's operating system, are not considered. If the access control list is \
    not complete (`complete`), only tokens of `root@pam` without privilege separation are found.\n\
    - `owner_disabled`: the owner is disabled. The token works again once the owner is enabled.\n\
    - `leftover_ephemeral`: the name is that of an ephemeral token (`tf-ephemeral-…`), and the \
    token has expired or has no expiry date: the run that created it could not revoke it.";

impl TokenFacts {
    /// The facts that an audit returns about a token.
    pub fn of(token: &AuditedToken<'_>, now: Timestamp) -> Self {
        let effective = token.effective_expire();
        Self {
            token_id: token.id.clone().into(),
            user_id: token.owner.user_id.to_string().into(),
            token_name: token.name.to_owned().into(),
            comment: token.info.comment.clone().into(),
            privilege_separation: token.info.privilege_separation.into(),
            expires_at: timestamp::attribute(token.info.expire),
            expired: is_past(effective, now).into(),
            never_expires: (effective == Expiry::Never).into(),
            effective_expires_at: timestamp::attribute(effective),
            owner_enabled: token.owner.enabled.into(),
            owner_expires_at: timestamp::attribute(token.owner.expire),
            last_task_seen_at: timestamp::attribute(token.last_task),
            root_equivalent_by: token.root_equivalent.map(str::to_owned).into(),
            findings: Value::Value(
                findings(token, now)
                    .into_iter()
                    .map(str::to_owned)
                    .collect(),
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use time::OffsetDateTime;

    use super::*;
    use crate::pve::{Owner, TokenInfo};

    const NOW: i64 = 1_800_000_000;

    struct Case {
        name: &'static str,
        expire: Option<i64>,
        owner_expire: Option<i64>,
        owner_enabled: bool,
        root_equivalent: Option<&'static str>,
    }

    /// A token about which there is nothing to ask.
    const GOOD: Case = Case {
        name: "ci",
        expire: Some(NOW + 60),
        owner_expire: None,
        owner_enabled: true,
        root_equivalent: None,
    };

    fn facts(given: Case) -> TokenFacts {
        let info = TokenInfo {
            expire: given.expire.map(Timestamp::from_unix).into(),
            ..TokenInfo::default()
        };
        let owner = Owner {
            user_id: "demo@pve".parse().unwrap(),
            details_known: true,
            second_factor_locked: false,
            enabled: given.owner_enabled,
            expire: given.owner_expire.map(Timestamp::from_unix).into(),
            groups: Vec::new(),
            comment: None,
            tokens: [(given.name.to_owned(), info.clone())].into(),
            observed_at: OffsetDateTime::UNIX_EPOCH,
        };
        let token = AuditedToken {
            id: format!("demo@pve!{}", given.name),
            name: given.name,
            info: &info,
            owner: &owner,
            root_equivalent: given.root_equivalent,
            last_task: None,
        };
        TokenFacts::of(&token, Timestamp::from_unix(NOW))
    }

    fn found(given: Case) -> Vec<String> {
        facts(given).findings.as_ref_option().unwrap().clone()
    }

    #[test]
    fn a_token_that_will_end_is_nothing_to_ask_about() {
        assert!(found(GOOD).is_empty());
    }

    #[test]
    fn a_token_ends_with_its_owner_if_that_is_earlier() {
        let ends = |expire, owner_expire| {
            let facts = facts(Case {
                expire,
                owner_expire,
                ..GOOD
            });
            (facts.effective_expires_at, facts.findings)
        };
        let at = |seconds| timestamp::attribute(Timestamp::from_unix(seconds));
        let (none, expired) = (
            Value::Value(Vec::new()),
            Value::Value(vec!["expired".to_owned()]),
        );
        assert_eq!(
            ends(Some(NOW + 60), Some(NOW + 30)),
            (at(NOW + 30), none.clone())
        );
        assert_eq!(ends(None, Some(NOW + 30)), (at(NOW + 30), none.clone()));
        assert_eq!(
            ends(Some(NOW + 60), Some(NOW - 1)),
            (at(NOW - 1), expired.clone())
        );
        assert_eq!(ends(Some(NOW - 1), None), (at(NOW - 1), expired));
        assert_eq!(ends(Some(NOW), None), (at(NOW), none));
    }

    #[test]
    fn a_token_that_nothing_ends_is_found() {
        let endless = Case {
            expire: None,
            ..GOOD
        };
        assert_eq!(found(endless), ["never_expires"]);
    }

    #[test]
    fn several_findings_come_in_the_documented_order() {
        let given = Case {
            name: "tf-ephemeral-0f3c",
            expire: Some(NOW - 1),
            owner_enabled: false,
            root_equivalent: Some("the token has User.Modify on /access/groups"),
            ..GOOD
        };
        assert_eq!(
            found(given),
            [
                "expired",
                "root_equivalent",
                "owner_disabled",
                "leftover_ephemeral"
            ]
        );
    }

    #[test]
    fn an_ephemeral_token_in_use_is_no_leftover_and_one_without_end_is() {
        let named = |expire| Case {
            name: "tf-ephemeral-0f3c",
            expire,
            ..GOOD
        };
        assert!(found(named(Some(NOW + 60))).is_empty());
        assert_eq!(found(named(None)), ["never_expires", "leftover_ephemeral"]);
    }
}
