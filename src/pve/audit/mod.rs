//! An audit of all API tokens, and whether it is complete.
//!
//! Any user may list users, tokens, entries and tasks. The server silently leaves out what the
//! caller may not see. [`Audit`] therefore also reads the privileges of the caller, and names those
//! that a complete result needs. The number of requests does not depend on the number of tokens:
//! all users with their tokens, the access control list, the roles, the recent tasks, and the
//! requests that show whether these are complete.

mod activity;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use activity::Activity;
use time::OffsetDateTime;

use crate::pve::api::access::{Owner, Role};
use crate::pve::api::acl::{AclEntry, AclView};
use crate::pve::api::nodes::Quorum;
use crate::pve::api::tasks::Task;
use crate::pve::api::tokens::TokenInfo;
use crate::pve::client::Client;
use crate::pve::context::Context;
use crate::pve::error::Error;
use crate::pve::id::{TokenId, UserId};
use crate::pve::permissions::entry::{Token, User};
use crate::pve::permissions::inheritance::Permissions;
use crate::pve::permissions::privileges::Rights;
use crate::pve::permissions::roles::Roles;
use crate::pve::permissions::root::RootEquivalents;
use crate::pve::timestamp::{Expiry, Timestamp};

const AUDIT: &str = "Sys.Audit";
const USERS: &str = "/access/groups";
const GRANTS: &str = "/access";

/// All tokens that the caller may see.
#[derive(Debug)]
pub struct Audit {
    owners: Vec<Owner>,
    acl: Arc<AclView>,
    /// Why tokens are root-equivalent, by id.
    root_equivalent: BTreeMap<String, String>,
    /// The start of the latest task of each token, by id.
    last_tasks: BTreeMap<String, Timestamp>,
    visible: Visible,
    /// Whether the node that responded has quorum. An isolated node may return outdated lists.
    pub quorum: Quorum,
    /// The time of the audit, by the clock of the server.
    pub observed_at: OffsetDateTime,
}

/// The lists that the server returns unfiltered to the caller.
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

/// A token of an audit.
#[derive(Debug)]
pub struct AuditedToken<'a> {
    /// The full id of the token.
    pub id: String,
    /// The name of the token.
    pub name: &'a str,
    /// The settings of the token.
    pub info: &'a TokenInfo,
    /// The owner of the token.
    pub owner: &'a Owner,
    /// Why the token is root-equivalent, if it is known to be.
    pub root_equivalent: Option<&'a str>,
    /// The start of its latest known task.
    pub last_task: Option<Timestamp>,
}

impl AuditedToken<'_> {
    /// The time at which the token stops working: its own expiry or that of its owner, whichever is
    /// earlier.
    pub fn effective_expire(&self) -> Expiry {
        self.info.expire.min(self.owner.expire)
    }
}

impl Audit {
    /// Reads users, roles and tasks. The caller provides the access control list, which it may
    /// already have.
    ///
    /// # Errors
    /// Any [`Error`] of a read. An incomplete list is not an error.
    pub(in crate::pve) async fn fetch(
        client: &Client,
        acl: impl Future<Output = Result<Arc<AclView>, Error>>,
        context: &Context,
    ) -> Result<Self, Error> {
        let (users, acl, roles, own, tasks, quorum) = tokio::try_join!(
            client.users_full(context),
            acl,
            client.roles(context),
            client.own_permissions(context),
            client.cluster_tasks(context),
            client.quorum(context),
        )?;
        Ok(Self {
            root_equivalent: root_equivalent(&users.owners, &acl, roles),
            last_tasks: latest(tasks),
            visible: Visible::new(&own, &acl),
            quorum,
            observed_at: users.observed_at,
            owners: users.owners,
            acl,
        })
    }

    /// All visible tokens, by owner and name.
    pub fn tokens(&self) -> impl Iterator<Item = AuditedToken<'_>> {
        self.owners.iter().flat_map(|owner| {
            let tokens = owner.tokens.iter();
            tokens.map(|(name, info)| self.audited(owner, name, info))
        })
    }

    /// Whether there is a user of this id, among those that are visible.
    pub fn has_user(&self, user: &UserId) -> bool {
        self.owners.iter().any(|owner| owner.user_id == *user)
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

    /// The access control list, and whether it is complete.
    pub fn acl(&self) -> &AclView {
        &self.acl
    }

    /// Whether users and entries are complete, so that what the audit lacks does not exist.
    pub fn is_complete(&self) -> bool {
        self.visible.users && self.visible.grants && self.quorum.is_believed()
    }

    /// Whether the recent tasks of all tokens are visible.
    pub fn shows_tasks(&self) -> bool {
        self.visible.tasks
    }

    /// The privileges, by path, that the caller lacks for a complete list of users and entries, and
    /// to know that it is not outdated.
    pub fn missing_privileges(&self) -> BTreeMap<String, Vec<String>> {
        let needed = [
            (GRANTS, self.visible.grants),
            (USERS, self.visible.users),
            ("/", self.quorum != Quorum::Doubtful),
        ];
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

/// Why tokens are root-equivalent, by id, judged by the visible part of the access control list.
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
