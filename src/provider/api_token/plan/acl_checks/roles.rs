//! Roles that the server does not have, and roles without privileges.

use tf_provider::AttributePath;

use crate::framework::Problem;
use crate::provider::api_token::acl::Grant;
use crate::provider::api_token::plan::acl_checks::scope::{Scope, warning_about};
use crate::provider::nearest::nearest;
use crate::pve::{CachedClient, Context, Error, ErrorKind, NO_ACCESS, Roles};

/// How many of the nearest names a message lists.
const LISTED: usize = 4;

/// The roles of the server, and a problem for each declared role that it does not have.
pub async fn resolve(
    client: &CachedClient,
    scope: &Scope,
    known: &Roles,
    context: &Context,
) -> (Roles, Vec<Problem>) {
    let (mut roles, mut problems) = (known.clone(), Vec::new());
    for grant in scope.declared.iter() {
        if roles.contains_key(grant.role()) {
            continue;
        }
        // It may have been created since the roles were read.
        match client.role_privileges(grant.role(), context).await {
            Ok(privileges) => {
                roles.insert(grant.role().to_owned(), privileges);
            }
            Err(Error {
                kind: ErrorKind::NoSuchRole { .. },
                ..
            }) => problems.push(unknown(client, scope, grant, known)),
            Err(_) => {}
        }
    }
    (roles, problems)
}

fn unknown(client: &CachedClient, scope: &Scope, grant: &Grant, known: &Roles) -> Problem {
    Problem::new(
        "No such role",
        format!(
            "{} cannot be granted: {} has no role {:?}. The nearest names are {}. Correct `role`, \
             or create the role first (Datacenter > Permissions > Roles). If the same apply \
             creates it, take its name from an attribute that is known only after apply, such as \
             the `id` of its resource.",
            scope.entry(grant),
            client.settings().endpoint,
            grant.role(),
            nearest_roles(grant.role(), known).join(", "),
        ),
        AttributePath::new("acl"),
    )
}

fn nearest_roles<'a>(name: &str, known: &'a Roles) -> Vec<&'a str> {
    let nearest = nearest(name, known.keys().map(String::as_str)).into_iter();
    nearest.map(|(role, _)| role).take(LISTED).collect()
}

/// Warns of roles without privileges.
pub fn warning(scope: &Scope, roles: &Roles) -> Option<Problem> {
    let is_empty = |grant: &&Grant| {
        let privileges = roles.get(grant.role());
        grant.role() != NO_ACCESS && privileges.is_some_and(|privileges| privileges.is_empty())
    };
    let empty = scope.declared.iter().filter(is_empty).map(|grant| {
        let entry = scope.entry(grant);
        format!("{entry} grants nothing: the role has no privileges.")
    });
    let empty: Vec<String> = empty.collect();
    warning_about(
        "Role without privileges",
        &empty,
        "Such an entry also takes away the privileges that the token inherits from above, since a \
         deeper entry replaces inherited ones. Give the role privileges (Datacenter > Permissions \
         > Roles), choose another role, or use NoAccess if no access is intended.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::api_token::plan::acl_checks::scope::tests::{grant, roles, scope};

    #[test]
    fn the_plan_warns_of_a_role_without_privileges_but_not_of_no_access() {
        for (role, expected) in [
            ("Empty", true),
            ("NoAccess", false),
            ("Auditor", false),
            ("New", false),
        ] {
            let warning = warning(&scope([grant("/vms", role, true)]), &roles());
            assert_eq!(warning.is_some(), expected, "{role}");
        }
    }
}
