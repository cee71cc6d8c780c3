//! Inheritance of entries in the access control list.
//!
//! On the way from `/` down to a path, the entries of a user or token at one step replace those
//! from above. Above the path itself only entries that propagate count. At one step, a user's own
//! entries replace those of its groups. The remaining roles add up; `NoAccess` revokes them all.
//! A token without privilege separation has the privileges of its owner, one with privilege
//! separation those that its own entries and its owner have in common. `root@pam` has every
//! privilege.

use std::collections::HashMap;

use crate::pve::permissions::entry::{Entry, SUPERUSER, Subject, Token, User};
use crate::pve::permissions::path::steps;
use crate::pve::permissions::roles::{Roles, contain};

/// The entries of an access control list, by path and subject.
#[derive(Debug, Default)]
pub struct Entries<'a>(HashMap<&'a str, HashMap<Subject<'a>, Vec<Entry<'a>>>>);

impl<'a> FromIterator<(Subject<'a>, Entry<'a>)> for Entries<'a> {
    fn from_iter<I: IntoIterator<Item = (Subject<'a>, Entry<'a>)>>(list: I) -> Self {
        let mut entries = Self::default();
        for (subject, entry) in list {
            let here = entries.0.entry(entry.path).or_default();
            here.entry(subject).or_default().push(entry);
        }
        entries
    }
}

impl<'a> Entries<'a> {
    /// The entries that hold for a subject at a path. `groups` are those of a user.
    fn holding<'s>(
        &'s self,
        subject: Subject<'s>,
        groups: &'s [String],
        path: &str,
    ) -> Vec<Entry<'s>> {
        let mut holding = Vec::new();
        for step in steps(path) {
            let mut found = self.applying(subject, step, path);
            if found.is_empty() {
                let groups = groups.iter().map(|group| Subject::Group(group));
                found = groups
                    .flat_map(|group| self.applying(group, step, path))
                    .collect();
            }
            if !found.is_empty() {
                holding = found;
            }
        }
        holding
    }

    /// The entries that a subject would inherit at a path if it had none there. It has no groups.
    pub(super) fn inherited<'s>(&'s self, subject: Subject<'s>, path: &str) -> Vec<Entry<'s>> {
        let above = steps(path).filter(|step| *step != path);
        let found = above.map(|step| self.applying(subject, step, path));
        found
            .filter(|found| !found.is_empty())
            .last()
            .unwrap_or_default()
    }

    /// The entries of a subject at one step that count at the path.
    fn applying<'s>(&'s self, subject: Subject<'s>, step: &str, path: &str) -> Vec<Entry<'s>> {
        let here = self.0.get(step).and_then(|here| here.get(&subject));
        let entries = here.into_iter().flatten().copied();
        entries
            .filter(|entry| entry.propagate || step == path)
            .collect()
    }
}

/// Who has which privilege where. Correct only if the access control list is complete.
#[derive(Debug)]
pub struct Permissions<'a> {
    entries: Entries<'a>,
    roles: &'a Roles,
}

impl<'a> Permissions<'a> {
    /// The permissions that entries and roles give.
    pub fn new(entries: Entries<'a>, roles: &'a Roles) -> Self {
        Self { entries, roles }
    }

    /// Whether a user has a privilege at a path.
    pub fn of_user(&self, user: User<'_>, path: &str, privilege: &str) -> bool {
        let holding = |user: User<'_>| {
            let entries = self
                .entries
                .holding(Subject::User(user.id), user.groups, path);
            contain(&entries, self.roles, privilege)
        };
        user.id == SUPERUSER || holding(user)
    }

    /// Whether a token has a privilege at a path.
    pub fn of_token(&self, token: Token<'_>, path: &str, privilege: &str) -> bool {
        let granted = || {
            let entries = self.entries.holding(Subject::Token(token.id), &[], path);
            contain(&entries, self.roles, privilege)
        };
        (!token.privilege_separation || granted()) && self.of_user(token.owner, path, privilege)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pve::permissions::path::is_below;
    use crate::pve::permissions::roles::NO_ACCESS;
    use crate::pve::permissions::sample::{Random, entry, roles};

    const GROUPS: &[&str] = &["ops"];

    fn groups() -> Vec<String> {
        GROUPS.iter().map(|&group| group.to_owned()).collect()
    }

    /// Whether `demo@pve`, a member of `ops`, has the privilege at the path, and whether
    /// `demo@pve!ci` has it.
    fn has(list: &[(Subject<'_>, Entry<'_>)], path: &str, privilege: &str) -> (bool, bool) {
        let (roles, groups) = (roles(), groups());
        let permissions = Permissions::new(list.iter().copied().collect(), &roles);
        let owner = User {
            id: "demo@pve",
            groups: &groups,
        };
        let token = Token {
            id: "demo@pve!ci",
            owner,
            privilege_separation: true,
        };
        (
            permissions.of_user(owner, path, privilege),
            permissions.of_token(token, path, privilege),
        )
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
    fn a_deeper_entry_replaces_inherited_ones() {
        let acl = [
            entry("/", "demo@pve", "UserAdmin", true),
            entry("/access", "demo@pve", "Auditor", true),
        ];
        assert!(has(&acl, "/", "User.Modify").0);
        assert!(!has(&acl, "/access/groups", "User.Modify").0);
    }

    #[test]
    fn a_users_entry_replaces_those_of_its_groups_at_the_same_path() {
        let of_group = entry("/access", "@ops", "UserAdmin", true);
        assert!(has(&[of_group], "/access/groups", "User.Modify").0);
        let own = entry("/access", "demo@pve", "Auditor", true);
        assert!(!has(&[of_group, own], "/access/groups", "User.Modify").0);
    }

    #[test]
    fn roles_at_one_path_add_up_and_no_access_revokes_them() {
        let mut acl = vec![
            entry("/access", "demo@pve", "UserAdmin", true),
            entry("/access", "demo@pve", "Auditor", true),
        ];
        assert!(has(&acl, "/access", "Sys.Audit").0 && has(&acl, "/access", "User.Modify").0);
        acl.push(entry("/access", "demo@pve", NO_ACCESS, true));
        assert!(!has(&acl, "/access", "User.Modify").0);
    }

    #[test]
    fn a_token_with_privilege_separation_has_what_its_owner_has_too() {
        let own = entry("/access", "demo@pve!ci", "UserAdmin", true);
        assert!(!has(&[own], "/access", "User.Modify").1);
        let owners = entry("/", "demo@pve", "UserAdmin", true);
        assert!(!has(&[owners], "/access", "User.Modify").1);
        assert!(has(&[own, owners], "/access", "User.Modify").1);
    }

    #[test]
    fn a_token_without_privilege_separation_has_what_its_owner_has() {
        let (roles, groups) = (roles(), groups());
        let list = [entry("/", "demo@pve", "UserAdmin", true)];
        let permissions = Permissions::new(list.into_iter().collect(), &roles);
        let token = Token {
            id: "demo@pve!ci",
            owner: User {
                id: "demo@pve",
                groups: &groups,
            },
            privilege_separation: false,
        };
        assert!(permissions.of_token(token, "/access", "User.Modify"));
    }

    #[test]
    fn root_has_every_privilege_despite_the_list() {
        let (roles, list) = (Roles::new(), [entry("/", SUPERUSER, NO_ACCESS, true)]);
        let permissions = Permissions::new(list.into_iter().collect(), &roles);
        let root = User {
            id: SUPERUSER,
            groups: &[],
        };
        assert!(permissions.of_user(root, "/", "Any.Thing"));
    }

    /// The rule from the other end: the nearest step that has entries decides, of which a user's
    /// own come first.
    fn decided_upwards<'a>(list: &[(Subject<'a>, Entry<'a>)], path: &str) -> Vec<Entry<'a>> {
        let at = |step: &str, is_own: bool| -> Vec<Entry<'a>> {
            let counts = |(subject, entry): &&(Subject<'_>, Entry<'_>)| {
                matches!(subject, Subject::User(_)) == is_own
                    && entry.path == step
                    && (entry.propagate || step == path)
            };
            list.iter()
                .filter(counts)
                .map(|(_, entry)| *entry)
                .collect()
        };
        let mut step = path;
        loop {
            for is_own in [true, false] {
                let found = at(step, is_own);
                if !found.is_empty() {
                    return found;
                }
            }
            match step.rsplit_once('/') {
                _ if step == "/" => return Vec::new(),
                Some(("", _)) | None => step = "/",
                Some((above, _)) => step = above,
            }
        }
    }

    #[test]
    fn any_list_gives_what_the_nearest_step_with_entries_gives() {
        let roles = roles();
        for seed in 0..2000 {
            let mut random = Random::new(seed);
            let list = random.list(&["demo@pve", "@ops"]);
            let path = random.path();
            let decided = decided_upwards(&list, path);
            for privilege in ["Sys.Audit", "User.Modify", "VM.Audit"] {
                assert_eq!(
                    has(&list, path, privilege).0,
                    contain(&decided, &roles, privilege),
                    "{privilege} at {path} in {list:?}"
                );
            }
        }
    }

    #[test]
    fn an_entry_matters_only_at_its_path_and_below() {
        for seed in 0..2000 {
            let mut random = Random::new(seed);
            let list = random.list(&["demo@pve", "@ops"]);
            let more = random.entry(&["demo@pve", "@ops"]);
            let path = random.path();
            if path == more.1.path || (more.1.propagate && is_below(path, more.1.path)) {
                continue;
            }
            let longer = [&list[..], &[more]].concat();
            assert_eq!(
                has(&list, path, "Sys.Audit"),
                has(&longer, path, "Sys.Audit"),
                "{more:?} at {path} in {list:?}"
            );
        }
    }
}
