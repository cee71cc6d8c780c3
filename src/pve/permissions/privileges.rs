//! Effective privileges, as the server reports them.

use std::collections::BTreeMap;

use crate::pve::permissions::path::is_below;

/// The privileges of a user or token at one path.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Privileges(BTreeMap<String, bool>);

impl Privileges {
    /// Whether the privilege is granted at the path itself, inherited by deeper ones or not.
    pub fn contains(&self, privilege: &str) -> bool {
        self.0.contains_key(privilege)
    }

    /// Whether the privilege is granted and passed on to deeper paths.
    pub fn propagates(&self, privilege: &str) -> bool {
        self.0.get(privilege).copied().unwrap_or(false)
    }

    /// The names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Privileges by name, each with whether it propagates.
impl FromIterator<(String, bool)> for Privileges {
    fn from_iter<I: IntoIterator<Item = (String, bool)>>(privileges: I) -> Self {
        Self(privileges.into_iter().collect())
    }
}

/// The privileges of a user or token, by path.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rights(BTreeMap<String, Privileges>);

impl FromIterator<(String, Privileges)> for Rights {
    fn from_iter<I: IntoIterator<Item = (String, Privileges)>>(rights: I) -> Self {
        Self(rights.into_iter().collect())
    }
}

impl Rights {
    /// The privileges at one path.
    pub fn at(&self, path: &str) -> Privileges {
        self.0.get(path).cloned().unwrap_or_default()
    }

    /// Whether there is no privilege at any path.
    pub fn is_empty(&self) -> bool {
        self.0.values().all(Privileges::is_empty)
    }

    /// Whether a user with these rights has a privilege at another path that an entry for one of
    /// its tokens covers: a deeper path, or a guest or storage in a pool. `here` holds the user's
    /// privileges at the path of the entry. Needs the rights at every path that the server lists,
    /// which include the members of pools.
    ///
    /// The members of a pool are not looked up: a guest or storage counts as a member of any pool.
    /// The answer may therefore be `true` for a privilege that the entry does not reach, never
    /// `false` for one that it does.
    pub fn covered(&self, here: &Privileges, privilege: &str, path: &str, propagate: bool) -> bool {
        let has = |(_, held): (&str, &Privileges)| held.contains(privilege);
        let members = reaches_pool_members(path, propagate)
            && self.listed().any(|one| is_pool_member(one.0) && has(one));
        let deeper = propagate && self.listed().any(|one| is_below(one.0, path) && has(one));
        members || deeper || (propagate && self.resumes_below(here, privilege, path))
    }

    /// An entry that does not propagate replaces inherited privileges at its own path only: below
    /// it they hold again.
    fn resumes_below(&self, here: &Privileges, privilege: &str, path: &str) -> bool {
        let mut above = self.listed().filter(|(listed, _)| is_below(path, listed));
        !here.names().any(|name| here.propagates(name))
            && above.any(|(_, held)| held.propagates(privilege))
    }

    fn listed(&self) -> impl Iterator<Item = (&str, &Privileges)> {
        self.0.iter().map(|(path, held)| (path.as_str(), held))
    }
}

/// What is granted at a pool holds for its members, propagated or not.
fn reaches_pool_members(path: &str, propagate: bool) -> bool {
    is_below(path, "/pool") || (propagate && path == "/pool")
}

fn is_pool_member(path: &str) -> bool {
    is_below(path, "/vms") || is_below(path, "/storage")
}

#[cfg(test)]
mod tests {
    use super::{Privileges, Rights};

    fn rights(listed: &[(&str, &str, bool)]) -> Rights {
        let at = |&(path, name, propagate): &(&str, &str, bool)| {
            let privileges = Privileges::from_iter([(name.to_owned(), propagate)]);
            (path.to_owned(), privileges)
        };
        listed.iter().map(at).collect()
    }

    /// Whether an entry at the path covers the privilege at another path.
    fn covered(rights: &Rights, privilege: &str, path: &str, propagate: bool) -> bool {
        rights.covered(&rights.at(path), privilege, path, propagate)
    }

    #[test]
    fn a_privilege_at_a_deeper_path_is_covered_by_an_entry_that_propagates() {
        let rights = rights(&[("/vms/100", "VM.Audit", true)]);
        assert!(covered(&rights, "VM.Audit", "/vms", true));
        assert!(covered(&rights, "VM.Audit", "/", true));
        assert!(!covered(&rights, "VM.Audit", "/vms", false));
        assert!(!covered(&rights, "VM.Audit", "/storage", true));
        assert!(!covered(&rights, "VM.Console", "/vms", true));
    }

    #[test]
    fn a_privilege_at_a_member_is_covered_by_its_pool_even_without_propagation() {
        let rights = rights(&[("/vms/100", "VM.Audit", true)]);
        assert!(covered(&rights, "VM.Audit", "/pool/web", false));
        assert!(covered(&rights, "VM.Audit", "/pool", true));
        assert!(!covered(&rights, "VM.Audit", "/pool", false));
    }

    #[test]
    fn inherited_privileges_hold_again_below_an_entry_that_does_not_propagate() {
        let interrupted = rights(&[("/", "VM.Audit", true), ("/vms", "VM.Console", false)]);
        assert!(covered(&interrupted, "VM.Audit", "/vms", true));
        assert!(!covered(&interrupted, "VM.Audit", "/vms", false));
        let replaced = rights(&[("/", "VM.Audit", true), ("/vms", "VM.Console", true)]);
        assert!(!covered(&replaced, "VM.Audit", "/vms", true));
    }
}
