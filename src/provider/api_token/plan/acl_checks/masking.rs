//! Entries that mask the privileges that the token inherits from above.
//!
//! A deeper entry replaces inherited roles and does not add to them, unlike a second role at the
//! same path. `NoAccess` masks by intention, so it causes no warning.

use crate::framework::Problem;
use crate::provider::api_token::acl::{Grant, Grants};
use crate::provider::api_token::plan::acl_checks::scope::{Scope, warning_about};
use crate::provider::diagnostics::listing::listing;
use crate::pve::{Entry, Masked, Roles, masked};

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
    let all = scope.declared.iter().chain(foreign.iter());
    let all = all.map(Grant::in_model).collect();
    let is_ours = |masked: &Masked<'_>| {
        let mut involved = masked.by.iter().chain(&masked.of);
        involved.any(|entry| scope.declares(entry))
    };
    let masked = masked(&all, roles).into_iter().filter(is_ours);
    masked.map(|masked| message(scope, &masked)).collect()
}

impl Scope {
    fn declares(&self, entry: &Entry<'_>) -> bool {
        let grant = Grant::new(entry.path, entry.role, entry.propagate);
        self.declared.contains(&grant)
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
    use crate::provider::api_token::plan::acl_checks::scope::tests::{grant, roles, scope};

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
