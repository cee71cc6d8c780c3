//! What an audit tells of one token, as attributes: for `proxmox_api_token` and each element of
//! `proxmox_api_tokens`.

use serde::{Deserialize, Serialize};
use tf_provider::schema::{Attribute, AttributeType};
use tf_provider::value::Value;
use time::OffsetDateTime;

use crate::framework::schema;
use crate::provider::api_token::ephemeral_name::is_ephemeral;
use crate::provider::attributes::timestamp;
use crate::pve::AuditedToken;

/// The facts of one token.
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

/// The attributes for [`TokenFacts`], but for `token_id`.
pub fn attributes() -> [(&'static str, Attribute); 13] {
    use AttributeType::{Bool, String};
    use schema::computed;

    [
        (
            "user_id",
            computed(String, "Owner of the token, with realm."),
        ),
        (
            "token_name",
            computed(String, "Name of the token among its owner's."),
        ),
        (
            "comment",
            computed(String, "The comment; null when there is none."),
        ),
        (
            "privilege_separation",
            computed(
                Bool,
                "Whether the token has privileges of its own rather than all of its owner's.",
            ),
        ),
        (
            "expires_at",
            computed(
                String,
                "When the token itself expires, in UTC (RFC 3339); null for never.",
            ),
        ),
        (
            "expired",
            computed(
                Bool,
                "Whether the token has stopped working by its own end or its owner's, on the \
                 server's clock.",
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
                "When the token stops working: the earlier of its own end and its owner's; null \
                 for never.",
            ),
        ),
        (
            "owner_enabled",
            computed(
                Bool,
                "Whether the owner is enabled; a disabled owner's tokens are refused.",
            ),
        ),
        (
            "owner_expires_at",
            computed(String, "When the owner expires; null for never."),
        ),
        (
            "last_task_seen_at",
            computed(
                String,
                "When the token's latest task began, of the recent tasks of the cluster. Null \
                 when none of them is its own or when they are not shown (`tasks_visible`): it \
                 never shows that a token is unused, since reads leave no trace. \
                 `proxmox_token_activity` looks further back.",
            ),
        ),
        (
            "root_equivalent_by",
            computed(
                String,
                "What makes the token as good as `root@pam`, in words; null when nothing is \
                 known to.",
            ),
        ),
        ("findings", computed(schema::list_of_strings(), FINDINGS)),
    ]
}

const FINDINGS: &str = "What an auditor would ask about, in this order:\n\n\
    - `expired`: it has stopped working and is still there.\n\
    - `never_expires`: nothing ends it.\n\
    - `root_equivalent`: it can come by everything that `root@pam` may do. It has all the \
    privileges of `root@pam`; or `Permissions.Modify` on `/`, `/access` or `/access/groups`; or \
    `User.Modify` on `/access/groups`, which reaches the tokens of `root@pam`; or one of the two on \
    a group with a member of whom this is true. A token with privilege separation has what it and \
    its owner have both been granted. Whether owner or token are disabled or expired does not \
    count, and neither do ways that lead out of the API, such as what a node's system makes of \
    `Sys.Modify`. Without the whole access control list (`complete`) only tokens of `root@pam` \
    without privilege separation are found.\n\
    - `owner_disabled`: its owner is disabled, and it comes back to life with its owner.\n\
    - `leftover_ephemeral`: it is named like an ephemeral token (`tf-ephemeral-…`), and its end has \
    passed or it has none: the run it was for could not revoke it.";

impl TokenFacts {
    /// What an audit tells of a token.
    pub fn of(token: &AuditedToken<'_>, now: OffsetDateTime) -> Self {
        let effective = token.effective_expire();
        Self {
            token_id: token.id.clone().into(),
            user_id: token.owner.user_id.to_string().into(),
            token_name: token.name.to_owned().into(),
            comment: token.info.comment.clone().into(),
            privilege_separation: token.info.privilege_separation.into(),
            expires_at: timestamp::attribute(token.info.expire),
            expired: is_past(effective, now).into(),
            never_expires: effective.is_none().into(),
            effective_expires_at: timestamp::attribute(effective),
            owner_enabled: token.owner.enabled.into(),
            owner_expires_at: timestamp::attribute(token.owner.expire),
            last_task_seen_at: timestamp::attribute(token.last_task),
            root_equivalent_by: token.root_equivalent.map(str::to_owned).into(),
            findings: Value::Value(findings(token, now)),
        }
    }
}

fn findings(token: &AuditedToken<'_>, now: OffsetDateTime) -> Vec<String> {
    let end = token.info.expire;
    let outlived = end.is_none() || is_past(end, now);
    let findings = [
        ("expired", is_past(token.effective_expire(), now)),
        ("never_expires", token.effective_expire().is_none()),
        ("root_equivalent", token.root_equivalent.is_some()),
        ("owner_disabled", !token.owner.enabled),
        ("leftover_ephemeral", is_ephemeral(token.name) && outlived),
    ];
    findings
        .into_iter()
        .filter(|(_, found)| *found)
        .map(|(name, _)| name.to_owned())
        .collect()
}

/// As the server has it: something works in the second of its end, and no longer.
fn is_past(end: Option<i64>, now: OffsetDateTime) -> bool {
    end.is_some_and(|end| end < now.unix_timestamp())
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
        let now = OffsetDateTime::from_unix_timestamp(NOW).unwrap();
        let info = TokenInfo {
            expire: given.expire,
            ..TokenInfo::default()
        };
        let owner = Owner {
            user_id: "demo@pve".parse().unwrap(),
            details_known: true,
            enabled: given.owner_enabled,
            expire: given.owner_expire,
            groups: Vec::new(),
            comment: None,
            tokens: [(given.name.to_owned(), info.clone())].into(),
            observed_at: now,
        };
        let token = AuditedToken {
            id: format!("demo@pve!{}", given.name),
            name: given.name,
            info: &info,
            owner: &owner,
            root_equivalent: given.root_equivalent,
            last_task: None,
        };
        TokenFacts::of(&token, now)
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
        let at = |seconds| timestamp::attribute(Some(seconds));
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
