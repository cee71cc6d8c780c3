//! Roles that the server does not have, and roles that hold nothing.

use tf_provider::{AttributePath, Diagnostics};

use crate::framework::Report;
use crate::provider::api_token::acl::Grant;
use crate::provider::api_token::plan::acl_checks::{Scope, warn_of_all};
use crate::provider::nearest::nearest;
use crate::pve::{Client, Context, Error, ErrorKind, NO_ACCESS, Roles};

/// How many of the nearest role names a message lists.
const LISTED: usize = 4;

/// Refuses roles that the server does not have and warns of those without privileges. Returns
/// the roles that there are.
pub async fn check(
    client: &Client,
    scope: &Scope,
    known: &Roles,
    context: &Context,
    diags: &mut Diagnostics,
) -> Roles {
    let mut roles = known.clone();
    for grant in &scope.declared {
        if roles.contains_key(&grant.role) {
            continue;
        }
        // It may have been made since the roles were read.
        match client.role_privileges(&grant.role, context).await {
            Ok(privileges) => {
                roles.insert(grant.role.clone(), privileges);
            }
            Err(Error {
                kind: ErrorKind::NoSuchRole { .. },
                ..
            }) => refuse(client, scope, grant, known, diags),
            Err(_) => {}
        }
    }
    warn_of_nothing(scope, &roles, diags);
    roles
}

fn refuse(client: &Client, scope: &Scope, grant: &Grant, known: &Roles, diags: &mut Diagnostics) {
    diags.fail(
        "No such role",
        format!(
            "{} cannot be granted: {} has no role {:?}. The nearest names there: {}. Correct \
             `role`, or make the role first (Datacenter > Permissions > Roles). If it is made in \
             the same apply, take its name from an attribute that is known only after apply, such \
             as the `id` of its resource.",
            scope.entry(grant),
            client.settings().endpoint,
            grant.role,
            nearest_roles(&grant.role, known).join(", "),
        ),
        AttributePath::new("acl"),
    );
}

fn nearest_roles<'a>(name: &str, known: &'a Roles) -> Vec<&'a str> {
    let nearest = nearest(name, known.keys().map(String::as_str)).into_iter();
    nearest.map(|(role, _)| role).take(LISTED).collect()
}

fn warn_of_nothing(scope: &Scope, roles: &Roles, diags: &mut Diagnostics) {
    let is_empty = |grant: &&Grant| {
        let privileges = roles.get(&grant.role);
        grant.role != NO_ACCESS && privileges.is_some_and(|held| held.is_empty())
    };
    let empty: Vec<String> = scope
        .declared
        .iter()
        .filter(is_empty)
        .map(|grant| {
            format!(
                "{} grants nothing: the role has no privileges.",
                scope.entry(grant)
            )
        })
        .collect();
    warn_of_all(
        "Role without privileges",
        &empty,
        "Such an entry even takes away what the token has from above, since a deeper entry \
         replaces inherited ones. Give the role privileges (Datacenter > Permissions > Roles), \
         choose another one, or NoAccess if that is what is meant.",
        diags,
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::api_token::plan::acl_checks::tests::{grant, roles, scope};

    #[test]
    fn a_role_without_privileges_is_told_unless_it_is_meant() {
        for (role, told) in [("Empty", 1), ("NoAccess", 0), ("Auditor", 0), ("New", 0)] {
            let mut diags = Diagnostics::default();
            warn_of_nothing(&scope([grant("/vms", role, true)]), &roles(), &mut diags);
            assert_eq!(diags.warnings.len(), told, "{role}");
        }
    }
}
