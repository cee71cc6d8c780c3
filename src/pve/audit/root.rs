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

use crate::pve::api::access::{Owner, Role};
use crate::pve::api::acl::AclView;
use crate::pve::api::tokens::TokenInfo;
use crate::pve::audit::full_id;
use crate::pve::audit::rights::{Rights, is_root};
use crate::pve::id::UserId;

const WAYS: [(&str, &str); 4] = [
    ("Permissions.Modify", "/"),
    ("Permissions.Modify", "/access"),
    ("Permissions.Modify", "/access/groups"),
    ("User.Modify", "/access/groups"),
];

const WAYS_OVER_A_GROUP: [&str; 2] = ["User.Modify", "Permissions.Modify"];

/// Why tokens are as good as root, by id: what can be said of the part of the access control list
/// that is known.
pub(crate) fn roots(owners: &[Owner], acl: &AclView, roles: &[Role]) -> BTreeMap<String, String> {
    let rights = acl.complete.then(|| Rights::new(&acl.entries, roles));
    let roots = rights
        .as_ref()
        .map_or_else(Roots::root_alone, |rights| Roots::among(owners, rights));
    let mut found = BTreeMap::new();
    for owner in owners {
        for (name, info) in &owner.tokens {
            let id = full_id(owner, name);
            if let Some(way) = roots.way_of_token(owner, &id, info, rights.as_ref()) {
                found.insert(id, way);
            }
        }
    }
    found
}

/// Those who are as good as root, each with the reason.
struct Roots {
    users: BTreeMap<UserId, String>,
    /// The groups of at least one of them.
    groups: BTreeSet<String>,
}

impl Roots {
    /// Nobody but root itself: all that can be said without the whole access control list.
    fn root_alone() -> Self {
        Self {
            users: BTreeMap::new(),
            groups: BTreeSet::new(),
        }
    }

    /// Everybody who can come by the privileges of root, over others where need be.
    fn among(owners: &[Owner], rights: &Rights<'_>) -> Self {
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
    fn way_of_token(
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

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::roots;
    use crate::pve::api::access::{Owner, Role};
    use crate::pve::api::acl::{AclEntry, AclView};
    use crate::pve::audit::tests::{entry, owner};

    fn roles() -> Vec<Role> {
        [
            (
                "Administrator",
                &["Permissions.Modify", "User.Modify", "VM.Audit"][..],
            ),
            ("PVEUserAdmin", &["User.Modify"]),
            ("PVEVMAdmin", &["VM.Audit", "VM.Allocate"]),
            ("NoAccess", &[]),
        ]
        .map(|(name, privileges)| Role {
            name: name.to_owned(),
            privileges: privileges.iter().map(|&name| name.to_owned()).collect(),
            special: true,
        })
        .into()
    }

    fn found(owners: &[Owner], entries: &[AclEntry], complete: bool) -> BTreeMap<String, String> {
        let acl = AclView {
            entries: entries.to_vec(),
            complete,
        };
        roots(owners, &acl, &roles())
    }

    fn ids(found: &BTreeMap<String, String>) -> BTreeSet<&str> {
        found.keys().map(String::as_str).collect()
    }

    #[test]
    fn a_token_of_root_is_root_only_without_privilege_separation() {
        let root = owner("root@pam", &[], &[("full", false), ("separate", true)]);
        let found = found(&[root], &[], true);
        assert_eq!(
            found["root@pam!full"],
            "privilege separation is off, and root@pam may do everything"
        );
        assert_eq!(found.len(), 1);
    }

    #[test]
    fn an_administrator_is_as_good_as_root_and_so_is_whoever_manages_users() {
        let owners = [
            owner("boss@pve", &[], &[("t1", false), ("t2", true)]),
            owner("hr@pve", &[], &[("t1", false)]),
            owner("vm@pve", &[], &[("t1", false)]),
        ];
        let acl = [
            entry("/", "boss@pve", "Administrator", true),
            entry("/access", "hr@pve", "PVEUserAdmin", true),
            entry("/vms", "vm@pve", "Administrator", true),
        ];
        let found = found(&owners, &acl, true);
        assert_eq!(ids(&found), ["boss@pve!t1", "hr@pve!t1"].into());
        assert!(found["boss@pve!t1"].ends_with("boss@pve has Permissions.Modify on /"));
        assert!(found["hr@pve!t1"].ends_with("hr@pve has User.Modify on /access/groups"));
    }

    #[test]
    fn a_separated_token_counts_by_its_own_grants() {
        let boss = owner("boss@pve", &[], &[("granted", true), ("plain", true)]);
        let acl = [
            entry("/", "boss@pve", "Administrator", true),
            entry("/access/groups", "boss@pve!granted", "PVEUserAdmin", false),
            entry("/vms", "boss@pve!plain", "PVEVMAdmin", true),
        ];
        let found = found(&[boss], &acl, true);
        assert_eq!(
            found["boss@pve!granted"],
            "it has User.Modify on /access/groups"
        );
        assert_eq!(found.len(), 1);
    }

    #[test]
    fn what_is_masked_further_down_is_not_held() {
        let hr = owner("hr@pve", &[], &[("t1", false)]);
        let acl = [
            entry("/", "hr@pve", "PVEUserAdmin", true),
            entry("/access/groups", "hr@pve", "NoAccess", true),
        ];
        assert!(found(&[hr], &acl, true).is_empty());
    }

    #[test]
    fn who_manages_somebody_as_good_as_root_is_so_too() {
        let owners = [
            owner("boss@pve", &["admins"], &[]),
            owner("helper@pve", &["helpers"], &[("t1", false)]),
            owner("far@pve", &[], &[("t1", false)]),
            owner("other@pve", &[], &[("t1", false)]),
        ];
        let acl = [
            entry("/", "@admins", "Administrator", true),
            entry("/access/groups/admins", "helper@pve", "PVEUserAdmin", true),
            entry("/access/groups/helpers", "far@pve", "PVEUserAdmin", true),
            entry("/access/groups/others", "other@pve", "PVEUserAdmin", true),
        ];
        let found = found(&owners, &acl, true);
        assert_eq!(ids(&found), ["helper@pve!t1", "far@pve!t1"].into());
        assert!(found["far@pve!t1"].contains("User.Modify on /access/groups/helpers"));
    }

    #[test]
    fn of_a_filtered_list_nothing_is_concluded_but_what_needs_no_list() {
        let owners = [
            owner("root@pam", &[], &[("full", false)]),
            owner("boss@pve", &[], &[("t1", false)]),
        ];
        let acl = [entry("/", "boss@pve", "Administrator", true)];
        assert_eq!(ids(&found(&owners, &acl, false)), ["root@pam!full"].into());
    }
}
