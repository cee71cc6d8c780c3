//! Masking: a deeper entry takes away privileges that would be inherited without it.
//!
//! `NoAccess` takes them away by intention and masks nothing.

use std::collections::BTreeSet;

use crate::pve::permissions::entry::{Entry, Subject};
use crate::pve::permissions::inheritance::Entries;
use crate::pve::permissions::roles::{Roles, privileges, revokes};

/// The privileges that the entries at one path mask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Masked<'a> {
    /// The entries at the path.
    pub by: Vec<Entry<'a>>,
    /// The entries above that would hold at the path without them.
    pub of: Vec<Entry<'a>>,
    /// The privileges that are lost.
    pub privileges: BTreeSet<String>,
}

/// The privileges that the entries of one token mask among themselves, by path. Paths where not
/// every role is known are left out.
pub fn masked<'a>(entries: &BTreeSet<Entry<'a>>, roles: &Roles) -> Vec<Masked<'a>> {
    // The entries are those of one token; which one makes no difference.
    const TOKEN: Subject<'static> = Subject::Token("");
    let tree: Entries<'a> = entries.iter().map(|entry| (TOKEN, *entry)).collect();
    let paths: BTreeSet<&'a str> = entries.iter().map(|entry| entry.path).collect();
    let at_path = |path: &'a str| {
        let here = entries.iter().filter(|entry| entry.path == path);
        let by: Vec<Entry<'a>> = here.copied().collect();
        let inherited = tree.inherited(TOKEN, path);
        let of = entries.iter().filter(|entry| inherited.contains(entry));
        let of: Vec<Entry<'a>> = of.copied().collect();
        let privileges = lost(&of, &by, roles)?;
        (!revokes(&by) && !privileges.is_empty()).then_some(Masked { by, of, privileges })
    };
    paths.into_iter().filter_map(at_path).collect()
}

/// The privileges that inherited entries give and those that replace them do not; `None` if a role
/// is unknown. If some of the latter propagate, only those replace the former on deeper paths.
fn lost(inherited: &[Entry<'_>], by: &[Entry<'_>], roles: &Roles) -> Option<BTreeSet<String>> {
    let before = privileges(inherited, roles)?;
    let propagating = by.iter().filter(|entry| entry.propagate).copied();
    let propagating: Vec<Entry<'_>> = propagating.collect();
    let replacing = if propagating.is_empty() {
        by
    } else {
        &propagating
    };
    let after = privileges(replacing, roles)?;
    let lost = before.difference(&after).map(|&name| name.to_owned());
    Some(lost.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pve::permissions::entry::{SUPERUSER, Token, User};
    use crate::pve::permissions::inheritance::Permissions;
    use crate::pve::permissions::sample::{Random, roles};

    fn entry(path: &'static str, role: &'static str, propagate: bool) -> Entry<'static> {
        Entry {
            path,
            role,
            propagate,
        }
    }

    /// The paths at which entries mask privileges, with those privileges.
    fn lost_at(entries: &[Entry<'static>]) -> Vec<(&'static str, Vec<String>)> {
        let entries = entries.iter().copied().collect();
        let masked = masked(&entries, &roles());
        let by_path = masked.into_iter();
        by_path
            .map(|one| (one.by[0].path, one.privileges.into_iter().collect()))
            .collect()
    }

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    #[test]
    fn a_deeper_entry_masks_what_it_does_not_hold_itself() {
        let admin = entry("/", "Admin", true);
        assert_eq!(
            lost_at(&[admin, entry("/vms", "Auditor", true)]),
            [("/vms", names(&["User.Modify"]))]
        );
        let auditor = entry("/", "Auditor", true);
        assert_eq!(lost_at(&[auditor, entry("/vms", "Admin", true)]), []);
    }

    #[test]
    fn roles_at_one_path_add_up() {
        let below = [
            entry("/vms", "Auditor", true),
            entry("/vms", "UserAdmin", true),
        ];
        let all = [&[entry("/", "Admin", true)], &below[..]].concat();
        assert_eq!(lost_at(&all), []);
    }

    #[test]
    fn an_entry_that_does_not_propagate_is_not_inherited() {
        let above = entry("/vms", "Admin", false);
        assert_eq!(lost_at(&[above, entry("/vms/100", "Auditor", true)]), []);
    }

    #[test]
    fn a_second_role_that_does_not_propagate_is_missing_below() {
        let all = [
            entry("/", "Admin", true),
            entry("/vms", "Auditor", true),
            entry("/vms", "Admin", false),
        ];
        assert_eq!(lost_at(&all), [("/vms", names(&["User.Modify"]))]);
    }

    #[test]
    fn only_the_nearest_entries_above_are_masked() {
        let all = [
            entry("/", "Admin", true),
            entry("/vms", "Auditor", true),
            entry("/vms/100", "Empty", true),
        ];
        let lost = lost_at(&all);
        assert_eq!(lost[1], ("/vms/100", names(&["Sys.Audit", "VM.Audit"])));
    }

    #[test]
    fn no_access_masks_nothing_and_nothing_below_it_is_masked() {
        let all = [
            entry("/", "Admin", true),
            entry("/vms", "NoAccess", true),
            entry("/vms/100", "Auditor", true),
        ];
        assert_eq!(lost_at(&all), []);
    }

    #[test]
    fn an_unknown_role_is_left_out() {
        let all = [entry("/vms", "Admin", true), entry("/vms/100", "New", true)];
        assert_eq!(lost_at(&all), []);
    }

    /// Whether a token of `root@pam` with these entries has a privilege at a path: only its
    /// entries limit it.
    fn has(entries: &BTreeSet<Entry<'_>>, path: &str, privilege: &str) -> bool {
        let (roles, id) = (roles(), "root@pam!ci");
        let list = entries.iter().map(|&entry| (Subject::Token(id), entry));
        let owner = User {
            id: SUPERUSER,
            groups: &[],
        };
        let token = Token {
            id,
            owner,
            privilege_separation: true,
        };
        Permissions::new(list.collect(), &roles).of_token(token, path, privilege)
    }

    #[test]
    fn in_any_list_a_masked_privilege_is_missing_and_back_without_the_entries_that_mask_it() {
        let mut checked = 0;
        for seed in 0..5000 {
            let list = Random::new(seed).list(&["root@pam!ci"]);
            let entries: BTreeSet<Entry<'_>> = list.into_iter().map(|(_, entry)| entry).collect();
            for one in masked(&entries, &roles()) {
                let path = one.by[0].path;
                let is_inherited = one.by.iter().any(|entry| entry.propagate);
                let affected = match is_inherited {
                    true => format!("{path}/deeper").replace("//", "/"),
                    false => path.to_owned(),
                };
                let without = |entry: &&Entry<'_>| !one.by.contains(entry);
                let rest = entries.iter().filter(without).copied().collect();
                for privilege in &one.privileges {
                    assert!(!has(&entries, &affected, privilege), "{one:?}");
                    assert!(has(&rest, &affected, privilege), "{one:?}");
                    checked += 1;
                }
            }
        }
        assert!(checked > 1000, "only {checked} masked privileges");
    }

    #[test]
    fn in_any_list_without_no_access_every_loss_at_an_entry_is_found() {
        for seed in 0..5000 {
            let list = Random::new(seed).list(&["root@pam!ci"]);
            let entries = list.into_iter().map(|(_, entry)| entry);
            let entries: BTreeSet<Entry<'_>> =
                entries.filter(|entry| entry.role != "NoAccess").collect();
            let found = masked(&entries, &roles());
            for entry in &entries {
                let without = |other: &&Entry<'_>| other.path != entry.path;
                let rest: BTreeSet<Entry<'_>> = entries.iter().filter(without).copied().collect();
                for privilege in ["Sys.Audit", "User.Modify", "VM.Audit"] {
                    let is_lost =
                        has(&rest, entry.path, privilege) && !has(&entries, entry.path, privilege);
                    let mut at_path = found.iter().filter(|one| one.by.contains(entry));
                    let is_found = at_path.any(|one| one.privileges.contains(privilege));
                    assert!(
                        !is_lost || is_found,
                        "{privilege} at {entry:?} in {entries:?}"
                    );
                }
            }
        }
    }
}
