//! Root equivalence: users and tokens that can obtain every privilege of `root@pam` through the
//! API.
//!
//! * `Permissions.Modify` on `/` grants anything to anyone. On `/access` or `/access/groups` it
//!   grants the next one.
//! * `User.Modify` on `/access/groups` manages every user, `root@pam` included, and creates tokens
//!   for it (recording `093-token-create-by-root-privsep-token-acl-for-root`).
//! * Either of them on a group of a root-equivalent user manages that user.
//!
//! Ways that lead out of the API do not count, such as what the operating system of a node makes of
//! `Sys.Modify`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::pve::permissions::entry::{SUPERUSER, Token, User};
use crate::pve::permissions::inheritance::Permissions;

const SUFFICIENT: [(&str, &str); 4] = [
    ("Permissions.Modify", "/"),
    ("Permissions.Modify", "/access"),
    ("Permissions.Modify", "/access/groups"),
    ("User.Modify", "/access/groups"),
];

const SUFFICIENT_ON_A_GROUP: [&str; 2] = ["User.Modify", "Permissions.Modify"];

/// Why a user has the power of `root@pam`.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Way {
    /// It is `root@pam`.
    Superuser,
    /// It has a privilege that is sufficient by itself.
    Privilege(&'static str, &'static str),
    /// It has a privilege on a group with a root-equivalent member.
    Group(&'static str, String),
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Superuser => f.write_str("has every privilege"),
            Self::Privilege(privilege, path) => write!(f, "has {privilege} on {path}"),
            Self::Group(privilege, group) => write!(
                f,
                "has {privilege} on /access/groups/{group}, a group with a root-equivalent member"
            ),
        }
    }
}

/// Why a token has the power of `root@pam`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RootEquivalence {
    way: Way,
    /// The owner, if the token has its privileges for want of privilege separation.
    owner: Option<String>,
}

impl fmt::Display for RootEquivalence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let way = &self.way;
        match &self.owner {
            None => write!(f, "the token {way}"),
            Some(owner) => write!(
                f,
                "privilege separation is off, and the owner {owner} {way}"
            ),
        }
    }
}

/// The users with the power of `root@pam`.
#[derive(Debug, Default)]
pub struct RootEquivalents<'a> {
    /// `None` if the access control list is not completely known.
    permissions: Option<Permissions<'a>>,
    users: BTreeMap<String, Way>,
    /// The groups of at least one of them.
    groups: BTreeSet<String>,
}

impl<'a> RootEquivalents<'a> {
    /// The root-equivalent users among all users. Without the permissions, only `root@pam` is
    /// known to be one.
    pub fn among(users: &[User<'_>], permissions: Option<Permissions<'a>>) -> Self {
        let mut found = Self {
            permissions,
            ..Self::default()
        };
        // Each one that is found may make others root-equivalent, over a group of it.
        loop {
            let is_new = |user: &&User<'_>| !found.users.contains_key(user.id);
            let new = users.iter().filter(is_new);
            let new: Vec<_> = new
                .filter_map(|user| Some((*user, found.way_of_user(*user)?)))
                .collect();
            if new.is_empty() {
                return found;
            }
            for (user, way) in new {
                found.groups.extend(user.groups.iter().cloned());
                found.users.insert(user.id.to_owned(), way);
            }
        }
    }

    /// Why a token of one of the users is root-equivalent, if it is known to be.
    pub fn of_token(&self, token: Token<'_>) -> Option<RootEquivalence> {
        if !token.privilege_separation {
            let owner = token.owner.id;
            return self.users.get(owner).map(|way| RootEquivalence {
                way: way.clone(),
                owner: Some(owner.to_owned()),
            });
        }
        let permissions = self.permissions.as_ref()?;
        let way = self.way(|path, privilege| permissions.of_token(token, path, privilege));
        way.map(|way| RootEquivalence { way, owner: None })
    }

    fn way_of_user(&self, user: User<'_>) -> Option<Way> {
        if user.id == SUPERUSER {
            return Some(Way::Superuser);
        }
        let permissions = self.permissions.as_ref()?;
        self.way(|path, privilege| permissions.of_user(user, path, privilege))
    }

    fn way(&self, has: impl Fn(&str, &str) -> bool) -> Option<Way> {
        let direct = SUFFICIENT
            .into_iter()
            .find(|(privilege, path)| has(path, privilege));
        if let Some((privilege, path)) = direct {
            return Some(Way::Privilege(privilege, path));
        }
        self.groups.iter().find_map(|group| {
            let path = format!("/access/groups/{group}");
            let privilege = SUFFICIENT_ON_A_GROUP
                .into_iter()
                .find(|privilege| has(&path, privilege))?;
            Some(Way::Group(privilege, group.clone()))
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::pve::permissions::entry::{Entry, Subject};
    use crate::pve::permissions::roles::Roles;
    use crate::pve::permissions::sample::entry;

    type List<'a> = [(Subject<'a>, Entry<'a>)];

    /// A user with its group, and its tokens, each with whether it has privilege separation.
    type Sample = (
        &'static str,
        Option<&'static str>,
        &'static [(&'static str, bool)],
    );

    fn roles() -> Roles {
        let role = |(name, held): (&str, &[&str])| {
            let held = held.iter().map(|&name| name.to_owned());
            (name.to_owned(), held.collect())
        };
        [
            (
                "Administrator",
                &["Permissions.Modify", "User.Modify", "VM.Audit"][..],
            ),
            ("PVEUserAdmin", &["User.Modify"]),
            ("PVEVMAdmin", &["VM.Audit", "VM.Allocate"]),
            ("NoAccess", &[]),
        ]
        .map(role)
        .into()
    }

    /// The root-equivalent tokens, by id.
    fn found(samples: &[Sample], list: Option<&List<'_>>) -> BTreeMap<String, String> {
        let roles = roles();
        let permissions = list.map(|list| Permissions::new(list.iter().copied().collect(), &roles));
        let groups = samples.iter().map(|(_, group, _)| {
            let group = group.iter().map(|&group| group.to_owned());
            group.collect()
        });
        let groups: Vec<Vec<String>> = groups.collect();
        let users = samples.iter().zip(&groups);
        let users: Vec<User<'_>> = users
            .map(|((id, ..), groups)| User { id, groups })
            .collect();
        let equivalents = RootEquivalents::among(&users, permissions);
        let mut found = BTreeMap::new();
        for ((_, _, tokens), owner) in samples.iter().zip(&users) {
            for &(name, privilege_separation) in *tokens {
                let id = format!("{}!{name}", owner.id);
                let token = Token {
                    id: &id,
                    owner: *owner,
                    privilege_separation,
                };
                if let Some(why) = equivalents.of_token(token) {
                    found.insert(id, why.to_string());
                }
            }
        }
        found
    }

    fn ids(found: &BTreeMap<String, String>) -> Vec<&str> {
        found.keys().map(String::as_str).collect()
    }

    #[test]
    fn a_token_of_root_is_root_equivalent_only_without_privilege_separation() {
        let root: Sample = (SUPERUSER, None, &[("full", false), ("separate", true)]);
        let found = found(&[root], Some(&[]));
        assert_eq!(
            found["root@pam!full"],
            "privilege separation is off, and the owner root@pam has every privilege"
        );
        assert_eq!(found.len(), 1);
    }

    #[test]
    fn administrators_and_managers_of_all_users_are_root_equivalent() {
        let samples: [Sample; 3] = [
            ("boss@pve", None, &[("t1", false), ("t2", true)]),
            ("hr@pve", None, &[("t1", false)]),
            ("vm@pve", None, &[("t1", false)]),
        ];
        let list = [
            entry("/", "boss@pve", "Administrator", true),
            entry("/access", "hr@pve", "PVEUserAdmin", true),
            entry("/vms", "vm@pve", "Administrator", true),
        ];
        let found = found(&samples, Some(&list));
        assert_eq!(ids(&found), ["boss@pve!t1", "hr@pve!t1"]);
        assert!(found["boss@pve!t1"].ends_with("boss@pve has Permissions.Modify on /"));
        assert!(found["hr@pve!t1"].ends_with("hr@pve has User.Modify on /access/groups"));
    }

    #[test]
    fn a_token_with_privilege_separation_counts_by_its_own_entries() {
        let boss: Sample = ("boss@pve", None, &[("granted", true), ("plain", true)]);
        let list = [
            entry("/", "boss@pve", "Administrator", true),
            entry("/access/groups", "boss@pve!granted", "PVEUserAdmin", false),
            entry("/vms", "boss@pve!plain", "PVEVMAdmin", true),
        ];
        let found = found(&[boss], Some(&list));
        assert_eq!(
            found["boss@pve!granted"],
            "the token has User.Modify on /access/groups"
        );
        assert_eq!(found.len(), 1);
    }

    #[test]
    fn a_privilege_that_is_revoked_further_down_does_not_count() {
        let hr: Sample = ("hr@pve", None, &[("t1", false)]);
        let list = [
            entry("/", "hr@pve", "PVEUserAdmin", true),
            entry("/access/groups", "hr@pve", "NoAccess", true),
        ];
        assert!(found(&[hr], Some(&list)).is_empty());
    }

    #[test]
    fn a_manager_of_a_root_equivalent_user_is_root_equivalent() {
        let samples: [Sample; 4] = [
            ("boss@pve", Some("admins"), &[]),
            ("helper@pve", Some("helpers"), &[("t1", false)]),
            ("far@pve", None, &[("t1", false)]),
            ("other@pve", None, &[("t1", false)]),
        ];
        let list = [
            entry("/", "@admins", "Administrator", true),
            entry("/access/groups/admins", "helper@pve", "PVEUserAdmin", true),
            entry("/access/groups/helpers", "far@pve", "PVEUserAdmin", true),
            entry("/access/groups/others", "other@pve", "PVEUserAdmin", true),
        ];
        let found = found(&samples, Some(&list));
        assert_eq!(ids(&found), ["far@pve!t1", "helper@pve!t1"]);
        assert!(found["far@pve!t1"].contains("User.Modify on /access/groups/helpers"));
    }

    #[test]
    fn without_the_whole_list_only_root_itself_is_known() {
        let samples: [Sample; 2] = [
            (SUPERUSER, None, &[("full", false)]),
            ("boss@pve", None, &[("t1", false)]),
        ];
        assert_eq!(ids(&found(&samples, None)), ["root@pam!full"]);
    }
}
