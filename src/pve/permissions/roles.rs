//! Roles and the privileges that they hold.

use std::collections::{BTreeMap, BTreeSet};

use crate::pve::permissions::entry::Entry;

/// The privileges of each role, by name.
pub type Roles = BTreeMap<String, BTreeSet<String>>;

/// The role that revokes every other role at its path.
pub const NO_ACCESS: &str = "NoAccess";

/// The role that holds every privilege.
pub const ADMINISTRATOR: &str = "Administrator";

/// The privileges that entries at one path give together: their roles add up, unless `NoAccess`
/// is among them. `None` if a role is unknown.
pub(super) fn privileges<'r>(entries: &[Entry<'_>], roles: &'r Roles) -> Option<BTreeSet<&'r str>> {
    let mut all = BTreeSet::new();
    for entry in entries {
        all.extend(roles.get(entry.role)?.iter().map(String::as_str));
    }
    if revokes(entries) {
        all.clear();
    }
    Some(all)
}

/// Whether the roles of entries at one path include a privilege. An unknown role has none.
pub(super) fn contain(entries: &[Entry<'_>], roles: &Roles, privilege: &str) -> bool {
    let mut held = entries.iter().filter_map(|entry| roles.get(entry.role));
    !revokes(entries) && held.any(|held| held.contains(privilege))
}

/// Whether `NoAccess` is among entries at one path.
pub(super) fn revokes(entries: &[Entry<'_>]) -> bool {
    entries.iter().any(|entry| entry.role == NO_ACCESS)
}

/// Whether a role holds the privilege. No server has a privilege that `Administrator` lacks.
pub fn is_privilege(name: &str, roles: &Roles) -> bool {
    roles.values().any(|held| held.contains(name))
}

/// The least powerful role that holds all of these privileges, other than `Administrator`: the one
/// with the fewest privileges to change something, then with the fewest privileges.
pub fn least_role<'a>(privileges: &BTreeSet<&str>, roles: &'a Roles) -> Option<&'a str> {
    let sufficient = roles.iter().filter(|(role, held)| {
        *role != ADMINISTRATOR && privileges.iter().all(|name| held.contains(*name))
    });
    let least = sufficient.min_by_key(|(role, held)| {
        let changes = held.iter().filter(|name| !name.ends_with(".Audit"));
        (changes.count(), held.len(), *role)
    });
    least.map(|(role, _)| role.as_str())
}

#[cfg(test)]
mod tests {
    use super::{ADMINISTRATOR, NO_ACCESS, Roles, is_privilege, least_role};

    fn roles() -> Roles {
        let role = |(name, held): (&str, &[&str])| {
            let held = held.iter().map(|name| (*name).to_owned()).collect();
            (name.to_owned(), held)
        };
        let all: &[&str] = &["Sys.Audit", "Sys.Modify", "VM.Allocate", "VM.Audit"];
        [
            (ADMINISTRATOR, all),
            ("PVEAuditor", &["Sys.Audit", "VM.Audit"]),
            ("PVESysAdmin", &["Sys.Audit", "Sys.Modify"]),
            ("PVEVMAdmin", &["VM.Allocate", "VM.Audit"]),
            (NO_ACCESS, &[]),
        ]
        .map(role)
        .into()
    }

    #[test]
    fn the_least_role_changes_the_least_and_is_never_administrator() {
        let least = |names: &[&str]| {
            let roles = roles();
            least_role(&names.iter().copied().collect(), &roles).map(str::to_owned)
        };
        assert_eq!(least(&["Sys.Audit"]).as_deref(), Some("PVEAuditor"));
        assert_eq!(least(&["VM.Allocate"]).as_deref(), Some("PVEVMAdmin"));
        assert_eq!(least(&["Sys.Modify", "VM.Audit"]), None);
    }

    #[test]
    fn a_name_that_no_role_holds_is_no_privilege() {
        assert!(is_privilege("VM.Audit", &roles()));
        assert!(!is_privilege("VM.Alocate", &roles()));
    }
}
