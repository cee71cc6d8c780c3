//! Entries that mask the privileges that the token inherits from above.
//!
//! A deeper entry replaces inherited roles and does not add to them, unlike a second role at the
//! same path. `NoAccess` masks by intention, so it causes no warning.

use std::collections::{BTreeMap, BTreeSet};

use crate::framework::Problem;
use crate::provider::api_token::acl::{Grant, Grants};
use crate::provider::api_token::plan::acl_checks::roles::NO_ACCESS;
use crate::provider::api_token::plan::acl_checks::{Scope, listing, warning_about};
use crate::pve::{Roles, is_below};

/// Warns of privileges that a deeper entry masks, where the token would have them without it.
pub fn warning(scope: &Scope, foreign: &Grants, roles: &Roles) -> Option<Problem> {
    warning_about(
        "Entry masks inherited privileges",
        &findings(scope, foreign, roles),
        "A deeper entry replaces inherited ones. To keep the inherited privileges, also declare \
         the role from above at the deeper path. If the token should have fewer privileges there, \
         ignore this warning.",
    )
}

/// The masked privileges, where entries of this configuration are involved: entries of others that
/// mask each other are not its concern.
fn findings(scope: &Scope, foreign: &Grants, roles: &Roles) -> Vec<String> {
    let all: BTreeSet<&Grant> = scope.declared.iter().chain(foreign.iter()).collect();
    let is_ours = |masked: &Masked| {
        let mut involved = masked.by.iter().chain(&masked.of);
        involved.any(|grant| scope.declared.contains(grant))
    };
    let masked = masked(&all, roles).into_iter().filter(is_ours);
    masked.map(|masked| message(scope, &masked)).collect()
}

/// The privileges lost at one path.
struct Masked<'a> {
    /// The entries at that path.
    by: Vec<&'a Grant>,
    /// The entries above that would hold there without them.
    of: Vec<&'a Grant>,
    privileges: BTreeSet<String>,
}

fn masked<'a>(all: &BTreeSet<&'a Grant>, roles: &Roles) -> Vec<Masked<'a>> {
    let mut by_path: BTreeMap<&str, Vec<&'a Grant>> = BTreeMap::new();
    for &grant in all {
        by_path.entry(grant.path()).or_default().push(grant);
    }
    let at_path = |(path, by): (&&str, &Vec<&'a Grant>)| {
        let of = inherited(path, &by_path);
        let is_meant = by.iter().any(|grant| grant.role() == NO_ACCESS);
        let lost = lost(&of, by, roles)?;
        (!is_meant && !lost.is_empty()).then(|| Masked {
            by: by.clone(),
            of,
            privileges: lost,
        })
    };
    by_path.iter().filter_map(at_path).collect()
}

/// The entries that hold at a path when it has none of its own: those that propagate at the
/// nearest path above that has such. `NoAccess` among them leaves nothing.
fn inherited<'a>(path: &str, by_path: &BTreeMap<&str, Vec<&'a Grant>>) -> Vec<&'a Grant> {
    let above = by_path.iter().filter(|(other, _)| is_below(path, other));
    let propagating = above.filter_map(|(other, grants)| {
        let grants: Vec<_> = grants
            .iter()
            .copied()
            .filter(|grant| grant.propagates())
            .collect();
        (!grants.is_empty()).then_some((other.len(), grants))
    });
    let nearest = propagating.max_by_key(|(length, _)| *length);
    let grants = nearest.map(|(_, grants)| grants).unwrap_or_default();
    if grants.iter().any(|grant| grant.role() == NO_ACCESS) {
        return Vec::new();
    }
    grants
}

/// The privileges that entries give and those that replace them do not; `None` if not every role
/// is known. Where some of the latter propagate, they are what replaces the former below.
fn lost(of: &[&Grant], by: &[&Grant], roles: &Roles) -> Option<BTreeSet<String>> {
    let before = privileges(of.iter(), roles)?;
    let propagating: Vec<_> = by.iter().filter(|grant| grant.propagates()).collect();
    let after = if propagating.is_empty() {
        privileges(by.iter(), roles)?
    } else {
        privileges(propagating.into_iter(), roles)?
    };
    Some(before.difference(&after).cloned().collect())
}

fn privileges<'a, 'b: 'a>(
    grants: impl Iterator<Item = &'a &'b Grant>,
    roles: &Roles,
) -> Option<BTreeSet<String>> {
    let mut all = BTreeSet::new();
    for grant in grants {
        all.extend(roles.get(grant.role())?.iter().cloned());
    }
    Some(all)
}

fn message(scope: &Scope, masked: &Masked) -> String {
    let names = |grants: &[&Grant]| listing(grants.iter().map(|grant| grant.role()));
    let path = |grants: &[&Grant]| grants.first().map_or("", |grant| grant.path()).to_owned();
    let (here, above) = (path(&masked.by), path(&masked.of));
    let reach = if masked.by.iter().any(|grant| grant.propagates()) {
        "at or below"
    } else {
        "at"
    };
    let undeclared = if masked.by.iter().any(|grant| scope.declared.contains(grant)) {
        ""
    } else {
        ", which is on the server and not in `acl`,"
    };
    format!(
        "acl entry {here} {by} of {scope}{undeclared} replaces the roles that the token inherits \
         there from {above} ({of}): {reach} {here} it is without {lost}.",
        by = names(&masked.by),
        of = names(&masked.of),
        lost = listing(&masked.privileges),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::api_token::plan::acl_checks::tests::{grant, roles, scope};

    fn messages(declared: &[Grant], foreign: &[Grant]) -> Vec<String> {
        let foreign = foreign.iter().cloned().collect();
        let scope = scope(declared.iter().cloned());
        findings(&scope, &foreign, &roles())
    }

    fn masks_nothing(declared: &[Grant], foreign: &[Grant]) {
        assert_eq!(messages(declared, foreign), Vec::<String>::new());
    }

    #[test]
    fn a_masking_entry_is_named_with_the_lost_privileges() {
        let masked = messages(
            &[
                grant("/vms", "Admin", true),
                grant("/vms/100", "User", true),
            ],
            &[],
        );
        assert_eq!(masked.len(), 1);
        for words in [
            "acl entry /vms/100 User of demo@pve!ci",
            "/vms (Admin)",
            "at or below /vms/100",
            "without VM.Allocate.",
        ] {
            assert!(
                masked[0].contains(words),
                "{words:?} is not in {}",
                masked[0]
            );
        }
    }

    #[test]
    fn a_deeper_entry_that_holds_all_of_it_masks_nothing() {
        masks_nothing(
            &[grant("/", "Auditor", true), grant("/vms", "Admin", true)],
            &[],
        );
    }

    #[test]
    fn roles_at_one_path_add_up() {
        masks_nothing(
            &[
                grant("/", "User", true),
                grant("/vms", "Auditor", true),
                grant("/vms", "Admin", true),
            ],
            &[],
        );
    }

    #[test]
    fn what_does_not_propagate_is_not_inherited_and_masks_its_own_path_only() {
        masks_nothing(
            &[
                grant("/vms", "Admin", false),
                grant("/vms/100", "User", true),
            ],
            &[],
        );
        let masked = messages(
            &[grant("/", "Admin", true), grant("/vms", "User", false)],
            &[],
        );
        assert!(masked[0].contains(": at /vms it"), "{}", masked[0]);
    }

    #[test]
    fn a_second_role_that_does_not_propagate_is_missing_below() {
        let masked = messages(
            &[
                grant("/", "Admin", true),
                grant("/vms", "User", true),
                grant("/vms", "Admin", false),
            ],
            &[],
        );
        assert_eq!(masked.len(), 1);
    }

    #[test]
    fn only_the_nearest_entries_above_count() {
        let masked = messages(
            &[
                grant("/", "Admin", true),
                grant("/vms", "User", true),
                grant("/vms/100", "Auditor", true),
            ],
            &[],
        );
        assert!(masked[1].contains("/vms (User)"), "{}", masked[1]);
        assert!(!masked[1].contains("VM.Allocate"), "{}", masked[1]);
    }

    #[test]
    fn no_access_is_meant_and_what_is_below_it_masks_nothing() {
        masks_nothing(
            &[
                grant("/", "Admin", true),
                grant("/vms", "NoAccess", true),
                grant("/vms/100", "Auditor", true),
            ],
            &[],
        );
    }

    #[test]
    fn entries_of_others_count_where_ours_are_involved() {
        let ours = grant("/vms", "Admin", true);
        let theirs = grant("/vms/100", "Auditor", true);
        let masked = messages(&[ours], std::slice::from_ref(&theirs));
        assert!(masked[0].contains("not in `acl`"), "{}", masked[0]);
        let masked = messages(&[theirs], &[grant("/", "Admin", true)]);
        assert_eq!(masked.len(), 1);
        masks_nothing(
            &[grant("/storage", "Auditor", true)],
            &[
                grant("/vms", "Admin", true),
                grant("/vms/100", "User", true),
            ],
        );
    }

    #[test]
    fn a_role_that_is_not_known_is_not_judged() {
        masks_nothing(
            &[grant("/vms", "Admin", true), grant("/vms/100", "New", true)],
            &[],
        );
    }
}
