//! The token's own entries in the access control list.
//!
//! Only entries that the configuration declares are touched. Entries travel as lists, since two
//! elements of a set with unknown parts would merge.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use tf_provider::value::Value;

use crate::pve;
use crate::pve::normalise_path;

/// The `acl` attribute.
pub type Acl = Value<Vec<Value<AclEntry>>>;

/// One declared entry.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AclEntry {
    pub path: Value<String>,
    pub role: Value<String>,
    pub propagate: Value<bool>,
}

/// One grant: an entry with its defaults filled in and its path as the server writes it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Grant {
    pub path: String,
    pub role: String,
    pub propagate: bool,
}

impl From<&pve::AclEntry> for Grant {
    fn from(entry: &pve::AclEntry) -> Self {
        Self {
            path: entry.path.clone(),
            role: entry.role.clone(),
            propagate: entry.propagate,
        }
    }
}

impl AclEntry {
    /// The grant this entry stands for, once all of it is known.
    pub fn grant(&self) -> Option<Grant> {
        Some(Grant {
            path: normalise_path(self.path.as_ref_option()?),
            role: self.role.as_ref_option()?.clone(),
            propagate: match self.propagate {
                Value::Value(propagate) => propagate,
                Value::Null => true,
                Value::Unknown => return None,
            },
        })
    }
}

/// The grants of an `acl` attribute; none when it is null.
pub fn grants(acl: &Acl) -> BTreeSet<Grant> {
    entries(acl).filter_map(AclEntry::grant).collect()
}

/// The entries of an `acl` attribute that are known, at least in part.
pub fn entries(acl: &Acl) -> impl Iterator<Item = &AclEntry> {
    acl.iter().flatten().flatten()
}

/// What to do at the server to get from the declared grants to the wanted ones.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Grants to write. Writing one again with another `propagate` changes it in place.
    pub add: Vec<Grant>,
    /// Grants to remove, after the others were written, so that there is no gap.
    pub remove: Vec<Grant>,
}

impl Changes {
    /// The way from `prior` to `wanted`.
    pub fn between(prior: &BTreeSet<Grant>, wanted: &BTreeSet<Grant>) -> Self {
        let kept = |grant: &Grant| {
            wanted
                .iter()
                .any(|other| other.path == grant.path && other.role == grant.role)
        };
        Self {
            add: wanted.difference(prior).cloned().collect(),
            remove: prior.iter().filter(|grant| !kept(grant)).cloned().collect(),
        }
    }
}

/// What became of the declared entries, given the token's grants on the server.
///
/// An entry that the server has stays as it is written, with the server's `propagate`. One that
/// it does not show is gone only if the view is `complete`: a filtered list proves nothing.
pub fn read_back(
    declared: impl IntoIterator<Item = AclEntry>,
    on_server: &BTreeSet<Grant>,
    complete: bool,
) -> Vec<AclEntry> {
    let propagates: BTreeMap<(&str, &str), bool> = on_server
        .iter()
        .map(|grant| ((grant.path.as_str(), grant.role.as_str()), grant.propagate))
        .collect();
    declared
        .into_iter()
        .filter_map(|entry| {
            let grant = entry.grant()?;
            match propagates.get(&(grant.path.as_str(), grant.role.as_str())) {
                Some(&propagate) if propagate == grant.propagate => Some(entry),
                Some(&propagate) => Some(AclEntry {
                    propagate: Value::Value(propagate),
                    ..entry
                }),
                None => (!complete).then_some(entry),
            }
        })
        .collect()
}

/// An `acl` attribute that says which grants a token really holds, spelled as in `declared`
/// where it was declared.
pub fn holding<'a>(declared: &Acl, held: impl IntoIterator<Item = &'a Grant>) -> Acl {
    if declared.is_null() {
        return Value::Null;
    }
    let spelled = |grant: &Grant| {
        let entry = entries(declared).find(|entry| entry.grant().as_ref() == Some(grant));
        entry.cloned().unwrap_or_else(|| AclEntry {
            path: Value::Value(grant.path.clone()),
            role: Value::Value(grant.role.clone()),
            propagate: Value::Value(grant.propagate),
        })
    };
    Value::Value(held.into_iter().map(spelled).map(Value::Value).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grant(path: &str, role: &str, propagate: bool) -> Grant {
        Grant {
            path: path.into(),
            role: role.into(),
            propagate,
        }
    }

    fn entry(path: &str, role: &str) -> AclEntry {
        AclEntry {
            path: Value::Value(path.into()),
            role: Value::Value(role.into()),
            propagate: Value::Null,
        }
    }

    #[test]
    fn a_changed_propagation_is_written_in_place_and_nothing_is_removed() {
        let changes = Changes::between(
            &[grant("/vms", "PVEAuditor", true)].into(),
            &[grant("/vms", "PVEAuditor", false)].into(),
        );
        assert_eq!(changes.add, [grant("/vms", "PVEAuditor", false)]);
        assert_eq!(changes.remove, []);
    }

    #[test]
    fn an_entry_that_is_no_longer_wanted_is_removed() {
        let changes = Changes::between(
            &[
                grant("/vms", "PVEAuditor", true),
                grant("/", "PVEAdmin", true),
            ]
            .into(),
            &[grant("/vms", "PVEAuditor", true)].into(),
        );
        assert_eq!(changes.add, []);
        assert_eq!(changes.remove, [grant("/", "PVEAdmin", true)]);
    }

    #[test]
    fn an_entry_missing_from_a_filtered_view_is_kept() {
        let declared = vec![entry("/vms", "PVEAuditor")];
        assert_eq!(
            read_back(declared.clone(), &BTreeSet::new(), false),
            declared
        );
    }

    #[test]
    fn an_entry_missing_from_a_complete_view_is_gone() {
        let declared = vec![entry("/vms", "PVEAuditor")];
        assert_eq!(read_back(declared, &BTreeSet::new(), true), []);
    }

    #[test]
    fn an_entry_keeps_its_spelling_while_the_server_agrees() {
        let declared = vec![entry("/vms/", "PVEAuditor")];
        let server = [grant("/vms", "PVEAuditor", true)].into();
        assert_eq!(read_back(declared.clone(), &server, true), declared);
    }
}
