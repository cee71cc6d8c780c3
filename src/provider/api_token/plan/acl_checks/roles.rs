//! Roles that the server does not have, and roles without privileges.

use crate::framework::Problem;
use crate::provider::api_token::acl::Grant;
use crate::provider::api_token::plan::acl_checks::scope::{Scope, warning_about};
use crate::provider::nearest::nearest;
use crate::pve::{CachedClient, Context, Error, ErrorKind, NO_ACCESS, Roles};

/// How many of the nearest names a message lists.
const LISTED: usize = 4;

/// The roles of the server, and a warning about declared roles that it does not have. Each may be
/// one that the same apply creates, so the plan goes on.
pub async fn resolve(
    client: &CachedClient,
    scope: &Scope,
    known: &Roles,
    context: &Context,
) -> (Roles, Option<Problem>) {
    let (mut roles, mut missing) = (known.clone(), Vec::new());
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
            }) => missing.push(finding(scope, grant, known)),
            Err(_) => {}
        }
    }
    (roles, unknown(client, &missing))
}

fn finding(scope: &Scope, grant: &Grant, known: &Roles) -> String {
    format!(
        "{} cannot be granted: there is no role {:?}. The nearest names are {}.",
        scope.entry(grant),
        grant.role(),
        nearest_roles(grant.role(), known).join(", "),
    )
}

fn unknown(client: &CachedClient, missing: &[String]) -> Option<Problem> {
    let remedy = format!(
        "If the same apply creates the role before this token, nothing is wrong: refer to an \
         attribute of its resource in `role`, or add that resource to `depends_on`. Otherwise \
         correct `role`, or create the role on {} (Datacenter > Permissions > Roles), since the \
         apply fails without it.",
        client.settings().endpoint
    );
    warning_about("No such role", missing, &remedy)
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
