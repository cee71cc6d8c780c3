//! Who is as good as `root@pam`: whoever can come by all of its privileges through the API.
//!
//! It is worked out from the access control list, the roles and the groups, and is this:
//!
//! * `Permissions.Modify` on `/` may grant everything to anyone, and on `/access` or
//!   `/access/groups` what comes next;
//! * `User.Modify` on `/access/groups` reaches every user, `root@pam` included, and may mint
//!   tokens for it (recording `093-token-create-by-root-privsep-token-acl-for-root`);
//! * either of them on a group of somebody who is as good as root reaches that user.
//!
//! Ways that lead out of the API are not counted, such as what the system of a node makes of
//! `Sys.Modify`.

use std::collections::{BTreeMap, BTreeSet};

use super::super::{Owner, TokenInfo, UserId};
use super::rights::{Rights, is_root};

const WAYS: [(&str, &str); 4] = [
    ("Permissions.Modify", "/"),
    ("Permissions.Modify", "/access"),
    ("Permissions.Modify", "/access/groups"),
    ("User.Modify", "/access/groups"),
];

const WAYS_OVER_A_GROUP: [&str; 2] = ["User.Modify", "Permissions.Modify"];

/// Those who are as good as root, each with the reason.
pub(super) struct Roots {
    users: BTreeMap<UserId, String>,
    /// The groups of at least one of them.
    groups: BTreeSet<String>,
}

impl Roots {
    /// Nobody but root itself: all that can be said without the whole access control list.
    pub(super) fn root_alone() -> Self {
        Self {
            users: BTreeMap::new(),
            groups: BTreeSet::new(),
        }
    }

    /// Everybody who can come by the privileges of root, over others where need be.
    pub(super) fn among(owners: &[Owner], rights: &Rights<'_>) -> Self {
        let mut roots = Self::root_alone();
        loop {
            let new: Vec<(&Owner, String)> = owners
                .iter()
                .filter(|owner| !roots.users.contains_key(&owner.user_id))
                .filter_map(|owner| Some((owner, roots.way_of_user(owner, rights)?)))
                .collect();
            if new.is_empty() {
                return roots;
            }
            for (owner, way) in new {
                roots.groups.extend(owner.groups.iter().cloned());
                roots.users.insert(owner.user_id.clone(), way);
            }
        }
    }

    fn way_of_user(&self, owner: &Owner, rights: &Rights<'_>) -> Option<String> {
        if is_root(&owner.user_id) {
            return Some(format!("{} may do everything", owner.user_id));
        }
        let user = &owner.user_id;
        self.way(|path, privilege| rights.of_user(owner, path, privilege))
            .map(|way| format!("{user} has {way}"))
    }

    /// Why a token is as good as root, if it is.
    pub(super) fn way_of_token(
        &self,
        owner: &Owner,
        token: &str,
        info: &TokenInfo,
        rights: Option<&Rights<'_>>,
    ) -> Option<String> {
        if !info.privilege_separation {
            let known = self.users.get(&owner.user_id).cloned();
            let root =
                || is_root(&owner.user_id).then(|| format!("{} may do everything", owner.user_id));
            return known
                .or_else(root)
                .map(|way| format!("privilege separation is off, and {way}"));
        }
        let rights = rights?;
        self.way(|path, privilege| rights.of_separated_token(owner, token, path, privilege))
            .map(|way| format!("it has {way}"))
    }

    fn way(&self, has: impl Fn(&str, &str) -> bool) -> Option<String> {
        let direct = WAYS
            .into_iter()
            .find(|(privilege, path)| has(path, privilege));
        if let Some((privilege, path)) = direct {
            return Some(format!("{privilege} on {path}"));
        }
        self.groups.iter().find_map(|group| {
            let path = format!("/access/groups/{group}");
            let privilege = WAYS_OVER_A_GROUP
                .into_iter()
                .find(|privilege| has(&path, privilege))?;
            Some(format!(
                "{privilege} on {path}, a group of somebody who is as good as root"
            ))
        })
    }
}
