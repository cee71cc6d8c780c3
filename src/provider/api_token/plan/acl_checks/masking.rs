//! Entries that take away what the token has from above.
//!
//! A deeper entry replaces inherited roles and does not add to them, unlike a second role at the
//! same path. `NoAccess` takes away by intention, and nothing is said of it.

use std::collections::BTreeSet;

use tf_provider::Diagnostics;

use crate::provider::api_token::acl::Grant;
use crate::provider::api_token::plan::acl_checks::{Scope, listing, warn_of_all};
use crate::pve::{Entry, Masked, Roles, masked};

/// Warns of privileges that a deeper entry masks, where the token would have them without it.
pub fn warn(scope: &Scope, foreign: &BTreeSet<Grant>, roles: &Roles, diags: &mut Diagnostics) {
    warn_of_all(
        "Entry masks inherited privileges",
        &findings(scope, foreign, roles),
        "A deeper entry takes the place of inherited ones. To keep them, declare the role from \
         above at the deeper path too; if the token is to have less there, leave it so.",
        diags,
    );
}

/// The masked privileges, where entries of this configuration are involved: entries of others that
/// mask each other are not its concern.
fn findings(scope: &Scope, foreign: &BTreeSet<Grant>, roles: &Roles) -> Vec<String> {
    let all = scope.declared.iter().chain(foreign).map(entry).collect();
    let is_ours = |masked: &Masked<'_>| {
        let mut involved = masked.by.iter().chain(&masked.of);
        involved.any(|entry| scope.declares(entry))
    };
    let masked = masked(&all, roles).into_iter().filter(is_ours);
    masked.map(|masked| message(scope, &masked)).collect()
}

/// A grant as the permission model has it.
fn entry(grant: &Grant) -> Entry<'_> {
    Entry {
        path: &grant.path,
        role: &grant.role,
        propagate: grant.propagate,
    }
}

impl Scope {
    fn declares(&self, sought: &Entry<'_>) -> bool {
        self.declared.iter().any(|grant| entry(grant) == *sought)
    }
}

fn message(scope: &Scope, masked: &Masked<'_>) -> String {
    let names = |entries: &[Entry<'_>]| listing(entries.iter().map(|entry| entry.role));
    let path = |entries: &[Entry<'_>]| entries.first().map_or("", |entry| entry.path).to_owned();
    let (here, above) = (path(&masked.by), path(&masked.of));
    let reach = if masked.by.iter().any(|entry| entry.propagate) {
        "at or below"
    } else {
        "at"
    };
    let undeclared = if masked.by.iter().any(|entry| scope.declares(entry)) {
        ""
    } else {
        ", which is on the server and not in `acl`,"
    };
    format!(
        "acl entry {here} {by} of {scope}{undeclared} replaces what the token has there from \
         {above} ({of}): {reach} {here} it is without {lost}.",
        by = names(&masked.by),
        of = names(&masked.of),
        lost = listing(masked.privileges.iter().map(String::as_str)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::api_token::plan::acl_checks::tests::{grant, roles, scope};

    fn told_of(declared: &[Grant], foreign: &[Grant]) -> Vec<String> {
        let foreign = foreign.iter().cloned().collect();
        let scope = scope(declared.iter().cloned().collect::<BTreeSet<_>>());
        findings(&scope, &foreign, &roles())
    }

    fn is_silent(declared: &[Grant], foreign: &[Grant]) {
        assert_eq!(told_of(declared, foreign), Vec::<String>::new());
    }

    #[test]
    fn a_deeper_entry_names_what_it_masks_and_where() {
        let told = told_of(
            &[
                grant("/vms", "Admin", true),
                grant("/vms/100", "User", true),
            ],
            &[],
        );
        assert_eq!(told.len(), 1);
        for words in [
            "acl entry /vms/100 User of demo@pve!ci",
            "/vms (Admin)",
            "at or below /vms/100",
            "without VM.Allocate.",
        ] {
            assert!(told[0].contains(words), "{words:?} is not in {}", told[0]);
        }
    }

    #[test]
    fn a_deeper_entry_that_holds_all_of_it_masks_nothing() {
        is_silent(
            &[grant("/", "Auditor", true), grant("/vms", "Admin", true)],
            &[],
        );
    }

    #[test]
    fn roles_at_one_path_add_up() {
        is_silent(
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
        is_silent(
            &[
                grant("/vms", "Admin", false),
                grant("/vms/100", "User", true),
            ],
            &[],
        );
        let told = told_of(
            &[grant("/", "Admin", true), grant("/vms", "User", false)],
            &[],
        );
        assert!(told[0].contains(": at /vms it"), "{}", told[0]);
    }

    #[test]
    fn a_second_role_that_does_not_propagate_is_missing_below() {
        let told = told_of(
            &[
                grant("/", "Admin", true),
                grant("/vms", "User", true),
                grant("/vms", "Admin", false),
            ],
            &[],
        );
        assert_eq!(told.len(), 1);
    }

    #[test]
    fn only_the_nearest_entries_above_count() {
        let told = told_of(
            &[
                grant("/", "Admin", true),
                grant("/vms", "User", true),
                grant("/vms/100", "Auditor", true),
            ],
            &[],
        );
        assert!(told[1].contains("/vms (User)"), "{}", told[1]);
        assert!(!told[1].contains("VM.Allocate"), "{}", told[1]);
    }

    #[test]
    fn no_access_is_meant_and_what_is_below_it_masks_nothing() {
        is_silent(
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
        let told = told_of(&[ours], std::slice::from_ref(&theirs));
        assert!(told[0].contains("not in `acl`"), "{}", told[0]);
        let told = told_of(&[theirs], &[grant("/", "Admin", true)]);
        assert_eq!(told.len(), 1);
        is_silent(
            &[grant("/storage", "Auditor", true)],
            &[
                grant("/vms", "Admin", true),
                grant("/vms/100", "User", true),
            ],
        );
    }

    #[test]
    fn a_role_that_is_not_known_is_not_judged() {
        is_silent(
            &[grant("/vms", "Admin", true), grant("/vms/100", "New", true)],
            &[],
        );
    }
}
