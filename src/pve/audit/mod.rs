//! All API tokens at once, as an auditor wants to see them, and how much of it was left out.
//!
//! The server answers everyone who asks for users, tokens, grants or tasks, leaves out what the
//! caller may not see, and does not say so. [`Audit`] therefore knows the caller's privileges,
//! too, and tells what is missing for a complete answer. However many tokens there are, it is a
//! handful of requests: one for all users with their tokens, one for the access control list, one
//! for the roles, one for the recent tasks, and those that show whether the answers are whole.

mod activity;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use activity::Activity;
use time::OffsetDateTime;

use crate::pve::api::access::{Owner, Role};
use crate::pve::api::acl::{AclEntry, AclView};
use crate::pve::api::nodes::majority_online;
use crate::pve::api::tasks::Task;
use crate::pve::api::tokens::TokenInfo;
use crate::pve::client::Client;
use crate::pve::context::Context;
use crate::pve::error::Error;
use crate::pve::id::TokenId;
use crate::pve::permissions::entry::{Token, User};
use crate::pve::permissions::inheritance::Permissions;
use crate::pve::permissions::privileges::Rights;
use crate::pve::permissions::roles::Roles;
use crate::pve::permissions::root::RootEquivalents;
use crate::pve::timestamp::{Expiry, Timestamp};

const AUDIT: &str = "Sys.Audit";
const USERS: &str = "/access/groups";
const GRANTS: &str = "/access";

/// What the server shows one caller of all tokens.
#[derive(Debug)]
pub struct Audit {
    owners: Vec<Owner>,
    acl: Arc<AclView>,
    /// Why tokens are root-equivalent, by id.
    root_equivalent: BTreeMap<String, String>,
    /// When the latest task of a token began, by id.
    last_tasks: BTreeMap<String, Timestamp>,
    visible: Visible,
    /// Whether the node that answered sees a majority of its cluster. An isolated one answers
    /// from the past.
    pub quorate: bool,
    /// When the server said so, on the server's clock.
    pub observed_at: OffsetDateTime,
}

/// What the server does not filter for the caller.
#[derive(Debug, Clone, Copy)]
struct Visible {
    users: bool,
    grants: bool,
    tasks: bool,
}

impl Visible {
    fn new(own: &Rights, acl: &AclView) -> Self {
        let has = |path: &str, privilege: &str| own.at(path).contains(privilege);
        Self {
            users: has(USERS, AUDIT) || has(USERS, "User.Modify"),
            grants: acl.complete,
            tasks: has("/", AUDIT),
        }
    }
}

/// One token among all.
#[derive(Debug)]
pub struct AuditedToken<'a> {
    /// Its full id.
    pub id: String,
    /// Its name.
    pub name: &'a str,
    /// What the server tells of it.
    pub info: &'a TokenInfo,
    /// Whose it is.
    pub owner: &'a Owner,
    /// Why it has the power of `root@pam`, if it is known to have it.
    pub root_equivalent: Option<&'a str>,
    /// When its latest known task began.
    pub last_task: Option<Timestamp>,
}

impl AuditedToken<'_> {
    /// When it stops working: its own expiry or its owner's, whichever is earlier.
    pub fn effective_expire(&self) -> Expiry {
        self.info.expire.min(self.owner.expire)
    }
}

impl Audit {
    /// Reads everything in one handful of requests. The access control list comes from the caller,
    /// who may have it already.
    ///
    /// # Errors
    /// Any [`Error`] of a read. What the caller may not see is no error: it is missing.
    pub(in crate::pve) async fn fetch(
        client: &Client,
        acl: impl Future<Output = Result<Arc<AclView>, Error>>,
        context: &Context,
    ) -> Result<Self, Error> {
        let (users, acl, roles, own, tasks, nodes) = tokio::try_join!(
            client.users_full(context),
            acl,
            client.roles(context),
            client.own_permissions(context),
            client.cluster_tasks(context),
            client.nodes(context),
        )?;
        Ok(Self {
            root_equivalent: root_equivalent(&users.owners, &acl, roles),
            last_tasks: latest(tasks),
            visible: Visible::new(&own, &acl),
            quorate: majority_online(&nodes),
            observed_at: users.observed_at,
            owners: users.owners,
            acl,
        })
    }

    /// All tokens that are visible, by owner and name.
    pub fn tokens(&self) -> impl Iterator<Item = AuditedToken<'_>> {
        self.owners.iter().flat_map(|owner| {
            let tokens = owner.tokens.iter();
            tokens.map(|(name, info)| self.audited(owner, name, info))
        })
    }

    /// One token, if it is visible.
    pub fn token(&self, token: &TokenId) -> Option<AuditedToken<'_>> {
        let owner = self
            .owners
            .iter()
            .find(|owner| owner.user_id == token.user)?;
        let (name, info) = owner.tokens.get_key_value(token.name.as_str())?;
        Some(self.audited(owner, name, info))
    }

    fn audited<'a>(
        &'a self,
        owner: &'a Owner,
        name: &'a str,
        info: &'a TokenInfo,
    ) -> AuditedToken<'a> {
        let id = full_id(owner, name);
        AuditedToken {
            name,
            info,
            owner,
            root_equivalent: self.root_equivalent.get(&id).map(String::as_str),
            last_task: self.last_tasks.get(&id).copied(),
            id,
        }
    }

    /// The access control list, and whether it is whole.
    pub fn acl(&self) -> &AclView {
        &self.acl
    }

    /// Whether neither a user nor a grant was left out, so that what is not here is not there.
    pub fn is_complete(&self) -> bool {
        self.visible.users && self.visible.grants && self.quorate
    }

    /// Whether the recent tasks of all tokens were shown.
    pub fn shows_tasks(&self) -> bool {
        self.visible.tasks
    }

    /// The privileges, by path, without which the server leaves users or grants out.
    pub fn missing_privileges(&self) -> BTreeMap<String, Vec<String>> {
        let needed = [(GRANTS, self.visible.grants), (USERS, self.visible.users)];
        needed
            .into_iter()
            .filter(|(_, visible)| !visible)
            .map(|(path, _)| (path.to_owned(), vec![AUDIT.to_owned()]))
            .collect()
    }
}

/// The id of one of a user's tokens.
fn full_id(owner: &Owner, name: &str) -> String {
    format!("{}!{name}", owner.user_id)
}

/// Why tokens are root-equivalent, by id, as far as the visible part of the access control list
/// shows.
fn root_equivalent(owners: &[Owner], acl: &AclView, roles: Vec<Role>) -> BTreeMap<String, String> {
    let roles: Roles = roles
        .into_iter()
        .map(|role| (role.name, role.privileges))
        .collect();
    let permissions = acl.complete.then(|| {
        let entries = acl.entries.iter().map(AclEntry::in_model);
        Permissions::new(entries.collect(), &roles)
    });
    let ids: Vec<String> = owners
        .iter()
        .map(|owner| owner.user_id.to_string())
        .collect();
    let users: Vec<User<'_>> = owners
        .iter()
        .zip(&ids)
        .map(|(owner, id)| User {
            id,
            groups: &owner.groups,
        })
        .collect();
    let equivalents = RootEquivalents::among(&users, permissions);
    let mut found = BTreeMap::new();
    for (owner, user) in owners.iter().zip(&users) {
        for (name, info) in &owner.tokens {
            let id = full_id(owner, name);
            let token = Token {
                id: &id,
                owner: *user,
                privilege_separation: info.privilege_separation,
            };
            if let Some(why) = equivalents.of_token(token) {
                found.insert(id, why.to_string());
            }
        }
    }
    found
}

fn latest(tasks: Vec<Task>) -> BTreeMap<String, Timestamp> {
    let mut latest = BTreeMap::new();
    for task in tasks {
        let known = latest.entry(task.asked_by).or_insert(task.started_at);
        *known = task.started_at.max(*known);
    }
    latest
}

#[cfg(test)]
mod tests {
    use super::latest;
    use crate::pve::api::tasks::Task;
    use crate::pve::timestamp::Timestamp;

    #[test]
    fn the_latest_of_several_tasks_counts() {
        let at = Timestamp::from_unix;
        let task = |started_at| Task {
            upid: String::new(),
            node: "pve1".to_owned(),
            kind: "qmstart".to_owned(),
            object: None,
            asked_by: "demo@pve!ci".to_owned(),
            started_at: at(started_at),
            ended_at: None,
            status: None,
        };
        let latest = latest(vec![task(5), task(9), task(7)]);
        assert_eq!(latest["demo@pve!ci"], at(9));
    }
}
