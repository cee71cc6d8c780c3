//! The grants of a token: its own entries in the access control list.
//!
//! Only entries that the configuration declares are ever changed. Entries travel as lists, since
//! two elements of a set with unknown parts would merge.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};
use tf_provider::value::Value;

use crate::pve::{AclView, Entry, TokenId, normalise_path};

/// The `acl` attribute.
pub type Acl = Value<Vec<Value<AclEntry>>>;

/// One element of the `acl` attribute.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AclEntry {
    pub path: Value<String>,
    pub role: Value<String>,
    pub propagate: Value<bool>,
}

impl AclEntry {
    /// The grant of this entry, once all of it is known.
    pub fn grant(&self) -> Option<Grant> {
        let propagates = match self.propagate {
            Value::Value(propagates) => propagates,
            Value::Null => true,
            Value::Unknown => return None,
        };
        let (path, role) = (self.path.as_ref_option()?, self.role.as_ref_option()?);
        Some(Grant::new(path, role, propagates))
    }
}

/// The entries of an `acl` attribute that are known, at least in part.
pub fn entries(acl: &Acl) -> impl Iterator<Item = &AclEntry> {
    acl.iter().flatten().flatten()
}

/// Whether every part of every entry is known.
pub fn is_known(acl: &Acl) -> bool {
    entries(acl).all(|entry| entry.grant().is_some()) && acl.iter().flatten().all(Value::is_value)
}

/// Whether two `acl` attributes declare the same entries, in whatever spelling.
pub fn same(left: &Acl, right: &Acl) -> bool {
    let (Value::Value(entries), Value::Value(others)) = (left, right) else {
        return false;
    };
    is_known(left)
        && is_known(right)
        && entries.len() == others.len()
        && Grants::declared(left) == Grants::declared(right)
}

/// One role at one path, with the path in the server's spelling.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Grant {
    path: String,
    role: String,
    propagates: bool,
}

impl Grant {
    /// A grant of `role` at `path`, in whatever spelling.
    pub fn new(path: &str, role: &str, propagates: bool) -> Self {
        Self {
            path: normalise_path(path),
            role: role.to_owned(),
            propagates,
        }
    }

    /// The normalised path.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The name of the role.
    pub fn role(&self) -> &str {
        &self.role
    }

    /// Whether deeper paths inherit it.
    pub fn propagates(&self) -> bool {
        self.propagates
    }

    /// The grant in messages, as `acl` declares it: path and role.
    pub fn entry(&self) -> String {
        format!("{} {}", self.path, self.role)
    }

    /// The grant as the permission model has it.
    pub fn in_model(&self) -> Entry<'_> {
        Entry {
            path: &self.path,
            role: &self.role,
            propagate: self.propagates,
        }
    }

    /// Whether both are the same role at the same path, which is one entry on the server.
    fn is_same_entry(&self, other: &Self) -> bool {
        self.path == other.path && self.role == other.role
    }
}

impl fmt::Display for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {}", self.role, self.path)
    }
}

/// The grants of one token, each role at most once at each path.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grants(BTreeSet<Grant>);

/// The way from one set of grants to another.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct GrantsDiff {
    /// Grants to write. Writing one again with another propagation changes it in place.
    pub write: Grants,
    /// Grants to remove, once the others are written, so that there is no gap.
    pub remove: Grants,
}

impl Grants {
    /// The grants of an `acl` attribute, as far as they are known; none when it is null.
    pub fn declared(acl: &Acl) -> Self {
        entries(acl).filter_map(AclEntry::grant).collect()
    }

    /// The grants of a token on the server.
    pub fn on_server(view: &AclView, token: &TokenId) -> Self {
        view.of_token(token)
            .map(|entry| Grant::new(&entry.path, &entry.role, entry.propagate))
            .collect()
    }

    /// The grants by path and role.
    pub fn iter(&self) -> impl Iterator<Item = &Grant> {
        self.0.iter()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether exactly this grant is among them.
    pub fn contains(&self, grant: &Grant) -> bool {
        self.0.contains(grant)
    }

    /// Adds a grant, in place of the one with the same path and role.
    pub fn insert(&mut self, grant: Grant) {
        self.remove(&grant);
        self.0.insert(grant);
    }

    /// Removes the role at the path, whatever its propagation.
    pub fn remove(&mut self, grant: &Grant) {
        self.0.retain(|held| !held.is_same_entry(grant));
    }

    /// The way from these grants to `planned`.
    pub fn diff(&self, planned: &Self) -> GrantsDiff {
        GrantsDiff {
            write: Self(planned.0.difference(&self.0).cloned().collect()),
            remove: self.without(planned),
        }
    }

    /// The grants whose path and role are not in `other`.
    pub fn without(&self, other: &Self) -> Self {
        self.filtered(|grant| other.entry(grant).is_none())
    }

    /// The grants whose path and role are in `other`.
    pub fn only(&self, other: &Self) -> Self {
        self.filtered(|grant| other.entry(grant).is_some())
    }

    /// These grants and those of `other`, whose propagation wins.
    pub fn with(&self, other: &Self) -> Self {
        self.iter().chain(other.iter()).cloned().collect()
    }

    /// Whether they grant everything that `other` does.
    pub fn covers(&self, other: &Self) -> bool {
        other.iter().all(|grant| {
            let held = self.entry(grant);
            held.is_some_and(|held| held.propagates || !grant.propagates)
        })
    }

    /// What a refresh makes of these declared grants. A grant that the server does not show is
    /// gone only if it shows the whole list: a filtered one proves nothing.
    pub fn refreshed(&self, on_server: &Self, complete: bool) -> Self {
        let found = on_server.only(self);
        match complete {
            true => found,
            false => self.with(&found),
        }
    }

    /// The grants as an `acl` attribute, in the spelling of `declared` where an entry of it has
    /// the same path and role; null where `declared` is.
    pub fn attribute(&self, declared: &Acl) -> Acl {
        if declared.is_null() {
            return Value::Null;
        }
        let entry = |grant| Value::Value(in_spelling_of(declared, grant));
        Value::Value(self.iter().map(entry).collect())
    }

    fn entry(&self, grant: &Grant) -> Option<&Grant> {
        self.iter().find(|held| held.is_same_entry(grant))
    }

    fn filtered(&self, is_wanted: impl Fn(&Grant) -> bool) -> Self {
        self.iter()
            .filter(|grant| is_wanted(grant))
            .cloned()
            .collect()
    }
}

fn in_spelling_of(declared: &Acl, grant: &Grant) -> AclEntry {
    for entry in entries(declared) {
        match entry.grant() {
            Some(same) if same == *grant => return entry.clone(),
            Some(similar) if similar.is_same_entry(grant) => {
                return AclEntry {
                    propagate: Value::Value(grant.propagates),
                    ..entry.clone()
                };
            }
            _ => {}
        }
    }
    AclEntry {
        path: Value::Value(grant.path.clone()),
        role: Value::Value(grant.role.clone()),
        propagate: Value::Value(grant.propagates),
    }
}

impl FromIterator<Grant> for Grants {
    fn from_iter<I: IntoIterator<Item = Grant>>(grants: I) -> Self {
        let mut all = Self::default();
        grants.into_iter().for_each(|grant| all.insert(grant));
        all
    }
}

impl fmt::Display for Grants {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, grant) in self.iter().enumerate() {
            let separator = if index == 0 { "" } else { ", " };
            write!(f, "{separator}{grant}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grants<const N: usize>(grants: [(&str, &str, bool); N]) -> Grants {
        grants
            .into_iter()
            .map(|(path, role, propagates)| Grant::new(path, role, propagates))
            .collect()
    }

    fn entry(path: &str, role: &str) -> Value<AclEntry> {
        Value::Value(AclEntry {
            path: Value::Value(path.into()),
            role: Value::Value(role.into()),
            propagate: Value::Null,
        })
    }

    /// The `acl` attribute after a refresh that found these grants.
    fn refreshed(declared: &Acl, on_server: &Grants, complete: bool) -> Acl {
        Grants::declared(declared)
            .refreshed(on_server, complete)
            .attribute(declared)
    }

    #[test]
    fn a_changed_propagation_is_written_in_place_and_nothing_is_removed() {
        let inherited = grants([("/vms", "PVEAuditor", true)]);
        let own = grants([("/vms", "PVEAuditor", false)]);
        let diff = inherited.diff(&own);
        assert_eq!((diff.write, diff.remove), (own, Grants::default()));
    }

    #[test]
    fn a_grant_that_is_no_longer_declared_is_removed() {
        let both = grants([("/vms", "PVEAuditor", true), ("/", "PVEAdmin", true)]);
        let diff = both.diff(&grants([("/vms", "PVEAuditor", true)]));
        assert_eq!(diff.write, Grants::default());
        assert_eq!(diff.remove, grants([("/", "PVEAdmin", true)]));
    }

    #[test]
    fn one_role_at_one_path_has_one_propagation_in_whatever_spelling() {
        let both = grants([("/vms", "PVEAuditor", true), ("/vms/", "PVEAuditor", false)]);
        assert_eq!(both, grants([("/vms", "PVEAuditor", false)]));
    }

    #[test]
    fn a_grant_without_propagation_is_covered_by_one_with_it_and_not_the_other_way_round() {
        let inherited = grants([("/vms", "PVEAuditor", true)]);
        let own = grants([("/vms", "PVEAuditor", false)]);
        assert!(inherited.covers(&own) && !own.covers(&inherited));
        assert!(!own.covers(&grants([("/", "PVEAuditor", false)])));
    }

    #[test]
    fn an_entry_missing_from_a_filtered_view_is_kept() {
        let declared = Value::Value(vec![entry("/vms", "PVEAuditor")]);
        let found = refreshed(&declared, &Grants::default(), false);
        assert_eq!(found, declared);
    }

    #[test]
    fn an_entry_missing_from_a_complete_view_is_gone() {
        let declared = Value::Value(vec![entry("/vms", "PVEAuditor")]);
        let found = refreshed(&declared, &Grants::default(), true);
        assert_eq!(found, Value::Value(Vec::new()));
    }

    #[test]
    fn an_entry_keeps_its_spelling() {
        let declared = Value::Value(vec![entry("/vms/", "PVEAuditor")]);
        let on_server = |propagates| grants([("/vms", "PVEAuditor", propagates)]);
        assert_eq!(refreshed(&declared, &on_server(true), true), declared);
        let changed = refreshed(&declared, &on_server(false), true);
        let found = entries(&changed).next().unwrap();
        assert_eq!(found.path, Value::Value("/vms/".to_owned()));
        assert_eq!(found.propagate, Value::Value(false));
    }
}
