//! Privileges as the server works them out, from the access control list and the roles.
//!
//! Asking `GET /access/permissions` for each of hundreds of users at each of several paths would
//! cost a request each, while the list holds the answers for all of them.

use std::collections::{BTreeSet, HashMap};

use crate::pve::api::access::{Owner, Role};
use crate::pve::api::acl::{AclEntry, AclSubject};
use crate::pve::id::UserId;

/// The entries of one subject at one path: roles, and whether each is passed on.
type Entries<'a> = Vec<(&'a str, bool)>;

/// Who may do what where. Only right if nothing is missing from the list.
pub(crate) struct Rights<'a> {
    entries: HashMap<&'a str, HashMap<(AclSubject, &'a str), Entries<'a>>>,
    roles: HashMap<&'a str, &'a BTreeSet<String>>,
}

impl<'a> Rights<'a> {
    pub(crate) fn new(acl: &'a [AclEntry], roles: &'a [Role]) -> Self {
        let mut entries: HashMap<_, HashMap<_, Entries<'a>>> = HashMap::new();
        for entry in acl {
            let here = entries.entry(entry.path.as_str()).or_default();
            here.entry((entry.kind, entry.subject.as_str()))
                .or_default()
                .push((&entry.role, entry.propagate));
        }
        let roles = roles
            .iter()
            .map(|role| (role.name.as_str(), &role.privileges));
        Self {
            entries,
            roles: roles.collect(),
        }
    }

    /// Whether a user has a privilege at a path. `root@pam` has them all.
    pub(crate) fn of_user(&self, owner: &Owner, path: &str, privilege: &str) -> bool {
        is_root(&owner.user_id) || {
            let user = owner.user_id.to_string();
            let roles = self.roles_at((AclSubject::User, &user), &owner.groups, path);
            self.grants(&roles, privilege)
        }
    }

    /// Whether a privilege-separated token has a privilege at a path: it must have it itself, and
    /// its owner, too.
    pub(crate) fn of_separated_token(
        &self,
        owner: &Owner,
        token: &str,
        path: &str,
        privilege: &str,
    ) -> bool {
        let roles = self.roles_at((AclSubject::Token, token), &[], path);
        self.grants(&roles, privilege) && self.of_user(owner, path, privilege)
    }

    fn grants(&self, roles: &[&str], privilege: &str) -> bool {
        // NoAccess beats every other role of its path.
        !roles.contains(&"NoAccess")
            && roles
                .iter()
                .filter_map(|role| self.roles.get(role))
                .any(|privileges| privileges.contains(privilege))
    }

    /// The roles that hold at a path. From the root downwards an entry replaces what comes from
    /// above, and at one path one's own entries replace those of one's groups.
    fn roles_at<'s>(
        &'s self,
        subject: (AclSubject, &'s str),
        groups: &'s [String],
        path: &str,
    ) -> Vec<&'s str> {
        let mut roles = Vec::new();
        for place in places(path) {
            let Some(here) = self.entries.get(place) else {
                continue;
            };
            let holding = |subject: (AclSubject, &'s str)| {
                let entries = here.get(&subject).into_iter().flatten();
                let entries = entries.filter(|(_, propagate)| *propagate || place == path);
                entries.map(|(role, _)| *role).collect::<Vec<_>>()
            };
            let mut found = holding(subject);
            if found.is_empty() {
                let groups = groups
                    .iter()
                    .map(|group| (AclSubject::Group, group.as_str()));
                found = groups.flat_map(holding).collect();
            }
            if !found.is_empty() {
                roles = found;
            }
        }
        roles
    }
}

/// Whether this is the one user who may do everything.
pub(crate) fn is_root(user: &UserId) -> bool {
    user.name() == "root" && user.realm() == "pam"
}

/// `/`, and then each path on the way to a normalised path, itself included.
fn places(path: &str) -> impl Iterator<Item = &str> {
    let deeper = path.match_indices('/').map(|(at, _)| at).skip(1);
    let deeper = deeper.chain([path.len()]).map(|end| &path[..end]);
    std::iter::once("/").chain(deeper.filter(|place| *place != "/"))
}

#[cfg(test)]
mod tests {
    use super::{Rights, places};
    use crate::pve::api::access::Role;
    use crate::pve::api::acl::AclEntry;
    use crate::pve::audit::tests::{entry, owner};

    fn role(name: &str, privileges: &[&str]) -> Role {
        Role {
            name: name.to_owned(),
            privileges: privileges.iter().map(|&name| name.to_owned()).collect(),
            special: false,
        }
    }

    /// Whether `demo@pve`, a member of `ops`, has the privilege at the path; `demo@pve!ci`, too.
    fn has(acl: &[AclEntry], path: &str, privilege: &str) -> (bool, bool) {
        let roles = [
            role("Auditor", &["Sys.Audit"]),
            role("UserAdmin", &["User.Modify"]),
            role("NoAccess", &[]),
        ];
        let rights = Rights::new(acl, &roles);
        let demo = owner("demo@pve", &["ops"], &[]);
        (
            rights.of_user(&demo, path, privilege),
            rights.of_separated_token(&demo, "demo@pve!ci", path, privilege),
        )
    }

    #[test]
    fn the_places_on_the_way_to_a_path_begin_at_the_root() {
        assert_eq!(places("/").collect::<Vec<_>>(), ["/"]);
        assert_eq!(
            places("/access/groups/a").collect::<Vec<_>>(),
            ["/", "/access", "/access/groups", "/access/groups/a"]
        );
    }

    #[test]
    fn an_entry_is_inherited_only_if_it_propagates() {
        let acl = [entry("/", "demo@pve", "Auditor", true)];
        assert!(has(&acl, "/access", "Sys.Audit").0);
        let acl = [entry("/", "demo@pve", "Auditor", false)];
        assert!(!has(&acl, "/access", "Sys.Audit").0);
        assert!(has(&acl, "/", "Sys.Audit").0);
    }

    #[test]
    fn a_deeper_entry_replaces_what_comes_from_above() {
        let acl = [
            entry("/", "demo@pve", "UserAdmin", true),
            entry("/access", "demo@pve", "Auditor", true),
        ];
        assert!(has(&acl, "/", "User.Modify").0);
        assert!(!has(&acl, "/access/groups", "User.Modify").0);
    }

    #[test]
    fn ones_own_entry_beats_that_of_a_group_at_the_same_path() {
        let of_group = entry("/access", "@ops", "UserAdmin", true);
        assert!(
            has(
                std::slice::from_ref(&of_group),
                "/access/groups",
                "User.Modify"
            )
            .0
        );
        let own = entry("/access", "demo@pve", "Auditor", true);
        assert!(!has(&[of_group, own], "/access/groups", "User.Modify").0);
    }

    #[test]
    fn several_roles_add_up_and_no_access_beats_them() {
        let mut acl = vec![
            entry("/access", "demo@pve", "UserAdmin", true),
            entry("/access", "demo@pve", "Auditor", true),
        ];
        assert!(has(&acl, "/access", "Sys.Audit").0 && has(&acl, "/access", "User.Modify").0);
        acl.push(entry("/access", "demo@pve", "NoAccess", true));
        assert!(!has(&acl, "/access", "User.Modify").0);
    }

    #[test]
    fn a_separated_token_has_what_both_have() {
        let own = entry("/access", "demo@pve!ci", "UserAdmin", true);
        assert!(!has(std::slice::from_ref(&own), "/access", "User.Modify").1);
        let owners = entry("/", "demo@pve", "UserAdmin", true);
        assert!(!has(std::slice::from_ref(&owners), "/access", "User.Modify").1);
        assert!(has(&[own, owners], "/access", "User.Modify").1);
    }

    #[test]
    fn root_has_everything_whatever_the_list_says() {
        let acl = [entry("/", "root@pam", "NoAccess", true)];
        let rights = Rights::new(&acl, &[]);
        let root = owner("root@pam", &[], &[]);
        assert!(rights.of_user(&root, "/", "Any.Thing"));
    }
}
